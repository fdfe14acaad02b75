"""What a match of a filter must at least be, as SQL for SQLite.

The condition may hold for more examples than the filter: `evaluate` decides. It must hold for
every match, so whatever SQLite might see otherwise is left out:

- SQLite compares doubles, which `_bounds` allows for.
- Of a repeated name it may take the first one; a stored example has none among its own fields,
  but may have some deeper, so that paths are not narrowed.
- Some releases do not find names that are written with escapes, and cut a string at U+0000. The
    cut leaves the start of a string, which is less than the whole by its first character or equal
  to a string without U+0000: `<=` and `>=` still hold where `<` and `>` do.
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

_ERROR = 1e-9
"""Far more than SQLite's relative error in reading a number."""

_LARGE, _SMALL = 1e300, 1e-300
"""SQLite's doubles are infinite, or zero, only beyond these."""

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
        if isinstance(condition, Not):
            return self._not(condition)
        if isinstance(condition, IsNull):
            return ""
        self._terms += 1
        subject = self._subject(condition.operand) if self._terms <= MAX_TERMS else ""
        if not subject:
            return ""
        if isinstance(condition, Compare):
            return self._compare(subject, condition.operator, condition.value)
        if isinstance(condition, In):
            return self._in(subject, condition)
        return self._like(subject, condition)

    def _subject(self, operand: Operand) -> str:
        """Return SQL for what the operand is, or "" where SQLite might see something else."""
        if isinstance(operand, ExampleId):
            return "e.id"
        if isinstance(operand, Field) and len(operand.path) == 1:
            quoted = msgspec.json.encode(operand.path[0]).decode()
            if operand.path[0] and quoted[1:-1] == operand.path[0]:  # written without escapes
                return f"json_extract(r.body, {self._bind('$.' + quoted)})"
        return ""

    def _not(self, condition: Not) -> str:
        if isinstance(condition.condition, IsNull):
            subject = self._subject(condition.condition.operand)
            return f"{subject} IS NOT NULL" if subject else ""
        return ""

    def _compare(self, subject: str, operator: Operator, value: Value) -> str:
        if isinstance(value, bool):
            return f"{subject} = {self._bind(value == (operator == '='))}"
        if operator == "!=":
            return ""
        if isinstance(value, str):
            return f"{subject} {_TEXT_ORDER[operator]} {self._bind(value)}" if _safe(value) else ""
        low, high = _bounds(value)
        at_least = f"{subject} >= {self._bind(low)}" if operator in ("=", ">", ">=") else ""
        at_most = f"{subject} <= {self._bind(high)}" if operator in ("=", "<", "<=") else ""
        return _all([at_least, at_most])

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
