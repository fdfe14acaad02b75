"""From Arrow record batches to examples: each row an id, its times, and its fields as JSON text.

Every column but `id`, `created_at` and `updated_at` is a field of every row; a null cell is
`null`, or a missing field where the schema says so (`columns.py`). A row's number, in messages,
is its place in the whole stream; the first is 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from exempla.arrow.columns import CREATED_AT, ID, MISSING, NULL, TYPE, UPDATED_AT
from exempla.arrow.values import UNREADABLE, cast, check_type, is_text, size_of, values_of
from exempla.clock import MAX_TIME
from exempla.errors import ValidationError
from exempla.ids import why_no_example_id
from exempla.limits import (
    MAX_BATCH_ROWS,
    MAX_COLUMNS,
    MAX_EXAMPLE_BYTES,
    MAX_NESTING,
)
from exempla.nesting import is_too_deep
from exempla.store.incoming import Incoming

ROWS_AT_ONCE = 5_000
BYTES_AT_ONCE = 8_000_000
"""Rows and bytes, about, of a batch that are Python objects at the same time."""

SYSTEM = (ID, CREATED_AT, UPDATED_AT)

_MICROSECONDS_OF = {"s": 1_000_000, "ms": 1_000, "us": 1}

_encode = msgspec.json.Encoder(decimal_format="number").encode


class Rows(NamedTuple):
    """Some rows of a stream, in its order; times in microseconds, or None where not given."""

    first: int
    """The number of the first one."""
    ids: list[str] | None
    created_at: list[int | None] | None
    updated_at: list[int | None] | None
    bodies: list[bytes]


class Reader:
    """Reads the batches of one stream, whose schema is checked first.

    Raises `ValidationError`, with the name of the column and the number of the row, for what
    cannot be an example.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self._names = _names(schema)
        self._columns = [_Column(field) for field in schema if field.name not in SYSTEM]
        self._lacks_nulls = (schema.metadata or {}).get(NULL) == MISSING
        self._next = 0

    def read(self, batch: pa.RecordBatch) -> Iterator[Rows]:
        """Return the rows of the next batch, in parts."""
        if batch.num_rows > MAX_BATCH_ROWS:
            raise ValidationError(
                f"a record batch has {batch.num_rows} rows; at most {MAX_BATCH_ROWS} are allowed; "
                "send them in more batches"
            )
        try:
            batch.validate(full=True)
        except pa.ArrowException as error:
            raise ValidationError(
                f"the record batch from row {self._next} on is not valid Arrow data: {error}"
            ) from None
        start, size = 0, ROWS_AT_ONCE
        while start < batch.num_rows:
            part = batch.slice(start, size)
            weight = sum(map(size_of, part.columns))
            if weight > BYTES_AT_ONCE and part.num_rows > 1:
                size = max(1, min(size, part.num_rows) // 2)
                continue
            if weight > MAX_EXAMPLE_BYTES:
                raise ValidationError(
                    f"row {self._next} has {weight} bytes; at most {MAX_EXAMPLE_BYTES} are allowed"
                )
            yield self._rows(part)
            start += part.num_rows
            self._next += part.num_rows
            size = min(2 * size, ROWS_AT_ONCE)

    def _rows(self, part: pa.RecordBatch) -> Rows:
        names = [column.name for column in self._columns]
        cells = [column.values(part.column(column.name), self._next) for column in self._columns]
        return Rows(
            self._next,
            self._ids(part),
            self._times(part, CREATED_AT),
            self._times(part, UPDATED_AT),
            [
                _encode(self._fields(zip(names, row, strict=True)))
                for row in zip(*cells, strict=True)
            ],
        )

    def _fields(self, cells: Iterable[tuple[str, Any]]) -> dict[str, Any]:
        if self._lacks_nulls:
            return {name: value for name, value in cells if value is not None}
        return dict(cells)

    def _ids(self, part: pa.RecordBatch) -> list[str] | None:
        if ID not in self._names:
            return None
        column = part.column(ID)
        if not is_text(column.type) and not pa.types.is_integer(column.type):
            raise ValidationError(f"the column 'id' is of the type {column.type}; give strings")
        ids = ["" if id is None else str(id) for id in column.to_pylist()]
        for index, id in enumerate(ids):
            if why := why_no_example_id(id):
                raise ValidationError(f"row {self._next + index}: {why}")
        return ids

    def _times(self, part: pa.RecordBatch, name: str) -> list[int | None] | None:
        """Return times in microseconds: given as a time, or as milliseconds since 1970."""
        if name not in self._names:
            return None
        times, unit = part.column(name), _MICROSECONDS_OF["ms"]
        if pa.types.is_null(times.type):
            return None
        if pa.types.is_timestamp(times.type):
            if times.type.unit == "ns":
                times = cast(times, pa.timestamp("us", tz=times.type.tz))
            times, unit = times.cast(pa.int64()), _MICROSECONDS_OF[times.type.unit]
        elif not pa.types.is_integer(times.type) and not pa.types.is_floating(times.type):
            raise ValidationError(
                f"the column {name!r} is of the type {times.type}; give timestamps, or "
                "milliseconds since 1970 as whole numbers"
            )
        about = times.cast(pa.float64(), safe=False)
        wrong = pc.or_(pc.less(about, 0.0), pc.greater_equal(about, float(MAX_TIME // unit)))
        index = pc.index(wrong, True).as_py()
        if index >= 0:
            raise ValidationError(
                f"row {self._next + index}: {name!r} is not between 1970 and 3000; give "
                "timestamps, or milliseconds since 1970"
            )
        if pa.types.is_floating(times.type):
            index = pc.index(pc.not_equal(about, pc.floor(about)), True).as_py()
            if index >= 0 and not pc.is_nan(about[index]).as_py():
                raise ValidationError(
                    f"row {self._next + index}: {name!r} is no whole number of milliseconds"
                )
        given = pc.if_else(pc.is_nan(about), None, times).cast(pa.int64(), safe=False)
        microseconds: list[int | None] = pc.multiply(given, unit).to_pylist()
        return microseconds


def fill(
    incoming: Incoming,
    schema: pa.Schema,
    batches: Iterable[pa.RecordBatch],
    check: Callable[[], object] = lambda: None,
) -> None:
    """Take in all rows of the batches of one stream, in parts; `check` is called before each."""
    rows = Reader(schema)
    for batch in batches:
        for part in rows.read(batch):
            check()
            incoming.add(part.bodies, part.ids, part.created_at, part.updated_at)


class _Column:
    """Reads the cells of one field."""

    def __init__(self, field: pa.Field) -> None:
        self.name: str = field.name
        check_type(field.type, field.name)
        marked = bool(field.metadata) and field.metadata.get(TYPE) == b"json"
        self._is_json = marked and is_text(field.type)

    def values(self, cells: pa.Array, first: int) -> list[Any]:
        """Return objects that msgspec writes as JSON; the first cell is that of this row."""
        try:
            return self._values(cells)
        except UNREADABLE:
            for row in range(len(cells)):
                self._check(cells.slice(row, 1), first + row)
            raise

    def _values(self, cells: pa.Array) -> list[Any]:
        values = values_of(cells)
        return [_json(value) for value in values] if self._is_json else values

    def _check(self, cell: pa.Array, row: int) -> None:
        try:
            self._values(cell)
        except UNREADABLE as error:
            raise ValidationError(
                f"row {row}: the column {self.name!r} cannot be read: {error}"
            ) from None


def _names(schema: pa.Schema) -> set[str]:
    """Return the names of the columns, or say what is wrong with them."""
    try:
        names = Counter(schema.names)
    except UnicodeDecodeError as error:
        raise ValidationError(f"the name of a column is not UTF-8: {error}") from None
    name, count = names.most_common(1)[0] if names else ("", 0)
    if count > 1:
        raise ValidationError(f"there are several columns named {name!r}; keep one of them")
    if names.keys() <= set(SYSTEM):
        raise ValidationError("there are no columns but the id and times; give some fields")
    if "annotations" in names:
        raise ValidationError(
            "the column 'annotations' is managed by the system; rename or drop it"
        )
    if len(names) > MAX_COLUMNS:
        raise ValidationError(
            f"there are {len(names)} columns; at most {MAX_COLUMNS} are allowed; "
            "put some of them together into structs"
        )
    return set(names)


def _json(text: str | None) -> msgspec.Raw | None:
    if text is None:
        return None
    try:
        value = msgspec.json.decode(text, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"it is not JSON text: {error}") from None
    if is_too_deep(bytes(value)):
        raise ValueError(f"it is nested deeper than {MAX_NESTING} levels")
    return value
