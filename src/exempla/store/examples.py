"""Examples of a version: read by pages, added, updated by id, deleted.

Each write is to one version of one dataset, in place or, for an update, into a new version.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from exempla.errors import NotFound
from exempla.ids import ResourceId, new_example_ids
from exempla.store import annotations as annotations_store
from exempla.store import bodies, datasets, revising, revisions, schemas, versions, writes
from exempla.store.access import Permit
from exempla.store.annotations import Annotation
from exempla.store.bodies import Fields
from exempla.store.datasets import Dataset
from exempla.store.listing import first_of
from exempla.store.revisions import At, Held
from exempla.store.transaction import Transaction
from exempla.store.versions import Version
from exempla.store.writes import Added, Edit


class Written(NamedTuple):
    """What a write did: the dataset after it, the version written to, the examples concerned."""

    dataset: Dataset
    version: Version
    example_ids: list[str]

    @property
    def tag(self) -> str:
        """The tag of the version as it is now."""
        return versions.tag_of(self.dataset, self.version)


class Example(NamedTuple):
    """An example as a version holds it; times in microseconds, the body a JSON object's text."""

    ordinal: int
    id: str
    created_at: int
    updated_at: int
    body: str


class Merged(NamedTuple):
    """An example as a version holds it, its new body, and what that replaces (see `bodies`)."""

    held: Held
    body: str
    replaced: str


class Page(NamedTuple):
    """Some examples of a version, in order, and the version they are of."""

    version: Version
    examples: list[Example]
    has_more: bool
    annotations: dict[int, list[Annotation]]
    """Of these examples, by ordinal."""
    tag: str
    """Of the version, as `versions.tag_of` makes it."""
    reached: int | None = None
    """Of a search that paused: the ordinal that it came to."""


def list_page(
    tx: Transaction,
    permit: Permit,
    dataset_id: ResourceId,
    version_id: ResourceId | None,
    *,
    after: int = 0,
    before: int | None = None,
    limit: int,
) -> Page:
    """Return the version's examples after this ordinal, at most `limit`, oldest first.

    Or, with `before`, those next before that ordinal. They are fewer when they are large (see
    `listing.first_of`). The version is the latest if not given.
    """
    dataset = datasets.get(tx, permit, dataset_id)
    version = versions.get(tx, dataset, version_id)
    at = versions.at(dataset, version)
    place, backwards = (after, False) if before is None else (before, True)
    found = revisions.page(tx, at, place, limit + 1, backwards=backwards)
    return page_of(tx, dataset, version, map(Example._make, found), limit, backwards=backwards)


def one(
    tx: Transaction,
    permit: Permit,
    dataset_id: ResourceId,
    version_id: ResourceId | None,
    example_id: str,
) -> Page:
    """Return the page of this one example; raise `NotFound` if the version does not hold it.

    The version is the latest if not given.
    """
    dataset = datasets.get(tx, permit, dataset_id)
    version = versions.get(tx, dataset, version_id)
    at = versions.at(dataset, version)
    found = revisions.find(tx, at, [example_id]).get(example_id)
    if not found:
        raise NotFound(f"the version {version.name!r} has no example with the id {example_id!r}")
    rows = revisions.page(tx, at, found.ordinal - 1, 1)
    return page_of(tx, dataset, version, map(Example._make, rows), 1)


def page_of(
    tx: Transaction,
    dataset: Dataset,
    version: Version,
    all_found: Iterable[Example],
    limit: int,
    *,
    backwards: bool = False,
) -> Page:
    """Return the first of these examples, which come in order, with their annotations.

    Those that come `backwards` are turned round.
    """
    found, has_more = first_of(all_found, limit, lambda one: len(one.body))
    if backwards:
        found.reverse()
    annotations: dict[int, list[Annotation]] = {}
    if dataset.annotated_at:
        ordinals = [example.ordinal for example in found]
        annotations = annotations_store.of_examples(tx, dataset.id.number, ordinals)
    return Page(version, found, has_more, annotations, versions.tag_of(dataset, version))


def create_dataset(
    tx: Transaction, permit: Permit, space_id: ResourceId, name: str, examples: Sequence[Fields]
) -> tuple[Dataset, Version]:
    """Make a dataset whose first version holds these examples.

    Raises `NotFound` for the space and `Conflict` when the name is taken in it.
    """
    dataset = datasets.create(tx, permit, space_id, name)
    version = versions.create_first(tx, permit, dataset)
    written = _add(tx, permit, dataset, version, "created", examples)
    return written.dataset, written.version


def insert(
    tx: Transaction,
    permit: Permit,
    dataset_id: ResourceId,
    version_id: ResourceId | None,
    examples: Sequence[Fields],
) -> Written:
    """Append examples to the version, in place; `example_ids` are in the order given.

    Raises `ValidationError` for one that does not satisfy the dataset's schema.
    """
    dataset = datasets.lock(tx, permit, dataset_id)
    version = versions.get_unchanged(tx, permit, dataset, version_id)
    versions.check_unlocked(version)
    return _add(tx, permit, dataset, version, "inserted", examples)


def update(
    tx: Transaction,
    permit: Permit,
    dataset_id: ResourceId,
    version_id: ResourceId | None,
    changes: Mapping[str, Fields],
    new_version: str | None,
) -> Written:
    """Give examples of the version new values of fields, by id (contract: PATCH).

    In place, or into a new version of that name. An id that the version does not hold is
    ignored; `example_ids` are the ids that it holds, in the order given. Where nothing changes,
    nothing is written. Raises `ValidationError` for an updated example that does not satisfy the
    dataset's schema.
    """
    dataset = datasets.lock(tx, permit, dataset_id)
    version = versions.get_unchanged(tx, permit, dataset, version_id)
    now = dataset.next_moment()
    if new_version:
        dataset, version = versions.create(tx, permit, dataset, new_version, version, now)
    else:
        versions.check_unlocked(version)
    at = versions.at(dataset, version)
    held = revisions.find(tx, at, list(changes))
    given = [
        (f"examples[{index}]", held[id], fields)
        for index, (id, fields) in enumerate(changes.items())
        if fields and id in held
    ]
    merged = merge(tx, dataset, given)
    with tx.unanswered():
        edits = replace(tx, at, merged, now)
        if edits or new_version:
            dataset, version = touch(tx, dataset, version, now)
            kind: writes.Kind = "updated" if edits else "branched"
            writes.record(tx, permit, dataset, kind, version, edits=edits)
    return Written(dataset, version, [id for id in changes if id in held])


def merge(
    tx: Transaction, dataset: Dataset, changes: Sequence[tuple[str, Held, Fields]]
) -> list[Merged]:
    """Merge fields into examples that the version holds; nothing is written yet.

    Each comes with where it stands in the request. Raises `ValidationError` for one that does not
    satisfy the dataset's schema then.
    """
    merged = [Merged(held, *bodies.merge(held.body, fields)) for _, held, fields in changes]
    places = (where for where, _, _ in changes)
    schemas.check(tx, dataset, zip(places, (one.body for one in merged), strict=True))
    return merged


def replace(tx: Transaction, at: At, merged: Sequence[Merged], now: int) -> list[Edit]:
    """Write examples that were merged to the version, and return what that replaced."""
    revising.replace(tx, at, [(one.held, one.body) for one in merged], now)
    return [Edit(one.held.ordinal, one.replaced) for one in merged]


def delete(
    tx: Transaction,
    permit: Permit,
    dataset_id: ResourceId,
    version_id: ResourceId,
    example_ids: Sequence[str],
) -> Written:
    """Take examples out of the version, in place; `example_ids` are the ids that it held."""
    dataset = datasets.lock(tx, permit, dataset_id)
    version = versions.get_unchanged(tx, permit, dataset, version_id)
    versions.check_unlocked(version)
    at = versions.at(dataset, version)
    held = revisions.find(tx, at, example_ids)
    revising.remove(tx, at, held.values())
    if held:
        version = version._replace(example_count=version.example_count - len(held))
        dataset, version = touch(tx, dataset, version, dataset.next_moment())
        edits = [Edit(one.ordinal, bodies.replaced_whole(one.body)) for one in held.values()]
        writes.record(tx, permit, dataset, "deleted", version, edits=edits)
    return Written(dataset, version, [id for id in example_ids if id in held])


def added(
    tx: Transaction,
    permit: Permit,
    dataset: Dataset,
    version: Version,
    kind: Literal["created", "inserted"],
    count: int,
    last_created_at: int,
    now: int,
) -> tuple[Dataset, Version]:
    """Store that so many examples were added to the version, after all that the dataset ever had.

    That is the counts, the times and the history, whatever way the rows of the examples took.
    """
    edge = dataset.last_ordinal + count
    ordinals = Added(dataset.last_ordinal + 1, edge)
    version = version._replace(last_ordinal=edge, example_count=version.example_count + count)
    dataset = dataset._replace(last_ordinal=edge, last_created_at=last_created_at)
    dataset, version = touch(tx, dataset, version, now)
    writes.record(tx, permit, dataset, kind, version, added=ordinals)
    return dataset, version


def _add(
    tx: Transaction,
    permit: Permit,
    dataset: Dataset,
    version: Version,
    kind: Literal["created", "inserted"],
    examples: Sequence[Fields],
) -> Written:
    """Add examples a microsecond apart."""
    first = dataset.next_moment()
    ids = new_example_ids(first, len(examples))
    times = range(first, first + len(examples))
    texts = [bodies.encode(fields) for fields in examples]
    schemas.check(tx, dataset, ((f"examples[{index}]", one) for index, one in enumerate(texts)))
    at = versions.at(dataset, version)
    revising.add(tx, at, dataset.last_ordinal + 1, ids, times, texts)
    dataset, version = added(tx, permit, dataset, version, kind, len(ids), times[-1], times[-1])
    return Written(dataset, version, ids)


def touch(tx: Transaction, dataset: Dataset, version: Version, now: int) -> tuple[Dataset, Version]:
    """Store that the content of the version changed now."""
    version = versions.touch(tx, dataset, version._replace(updated_at=now))
    return datasets.touch(tx, dataset._replace(updated_at=now)), version
