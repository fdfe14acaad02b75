"""Bytes that wait for their use: the first ones in memory, if there is room, others in a file.

A temporary file costs more than one thinks, though nothing of it need reach the disk: the system
copies all bytes twice, and finds room for them. But memory is short where many load at once, so
one of them at a time may use it.
"""

from __future__ import annotations

import os
import tempfile
import threading
from bisect import bisect_right
from pathlib import Path

IN_MEMORY_BYTES = 64 * 1024 * 1024
"""What one load may keep in memory."""

_room = threading.Lock()
"""Held by the load that keeps its texts in memory."""


class Texts:
    """Takes bytes, then gives any stretch of them back. Close it to delete the file."""

    def __init__(self, folder: Path | None, *, in_memory: bool) -> None:
        """With `in_memory`, use memory unless another load does."""
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        self._has_room = in_memory and _room.acquire(blocking=False)
        self._pieces: list[bytes] = []
        self._starts: list[int] = []
        self._size = 0
        self._in_memory = 0
        """How many bytes of the first ones are in `_pieces`."""

    def append(self, text: bytes) -> None:
        """Take more."""
        in_turn = self._in_memory == self._size
        if self._has_room and in_turn and self._size + len(text) <= IN_MEMORY_BYTES:
            self._pieces.append(text)
            self._starts.append(self._size)
            self._in_memory += len(text)
        else:
            self._file.write(text)
        self._size += len(text)

    def read(self, start: int, size: int) -> bytes:
        """Return so many bytes from this place on."""
        found = []
        while size and start < self._in_memory:
            piece = bisect_right(self._starts, start) - 1
            at = start - self._starts[piece]
            text = self._pieces[piece][at : at + size]
            found.append(text)
            start, size = start + len(text), size - len(text)
        if size:
            self._file.flush()
            found.append(os.pread(self._file.fileno(), size, start - self._in_memory))
        return found[0] if len(found) == 1 else b"".join(found)

    def close(self) -> None:
        """Delete all of it."""
        self._file.close()
        self._pieces.clear()
        if self._has_room:
            self._has_room = False
            _room.release()
