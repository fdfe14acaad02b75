"""The examples of a version between the database and a client that reads at its own pace.

So the database is done with the reading at once, however slow the client is: small versions
wait in memory, others in a temporary file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from exempla.scratch import Scratch
from exempla.store.bodies import StoredExample
from exempla.store.transaction import Row

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[StoredExample]).decode


class Spool(Scratch):
    """Takes the parts of a version, shows their bodies to `learn`, then gives them again."""

    def __init__(self, folder: Path | None, learn: Callable[[Iterable[str]], None]) -> None:
        super().__init__(folder)
        self._learn = learn
        self._sizes: list[int] = []

    def take(self, part: list[Row]) -> None:
        """Keep a part, as `store/bulk.py` reads it."""
        self._learn(row[-1] for row in part)
        self._sizes.append(self._file.write(_encode([row[1:] for row in part])))

    def parts(self) -> Iterator[list[StoredExample]]:
        """Return the parts, in their order."""
        self._file.seek(0)
        for size in self._sizes:
            yield _decode(self._file.read(size))
