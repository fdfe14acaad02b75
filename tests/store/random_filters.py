"""Random examples and random filters, each with a plain function that decides what it means."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import strategies as st

Plain = Callable[[str, dict[str, Any]], bool]
_ABSENT = object()


@dataclass(frozen=True)
class Case:
    """A filter: how it is written, and a plain function that decides."""

    text: str
    decide: Plain


NAMES = ["a", "b", 'quo"te', "back\\slash", "é", "\U0001f600", "\0", "", "tab\t", "a.b", "$", "id "]
NAMES += ["a/b", "a*"]
STRINGS = [
    "",
    "a",
    "A",
    "ab",
    "abc",
    "a%",
    "é",
    "\U0001f600",
    "\uffff",
    "a\0",
    "a\0b",
    "\0",
    "it's",
]
STRINGS += ["1", "true", "null", '"', "\\", "x" * 50, "a/b", "[a]*?", "]", "x" * 600]
STRINGS += ["{}", '{"a": 1}', "[1]", "\ufffd", "\ufffe", "Aa"]
NUMBERS = ["0", "-0", "0.0", "1", "1.0", "10e-1", "-1", "0.1", "0.10000000000000001", "2", "1e400"]
NUMBERS += ["-1e400", "1e-400", "9007199254740993", "9007199254740992", "9223372036854775807"]
NUMBERS += ["9223372036854775808", "-9223372036854775809", "1" + "0" * 400, "9" * 40, "1e308"]
NUMBERS += [
    "1e999999999",
    "-1e999999999",
    "1e-999999999",
    "1.7976931348623157e308",
    "1.7976931348623159e308",
    "5e-324",
    "1E+2",
    "100",
]

name = st.sampled_from(NAMES)
string = st.sampled_from(STRINGS)
number = st.sampled_from(NUMBERS)
few = st.sampled_from(["a", "b", "a/b"])  # names that meet often


def written_as(text: str, escaped: bool) -> str:
    return json.dumps(text) if escaped else msgspec.json.encode(text).decode()


def _all_escaped(text: str) -> str:
    units = text.encode("utf-16-be").hex()
    return '"' + "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4)) + '"'


def written_in_all_ways(text: str) -> list[str]:
    """Write a string as JSON: plainly, and with escapes of each kind."""
    plain = written_as(text, escaped=False)
    return [plain, written_as(text, escaped=True), plain.replace("/", "\\/"), _all_escaped(text)]


def _members(pairs: list[tuple[str, str]]) -> str:
    return "{" + ", ".join(f"{name}: {value}" for name, value in pairs) + "}"


def written(texts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return texts.flatmap(lambda text: st.sampled_from(written_in_all_ways(text)))


scalar = written(string) | number | st.sampled_from(["true", "false", "null"])
value = st.recursive(
    scalar,
    lambda inner: (
        st.lists(inner, max_size=2).map(lambda items: "[" + ",".join(items) + "]")
        | st.lists(st.tuples(written(name), inner), max_size=3).map(
            _members
        )  # also with a name twice
    ),
    max_leaves=4,
)
deep = st.lists(st.tuples(written(few), scalar), max_size=3).map(_members)
deeper = st.lists(st.tuples(written(few), scalar | deep), max_size=3).map(_members)
body = st.dictionaries(name, value, min_size=1, max_size=4) | st.dictionaries(
    few, value | deep | deeper, min_size=1, max_size=3
)

literal = (
    string.map(lambda s: ("'" + s.replace("'", "''") + "'", s))
    | number.map(lambda n: (n, Decimal(n)))
    | st.sampled_from([("TRUE", True), ("false", False)])
)
path = st.lists(name, min_size=1, max_size=2) | st.lists(few, min_size=1, max_size=3)


def quoted(text: str, quote: str) -> str:
    return quote + text.replace(quote, quote * 2) + quote


def _get(path: list[str], body: dict[str, Any]) -> Any:
    at: Any = body
    for step in path:
        at = at.get(step, _ABSENT) if isinstance(at, dict) else _ABSENT
    return at


def same_type(left: Any, right: Any) -> bool:
    return any(isinstance(left, kind) and isinstance(right, kind) for kind in (str, Decimal, bool))


OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: bool(a == b),
    "!=": lambda a, b: bool(a != b),
    "<>": lambda a, b: bool(a != b),
    "<": lambda a, b: bool(a < b),
    "<=": lambda a, b: bool(a <= b),
    ">": lambda a, b: bool(a > b),
    ">=": lambda a, b: bool(a >= b),
}


@st.composite
def simple(draw: st.DrawFn) -> Case:
    steps = draw(path)
    written = ".".join(quoted(step, draw(st.sampled_from('"`'))) for step in steps)
    kind = draw(st.sampled_from(["compare", "compare", "turned", "in", "like", "null", "between"]))
    get: Callable[[dict[str, Any]], Any] = lambda body: _get(steps, body)  # noqa: E731
    if kind in ("compare", "turned"):
        text, wanted = draw(literal)
        known = ["=", "!=", "<>"] if isinstance(wanted, bool) else sorted(OPERATORS)
        sign = draw(st.sampled_from(known))
        compare = OPERATORS[sign]
        if kind == "turned":
            return Case(
                f"{text} {sign} {written}",
                lambda id, body: same_type(get(body), wanted) and compare(wanted, get(body)),
            )
        return Case(
            f"{written} {sign} {text}",
            lambda id, body: same_type(get(body), wanted) and compare(get(body), wanted),
        )
    not_, negated = draw(st.sampled_from([("", False), ("NOT ", True)]))
    if kind == "in":
        items = draw(st.lists(literal, min_size=1, max_size=4))
        return Case(
            f"{written} {not_}IN ({', '.join(text for text, _ in items)})",
            lambda id, body: (
                any(same_type(get(body), w) and get(body) == w for _, w in items) != negated
            ),
        )
    if kind == "like":
        pattern = draw(st.text("ab%_\0é", max_size=4))
        regex = re.compile(
            "".join({"%": ".*", "_": "."}.get(c, re.escape(c)) for c in pattern), re.DOTALL
        )
        return Case(
            f"{written} {not_}LIKE '{pattern}'",
            lambda id, body: (
                (isinstance(get(body), str) and bool(regex.fullmatch(get(body)))) != negated
            ),
        )
    if kind == "between":
        low, high = draw(number), draw(number)
        return Case(
            f"{written} {not_}BETWEEN {low} AND {high}",
            lambda id, body: (
                (isinstance(get(body), Decimal) and Decimal(low) <= get(body) <= Decimal(high))
                != negated
            ),
        )
    return Case(
        f"{written} IS {not_}NULL",
        lambda id, body: (get(body) is None or get(body) is _ABSENT) != negated,
    )


def _together(parts: list[Case], join: str) -> Case:
    how = all if join == "AND" else any
    text = f" {join} ".join(f"({part.text})" for part in parts)
    return Case(text, lambda id, body: how([part.decide(id, body) for part in parts]))


case = st.recursive(
    simple(),
    lambda inner: (
        st.builds(
            _together, st.lists(inner, min_size=2, max_size=3), st.sampled_from(["AND", "OR"])
        )
        | inner.map(lambda c: Case(f"NOT ({c.text})", lambda id, body: not c.decide(id, body)))
    ),
    max_leaves=4,
)
