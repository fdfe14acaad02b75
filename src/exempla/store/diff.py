"""What differs between two versions of a dataset, at the cost of what differs."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Literal, NamedTuple

import msgspec

from exempla.errors import ValidationError
from exempla.filters import deadline
from exempla.ids import ResourceId
from exempla.store import bodies, datasets, revisions, versions
from exempla.store.access import Permit
from exempla.store.bodies import FieldChange
from exempla.store.datasets import Dataset
from exempla.store.listing import first_of
from exempla.store.search import time_limit
from exempla.store.transaction import Transaction
from exempla.store.versions import Version

Kind = Literal["added", "removed", "changed"]


class Change(msgspec.Struct):
    """An example that differs, and the fields in which it does."""

    id: str
    kind: Kind
    fields: dict[str, FieldChange]

    @property
    def size(self) -> int:
        """How many bytes the values have."""
        return sum(field.size for field in self.fields.values())


class Counts(msgspec.Struct):
    """How many examples of two versions differ, and how many do not."""

    added: int
    removed: int
    changed: int
    unchanged: int


class Page(NamedTuple):
    """Some of the changes, in order, each with its ordinal; the versions that were compared."""

    base: Version
    head: Version
    counts: Counts
    """Of all changes."""
    changes: list[tuple[int, Change]]
    has_more: bool


def page(
    tx: Transaction,
    permit: Permit,
    dataset_id: ResourceId,
    base_id: ResourceId | None,
    head_id: ResourceId | None,
    *,
    after: int,
    limit: int,
    counts: Counts | None,
    until: float,
) -> Page:
    """Return the changes from `base` to `head` after this ordinal, at most `limit`.

    They are fewer when they are large (see `listing.first_of`). The head is the latest version if
    not given, the base the one that the head was made from. All changes are read to count them,
    unless an earlier page brings the counts. Raises `Unavailable` when it is not done at `until`,
    a time of `time.monotonic()`.
    """
    dataset = datasets.get(tx, permit, dataset_id)
    head = versions.get(tx, dataset, head_id)
    base = versions.get(tx, dataset, base_id or _parent(tx, dataset, head))
    with time_limit(tx, until):
        counts = counts or count(changes(tx, dataset, base, head), base)
        found = changes(tx, dataset, base, head, after)
        page, has_more = first_of(found, limit, lambda numbered: numbered[1].size)
    return Page(base, head, counts, page, has_more)


def changes(
    tx: Transaction, dataset: Dataset, base: Version, head: Version, after: int = 0
) -> Generator[tuple[int, Change], None, None]:
    """Yield what changed from `base` to `head` after this ordinal, in order, with ordinals.

    An example whose fields were written again as they were is not changed.
    """
    ends = versions.at(dataset, base), versions.at(dataset, head)
    for ordinal, id, old, new in revisions.differing(tx, *ends, after):
        deadline.check()
        fields = bodies.differing(old, new)
        if old is None:
            yield ordinal, Change(id, "added", fields)
        elif new is None:
            yield ordinal, Change(id, "removed", fields)
        elif fields:
            yield ordinal, Change(id, "changed", fields)


def count(found: Iterator[tuple[int, Change]], base: Version) -> Counts:
    """Count changes by kind; the rest of the base is unchanged."""
    counts = Counts(0, 0, 0, base.example_count)
    for _, change in found:
        add_to(counts, change)
    return counts


def add_to(counts: Counts, change: Change) -> None:
    """Count one more change; `unchanged` starts as the size of the base."""
    if change.kind == "added":
        counts.added += 1
        return
    counts.unchanged -= 1
    if change.kind == "removed":
        counts.removed += 1
    else:
        counts.changed += 1


def _parent(tx: Transaction, dataset: Dataset, head: Version) -> ResourceId:
    parent = versions.details_of(tx, dataset, head).parent_id
    if parent is None:
        raise ValidationError(f"base is needed: the version {head.name!r} is made from no other")
    return parent
