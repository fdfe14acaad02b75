"""Search the examples of a version by a filter: SQL narrows, Python decides.

The examples are read in batches, each decided upon before the next is read, until the page is
full or the version ends. So a search costs what it has to look at, and holds one batch at a time.
No statement looks at more than `SPAN` ordinals: a search that is to answer soon can pause there.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from exempla import filters
from exempla.errors import Unavailable
from exempla.filters import Annotation, Annotations, Filter, deadline
from exempla.filters.numbers import exact
from exempla.ids import ResourceId
from exempla.store import annotations as annotations_store
from exempla.store import datasets, examples, revisions, versions
from exempla.store.access import Permit
from exempla.store.datasets import Dataset
from exempla.store.engines import OUT_OF_TIME
from exempla.store.examples import Example, Page
from exempla.store.revisions import At
from exempla.store.transaction import Transaction

SPAN = 10_000
"""Ordinals that one statement looks at: some 15 ms on SQLite, 25 to 50 on PostgreSQL."""

NEVER = float("inf")

_NONE: Annotations = {}

_NARROW = {"sqlite": filters.narrow_sqlite, "postgresql": filters.narrow_postgres}

_Scanned = tuple[int, str, int, str]
"""An example's ordinal, its id (or "" where the filter needs none), `updated_at`, and body."""

_SCAN = """
    SELECT r.ordinal, {id}, r.updated_at, r.body
    FROM revisions AS r{joined}
    WHERE r.dataset_id = :dataset_id AND r.ordinal >= :first AND r.ordinal <= :last
      AND {held}{only}
    ORDER BY r.ordinal {order}
    LIMIT :limit"""
_EXAMPLES = """
    CROSS JOIN LOOKUP(examples AS e WHERE e.dataset_id = :dataset_id AND e.ordinal = r.ordinal)"""


class Neighbour(NamedTuple):
    """The example next to another one, of those that match a filter."""

    id: str | None
    is_certain: bool
    """Whether the search ended: it did if it found one."""


def page(
    tx: Transaction,
    permit: Permit,
    dataset_id: ResourceId,
    version_id: ResourceId | None,
    *,
    filter: Filter,
    after: int = 0,
    before: int | None = None,
    limit: int,
    until: float,
    pause: float = NEVER,
) -> Page:
    """Return the version's examples after this ordinal that match, at most `limit`, oldest first.

    Or, with `before`, those next before that ordinal. They are fewer when they are large. The
    version is the latest if not given. Raises `Unavailable` when it is not done at `until`, a time
    of `time.monotonic()`. From `pause` on, another such time, it looks at no more and tells where
    it came to.
    """
    dataset = datasets.get(tx, permit, dataset_id)
    version = versions.get(tx, dataset, version_id)
    with time_limit(tx, until):
        at = versions.at(dataset, version)
        place, backwards = (after, False) if before is None else (before, True)
        found, reached = _matches(
            tx, dataset, at, filter, place, limit + 1, pause, backwards=backwards
        )
    page = examples.page_of(tx, dataset, version, found, limit, backwards=backwards)
    return page._replace(reached=reached)


def neighbours(
    tx: Transaction,
    permit: Permit,
    dataset_id: ResourceId,
    version_id: ResourceId,
    ordinal: int,
    *,
    filter: Filter | None,
    until: float,
    pause: float = NEVER,
) -> tuple[Neighbour, Neighbour]:
    """Return the examples next before and after this ordinal, of those that match.

    Raises `Unavailable`, and pauses, as `page` does.
    """
    dataset = datasets.get(tx, permit, dataset_id)
    at = versions.at(dataset, versions.get(tx, dataset, version_id))
    with time_limit(tx, until):
        return (
            _next(tx, dataset, at, filter, ordinal, pause, backwards=True),
            _next(tx, dataset, at, filter, ordinal, pause, backwards=False),
        )


def _next(
    tx: Transaction,
    dataset: Dataset,
    at: At,
    filter: Filter | None,
    place: int,
    pause: float,
    *,
    backwards: bool,
) -> Neighbour:
    if filter is None:
        ids = [id for _, id, *_ in revisions.page(tx, at, place, 1, backwards=backwards)]
        return Neighbour(ids[0] if ids else None, True)
    found, reached = _matches(tx, dataset, at, filter, place, 1, pause, backwards=backwards)
    return Neighbour(found[0].id if found else None, reached is None)


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
    tx: Transaction,
    dataset: Dataset,
    at: At,
    filter: Filter,
    place: int,
    limit: int,
    pause: float,
    *,
    backwards: bool,
) -> tuple[list[Example], int | None]:
    """Return the first matches, and the ordinal at which the search paused if it did."""
    condition, values = _NARROW[tx.engine.name](filter)
    scan = _SCAN.format(
        id="e.id" if filter.names_ids else "''",
        joined=_EXAMPLES if filter.names_ids else "",
        held=revisions.held("r", at, "version"),
        order="DESC" if backwards else "ASC",
        only=f" AND ({condition})" if condition else "",
    )
    values |= {"dataset_id": at.dataset_id, "version": at.number}
    matches = filters.matcher(filter)
    found: list[_Scanned] = []
    size = limit
    span = _span(at, place, backwards=backwards)
    while span:
        first, last = span
        batch = tx.all(scan, **values, first=first, last=last, limit=size)
        in_order = batch[::-1] if backwards else batch
        annotations = _annotations(tx, at, filter.annotations, in_order)
        for row in batch:
            deadline.check()
            ordinal, id, _, body = row
            if matches(id, body, annotations.get(ordinal, _NONE)):
                found.append(row)
        if len(found) >= limit:
            break
        if len(batch) < size:
            place = first if backwards else last
        else:
            place = batch[-1][0]
            size = revisions.next_size(len(batch), sum(len(body) for *_, body in batch))
        span = _span(at, place, backwards=backwards)
        if span and time.monotonic() > pause:
            return _examples(tx, at, found), place
    return _examples(tx, at, found[:limit]), None


def _span(at: At, place: int, *, backwards: bool) -> tuple[int, int] | None:
    """Return the first and the last ordinal to look at next beyond this one; None at the end."""
    if backwards:
        last = min(place - 1, at.last_ordinal)
        return (max(last - SPAN + 1, 1), last) if last >= 1 else None
    last = min(place + SPAN, at.last_ordinal)
    return (place + 1, last) if last > place else None


def _examples(tx: Transaction, at: At, found: Sequence[_Scanned]) -> list[Example]:
    """Add what the scan left out: to join each row that it looks at takes half of its time."""
    more = revisions.ids_of(tx, at.dataset_id, sorted(row[0] for row in found))
    return [
        Example(ordinal, *more[ordinal], updated_at, body) for ordinal, _, updated_at, body in found
    ]


def _annotations(
    tx: Transaction, at: At, names: frozenset[str], batch: Sequence[_Scanned]
) -> Mapping[int, Annotations]:
    """Return the annotations of these names by the ordinal of their example."""
    if not names:
        return {}
    ordinals = [row[0] for row in batch]
    found: dict[int, dict[str, Annotation]] = {}
    for ordinal, name, score, label, text in annotations_store.parts_of_examples(
        tx, at.dataset_id, ordinals, names
    ):
        exactly = None if score is None else exact(score)
        found.setdefault(ordinal, {})[name] = Annotation(exactly, label, text)
    return found
