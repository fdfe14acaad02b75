"""A file on its way into a dataset: all of it is read and checked before anything is written."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from exempla.files import csv, jsonl, lines, parquet
from exempla.files.formats import Format
from exempla.store.incoming import Incoming


def read(format: Format, file: BinaryIO, folder: Path | None) -> Incoming:
    """Return all examples of a file, which can be read anywhere in it. Close what is returned.

    Raises `InvalidRequest` for what is not of the format, and `ValidationError` for what breaks
    a rule, with the number of the line (from 1) or of the row (from 0), and the field.
    """
    incoming = Incoming(folder, "row" if format == "parquet" else "line")
    try:
        if format == "parquet":
            parquet.read(file, incoming)
        else:
            lines.fill(incoming, (csv if format == "csv" else jsonl).read(file))
    except BaseException:
        incoming.close()
        raise
    return incoming
