"""A file on its way into a dataset: all of it is read and checked before anything is written."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from exempla.files import array, csv, jsonl, lines, parquet
from exempla.files.formats import Format
from exempla.store.incoming import Incoming


def read(format: Format, file: BinaryIO, folder: Path | None) -> Incoming:
    """Return all examples of a file, which can be read anywhere in it. Close what is returned.

    In place of JSONL an array of objects is taken. Raises `InvalidRequest` for what is not of the
    format, and `ValidationError` for what breaks a rule, with the number of the line or the item
    of the array (from 1) or of the row (from 0), and the field.
    """
    is_array = format == "jsonl" and array.begins(file)
    unit = "row" if format == "parquet" else "item" if is_array else "line"
    incoming = Incoming(folder, unit)
    try:
        if format == "parquet":
            parquet.read(file, incoming)
        elif format == "csv":
            lines.fill(incoming, csv.read(file))
        elif is_array:
            lines.fill(incoming, jsonl.read(array.items(file), "item"))
        else:
            lines.fill(incoming, jsonl.read(lines.numbered(file), "line"))
    except BaseException:
        incoming.close()
        raise
    return incoming
