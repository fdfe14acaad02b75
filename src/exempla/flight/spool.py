"""The examples of a version between the database and a client that reads at its own pace.

So the database is done with the reading at once, however slow the client is: small versions
wait in memory, others in a temporary file.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import msgspec
import pyarrow as pa

from exempla.arrow.columns import Columns, StoredExample
from exempla.flight import protocol
from exempla.store.database import Row

IN_MEMORY_BYTES = 8 * 1024 * 1024
"""What is kept in memory before the file is used."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[StoredExample]).decode


class Spool:
    """Takes the parts of a version and learns their columns, then gives Flight's messages.

    Close it to delete the file.
    """

    def __init__(self, folder: Path | None) -> None:
        where = None if folder is None else str(folder)
        self._file = tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES, dir=where)  # noqa: SIM115
        self._columns = Columns()
        self._sizes: list[int] = []

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, type: type[BaseException] | None, error: object, traceback: TracebackType | None
    ) -> None:
        self._file.close()

    def take(self, part: list[Row]) -> None:
        """Keep a part."""
        self._columns.learn(row[-1] for row in part)
        self._sizes.append(self._file.write(_encode([row[1:] for row in part])))

    def messages(self) -> Iterator[bytes]:
        """Return the schema, then the parts as record batches."""
        schema = self._columns.schema()
        yield _message(schema.serialize())
        self._file.seek(0)
        for size in self._sizes:
            part = _decode(self._file.read(size))
            yield _message(self._columns.batch(schema, part).serialize())


def _message(framed: pa.Buffer) -> bytes:
    message = pa.ipc.read_message(framed)
    return protocol.flight_data(message.metadata, message.body or b"")
