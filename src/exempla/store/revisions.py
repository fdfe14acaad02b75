"""The temporal table of examples: what each version holds, and how a write keeps it so.

A version `v` holds the revisions with `valid_from <= v < valid_to` (see `tables.py`). A write to
`v` must be seen by `v` alone. So it splits a revision that other versions hold too: the part
before `v` is kept, `v`'s own part is written, the part after `v` is kept. Nothing comes after the
latest version, whose revisions end at `END`.

Every statement is O(rows written or returned x log n), whatever the size of the dataset.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from exempla.store.database import Row, Transaction
from exempla.store.tables import END


class At(NamedTuple):
    """The version that is read or written."""

    dataset_id: int
    number: int
    is_latest: bool
    last_ordinal: int
    """No example of the version comes after it."""

    @property
    def end(self) -> int:
        """The `valid_to` of a revision that is written to this version."""
        return END if self.is_latest else self.number + 1


class Held(NamedTuple):
    """An example as a version holds it."""

    id: str
    ordinal: int
    valid_from: int
    valid_to: int
    updated_at: int
    body: str


class NewExample(NamedTuple):
    """An example to add."""

    ordinal: int
    id: str
    created_at: int
    updated_at: int
    body: str


def held(alias: str, at: At, version: str) -> str:
    """Return the condition that the version holds the revision `alias`; its number is `:version`.

    The latest version has an index of its own, which names the condition literally.
    """
    if at.is_latest:
        return f"{alias}.valid_to = {END}"
    return f"{alias}.valid_from <= :{version} AND {alias}.valid_to > :{version}"


# CROSS JOIN keeps SQLite's planner from reading the whole index instead of looking up each id.
_FIND = """
    SELECT e.id, e.ordinal, r.valid_from, r.valid_to, r.updated_at, r.body
    FROM EACH(:ids) AS given (value)
    CROSS JOIN examples AS e
    CROSS JOIN revisions AS r
    WHERE e.dataset_id = :dataset_id AND e.id = given.value
      AND r.dataset_id = e.dataset_id AND r.ordinal = e.ordinal AND """

_PAGE = """
    SELECT r.ordinal, e.id, e.created_at, r.updated_at, r.body
    FROM revisions AS r
    JOIN examples AS e ON e.dataset_id = r.dataset_id AND e.ordinal = r.ordinal
    WHERE r.dataset_id = :dataset_id AND r.ordinal > :after AND r.ordinal <= :last AND {held}
    ORDER BY r.ordinal
    LIMIT :limit"""

_OPEN = """
    INSERT INTO revisions (dataset_id, ordinal, valid_from, valid_to, updated_at, body)
    VALUES (:dataset_id, :ordinal, :valid_from, :valid_to, :updated_at, :body)"""

_THIS = " WHERE dataset_id = :dataset_id AND ordinal = :ordinal AND valid_from = :valid_from"
_OVERWRITE = "UPDATE revisions SET body = :body, updated_at = :updated_at" + _THIS
_END_AT = "UPDATE revisions SET valid_to = :valid_to" + _THIS
_DROP = "DELETE FROM revisions" + _THIS

# "valid_from > 1" and "valid_to < END" follow from the rest; they let the partial indexes serve.
_CLOSE_WHAT_BASE_LACKS = f"""
    UPDATE revisions SET valid_to = :number
    WHERE dataset_id = :dataset_id AND valid_from > :base AND valid_from > 1 AND valid_to = {END}"""
_REOPEN_WHAT_BASE_HAD = f"""
    INSERT INTO revisions (dataset_id, ordinal, valid_from, valid_to, updated_at, body)
    SELECT dataset_id, ordinal, :number, {END}, updated_at, body
    FROM revisions
    WHERE dataset_id = :dataset_id AND valid_from <= :base
      AND valid_to > :base AND valid_to < :number AND valid_to < {END}"""


_BODY = """
    SELECT body FROM revisions
    WHERE dataset_id = :dataset_id AND ordinal = :ordinal
      AND valid_from <= :version AND valid_to > :version"""

_HELD_OF = """
    SELECT e.ordinal, e.id, r.body
    FROM EACH(:ordinals) AS given (value)
    CROSS JOIN examples AS e
    LEFT JOIN revisions AS r ON r.dataset_id = e.dataset_id AND r.ordinal = e.ordinal AND {held}
    WHERE e.dataset_id = :dataset_id AND e.ordinal = CAST(given.value AS BIGINT)"""

_EVERYTHING = """
    SELECT r.ordinal, e.id, r.valid_from, r.valid_to, r.body
    FROM revisions AS r
    JOIN examples AS e ON e.dataset_id = r.dataset_id AND e.ordinal = r.ordinal
    WHERE r.dataset_id = :dataset_id
    ORDER BY r.ordinal, r.valid_from"""

# What was neither opened nor closed between two versions is the same in both. "+ordinal" keeps
# SQLite's planner from reading all that comes after the ordinal.
_DIFFERING = """
    SELECT c.ordinal, e.id, old.body, new.body
    FROM (
        SELECT ordinal FROM revisions
        WHERE dataset_id = :dataset_id AND +ordinal > :after
          AND valid_from > :lower AND valid_from <= :upper AND valid_from > 1
        UNION
        SELECT ordinal FROM revisions
        WHERE dataset_id = :dataset_id AND +ordinal > :after
          AND valid_to > :lower AND valid_to <= :upper AND valid_to < {end}
    ) AS c
    CROSS JOIN examples AS e
    LEFT JOIN revisions AS old ON old.dataset_id = e.dataset_id AND old.ordinal = e.ordinal
        AND {old_held}
    LEFT JOIN revisions AS new ON new.dataset_id = e.dataset_id AND new.ordinal = e.ordinal
        AND {new_held}
    WHERE e.dataset_id = :dataset_id AND e.ordinal = c.ordinal
      AND COALESCE(old.body, '') <> COALESCE(new.body, '')
    ORDER BY c.ordinal"""


def find(tx: Transaction, at: At, ids: Sequence[str]) -> dict[str, Held]:
    """Return what the version holds of the examples with these ids, by id."""
    # PostgreSQL's text cannot hold U+0000, so no example has an id with it.
    given = msgspec.json.encode([id for id in ids if "\0" not in id]).decode()
    statement = _FIND + held("r", at, "version")
    rows = tx.all(statement, ids=given, dataset_id=at.dataset_id, version=at.number)
    return {row[0]: Held(*row) for row in rows}


_ALL = 2**62

MAX_PART = 1_000
"""Examples that are read at once."""

PART_SIZE = 8_000_000
"""Characters of the examples that are read at once, about: the last part tells their size."""


def page(tx: Transaction, at: At, after: int, limit: int) -> list[Row]:
    """Return the version's examples after this ordinal, in order, at most `limit` of them.

    Each is `(ordinal, id, created_at, updated_at, body)`.
    """
    return tx.all(
        _PAGE.format(held=held("r", at, "version")),
        dataset_id=at.dataset_id,
        version=at.number,
        after=after,
        last=at.last_ordinal,
        limit=limit,
    )


def parts(tx: Transaction, at: At, after: int = 0) -> Iterator[list[Row]]:
    """Yield all of the version's examples after this ordinal, as `page` gives them, in parts.

    The parts are not too large, whatever the size of the examples.
    """
    part: list[Row] = []
    size = 0
    rows = tx.each(
        _PAGE.format(held=held("r", at, "version")),
        dataset_id=at.dataset_id,
        version=at.number,
        after=after,
        last=at.last_ordinal,
        limit=_ALL,
    )
    for row in rows:
        part.append(row)
        size += len(row[-1])
        if len(part) == MAX_PART or size >= PART_SIZE:
            yield part
            part, size = [], 0
    if part:
        yield part


def next_size(part: Sequence[Row]) -> int:
    """Return how many examples to read after these, whose bodies come last in their rows.

    Four times as many, unless they are large.
    """
    characters = sum(len(row[-1]) for row in part)
    room = PART_SIZE * len(part) // max(characters, 1)
    return max(1, min(4 * len(part), MAX_PART, room))


def body_of(tx: Transaction, dataset_id: int, version: int, ordinal: int) -> str | None:
    """Return what the version with this number holds of the example; None if it lacks it."""
    row = tx.one(_BODY, dataset_id=dataset_id, version=version, ordinal=ordinal)
    return row[0] if row else None


def held_of(at: At) -> str:
    """Return the query of what the version holds of examples, to be run as part of another.

    It takes `:ordinals`, a JSON array of strings, `:dataset_id` and `:version`. Each row is
    `(ordinal, id, body)`, the body null where the version lacks the example.
    """
    return _HELD_OF.format(held=held("r", at, "version"))


def all_of(tx: Transaction, dataset_id: int) -> Iterator[Row]:
    """Yield all that all versions of a dataset hold, by ordinal and version.

    Each is `(ordinal, id, valid_from, valid_to, body)`; `valid_to` is `END` for what the latest
    version holds.
    """
    yield from tx.each(_EVERYTHING, dataset_id=dataset_id)


def differing(
    tx: Transaction, base: At, head: At, after: int
) -> Iterator[tuple[int, str, str | None, str | None]]:
    """Yield the examples after this ordinal whose bodies differ between two versions, in order.

    Each is `(ordinal, id, body in base, body in head)`, None where the version lacks it. Costs
    what was opened or closed between the two, whatever the size of the dataset.
    """
    statement = _DIFFERING.format(
        end=END, old_held=held("old", base, "base"), new_held=held("new", head, "head")
    )
    lower, upper = sorted((base.number, head.number))
    yield from tx.each(
        statement,
        dataset_id=base.dataset_id,
        after=after,
        lower=lower,
        upper=upper,
        base=base.number,
        head=head.number,
    )


def add(tx: Transaction, at: At, added: Iterable[NewExample]) -> None:
    """Add new examples to the version."""
    added = list(added)
    tx.insert(
        "examples",
        ("dataset_id", "ordinal", "id", "created_at"),
        ((at.dataset_id, new.ordinal, new.id, new.created_at) for new in added),
    )
    tx.insert(
        "revisions",
        ("dataset_id", "ordinal", "valid_from", "valid_to", "updated_at", "body"),
        ((at.dataset_id, n.ordinal, at.number, at.end, n.updated_at, n.body) for n in added),
    )


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

    From the latest this costs nothing. From an older version it writes what differs between
    that one and the latest: what the older one lacks is closed, what it had is opened again.
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
