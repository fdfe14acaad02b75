"""Values come back exactly as they were sent, or are refused (contract: PATCH, rule 8)."""

from __future__ import annotations

import json

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.helpers import (
    Dataset,
    Texts,
    assert_problem,
    default_space,
    examples_body,
    make_dataset,
    ok,
    read_bytes,
    read_texts,
    send,
    snapshot,
    unique,
)


def nested(levels: int, opening: str = "[", closing: str = "]") -> str:
    """Return a value of so many levels."""
    return opening * levels + closing * levels


def nested_objects(levels: int) -> str:
    """Return an object of so many levels, the innermost empty."""
    return '{"a":' * (levels - 1) + "{}" + "}" * (levels - 1)


def nested_mixed(pairs: int) -> str:
    """Return objects and arrays in turn: twice as many levels as pairs."""
    return '{"a":[' * pairs + "]}" * pairs


KEPT = {
    "big integer": "123456789012345678901234567890123456789012345678901234567890",
    "integer over 64 bits": "18446744073709551616",
    "integer over 53 bits": "-9007199254740993",
    "1.0": "1.0",
    "trailing zeros": "0.10000",
    "over a double": "1e400",
    "under a double": "-1.5E-400",
    "exponent as written": "1E+02",
    "minus zero": "-0",
    "minus zero point zero": "-0.0",
    "many decimals": "3.14159265358979323846264338327950288419716939937510",
    "5,000 digits": "9" * 5_000,
    "5,000 decimals": "0." + "7" * 5_000,
    "null": "null",
    "booleans": "[true,false]",
    "key order": '{"z":1,"a":{"y":2,"b":3},"m":4}',
    "duplicate keys inside a value": '{"a":1,"a":2}',
    "escaped letter": r'"\u0041"',
    "escaped slash": r'"\/ and /"',
    "escaped NUL": r'"\u0000"',
    "short escapes": r'"\"\\\b\f\n\r\t"',
    "escapes in either case": r'"\u00e9\u00E9\ud83d\ude00\uD83D\uDE00"',
    "escapes in keys": r'{"\u0061\/\u0000":"\u0062"}',
    "unicode": '"Grüße, Ελλάδα, 日本語, עברית, नमस्ते"',
    "composed and decomposed": '["\u00e9","e\u0301"]',
    "emoji": '"😀👩‍👩‍👧‍👦🏴󠁧󠁢󠁳󠁣󠁴󠁿"',
    "line separators and DEL": '"\u2028\u2029\u007f\u0085\ufeff\uffff"',
    "last code point": '"\U0010ffff"',
    "whitespace inside": '[ 1 ,\t{ "a" :\r\n 2 } , [ ] , { } ]',
    "empty string": '""',
    "empty containers": "[{},[],{}]",
    "empty key": '{"":{"":""}}',
    "100 arrays": nested(100),
    "100 objects": nested_objects(100),
    "100 levels in turn": nested_mixed(50),
    "many brackets, few levels": "[" + ",".join(["[{}]"] * 500) + "]",
    "brackets in a string": json.dumps("[{" * 500 + '"\\[['),
    "brackets after escaped quotes": json.dumps('\\"[' * 200),
    "long string": json.dumps("x" * 1_000_000),
}

REFUSED = {
    "NaN": (b"NaN", 400),
    "Infinity": (b"Infinity", 400),
    "minus Infinity": (b"-Infinity", 400),
    "NaN inside": (b'[1,{"a":NaN}]', 400),
    "lone high surrogate": (rb'"\ud83d"', 400),
    "lone low surrogate": (rb'"\ude00"', 400),
    "surrogates the wrong way round": (rb'"\ude00\ud83d"', 400),
    "high surrogate and a letter": (rb'"\ud83dx"', 400),
    "high surrogate and another escape": (rb'"\ud83d\u0041"', 400),
    "two high surrogates": (rb'"\ud83d\ud83d"', 400),
    "lone surrogate inside": (rb'[{"a":["\udfff"]}]', 400),
    "lone surrogate in a key inside": (rb'{"\ud800":1}', 400),
    "surrogate as UTF-8": (b'"\xed\xa0\x80"', 400),
    "invalid UTF-8": (b'"\xff"', 400),
    "invalid UTF-8 in a key inside": (b'{"\xfe":1}', 400),
    "cut UTF-8": (b'"\xf0\x9f\x98"', 400),
    "overlong UTF-8": (b'"\xc0\x80"', 400),
    "beyond Unicode": (b'"\xf4\x90\x80\x80"', 400),
    "unknown escape": (rb'"\x41"', 400),
    "cut escape": (rb'"\u12"', 400),
    "bare control character": (b'"a\nb"', 400),
    "bare NUL": (b'"a\0b"', 400),
    "leading zero": (b"01", 400),
    "no digit after the point": (b"1.", 400),
    "no digit before the point": (b".5", 400),
    "no digit in the exponent": (b"1e", 400),
    "plus sign": (b"+1", 400),
    "hexadecimal": (b"0x1F", 400),
    "digit separator": (b"1_000", 400),
    "minus alone": (b"-", 400),
    "trailing comma": (b"[1,]", 400),
    "missing comma": (b"[1 2]", 400),
    "single quotes": (b"'a'", 400),
    "bare word": (b"undefined", 400),
    "Python's True": (b"True", 400),
    "comment": (b"/* one */ 1", 400),
    "no-break space": ("\u00a01".encode(), 400),
    "unclosed": (b'{"a":1', 400),
    "nothing": (b"", 400),
    "101 arrays": (nested(101).encode(), 422),
    "101 objects": (nested_objects(101).encode(), 422),
    "102 levels in turn": (nested_mixed(51).encode(), 422),
    "101 levels beside others": (f"[1,[],{nested(100)},2]".encode(), 422),
    "100,000 levels": (nested(100_000).encode(), 422),
}

FIELD_NAMES = [
    *("a.b", ".", "a..b", "$", "$.a[0]", '"', "'", "`", "\\", "/", "", " ", "\t", "\0", "\x7f"),
    *("😀", "é", "e\u0301", "ID", "Id", "_id", "id ", "created", "version", "examples", "name"),
    *("new_version", "__proto__", "constructor", "%s", "{0}", ":name", "?", "--", "; DROP", "null"),
    *("0", "-1", "NaN", "\u2028", "x" * 5_000),
]


def make_one(client: httpx.Client) -> Dataset:
    """Make a dataset of one example."""
    return make_dataset(client, ['{"first":true}'])


def patch_text(client: httpx.Client, dataset: Dataset, fields: str, **members: str) -> None:
    """Update the first example with fields given as JSON text."""
    item = f'{{"id":"{dataset.example_ids[0]}",{fields}}}'
    ok(send(client, "PATCH", dataset.examples_url, examples_body([item], **members)))


def first_texts(client: httpx.Client, dataset: Dataset, version: str | None = None) -> Texts:
    """Return the first example's values as text."""
    return read_texts(client, dataset.id, version)[0]


@pytest.mark.parametrize("value", list(KEPT.values()), ids=list(KEPT))
def test_a_value_comes_back_as_the_text_that_was_sent(client: httpx.Client, value: str) -> None:
    dataset = make_dataset(client, [f'{{"made":{value}}}'])
    body = examples_body([f'{{"inserted": {value} }}'])
    ok(send(client, "POST", dataset.examples_url, body), 201)
    patch_text(client, dataset, f'"updated" :\n{value}')
    patch_text(client, dataset, f'"made":0,"versioned":{value}', new_version="next")
    old = read_texts(client, dataset.id, dataset.version_id)
    new = read_texts(client, dataset.id)
    assert old[0]["made"] == old[0]["updated"] == value
    assert new[0]["updated"] == new[0]["versioned"] == value
    assert old[1]["inserted"] == new[1]["inserted"] == value


@pytest.mark.parametrize(("value", "status"), list(REFUSED.values()), ids=list(REFUSED))
def test_a_value_is_refused_and_nothing_changes(
    client: httpx.Client, value: bytes, status: int
) -> None:
    dataset = make_one(client)
    before = snapshot(client, dataset)
    slug = "validation-error" if status == 422 else "invalid-request"
    deep = len(value) > 10_000  # too deep to tell where
    where = "nested" if deep else "examples[1].v" if status == 422 else ""
    name, space = unique(), default_space(client)
    given = dataset.example_ids[0].encode()
    new = b'{"examples":[{"w":1},{"w":2,"v":' + value + b"}]"
    update = b'{"examples":[{"id":"' + given + b'","w":1},{"id":"x","v":' + value + b"}]"
    create = new + f',"name":"{name}","space_id":"{space}"'.encode()
    requests = [
        ("PATCH", dataset.examples_url, update + b"}"),
        ("PATCH", dataset.examples_url, update + b',"new_version":"next"}'),
        ("POST", dataset.examples_url, new + b"}"),
        ("POST", "/v2/datasets", create + b"}"),
    ]
    for method, url, body in requests:
        assert_problem(send(client, method, url, body), status, slug, where)
    assert snapshot(client, dataset) == before
    assert ok(client.get("/v2/datasets", params={"name": name}))["datasets"] == []


@pytest.mark.parametrize("name", [rb"\ud800", b"\xff", rb"\x41", b"a\nb"])
def test_a_field_name_that_is_not_unicode_text_is_refused(
    client: httpx.Client, name: bytes
) -> None:
    dataset = make_one(client)
    before = snapshot(client, dataset)
    id = dataset.example_ids[0].encode()
    body = b'{"examples":[{"id":"' + id + b'","' + name + b'":1}]}'
    response = send(client, "PATCH", dataset.examples_url, body)
    assert_problem(response, 400, "invalid-request")
    assert snapshot(client, dataset) == before


@pytest.mark.parametrize("name", FIELD_NAMES, ids=[ascii(name)[:20] for name in FIELD_NAMES])
def test_any_text_can_name_a_field(client: httpx.Client, name: str) -> None:
    quoted = json.dumps(name, ensure_ascii=False) if name.isprintable() else json.dumps(name)
    dataset = make_dataset(client, [f'{{"before":1,{quoted}:2,"after":3}}'])
    expected = {"before": "1", name: "2", "after": "3"}
    assert first_texts(client, dataset).items() >= expected.items()
    patch_text(client, dataset, f'{quoted}:{{"new":true}}')
    expected[name] = '{"new":true}'
    found = first_texts(client, dataset)
    assert found.items() >= expected.items()
    assert len(found) == len(expected) + 3


def test_fields_stay_in_the_order_sent(client: httpx.Client) -> None:
    names = ["zeta", "10", "9", "alpha", "", "Zeta"]
    fields = ",".join(f"{json.dumps(name)}:{index}" for index, name in enumerate(names))
    dataset = make_dataset(client, [f"{{{fields}}}"])
    assert [n for n in first_texts(client, dataset) if n in names] == names


@pytest.mark.parametrize("spelled", ['"a"', r'"\u0061"'], ids=["the same", "escaped"])
def test_of_duplicate_fields_the_last_counts(client: httpx.Client, spelled: str) -> None:
    dataset = make_dataset(client, [f'{{"a":1,"b":2,{spelled}:3}}'])
    assert first_texts(client, dataset).items() >= {"a": "3", "b": "2"}.items()
    patch_text(client, dataset, f'{spelled}:[ 4 ],"c":5,"a":{{ }}')
    found = first_texts(client, dataset)
    assert found.items() >= {"a": "{ }", "b": "2", "c": "5"}.items()
    (text,) = read_bytes(client, dataset)
    assert text.count(b'"a":') == 1


def test_of_duplicate_ids_the_last_counts(client: httpx.Client) -> None:
    dataset = make_one(client)
    id = dataset.example_ids[0]
    items = [f'{{"id":"nobody","n":1,"id":"{id}"}}', f'{{"id":"{id}","n":2,"id":"nobody"}}']
    body = examples_body(items)
    answer = ok(send(client, "PATCH", dataset.examples_url, body))
    assert answer["example_ids"] == [id]
    assert first_texts(client, dataset)["n"] == "1"


@pytest.mark.parametrize("name", [r"created\u005fat", r"updated_\u0061t", r"\u0061nnotations"])
def test_an_escaped_name_of_a_managed_field_is_refused(client: httpx.Client, name: str) -> None:
    dataset = make_one(client)
    before = snapshot(client, dataset)
    item = f'{{"id":"{dataset.example_ids[0]}","{name}":null}}'
    response = send(client, "PATCH", dataset.examples_url, examples_body([item]))
    assert_problem(response, 422, "validation-error", "is managed by the system")
    assert snapshot(client, dataset) == before


def test_an_escaped_name_and_text_of_an_id_is_the_id(client: httpx.Client) -> None:
    dataset = make_one(client)
    id = dataset.example_ids[0]
    item = rf'{{"\u0069d":"\u{ord(id[0]):04x}{id[1:]}","n":1}}'
    answer = ok(send(client, "PATCH", dataset.examples_url, examples_body([item])))
    assert answer["example_ids"] == [id]
    assert first_texts(client, dataset)["n"] == "1"


# Any value at all.

SPACE = st.sampled_from(["", "", "", " ", "\n", "\t\r "])
NUMBERS = st.from_regex(
    r"-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,6})?", fullmatch=True
)
PLAIN = st.characters(exclude_categories=["Cs"], exclude_characters='"\\', min_codepoint=0x20)
ESCAPED = st.characters(exclude_categories=["Cs"]).map(lambda c: json.dumps(c)[1:-1])
SHORT = st.sampled_from(
    [r"\"", r"\\", r"\/", r"\b", r"\f", r"\n", r"\r", r"\t", r"\u0041", r"\uD83D\uDE00"]
)
STRINGS = st.lists(st.one_of(PLAIN, ESCAPED, SHORT), max_size=12).map(lambda p: f'"{"".join(p)}"')
SCALARS = st.one_of(st.sampled_from(["null", "true", "false"]), NUMBERS, STRINGS)


def containers(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Return arrays and objects of these values, with whitespace anywhere, as text."""
    spaced = st.tuples(SPACE, values, SPACE).map("".join)
    member = st.tuples(SPACE, STRINGS, SPACE, st.just(":"), spaced).map("".join)
    arrays = st.lists(spaced, max_size=4).map(lambda items: f"[{','.join(items)}]")
    objects = st.lists(member, max_size=4).map(lambda items: f"{{{','.join(items)}}}")
    return st.one_of(arrays, objects)


VALUES = st.recursive(SCALARS, containers, max_leaves=12)


@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(values=st.lists(VALUES, min_size=1, max_size=6))
def test_any_value_comes_back_as_the_text_that_was_sent(
    client: httpx.Client, values: list[str]
) -> None:
    made, updated = (
        {f"{stem}{index}": value for index, value in enumerate(values)} for stem in ("made", "new")
    )
    as_text = [",".join(f'"{k}":{v}' for k, v in fields.items()) for fields in (made, updated)]
    dataset = make_dataset(client, [f"{{{as_text[0]}}}"])
    patch_text(client, dataset, as_text[1])
    assert first_texts(client, dataset).items() >= (made | updated).items()
