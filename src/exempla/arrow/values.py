"""From the values of Arrow to objects that msgspec writes as JSON."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from exempla.errors import ValidationError
from exempla.limits import MAX_NESTING

UNREADABLE = (pa.ArrowException, ArithmeticError, LookupError, ValueError)
"""What pyarrow and Python raise for values that Python's types cannot hold."""


def is_text(type: pa.DataType) -> bool:
    """Tell whether the values of a type are strings."""
    if pa.types.is_dictionary(type):
        type = type.value_type
    is_a = pa.types
    return bool(is_a.is_string(type) or is_a.is_large_string(type) or is_a.is_string_view(type))


def check_type(type: pa.DataType, column: str, depth: int = 0) -> None:
    """Raise `ValidationError` for a type whose values have no form in JSON."""
    types = pa.types
    if depth > MAX_NESTING:
        raise ValidationError(f"the column {column!r} is nested deeper than {MAX_NESTING} levels")
    if isinstance(type, pa.BaseExtensionType):
        check_type(type.storage_type, column, depth)
    elif types.is_dictionary(type):
        check_type(type.value_type, column, depth)
    elif types.is_struct(type):
        for field in type:
            check_type(field.type, column, depth + 1)
    elif types.is_map(type):
        if not is_text(type.key_type):
            raise ValidationError(
                f"the column {column!r} has maps whose keys are {type.key_type}; JSON has strings"
            )
        check_type(type.item_type, column, depth + 1)
    elif _is_list(type):
        check_type(type.value_type, column, depth + 1)
    elif not any(matches(type) for matches, _ in _PLAIN):
        raise ValidationError(
            f"the column {column!r} is of the type {type}, which has no form in JSON; "
            "convert it to text, numbers, lists or objects"
        )


_PLAIN: list[tuple[Callable[[pa.DataType], bool], pa.DataType | None]] = [
    (pa.types.is_floating, pa.float64()),
    (pa.types.is_date, pa.date32()),
    (pa.types.is_time, pa.time64("us")),
    (pa.types.is_duration, pa.duration("us")),
    (lambda type: pa.types.is_timestamp(type) and type.tz is None, pa.timestamp("us")),
    (pa.types.is_timestamp, pa.timestamp("us", tz="UTC")),
    (is_text, None),  # the views of null cells are not validated, but a cast reads them
    (pa.types.is_integer, None),
    (pa.types.is_boolean, None),
    (pa.types.is_null, None),
    (pa.types.is_decimal, None),
]
"""The types that are not nested, and what they are cast to, so that msgspec can write them."""


def size_of(array: pa.Array) -> int:
    """Return about how many bytes the values of an array take as Python objects.

    What takes no room in Arrow does there: items that are null, values of a dictionary.
    """
    type = array.type
    if isinstance(type, pa.BaseExtensionType):
        return size_of(array.storage)
    if pa.types.is_dictionary(type):
        words = array.dictionary
        if not is_text(words.type):
            return size_of(words) * max(1, len(array)) // max(1, len(words))
        lengths = pc.binary_length(words.cast(pa.large_string())).take(array.indices)
        return _OBJECT * len(array) + (pc.sum(lengths).as_py() or 0)
    if pa.types.is_struct(type):
        return _OBJECT * len(array) + sum(map(size_of, array.flatten()))
    if pa.types.is_map(type):
        return _OBJECT * len(array) + size_of(_entries(array))
    if _is_list(type):
        return _OBJECT * len(array) + size_of(array.flatten())
    if is_text(type) and not pa.types.is_string_view(type):
        return _OBJECT * len(array) + (pc.sum(pc.binary_length(array)).as_py() or 0)
    return _OBJECT * len(array)


_OBJECT = 8
"""Bytes of a reference to an object, at least."""


def values_of(array: pa.Array) -> list[Any]:
    """Return the values of a valid array, of a type that was checked, for msgspec to write.

    Raises one of `UNREADABLE` for what has no form in JSON or Python. Nested arrays are taken apart
    here: pyarrow's casts of them have made invalid ones.
    """
    type = array.type
    if _is_native(type):
        _refuse_infinity(array)
        native: list[Any] = array.to_pylist()
        return native
    if isinstance(type, pa.BaseExtensionType):
        return values_of(array.storage)
    if pa.types.is_dictionary(type) and not pa.types.is_string_view(type.value_type):
        return values_of(array.dictionary.take(array.indices))
    if pa.types.is_struct(type):
        return _structs(array)
    if pa.types.is_map(type):
        return [
            None if entries is None else _object(entries) for entries in _lists(_entries(array))
        ]
    if _is_list(type):
        return _lists(array)
    plain = next(to for matches, to in _PLAIN if matches(type))
    array = array if plain is None else cast(array, plain)
    _refuse_infinity(array)
    values: list[Any] = array.to_pylist()
    return values


def _is_native(type: pa.DataType) -> bool:
    """Tell whether pyarrow's own objects are right as they are: nothing in it is converted."""
    if pa.types.is_struct(type):
        names = {field.name for field in type}
        return len(names) == type.num_fields and all(_is_native(field.type) for field in type)
    if _is_list(type):
        return _is_native(type.value_type)
    return type in _NATIVE


_NATIVE = {
    *(pa.null(), pa.bool_(), pa.string(), pa.large_string(), pa.float64()),
    *(pa.int8(), pa.int16(), pa.int32(), pa.int64()),
    *(pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()),
}


def _refuse_infinity(array: pa.Array) -> None:
    if pa.types.is_struct(array.type):
        for child in array.flatten():
            _refuse_infinity(child)
    elif _is_list(array.type):
        _refuse_infinity(array.flatten())
    elif pa.types.is_floating(array.type) and pc.any(pc.is_inf(array)).as_py():
        raise ValueError("infinity is no number in JSON; give null or a text")


def _structs(array: pa.StructArray) -> list[dict[str, Any] | None]:
    names = [field.name for field in array.type]
    if len(set(names)) < len(names):
        raise ValueError("a struct has several fields of one name")
    children = map(values_of, array.flatten())
    rows = zip(*children, strict=True) if names else iter([()] * len(array))
    valid = array.is_valid().to_pylist()
    return [
        dict(zip(names, row, strict=True)) if is_valid else None
        for row, is_valid in zip(rows, valid, strict=True)
    ]


def _lists(array: pa.Array) -> list[list[Any] | None]:
    items = iter(values_of(array.flatten()))
    lengths = pc.list_value_length(array).to_pylist()
    return [None if length is None else list(islice(items, length)) for length in lengths]


def _entries(array: pa.MapArray) -> pa.ListArray:
    """Return maps as lists of their entries, structs of `key` and `value`."""
    entries = pa.StructArray.from_arrays([array.keys, array.items], ["key", "value"])
    buffers = array.buffers()[:2]  # which cells are null, and where each map starts
    type = pa.list_(entries.type)
    return pa.Array.from_buffers(type, len(array), buffers, -1, array.offset, [entries])


def _object(entries: list[dict[str, Any]]) -> dict[str, Any]:
    found = {entry["key"]: entry["value"] for entry in entries}
    if len(found) < len(entries):
        raise ValueError("a map has a key several times")
    return found


def _is_list(type: pa.DataType) -> bool:
    is_a = pa.types
    return bool(is_a.is_list(type) or is_a.is_large_list(type) or is_a.is_fixed_size_list(type))


def cast(array: pa.Array, type: pa.DataType) -> pa.Array:
    """Convert an array exactly, but for what of a time is finer than microseconds."""
    return pc.cast(array, options=pc.CastOptions(type, allow_time_truncate=True))
