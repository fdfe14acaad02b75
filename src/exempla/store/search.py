"""Search the examples of a version by a filter: SQL narrows, Python decides.

The examples are read in batches, each decided upon before the next is read, until the page is
full or the version ends. So a search costs what it has to look at, and holds one batch at a time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from exempla import filters
from exempla.errors import Unavailable
from exempla.filters import Annotations, Filter, deadline, evaluate
from exempla.filters.numbers import exact
from exempla.ids import ResourceId
from exempla.store import annotations as annotations_store
from exempla.store import datasets, examples, revisions, versions
from exempla.store.access import Permit
from exempla.store.database import Row, Transaction
from exempla.store.datasets import Dataset
from exempla.store.engines import OUT_OF_TIME
from exempla.store.examples import Example, Page
from exempla.store.revisions import At

_NONE: Annotations = {}

MAX_BATCH = 1_000
"""Examples that are read at once."""

BATCH_SIZE = 8_000_000
"""Characters of the examples that are read at once, about: the last batch tells their size."""


def page(
    tx: Transaction,
    permit: Permit,
    dataset_id: ResourceId,
    version_id: ResourceId | None,
    *,
    filter: Filter,
    after: int,
    limit: int,
    until: float,
) -> Page:
    """Return the version's examples after this ordinal that match, at most `limit`, oldest first.

    The version is the latest if not given. Raises `Unavailable` when it is not
    done at `until`, a time of `time.monotonic()`.
    """
    dataset = datasets.get(tx, permit, dataset_id)
    version = versions.get(tx, dataset, version_id)
    with time_limit(tx, until):
        found = _matches(tx, dataset, versions.at(dataset, version), filter, after, limit)
    return examples.page_of(tx, dataset, version, found)


@contextmanager
def time_limit(tx: Transaction, until: float) -> Iterator[None]:
    """Raise `Unavailable` when what is done meanwhile is not done at `until`.

    That is a time of `time.monotonic()`. In Python, `deadline.check` looks at it.
    """
    timeout = until - time.monotonic()
    if timeout <= 0:
        raise Unavailable(OUT_OF_TIME)
    try:
        with tx.time_limit(timeout), deadline.within(timeout):
            yield
    except deadline.OutOfTime:
        raise Unavailable(OUT_OF_TIME) from None


def _matches(
    tx: Transaction, dataset: Dataset, at: At, filter: Filter, after: int, limit: int
) -> list[Example]:
    narrowing = filters.narrow(filter) if tx.engine.narrows_filters else revisions.EVERY
    matches = filters.matcher(filter)
    found: list[Example] = []
    size = limit
    while True:
        batch = revisions.page(tx, at, after, size, narrowing)
        annotations: Mapping[int, Annotations] = {}
        if filter.names_annotations:
            annotations = _annotations(tx, dataset, [row[0] for row in batch])
        for row in batch:
            deadline.check()
            ordinal, id, _, _, body = row
            if matches(id, body, annotations.get(ordinal, _NONE)):
                found.append(Example(*row))
        if len(found) >= limit or len(batch) < size:
            return found[:limit]
        after = batch[-1][0]
        size = _next_size(batch)


def _annotations(
    tx: Transaction, dataset: Dataset, ordinals: Sequence[int]
) -> Mapping[int, Annotations]:
    """Return the annotations of these examples by ordinal, as the filter sees them."""
    found = annotations_store.of_examples(tx, dataset.id.number, ordinals)
    return {
        ordinal: {
            one.name: evaluate.Annotation(
                None if one.score is None else exact(one.score), one.label, one.text
            )
            for one in annotations
        }
        for ordinal, annotations in found.items()
    }


def _next_size(batch: Sequence[Row]) -> int:
    """Return how many examples to read next: four times as many, unless they are large."""
    characters = sum(len(row[-1]) for row in batch)
    room = BATCH_SIZE * len(batch) // max(characters, 1)
    return max(1, min(4 * len(batch), MAX_BATCH, room))
