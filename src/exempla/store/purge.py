"""Remove what is gone, a part at a time, so that other writers need not wait.

That is deleted datasets, those that never came to be (see `bulk.py`), and old answers.
"""

from __future__ import annotations

import asyncio

from exempla import clock
from exempla.store import idempotency
from exempla.store.database import Database
from exempla.store.transaction import Transaction

ROWS_AT_ONCE = 5_000

BETWEEN_PARTS_S = 0.005
"""How long to leave the database to other writers; they may be in other processes."""

ABANDONED_AFTER_S = 3_600
"""A dataset that is being filled was given up when nothing came for so long."""

_NEXT = """
    SELECT id FROM datasets
    WHERE space_id IS NULL AND (latest_version > 0 OR updated_at < :abandoned)
    ORDER BY id LIMIT 1"""

# What is below this is removed next: a range of the primary key.
_BOUND = """
    SELECT {key} FROM {table} WHERE dataset_id = :id ORDER BY {key} LIMIT 1 OFFSET :rows"""

_KEYS = {
    "revisions": "ordinal",
    "annotations": "ordinal",
    "changes": "ordinal",
    "examples": "ordinal",
    "writes": "at",
}
"""The tables that grow with a dataset, and what comes second in their primary keys."""


async def purge_all(database: Database) -> None:
    """Remove all that is gone."""
    while await database.write(purge_some):
        await asyncio.sleep(BETWEEN_PARTS_S)


def purge_some(tx: Transaction) -> bool:
    """Remove up to about `ROWS_AT_ONCE` rows of a deleted dataset, or answers that are too old.

    False when none is left.
    """
    row = tx.one(_NEXT, abandoned=clock.now() - ABANDONED_AFTER_S * clock.MICROSECONDS)
    return _purge(tx, row[0]) if row else idempotency.purge_some(tx)


def purge_one(tx: Transaction, id: int) -> bool:
    """Remove rows of this dataset, if it is deleted; False when none is left."""
    row = tx.one("SELECT 1 FROM datasets WHERE id = :id AND space_id IS NULL", id=id)
    return bool(row) and _purge(tx, id)


def _purge(tx: Transaction, id: int) -> bool:
    for table, key in _KEYS.items():
        bound = tx.one(_BOUND.format(table=table, key=key), id=id, rows=ROWS_AT_ONCE)
        if bound:
            # One example may have many revisions: at least its own are removed.
            tx.run(
                f"DELETE FROM {table} WHERE dataset_id = :id AND {key} <= :bound",
                id=id,
                bound=bound[0],
            )
            return True
        tx.run(f"DELETE FROM {table} WHERE dataset_id = :id", id=id)
    tx.run("DELETE FROM dataset_tags WHERE dataset_id = :id", id=id)
    tx.run("DELETE FROM digests WHERE dataset_id = :id", id=id)
    tx.run("DELETE FROM schemas WHERE dataset_id = :id", id=id)
    tx.run("DELETE FROM versions WHERE dataset_id = :id", id=id)
    tx.run("DELETE FROM datasets WHERE id = :id", id=id)
    return True
