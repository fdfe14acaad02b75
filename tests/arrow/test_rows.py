"""From Arrow to examples: every type, bad input, and a plain evaluator of what a value becomes."""

from __future__ import annotations

import json
import math
import random
import struct
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exempla.arrow.rows import ROWS_AT_ONCE, Reader, Rows
from exempla.clock import MAX_TIME
from exempla.errors import ValidationError
from exempla.limits import MAX_COLUMNS, MAX_NESTING

INF, NAN = float("inf"), float("nan")
MARKED = {"exempla.type": "json"}


def read(*batches: pa.RecordBatch) -> list[Rows]:
    reader = Reader(batches[0].schema)
    return [part for batch in batches for part in reader.read(batch)]


def bodies(*batches: pa.RecordBatch) -> list[str]:
    return [body.decode() for part in read(*batches) for body in part.bodies]


def one(
    values: pa.Array, name: str = "c", metadata: dict[str, str] | None = None
) -> pa.RecordBatch:
    """Return a batch of one column."""
    field = pa.field(name, values.type, metadata=metadata)
    return pa.RecordBatch.from_arrays([values], schema=pa.schema([field]))


def ids_of(parts: list[Rows]) -> list[str]:
    return [id for part in parts if part.ids is not None for id in part.ids]


def cells(values: pa.Array, metadata: dict[str, str] | None = None) -> list[str]:
    """Return what the values of a column become, as JSON text."""
    found = bodies(one(values, metadata=metadata))
    assert all(body.startswith('{"c":') for body in found)
    return [body[5:-1] for body in found]


def beside(name: str, values: pa.Array) -> pa.RecordBatch:
    """Return a batch of a system column and a field."""
    return pa.RecordBatch.from_arrays([pa.nulls(len(values)), values], ["c", name])


def refusal(*batches: pa.RecordBatch) -> str:
    with pytest.raises(ValidationError) as caught:
        read(*batches)
    return caught.value.detail


def tensor(values: list[int]) -> pa.Array:
    storage = pa.array([values], pa.list_(pa.int32(), len(values)))
    return pa.ExtensionArray.from_storage(pa.fixed_shape_tensor(pa.int32(), [2, 2]), storage)


def ticks(type: pa.DataType, *values: int | None) -> pa.Array:
    """Return times or durations of these ticks of their unit."""
    width = pa.int32() if type.bit_width == 32 else pa.int64()
    return pa.array(values, width).cast(type)


INTEGERS = [
    (kind, low, high)
    for bits, signed, unsigned in [
        (8, pa.int8(), pa.uint8()),
        (16, pa.int16(), pa.uint16()),
        (32, pa.int32(), pa.uint32()),
        (64, pa.int64(), pa.uint64()),
    ]
    for kind, low, high in [
        (signed, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1),
        (unsigned, 0, 2**bits - 1),
    ]
]


@pytest.mark.parametrize(("type", "low", "high"), INTEGERS, ids=lambda v: str(v)[:8])
def test_integers_of_all_widths_are_exact(type: pa.DataType, low: int, high: int) -> None:
    assert cells(pa.array([low, None, high], type)) == [str(low), "null", str(high)]


@pytest.mark.parametrize("type", [pa.float16(), pa.float32(), pa.float64()], ids=str)
def test_floats_of_all_widths(type: pa.DataType) -> None:
    assert cells(pa.array([1.5, NAN, None, -0.0], type)) == ["1.5", "null", "null", "-0.0"]


MAP = pa.map_(pa.string(), pa.int8())
WORDS = pa.array(["x", None, "x"])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (WORDS, ['"x"', "null", '"x"']),
        (WORDS.cast(pa.large_string()), ['"x"', "null", '"x"']),
        (pa.array(["x", "é\0\n\"", None, "longer than twelve"], pa.string_view()),
         ['"x"', '"é\\u0000\\n\\""', "null", '"longer than twelve"']),
        (pa.array([True, None, False]), ["true", "null", "false"]),
        (pa.nulls(2), ["null", "null"]),
        (ticks(pa.timestamp("s"), 0, None, -1),
         ['"1970-01-01T00:00:00"', "null", '"1969-12-31T23:59:59"']),
        (ticks(pa.timestamp("ms"), 1), ['"1970-01-01T00:00:00.001000"']),
        (ticks(pa.timestamp("us", "UTC"), 1), ['"1970-01-01T00:00:00.000001Z"']),
        (ticks(pa.timestamp("ns", "UTC"), 1_999), ['"1970-01-01T00:00:00.000001Z"']),
        (ticks(pa.timestamp("s", "America/Lima"), 0), ['"1970-01-01T00:00:00Z"']),
        (ticks(pa.timestamp("s", "+05:30"), 0), ['"1970-01-01T00:00:00Z"']),
        (ticks(pa.date32(), 0, None, -1), ['"1970-01-01"', "null", '"1969-12-31"']),
        (ticks(pa.date64(), 86_400_000), ['"1970-01-02"']),
        (ticks(pa.time32("s"), 3_661), ['"01:01:01"']),
        (ticks(pa.time32("ms"), 3_661_001), ['"01:01:01.001000"']),
        (ticks(pa.time64("us"), 1, None), ['"00:00:00.000001"', "null"]),
        (ticks(pa.time64("ns"), 1_999), ['"00:00:00.000001"']),
        (ticks(pa.duration("s"), 90_061, None, -1), ['"P1DT3661S"', "null", '"-PT1S"']),
        (ticks(pa.duration("ms"), 1_500), ['"PT1.5S"']),
        (ticks(pa.duration("us"), 1), ['"PT0.000001S"']),
        (ticks(pa.duration("ns"), 1_999), ['"PT0.000001S"']),
        (pa.array([Decimal("1.50"), None], pa.decimal128(5, 2)), ["1.50", "null"]),
        (pa.array([Decimal("-0.01")], pa.decimal32(5, 2)), ["-0.01"]),
        (pa.array([Decimal("0.01")], pa.decimal64(12, 2)), ["0.01"]),
        (pa.array([Decimal("1500")], pa.decimal128(5, -2)), ["1.5E+3"]),
        (pa.array([Decimal(10**60 + 1)], pa.decimal256(70, 0)), [str(10**60 + 1)]),
        (pa.array([[1, None], None, []]), ["[1,null]", "null", "[]"]),
        (pa.array([["x"]], pa.large_list(pa.string_view())), ['["x"]']),
        (pa.array([[1, 2], None], pa.list_(pa.int8(), 2)), ["[1,2]", "null"]),
        (pa.array([{"a": 1, "é": None}, None]), ['{"a":1,"é":null}', "null"]),
        (pa.array([{}, None], pa.struct([])), ["{}", "null"]),
        (pa.array([[("a", 1), ("b", None)], None, []], MAP), ['{"a":1,"b":null}', "null", "{}"]),
        (pa.array([[("a", [{"b": [("c", 1)]}])]],
                  pa.map_(pa.large_string(), pa.list_(pa.struct([("b", MAP)])))),
         ['{"a":[{"b":{"c":1}}]}']),
        (pa.array([[NAN], None]), ["[null]", "null"]),
        (pa.array([None, [{"a": None}, None]], pa.list_(pa.struct([("a", pa.null())]), 2)),
         ["null", '[{"a":null},null]']),
        (WORDS.dictionary_encode(), ['"x"', "null", '"x"']),
        (pa.array([7, None]).dictionary_encode(), ["7", "null"]),
        (pa.DictionaryArray.from_arrays([0, 1], pa.array(["x", None], pa.string_view())),
         ['"x"', "null"]),
        (pa.ListArray.from_arrays([0, 2, 3], WORDS.dictionary_encode()), ['["x",null]', '["x"]']),
        (pa.MapArray.from_arrays([0, 1], pa.array(["k"]).dictionary_encode(), pa.array([1])),
         ['{"k":1}']),
        (pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1, None], pa.int8())), ["1", "null"]),
        (pa.array(['{"a":1}'], pa.json_()), ['"{\\"a\\":1}"']),
        (tensor([1, 2, 3, 4]), ["[1,2,3,4]"]),
        (pa.ListArray.from_arrays([0, 1], tensor([1, 2, 3, 4])), ["[[1,2,3,4]]"]),
    ],
    ids=lambda v: str(v.type) if isinstance(v, pa.Array) else "",
)  # fmt: skip
def test_what_a_value_becomes(values: pa.Array, expected: list[str]) -> None:
    assert cells(values) == expected
    padded = pa.concat_arrays([values, values]).slice(1)
    assert cells(padded) == (expected * 2)[1:]


BINARY = [pa.binary(), pa.large_binary(), pa.binary_view(), pa.binary(4)]
UNSUPPORTED = [
    *BINARY,
    pa.uuid(),
    pa.month_day_nano_interval(),
    pa.list_view(pa.int8()),
    pa.run_end_encoded(pa.int32(), pa.string()),
    pa.dense_union([pa.field("x", pa.int8())]),
    pa.map_(pa.int8(), pa.string()),
]


@pytest.mark.parametrize("type", UNSUPPORTED, ids=str)
@pytest.mark.parametrize("around", ["nothing", "list", "struct", "map", "fixed-size list"])
def test_a_type_without_json_is_refused_by_its_column(type: pa.DataType, around: str) -> None:
    nested = {
        "nothing": type,
        "list": pa.list_(type),
        "struct": pa.struct([("x", type)]),
        "map": pa.map_(pa.string(), type),
        "fixed-size list": pa.list_(type, 2),
    }[around]
    with pytest.raises(ValidationError, match=r"the column 'my column' (is of the type|has maps)"):
        Reader(pa.schema([pa.field("other", pa.int8()), pa.field("my column", nested)]))


def nested(levels: int) -> pa.DataType:
    return pa.list_(nested(levels - 1)) if levels else pa.int8()


def test_nesting_is_limited() -> None:
    assert cells(pa.nulls(1, nested(MAX_NESTING))) == ["null"]
    assert "'c' is nested deeper than 100" in refusal(one(pa.nulls(1, nested(MAX_NESTING + 1))))


@pytest.mark.parametrize(
    "values",
    [
        pa.array([1.0, NAN, INF]),
        pa.array([1.0, None, -INF], pa.float16()),
        pa.array([1.0, None, -INF], pa.float32()),
        pa.array([[1.0], None, [0.0, INF]]),
        pa.array([[1.0], None, [INF]], pa.large_list(pa.float32())),
        pa.array([[1.0], None, [INF]], pa.list_(pa.float64(), 1)),
        pa.array([{"x": 1.0}, None, {"x": INF}]),
        pa.array([[("x", 1.0)], None, [("y", INF)]], pa.map_(pa.string(), pa.float64())),
        pa.array([[("x", 1.0)], None, [("y", INF)]], pa.map_(pa.string_view(), pa.float64())),
        pa.array([[{"x": [1.0]}], None, [{"x": None}, {"x": [INF]}]]),
        pa.array([1.0, None, INF]).dictionary_encode(),
        # other values that Python has no form for
        ticks(pa.timestamp("s"), 0, None, 2**62),
        ticks(pa.timestamp("us", "UTC"), 0, None, -(2**62)),
        ticks(pa.date32(), 0, None, 2**30),
        ticks(pa.duration("s"), 0, None, 2**62),
        pa.array([[("x", 1)], None, [("y", 1), ("y", 2)]], MAP),
    ],
    ids=lambda values: str(values.type),
)
def test_a_value_without_json_is_refused_by_its_row(values: pa.Array) -> None:
    message = "row {}: the column 'c' cannot be read: "
    assert refusal(one(values)).startswith(message.format(2))
    assert refusal(one(values[1:])).startswith(message.format(1))
    assert refusal(one(values[:2]), one(values[1:2]), one(values[1:])).startswith(message.format(4))
    assert len(cells(values[:2])) == 2


def test_infinity_below_a_null_does_not_count() -> None:
    inner = pa.array([INF, 1.0])
    null_at_0 = pa.array([True, False])
    assert cells(pa.StructArray.from_arrays([inner], ["x"], mask=null_at_0)) == [
        "null",
        '{"x":1.0}',
    ]
    assert cells(pa.ListArray.from_arrays([0, 1, 2], inner, mask=null_at_0)) == ["null", "[1.0]"]


def numbered(count: int, start: int = 0) -> dict[str, list[Any]]:
    return {
        "id": [f"row {n}" for n in range(start, start + count)],
        "created_at": [datetime(2020, 1, 1, tzinfo=UTC)] * count,
        "score": [0.5] * count,
        "json": ["{}"] * count,
    }


SCHEMA = pa.schema(
    [
        pa.field("id", pa.string()),
        pa.field("created_at", pa.timestamp("us", "UTC")),
        pa.field("score", pa.float64()),
        pa.field("json", pa.string(), metadata=MARKED),
    ]
)


@pytest.mark.parametrize(
    ("column", "bad"),
    [("id", ""), ("created_at", datetime(1969, 1, 1, tzinfo=UTC)), ("score", INF), ("json", "{")],
)
@pytest.mark.parametrize("at", [0, 1, ROWS_AT_ONCE - 1, ROWS_AT_ONCE, ROWS_AT_ONCE + 499])
def test_rows_are_numbered_through_the_whole_stream(column: str, bad: object, at: int) -> None:
    long = ROWS_AT_ONCE + 500
    good = pa.RecordBatch.from_pydict(numbered(long), SCHEMA)
    wrong = numbered(long, start=long)
    wrong[column][at] = bad
    last = pa.RecordBatch.from_pydict(wrong, SCHEMA)
    assert refusal(good, good.slice(0, 0), good.slice(7, 5), last).startswith(
        f"row {long + 5 + at}: "
    )


def test_parts_follow_each_other() -> None:
    batch = pa.RecordBatch.from_pydict(numbered(2 * ROWS_AT_ONCE + 1), SCHEMA)
    parts = read(batch, batch.slice(0, 0), batch.slice(3, 2))
    size = ROWS_AT_ONCE
    assert [part.first for part in parts] == [0, size, 2 * size, 2 * size + 1]
    assert [len(part.bodies) for part in parts] == [size, size, 1, 2]
    assert ids_of(parts) == [*batch["id"].to_pylist(), "row 3", "row 4"]
    assert parts[-1].bodies == [b'{"score":0.5,"json":{}}'] * 2


def test_a_batch_without_rows_has_no_parts() -> None:
    assert read(one(pa.array([], pa.string()))) == []


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a", "b", "a"], "there are several columns named 'a'"),
        (["id", "a", "id"], "there are several columns named 'id'"),
        (["a", "annotations"], "the column 'annotations' is managed by the system"),
        ([], "there are no columns but the id and times"),
        (["id", "updated_at", "created_at"], "there are no columns but the id and times"),
        ([f"c{n}" for n in range(MAX_COLUMNS + 1)], f"at most {MAX_COLUMNS} are allowed"),
        (["a", b"\xff"], "the name of a column is not UTF-8"),
        (["a", b"\xed\xa0\x80"], "the name of a column is not UTF-8"),
    ],
    ids=lambda v: str(v)[:30],
)
def test_columns_that_cannot_be_fields(names: list[str], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Reader(pa.schema([pa.field(name, pa.string()) for name in names]))


def test_many_columns_of_odd_names() -> None:
    names = ["", '"', "a.b", "é", "\U0001f600", "\0", "\n", "ID", "annotation"]
    names += [f"c{n}" for n in range(MAX_COLUMNS - len(names))]
    batch = pa.RecordBatch.from_arrays([pa.array([1])] * len(names), names)
    assert list(json.loads(bodies(batch)[0]).items()) == [(name, 1) for name in names]


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (pa.array(["a", "é"]), ["a", "é"]),
        (pa.array(["a"], pa.large_string()), ["a"]),
        (pa.array(["a", "longer than twelve"], pa.string_view()), ["a", "longer than twelve"]),
        (pa.array(["a", "a"]).dictionary_encode(), ["a", "a"]),
        (pa.array([-1, 2**63 - 1]), ["-1", str(2**63 - 1)]),
        (pa.array([2**64 - 1], pa.uint64()), [str(2**64 - 1)]),
        (pa.array(["\U0001f600" * 255]), ["\U0001f600" * 255]),
    ],
    ids=lambda v: str(v.type) if isinstance(v, pa.Array) else "",
)
def test_ids(ids: pa.Array, expected: list[str]) -> None:
    (part,) = read(beside("id", ids))
    assert part.ids == expected
    assert set(part.bodies) == {b'{"c":null}'}


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (pa.array(["a", ""]), "row 1: the id is empty"),
        (pa.array(["a", None]), "row 1: the id is empty"),
        (pa.array([1, None]), "row 1: the id is empty"),
        (pa.array(["a", None]).dictionary_encode(), "row 1: the id is empty"),
        (pa.array(["a", "b\0"]), r"row 1: the id contains the character U\+0000"),
        (pa.array(["a", "é" * 256]), "row 1: the id has 256 characters; at most 255"),
        (pa.array([1.0]), "'id' is of the type double; give strings"),
        (pa.nulls(1), "'id' is of the type null; give strings"),
        (pa.array([True]), "'id' is of the type bool; give strings"),
        (pa.array([b"a"]), "'id' is of the type binary; give strings"),
    ],
)
def test_ids_that_are_refused(ids: pa.Array, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        read(beside("id", ids))


LAST_MS = MAX_TIME // 1_000 - 1


@pytest.mark.parametrize("name", ["created_at", "updated_at"])
@pytest.mark.parametrize(
    ("times", "expected"),
    [
        (pa.array([0, None, LAST_MS]), [0, None, LAST_MS * 1_000]),
        (pa.array([5], pa.uint64()), [5_000]),
        (pa.array([5], pa.int8()), [5_000]),
        (pa.array([1.6e12, NAN, None]), [1_600_000_000_000_000, None, None]),
        (pa.array([5.0, NAN], pa.float32()), [5_000, None]),
        (pa.array([5.0, NAN], pa.float16()), [5_000, None]),
        (ticks(pa.timestamp("s"), 1, None), [1_000_000, None]),
        (ticks(pa.timestamp("ms"), 1), [1_000]),
        (ticks(pa.timestamp("us", "UTC"), 1, MAX_TIME - 9), [1, MAX_TIME - 9]),
        (ticks(pa.timestamp("ns", "America/Lima"), 1_999), [1]),
        (ticks(pa.timestamp("s", "America/Lima"), 1), [1_000_000]),
        (pa.array([None, None], pa.int64()), [None, None]),
    ],
    ids=lambda v: str(v.type) if isinstance(v, pa.Array) else "",
)
def test_times(name: str, times: pa.Array, expected: list[int | None]) -> None:
    (part,) = read(beside(name, times))
    assert getattr(part, name) == expected
    assert [part.created_at, part.updated_at].count(None) == 1


@pytest.mark.parametrize("name", ["created_at", "updated_at"])
@pytest.mark.parametrize(
    ("times", "message"),
    [
        (pa.array([0, None, -1]), "row 2: '{}' is not between 1970 and 3000"),
        (pa.array([0, LAST_MS + 1]), "row 1: '{}' is not between 1970 and 3000"),
        (pa.array([2**64 - 1], pa.uint64()), "row 0: '{}' is not between 1970 and 3000"),
        (pa.array([NAN, INF]), "row 1: '{}' is not between 1970 and 3000"),
        (pa.array([NAN, -INF]), "row 1: '{}' is not between 1970 and 3000"),
        (ticks(pa.timestamp("s"), 0, 2**62), "row 1: '{}' is not between 1970 and 3000"),
        (ticks(pa.timestamp("us"), 0, MAX_TIME), "row 1: '{}' is not between 1970 and 3000"),
        (ticks(pa.timestamp("us"), -1), "row 0: '{}' is not between 1970 and 3000"),
        (ticks(pa.timestamp("ns"), -1_000), "row 0: '{}' is not between 1970 and 3000"),
        (pa.array(["2020-01-01"]), "the column '{}' is of the type string; give timestamps"),
        (ticks(pa.date32(), 1), "the column '{}' is of the type date32"),
        (pa.array([True]), "the column '{}' is of the type bool"),
        (pa.array([Decimal(1)]), "the column '{}' is of the type decimal"),
    ],
)
def test_times_that_are_refused(name: str, times: pa.Array, message: str) -> None:
    with pytest.raises(ValidationError, match=message.format(name)):
        read(beside(name, times))


def test_times_of_the_type_null_are_not_given() -> None:
    (part,) = read(beside("created_at", pa.nulls(2)))
    assert part.created_at is None


def test_columns_that_are_marked_as_json() -> None:
    texts = ["1", ' {"b": 1.0,\n"a": 1e400} ', '"\\u00e9"', None, "[" * 100 + "]" * 100]
    expected = ["1", '{"b": 1.0,\n"a": 1e400}', '"\\u00e9"', "null", "[" * 100 + "]" * 100]
    for type in (pa.string(), pa.large_string(), pa.string_view()):
        assert cells(pa.array(texts, type), MARKED) == expected
    assert cells(pa.array(texts).dictionary_encode(), MARKED) == expected
    assert cells(pa.array(["1"]), {"exempla.type": "mixed"}) == ['"1"']
    assert cells(pa.array(["1"]), {"other": "json"}) == ['"1"']
    assert cells(pa.array([1, None]), MARKED) == ["1", "null"]
    assert cells(pa.array([["1"]]), MARKED) == ['["1"]']
    assert cells(pa.nulls(1), MARKED) == ["null"]


@pytest.mark.parametrize(
    "text",
    ["", " ", "x", "NaN", "01", "1 2", "{", '{"a":1,}', '"\n"', '"\\ud800"', "[" * 9_999],
    ids=lambda v: v[:9],
)
def test_what_is_marked_as_json_and_is_not(text: str) -> None:
    batch = one(pa.array(["1", text]), metadata=MARKED)
    assert "row 1: the column 'c' cannot be read: it is not JSON text" in refusal(batch)


def test_json_that_is_too_deep() -> None:
    batch = one(pa.array(["1", "[" * 101 + "]" * 101]), metadata=MARKED)
    assert "row 1: the column 'c' cannot be read: it is nested deeper than 100" in refusal(batch)


def corrupted(batch: pa.RecordBatch, old: bytes, new: bytes) -> pa.RecordBatch:
    """Return the batch as it comes over the wire with some bytes replaced."""
    text = serialized(batch)
    assert text.count(old) == 1
    return pa.ipc.open_stream(text.replace(old, new)).read_next_batch()


def serialized(batch: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    return bytes(sink.getvalue())


def int32(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}i", *values)


@pytest.mark.parametrize(
    ("values", "old", "new"),
    [
        (pa.array(["wxyz"]), b"wxyz", b"wx\xffz"),
        (pa.array(["wxyz"]), b"wxyz", b"w\xed\xa0\x80"),
        (pa.array([["wxyz"]]), b"wxyz", b"w\xed\xa0\x80"),
        (pa.array(["w", "xyz"]), int32(0, 1, 4), int32(0, 2**30, 4)),
        (pa.array(["w", "xyz"]), int32(0, 1, 4), int32(0, 1, 2**30)),
        (pa.array(["w", "xyz"]), int32(0, 1, 4), int32(0, -1, 4)),
        (pa.array([[1], [2, 3]]), int32(0, 1, 3), int32(0, 1, 2**30)),
        (pa.array([[1], [2, 3]]), int32(0, 1, 3), int32(0, 3, 1)),
        (pa.DictionaryArray.from_arrays(pa.array([0, 1, 0, 1], pa.int32()), ["p", "q"]),
         int32(0, 1, 0, 1), int32(0, 1, 0, 9)),
        (ticks(pa.time32("s"), 77_777), int32(77_777), int32(777_777)),
    ],
)  # fmt: skip
def test_a_corrupt_batch_is_refused(values: pa.Array, old: bytes, new: bytes) -> None:
    first = one(values[:1])
    assert "batch from row 1 on is not valid" in refusal(first, corrupted(one(values), old, new))


def test_what_lies_below_a_null_is_not_read() -> None:
    view = int32(2**31 - 1) + b"abcd" + int32(2**31 - 1, 2**31 - 1)
    buffers = [pa.py_buffer(b"\0"), pa.py_buffer(view), pa.py_buffer(b"text")]
    values = pa.Array.from_buffers(pa.string_view(), 1, buffers, null_count=1)
    assert cells(values) == ["null"]
    assert cells(pa.ListArray.from_arrays([0, 1], values)) == ["[null]"]
    assert "row 0: the id is empty" in refusal(beside("id", values))


def test_bytes_that_are_wrong_are_refused_or_read() -> None:
    """No change of a byte stops the process or raises anything but a problem."""
    good = pa.RecordBatch.from_pydict(
        {
            "id": ["a", "b", "c"],
            "created_at": ticks(pa.timestamp("s"), 1, 2, 3),
            "text": ["é", None, "x"],
            "view": pa.array(["short", "longer than twelve", None], pa.string_view()),
            "list": [["a"], None, ["b", None]],
            "fixed": pa.array([[1.0], None, [2.0]], pa.list_(pa.float64(), 1)),
            "struct": [{"a": 1}, None, {"a": 2}],
            "dictionary": WORDS.dictionary_encode(),
            "date": ticks(pa.date32(), 1, 2, 3),
            "decimal": pa.array([Decimal(1), None, Decimal(2)], pa.decimal128(9, 2)),
        }
    )
    text = serialized(good)
    choose = random.Random(5)
    outcomes = {"read": 0, "refused": 0, "unreadable": 0}
    for _ in range(1_000):
        bad = bytearray(text)
        bad[choose.randrange(good.schema.serialize().size, len(bad))] = choose.choice([0, 127, 255])
        try:
            batch = pa.ipc.open_stream(bytes(bad)).read_next_batch()
        except (pa.ArrowException, OSError, StopIteration):
            outcomes["unreadable"] += 1
            continue
        try:
            read(batch)
            outcomes["read"] += 1
        except ValidationError:
            outcomes["refused"] += 1
    assert min(outcomes.values()) > 50, outcomes


SHORT = st.text(max_size=5)
LEAVES: dict[pa.DataType, st.SearchStrategy[Any]] = {
    pa.null(): st.none(),
    pa.bool_(): st.booleans(),
    pa.int8(): st.integers(-128, 127),
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.uint64(): st.integers(0, 2**64 - 1),
    pa.float16(): st.floats(width=16, allow_infinity=False),
    pa.float32(): st.floats(width=32, allow_infinity=False),
    pa.float64(): st.floats(allow_infinity=False),
    pa.string(): SHORT,
    pa.large_string(): SHORT,
    pa.string_view(): st.text(max_size=20),
    pa.date32(): st.dates(),
    pa.date64(): st.dates(),
    pa.time64("us"): st.times(),
    pa.timestamp("us"): st.datetimes(),
    pa.timestamp("us", "UTC"): st.datetimes(timezones=st.just(UTC)),
    pa.decimal128(20, 3): st.decimals(-(10**16), 10**16, places=3),
}


ENCODED = (pa.bool_(), pa.int64(), pa.float64(), pa.string(), pa.date32(), pa.timestamp("us"))


def type_of(inner: st.SearchStrategy[pa.DataType]) -> st.SearchStrategy[pa.DataType]:
    return st.one_of(
        inner.map(pa.list_),
        inner.map(pa.large_list),
        inner.map(lambda type: pa.list_(type, 2)),
        inner.map(lambda type: pa.map_(pa.string(), type)),
        st.dictionaries(SHORT, inner, max_size=3).map(lambda of: pa.struct(list(of.items()))),
    )


TYPES = st.recursive(st.sampled_from(list(LEAVES)), type_of, max_leaves=4)


def value_of(type: pa.DataType) -> st.SearchStrategy[Any]:
    """Return values of a type, as pyarrow takes them."""
    if type in LEAVES:
        values = LEAVES[type]
    elif pa.types.is_map(type):
        values = st.dictionaries(SHORT, value_of(type.item_type), max_size=3).map(
            lambda found: list(found.items())
        )
    elif pa.types.is_struct(type):
        values = st.fixed_dictionaries({field.name: value_of(field.type) for field in type})
    else:
        size = type.list_size if pa.types.is_fixed_size_list(type) else None
        values = st.lists(value_of(type.value_type), min_size=size or 0, max_size=size or 3)
    return st.none() | values


def plain(type: pa.DataType, value: Any) -> Any:
    """Say what a value is in JSON, by the table of docs/arrow.md."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if pa.types.is_map(type):
        return {key: plain(type.item_type, item) for key, item in value}
    if pa.types.is_struct(type):
        return {field.name: plain(field.type, value[field.name]) for field in type}
    if isinstance(value, list):
        return [plain(type.value_type, item) for item in value]
    if isinstance(value, datetime) and value.tzinfo:
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date | time):
        return value.isoformat()
    return value


def same(found: Any, expected: Any) -> bool:
    """Compare by type, too: 1 is not 1.0, and 0.0 not -0.0."""
    if isinstance(expected, float | Decimal):
        return isinstance(found, Decimal) and repr(type(expected)(found)) == repr(expected)
    if isinstance(expected, dict):
        return list(found) == list(expected) and all(same(found[k], expected[k]) for k in expected)
    if isinstance(expected, list):
        return len(found) == len(expected) and all(map(same, found, expected))
    return repr(found) == repr(expected)


@given(st.data())
def test_values_are_what_a_plain_evaluator_says(data: st.DataObject) -> None:
    types: Sequence[pa.DataType] = data.draw(st.lists(TYPES, min_size=1, max_size=3))
    columns = [data.draw(st.lists(value_of(type), min_size=4, max_size=4)) for type in types]
    arrays = [pa.array(values, type) for values, type in zip(columns, types, strict=True)]
    if data.draw(st.booleans()):
        arrays = [a.dictionary_encode() if a.type in ENCODED else a for a in arrays]
    names = [f"c{n}" for n in range(len(types))]
    batch = pa.RecordBatch.from_arrays(arrays, names)
    cut = data.draw(st.integers(0, 4))
    found = [
        json.loads(body, parse_float=Decimal)
        for body in bodies(batch.slice(0, cut), batch.slice(cut))
    ]
    assert len(found) == 4
    for row, body in enumerate(found):
        assert list(body) == names
        for name, type, values in zip(names, types, columns, strict=True):
            assert same(body[name], plain(type, values[row])), (type, values[row], body[name])


@given(st.lists(st.timedeltas(), min_size=1))
def test_durations_are_iso_8601(values: list[timedelta]) -> None:
    def parsed(text: str) -> timedelta:
        sign = -1 if text.startswith("-") else 1
        days, _, seconds = text.lstrip("-").removeprefix("P").partition("T")
        exact = Decimal(seconds.removesuffix("S") or 0)
        return sign * timedelta(
            int(days.removesuffix("D") or 0), int(exact), int(exact % 1 * 1_000_000)
        )

    kept = [value for value in values if abs(value) < timedelta(106_751_991)]
    found = cells(pa.array(kept, pa.duration("us")))
    assert [parsed(json.loads(text)) for text in found] == kept


def test_what_takes_little_room_in_arrow_is_bounded() -> None:
    nulls = pa.nulls(20_000_000)
    bomb = pa.ListArray.from_arrays(pa.array([0, 1, len(nulls)], pa.int32()), nulls)
    with pytest.raises(ValidationError, match=r"row 1 has 1\d{8} bytes; at most"):
        read(one(bomb))


def test_large_values_of_a_dictionary_are_read_few_at_a_time() -> None:
    words = pa.DictionaryArray.from_arrays([0] * 300, ["x" * 1_000_000])
    parts = read(one(words))
    assert sum(len(part.bodies) for part in parts) == 300
    assert max(len(part.bodies) for part in parts) <= 8
    assert [part.first for part in parts] == [
        sum(len(part.bodies) for part in parts[:index]) for index in range(len(parts))
    ]
