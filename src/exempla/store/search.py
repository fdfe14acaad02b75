"""Search the examples of a version by a filter: SQL narrows, Python decides.

The examples are read in batches, each decided upon before the next is read, until the page is
full or the version ends. So a search costs what it has to look at, and holds one batch at a time.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from exempla import filters
from exempla.errors import Unavailable
from exempla.filters import Annotations, Filter, deadline, evaluate
from exempla.filters.numbers import exact
from exempla.ids import ResourceId
from exempla.store import datasets, examples, revisions, versions
from exempla.store.access import Permit
from exempla.store.database import Transaction
from exempla.store.datasets import Dataset
from exempla.store.engines import OUT_OF_TIME
from exempla.store.examples import Example, Page
from exempla.store.revisions import At

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
    timeout = until - time.monotonic()
    if timeout <= 0:
        raise Unavailable(OUT_OF_TIME)
    try:
        with tx.time_limit(timeout), deadline.within(timeout):
            found = _matches(tx, dataset, versions.at(dataset, version), filter, after, limit)
    except deadline.OutOfTime:
        raise Unavailable(OUT_OF_TIME) from None
    return Page(version, found, examples.annotations_of(tx, dataset, found))


def _matches(
    tx: Transaction, dataset: Dataset, at: At, filter: Filter, after: int, limit: int
) -> list[Example]:
    narrowing = filters.narrow(filter) if tx.engine.narrows_filters else revisions.EVERY
    matches = filters.matcher(filter)
    found: list[Example] = []
    size = limit
    while True:
        batch = [Example(*row) for row in revisions.page(tx, at, after, size, narrowing)]
        annotations = _annotations(tx, dataset, batch) if filter.names_annotations else {}
        for example in batch:
            deadline.check()
            if matches(example.id, example.body, annotations.get(example.ordinal, {})):
                found.append(example)
        if len(found) >= limit or len(batch) < size:
            return found[:limit]
        after = batch[-1].ordinal
        size = _next_size(batch)


def _annotations(
    tx: Transaction, dataset: Dataset, batch: Sequence[Example]
) -> Mapping[int, Annotations]:
    """Return the annotations of these examples by ordinal, as the filter sees them."""
    return {
        ordinal: {
            one.name: evaluate.Annotation(
                None if one.score is None else exact(one.score), one.label, one.text
            )
            for one in annotations
        }
        for ordinal, annotations in examples.annotations_of(tx, dataset, batch).items()
    }


def _next_size(batch: Sequence[Example]) -> int:
    """Return how many examples to read next: four times as many, unless they are large."""
    characters = sum(len(example.body) for example in batch)
    room = BATCH_SIZE * len(batch) // max(characters, 1)
    return max(1, min(4 * len(batch), MAX_BATCH, room))
