"""How a write keeps the temporal table of examples so that it is seen by its version alone.

A write to the version `v` splits a revision that other versions hold too: the part before `v` is
kept, `v`'s own part is written, the part after `v` is kept. Nothing comes after the latest
version, whose revisions end at `END`.

Every statement is O(rows written x log n), whatever the size of the dataset.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import NamedTuple

from exempla.store.revisions import At, Held
from exempla.store.tables import END
from exempla.store.transaction import Transaction


class NewExamples(NamedTuple):
    """Very many examples to add, numbered from `ordinal` on, without an object for each."""

    ordinal: int
    ids: list[str]
    created_at: Sequence[int]
    updated_at: Sequence[int]
    sizes: list[int]
    """How many bytes each body has."""
    bodies: bytes
    """One behind the other."""


_OPEN = """
    INSERT INTO revisions (dataset_id, ordinal, valid_from, valid_to, updated_at, body)
    VALUES (:dataset_id, :ordinal, :valid_from, :valid_to, :updated_at, :body)"""

_THIS = " WHERE dataset_id = :dataset_id AND ordinal = :ordinal AND valid_from = :valid_from"
_OVERWRITE = "UPDATE revisions SET body = :body, updated_at = :updated_at" + _THIS
_END_AT = "UPDATE revisions SET valid_to = :valid_to" + _THIS
_DROP = "DELETE FROM revisions" + _THIS

# "valid_from > 1" and "valid_to < END" follow from the rest; they let the partial indexes serve,
# and "+valid_to" keeps another one from serving.
# Both planners look up a subquery that stands for a value, row by row.
_CLOSE_WHAT_BASE_LACKS = f"""
    UPDATE revisions SET valid_to = :number
    WHERE dataset_id = :dataset_id AND valid_from > :base AND valid_from > 1 AND +valid_to = {END}
      AND NOT COALESCE((
        SELECT had.updated_at = revisions.updated_at AND had.body = revisions.body
        FROM revisions AS had
        WHERE had.dataset_id = :dataset_id AND had.ordinal = revisions.ordinal
          AND had.valid_from <= :base AND had.valid_to > :base), FALSE)"""
_REOPEN_WHAT_BASE_HAD = f"""
    INSERT INTO revisions (dataset_id, ordinal, valid_from, valid_to, updated_at, body)
    SELECT had.dataset_id, had.ordinal, :number, {END}, had.updated_at, had.body
    FROM revisions AS had
    WHERE had.dataset_id = :dataset_id AND had.valid_from <= :base
      AND had.valid_to > :base AND had.valid_to < :number AND had.valid_to < {END}
      AND (
        SELECT 1 FROM revisions AS kept
        WHERE kept.dataset_id = :dataset_id AND kept.ordinal = had.ordinal
          AND kept.valid_to = {END}) IS NULL"""

_OF_EXAMPLES = ("dataset_id", "ordinal", "id", "created_at")
_OF_REVISIONS = ("dataset_id", "ordinal", "valid_from", "valid_to", "updated_at", "body")


def add(
    tx: Transaction,
    at: At,
    ordinal: int,
    ids: Sequence[str],
    created_at: Sequence[int],
    bodies: Iterable[str],
) -> None:
    """Add new examples to the version, numbered from `ordinal` on; each updated when created."""
    ordinals = _add_ids(tx, at, ordinal, ids, created_at)
    rows = zip(*_constant(at, ordinals), created_at, bodies, strict=False)
    tx.insert("revisions", _OF_REVISIONS, rows)


def add_many(tx: Transaction, at: At, added: NewExamples) -> None:
    """Do the same with very many."""
    ordinals = _add_ids(tx, at, added.ordinal, added.ids, added.created_at)
    rows = zip(*_constant(at, ordinals), added.updated_at, strict=False)
    tx.insert_texts("revisions", _OF_REVISIONS, rows, added.sizes, added.bodies)


def _add_ids(
    tx: Transaction, at: At, ordinal: int, ids: Sequence[str], created_at: Sequence[int]
) -> range:
    ordinals = range(ordinal, ordinal + len(ids))
    rows = zip(repeat(at.dataset_id), ordinals, ids, created_at, strict=False)
    tx.insert("examples", _OF_EXAMPLES, rows)
    return ordinals


def _constant(at: At, ordinals: range) -> tuple[Iterable[int], ...]:
    """Return the first columns of revisions that only this version, or all from it on, hold."""
    return repeat(at.dataset_id), ordinals, repeat(at.number), repeat(at.end)


def replace(tx: Transaction, at: At, bodies: Iterable[tuple[Held, str]], updated_at: int) -> None:
    """Give examples that the version holds new bodies, in this version alone."""
    overwrite: list[dict[str, object]] = []
    end_at: list[dict[str, object]] = []
    opened: list[dict[str, object]] = []
    for held, body in bodies:
        if held.valid_from == at.number:
            overwrite.append(_this(at, held) | {"body": body, "updated_at": updated_at})
            if held.valid_to != at.end:
                end_at.append(_this(at, held) | {"valid_to": at.end})
        else:
            end_at.append(_this(at, held) | {"valid_to": at.number})
            opened.append(_revision(at, held.ordinal, at.number, at.end, updated_at, body))
        opened.extend(_after(at, held))
    tx.run_many(_OVERWRITE, overwrite)
    tx.run_many(_END_AT, end_at)
    tx.run_many(_OPEN, opened)


def remove(tx: Transaction, at: At, removed: Iterable[Held]) -> None:
    """Take examples out of the version, and of no other."""
    drop: list[dict[str, object]] = []
    end_at: list[dict[str, object]] = []
    opened: list[dict[str, object]] = []
    for held in removed:
        if held.valid_from == at.number:
            drop.append(_this(at, held))
        else:
            end_at.append(_this(at, held) | {"valid_to": at.number})
        opened.extend(_after(at, held))
    tx.run_many(_DROP, drop)
    tx.run_many(_END_AT, end_at)
    tx.run_many(_OPEN, opened)


def branch(tx: Transaction, base: At, number: int) -> None:
    """Make version `number`, the one after the latest, hold what `base` holds.

    From the latest this costs nothing. From an older version it reads what was opened or closed
    since, and writes what differs between that one and the latest: what the older one lacks is
    closed, what it had is opened again.
    """
    if not base.is_latest:
        values = {"dataset_id": base.dataset_id, "base": base.number, "number": number}
        tx.run(_CLOSE_WHAT_BASE_LACKS, **values)
        tx.run(_REOPEN_WHAT_BASE_HAD, **values)


def _after(at: At, held: Held) -> list[dict[str, object]]:
    """Return the part of a revision that the versions after this one keep, if any do."""
    if held.valid_to <= at.end:
        return []
    return [_revision(at, held.ordinal, at.end, held.valid_to, held.updated_at, held.body)]


def _this(at: At, held: Held) -> dict[str, object]:
    return {"dataset_id": at.dataset_id, "ordinal": held.ordinal, "valid_from": held.valid_from}


def _revision(
    at: At, ordinal: int, valid_from: int, valid_to: int, updated_at: int, body: str
) -> dict[str, object]:
    return {
        "dataset_id": at.dataset_id,
        "ordinal": ordinal,
        "valid_from": valid_from,
        "valid_to": valid_to,
        "updated_at": updated_at,
        "body": body,
    }
