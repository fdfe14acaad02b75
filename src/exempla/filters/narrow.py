r"""What a match of a filter must at least be, as SQL for SQLite.

The condition may hold for more examples than the filter: `evaluate` decides. It must hold for
every match, so whatever SQLite might see otherwise is left out:

- SQLite compares doubles, which `_bounds` allows for.
- Of a repeated name it may take the first one; a stored example has none among its own fields,
  but may have some deeper. So of a path, only strings are looked for, anywhere in the body.
- A string may be written with escapes: a body that has any `\u` is left to `evaluate`, and the
  characters that can be escaped otherwise are not looked for.
- Some releases do not find names that are written with escapes.
- Some releases cut a string at U+0000. What is left is less than the whole, or equal to what the
  whole is greater than, so that `<=` and `>=` hold where `<` and `>` do.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from decimal import Decimal

import msgspec

from exempla.filters.expressions import (
    And,
    Compare,
    Condition,
    ExampleId,
    Field,
    Filter,
    In,
    IsNull,
    Like,
    Not,
    Operand,
    Operator,
    Or,
    Value,
)

MAX_TERMS = 200
"""Comparisons in the SQL; SQLite allows some 1,000 levels of an expression."""

MAX_PIECES = 4
"""Strings of one IN that are looked for in the whole text of a body."""

MAX_PIECE = 500
"""Characters of such a string; SQLite takes patterns of 50,000 bytes."""

_OFTEN_ESCAPED = re.compile(r'[\x00-\x1f"\\/]')
_GLOB_SPECIAL = re.compile(r"[*?\[]")
_HAS_ESCAPED_CHARACTERS = r"r.body GLOB '*\u*'"

_ERROR = 1e-9
"""Far more than SQLite's relative error in reading a number."""

_LARGE, _SMALL = 1e300, 1e-300
"""SQLite's doubles are infinite, or zero, only beyond these."""

_MAX_INTEGER = 2**63 - 1

_TEXT_ORDER = {"=": "=", "<": "<=", "<=": "<=", ">": ">=", ">=": ">="}


def narrow(filter: Filter) -> tuple[str, dict[str, object]]:
    """Return a condition over `r.body` and `e.id`, and its values; "" if every example may match.

    All that comes from the filter is in the values.
    """
    narrowing = _Narrowing()
    return narrowing.condition(filter.condition), narrowing.values


class _Narrowing:
    def __init__(self) -> None:
        self.values: dict[str, object] = {}
        self._terms = 0

    def condition(self, condition: Condition) -> str:
        """Return SQL that holds wherever the condition does; "" for what always holds."""
        if isinstance(condition, And):
            return _all(self.condition(part) for part in condition.conditions)
        if isinstance(condition, Or):
            return _any(self.condition(part) for part in condition.conditions)
        if isinstance(condition, Not | IsNull):
            return ""
        self._terms += 1
        if self._terms > MAX_TERMS:
            return ""
        return self._by_value(condition) or self._by_text(condition)

    def _by_value(self, condition: Compare | In | Like) -> str:
        subject = self._subject(condition.operand)
        if not subject:
            return ""
        if isinstance(condition, Compare):
            return self._compare(subject, condition.operator, condition.value)
        if isinstance(condition, In):
            return self._in(subject, condition)
        return self._like(subject, condition)

    def _by_text(self, condition: Compare | In | Like) -> str:
        """Return SQL that looks for strings anywhere in the text of the body."""
        if not isinstance(condition.operand, Field):
            return ""
        if isinstance(condition, Like):
            pieces = [max((_piece(part) for part in re.split("[%_]", condition.pattern)), key=len)]
        elif isinstance(condition, In):
            pieces = [_piece(value, whole=True) for value in condition.values]
        else:
            pieces = [_piece(condition.value, whole=True)] if condition.operator == "=" else []
        if not (all(pieces) and 1 <= len(pieces) <= MAX_PIECES):
            return ""
        patterns = ["*" + _GLOB_SPECIAL.sub(r"[\g<0>]", piece) + "*" for piece in pieces]
        found = [f"r.body GLOB {self._bind(pattern)}" for pattern in patterns]
        return _any([*found, _HAS_ESCAPED_CHARACTERS])

    def _subject(self, operand: Operand) -> str:
        """Return SQL for what the operand is, or "" where SQLite might see something else."""
        if isinstance(operand, ExampleId):
            return "e.id"
        if isinstance(operand, Field) and len(operand.path) == 1:
            quoted = msgspec.json.encode(operand.path[0]).decode()
            if operand.path[0] and quoted[1:-1] == operand.path[0]:  # written without escapes
                return f"json_extract(r.body, {self._bind('$.' + quoted)})"
        return ""

    def _compare(self, subject: str, operator: Operator, value: Value) -> str:
        if isinstance(value, bool):
            return f"{subject} = {self._bind(value == (operator == '='))}"
        if operator == "!=":
            return ""
        if isinstance(value, str):
            return f"{subject} {_TEXT_ORDER[operator]} {self._bind(value)}" if _safe(value) else ""
        return self._compare_number(subject, operator, value)

    def _compare_number(self, subject: str, operator: Operator, value: Decimal) -> str:
        low, high = _bounds(value)
        at_least = f"{subject} >= {self._bind(low)}" if operator in ("=", ">", ">=") else ""
        at_most = f"{subject} <= {self._bind(high)}" if operator in ("=", "<", "<=") else ""
        about = _all([at_least, at_most])
        if abs(value) > _MAX_INTEGER or value != int(value):
            return about
        # SQLite compares integers with integers exactly.
        exactly = f"{subject} {operator} {self._bind(int(value))}"
        return f"({exactly} OR (typeof({subject}) <> 'integer' AND {about}))"

    def _in(self, subject: str, condition: In) -> str:
        texts = [value for value in condition.values if isinstance(value, str)]
        others = [value for value in condition.values if not isinstance(value, str)]
        self._terms += len(others)
        if not all(map(_safe, texts)) or self._terms > MAX_TERMS:
            return ""
        parts = [self._compare(subject, "=", value) for value in others]
        if texts:
            given = self._bind(msgspec.json.encode(texts).decode())
            parts.append(f"{subject} IN (SELECT value FROM json_each({given}))")  # noqa: S608
        return _any(parts)

    def _like(self, subject: str, condition: Like) -> str:
        start = re.split("[%_]", condition.pattern, maxsplit=1)[0]
        if not start or not _safe(start):
            return ""
        return f"substr({subject}, 1, {self._bind(len(start))}) = {self._bind(start)}"

    def _bind(self, value: object) -> str:
        name = f"narrow_{len(self.values)}"
        self.values[name] = value
        return f":{name}"


def _safe(text: str) -> bool:
    return "\0" not in text


def _piece(value: Value, *, whole: bool = False) -> str:
    r"""Return what a body with this string has in its text, in quotes if it is a whole string.

    Of the value these are only characters that JSON writes as themselves, or with `\u`; "" if
    there are none, or the value is no string.
    """
    if not isinstance(value, str):
        return ""
    runs = _OFTEN_ESCAPED.split(value)
    if whole and len(runs) == 1 and len(value) <= MAX_PIECE:
        return f'"{value}"'
    return max(runs, key=len)[:MAX_PIECE]


def _bounds(number: Decimal) -> tuple[float, float]:
    """Return doubles below and above all that SQLite may take the number for."""
    nearest = float(number)
    clamped = max(-_LARGE, min(nearest, _LARGE))
    margin = abs(clamped) * _ERROR + _SMALL
    low = -math.inf if nearest <= -_LARGE else clamped - margin
    high = math.inf if nearest >= _LARGE else clamped + margin
    return low, high


def _all(parts: Iterable[str]) -> str:
    """Join conditions of which each must hold; "" always does."""
    parts = [part for part in parts if part]
    return f"({' AND '.join(parts)})" if parts else ""


def _any(parts: Iterable[str]) -> str:
    """Join conditions of which one must hold; "" always does."""
    parts = list(parts)
    return f"({' OR '.join(parts)})" if all(parts) else ""
