"""A version on its way into a file: all of it is read first, then written piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from exempla.files import jsonl
from exempla.files.formats import Format
from exempla.files.spool import Spool
from exempla.store.bodies import StoredExample
from exempla.store.transaction import Row


class Export:
    """Takes the parts of a version, then gives the file. Close it to delete what it keeps."""

    def __init__(self, format: Format, folder: Path | None) -> None:
        if format == "jsonl":
            self._spool = Spool(folder, lambda bodies: None)
            self._write: Callable[[Iterable[list[StoredExample]]], Iterator[bytes]] = jsonl.chunks
            return
        from exempla.arrow.columns import Columns
        from exempla.files import csv, parquet

        columns = Columns(exact=format == "parquet")
        self._spool = Spool(folder, columns.learn)
        self._write = partial((csv if format == "csv" else parquet).chunks, columns)

    def take(self, part: list[Row]) -> None:
        """Take a part, as `store/bulk.py` reads it.

        Raises `ValidationError` for more fields than a file of columns may have.
        """
        self._spool.take(part)

    def chunks(self) -> Iterator[bytes]:
        """Return the bytes of the file, in order and in parts."""
        return self._write(self._spool.parts())

    def close(self) -> None:
        """Delete the temporary file."""
        self._spool.close()
