"""From examples to Arrow: the table of types, by cases and by a plain evaluator; and back again."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given

from exempla.arrow.columns import SYSTEM_FIELDS, Columns
from exempla.arrow.rows import Reader
from exempla.errors import ValidationError
from exempla.limits import MAX_COLUMNS
from exempla.store.bodies import StoredExample
from tests.json_texts import Number, bodies, parsed

TIME = 1_600_000_000_000_001


def table(bodies: Sequence[str], *, exact: bool = False) -> pa.Table:
    """Return bodies as Arrow, learned and given in two parts each."""
    columns = Columns(exact=exact)
    columns.learn(bodies[:1])
    columns.learn(bodies[1:])
    schema = columns.schema()
    examples = [StoredExample(f"id {n}", TIME + n, TIME, body) for n, body in enumerate(bodies)]
    parts = [part for part in (examples[:2], examples[2:]) if part]
    found = pa.Table.from_batches([columns.batch(schema, part) for part in parts], schema)
    found.validate(full=True)
    return found


def column(*values: str, exact: bool = False) -> pa.Table:
    """Return a table of one field of these values, JSON texts; an empty one is missing."""
    return table([f'{{"c":{value}}}' if value else "{}" for value in values], exact=exact)


STRING, BOOL, INT, DOUBLE = pa.string(), pa.bool_(), pa.int64(), pa.float64()


@pytest.mark.parametrize(
    ("type", "values", "cells"),
    [
        (STRING, ['"a"', "null", "", '""'], ["a", None, None, ""]),
        (STRING, ['"\\"\\\\\\/\\n"', '"\\u00e9"'], ['"\\/\n', "é"]),
        (STRING, ['"\\ud83d\\ude00"'], ["\U0001f600"]),
        (STRING, ['"\\u0000"', '"é\U0001f600"', '"null"'], ["\0", "é\U0001f600", "null"]),
        (STRING, ["null", ""], [None, None]),
        (BOOL, ["true", "null", "", "false"], [True, None, None, False]),
        (INT, ["1", "null", "", "-1", "0"], [1, None, None, -1, 0]),
        (INT, [str(2**63 - 1), str(-(2**63))], [2**63 - 1, -(2**63)]),
        (DOUBLE, ["1", "null", "", "0.5"], [1.0, None, None, 0.5]),
        (DOUBLE, ["1.0", "1e5", "-1E+300", "1e-400"], [1.0, 1e5, -1e300, 0.0]),
        (DOUBLE, [str(2**53), str(-(2**53)), "0.5"], [2.0**53, -(2.0**53), 0.5]),
        (DOUBLE, ["0.12345678901234567890"], [0.12345678901234567890]),
        (DOUBLE, ["-0", "0"], [-0.0, 0.0]),
        (DOUBLE, ["-0.0", "1"], [-0.0, 1.0]),
    ],
)  # fmt: skip
def test_fields_of_one_kind(type: pa.DataType, values: list[str], cells: list[object]) -> None:
    found = column(*values)
    assert found.schema.field("c").type == type
    assert found.schema.field("c").metadata is None
    assert repr(found["c"].to_pylist()) == repr(cells)


@pytest.mark.parametrize(
    ("mark", "values", "cells"),
    [
        ("json", ['{"a": [1]}', "null", "", "{}"], ['{"a": [1]}', None, None, "{}"]),
        ("json", ["[1.0, 1e400]", "[]"], ["[1.0, 1e400]", "[]"]),
        ("json", ["true", "1"], ["true", "1"]),
        ("json", ["1e400", "1"], ["1e400", "1"]),
        ("json", ["-1e400"], ["-1e400"]),
        ("json", [str(2**63)], [str(2**63)]),
        ("json", [str(-(2**63) - 1), "1"], [str(-(2**63) - 1), "1"]),
        ("json", [str(2**53 + 1), "0.50"], [str(2**53 + 1), "0.50"]),
        ("json", [str(2**63 - 1), "-0"], [str(2**63 - 1), "-0"]),
        ("json", ["1" * 5_000], ["1" * 5_000]),
        ("mixed", ['"a"', "1"], ["a", "1"]),
        ("mixed", ['"1"', "1.0", "null"], ["1", "1.0", None]),
        ("mixed", ["true", '"true"', ""], ["true", "true", None]),
        ("mixed", ['["\\u00e9"]', '"\\u00e9"'], ['["\\u00e9"]', "é"]),
    ],
)
def test_fields_of_several_kinds(mark: str, values: list[str], cells: list[object]) -> None:
    for order in (1, -1):
        found = column(*values[::order])
        assert found.schema.field("c").type == STRING
        assert found.schema.field("c").metadata == {b"exempla.type": mark.encode()}
        assert found["c"].to_pylist() == cells[::order]


def test_the_columns_that_every_example_has() -> None:
    found = table(['{"b":1}', "{}", '{"a":1,"b":2}'])
    assert found.schema.names == ["id", "created_at", "updated_at", "b", "a"]
    assert list(found.schema)[:3] == SYSTEM_FIELDS
    assert found["id"].to_pylist() == ["id 0", "id 1", "id 2"]
    assert found["created_at"].cast(INT).to_pylist() == [TIME, TIME + 1, TIME + 2]
    assert found["updated_at"].cast(INT).to_pylist() == [TIME] * 3
    assert found.schema.field("created_at").type == pa.timestamp("us", "UTC")


def test_examples_without_fields() -> None:
    assert table(["{}", "{}"]).num_rows == 2
    assert Columns().schema() == pa.schema(SYSTEM_FIELDS)


def test_too_many_fields_are_refused() -> None:
    columns = Columns()
    columns.learn(f'{{"c{n}":1}}' for n in range(MAX_COLUMNS))
    columns.learn(['{"c0":2}'])
    with pytest.raises(ValidationError, match=f"over {MAX_COLUMNS} different fields"):
        columns.learn(['{"one more":1}'])


def is_int64(number: str) -> bool:
    return (
        "".join(number.split("-")).isdigit() and number != "-0" and -(2**63) <= int(number) < 2**63
    )


def is_double(number: str) -> bool:
    if "".join(number.split("-")).isdigit():
        return abs(int(number)) <= 2**53
    return math.isfinite(float(number))


def expected_column(values: list[Any]) -> tuple[pa.DataType, str | None, list[Any]]:
    """Say what a field becomes by the table of the module: its type, its mark and its cells."""
    given = [value for value in values if value is not None]
    numbers = all(type(value) is Number for value in given)
    if all(type(value) is str for value in given):
        return STRING, None, values
    if all(type(value) is bool for value in given):
        return BOOL, None, values
    if numbers and all(map(is_int64, given)):
        return INT, None, [None if value is None else int(value) for value in values]
    if numbers and all(map(is_double, given)):
        return DOUBLE, None, [None if value is None else float(value) for value in values]
    mark = "mixed" if any(type(value) is str for value in given) else "json"
    return STRING, mark, values


def cell(found: object, mark: str | None, value: Any) -> Any:
    """Return what a cell means; the text of one that is not a string is read."""
    return parsed(found) if mark and isinstance(found, str) and type(value) is not str else found


@given(bodies())
def test_columns_are_what_a_plain_evaluator_says(texts: list[str]) -> None:
    examples = [parsed(text) for text in texts]
    names = list(dict.fromkeys(name for example in examples for name in example))
    found = table(texts)
    assert found.schema.names[3:] == names
    for name in names:
        type, mark, cells = expected_column([example.get(name) for example in examples])
        field = found.schema.field(name)
        assert field.type == type
        assert field.metadata == ({b"exempla.type": mark.encode()} if mark else None)
        read = [cell(f, mark, v) for f, v in zip(found[name].to_pylist(), cells, strict=True)]
        assert repr(read) == repr(cells)


@given(bodies())
def test_what_is_read_can_be_written_again(texts: list[str]) -> None:
    """All values come back, but strings and others of one field: these are texts then."""
    examples = [parsed(text) for text in texts]
    names = list(dict.fromkeys(name for example in examples for name in example))
    if not names:
        return
    found = table(texts)
    reader = Reader(found.schema)
    parts = [part for batch in found.to_batches() for part in reader.read(batch)]
    assert [id for part in parts for id in part.ids or []] == found["id"].to_pylist()
    assert pa.chunked_array([part.created_at for part in parts]) == found["created_at"].cast(INT)
    again = [parsed(body.decode()) for part in parts for body in part.bodies]
    assert [list(example) for example in again] == [names] * len(texts)
    for name in names:
        kind, mark, _ = expected_column([example.get(name) for example in examples])
        for before, after in zip(examples, again, strict=True):
            value = before.get(name)
            if mark == "mixed" and value is not None and type(value) is not str:
                assert parsed(after[name]) == value
            elif kind == DOUBLE and value is not None:
                assert repr(float(after[name])) == repr(float(value))
            else:
                assert repr(after[name]) == repr(value)


@pytest.mark.parametrize(
    ("type", "values", "cells"),
    [
        (STRING, ['"a"', "", '""', '"é\\n"'], ["a", None, "", "é\n"]),
        (BOOL, ["true", "", "false"], [True, None, False]),
        (INT, ["1", "", str(2**63 - 1), "-1"], [1, None, 2**63 - 1, -1]),
        (DOUBLE, ["1.0", "", "-0.0", "1e300"], [1.0, None, -0.0, 1e300]),
        (None, ['"a"', "null", ""], ['"a"', "null", None]),
        (None, ['"\\/"', '"a"'], ['"\\/"', '"a"']),
        (None, ['"\\u00e9"'], ['"\\u00e9"']),
        (None, ["null"], ["null"]),
        (None, ["1.50", "1.5"], ["1.50", "1.5"]),
        (None, ["1", "1.5"], ["1", "1.5"]),
        (None, ["-0", "1"], ["-0", "1"]),
        (None, ["1e5"], ["1e5"]),
        (None, ["1", '"1"', "", "{ }"], ["1", '"1"', None, "{ }"]),
        (None, [str(2**63)], [str(2**63)]),
    ],
)  # fmt: skip
def test_exact_columns(type: pa.DataType | None, values: list[str], cells: list[object]) -> None:
    found = column(*values, exact=True)
    field = found.schema.field("c")
    assert field.type == (type or STRING)
    assert field.metadata == (None if type else {b"exempla.type": b"json"})
    assert repr(found["c"].to_pylist()) == repr(cells)
    assert found.schema.metadata == {b"exempla.null": b"missing"}


@given(bodies())
def test_exact_columns_give_every_text_back(texts: list[str]) -> None:
    found = table(
        [text.replace("{", '{"one":1,', 1).replace(",}", "}") for text in texts], exact=True
    )
    reader = Reader(found.schema)
    again = [
        msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        for batch in found.to_batches()
        for part in reader.read(batch)
        for body in part.bodies
    ]
    given = [msgspec.json.decode(text, type=dict[str, msgspec.Raw]) for text in texts]
    assert again == [{"one": msgspec.Raw(b"1")} | one for one in given]
