"""Datasets: a name in a space, and a line of versions (see `versions.py`)."""

from __future__ import annotations

from typing import NamedTuple

from exempla import clock
from exempla.errors import Conflict, NotFound
from exempla.ids import ResourceId, new_suffix
from exempla.store import spaces, writes
from exempla.store.access import READS, Permit
from exempla.store.listing import IN_SPACE, in_space, like
from exempla.store.transaction import Row, Transaction


class Dataset(NamedTuple):
    """A dataset; times in microseconds."""

    id: ResourceId
    space_id: ResourceId
    name: str
    created_at: int
    updated_at: int
    """Of the last change of anything in it; it never repeats or goes back."""
    latest_version: int
    last_ordinal: int
    last_created_at: int
    annotated_at: int = 0
    """Of the last change of an annotation in it; 0 if it has none."""
    schema_at: int = 0
    """When its schema was set; 0 if it has none (see `schemas.py`)."""

    @property
    def tag(self) -> str:
        """What no other state of the dataset has."""
        return f"d{self.id.number}-{self.updated_at:x}"

    def next_moment(self) -> int:
        """Return the time of a write that begins now: after everything in the dataset so far.

        So times grow within a dataset, whatever the clock of the machine does.
        """
        return max(clock.now(), self.updated_at + 1, self.last_created_at + 1)


_COLUMNS = """
    d.id, d.suffix, s.id, s.suffix, d.name, d.created_at, d.updated_at,
    d.latest_version, d.last_ordinal, d.last_created_at, d.annotated_at,
    d.schema_at"""

_GET = f"""
    SELECT {_COLUMNS}
    FROM datasets AS d JOIN spaces AS s ON s.id = d.space_id
    WHERE d.id = :id AND d.suffix = :suffix"""

_BY_NAME = f"""
    SELECT {_COLUMNS}
    FROM datasets AS d JOIN spaces AS s ON s.id = d.space_id
    WHERE d.space_id = :space_id AND d.name = :name"""

_LOCK = _GET + " FOR UPDATE OF d"

_LIST = f"""
    SELECT {_COLUMNS}
    FROM datasets AS d JOIN spaces AS s ON s.id = d.space_id
    WHERE d.id < :before
      AND d.name_folded LIKE :name ESCAPE '\\' AND s.name_folded LIKE :space_name ESCAPE '\\'
      AND {READS}
      AND {IN_SPACE}
    ORDER BY d.id DESC
    LIMIT :limit"""

_CREATE = """
    INSERT INTO datasets (suffix, space_id, name, name_folded, created_at, updated_at,
        latest_version, last_ordinal, last_created_at)
    VALUES (:suffix, :space_id, :name, :name_folded, :now, :now, 1, 0, 0)
    ON CONFLICT (space_id, name) DO NOTHING
    RETURNING id"""

_TOUCH = """
    UPDATE datasets SET updated_at = :updated_at, latest_version = :latest_version,
        last_ordinal = :last_ordinal, last_created_at = :last_created_at,
        annotated_at = :annotated_at, schema_at = :schema_at
    WHERE id = :id"""


def get(tx: Transaction, permit: Permit, id: ResourceId) -> Dataset:
    """Return the dataset, or raise `NotFound`."""
    return _found(permit, id, tx.one(_GET, id=id.number, suffix=id.suffix))


def by_name(tx: Transaction, permit: Permit, space_id: ResourceId, name: str) -> Dataset:
    """Return the dataset of this name in the space, or raise `NotFound`."""
    space = spaces.get(tx, permit, space_id)
    row = tx.one(_BY_NAME, space_id=space_id.number, name=name)
    if not row:
        raise NotFound(f"there is no dataset named {name!r} in the space {space.name!r}")
    return _dataset(row)


def lock(tx: Transaction, permit: Permit, id: ResourceId) -> Dataset:
    """Return the dataset for a write: other writers to it wait until this transaction ends."""
    return _found(permit, id, tx.one(_LOCK, id=id.number, suffix=id.suffix))


def hold(tx: Transaction, number: int) -> None:
    """Let other writers to the dataset with this number wait, if there is one."""
    tx.one("SELECT 1 FROM datasets WHERE id = :id FOR UPDATE OF datasets", id=number)


def lock_unchanged(tx: Transaction, permit: Permit, id: ResourceId) -> Dataset:
    """Do the same, if the dataset is still what the caller saw, else raise `PreconditionFailed`."""
    dataset = lock(tx, permit, id)
    permit.check_unchanged("the dataset", dataset.tag)
    return dataset


def list_page(
    tx: Transaction,
    permit: Permit,
    *,
    space: ResourceId | None,
    space_name: str,
    name: str,
    before: int,
    limit: int,
) -> list[Dataset]:
    """Return datasets, newest first, whose number is below `before`.

    `name` and `space_name` are parts of the names, in any case.
    """
    rows = tx.all(
        _LIST,
        **permit.spaces,
        **in_space(space),
        space_name=like(space_name),
        name=like(name),
        before=before,
        limit=limit,
    )
    return [_dataset(row) for row in rows]


def create(tx: Transaction, permit: Permit, space_id: ResourceId, name: str) -> Dataset:
    """Make a dataset without versions; the name must be free in the space, else `Conflict`."""
    spaces.get(tx, permit, space_id)
    now = clock.now()
    suffix = new_suffix()
    row = tx.one(
        _CREATE,
        suffix=suffix,
        space_id=space_id.number,
        name=name,
        name_folded=name.casefold(),
        now=now,
    )
    if not row:
        raise _taken(name)
    return Dataset(ResourceId("Dataset", row[0], suffix), space_id, name, now, now, 1, 0, 0)


def check_free(tx: Transaction, permit: Permit, space_id: ResourceId, name: str) -> None:
    """Raise what making a dataset of this name in the space would raise."""
    spaces.get(tx, permit, space_id)
    _check_name(tx, space_id, name)


def rename(tx: Transaction, permit: Permit, id: ResourceId, name: str) -> Dataset:
    """Give the dataset another name; it must be free in the space, else `Conflict`."""
    dataset = lock_unchanged(tx, permit, id)
    if name == dataset.name:
        return dataset
    _check_name(tx, dataset.space_id, name)
    tx.run(
        "UPDATE datasets SET name = :name, name_folded = :name_folded WHERE id = :id",
        id=id.number,
        name=name,
        name_folded=name.casefold(),
    )
    renamed = touch(tx, dataset._replace(name=name, updated_at=dataset.next_moment()))
    fields = writes.field_changes(name=(dataset.name, name))
    writes.record(tx, permit, renamed, "renamed", fields=fields)
    return renamed


def touch(tx: Transaction, dataset: Dataset) -> Dataset:
    """Store the dataset's times and counters after a write."""
    tx.run(
        _TOUCH,
        id=dataset.id.number,
        updated_at=dataset.updated_at,
        latest_version=dataset.latest_version,
        last_ordinal=dataset.last_ordinal,
        last_created_at=dataset.last_created_at,
        annotated_at=dataset.annotated_at,
        schema_at=dataset.schema_at,
    )
    return dataset


def delete(tx: Transaction, permit: Permit, id: ResourceId) -> None:
    """Delete the dataset: gone for everyone at once, its rows removed later by `purge.py`."""
    lock_unchanged(tx, permit, id)
    tx.run("UPDATE datasets SET space_id = NULL WHERE id = :id", id=id.number)


def _check_name(tx: Transaction, space_id: ResourceId, name: str) -> None:
    if tx.one(
        "SELECT 1 FROM datasets WHERE space_id = :space_id AND name = :name",
        space_id=space_id.number,
        name=name,
    ):
        raise _taken(name)


def _found(permit: Permit, id: ResourceId, row: Row | None) -> Dataset:
    if row:
        dataset = _dataset(row)
        if permit.admits(dataset.space_id.number):
            return dataset
    raise NotFound(f"there is no dataset with the id {id}")


def _dataset(row: Row) -> Dataset:
    id, suffix, space_id, space_suffix, *rest = row
    return Dataset(
        ResourceId("Dataset", id, suffix), ResourceId("Space", space_id, space_suffix), *rest
    )


def _taken(name: str) -> Conflict:
    return Conflict(f"there is a dataset named {name!r} in this space already; choose another name")
