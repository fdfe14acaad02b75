"""From Arrow record batches to examples: each row an id, its times, and its fields as JSON text.

Every column but `id`, `created_at` and `updated_at` is a field of every row; a null cell is
`null`. A row's number, in messages, is its place in the whole stream; the first is 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from exempla.arrow.columns import CREATED_AT, ID, TYPE, UPDATED_AT
from exempla.clock import MICROSECONDS
from exempla.errors import ValidationError
from exempla.limits import MAX_EXAMPLE_ID_LENGTH, MAX_NESTING
from exempla.nesting import is_too_deep

ROWS_AT_ONCE = 1_000
"""Rows of a batch that are Python objects at the same time."""

MAX_TIME = 32_503_680_000 * MICROSECONDS
"""Times lie before the year 3000: what is later is a mistake of units."""

SYSTEM = (ID, CREATED_AT, UPDATED_AT)

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
        self._schema = schema
        for name in schema.names:
            if schema.names.count(name) > 1:
                raise ValidationError(f"there are several columns named {name!r}; keep one of them")
        self._fields = [field for field in schema if field.name not in SYSTEM]
        if not self._fields:
            raise ValidationError("there are no columns but the id and times; give some fields")
        for field in self._fields:
            if field.name == "annotations":
                raise ValidationError(
                    "the column 'annotations' is managed by the system; rename or drop it"
                )
        self._plain = [_plain(field.type, field.name) for field in self._fields]
        self._next = 0

    def read(self, batch: pa.RecordBatch) -> Iterator[Rows]:
        """Return the rows of the next batch, in parts."""
        try:
            batch.validate(full=True)
        except (pa.ArrowInvalid, pa.ArrowIndexError) as error:
            raise ValidationError(
                f"the record batch from row {self._next} on is not valid Arrow data: {error}"
            ) from None
        for start in range(0, batch.num_rows, ROWS_AT_ONCE):
            part = batch.slice(start, ROWS_AT_ONCE)
            yield self._rows(part)
            self._next += part.num_rows

    def _rows(self, part: pa.RecordBatch) -> Rows:
        names = [field.name for field in self._fields]
        cells = [
            self._cells(part.column(name), field, plain)
            for name, field, plain in zip(names, self._fields, self._plain, strict=True)
        ]
        return Rows(
            self._next,
            self._ids(part),
            self._times(part, CREATED_AT),
            self._times(part, UPDATED_AT),
            [_encode(dict(zip(names, row, strict=True))) for row in zip(*cells, strict=True)],
        )

    def _cells(self, column: pa.Array, field: pa.Field, plain: pa.DataType) -> list[Any]:
        """Return the values of a field as objects that msgspec writes as JSON."""
        name = field.name
        try:
            column = _cast(column, plain)
            self._check_finite(column, name)
            values: list[Any] = column.to_pylist(maps_as_pydicts="strict")
        except (pa.ArrowException, ValueError, OverflowError, KeyError) as error:
            raise ValidationError(
                f"the column {name!r} cannot be read in rows {self._next} to "
                f"{self._next + len(column) - 1}: {error}"
            ) from None
        if _is_json(field):
            return [self._json(value, name, index) for index, value in enumerate(values)]
        return values

    def _check_finite(self, column: pa.Array, name: str) -> None:
        for index in _infinite(column):
            raise ValidationError(
                f"row {self._next + index}: the column {name!r} holds an infinite number, which "
                "JSON does not have; give null or a text"
            )

    def _json(self, text: str | None, name: str, index: int) -> msgspec.Raw | None:
        if text is None:
            return None
        where = f"row {self._next + index}: the column {name!r}"
        try:
            value = msgspec.json.decode(text, type=msgspec.Raw)
        except (msgspec.DecodeError, RecursionError) as error:
            raise ValidationError(f"{where} holds text that is not JSON: {error}") from None
        if is_too_deep(bytes(value)):
            raise ValidationError(f"{where} is nested deeper than {MAX_NESTING} levels")
        return value

    def _ids(self, part: pa.RecordBatch) -> list[str] | None:
        if ID not in self._schema.names:
            return None
        column = part.column(ID)
        if not _is_text(column.type) and not pa.types.is_integer(column.type):
            raise ValidationError(f"the column 'id' is of the type {column.type}; give strings")
        ids: list[str] = column.cast(pa.string()).to_pylist()
        for index, id in enumerate(ids):
            if not id or "\0" in id or len(id) > MAX_EXAMPLE_ID_LENGTH:
                raise ValidationError(f"row {self._next + index}: {_why_no_id(id)}")
        return ids

    def _times(self, part: pa.RecordBatch, name: str) -> list[int | None] | None:
        """Return times in microseconds: given as a time, or as milliseconds since 1970."""
        if name not in self._schema.names:
            return None
        column = part.column(name)
        if pa.types.is_null(column.type):
            return None
        if pa.types.is_timestamp(column.type):
            unit, times = 1, _cast(column, pa.timestamp("us", tz=column.type.tz)).cast(pa.int64())
        elif pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
            unit, times = 1_000, column
        else:
            raise ValidationError(
                f"the column {name!r} is of the type {column.type}; give timestamps, or "
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
        given = pc.if_else(pc.is_nan(about), None, times).cast(pa.int64(), safe=False)
        microseconds: list[int | None] = pc.multiply(given, unit).to_pylist()
        return microseconds


def _why_no_id(id: str | None) -> str:
    if not id:
        return "the id is empty; give every row an id, or leave the column out"
    if "\0" in id:
        return "the id contains the character U+0000, which is not allowed"
    return f"the id has {len(id)} characters; at most {MAX_EXAMPLE_ID_LENGTH} are allowed"


def _is_json(field: pa.Field) -> bool:
    """Tell whether the strings of a column are JSON text, as `columns.py` marks them."""
    return bool(field.metadata) and field.metadata.get(TYPE) == b"json"


def _is_text(type: pa.DataType) -> bool:
    if pa.types.is_dictionary(type):
        type = type.value_type
    is_a = pa.types
    return bool(is_a.is_string(type) or is_a.is_large_string(type) or is_a.is_string_view(type))


def _plain(type: pa.DataType, column: str, depth: int = 0) -> pa.DataType:
    """Return the type to cast a column to, so that its values are what msgspec can write."""
    if depth > MAX_NESTING:
        raise ValidationError(f"the column {column!r} is nested deeper than {MAX_NESTING} levels")
    types = pa.types

    def inner(of: pa.DataType) -> pa.DataType:
        return _plain(of, column, depth + 1)

    if isinstance(type, pa.BaseExtensionType):
        return _plain(type.storage_type, column, depth)
    if types.is_dictionary(type):
        return _plain(type.value_type, column, depth)
    if types.is_struct(type):
        return pa.struct([field.with_type(inner(field.type)) for field in type])
    if types.is_map(type):
        if not _is_text(type.key_type):
            raise ValidationError(
                f"the column {column!r} has maps whose keys are {type.key_type}; JSON has strings"
            )
        return pa.map_(pa.string(), inner(type.item_type))
    if types.is_fixed_size_list(type):
        return pa.list_(inner(type.value_type), type.list_size)
    if types.is_list(type) or types.is_large_list(type):
        return pa.large_list(inner(type.value_type))
    return _plain_value(type, column)


_PLAIN: list[tuple[Callable[[pa.DataType], bool], Callable[[pa.DataType], pa.DataType]]] = [
    (_is_text, lambda type: pa.large_string()),
    (pa.types.is_floating, lambda type: pa.float64()),
    (pa.types.is_timestamp, lambda type: pa.timestamp("us", tz="UTC" if type.tz else None)),
    (pa.types.is_date, lambda type: pa.date32()),
    (pa.types.is_time, lambda type: pa.time64("us")),
    (pa.types.is_duration, lambda type: pa.duration("us")),
    (pa.types.is_integer, lambda type: type),
    (pa.types.is_boolean, lambda type: type),
    (pa.types.is_null, lambda type: type),
    (pa.types.is_decimal, lambda type: type),
]


def _cast(column: pa.Array, type: pa.DataType) -> pa.Array:
    """Convert a column exactly, but for what of a time is finer than microseconds."""
    if column.type == type:
        return column
    return pc.cast(column, options=pc.CastOptions(type, allow_time_truncate=True))


def _plain_value(type: pa.DataType, column: str) -> pa.DataType:
    for matches, plain in _PLAIN:
        if matches(type):
            return plain(type)
    raise ValidationError(
        f"the column {column!r} is of the type {type}, which has no form in JSON; "
        "convert it to text, numbers, lists or objects"
    )


def _infinite(column: pa.Array) -> Sequence[int]:
    """Return the places of values that are or contain an infinite number."""
    if not _has_infinite(column):
        return []
    return [i for i in range(len(column)) if _has_infinite(column.slice(i, 1))]


def _has_infinite(column: pa.Array) -> bool:
    type = column.type
    if pa.types.is_floating(type):
        return bool(pc.any(pc.is_inf(column)).as_py())
    if pa.types.is_struct(type):
        return any(map(_has_infinite, column.flatten()))
    if pa.types.is_map(type):
        entries = pa.struct([("key", type.key_type), ("value", type.item_type)])
        return _has_infinite(column.cast(pa.large_list(entries)))
    if pa.types.is_large_list(type) or pa.types.is_fixed_size_list(type):
        return _has_infinite(column.flatten())
    return False
