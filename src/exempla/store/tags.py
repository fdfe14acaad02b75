"""Tags of a space, and which datasets they are attached to.

Writers lock tags before datasets, and both in the order of their numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from exempla import clock
from exempla.errors import Conflict, NotFound, ValidationError
from exempla.ids import ResourceId, new_suffix
from exempla.store import datasets, spaces, writes
from exempla.store.access import Permit
from exempla.store.datasets import Dataset
from exempla.store.transaction import Row, Transaction


class Tag(NamedTuple):
    """A tag; times in microseconds."""

    id: ResourceId
    space_id: ResourceId
    name: str
    description: str | None
    color: str | None
    created_at: int
    updated_at: int


_SELECT = """
    SELECT t.id, t.suffix, s.id, s.suffix, t.name, t.description, t.color,
        t.created_at, t.updated_at
    FROM tags AS t JOIN spaces AS s ON s.id = t.space_id"""

_CREATE = """
    INSERT INTO tags
        (suffix, space_id, name, name_folded, description, color, created_at, updated_at)
    VALUES (:suffix, :space_id, :name, :name_folded, :description, :color, :now, :now)
    ON CONFLICT (space_id, name_folded) DO NOTHING
    RETURNING id"""

_UPDATE = """
    UPDATE tags SET name = :name, name_folded = :name_folded, description = :description,
        color = :color, updated_at = :updated_at
    WHERE id = :id"""

_NAME_TAKEN = """
    SELECT 1 FROM tags
    WHERE space_id = :space_id AND name_folded = :name_folded AND id <> :id"""

_OF_DATASET = f"""{_SELECT}
    JOIN dataset_tags AS d ON d.tag_id = t.id
    WHERE d.dataset_id = :dataset
    ORDER BY t.updated_at DESC, t.id DESC"""

_OF_SPACE = f"""{_SELECT}
    WHERE t.space_id = :space
    ORDER BY t.name_folded
    LIMIT :limit"""

_LOCK_DATASETS = """
    SELECT d.id, d.suffix FROM datasets AS d JOIN dataset_tags AS t ON t.dataset_id = d.id
    WHERE t.tag_id = :id AND d.space_id = :space_id
    ORDER BY d.id FOR UPDATE OF d"""

_ATTACH = """
    INSERT INTO dataset_tags (dataset_id, tag_id) VALUES (:dataset, :tag)
    ON CONFLICT (dataset_id, tag_id) DO NOTHING"""


def create(
    tx: Transaction,
    permit: Permit,
    space_id: ResourceId,
    name: str,
    description: str | None,
    color: str | None,
) -> Tag:
    """Make a tag; the name must be free in the space, in any case, else `Conflict`."""
    spaces.get(tx, permit, space_id)
    suffix, now = new_suffix(), clock.now()
    row = tx.one(
        _CREATE,
        suffix=suffix,
        space_id=space_id.number,
        name=name,
        name_folded=name.casefold(),
        description=description,
        color=color,
        now=now,
    )
    if not row:
        raise _taken(name)
    return Tag(ResourceId("Tag", row[0], suffix), space_id, name, description, color, now, now)


def update(tx: Transaction, permit: Permit, id: ResourceId, changes: dict[str, Any]) -> Tag:
    """Change the members given: `name`, `description`, `color`."""
    tag = _lock(tx, permit, id)
    changed = tag._replace(**changes, updated_at=max(clock.now(), tag.updated_at + 1))
    folded = changed.name.casefold()
    if tx.one(_NAME_TAKEN, space_id=tag.space_id.number, name_folded=folded, id=id.number):
        raise _taken(changed.name)
    tx.run(
        _UPDATE,
        id=id.number,
        name=changed.name,
        name_folded=folded,
        description=changed.description,
        color=changed.color,
        updated_at=changed.updated_at,
    )
    return changed


def delete(tx: Transaction, permit: Permit, id: ResourceId) -> None:
    """Delete the tag, and detach it from all datasets."""
    tag = _lock(tx, permit, id)
    for row in tx.all(_LOCK_DATASETS, id=id.number, space_id=tag.space_id.number):
        dataset = datasets.lock(tx, permit, ResourceId("Dataset", *row))
        before = _attached(tx, dataset)
        _changed(tx, permit, dataset, before, [tag for tag in before if tag.id != id])
    tx.run("DELETE FROM dataset_tags WHERE tag_id = :id", id=id.number)
    tx.run("DELETE FROM tags WHERE id = :id", id=id.number)


def of_dataset(tx: Transaction, permit: Permit, dataset_id: ResourceId) -> list[Tag]:
    """Return the dataset's tags, the one changed last first."""
    return _attached(tx, datasets.get(tx, permit, dataset_id))


def of_space(tx: Transaction, permit: Permit, space_id: ResourceId, limit: int) -> list[Tag]:
    """Return the space's tags by name, at most so many."""
    spaces.get(tx, permit, space_id)
    return [_tag(row) for row in tx.all(_OF_SPACE, space=space_id.number, limit=limit)]


def attach(
    tx: Transaction, permit: Permit, dataset_id: ResourceId, tag_ids: Sequence[ResourceId]
) -> tuple[Dataset, list[Tag]]:
    """Attach tags of the dataset's space to it; return it and all of its tags."""
    known = {tag.id: tag for tag in _lock_all(tx, tag_ids)}
    dataset = datasets.lock_unchanged(tx, permit, dataset_id)
    before = _attached(tx, dataset)
    for index, id in enumerate(tag_ids):
        if id not in known or known[id].space_id != dataset.space_id:
            raise ValidationError(f"tag_ids[{index}] is not a tag of the dataset's space")
    tx.run_many(_ATTACH, [{"dataset": dataset_id.number, "tag": id.number} for id in tag_ids])
    after = _attached(tx, dataset)
    if len(after) > len(before):
        dataset = _changed(tx, permit, dataset, before, after)
    return dataset, after


def detach(
    tx: Transaction, permit: Permit, dataset_id: ResourceId, tag_ids: Sequence[ResourceId]
) -> tuple[Dataset, list[ResourceId]]:
    """Detach tags from the dataset; return it and those that were attached."""
    dataset = datasets.lock_unchanged(tx, permit, dataset_id)
    before = _attached(tx, dataset)
    attached = {tag.id for tag in before}
    detached = [id for id in tag_ids if id in attached]
    tx.run_many(
        "DELETE FROM dataset_tags WHERE dataset_id = :dataset AND tag_id = :tag",
        [{"dataset": dataset_id.number, "tag": id.number} for id in detached],
    )
    if detached:
        after = [tag for tag in before if tag.id not in detached]
        dataset = _changed(tx, permit, dataset, before, after)
    return dataset, detached


def _attached(tx: Transaction, dataset: Dataset) -> list[Tag]:
    return [_tag(row) for row in tx.all(_OF_DATASET, dataset=dataset.id.number)]


def _changed(
    tx: Transaction, permit: Permit, dataset: Dataset, before: list[Tag], after: list[Tag]
) -> Dataset:
    dataset = datasets.touch(tx, dataset._replace(updated_at=dataset.next_moment()))
    names = [sorted(tag.name for tag in tags) for tags in (before, after)]
    fields = writes.field_changes(tags=(names[0], names[1]))
    writes.record(tx, permit, dataset, "tagged", fields=fields)
    return dataset


def _lock_all(tx: Transaction, ids: Sequence[ResourceId]) -> list[Tag]:
    rows = tx.all(
        _SELECT
        + " WHERE t.id IN ("
        + "SELECT CAST(given.value AS BIGINT) FROM EACH(:ids) AS given (value))"
        + " ORDER BY t.id FOR UPDATE OF t",
        ids=msgspec.json.encode([str(id.number) for id in ids]).decode(),
    )
    return [_tag(row) for row in rows]


def _lock(tx: Transaction, permit: Permit, id: ResourceId) -> Tag:
    statement = _SELECT + " WHERE t.id = :id AND t.suffix = :suffix FOR UPDATE OF t"
    row = tx.one(statement, id=id.number, suffix=id.suffix)
    if row:
        tag = _tag(row)
        if permit.admits(tag.space_id.number):
            return tag
    raise NotFound(f"there is no tag with the id {id}")


def _tag(row: Row) -> Tag:
    id, suffix, space, space_suffix, *rest = row
    return Tag(ResourceId("Tag", id, suffix), ResourceId("Space", space, space_suffix), *rest)


def _taken(name: str) -> Conflict:
    return Conflict(
        f"there is a tag named {name!r} in this space already, in whatever case; "
        "choose another name"
    )
