"""The examples of a version between the database and a client that reads at its own pace.

So the database is done with the reading at once, however slow the client is: small versions
wait in memory, others in a temporary file.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType

import msgspec

from exempla.store.bodies import StoredExample
from exempla.store.database import Row

IN_MEMORY_BYTES = 8 * 1024 * 1024
"""What is kept in memory before the file is used."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[StoredExample]).decode


class Spool:
    """Takes the parts of a version, shows their bodies to `learn`, then gives them again.

    Close it to delete the file.
    """

    def __init__(self, folder: Path | None, learn: Callable[[Iterable[str]], None]) -> None:
        where = None if folder is None else str(folder)
        self._file = tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES, dir=where)  # noqa: SIM115
        self._learn = learn
        self._sizes: list[int] = []

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, type: type[BaseException] | None, error: object, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Delete the file."""
        self._file.close()

    def take(self, part: list[Row]) -> None:
        """Keep a part, as `store/bulk.py` reads it."""
        self._learn(row[-1] for row in part)
        self._sizes.append(self._file.write(_encode([row[1:] for row in part])))

    def parts(self) -> Iterator[list[StoredExample]]:
        """Return the parts, in their order."""
        self._file.seek(0)
        for size in self._sizes:
            yield _decode(self._file.read(size))
