"""Search the examples of a version by a filter: SQL narrows, Python decides.

The examples are read in batches, each decided upon before the next is read, until the page is
full or the version ends. So a search costs what it has to look at, and holds one batch at a time.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from exempla import filters
from exempla.errors import Unavailable
from exempla.filters import Annotations, Filter
from exempla.ids import ResourceId
from exempla.store import datasets, revisions, versions
from exempla.store.database import Transaction
from exempla.store.datasets import Dataset
from exempla.store.engines import OUT_OF_TIME
from exempla.store.examples import Example, Page

MAX_BATCH = 1_000
"""Examples that are read at once."""

BATCH_SIZE = 8_000_000
"""Characters of the examples that are read at once, about: the last batch tells their size."""


def page(
    tx: Transaction,
    dataset_id: ResourceId,
    version_id: ResourceId | None,
    *,
    filter: Filter,
    after: int,
    limit: int,
    timeout: float,
) -> Page:
    """Return the version's examples after this ordinal that match, at most `limit`, oldest first.

    The version is the latest if not given. Raises `Unavailable` after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    dataset = datasets.get(tx, dataset_id)
    version = versions.get(tx, dataset, version_id)
    at = versions.at(dataset, version)
    narrowing = filters.narrow(filter) if tx.engine.narrows_filters else revisions.EVERY
    matches = filters.matcher(filter)
    found: list[Example] = []
    size = limit
    with tx.time_limit(timeout):
        while True:
            batch = [Example(*row) for row in revisions.page(tx, at, after, size, narrowing)]
            annotations = annotations_of(tx, dataset, batch) if filter.names_annotations else {}
            for example in batch:
                if time.monotonic() > deadline:
                    raise Unavailable(OUT_OF_TIME)
                if matches(example.id, example.body, annotations.get(example.ordinal, {})):
                    found.append(example)
            if len(found) >= limit or len(batch) < size:
                return Page(version, found[:limit])
            after = batch[-1].ordinal
            size = _next_size(batch)


def annotations_of(
    tx: Transaction, dataset: Dataset, examples: Sequence[Example]
) -> Mapping[int, Annotations]:
    """Return the annotations of these examples by ordinal; those without any may be missing."""
    return {}


def _next_size(batch: Sequence[Example]) -> int:
    """Return how many examples to read next: four times as many, unless they are large."""
    characters = sum(len(example.body) for example in batch)
    room = BATCH_SIZE * len(batch) // max(characters, 1)
    return max(1, min(4 * len(batch), MAX_BATCH, room))
