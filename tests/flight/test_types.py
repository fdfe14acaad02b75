"""The values of examples, as REST shows them and as Arrow Flight takes and gives them."""

from __future__ import annotations

import json
import struct
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import httpx
import pyarrow as pa
import pytest

from tests.api.helpers import (
    default_space,
    delete_examples,
    list_datasets,
    make_dataset,
    new_version,
    ok,
    read_texts,
    send,
    unique,
)
from tests.flight.client import create, read, refusal
from tests.serving import Served

MADE_AT = datetime(2020, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)

TAKEN: list[tuple[str, pa.Array, list[str]]] = [
    ("integer", pa.array([2**63 - 1, None]), ["9223372036854775807", "null"]),
    ("unsigned", pa.array([2**64 - 1, 0], pa.uint64()), ["18446744073709551615", "0"]),
    ("float", pa.array([0.1, float("nan")]), ["0.1", "null"]),
    ("half", pa.array([1.5, None], pa.float16()), ["1.5", "null"]),
    ("text", pa.array(['é"\0\n', ""]), ['"é\\"\\u0000\\n"', '""']),
    ("large text", pa.array(["x", None], pa.large_string()), ['"x"', "null"]),
    ("view", pa.array(["longer than twelve", None], pa.string_view()),
     ['"longer than twelve"', "null"]),
    ("boolean", pa.array([True, None]), ["true", "null"]),
    ("nothing", pa.nulls(2), ["null", "null"]),
    ("time", pa.array([MADE_AT, None]), ['"2020-01-02T03:04:05.678901Z"', "null"]),
    ("local time", pa.array([datetime(2020, 1, 2), None], pa.timestamp("s")),
     ['"2020-01-02T00:00:00"', "null"]),
    ("date", pa.array([date(2020, 1, 2), None]), ['"2020-01-02"', "null"]),
    ("decimal", pa.array([Decimal("1.50"), None]), ["1.50", "null"]),
    ("list", pa.array([[1, None], None]), ["[1,null]", "null"]),
    ("large list", pa.array([["x"], []], pa.large_list(pa.string())), ['["x"]', "[]"]),
    ("vector", pa.array([[1, 2], None], pa.list_(pa.float32(), 2)), ["[1.0,2.0]", "null"]),
    ("struct", pa.array([{"a": [{"b": 1}], "c": None}, None]),
     ['{"a":[{"b":1}],"c":null}', "null"]),
    ("map", pa.array([[("k", 1)], []], pa.map_(pa.string(), pa.int8())), ['{"k":1}', "{}"]),
    ("category", pa.array(["x", "x"]).dictionary_encode(), ['"x"', '"x"']),
    ("json", pa.array(['{"b": 1.0, "a": 1e400}', None]), ['{"b": 1.0, "a": 1e400}', "null"]),
    ("", pa.array([1, 2]), ["1", "2"]),
    ('a."é"', pa.array([1, 2]), ["1", "2"]),
]  # fmt: skip
"""Names, columns as they are sent, and the values that REST shows then."""


def taken_table() -> pa.Table:
    marks = {"json": {"exempla.type": "json"}}
    fields = [pa.field(name, column.type, metadata=marks.get(name)) for name, column, _ in TAKEN]
    return pa.Table.from_arrays([column for _, column, _ in TAKEN], schema=pa.schema(fields))


def test_rest_shows_what_flight_wrote(served: Served, client: httpx.Client) -> None:
    table = taken_table()
    table = table.append_column("id", pa.array(["first", "second"]))
    table = table.append_column("created_at", pa.array([MADE_AT, MADE_AT]))
    dataset = create(served, default_space(client), unique(), table)
    for index, example in enumerate(read_texts(client, dataset)):
        assert json.loads(example.pop("id")) == ("first", "second")[index]
        assert json.loads(example.pop("created_at")) == "2020-01-02T03:04:05.678901Z"
        assert json.loads(example.pop("updated_at")) == "2020-01-02T03:04:05.678901Z"
        assert example == {name: values[index] for name, _, values in TAKEN}


GIVEN: list[tuple[str, list[str], pa.DataType, str | None, list[Any]]] = [
    ("text", ['"\\u00e9\\/"', '"\\ud83d\\ude00\\u0000"', '""'], pa.string(), None,
     ["é/", "\U0001f600\0", ""]),
    ("integer", ["9223372036854775807", "-1", "null"], pa.int64(), None, [2**63 - 1, -1, None]),
    ("number", ["1", "1.50", "-0"], pa.float64(), None, [1.0, 1.5, -0.0]),
    ("boolean", ["true", "false", "null"], pa.bool_(), None, [True, False, None]),
    ("nothing", ["null", "null", "null"], pa.string(), None, [None, None, None]),
    ("nested", ['{"b": [1.0]}', "[]", "null"], pa.string(), "json", ['{"b": [1.0]}', "[]", None]),
    ("huge", ["1e400", "18446744073709551616", "0.10"], pa.string(), "json",
     ["1e400", "18446744073709551616", "0.10"]),
    ("mixed", ['"1"', "1", "null"], pa.string(), "mixed", ["1", "1", None]),
    ("", ["1", "2", "3"], pa.int64(), None, [1, 2, 3]),
    ('a."é"', ["1", "2", "3"], pa.int64(), None, [1, 2, 3]),
]  # fmt: skip
"""Names, values as they are sent by REST, and the column that Flight gives then."""


def given_examples() -> list[str]:
    return [
        "{" + ",".join(f"{json.dumps(name)}:{texts[row]}" for name, texts, *_ in GIVEN) + "}"
        for row in range(3)
    ]


def test_flight_gives_what_rest_wrote(served: Served, client: httpx.Client) -> None:
    dataset = make_dataset(client, given_examples())
    found = read(served, datasetId=dataset.id)
    found.validate(full=True)
    assert found.schema.names == ["id", "created_at", "updated_at", *(name for name, *_ in GIVEN)]
    for name, _, type, mark, cells in GIVEN:
        field = found.schema.field(name)
        assert field.type == type
        assert field.metadata == ({b"exempla.type": mark.encode()} if mark else None)
        assert repr(found[name].to_pylist()) == repr(cells)
    shown = read_texts(client, dataset.id)
    assert found["id"].to_pylist() == list(dataset.example_ids)
    for name in ("created_at", "updated_at"):
        assert found.schema.field(name).type == pa.timestamp("us", "UTC")
        times = [datetime.fromisoformat(json.loads(one[name])) for one in shown]
        assert found[name].to_pylist() == times


def test_what_flight_gives_can_be_sent_again(served: Served, client: httpx.Client) -> None:
    """A copy has the ids, the times, the order and the values; of mixed columns it has texts."""
    original = make_dataset(client, given_examples()).id
    copy = create(served, default_space(client), unique(), read(served, datasetId=original))
    before, after = read_texts(client, original), read_texts(client, copy)
    assert [one["mixed"] for one in after] == ['"1"', '"1"', "null"]
    assert [one["number"] for one in after] == ["1.0", "1.5", "-0.0"]
    for one in before + after:
        del one["mixed"], one["number"]
    assert [list(one) for one in after] == [list(one) for one in before]
    assert [{n: json.loads(t) for n, t in one.items()} for one in after] == [
        {n: json.loads(t) for n, t in one.items()} for one in before
    ]


def test_fields_that_only_some_examples_have(served: Served, client: httpx.Client) -> None:
    dataset = make_dataset(client, [{"a": 1}, {"b": "x"}, {"a": None, "c": True}])
    found = read(served, datasetId=dataset.id)
    assert found.select(["a", "b", "c"]).to_pydict() == {
        "a": [1, None, None],
        "b": [None, "x", None],
        "c": [None, None, True],
    }


def test_each_version_has_columns_of_its_own(served: Served, client: httpx.Client) -> None:
    dataset = make_dataset(client, [{"a": 1}, {"a": 2}])
    change = {"id": dataset.example_ids[0], "a": "one", "b": [1]}
    version = new_version(client, dataset, [change])
    found = read(served, datasetId=dataset.id, datasetVersion=version)
    assert found["a"].to_pylist() == ["one", "2"]
    assert found["b"].to_pylist() == ["[1]", None]
    first = read(served, datasetId=dataset.id, datasetVersion=dataset.version_id)
    assert first.schema.names == ["id", "created_at", "updated_at", "a"]
    assert first["a"].to_pylist() == [1, 2]


def test_a_version_without_examples(served: Served, client: httpx.Client) -> None:
    dataset = make_dataset(client, [{"a": 1}])
    ok(delete_examples(client, dataset, dataset.version_id, dataset.example_ids))
    found = read(served, datasetId=dataset.id)
    assert found.schema.names == ["id", "created_at", "updated_at"]
    assert found.num_rows == 0


def test_a_version_of_too_many_fields_is_not_given(served: Served, client: httpx.Client) -> None:
    halves = [{f"c{n}": 1 for n in range(start, start + 1_001)} for start in (0, 1_001)]
    dataset = make_dataset(client, halves)
    problem = refusal(read, served, datasetId=dataset.id)
    assert problem.status == 422
    assert "over 2000 different fields" in problem.detail


@pytest.mark.parametrize(
    ("columns", "detail"),
    [
        ({"a": [1, 2], "b": [b"x", b"y"]}, "the column 'b' is of the type binary"),
        ({"a": [[b"x"], None]}, "the column 'a' is of the type binary"),
        ({"id": ["a", ""], "a": [1, 2]}, "row 1: the id is empty"),
        ({"id": ["a", "b\0"], "a": [1, 2]}, "row 1: the id contains the character U+0000"),
        ({"id": ["a", "b"]}, "there are no columns but the id and times"),
        ({"annotations": ["a", "b"]}, "the column 'annotations' is managed by the system"),
        ({"a": [1.0, float("inf")]}, "row 1: the column 'a' cannot be read: infinity"),
        ({"a": [1, 2], "created_at": [0, -1]}, "row 1: 'created_at' is not between 1970 and 3000"),
    ],
)
def test_what_is_no_example_is_refused(
    served: Served, client: httpx.Client, columns: dict[str, list[Any]], detail: str
) -> None:
    name = unique()
    problem = refusal(create, served, default_space(client), name, pa.table(columns))
    assert problem.status == 422
    assert problem.detail.startswith(detail)
    assert list_datasets(client, name=name) == []


def test_a_corrupt_batch_is_refused(served: Served, client: httpx.Client) -> None:
    sink = pa.BufferOutputStream()
    good = pa.record_batch({"a": ["w", "xyz"]})
    with pa.ipc.new_stream(sink, good.schema) as stream:
        stream.write_batch(good)
    offsets, wrong = struct.pack("<3i", 0, 1, 4), struct.pack("<3i", 0, 2**30, 4)
    bad = pa.ipc.open_stream(bytes(sink.getvalue()).replace(offsets, wrong)).read_next_batch()
    problem = refusal(create, served, default_space(client), unique(), [good, bad])
    assert problem.detail.startswith("the record batch from row 2 on is not valid Arrow data")
    ok(send(client, "GET", "/v2/spaces"))
