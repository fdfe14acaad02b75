r"""What SQLite can tell of a filter (see `narrow.py`).

The SQL is made of what SQLite sees and of a *doubt*: where that may be something else than what
is there. A doubtful example may match, and does not surely. SQLite may see something else where

- a name on a path is written with escapes, or an object has it twice, of which it takes the first
  (a stored example's own fields are neither);
- a string has U+0000, at which some releases cut it.

It compares numbers as doubles, which `_bounds` allows for, and integers exactly.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

import msgspec

from exempla.filters.expressions import (
    AnnotationPart,
    Compare,
    ExampleId,
    Filter,
    In,
    IsNull,
    Operand,
    Operator,
    Value,
)
from exempla.filters.narrow import Simple, Values, joined, narrowed

MAX_TERMS = 50
"""Comparisons in the SQL; SQLite allows some 1,000 levels of an expression."""

MAX_INNER = 20
"""Names of a path below the first; each is looked for, and SQLite's expressions may be so deep."""

MAX_PATTERN = 100
"""Characters of a pattern; SQLite takes up to so many steps for each character of a string, and
does not look at the clock meanwhile."""

_GLOB_SPECIAL = re.compile(r"[*?\[]")
_ESCAPED = r"'*\u*'"
_HAS_NUL = r"(r.body GLOB '*\u0000*')"

_MISREAD = re.compile("[\0\ufffd-\uffff]")
"""In a pattern SQLite takes the first for its end, and the others for one another."""

_ERROR = 1e-9
"""Far more than SQLite's relative error in reading a number."""

_LARGE, _SMALL = 1e300, 1e-300
"""SQLite's doubles are infinite, or zero, only beyond these."""

_MAX_INTEGER = 2**63 - 1

_MAYBE: dict[Operator, str] = {
    "=": "{value} BETWEEN {low} AND {high}",
    "!=": "TRUE",
    "<": "{value} <= {high}",
    "<=": "{value} <= {high}",
    ">": "{value} >= {low}",
    ">=": "{value} >= {low}",
}
_SURELY: dict[Operator, str] = {
    "=": "FALSE",
    "!=": "{value} NOT BETWEEN {low} AND {high}",
    "<": "{value} < {low}",
    "<=": "{value} < {low}",
    ">": "{value} > {high}",
    ">=": "{value} > {high}",
}
"""How a double stands to a number that lies from `low` to `high`."""


def narrow_sqlite(filter: Filter) -> tuple[str, dict[str, object]]:
    """Return a condition over `r` and `e.id`, and its values; "" if every example may match.

    `r` is a row of `revisions`, `e` of `examples`. All that comes from the filter is in the values.
    """
    narrowing = _Narrowing()
    return narrowed(filter.condition, narrowing.simple), narrowing.values


class _Subject(NamedTuple):
    """What an operand is, in SQL."""

    value: str
    """A string, a number, or NULL; 0 or 1 for a boolean, text for an object or list."""
    type: str
    """The name of its JSON type."""
    doubt: str = ""
    """Holds where the operand may be something else; "" for nowhere."""
    text_doubt: str = ""
    """Holds where a string may be another one; "" for nowhere."""


class _Narrowing:
    def __init__(self) -> None:
        self.values = Values()
        self._bind = self.values.bind
        self._terms = 0

    def simple(self, condition: Simple, sure: bool) -> str:
        """Return the SQL of a condition; see `Narrow`."""
        self._terms += 1
        subject = self._subject(condition.operand)
        if subject is None or self._terms > MAX_TERMS:
            return ""
        if isinstance(condition, IsNull):
            return _settled(f"{subject.value} IS NULL", subject.doubt, sure)
        if isinstance(condition, Compare):
            return self._compare(subject, condition.operator, condition.value, sure)
        if isinstance(condition, In):
            return self._in(subject, condition, sure)
        return self._like(subject, condition.pattern, sure)

    def _subject(self, operand: Operand) -> _Subject | None:
        """Return the operand in SQL, or None where SQLite might not find it."""
        if isinstance(operand, ExampleId):
            return _Subject("e.id", "'text'")
        if isinstance(operand, AnnotationPart):
            return self._annotation(operand)
        quoted = [msgspec.json.encode(name).decode() for name in operand.path]
        if any(not name or f'"{name}"' != q for name, q in zip(operand.path, quoted, strict=True)):
            return None  # an empty name, or one that is written with escapes
        path = self._bind("$." + ".".join(quoted))
        value, type = f"json_extract(r.body, {path})", f"json_type(r.body, {path})"
        if len(quoted) == 1:
            return _Subject(value, type, text_doubt=_HAS_NUL)
        return self._inner(_Subject(value, type), quoted)

    def _inner(self, found: _Subject, quoted: Sequence[str]) -> _Subject | None:
        """Add where there is doubt about a path: first looked for in all of the body, quickly."""
        first, *inner = quoted
        if len(inner) > MAX_INNER or any("/" in name for name in inner):  # may be written as \/
            return None
        top = f"json_extract(r.body, {self._bind(f'$.{first}')})"
        twice = [self._bind(f"*{name}*{name}*") for name in map(_as_glob, inner)]
        patterns = [*twice, _ESCAPED]
        doubt = " AND ".join(
            joined(" OR ", [f"{text} GLOB {pattern}" for pattern in patterns])
            for text in ("r.body", top)
        )
        return found._replace(doubt=f"({doubt})", text_doubt=f"({doubt})")

    def _annotation(self, operand: AnnotationPart) -> _Subject:
        is_score = operand.part == "score"
        part = "CAST(a.score AS NUMERIC)" if is_score else f"a.{operand.part}"
        value = (
            f"(SELECT {part} FROM annotations AS a WHERE a.dataset_id = r.dataset_id "  # noqa: S608
            f"AND a.ordinal = r.ordinal AND a.name = {self._bind(operand.name)})"
        )
        return _Subject(value, "'real'" if is_score else "'text'")

    def _compare(self, subject: _Subject, operator: Operator, value: Value, sure: bool) -> str:
        if isinstance(value, bool):
            kind = "true" if value == (operator == "=") else "false"
            return _settled(f"{subject.type} = '{kind}'", subject.doubt, sure)
        if isinstance(value, str):
            return _text(subject, f"{subject.value} {operator} {self._bind(value)}", sure)
        return self._compare_number(subject, operator, value, sure)

    def _compare_number(
        self, subject: _Subject, operator: Operator, number: Decimal, sure: bool
    ) -> str:
        value = subject.value
        low, high = map(self._bind, _bounds(number))
        seen = (_SURELY if sure else _MAYBE)[operator].format(value=value, low=low, high=high)
        if -_MAX_INTEGER <= number <= _MAX_INTEGER and number == int(number):
            exactly = f"{value} {operator} {self._bind(int(number))}"
            if sure:
                seen = f"({seen} OR (typeof({value}) = 'integer' AND {exactly}))"
            else:
                seen = f"{seen} AND (typeof({value}) <> 'integer' OR {exactly})"
        return _settled(f"{seen} AND {subject.type} IN ('integer', 'real')", subject.doubt, sure)

    def _in(self, subject: _Subject, condition: In, sure: bool) -> str:
        # Strings with U+0000 are left out: where there is one, there is doubt.
        texts = [v for v in condition.values if isinstance(v, str) and "\0" not in v]
        others = [value for value in condition.values if not isinstance(value, str)]
        self._terms += len(others)
        if self._terms > MAX_TERMS:
            return ""
        given = self._bind(msgspec.json.encode(texts).decode())
        among = f"{subject.value} IN (SELECT value FROM json_each({given}))"  # noqa: S608
        parts = [self._compare(subject, "=", value, sure) for value in others]
        return joined(" OR ", [_text(subject, among, sure), *parts])

    def _like(self, subject: _Subject, pattern: str, sure: bool) -> str:
        if len(pattern) > MAX_PATTERN or _MISREAD.search(pattern):
            return ""
        glob = _as_glob(pattern).replace("%", "*").replace("_", "?")
        return _text(subject, f"{subject.value} GLOB {self._bind(glob)}", sure)


def _text(subject: _Subject, seen: str, sure: bool) -> str:
    return _settled(f"{seen} AND {subject.type} = 'text'", subject.text_doubt, sure)


def _settled(seen: str, doubt: str, sure: bool) -> str:
    """Return where the condition that SQLite sees surely holds, or where it may."""
    if not doubt:
        return f"({seen})"
    return f"({seen} AND {doubt} IS NOT TRUE)" if sure else f"({seen} OR {doubt})"


def _as_glob(text: str) -> str:
    return _GLOB_SPECIAL.sub(r"[\g<0>]", text)


def _bounds(number: Decimal) -> tuple[float, float]:
    """Return doubles below and above all that SQLite may take the number for."""
    nearest = float(number)
    clamped = max(-_LARGE, min(nearest, _LARGE))
    margin = abs(clamped) * _ERROR + _SMALL
    low = -math.inf if nearest <= -_LARGE else clamped - margin
    high = math.inf if nearest >= _LARGE else clamped + margin
    return low, high
