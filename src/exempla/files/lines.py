"""What JSONL, JSON and CSV have in common: bounded lines, and rows of fields."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import BinaryIO, NamedTuple

import msgspec

from exempla.clock import MAX_TIME
from exempla.errors import InvalidRequest, Problem, ValidationError
from exempla.ids import why_no_example_id
from exempla.limits import MAX_LINE_BYTES, MAX_NESTING
from exempla.nesting import is_too_deep
from exempla.store.bodies import Fields
from exempla.store.incoming import Incoming

BYTES_AT_ONCE = 1_000_000
"""Bytes of rows, about, that are in memory before they go on: few, for the caches of processors."""

MAX_FAULTS = 1_000
"""Rows that cannot be read, after which no more are looked at."""

MARK = b"\xef\xbb\xbf"
"""What some programs write before UTF-8."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_encode = msgspec.json.Encoder().encode
_string = msgspec.json.Decoder(str | None).decode
_time = msgspec.json.Decoder(datetime | None).decode


class Row(NamedTuple):
    """An example of a file, and the number of its line or item; times in microseconds."""

    number: int
    id: str | None
    created_at: int | None
    updated_at: int | None
    body: bytes


def numbered(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Return the lines, each with its end, numbered from 1."""
    number = 0
    while line := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        check_size(len(line), number)
        yield number, line.removeprefix(MARK) if number == 1 else line


def check_size(size: int, line: int) -> None:
    """Raise `ValidationError` for a line, or several that belong together, of too many bytes."""
    if size > MAX_LINE_BYTES:
        raise ValidationError(f"line {line} has over {MAX_LINE_BYTES // 2**20} MiB")


def as_text(given: bytes, where: str) -> str:
    """Decode a line or an item, or raise `InvalidRequest` with this place."""
    try:
        return given.decode()
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"{where} is not UTF-8 (byte {error.start})") from None


def row_of(fields: Fields, number: int, where: str) -> Row:
    """Take the id and the times out of an example's members; check what is left.

    Raises `ValidationError` with this place and the name of the member.
    """
    id = _id(fields.pop("id", None), where)
    created_at = _moment(fields.pop("created_at", None), "created_at", where)
    updated_at = _moment(fields.pop("updated_at", None), "updated_at", where)
    if "annotations" in fields:
        raise ValidationError(f"{where}: 'annotations' is managed by the system; rename or drop it")
    body = _encode(fields)
    if body.count(b"[") + body.count(b"{") > MAX_NESTING:
        for name, value in fields.items():
            if is_too_deep(bytes(value)):
                raise ValidationError(
                    f"{where}: {name!r} is nested deeper than {MAX_NESTING} levels"
                )
    return Row(number, id, created_at, updated_at, body)


def fill(incoming: Incoming, rows: Iterable[Row | Problem]) -> None:
    """Take in all rows, or raise the first problem, which knows the others (`MAX_FAULTS`)."""
    some: list[Row] = []
    faults: list[Problem] = []
    size = 0
    try:
        for row in rows:
            if isinstance(row, Problem):
                faults.append(row)
                if len(faults) == MAX_FAULTS:
                    break
            elif not faults:
                some.append(row)
                size += 200 + len(row.body)
                if size > BYTES_AT_ONCE:
                    _add(incoming, some)
                    some, size = [], 0
    except Problem as problem:  # nothing can be read after it
        faults.append(problem)
    if faults:
        faults[0].others = [one.detail for one in faults[1:]]
        raise faults[0]
    if some:
        _add(incoming, some)


def _add(incoming: Incoming, rows: list[Row]) -> None:
    places, ids, created_at, updated_at, bodies = zip(*rows, strict=True)
    incoming.add(bodies, ids, created_at, updated_at, places)


def _id(value: msgspec.Raw | None, where: str) -> str | None:
    try:
        id: str | None = None if value is None else _string(value)
    except msgspec.ValidationError:
        raise ValidationError(f"{where}: the id must be a string") from None
    if id is None:
        return None
    if why := why_no_example_id(id):
        raise ValidationError(f"{where}: {why}")
    return id


def _moment(value: msgspec.Raw | None, name: str, where: str) -> int | None:
    if value is None:
        return None
    try:
        time = _time(value)
    except msgspec.ValidationError:
        time = datetime.min
    if time is None:
        return None
    microseconds = (time - _EPOCH) // _MICROSECOND if time.tzinfo else -1
    if not 0 <= microseconds < MAX_TIME:
        raise ValidationError(
            f"{where}: {name!r} must be a time from 1970 to 3000 with its zone, "
            "as in 2030-01-31T09:30:00Z"
        )
    return microseconds
