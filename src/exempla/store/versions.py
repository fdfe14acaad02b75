"""Versions of a dataset: numbered 1, 2, 3, ... as they are made; the last made is the latest."""

from __future__ import annotations

from typing import NamedTuple

from exempla.errors import Conflict, NotFound
from exempla.ids import ResourceId, new_suffix
from exempla.store import revisions
from exempla.store.database import Row, Transaction
from exempla.store.datasets import Dataset
from exempla.store.revisions import At

FIRST_NAME = "v1"
"""The name of the version that a new dataset starts with."""


class Version(NamedTuple):
    """A version; times in microseconds. Its number is the number of its id."""

    id: ResourceId
    name: str
    last_ordinal: int
    """No example of the version comes after it."""
    created_at: int
    updated_at: int


_COLUMNS = "number, suffix, name, last_ordinal, created_at, updated_at"

_LATEST = f"""
    SELECT {_COLUMNS} FROM versions WHERE dataset_id = :dataset_id AND number = :number"""

_GET = _LATEST + " AND suffix = :suffix"

_BY_NAME = f"""
    SELECT {_COLUMNS} FROM versions WHERE dataset_id = :dataset_id AND name = :name"""

_ALL = f"SELECT {_COLUMNS} FROM versions WHERE dataset_id = :dataset_id ORDER BY number DESC"

_CREATE = """
    INSERT INTO versions
        (dataset_id, number, suffix, name, parent, last_ordinal, created_at, updated_at)
    VALUES (:dataset_id, :number, :suffix, :name, :parent, :last_ordinal, :now, :now)
    ON CONFLICT (dataset_id, name) DO NOTHING"""

_TOUCH = """
    UPDATE versions SET updated_at = :updated_at, last_ordinal = :last_ordinal
    WHERE dataset_id = :dataset_id AND number = :number"""


def get(tx: Transaction, dataset: Dataset, id: ResourceId | None) -> Version:
    """Return this version of the dataset, or the latest; raise `NotFound` if it has none such."""
    if id is None:
        row = tx.one(_LATEST, dataset_id=dataset.id.number, number=dataset.latest_version)
    else:
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


def all_of(tx: Transaction, dataset: Dataset) -> list[Version]:
    """Return all versions of the dataset, newest first."""
    return [_version(row) for row in tx.all(_ALL, dataset_id=dataset.id.number)]


def at(dataset: Dataset, version: Version) -> At:
    """Return where the version's examples are."""
    number = version.id.number
    is_latest = number == dataset.latest_version
    return At(dataset.id.number, number, is_latest, version.last_ordinal)


def create_first(tx: Transaction, dataset: Dataset) -> Version:
    """Make the first, empty version of a new dataset."""
    return _create(tx, dataset, 1, FIRST_NAME, None, now=dataset.created_at)


def create(
    tx: Transaction, dataset: Dataset, name: str, base: Version, now: int
) -> tuple[Dataset, Version]:
    """Make a version that holds what `base` holds, and is now the latest.

    Costs what differs between `base` and the latest. Raises `Conflict` when the dataset has a
    version of that name. The caller stores the returned dataset with `datasets.touch`.
    """
    number = dataset.latest_version + 1
    version = _create(tx, dataset, number, name, base, now=now)
    revisions.branch(tx, at(dataset, base), number)
    return dataset._replace(latest_version=number, updated_at=now), version


def touch(tx: Transaction, dataset: Dataset, version: Version) -> Version:
    """Store the version's time and last ordinal after its content changed."""
    tx.run(
        _TOUCH,
        updated_at=version.updated_at,
        last_ordinal=version.last_ordinal,
        dataset_id=dataset.id.number,
        number=version.id.number,
    )
    return version


def _create(
    tx: Transaction, dataset: Dataset, number: int, name: str, base: Version | None, *, now: int
) -> Version:
    suffix = new_suffix()
    last_ordinal = base.last_ordinal if base else 0
    created = tx.run(
        _CREATE,
        dataset_id=dataset.id.number,
        number=number,
        suffix=suffix,
        name=name,
        parent=base.id.number if base else None,
        last_ordinal=last_ordinal,
        now=now,
    )
    if not created:
        raise Conflict(
            f"the dataset {dataset.name!r} has a version named {name!r} already; "
            "choose another name"
        )
    return Version(ResourceId("DatasetVersion", number, suffix), name, last_ordinal, now, now)


def _version(row: Row) -> Version:
    number, suffix, *rest = row
    return Version(ResourceId("DatasetVersion", number, suffix), *rest)
