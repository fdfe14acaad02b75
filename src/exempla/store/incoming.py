"""Examples on their way into a new dataset, kept until all have come (`texts.py`).

Only then are their order (`created_at`, `id`) and their places in the dataset known, and only
then does anything go to the database. Their ids and times take some 100 bytes of memory each.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from itertools import accumulate, islice, takewhile
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.compute as pc

from exempla import clock
from exempla.errors import ValidationError
from exempla.ids import new_example_ids
from exempla.store.revisions import NewExamples
from exempla.store.texts import Texts

PART_ROWS = 5_000
PART_BYTES = 8_000_000
"""Rows and bytes, about, of the parts in which the examples are given back.

Other writers wait for one part, some 100 ms; each part costs a sync of the disk.
"""

_ORDER = [("created_at", "ascending"), ("id", "ascending")]


class Incoming:
    """Collects examples, then gives them back in their order. Close it to forget them."""

    def __init__(self, folder: Path | None, *, in_memory: bool = False) -> None:
        """With `in_memory`, the bodies are kept there, if they are few and there is room."""
        self._bodies = Texts(folder, in_memory=in_memory)
        self._ends = array("q", [0])
        self._ids: list[pa.Array] = []
        self._last_ids: list[str] = []
        self._created_at = array("q")
        self._updated_at = array("q")
        self._started_at = clock.now()

    def __enter__(self) -> Incoming:
        return self

    def __exit__(
        self, type: type[BaseException] | None, error: object, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self._ends) - 1

    def close(self) -> None:
        """Forget all examples."""
        self._bodies.close()

    def add(
        self,
        bodies: Sequence[bytes],
        ids: Sequence[str] | None,
        created_at: Sequence[int | None] | None,
        updated_at: Sequence[int | None] | None,
    ) -> None:
        """Take more examples. Times are in microseconds; ids and times that lack are made.

        An example without a time gets that of the start, a microsecond later than the one before.
        """
        first = self._started_at + len(self)
        created = _or_else(created_at, range(first, first + len(bodies)))
        self._created_at.extend(created)
        self._updated_at.extend(_or_else(updated_at, created))
        self._last_ids += new_example_ids(first, len(bodies)) if ids is None else ids
        if len(self._last_ids) >= PART_ROWS:
            self._pack_ids()
        self._ends.extend(islice(accumulate(map(len, bodies), initial=self._ends[-1]), 1, None))
        self._bodies.append(b"".join(bodies))

    def in_order(self) -> Iterator[NewExamples]:
        """Return all examples, in their order, numbered from 1, in parts.

        Raises `ValidationError` when an id is there twice, before the first part.
        """
        self._pack_ids()
        ids = pa.chunked_array(self._ids, pa.large_string()).combine_chunks()
        self._ids.clear()
        _check_distinct(ids)
        created, updated = _as_arrow(self._created_at), _as_arrow(self._updated_at)
        order = pc.sort_indices(pa.table({"created_at": created, "id": ids}), sort_keys=_ORDER)
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
        if rows == list(range(rows[0], rows[0] + len(rows))):
            return self._bodies.read(self._ends[rows[0]], sum(sizes))
        starts = [self._ends[row] for row in rows]
        return b"".join(map(self._bodies.read, starts, sizes))

    def _fitting(self, rows: list[int]) -> list[int]:
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


def _check_distinct(ids: pa.Array) -> None:
    order = pc.sort_indices(ids)
    by_id = ids.take(order)
    index = pc.index(pc.equal(by_id[1:], by_id[:-1]), True).as_py() if len(ids) > 1 else -1
    if index >= 0:
        first, second = sorted(order.slice(index, 2).to_pylist())
        raise ValidationError(
            f"row {second}: the id {by_id[index].as_py()!r} is that of row {first} too; "
            "ids must differ"
        )
