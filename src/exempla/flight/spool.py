"""The examples of a version between the database and a client that reads at its own pace.

So the database is done with the reading at once, however slow the client is: small versions
wait in memory, others in a temporary file.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from exempla.arrow.columns import Columns, StoredExample
from exempla.store.database import Row

IN_MEMORY_BYTES = 8 * 1024 * 1024
"""What is kept in memory before the file is used."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[StoredExample]).decode


class Spool:
    """Takes the parts of a version, and gives them back once. It learns their columns, too."""

    def __init__(self, folder: Path | None) -> None:
        self.columns = Columns()
        where = None if folder is None else str(folder)
        self._file = tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES, dir=where)  # noqa: SIM115
        self._sizes: list[int] = []

    def take(self, part: list[Row]) -> None:
        """Keep a part."""
        self.columns.learn(row[-1] for row in part)
        self._sizes.append(self._file.write(_encode([row[1:] for row in part])))

    def parts(self) -> Iterator[list[StoredExample]]:
        """Return all parts, and delete the file."""
        with self._file as file:
            file.seek(0)
            for size in self._sizes:
                yield _decode(file.read(size))

    def close(self) -> None:
        """Delete the file."""
        self._file.close()
