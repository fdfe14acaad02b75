"""CSV (RFC 4180): a header, then an example a line. The types of values are lost.

What is read may have semicolons or tabs for commas, as spreadsheets write it in some languages.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import BinaryIO

import msgspec

from exempla.arrow.columns import CREATED_AT, ID, UPDATED_AT, Columns
from exempla.clock import rfc3339
from exempla.errors import InvalidRequest, Problem, ValidationError
from exempla.files.lines import Row, as_text, check_size, numbered, row_of
from exempla.limits import MAX_COLUMNS, MAX_LINE_BYTES
from exempla.store import bodies
from exempla.store.bodies import StoredExample

_SPECIAL = re.compile(r'[",\r\n]')
_QUOTED = re.compile(r'"[^"]*"?')
_NOTHING = msgspec.Raw(b"null")
_string = msgspec.json.Decoder(str).decode
_encode = msgspec.json.Encoder().encode

csv.field_size_limit(MAX_LINE_BYTES)  # it holds for the whole process


def chunks(columns: Columns, parts: Iterable[list[StoredExample]]) -> Iterator[bytes]:
    """Return the header, then the parts, which the columns have learned."""
    names = columns.names
    yield _written([[ID, CREATED_AT, UPDATED_AT, *names]])
    for part in parts:
        yield _written(_row(names, example) for example in part)


def _row(names: Sequence[str], example: StoredExample) -> list[str]:
    id, created_at, updated_at, body = example
    fields = bodies.decode(body)
    cells = [_cell(bytes(fields.get(name, _NOTHING))) for name in names]
    return [id, rfc3339(created_at), rfc3339(updated_at), *cells]


def _cell(value: bytes) -> str:
    """Return a string as it is, nothing for null, else JSON text."""
    if value[:1] == b'"':
        return _string(value)
    return "" if value == b"null" else value.decode()


def _written(rows: Iterable[Sequence[str]]) -> bytes:
    """Write rows; `csv.writer` takes four times as long for long texts."""
    lines = [",".join([_quoted(cell) for cell in row]) for row in rows]
    lines.append("")
    return "\r\n".join(lines).encode()


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if _SPECIAL.search(cell) else cell


def read(file: BinaryIO) -> Iterator[Row | Problem]:
    """Return the examples below the header: each cell a string, an empty one a missing field.

    A column without a name, as spreadsheets leave them behind, must be empty.

    For one that is wrong `ValidationError` is returned, with the number of the line that it begins
    on; raises that, or `InvalidRequest`, where the rest cannot be read.
    """
    lines = _Lines(file)
    text = iter(lines)
    first = next(text, "")
    cells = csv.reader(chain([first], text), strict=True, delimiter=_delimiter(first))
    header = _next(cells, 1)
    if not header:
        raise ValidationError("line 1 is empty; begin with a header, the names of the columns")
    _check_header(header)
    while (row := _next(cells, start := cells.line_num + 1)) is not None:
        lines.size, where = 0, f"line {start}"
        if not row:  # an empty line
            continue
        if len(row) != len(header):
            cells_in_it = "1 cell" if len(row) == 1 else f"{len(row)} cells"
            yield ValidationError(f"{where} has {cells_in_it}, but the header {len(header)}")
            continue
        given = zip(header, row, strict=True)
        fields = {name: msgspec.Raw(_encode(cell)) for name, cell in given if cell}
        if "" in fields:
            yield ValidationError(
                f"{where} has a value in a column without a name; name it in line 1"
            )
            continue
        try:
            yield row_of(fields, start, where)
        except Problem as problem:
            yield problem


def _delimiter(header: str) -> str:
    """Return what separates the cells: a tab if the header has one outside of quotes, else a comma.

    Or a semicolon, if it has no comma either.
    """
    bare = _QUOTED.sub("", header)
    return next((one for one in "\t,;" if one in bare), ",")


class _Lines:
    """The lines as text, for `csv.reader`, which may need several for one row."""

    def __init__(self, file: BinaryIO) -> None:
        self._lines = numbered(file)
        self.size = 0
        """Bytes of the row that is read now."""

    def __iter__(self) -> Iterator[str]:
        for number, line in self._lines:
            self.size += len(line)
            check_size(self.size, number)
            yield as_text(line, f"line {number}")


def _next(rows: Iterator[list[str]], line: int) -> list[str] | None:
    try:
        return next(rows, None)
    except csv.Error as error:
        is_lone_cr = "new-line" in str(error)  # Python's words for one outside of quotes
        if is_lone_cr:
            raise InvalidRequest(
                f"line {line} has a CR by itself; end lines with LF or CR LF, and put cells that "
                "hold a CR in double quotes"
            ) from None
        raise InvalidRequest(f"line {line} is not valid CSV: {error}") from None


def _check_header(names: Sequence[str]) -> None:
    named = Counter(name for name in names if name)
    if twice := next((name for name, times in named.items() if times > 1), ""):
        raise ValidationError(
            f"line 1: there are several columns named {twice!r}; keep one of them"
        )
    if len(names) > MAX_COLUMNS:
        raise ValidationError(
            f"line 1: there are {len(names)} columns; at most {MAX_COLUMNS} are allowed"
        )
