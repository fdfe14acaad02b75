"""What the engine itself can tell of the health of its database.

SQLite reads all of the file, its indexes included. PostgreSQL keeps checksums and foreign keys
itself, and tells of damage when rows are read, as the other checks do; `pg_amcheck` looks at its
indexes.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from exempla.store.check.violations import Violation
from exempla.store.engines import Sqlite
from exempla.store.transaction import Transaction

MANY = 100
"""Faults of one kind that are told at most."""


def check_engine(tx: Transaction) -> Iterator[Violation]:
    """Yield what SQLite finds damaged in the file, and rows that refer to nothing."""
    if not isinstance(tx.engine, Sqlite):
        return
    try:
        for (said,) in tx.each(f"PRAGMA integrity_check({MANY})"):
            if said != "ok":
                yield Violation(f"the file is damaged: {' '.join(str(said).split())}")
        for table, row, parent, _ in islice(tx.each("PRAGMA foreign_key_check"), MANY):
            yield Violation(f"row {row} of {table} refers to a row of {parent} that is not there")
    except tx.engine.Error as error:  # it may be too damaged to be looked at
        yield Violation(f"the file is damaged: {error}")
