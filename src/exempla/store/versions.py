"""Versions of a dataset: numbered 1, 2, 3, ... as they are made; the last made is the latest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from exempla.errors import Conflict, NotFound
from exempla.ids import ResourceId, new_suffix
from exempla.store import datasets, revising, users, writes
from exempla.store.access import Permit
from exempla.store.datasets import Dataset
from exempla.store.revisions import At
from exempla.store.transaction import Row, Transaction

FIRST_NAME = "v1"
"""The name of the version that a new dataset starts with."""


class Version(NamedTuple):
    """A version; times in microseconds. Its number is the number of its id."""

    id: ResourceId
    name: str
    last_ordinal: int
    """No example of the version comes after it."""
    example_count: int
    locked: bool
    """Then its content cannot change."""
    description: str
    created_at: int
    updated_at: int


class Details(NamedTuple):
    """A version, and where it comes from."""

    version: Version
    parent_id: ResourceId | None
    """The version that it was made from; the first one has none."""
    created_by: tuple[ResourceId, str] | None
    """The user and its e-mail address; unknown for a version of an older release."""
    maker: str | None
    """What people call this user."""
    tag: str
    """See `tag_of`."""

    @property
    def id(self) -> ResourceId:
        """The id of the version."""
        return self.version.id


_COLUMNS = """
    v.number, v.suffix, v.name, v.last_ordinal, v.example_count, v.locked, v.description,
    v.created_at, v.updated_at"""

_OF_DATASET = f"SELECT {_COLUMNS} FROM versions AS v WHERE v.dataset_id = :dataset_id"
_NUMBERED = _OF_DATASET + " AND v.number = :number"
_BY_NAME = _OF_DATASET + " AND v.name = :name"
_GET = _NUMBERED + " AND v.suffix = :suffix"
_ALL = _OF_DATASET + " ORDER BY v.number DESC"

_DETAILS = f"""
    SELECT {_COLUMNS}, p.number, p.suffix, u.id, u.suffix, u.email, u.name
    FROM versions AS v
    LEFT JOIN LOOKUP(versions AS p WHERE p.dataset_id = :dataset_id AND p.number = v.parent)
    LEFT JOIN users AS u ON u.id = v.created_by
    WHERE v.dataset_id = :dataset_id"""
_DETAILS_OF = _DETAILS + " AND v.number = :number"
_LIST = _DETAILS + " AND v.number < :before ORDER BY v.number DESC LIMIT :limit"

_CREATE = """
    INSERT INTO versions (dataset_id, number, suffix, name, parent, last_ordinal, example_count,
        description, created_by, created_at, updated_at)
    VALUES (:dataset_id, :number, :suffix, :name, :parent, :last_ordinal, :example_count,
        :description, :created_by, :now, :now)
    ON CONFLICT (dataset_id, name) DO NOTHING"""

_TOUCH = """
    UPDATE versions SET updated_at = :updated_at, last_ordinal = :last_ordinal,
        example_count = :example_count
    WHERE dataset_id = :dataset_id AND number = :number"""

_CHANGE = """
    UPDATE versions SET name = :name, description = :description, locked = :locked,
        updated_at = :updated_at
    WHERE dataset_id = :dataset_id AND number = :number"""

_NAME_TAKEN = """
    SELECT 1 FROM versions WHERE dataset_id = :dataset_id AND name = :name AND number <> :number"""


def get(tx: Transaction, dataset: Dataset, id: ResourceId | None) -> Version:
    """Return this version of the dataset, or the latest; raise `NotFound` if it has none such."""
    if id is None:
        return numbered(tx, dataset, dataset.latest_version)
    row = tx.one(_GET, dataset_id=dataset.id.number, number=id.number, suffix=id.suffix)
    if not row:
        raise NotFound(f"the dataset {dataset.name!r} has no version with the id {id}")
    return _version(row)


def by_name(tx: Transaction, dataset: Dataset, name: str) -> Version:
    """Return the dataset's version of this name; raise `NotFound` if it has none such."""
    row = tx.one(_BY_NAME, dataset_id=dataset.id.number, name=name)
    if not row:
        raise NotFound(f"the dataset {dataset.name!r} has no version named {name!r}")
    return _version(row)


def numbered(tx: Transaction, dataset: Dataset, number: int) -> Version:
    """Return the version with a number that the dataset has."""
    return _version(tx.exactly_one(_NUMBERED, dataset_id=dataset.id.number, number=number))


def details(
    tx: Transaction, permit: Permit, dataset_id: ResourceId, id: ResourceId | None
) -> Details:
    """Return this version of the dataset, or the latest, and where it comes from."""
    dataset = datasets.get(tx, permit, dataset_id)
    return details_of(tx, dataset, get(tx, dataset, id))


def details_of(tx: Transaction, dataset: Dataset, version: Version) -> Details:
    """Return where the version comes from."""
    row = tx.exactly_one(_DETAILS_OF, dataset_id=dataset.id.number, number=version.id.number)
    return _details(dataset, row)


def list_page(
    tx: Transaction, permit: Permit, dataset_id: ResourceId, *, before: int, limit: int
) -> list[Details]:
    """Return versions, newest first, whose number is below `before`."""
    dataset = datasets.get(tx, permit, dataset_id)
    rows = tx.all(
        _LIST,
        dataset_id=dataset.id.number,
        before=min(before, dataset.latest_version + 1),
        limit=limit,
    )
    return [_details(dataset, row) for row in rows]


def all_of(tx: Transaction, dataset: Dataset) -> list[Version]:
    """Return all versions of the dataset, newest first."""
    return [_version(row) for row in tx.all(_ALL, dataset_id=dataset.id.number)]


def at(dataset: Dataset, version: Version) -> At:
    """Return where the version's examples are."""
    number = version.id.number
    is_latest = number == dataset.latest_version
    return At(dataset.id.number, number, is_latest, version.last_ordinal)


def tag_of(dataset: Dataset, version: Version) -> str:
    """Return what no other state of the version has, its examples' annotations included."""
    return f"v{version.id.number}-{max(version.updated_at, dataset.annotated_at):x}"


def get_unchanged(
    tx: Transaction, permit: Permit, dataset: Dataset, id: ResourceId | None
) -> Version:
    """Do as `get`, if the version is what the caller saw, else raise `PreconditionFailed`."""
    version = get(tx, dataset, id)
    permit.check_unchanged(f"the version {version.name!r}", tag_of(dataset, version))
    return version


def check_unlocked(version: Version) -> None:
    """Raise `Conflict` if the content of the version may not change."""
    if version.locked:
        raise Conflict(
            f"the version {version.name!r} is locked; make a new version of it instead: "
            "update it with new_version, or POST to the versions of the dataset under /api/v1"
        )


def create_first(tx: Transaction, permit: Permit, dataset: Dataset) -> Version:
    """Make the first, empty version of a new dataset."""
    return _create(tx, permit, dataset, 1, FIRST_NAME, "", None, dataset.created_at)


def create(
    tx: Transaction,
    permit: Permit,
    dataset: Dataset,
    name: str,
    base: Version,
    now: int,
    description: str = "",
) -> tuple[Dataset, Version]:
    """Make a version that holds what `base` holds, and is now the latest.

    Costs what differs between `base` and the latest. Raises `Conflict` when the dataset has a
    version of that name. The caller stores the returned dataset with `datasets.touch`.
    """
    number = dataset.latest_version + 1
    version = _create(tx, permit, dataset, number, name, description, base, now)
    revising.branch(tx, at(dataset, base), number)
    return dataset._replace(latest_version=number, updated_at=now), version


def branch(
    tx: Transaction,
    permit: Permit,
    dataset_id: ResourceId,
    base_id: ResourceId | None,
    name: str,
    description: str,
) -> Details:
    """Make a version that holds what this one, or the latest, holds: so also restore an old one."""
    dataset = datasets.lock(tx, permit, dataset_id)
    base = get_unchanged(tx, permit, dataset, base_id)
    now = dataset.next_moment()
    dataset, version = create(tx, permit, dataset, name, base, now, description)
    datasets.touch(tx, dataset)
    writes.record(tx, permit, dataset, "branched", version)
    return details_of(tx, dataset, version)


def change(
    tx: Transaction,
    permit: Permit,
    dataset_id: ResourceId,
    id: ResourceId,
    changes: Mapping[str, Any],
) -> Details:
    """Change the members given: `name`, `description`, `locked`.

    Raises `Conflict` when another version of the dataset has the name.
    """
    dataset = datasets.lock(tx, permit, dataset_id)
    old = get_unchanged(tx, permit, dataset, id)
    changed = old._replace(**changes)
    if changed == old:
        return details_of(tx, dataset, old)
    if tx.one(_NAME_TAKEN, dataset_id=dataset_id.number, name=changed.name, number=id.number):
        raise _taken(dataset, changed.name)
    now = dataset.next_moment()
    tx.run(
        _CHANGE,
        name=changed.name,
        description=changed.description,
        locked=int(changed.locked),
        updated_at=now,
        dataset_id=dataset_id.number,
        number=id.number,
    )
    dataset = datasets.touch(tx, dataset._replace(updated_at=now))
    fields = writes.field_changes(**{n: (getattr(old, n), new) for n, new in changes.items()})
    writes.record(tx, permit, dataset, "version_changed", changed, fields=fields)
    return details_of(tx, dataset, changed)


def touch(tx: Transaction, dataset: Dataset, version: Version) -> Version:
    """Store the version's time, size and last ordinal after its content changed."""
    tx.run(
        _TOUCH,
        updated_at=version.updated_at,
        last_ordinal=version.last_ordinal,
        example_count=version.example_count,
        dataset_id=dataset.id.number,
        number=version.id.number,
    )
    return version


def _create(
    tx: Transaction,
    permit: Permit,
    dataset: Dataset,
    number: int,
    name: str,
    description: str,
    base: Version | None,
    now: int,
) -> Version:
    suffix = new_suffix()
    last_ordinal, count = (base.last_ordinal, base.example_count) if base else (0, 0)
    created = tx.run(
        _CREATE,
        dataset_id=dataset.id.number,
        number=number,
        suffix=suffix,
        name=name,
        parent=base.id.number if base else None,
        last_ordinal=last_ordinal,
        example_count=count,
        description=description,
        created_by=permit.user_id.number,
        now=now,
    )
    if not created:
        raise _taken(dataset, name)
    id = ResourceId("DatasetVersion", number, suffix)
    return Version(id, name, last_ordinal, count, False, description, now, now)


def _taken(dataset: Dataset, name: str) -> Conflict:
    return Conflict(
        f"the dataset {dataset.name!r} has a version named {name!r} already; choose another name"
    )


def _version(row: Row) -> Version:
    number, suffix, name, last_ordinal, count, locked, *rest = row
    id = ResourceId("DatasetVersion", number, suffix)
    return Version(id, name, last_ordinal, count, bool(locked), *rest)


def _details(dataset: Dataset, row: Row) -> Details:
    *columns, parent, parent_suffix, user, user_suffix, email, name = row
    version = _version(tuple(columns))
    return Details(
        version,
        ResourceId("DatasetVersion", parent, parent_suffix) if parent else None,
        (ResourceId("User", user, user_suffix), email) if user else None,
        users.called(name, email) if user else None,
        tag_of(dataset, version),
    )
