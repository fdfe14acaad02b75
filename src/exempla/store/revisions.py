"""The temporal table of examples: what each version holds.

A version `v` holds the revisions with `valid_from <= v < valid_to` (see `tables.py`); `revising.py`
writes them.

Every statement is O(rows returned x log n), whatever the size of the dataset.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import NamedTuple

import msgspec

from exempla.store.tables import END
from exempla.store.transaction import Row, Transaction


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


def held(alias: str, at: At, version: str) -> str:
    """Return the condition that the version holds the revision `alias`; its number is `:version`.

    The latest version has an index of its own, which names the condition literally.
    """
    if at.is_latest:
        return f"{alias}.valid_to = {END}"
    return f"{alias}.valid_from <= :{version} AND {alias}.valid_to > :{version}"


_REVISION = "r.dataset_id = :dataset_id AND r.ordinal = e.ordinal AND {held}"

_FIND = f"""
    SELECT e.id, e.ordinal, r.valid_from, r.valid_to, r.updated_at, r.body
    FROM EACH(:ids) AS given (value)
    CROSS JOIN LOOKUP(examples AS e WHERE e.dataset_id = :dataset_id AND e.id = given.value)
    CROSS JOIN LOOKUP(revisions AS r WHERE {_REVISION})"""

_LATEST_PAGE = f"""
    SELECT r.ordinal, e.id, e.created_at, r.updated_at, r.body
    FROM revisions AS r
    CROSS JOIN LOOKUP(examples AS e WHERE e.dataset_id = :dataset_id AND e.ordinal = r.ordinal)
    WHERE r.dataset_id = :dataset_id AND r.ordinal {{beyond}} :place AND r.ordinal <= :last
      AND r.valid_to = {END}
    ORDER BY r.ordinal {{order}}
    LIMIT :limit"""

# All that an example ever held lies side by side. This finds what the version holds of it without
# reading the rest, which costs a look-up for each example. "+ordinal" keeps SQLite's planner from
# searching by the range of the ordinals instead.
_OLD_PAGE = """
    SELECT e.ordinal, e.id, e.created_at, r.updated_at, r.body
    FROM examples AS e
    CROSS JOIN LOOKUP(revisions AS r
        WHERE r.dataset_id = :dataset_id AND r.ordinal = +e.ordinal AND r.valid_to > :version
          AND r.valid_from = (
            SELECT f.valid_from FROM revisions AS f
            WHERE f.dataset_id = :dataset_id AND f.ordinal = e.ordinal
              AND f.valid_from <= :version
            ORDER BY f.valid_from DESC
            LIMIT 1))
    WHERE e.dataset_id = :dataset_id AND e.ordinal {beyond} :place AND e.ordinal <= :last
    ORDER BY e.ordinal {order}
    LIMIT :limit"""

_BODIES = """
    SELECT r.ordinal, r.updated_at, r.body
    FROM revisions AS r
    WHERE r.dataset_id = :dataset_id AND r.ordinal > :after AND r.ordinal <= :last AND {held}
    ORDER BY r.ordinal"""

_IN_RANGE = """
    SELECT e.ordinal, e.id, e.created_at FROM examples AS e
    WHERE e.dataset_id = :dataset_id AND e.ordinal >= :first AND e.ordinal <= :last"""

_BODY = """
    SELECT body FROM (
        SELECT body, valid_to FROM revisions
        WHERE dataset_id = :dataset_id AND ordinal = :ordinal AND valid_from <= :version
        ORDER BY valid_from DESC
        LIMIT 1) AS last
    WHERE valid_to > :version"""

_GIVEN = """
    FROM EACH(:ordinals) AS given (value)
    CROSS JOIN LOOKUP(examples AS e
        WHERE e.dataset_id = :dataset_id AND e.ordinal = CAST(given.value AS BIGINT))"""

_ONE_BY_ONE = f"SELECT e.ordinal, e.id, e.created_at{_GIVEN}"

_HELD_OF = f"""
    SELECT e.ordinal, e.id, r.body{_GIVEN}
    LEFT JOIN LOOKUP(revisions AS r WHERE {_REVISION})"""

_EVERYTHING = """
    SELECT r.ordinal, e.id, r.valid_from, r.valid_to, r.body
    FROM revisions AS r
    CROSS JOIN LOOKUP(examples AS e WHERE e.dataset_id = :dataset_id AND e.ordinal = r.ordinal)
    WHERE r.dataset_id = :dataset_id
    ORDER BY r.ordinal, r.valid_from"""

# "valid_from > 1" and "valid_to < END" let the partial indexes serve.
_OPENED_AT = """
    SELECT COUNT(*), COALESCE(SUM(replaced), 0)
    FROM (
        SELECT CASE WHEN EXISTS (
            SELECT 1 FROM revisions AS closed
            WHERE closed.dataset_id = opened.dataset_id AND closed.ordinal = opened.ordinal
              AND closed.valid_to = :number) THEN 1 ELSE 0 END AS replaced
        FROM revisions AS opened
        WHERE opened.dataset_id = :dataset_id AND opened.valid_from = :number
          AND opened.valid_from > 1
        LIMIT :most
    ) AS counted"""
_CLOSED_AT = f"""
    SELECT COUNT(*)
    FROM (
        SELECT 1
        FROM revisions AS closed
        WHERE closed.dataset_id = :dataset_id AND closed.valid_to = :number
          AND closed.valid_to < {END}
          AND NOT EXISTS (
            SELECT 1 FROM revisions AS opened
            WHERE opened.dataset_id = closed.dataset_id AND opened.ordinal = closed.ordinal
              AND opened.valid_from = :number)
        LIMIT :most
    ) AS counted"""

# What was neither opened nor closed between two versions is the same in both. "+ordinal" keeps
# SQLite's planner from reading all that comes after the ordinal, and so does no ORDER BY.
_TOUCHED = f"""
    SELECT ordinal FROM revisions
    WHERE dataset_id = :dataset_id AND +ordinal > :after
      AND valid_from > :lower AND valid_from <= :upper AND valid_from > 1
    UNION
    SELECT ordinal FROM revisions
    WHERE dataset_id = :dataset_id AND +ordinal > :after
      AND valid_to > :lower AND valid_to <= :upper AND valid_to < {END}"""

_DIFFERING = f"""
    SELECT e.ordinal, e.id, old.body, new.body{_GIVEN}
    LEFT JOIN LOOKUP(revisions AS old
        WHERE old.dataset_id = :dataset_id AND old.ordinal = e.ordinal AND {{old_held}})
    LEFT JOIN LOOKUP(revisions AS new
        WHERE new.dataset_id = :dataset_id AND new.ordinal = e.ordinal AND {{new_held}})
    WHERE COALESCE(old.body, '') <> COALESCE(new.body, '')"""


def find(tx: Transaction, at: At, ids: Sequence[str]) -> dict[str, Held]:
    """Return what the version holds of the examples with these ids, by id."""
    # PostgreSQL's text cannot hold U+0000, so no example has an id with it.
    given = msgspec.json.encode([id for id in ids if "\0" not in id]).decode()
    statement = _FIND.format(held=held("r", at, "version"))
    rows = tx.all(statement, ids=given, dataset_id=at.dataset_id, version=at.number)
    return {row[0]: Held(*row) for row in rows}


MAX_PART = 1_000
"""Examples that are read at once."""

FIRST_PART = 128
"""Examples of a page that are read first, to know how large they are."""

PART_SIZE = 8_000_000
"""Characters of the examples that are read at once, about: the last part tells their size."""


def page(
    tx: Transaction, at: At, place: int, limit: int, *, backwards: bool = False
) -> Iterator[Row]:
    """Yield the version's examples after this ordinal, in order, at most `limit` of them.

    Or, `backwards`, those before it, the last one first.
    Each is `(ordinal, id, created_at, updated_at, body)`. They are read in one or two parts, and
    in smaller ones when they are large.
    """
    order = {"beyond": "<", "order": "DESC"} if backwards else {"beyond": ">", "order": "ASC"}
    statement = (_LATEST_PAGE if at.is_latest else _OLD_PAGE).format(**order)
    values = {"dataset_id": at.dataset_id, "version": at.number, "last": at.last_ordinal}
    size = min(limit, FIRST_PART)
    while size:
        part = tx.all(statement, **values, place=place, limit=size)
        yield from part
        if len(part) < size:
            return
        place, limit = part[-1][0], limit - size
        size = min(limit, next_size(size, sum(len(row[-1]) for row in part)))


def parts(tx: Transaction, at: At, after: int = 0) -> Iterator[list[Row]]:
    """Yield all of the version's examples after this ordinal, as `page` gives them, in parts.

    The parts are not too large, whatever the size of the examples.
    """
    part: list[Row] = []
    size = 0
    rows = tx.each(
        _BODIES.format(held=held("r", at, "version")),
        dataset_id=at.dataset_id,
        version=at.number,
        after=after,
        last=at.last_ordinal,
    )
    for row in rows:
        part.append(row)
        size += len(row[-1])
        if len(part) == MAX_PART or size >= PART_SIZE:
            yield _with_ids(tx, at, part)
            part, size = [], 0
    if part:
        yield _with_ids(tx, at, part)


def _with_ids(tx: Transaction, at: At, part: list[Row]) -> list[Row]:
    """Add what the scan left out: a look-up for each row takes PostgreSQL twice as long."""
    ids = ids_of(tx, at.dataset_id, [row[0] for row in part])
    return [(ordinal, *ids[ordinal], updated_at, body) for ordinal, updated_at, body in part]


def ids_of(tx: Transaction, dataset_id: int, ordinals: Sequence[int]) -> dict[int, tuple[str, int]]:
    """Return the ids and `created_at` of examples by their ordinals, which ascend.

    Neighbours are read as a range, others one by one: what lies between may be much.
    """
    if not ordinals:
        return {}
    first, last = ordinals[0], ordinals[-1]
    if last - first < 2 * len(ordinals):
        rows = tx.all(_IN_RANGE, dataset_id=dataset_id, first=first, last=last)
    else:
        given = msgspec.json.encode([str(one) for one in ordinals]).decode()
        rows = tx.all(_ONE_BY_ONE, dataset_id=dataset_id, ordinals=given)
    return {ordinal: (id, created_at) for ordinal, id, created_at in rows}


def next_size(count: int, characters: int) -> int:
    """Return how many examples to read after so many, whose bodies had so many characters.

    Four times as many, unless they are large.
    """
    room = PART_SIZE * count // max(characters, 1)
    return max(1, min(4 * count, MAX_PART, room))


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
    the ordinals of what was opened or closed between the two, whatever the size of the dataset,
    and of the bodies those that are asked for, a part at a time.
    """
    dataset = base.dataset_id
    lower, upper = sorted((base.number, head.number))
    rows = tx.each(_TOUCHED, dataset_id=dataset, after=after, lower=lower, upper=upper)
    touched = array("q", sorted(ordinal for (ordinal,) in rows))
    statement = _DIFFERING.format(
        old_held=held("old", base, "base"), new_held=held("new", head, "head")
    )
    start, count = 0, 1
    while start < len(touched):
        ordinals = msgspec.json.encode([str(one) for one in touched[start : start + count]])
        part = tx.all(
            statement,
            ordinals=ordinals.decode(),
            dataset_id=dataset,
            base=base.number,
            head=head.number,
        )
        part.sort(key=itemgetter(0))
        yield from part
        start += count
        count = next_size(count, sum(len(old or "") + len(new or "") for *_, old, new in part))


def turnover(tx: Transaction, dataset_id: int, number: int, most: int) -> tuple[int, int, int]:
    """Return how many examples the version has more, has otherwise, and lacks.

    That is beside the version with the number before. What it has more and otherwise is counted
    up to `most` together, and so is what it lacks.
    """
    where: dict[str, object] = {"dataset_id": dataset_id, "number": number, "most": most}
    opened, replaced = tx.exactly_one(_OPENED_AT, **where)
    (closed,) = tx.exactly_one(_CLOSED_AT, **where)
    return opened - replaced, replaced, closed
