"""Record batches that come faster than they can be turned into examples.

What is not read from a stream at once, gRPC keeps in memory, however much it is. So all of a
stream is taken in first, into a temporary file.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import pyarrow as pa

IN_MEMORY_BYTES = 8 * 1024 * 1024
"""What is kept in memory before the file is used."""


class Backlog:
    """Takes the batches of a stream, then gives them back. Close it to delete the file."""

    def __init__(self, schema: pa.Schema, folder: Path | None) -> None:
        where = None if folder is None else str(folder)
        self._file = tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES, dir=where)  # noqa: SIM115
        self._writer = pa.ipc.new_stream(self._file, schema)

    def __enter__(self) -> Backlog:
        return self

    def __exit__(
        self, type: type[BaseException] | None, error: object, traceback: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, batch: pa.RecordBatch) -> None:
        """Take the next batch, whose buffers must be large enough."""
        self._writer.write_batch(batch)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Return all batches, in order."""
        self._writer.close()
        self._file.seek(0)
        yield from pa.ipc.open_stream(self._file)
