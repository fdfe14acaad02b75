"""Files as they come in: what is taken, and what is refused by line, row and field."""

from __future__ import annotations

import io
import json
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exempla.errors import InvalidRequest, Problem, ValidationError
from exempla.files import array, lines, reading
from exempla.files.formats import Format
from exempla.limits import MAX_NESTING
from tests.store.values import NewExample, flat

DEEP = "[" * (MAX_NESTING + 1) + "]" * (MAX_NESTING + 1)


def given_in(content: bytes, format: Format = "jsonl") -> list[tuple[str, str | None, str]]:
    """Return all that a file gives, as it comes: each example's place, id and body."""
    with reading.read(format, io.BytesIO(content), None) as incoming:
        return [
            (incoming.where(part.row + index), *one)
            for part in incoming.as_given()
            for index, one in enumerate(zip(part.ids, part.bodies, strict=True))
        ]


def bodies_in(content: bytes, format: Format = "jsonl") -> list[str]:
    return [body for _, _, body in given_in(content, format)]


def in_order(content: bytes, format: Format = "jsonl") -> list[NewExample]:
    """Return what would be in a new dataset."""
    with reading.read(format, io.BytesIO(content), None) as incoming:
        return flat(incoming.in_order())


def parquet(table: pa.Table, **options: object) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


@pytest.mark.parametrize(
    ("content", "bodies"),
    [
        (b"", []),
        (b"\n \r\n\t\n", []),
        (b'{"a":1}', ['{"a":1}']),
        (b'\xef\xbb\xbf{"a":1}\r\n{"a":2}\r\n', ['{"a":1}', '{"a":2}']),
        (b' {"a" : [ 1.50 ],\t"b":"\\u00e9\\/"} \n', ['{"a":[ 1.50 ],"b":"\\u00e9\\/"}']),
        (b'{"a":1,"a":2}', ['{"a":2}']),
        ('{"a":"\u2028\x85"}\n'.encode(), ['{"a":"\u2028\x85"}']),
        (b'{"id":"x","created_at":null,"updated_at":null}', ["{}"]),
    ],
)
def test_lines_of_json(content: bytes, bodies: list[str]) -> None:
    assert bodies_in(content) == bodies


@pytest.mark.parametrize(
    ("line", "problem", "said"),
    [
        (b"{", InvalidRequest, "line 3 is not valid JSON"),
        (b'{"a":NaN}', InvalidRequest, "line 3 is not valid JSON"),
        (b'{"a":"\\ud800"}', InvalidRequest, "line 3 is not valid JSON"),
        (b'{"a":1} {"a":2}', InvalidRequest, "line 3 is not valid JSON"),
        (b"\x1f\x8b\x08", InvalidRequest, r"line 3 is not UTF-8 \(byte 1\)"),
        (b"[]", ValidationError, "line 3 is not a JSON object"),
        (b'"text"', ValidationError, "line 3 is not a JSON object"),
        (b'{"id":1}', ValidationError, "line 3: the id must be a string"),
        (b'{"id":""}', ValidationError, "line 3: the id is empty"),
        (b'{"id":"a\\u0000"}', ValidationError, r"line 3: the id contains .* U\+0000"),
        (b'{"id":"%s"}' % (b"x" * 256), ValidationError, "line 3: the id has 256 characters"),
        (b'{"annotations":[]}', ValidationError, "line 3: 'annotations'"),
        (b'{"created_at":"yesterday"}', ValidationError, "line 3: 'created_at'"),
        (b'{"created_at":"2026-01-31T09:30:00"}', ValidationError, "line 3: 'created_at'"),
        (b'{"created_at":1700000000000}', ValidationError, "line 3: 'created_at'"),
        (b'{"updated_at":"1969-12-31T23:59:59Z"}', ValidationError, "line 3: 'updated_at'"),
        (b'{"updated_at":"3000-01-01T00:00:00Z"}', ValidationError, "line 3: 'updated_at'"),
        (f'{{"a":1,"b":{DEEP}}}'.encode(), ValidationError, "line 3: 'b' is nested deeper"),
        (b'{"a":' + b"[" * 100_000, Problem, "line 3"),
    ],
)
def test_a_bad_line_of_json_is_named(line: bytes, problem: type[Problem], said: str) -> None:
    with pytest.raises(problem, match=said):
        given_in(b'{"a":1}\n\n' + line + b'\n{"a":2}\n')


ARRAY = [
    {"a": 1.5, "b": 'a "quoted" \\ ] } [ {'},
    {"a": [[], {}, {"x": [{}]}], "é": "\u2028"},
    {"id": "x", "a": ""},
]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("at_once", [1, 2, 7, 1_000_000])
def test_an_array_is_read_as_its_items_on_lines(
    monkeypatch: pytest.MonkeyPatch, indent: int | None, at_once: int
) -> None:
    monkeypatch.setattr(array, "PIECE_BYTES", at_once)
    whole = json.dumps(ARRAY, indent=indent, ensure_ascii=False).encode()
    on_lines = given_in("\n".join(map(json.dumps, ARRAY)).encode())
    for before, after in ((b"", b""), (b"\xef\xbb\xbf \r\n", b"\n\t ")):
        found = given_in(before + whole + after)
        assert [place for place, _, _ in found] == ["item 1", "item 2", "item 3"]
        assert [id for _, id, _ in found] == [id for _, id, _ in on_lines]
        texts = zip(found, on_lines, strict=True)
        assert all(json.loads(one[2]) == json.loads(other[2]) for one, other in texts)


def test_values_in_an_array_stay_as_they_are_written() -> None:
    assert bodies_in(b'[ {"a" : 1.50, "b":"\\u00e9\\/"},{"a":1e400}\n]') == [
        '{"a":1.50,"b":"\\u00e9\\/"}',
        '{"a":1e400}',
    ]
    assert bodies_in(b" [ ] ") == []


@pytest.mark.parametrize(
    ("rest", "problem", "said"),
    [
        (b"", InvalidRequest, "the file ends before its array does, in or after item 1"),
        (b',{"a":"]', InvalidRequest, "the file ends .* item 2"),
        (b',{"a":[1}', InvalidRequest, "the file ends .* item 2"),
        (b',{"a" 1}]', InvalidRequest, "item 2 is not valid JSON"),
        (b',{"a":[1}}]', InvalidRequest, "item 2 is not valid JSON"),
        (b',{"a":"\xff"}]', InvalidRequest, r"item 2 is not UTF-8 \(byte 6\)"),
        (b",[1]]", ValidationError, "item 2 is not a JSON object"),
        (b',{"id":1}]', ValidationError, "item 2: the id must be a string"),
        (f',{{"b":{DEEP}}}]'.encode(), ValidationError, "item 2: 'b' is nested deeper"),
        (b',{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}]", Problem, "item 2"),
        (b',5,{"a":1}]', InvalidRequest, "after item 1 of the array there is ',5,'"),
        (b',"a"]', InvalidRequest, "after item 1 of the array there is ',\"a\"]'"),
        (b' {"a":1}]', InvalidRequest, "after item 1 of the array there is ''"),
        (b",]", InvalidRequest, "after item 1 of the array there is ',]'"),
        (b"}", InvalidRequest, "after item 1 of the array there is '}'"),
        (b"]]", InvalidRequest, "after item 1 of the array there is ']]'"),
        (b"]" + b" " * 2**21 + b"]", InvalidRequest, "after item 1 of the array there is ']'"),
        (b"," + b"5," * 2**20, InvalidRequest, "after item 1 of the array there is ',5,5,"),
        (b'] {"a":1}', InvalidRequest, "after item 1 of the array there is"),
    ],
)
def test_a_bad_item_of_an_array_is_named(rest: bytes, problem: type[Problem], said: str) -> None:
    with pytest.raises(problem, match=said):
        given_in(b'[{"a":1}' + rest)


def test_an_item_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(array, "MAX_LINE_BYTES", 20)
    assert len(given_in(b'[{"a":"1234"},\n{"a":"1234"}  ,  {"a":"123456789"}]')) == 3
    assert len(given_in(b'[{"a":1},' + b" " * 30 + b"{}]")) == 2  # space is of no item
    for item in (b'{"a":"123456789012345"}', b'{"a":"12345678901234'):
        with pytest.raises(ValidationError, match=r"item [12] has over"):
            given_in(b'[{"a":1},' + item + b"]")


def test_objects_on_several_lines_are_one_mistake() -> None:
    text = json.dumps({"a": 1, "b": [2]}, indent=2).encode()
    with pytest.raises(InvalidRequest, match=r"line 1 .* as one array") as told:
        given_in(text + b"\n" + text)
    assert not told.value.others


def test_a_line_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 20)
    assert len(given_in(b'{"a":1}\n{"a":"123456"}\n')) == 2
    for content in (b'{"a":1}\n{"a":"1234567890123"}\n', b" " * 1_000, b'"' + b"\n" * 30):
        with pytest.raises(ValidationError, match=r"line \d+ has over"):
            given_in(content, "csv" if b"\n\n" in content else "jsonl")


@pytest.mark.parametrize(
    ("text", "bodies"),
    [
        ("a,b\r\n1,x\r\n", ['{"a":"1","b":"x"}']),
        ("a,b\n1,x", ['{"a":"1","b":"x"}']),
        ('\ufeffa,b\n"1, ""2""","x\ny"\n\n,z\n', ['{"a":"1, \\"2\\"","b":"x\\ny"}', '{"b":"z"}']),
        ("a\n", []),
        ('b,"a\nb"\n1,null\n', ['{"b":"1","a\\nb":"null"}']),
        ("a,,b,\n1,,2,\n", ['{"a":"1","b":"2"}']),
        ("id,a\nx,\n", ["{}"]),
        ("a;b\n1,5;x\n", ['{"a":"1,5","b":"x"}']),
        ('"a,b";c\n"1;2";\n', ['{"a,b":"1;2"}']),
        ('a\tb;c\td\n1\t2\t"3\n4"\n', ['{"a":"1","b;c":"2","d":"3\\n4"}']),
        ("city, country\tn\nLima, Peru\t2\n", ['{"city, country":"Lima, Peru","n":"2"}']),
        ("a;b,c\n1,2\n", ['{"a;b":"1","c":"2"}']),
        ('"a;b"\n1;2\n', ['{"a;b":"1;2"}']),
    ],
)
def test_rows_of_csv(text: str, bodies: list[str]) -> None:
    assert bodies_in(text.encode(), "csv") == bodies


def test_the_columns_of_the_system_in_csv() -> None:
    rows = "created_at,a,id\n2026-01-31T09:30:00+01:00,1,x\n2025-01-31T09:30:00.5Z,2,\n"
    second, first = in_order(rows.encode(), "csv")[::-1]
    assert (second.id, second.created_at, second.updated_at) == ("x", *[1769848200_000_000] * 2)
    assert (first.created_at, first.body) == (1738315800_500_000, '{"a":"2"}')


@pytest.mark.parametrize(
    ("text", "problem", "said"),
    [
        ("", ValidationError, "line 1 is empty"),
        ("\na\n1\n", ValidationError, "line 1 is empty"),
        ("a,a\n1,2\n", ValidationError, "line 1: .* several columns named 'a'"),
        (",".join(map(str, range(2_001))), ValidationError, "line 1: there are 2001 columns"),
        ('a,b\n"1\n",2\n3\n', ValidationError, "line 4 has 1 cell, but the header 2"),
        (",a\n,1\n0,2\n", ValidationError, "line 3 has a value in a column without a name"),
        ("a,b\r1,2\r", InvalidRequest, "line 1 has a CR by itself; end lines with LF or CR LF"),
        ("a,b\n1\r,2\n", InvalidRequest, "line 2 has a CR by itself"),
        ('a,b\n1,"2\n3,4\n', InvalidRequest, "line 2 is not valid CSV"),
        ('a,b\n1,"2"3\n', InvalidRequest, "line 2 is not valid CSV"),
        ("a,annotations\n1,2\n", ValidationError, "line 2: 'annotations'"),
        ("a,updated_at\n1,2\n", ValidationError, "line 2: 'updated_at'"),
    ],
)
def test_a_bad_line_of_csv_is_named(text: str, problem: type[Problem], said: str) -> None:
    with pytest.raises(problem, match=said):
        given_in(text.encode(), "csv")


def test_csv_that_is_not_utf_8() -> None:
    with pytest.raises(InvalidRequest, match=r"line 2 is not UTF-8 \(byte 0\)"):
        given_in(b"a\n\xe9\n", "csv")


def test_rows_of_parquet_of_others() -> None:
    """In a file that Exempla has not written, a null cell is null."""
    table = pa.table({"id": ["x", "y"], "a": [1, None], "b": [[{"c": 1.5}], []]})
    rows = [("row 0", "x", '{"a":1,"b":[{"c":1.5}]}'), ("row 1", "y", '{"a":null,"b":[]}')]
    assert given_in(parquet(table), "parquet") == rows
    assert given_in(parquet(table, row_group_size=1), "parquet") == rows


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (pa.table({"a": [b"x"]}), "'a' is of the type binary"),
        (pa.table({"a": [1.0, float("inf")]}), "row 1: the column 'a'"),
        (pa.table({"id": ["x", None], "a": [1, 2]}), "row 1: the id is empty"),
        (pa.table({"id": ["x"]}), "no columns but"),
        (pa.table({"a": [1], "created_at": ["x"]}), "'created_at' is of the type string"),
    ],
)
def test_a_bad_row_of_parquet_is_named(table: pa.Table, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        given_in(parquet(table), "parquet")


@pytest.mark.parametrize("content", [b"", b"PAR1", b"x" * 100, b'{"a":1}\n'])
def test_what_is_no_parquet(content: bytes) -> None:
    with pytest.raises(InvalidRequest, match="cannot be read as Parquet"):
        given_in(content, "parquet")


WHOLE = parquet(pa.table({"a": list(range(200)), "b": [str(n) * 3 for n in range(200)]}))


@given(st.data())
@settings(max_examples=200)
def test_broken_parquet_is_a_problem_and_no_fault(data: st.DataObject) -> None:
    content = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with suppress(Problem):
        given_in(bytes(content[: data.draw(st.integers(0, len(content)))]), "parquet")


def test_times_and_ids_of_a_new_dataset(tmp_path: Path) -> None:
    rows = [
        {"n": 0, "created_at": "2026-01-31T09:30:00.000001Z", "id": "b"},
        {"n": 1, "created_at": "2026-01-31T09:30:00.000001Z", "id": "a"},
        {"n": 2, "created_at": "2025-01-31T09:30:00Z", "updated_at": "2026-03-01T00:00:00Z"},
        {"n": 3},
    ]
    found = in_order("\n".join(map(json.dumps, rows)).encode())
    assert [json.loads(one.body)["n"] for one in found] == [2, 1, 0, 3]
    assert found[0].updated_at == 1772323200_000_000
    assert [one.id for one in found[1:3]] == ["a", "b"]
    assert found[0].id < found[3].id
