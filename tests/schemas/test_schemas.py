"""What may be a schema, what it costs, and what it says of examples: by tables and properties."""

from __future__ import annotations

import json
import re
import socket
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from exempla.errors import ValidationError
from exempla.schemas import Fault, Schema, values
from exempla.schemas.compiled import MAX_FAULTS, MAX_MESSAGE


def schema(value: object) -> Schema:
    return Schema(value if isinstance(value, str) else json.dumps(value))


def doubling(steps: int) -> dict[str, Any]:
    """Return a schema of which each definition refers twice to the next."""
    twice = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(steps)}
    return {"$ref": "#/$defs/d0", "$defs": twice | {f"d{steps}": {"type": "object"}}}


def unevaluated(steps: int) -> dict[str, Any]:
    found: dict[str, Any] = {"unevaluatedProperties": False}
    for _ in range(steps):
        found = {"anyOf": [found], "unevaluatedProperties": False}
    return found


TREE = {"properties": {"l": {"$ref": "#"}, "r": {"$ref": "#"}, "n": {"type": "integer"}}}
LISTS = {"items": {"anyOf": [{"type": "integer"}, {"$ref": "#/items"}]}, "type": "array"}


@pytest.mark.parametrize(
    "value",
    [
        {},
        TREE,
        {"additionalProperties": {"$ref": "#"}} | TREE,
        {"properties": {"a": {"anyOf": [{"type": "string"}, LISTS | {"items": {}}]}}},
        {"$id": "https://example.com/a", "$ref": "#/$defs/x", "$defs": {"x": {}}},
        {"$schema": "https://json-schema.org/draft/2020-12/schema"},
        {"$ref": "#/$defs/a~1b%20c", "$defs": {"a/b c": True}},
        {"properties": {"$id": {"type": "string"}, "$ref": {"const": "x"}}},
        {"const": {"$ref": "http://127.0.0.1/"}},
        doubling(5),
        unevaluated(2),
        {"enum": list(range(7_000))},
        {"properties": {f"p{n}": {"pattern": f"^{n}\\d{{1,9}}$"} for n in range(100)}},
    ],
)
def test_what_may_be_a_schema(value: object) -> None:
    schema(value)


@pytest.mark.parametrize(
    ("value", "detail"),
    [
        ({"type": "text"}, "'/type'"),
        ({"properties": {"a/b": {"minimum": "1"}}}, "'/properties/a~1b/minimum'"),
        ({"properties": []}, "'/properties'"),
        ({"properties": {"a": {"pattern": "("}}}, "'/properties/a/pattern'"),
        ({"pattern": "(?=a)b"}, "look-around"),
        ({"pattern": r"(a)\1"}, "back-references"),
        ({"pattern": "(a{1000}){1000}"}, "large repetitions"),
        ({"patternProperties": {"(?<=a)": {}}}, "'/patternProperties/(?<=a)'"),
        ({"properties": {f"p{n}": {"pattern": "a"} for n in range(101)}}, "101 patterns"),
        ({"$ref": "http://127.0.0.1/x"}, "nothing is fetched"),
        ({"properties": {"a": {"$ref": "other.json"}}}, "'/properties/a'"),
        ({"$ref": "#/$defs/none"}, "'#/$defs/none'"),
        ({"$ref": "#anchor", "$defs": {"a": {"$anchor": "anchor"}}}, "$ref must be"),
        ({"$dynamicRef": "#"}, "$dynamicRef"),
        ({"$defs": {"a": {"$id": "http://127.0.0.1/"}}}, "'/$defs/a'"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "$schema"),
        ({"$ref": "#"}, "endlessly"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"not": {"$ref": "#"}}}}, "endlessly"),
        (doubling(7), "costs too much"),
        (doubling(200), "costs too much"),
        ({"items": {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}}, "costs too much"),
        ({"patternProperties": {"^[lr]": {"$ref": "#"}}} | TREE, "costs too much"),
        (unevaluated(6), "costs too much"),
        ({"dependencies": {"a": {"enum": [0] * 8_000}}}, "costs too much"),
        ({"anyOf": [{"const": n} for n in range(500)]}, "costs too much"),
        ({"description": "é" * 32_768}, "65555 bytes"),
    ],
)
def test_what_may_not(value: object, detail: str) -> None:
    with pytest.raises(ValidationError) as raised:
        schema(value if detail != "65555 bytes" else json.dumps(value, ensure_ascii=False))
    assert detail in raised.value.detail


@pytest.mark.parametrize("word", ["$ref", "$dynamicRef", "$schema", "$id", "$recursiveRef"])
@pytest.mark.parametrize("where", ["top", "inside", "definition"])
def test_nothing_is_fetched_or_read(tmp_path: Path, word: str, where: str) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text('{"not": {}}')
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        for uri in (f"http://127.0.0.1:{server.getsockname()[1]}/", secret.as_uri(), str(secret)):
            inner: dict[str, object] = {word: uri}
            places = {
                "top": inner,
                "inside": {"properties": {"a": inner}},
                "definition": {"$defs": {"d": inner}, "properties": {"a": {"$ref": "#/$defs/d"}}},
            }
            try:
                assert schema(places[where]).fault('{"a":{}}') is None  # `$id` at the top names it
            except ValidationError:
                assert (word, where) != ("$id", "top")
        with pytest.raises(TimeoutError):
            server.accept()


def test_a_fault_tells_the_place_and_what_is_wrong() -> None:
    rules = {
        "properties": {"t/g": {"items": {"type": "string"}}},
        "required": ["a"],
        "additionalProperties": False,
    }
    found = schema(rules).faults('{"t/g":["x",3],"z":1}')
    assert set(found) == {
        Fault("/t~1g/1", '3 is not of type "string"'),
        Fault("", "Additional properties are not allowed ('z' was unexpected)"),
        Fault("", '"a" is a required property'),
    }
    assert schema(rules).fault('{"t/g":["x",3],"a":1}') == Fault(
        "/t~1g/1", '3 is not of type "string"'
    )


def test_few_faults_of_few_characters_are_told() -> None:
    rules = schema({"additionalProperties": {"type": "string"}})
    many = json.dumps({f"f{n}": n for n in range(100)})
    assert len(rules.faults(many)) == MAX_FAULTS
    assert len(rules.faults(json.dumps({f"f{n}": n for n in range(9_000)}))) == 1
    (long,) = rules.faults(json.dumps({"a": ["x" * 10_000]}))
    assert len(long.message) < MAX_MESSAGE + 9


HUGE = "1" + "0" * 5_000


@pytest.mark.parametrize(
    ("rules", "value", "is_valid"),
    [
        ('{"type":"integer"}', "1e400", True),
        ('{"type":"integer"}', HUGE, True),
        ('{"type":"integer"}', "1." + "0" * 40 + "1", False),
        ('{"maximum":1e400}', "1e400", True),
        ('{"maximum":1e400}', "1.0000000000000000000001e400", False),
        ('{"maximum":10}', HUGE, False),
        ('{"minimum":10}', "-" + HUGE, False),
        ('{"maximum":0.1}', "0.1000000000000000000000001", False),
        ('{"maximum":9007199254740992.0}', "9007199254740993", False),
        ('{"const":1e400}', "10e399", True),
        ('{"const":123456789012345678901234567890}', "123456789012345678901234567891", False),
        ('{"const":1}', "1.0", True),
        ('{"multipleOf":0.01}', "0.07", True),
        ('{"multipleOf":3}', "3" * 40, True),
        ('{"maximum":5}', "1e9999999999999999999999", False),
        ('{"minimum":5}', "1e9999999999999999999999", True),
        ('{"minimum":0}', "-1e9999999999999999999999", False),
        ('{"exclusiveMinimum":0}', "1e-9999999999999999999999", True),
        ('{"maximum":1e99999999}', "1e99999998", True),
        (f'{{"const":{HUGE}}}', HUGE, True),
        (f'{{"maximum":{"9" * 5_000}}}', HUGE, False),
        ('{"uniqueItems":true}', "[1,1.0]", False),
    ],
)
def test_numbers_are_exact(rules: str, value: str, is_valid: bool) -> None:
    found = schema(f'{{"properties":{{"v":{rules}}}}}').fault(f'{{"v":{value}}}')
    assert (found is None) == is_valid


def test_of_very_many_digits_the_first_count() -> None:
    rules = schema(f'{{"properties":{{"v":{{"const":{HUGE}}}}}}}')
    assert rules.fault(f'{{"v":{HUGE[:-1]}1}}') is None  # the documented limit
    assert rules.fault(f'{{"v":{"1" + "0" * 3_000 + "1" + "0" * 1_999}}}')


def test_of_many_alternatives_it_is_not_told_where_a_large_example_is_wrong() -> None:
    rules = schema({"properties": {"a": {"anyOf": [{"type": "string"}] * 100}}})
    assert rules.faults('{"a":[1]}')[0].path == "/a"
    (fault,) = rules.faults(json.dumps({"a": [1] * 100_000}))
    assert fault == Fault("", fault.message)
    assert "too large to tell where" in fault.message


TOO_LARGE = r"it is too large to be checked with this schema: \d+ values"


@pytest.mark.parametrize(
    ("rules", "value"),
    [
        ('{"uniqueItems":true}', f"[{','.join(f'1e{n}' for n in range(400, 1_400))}]"),
        ('{"uniqueItems":true}', f"[{','.join(str(2**62 + n) for n in range(3_000))}]"),
        ('{"uniqueItems":true}', f"[{','.join(f'[0.{10**19 + n}]' for n in range(1_500))}]"),
        (json.dumps({"items": {"enum": [{"k": n} for n in range(4_000)]}}), str([0] * 20_000)),
        (json.dumps({"items": {"enum": list(range(5_000))}}), str([0.5] * 100_000)),
        (json.dumps({"items": {"const": {"k": ["x"] * 2_000}}}), str([0] * 20_000)),
        (
            json.dumps({"items": {"allOf": [{"minimum": -n} for n in range(450)]}}),
            str([1] * 300_000),
        ),
        ('{"maximum":0.5}', "0." + "9" * 400_000),
        ('{"items":{"maximum":0.5}}', f"[{','.join(['0.' + '9' * 4_000] * 1_000)}]"),
        ('{"items":{"multipleOf":0.01}}', f"[{','.join(['9' * 4_000] * 1_000)}]"),
        ('{"items":{"multipleOf":3.5}}', f"[{','.join(['1e-4000'] * 1_000)}]"),
        ('{"pattern":"[ab]*a[ab]{1000}c"}', json.dumps("ab" * 100_000)),
        ('{"pattern":"(?:[ab]{30}){30}c"}', json.dumps("ab" * 100_000)),
        ('{"pattern":"(?x)[ab]*a[ab] { 900 }"}', json.dumps("ab" * 100_000)),
        ('{"patternProperties":{"(?:[ab]{30}){30}c":true}}', json.dumps({"ab" * 100_000: 1})),
        ('{"format":"idn-hostname"}', json.dumps("é." * 6_000_000)),
    ],
)
def test_what_would_take_long_is_not_begun(rules: str, value: str) -> None:
    found = schema(f'{{"properties":{{"v":{rules}}}}}')
    with pytest.raises(ValidationError, match=TOO_LARGE):
        found.fault(f'{{"v":{value}}}')
    (fault,) = found.faults(f'{{"v":{value}}}')
    assert re.match(TOO_LARGE, fault.message)


NAMES = [f"p{n}" for n in range(500)]
EMBEDDING = [n / 7_001 for n in range(3_072)]


@pytest.mark.parametrize(
    ("rules", "example"),
    [
        ({"properties": {"v": {"pattern": r"\S"}}}, {"v": "text, " * 170_000}),
        ({"properties": {"v": {"minLength": 1, "type": "string"}}}, {"v": "x" * 10_000_000}),
        (
            {"properties": {"v": {"items": {"type": "number", "minimum": -1, "maximum": 1}}}},
            {"v": EMBEDDING * 50},
        ),
        (
            {"properties": {"v": {"items": {"enum": [1, 2, 3]}}}, "required": ["e"]},
            {"e": EMBEDDING},
        ),
        (
            {
                "properties": {name: {"type": "string", "minLength": 1} for name in NAMES},
                "required": NAMES,
                "additionalProperties": False,
            },
            dict.fromkeys(NAMES, "x" * 2_000),
        ),
        ({"properties": {"v": {"uniqueItems": True}}}, {"v": [f"s{n}" for n in range(200_000)]}),
        ({"properties": {"v": {"uniqueItems": True}}}, {"v": EMBEDDING}),
        ({"properties": {"v": {"uniqueItems": True}}}, {"v": [2**62 + n for n in range(1_000)]}),
        (TREE, {"l": {"l": {"l": {"n": 1}}}, "v": ["x"] * 50_000}),
    ],
)
def test_what_is_usual_is_checked_whatever_its_size(rules: Any, example: Any) -> None:
    assert schema(rules).fault(json.dumps(example)) is None


FRACTIONS = st.decimals(allow_nan=False, allow_infinity=False).filter(
    lambda value: value % 1 != 0 if abs(value.adjusted()) < 28 else value.adjusted() < 0
)


@given(
    st.one_of(
        st.tuples(st.integers(-(10**30), 10**30), st.integers(-(10**30), 10**30)),
        st.tuples(st.integers(1 - 2**63, 2**63 - 1), FRACTIONS),
        st.tuples(FRACTIONS, st.integers(1 - 2**63, 2**63 - 1)),
        st.tuples(FRACTIONS, FRACTIONS),
    ),
    st.sampled_from(["{}", "{}.0"]),
)
def test_limits_are_exact_but_of_a_fraction_and_a_huge_number(pair: Any, form: str) -> None:
    one, limit = pair
    text = form.format(one) if isinstance(one, int) else str(one)
    for word, expected in (
        ("maximum", one <= limit),
        ("minimum", one >= limit),
        ("exclusiveMaximum", one < limit),
        ("exclusiveMinimum", one > limit),
    ):
        found = schema(f'{{"properties":{{"v":{{"{word}":{limit}}}}}}}')
        assert (found.fault(f'{{"v":{text}}}') is None) == expected


@given(st.integers(-(10**30), 10**30), st.integers(1, 10**20), st.sampled_from(["{}", "{}.0"]))
def test_whole_multiples_are_exact(one: int, of: int, form: str) -> None:
    rules = schema(f'{{"properties":{{"v":{{"multipleOf":{form.format(of)}}}}}}}')
    for value in (one, one * of):
        assert (rules.fault(f'{{"v":{form.format(value)}}}') is None) == (value % of == 0)


NUMBERS = st.one_of(
    st.integers(-(10**30), 10**30).map(str),
    st.decimals(allow_nan=False, allow_infinity=False).map(lambda d: f"{d:e}"),
)


@given(NUMBERS, NUMBERS)
def test_numbers_are_compared_as_decimals_are(one: str, other: str) -> None:
    below, equal = Decimal(one) <= Decimal(other), Decimal(one) == Decimal(other)
    body = f'{{"v":{one}}}'
    for word, expected in (("maximum", below), ("const", equal)):
        found = schema(f'{{"properties":{{"v":{{"{word}":{other}}}}}}}').fault(body)
        assert (found is None) == expected


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from(["", "a", "ab", "é"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=8,
)
TYPES = ["object", "array", "string", "integer", "number", "boolean", "null"]
RULES = st.recursive(
    st.one_of(
        st.fixed_dictionaries({"type": st.sampled_from(TYPES)}),
        st.fixed_dictionaries({"enum": st.lists(JSON, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"minLength": st.integers(0, 2)}),
        st.fixed_dictionaries({"required": st.lists(st.sampled_from("abc"), unique=True)}),
        st.fixed_dictionaries({"pattern": st.sampled_from(["^a", "b$", "^$"])}),
        st.booleans(),
    ),
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "properties": st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
            "additionalProperties": inner,
            "unevaluatedProperties": inner,
            "items": inner,
            "contains": inner,
            "anyOf": st.lists(inner, min_size=1, max_size=2),
            "oneOf": st.lists(inner, min_size=1, max_size=2),
            "not": inner,
            "if": inner,
            "then": inner,
        },
    ),
    max_leaves=8,
)


@given(
    RULES.filter(lambda one: isinstance(one, dict)), st.dictionaries(st.sampled_from("abc"), JSON)
)
def test_the_verdict_is_that_of_the_library(rules: Any, example: Any) -> None:
    assume(json.dumps(rules).count("unevaluated") < 3)  # else it costs too much
    ours = schema(rules)
    body = json.dumps(example)
    expected = jsonschema_rs.Draft202012Validator(rules).is_valid(example)
    assert (ours.fault(body) is None) == (ours.faults(body) == []) == expected


@given(JSON)
def test_values_are_read_as_json_is(value: Any) -> None:
    assert values.decode(json.dumps(value)) == value
    text = f"[{HUGE},{json.dumps(value)}]"
    assert values.decode(text)[1] == value
