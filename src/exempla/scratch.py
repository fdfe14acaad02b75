"""Temporary files for what does not fit into memory."""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

IN_MEMORY_BYTES = 8 * 1024 * 1024
"""What is kept in memory before a file is used."""


class Scratch:
    """Keeps what comes in memory, or in a file without a name. Close it to delete that."""

    def __init__(self, folder: Path | None) -> None:
        where = None if folder is None else str(folder)
        self._file = tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES, dir=where)  # noqa: SIM115

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, type: type[BaseException] | None, error: object, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Delete what is kept."""
        self._file.close()
