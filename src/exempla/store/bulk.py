"""Whole datasets at once: made of any number of examples, and read from end to end.

A new dataset is filled in parts, each a transaction of its own, so that other writers need not
wait for all of it. Until the last part it belongs to no space and so does not exist for anyone;
if it never comes to that, `purge.py` removes what is there.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from itertools import chain

from exempla import clock
from exempla.errors import Problem, Unavailable, ValidationError
from exempla.ids import ResourceId, new_suffix
from exempla.store import audit, datasets, examples, keys, revising, revisions, versions
from exempla.store.access import Permit
from exempla.store.audit import Act
from exempla.store.database import Database
from exempla.store.datasets import Dataset
from exempla.store.incoming import Incoming
from exempla.store.purge import purge_one
from exempla.store.revising import NewExamples
from exempla.store.revisions import At
from exempla.store.transaction import Row, Transaction
from exempla.store.versions import Version

_BEGIN = """
    INSERT INTO datasets (suffix, space_id, name, name_folded, created_at, updated_at,
        latest_version, last_ordinal, last_created_at)
    VALUES (:suffix, NULL, '', '', :now, :now, 0, 0, 0)
    RETURNING id"""

_STILL_FILLING = """
    UPDATE datasets SET updated_at = :now
    WHERE id = :id AND space_id IS NULL AND latest_version = 0"""

_PUBLISH = """
    UPDATE datasets SET space_id = :space_id, name = :name, name_folded = :name_folded,
        created_at = :now
    WHERE id = :id AND space_id IS NULL AND latest_version = 0"""

_ABANDON = "UPDATE datasets SET latest_version = 1 WHERE id = :id AND space_id IS NULL"


_REMOVED = "the examples were removed before all had come; send them again"


def create_dataset(
    database: Database,
    permit: Permit,
    space_id: ResourceId,
    name: str,
    incoming: Incoming,
    *,
    is_cancelled: Callable[[], bool] = lambda: False,
    act: Act | None = None,
) -> Dataset:
    """Make a dataset whose first version holds these examples: all of them, or none.

    For a thread of its own. Raises `NotFound` for the space, `Conflict` when the name is taken in
    it, and `ValidationError` when there is no example, one has no fields, or two have the same id.
    Once `is_cancelled`, it raises `Unavailable`. `act` goes to the audit log.
    """
    if not len(incoming):
        raise ValidationError("there are no rows; give at least one example")
    incoming.check_fields()
    parts = incoming.in_order()
    first = next(parts)  # checks all before anything is written
    id = database.write_now(_begin)
    try:
        for part in chain([first], parts):
            database.write_unsynced(_fill, id, part)  # `_publish` is synced, and with it all parts
            last_created_at = part.created_at[-1]
            if is_cancelled():
                raise Unavailable("the client has left; nothing was kept")
        last = (len(incoming), last_created_at)
        return database.write_now(_publish, permit, id, space_id, name, *last, act)
    except BaseException:
        with suppress(Problem):  # then it is given up later, for its age
            database.write_now(_abandon, id)
            while database.write_now(purge_one, id.number):
                pass
        raise


def read(
    tx: Transaction,
    permit: Permit,
    dataset_id: ResourceId,
    version: ResourceId | str | None,
    take: Callable[[list[Row]], None],
) -> tuple[Dataset, Version]:
    """Give all examples of a version to `take`, in order and in parts, all of one moment.

    Each is `(ordinal, id, created_at, updated_at, body)`. The version is named by its id or its
    name; the latest if not given. Returns the dataset and the version.
    """
    dataset = datasets.get(tx, permit, dataset_id)
    found = (
        versions.by_name(tx, dataset, version)
        if isinstance(version, str)
        else versions.get(tx, dataset, version)
    )
    for part in revisions.parts(tx, versions.at(dataset, found)):
        take(part)
    return dataset, found


def _begin(tx: Transaction) -> ResourceId:
    """Make a dataset that belongs to no space."""
    suffix = new_suffix()
    row = tx.exactly_one(_BEGIN, suffix=suffix, now=clock.now())
    return ResourceId("Dataset", row[0], suffix)


def _fill(tx: Transaction, id: ResourceId, part: NewExamples) -> None:
    if not tx.run(_STILL_FILLING, id=id.number, now=clock.now()):
        raise Unavailable(_REMOVED)
    revising.add_many(tx, At(id.number, 1, True, 0), part)


def _publish(
    tx: Transaction,
    permit: Permit,
    id: ResourceId,
    space_id: ResourceId,
    name: str,
    last_ordinal: int,
    last_created_at: int,
    act: Act | None,
) -> Dataset:
    """Give the dataset its space, its name, its first version and its history."""
    keys.check_works(tx, permit)
    datasets.check_free(tx, permit, space_id, name)
    now = clock.now()
    # A name that is taken at the same moment is found by its unique index.
    published = tx.run(
        _PUBLISH,
        id=id.number,
        space_id=space_id.number,
        name=name,
        name_folded=name.casefold(),
        now=now,
    )
    if not published:
        raise Unavailable(_REMOVED)
    dataset = Dataset(id, space_id, name, now, now, 1, 0, 0)
    version = versions.create_first(tx, permit, dataset)
    dataset, _ = examples.added(
        tx,
        permit,
        dataset,
        version,
        "created",
        last_ordinal,
        last_created_at,
        dataset.next_moment(),
    )
    if act:
        audit.record(tx, act, dataset.id)
    return dataset


def _abandon(tx: Transaction, id: ResourceId) -> None:
    tx.run(_ABANDON, id=id.number)
