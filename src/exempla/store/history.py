"""The history of an example and the log of a dataset, newest first, from what `writes.py` keeps.

A change has only what it replaced. What it wrote is what the next change of the same version
replaced, or what the version holds now. So the history is read backwards, undoing each change.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

import msgspec

from exempla.errors import NotFound
from exempla.filters import deadline
from exempla.ids import ResourceId
from exempla.store import annotations as annotations_store
from exempla.store import bodies, datasets, revisions, users
from exempla.store.access import Permit
from exempla.store.bodies import FieldChange, Fields
from exempla.store.datasets import Dataset
from exempla.store.listing import first_of
from exempla.store.search import time_limit
from exempla.store.transaction import Row, Transaction
from exempla.store.writes import Kind

EventKind = Literal["created", "updated", "deleted", "restored", "removed", "annotated"]


class By(NamedTuple):
    """The key and the user that made a write."""

    key_id: ResourceId
    user_id: ResourceId
    email: str
    name: str

    @property
    def called(self) -> str:
        """What people call the user."""
        return users.called(self.name, self.email)


class Event(NamedTuple):
    """A write to an example; the time in microseconds."""

    at: int
    kind: EventKind
    version_id: ResourceId | None
    """The version written to; None for an annotation, which is in all, or if it is unknown."""
    by: By | None
    """None: written with the commands, or before this was kept."""
    fields: dict[str, FieldChange]

    @property
    def size(self) -> int:
        """How many bytes the values have."""
        return sum(field.size for field in self.fields.values())

    @property
    def place(self) -> int:
        """A number that grows from event to event of an example."""
        ranks: dict[EventKind, int] = {"created": 0, "restored": 1, "removed": 1}
        return self.at * 4 + ranks.get(self.kind, 2)


class Write(NamedTuple):
    """A write to a dataset; the time in microseconds."""

    at: int
    kind: Kind
    version_id: ResourceId | None
    from_version_id: ResourceId | None
    """The version that the one written to was made from by this write."""
    example_count: int
    """How many examples were written to, or added."""
    by: By | None
    fields: dict[str, FieldChange]
    """What changed of the dataset or the version itself."""

    @property
    def place(self) -> int:
        """A number that grows from write to write of a dataset."""
        return self.at


_BY = "k.id, k.suffix, u.id, u.suffix, u.email, u.name"
_JOIN_BY = """
    LEFT JOIN api_keys AS k ON k.id = w.key_id
    LEFT JOIN users AS u ON u.id = w.user_id"""
_WRITE = "CROSS JOIN LOOKUP(writes AS w WHERE w.dataset_id = :dataset_id AND w.at = c.at)"
_JOIN_VERSION = """
    LEFT JOIN LOOKUP(versions AS v WHERE v.dataset_id = :dataset_id AND v.number = w.version)"""

_ORDINAL = "SELECT ordinal FROM examples WHERE dataset_id = :dataset_id AND id = :id"

_CHANGES = f"""
    SELECT w.at, w.kind, v.number, v.suffix, {_BY}, c.old
    FROM changes AS c {_WRITE}{_JOIN_VERSION}{_JOIN_BY}
    WHERE c.dataset_id = :dataset_id AND c.ordinal = :ordinal
    ORDER BY c.at DESC"""

_CREATED = f"""
    SELECT w.at, 'created', v.number, v.suffix, {_BY}, w.last_ordinal
    FROM writes AS w {_JOIN_VERSION}{_JOIN_BY}
    WHERE w.dataset_id = :dataset_id AND w.first_ordinal > 0 AND w.first_ordinal <= :ordinal
    ORDER BY w.first_ordinal DESC
    LIMIT 1"""

_FIRST_CHANGES = f"""
    SELECT w.version, MIN(c.at)
    FROM changes AS c {_WRITE}
    WHERE c.dataset_id = :dataset_id AND c.ordinal = :ordinal
    GROUP BY w.version"""

_EDGES = """
    SELECT valid_from, valid_to FROM revisions
    WHERE dataset_id = :dataset_id AND ordinal = :ordinal"""

# A version that was not made from the one before it holds something else than that one.
_RESTORED = f"""
    SELECT v.created_at, 'restored', v.number, v.suffix, {_BY}, v.number
    FROM EACH(:numbers) AS given (value)
    CROSS JOIN LOOKUP(versions AS v
        WHERE v.dataset_id = :dataset_id AND v.number = CAST(given.value AS BIGINT))
    LEFT JOIN LOOKUP(writes AS w
        WHERE w.dataset_id = :dataset_id AND w.at = v.created_at){_JOIN_BY}
    WHERE v.parent < v.number - 1 AND v.created_at > :since
    ORDER BY v.number DESC"""

_LOG = f"""
    SELECT w.at, w.kind, v.number, v.suffix, {_BY}, p.number, p.suffix,
        w.first_ordinal, w.last_ordinal, w.ordinals, w.fields
    FROM writes AS w {_JOIN_VERSION}{_JOIN_BY}
    LEFT JOIN LOOKUP(versions AS p
        WHERE p.dataset_id = :dataset_id AND p.number = v.parent AND v.created_at = w.at)
    WHERE w.dataset_id = :dataset_id AND w.at < :before
    ORDER BY w.at DESC
    LIMIT :limit"""


_WRITERS = f"""
    SELECT w.at, {_BY}
    FROM EACH(:moments) AS given (value)
    CROSS JOIN LOOKUP(writes AS w
        WHERE w.dataset_id = :dataset_id AND w.at = CAST(given.value AS BIGINT)){_JOIN_BY}"""


def log(
    tx: Transaction, permit: Permit, dataset_id: ResourceId, *, before: int, limit: int
) -> list[Write]:
    """Return the writes to a dataset, newest first, whose place is below `before`."""
    dataset = datasets.get(tx, permit, dataset_id)
    rows = tx.all(_LOG, dataset_id=dataset.id.number, before=before, limit=limit)
    return [_write(row) for row in rows]


def writers(tx: Transaction, dataset: int, moments: Iterable[int]) -> dict[int, By | None]:
    """Return who made the writes at these moments, as far as there are writes and it is known."""
    given = msgspec.json.encode([str(moment) for moment in moments]).decode()
    rows = tx.all(_WRITERS, dataset_id=dataset, moments=given)
    return {at: _by(by) for at, *by in rows}


def page(
    tx: Transaction,
    permit: Permit,
    dataset_id: ResourceId,
    example_id: str,
    *,
    before: int,
    limit: int,
    until: float,
) -> tuple[list[Event], bool]:
    """Return the writes to an example, newest first, whose place is below `before`.

    They are at most `limit`, and fewer when they are large (see `listing.first_of`); beside them,
    whether there are more. Costs what was written to the example since. Raises `NotFound` if the
    dataset never had it, and `Unavailable` when it is not done at `until`, a time of
    `time.monotonic()`.
    """
    dataset = datasets.get(tx, permit, dataset_id)
    row = "\0" not in example_id and tx.one(_ORDINAL, dataset_id=dataset.id.number, id=example_id)
    if not row:
        raise NotFound(f"the dataset {dataset.name!r} has no example with the id {example_id!r}")
    with time_limit(tx, until):
        events = (e for e in _events(tx, dataset, row[0]) if e.place < before)
        return first_of(events, limit, lambda event: event.size)


def _events(tx: Transaction, dataset: Dataset, ordinal: int) -> Iterator[Event]:
    """Yield all writes to an example, newest first."""
    where: dict[str, object] = {"dataset_id": dataset.id.number, "ordinal": ordinal}
    created = tx.one(_CREATED, **where)
    if created and created[-1] < ordinal:
        created = None
    first: dict[int | None, int] = dict(tx.all(_FIRST_CHANGES, **where))
    restored = _restored(tx, where, first, created[0] if created else 0)
    for at, _, number, *_ in restored:
        first |= {n: min(at, first.get(n, at)) for n in (number - 1, number)}
    if created:
        first[created[2]] = created[0]
    past = _Past(tx, dataset, ordinal, first)
    # At the same moment the restored example is changed, so backwards the change comes first.
    for row in heapq.merge(tx.each(_CHANGES, **where), restored, key=lambda row: -row[0]):
        deadline.check()
        event = past.undo(row)
        if event.fields or row[1] != "restored":
            yield event
    if created:
        version = created[2]
        fields = None if version is None else past.held_by(version)
        yield _event(created, bodies.differing_fields({}, fields))


def _restored(
    tx: Transaction, where: dict[str, object], changed: Iterable[int | None], since: int
) -> list[Row]:
    """Return the versions in which the example may have become what an older one held.

    That is not so where the version and the one before it have held one revision of it ever since.
    """
    numbers = {number for edges in tx.all(_EDGES, **where) for number in edges}
    for number in changed:
        if number is not None:
            numbers |= {number, number + 1}
    given = msgspec.json.encode([str(number) for number in numbers]).decode()
    return tx.all(_RESTORED, dataset_id=where["dataset_id"], numbers=given, since=since)


class _Past:
    """An example as it was before the writes that were undone.

    `first` has by version the moment of the first write that needs what the version held, so that
    no more bodies are kept than are needed still.
    """

    def __init__(
        self, tx: Transaction, dataset: Dataset, ordinal: int, first: dict[int | None, int]
    ) -> None:
        self._tx = tx
        self._dataset = dataset
        self._ordinal = ordinal
        self._first = first
        self._held: dict[int | None, Fields | None] = {}

    def held_by(self, version: int | None) -> Fields | None:
        """Return the fields that the version held; of None the annotations."""
        if version not in self._held:
            number = self._dataset.id.number
            if version is None:
                self._held[None] = annotations_store.as_fields(self._tx, number, self._ordinal)
            else:
                body = revisions.body_of(self._tx, number, version, self._ordinal)
                self._held[version] = None if body is None else bodies.decode(body)
        return self._held[version]

    def undo(self, row: Row) -> Event:
        """Go back to before the write in this row, and return it."""
        at, kind, version = row[:3]
        self._held = {n: held for n, held in self._held.items() if self._first.get(n, 0) <= at}
        after = self.held_by(version)
        if kind == "restored":
            fields = bodies.rewritten_fields(self.held_by(version - 1), after)
            return _event(row, fields)._replace(kind="restored" if after else "removed")
        before = self._held[version] = bodies.undo(after, row[-1])
        if kind == "deleted":
            return _event(row, bodies.differing_fields(before, None))
        replaced, absent = bodies.decode_replaced(row[-1])
        fields = {
            name: FieldChange.of(before.get(name), (after or {}).get(name))
            for name in [*replaced, *absent]
        }
        return _event(row, fields)


def _event(row: Row, fields: dict[str, FieldChange]) -> Event:
    at, kind, version, suffix, *by = row[:10]
    return Event(at, kind, _version_id(version, suffix), _by(by), fields)


def _write(row: Row) -> Write:
    at, kind, version, suffix, *by = row[:10]
    parent, parent_suffix, first, last, ordinals, fields = row[10:]
    return Write(
        at,
        kind,
        _version_id(version, suffix),
        _version_id(parent, parent_suffix),
        last - first + 1 if first else len(msgspec.json.decode(ordinals)),
        _by(by),
        msgspec.json.decode(fields, type=dict[str, FieldChange]),
    )


def _version_id(number: int | None, suffix: str) -> ResourceId | None:
    return ResourceId("DatasetVersion", number, suffix) if number else None


def _by(columns: list[object]) -> By | None:
    key, key_suffix, user, user_suffix, email, name = columns
    if not (isinstance(key, int) and isinstance(user, int)):
        return None
    return By(
        ResourceId("ApiKey", key, str(key_suffix)),
        ResourceId("User", user, str(user_suffix)),
        str(email),
        str(name),
    )
