"""Examples on their way into a dataset, kept in a temporary file until all have come.

Only then are the order in a new dataset (`created_at`, `id`) and their places in it known, and
only then does anything go to the database. In memory are ids and times, some 100 bytes each.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterator, Sequence
from itertools import accumulate, islice, pairwise, takewhile
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from exempla import clock
from exempla.errors import ValidationError
from exempla.ids import new_example_ids
from exempla.scratch import Scratch
from exempla.store.revising import NewExamples

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
    sizes: list[int]
    """How many bytes each body has."""
    text: bytes
    """The bodies, one behind the other."""

    @property
    def bodies(self) -> list[str]:
        """Each body as a text of its own."""
        edges = pairwise(accumulate(self.sizes, initial=0))
        return [self.text[start:end].decode() for start, end in edges]


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
        self._ends.extend(islice(accumulate(map(len, bodies), initial=self._ends[-1]), 1, None))
        self._last_ids += [None] * len(bodies) if ids is None else ids
        if len(self._last_ids) >= PART_ROWS:
            self._pack_ids()
        if self._without_fields is None and b"{}" in bodies:
            self._without_fields = len(self) - len(bodies) + bodies.index(b"{}")
        self._file.write(b"".join(bodies))

    def where(self, row: int) -> str:
        """Return the place of an example, for messages: `line 7`."""
        return f"{self._unit} {self._places[row] if self._places else row}"

    def check_distinct(self) -> None:
        """Raise `ValidationError` when an id is there twice."""
        ids = self._all_ids()
        if ids.null_count == len(ids):  # as in most files; to sort them takes memory
            return
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
            sizes = self._fitting(range(start, min(start + most, len(self))))
            self._file.seek(self._ends[start])
            text = self._file.read(sum(sizes))
            yield Given(start, ids.slice(start, len(sizes)).to_pylist(), sizes, text)
            start += len(sizes)

    def in_order(self) -> Iterator[NewExamples]:
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
    ) -> Iterator[NewExamples]:
        start = 0
        while start < len(rows):
            sizes = self._fitting(rows[start:])
            end = start + len(sizes)
            bodies = self._read(rows[start:end], sizes)
            columns = (ids[start:end], created_at[start:end], updated_at[start:end])
            yield NewExamples(ordinal + start, *columns, sizes, bodies)
            start = end

    def _read(self, rows: list[int], sizes: list[int]) -> bytes:
        """Return the bodies of these rows; those that stand side by side are read at once."""
        file, starts = self._file.fileno(), self._ends
        if rows == list(range(rows[0], rows[0] + len(rows))):
            return os.pread(file, sum(sizes), starts[rows[0]])
        bodies = (os.pread(file, size, starts[row]) for row, size in zip(rows, sizes, strict=True))
        return b"".join(bodies)

    def _fitting(self, rows: Sequence[int]) -> list[int]:
        """Return the sizes of as many of the rows as go into one part; at least of one."""
        sizes = [self._ends[row + 1] - self._ends[row] for row in rows]
        fitting = sum(1 for _ in takewhile(lambda end: end <= PART_BYTES, accumulate(sizes)))
        return sizes[: max(1, fitting)]


def _or_else(times: Sequence[int | None] | None, otherwise: Sequence[int]) -> Sequence[int]:
    if times is None:
        return otherwise
    return [made if time is None else time for time, made in zip(times, otherwise, strict=True)]


def _as_arrow(numbers: array[int]) -> pa.Array:
    """Return the numbers without copying them."""
    return pa.Array.from_buffers(pa.int64(), len(numbers), [None, pa.py_buffer(numbers)])
