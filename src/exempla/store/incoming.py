"""Examples on their way into a dataset, kept in a temporary file until all have come.

Only then are the order in a new dataset (`created_at`, `id`) and their places in it known, and
only then does anything go to the database. In memory are ids and times, some 100 bytes each.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterator, Sequence
from itertools import count, pairwise
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from exempla import clock
from exempla.errors import ValidationError
from exempla.ids import new_example_ids
from exempla.scratch import Scratch
from exempla.store.revisions import NewExample

PART_ROWS = 5_000
PART_BYTES = 8_000_000
"""Rows and bytes, about, of the parts in which the examples are given back.

Other writers wait for one part, some 100 ms; each part costs a sync of the disk.
"""

_ORDER = [("created_at", "ascending"), ("id", "ascending")]


class Given(NamedTuple):
    """Some examples as they came: the first row, their ids (None if it has none), their bodies."""

    row: int
    ids: list[str | None]
    bodies: list[str]


class Incoming(Scratch):
    """Collects examples, then gives them back, in parts.

    Messages count them in this unit, from 0 on or as their places say.
    """

    def __init__(self, folder: Path | None, unit: str = "row") -> None:
        super().__init__(folder)
        self._unit = unit
        self._ends = array("q", [0])
        self._places = array("q")
        self._without_fields: int | None = None
        self._ids: list[pa.Array] = []
        self._last_ids: list[str | None] = []
        self._created_at = array("q")
        self._updated_at = array("q")
        self._started_at = clock.now()

    def __len__(self) -> int:
        return len(self._ends) - 1

    def add(
        self,
        bodies: Sequence[bytes],
        ids: Sequence[str | None] | None,
        created_at: Sequence[int | None] | None,
        updated_at: Sequence[int | None] | None,
        places: Sequence[int] = (),
    ) -> None:
        """Take more examples. Times are in microseconds; ids and times may lack.

        An example without a time gets that of the start, a microsecond later than the one before.
        """
        first = self._started_at + len(self)
        created = _or_else(created_at, range(first, first + len(bodies)))
        self._created_at.extend(created)
        self._updated_at.extend(_or_else(updated_at, created))
        self._places.extend(places)
        self._last_ids += [None] * len(bodies) if ids is None else ids
        if len(self._last_ids) >= PART_ROWS:
            self._pack_ids()
        end = self._ends[-1]
        for body in bodies:
            end += len(body)
            self._ends.append(end)
        if self._without_fields is None and b"{}" in bodies:
            self._without_fields = len(self) - len(bodies) + bodies.index(b"{}")
        self._file.write(b"".join(bodies))

    def where(self, row: int) -> str:
        """Return the place of an example, for messages: `line 7`."""
        return f"{self._unit} {self._places[row] if self._places else row}"

    def check_distinct(self) -> None:
        """Raise `ValidationError` when an id is there twice."""
        ids = self._all_ids()
        order = pc.sort_indices(ids)
        by_id = ids.take(order)
        index = pc.index(pc.equal(by_id[1:], by_id[:-1]), True).as_py() if len(ids) > 1 else -1
        if index >= 0:
            first, second = sorted(order.slice(index, 2).to_pylist())
            raise ValidationError(
                f"{self.where(second)}: the id {by_id[index].as_py()!r} is that of "
                f"{self.where(first)} too; ids must differ"
            )

    def check_fields(self) -> None:
        """Raise `ValidationError` when an example has no fields."""
        if self._without_fields is not None:
            raise ValidationError(
                f"{self.where(self._without_fields)} has no fields; give at least one"
            )

    def as_given(self, most: int = PART_ROWS) -> Iterator[Given]:
        """Return all examples as they came, at most so many in a part."""
        ids = self._all_ids()
        start = 0
        while start < len(self):
            end = start + self._fitting(range(start, min(start + most, len(self))))
            first, *ends = self._ends[start : end + 1]
            self._file.seek(first)
            text = self._file.read(ends[-1] - first)
            edges = pairwise([0, *[end - first for end in ends]])
            bodies = [text[left:right].decode() for left, right in edges]
            yield Given(start, ids.slice(start, end - start).to_pylist(), bodies)
            start = end

    def in_order(self) -> Iterator[list[NewExample]]:
        """Return all examples, in their order, numbered from 1, in parts.

        Those without an id get one. Raises `ValidationError` when an id is there twice, before
        the first part.
        """
        self.check_distinct()
        ids = self._filled(self._all_ids())
        self._ids.clear()
        created, updated = _as_arrow(self._created_at), _as_arrow(self._updated_at)
        order = pc.sort_indices(pa.table({"created_at": created, "id": ids}), sort_keys=_ORDER)
        self._file.rollover()  # so that it has a number
        self._file.flush()
        for start in range(0, len(order), PART_ROWS):
            rows = order.slice(start, PART_ROWS)
            yield from self._parts(
                start + 1,
                rows.to_pylist(),
                ids.take(rows).to_pylist(),
                created.take(rows).to_pylist(),
                updated.take(rows).to_pylist(),
            )

    def _pack_ids(self) -> None:
        """Keep ids as Arrow does, in a tenth of the memory."""
        self._ids.append(pa.array(self._last_ids, pa.large_string()))
        self._last_ids = []

    def _all_ids(self) -> pa.Array:
        """Return the ids of all that came, null for those without one; from now on in one piece."""
        if self._last_ids or len(self._ids) != 1:
            self._pack_ids()
            self._ids = [pa.chunked_array(self._ids, pa.large_string()).combine_chunks()]
        return self._ids[0]

    def _filled(self, ids: pa.Array) -> pa.Array:
        """Return the ids, new ones for those that lack."""
        if not ids.null_count:
            return ids
        parts = []
        for start in range(0, len(ids), PART_ROWS):
            part = ids.slice(start, PART_ROWS)
            made = new_example_ids(self._started_at + start, len(part))
            parts.append(pc.coalesce(part, pa.array(made, ids.type)))
        return pa.chunked_array(parts, ids.type).combine_chunks()

    def _parts(
        self,
        ordinal: int,
        rows: list[int],
        ids: list[str],
        created_at: list[int],
        updated_at: list[int],
    ) -> Iterator[list[NewExample]]:
        file, ends = self._file.fileno(), self._ends
        start = 0
        while start < len(rows):
            end = start + self._fitting(rows[start:])
            part = rows[start:end]
            bodies = [os.pread(file, ends[row + 1] - ends[row], ends[row]).decode() for row in part]
            columns = (ids[start:end], created_at[start:end], updated_at[start:end], bodies)
            yield list(map(NewExample, count(ordinal + start), *columns))
            start = end

    def _fitting(self, rows: Sequence[int]) -> int:
        """Return how many of the rows go into one part; at least one."""
        size = 0
        for index, row in enumerate(rows):
            size += self._ends[row + 1] - self._ends[row]
            if size > PART_BYTES:
                return max(index, 1)
        return len(rows)


def _or_else(times: Sequence[int | None] | None, otherwise: Sequence[int]) -> Sequence[int]:
    if times is None:
        return otherwise
    return [made if time is None else time for time, made in zip(times, otherwise, strict=True)]


def _as_arrow(numbers: array[int]) -> pa.Array:
    """Return the numbers without copying them."""
    return pa.Array.from_buffers(pa.int64(), len(numbers), [None, pa.py_buffer(numbers)])
