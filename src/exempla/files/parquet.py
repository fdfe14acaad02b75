"""Parquet, from exact columns and back: see `arrow/columns.py`."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from exempla.arrow.columns import Columns
from exempla.arrow.rows import fill
from exempla.errors import InvalidRequest
from exempla.store.bodies import StoredExample
from exempla.store.incoming import Incoming

ROW_GROUP_BYTES = 8 * 1024 * 1024
ROW_GROUP_ROWS = 50_000
"""Bytes in memory and rows, about, of a row group, which is written at once."""

BATCH_BYTES = 4_000_000
BATCH_ROWS = 500
"""Bytes, by the average of its row group, and rows of what is read at once.

A value that is repeated in a file has its place there once, but many in memory.
"""


def chunks(columns: Columns, parts: Iterable[list[StoredExample]]) -> Iterator[bytes]:
    """Return the parts, which the columns have learned, as a file, some row groups at a time."""
    sink, schema = _Sink(), columns.schema()
    with pq.ParquetWriter(sink, schema, compression="zstd") as writer:
        for group in _groups(columns.batch(schema, part) for part in parts):
            writer.write_table(pa.Table.from_batches(group, schema))
            yield sink.taken()
    yield sink.taken()


def _groups(batches: Iterable[pa.RecordBatch]) -> Iterator[list[pa.RecordBatch]]:
    group: list[pa.RecordBatch] = []
    size = rows = 0
    for batch in batches:
        group.append(batch)
        size, rows = size + batch.nbytes, rows + batch.num_rows
        if size >= ROW_GROUP_BYTES or rows >= ROW_GROUP_ROWS:
            yield group
            group, size, rows = [], 0, 0
    if group:
        yield group


class _Sink(io.RawIOBase):
    """Where pyarrow writes: what has come can be taken away."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._position = 0

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        part = bytes(memoryview(data))  # type: ignore[arg-type]  # whatever has a buffer
        self._parts.append(part)
        self._position += len(part)
        return len(part)

    def tell(self) -> int:
        return self._position

    def taken(self) -> bytes:
        """Return what was written since the last time."""
        parts, self._parts = self._parts, []
        return b"".join(parts)


def read(file: BinaryIO, incoming: Incoming) -> None:
    """Take in all rows.

    Raises `InvalidRequest` for what is no Parquet, and `ValidationError` with the name of the
    column and the number of the row.
    """
    try:
        parquet = pq.ParquetFile(file, buffer_size=65_536, pre_buffer=False)
        fill(incoming, parquet.schema_arrow, _batches(parquet))
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise InvalidRequest(f"the file cannot be read as Parquet: {error}") from None
    except OSError as error:
        if error.errno is not None:  # of the temporary file
            raise
        raise InvalidRequest(f"the file cannot be read as Parquet: {error}") from None


def _batches(parquet: pq.ParquetFile) -> Iterator[pa.RecordBatch]:
    for number in range(parquet.num_row_groups):
        group = parquet.metadata.row_group(number)
        fitting = BATCH_BYTES * group.num_rows // max(group.total_byte_size, 1)
        size = max(1, min(fitting, BATCH_ROWS))
        yield from parquet.iter_batches(size, row_groups=[number], use_threads=False)
