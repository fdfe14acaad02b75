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
from exempla.store.database import Row, Transaction
from exempla.store.datasets import Dataset
from exempla.store.engines import OUT_OF_TIME
from exempla.store.examples import Example, Page

_NONE: Annotations = {}

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
            batch = revisions.page(tx, at, after, size, narrowing)
            annotations: Mapping[int, Annotations] = {}
            if filter.names_annotations:
                annotations = annotations_of(tx, dataset, [row[0] for row in batch])
            for row in batch:
                ordinal, id, _, _, body = row
                if time.monotonic() > deadline:
                    raise Unavailable(OUT_OF_TIME)
                if matches(id, body, annotations.get(ordinal, _NONE)):
                    found.append(Example(*row))
            if len(found) >= limit or len(batch) < size:
                return Page(version, found[:limit])
            after = batch[-1][0]
            size = _next_size(batch)


def annotations_of(
    tx: Transaction, dataset: Dataset, ordinals: Sequence[int]
) -> Mapping[int, Annotations]:
    """Return the annotations of these examples, by ordinal; those without any may be missing."""
    return {}


def _next_size(batch: Sequence[Row]) -> int:
    """Return how many examples to read next: four times as many, unless they are large."""
    characters = sum(len(row[-1]) for row in batch)
    room = BATCH_SIZE * len(batch) // max(characters, 1)
    return max(1, min(4 * len(batch), MAX_BATCH, room))
