r"""What PostgreSQL can tell of a filter (see `narrow.py`).

Its JSON types refuse some of the JSON that examples may hold, such as `\u0000` or numbers of a
great exponent. So of fields only strings are looked for, as text, anywhere in the body. One may
be written with escapes: a body that has any `\u` may match, and the characters that can be
escaped otherwise are not looked for.

Annotations have columns of their own, of which it can tell all.
"""

from __future__ import annotations

import re
from decimal import Decimal

from exempla.filters.expressions import (
    AnnotationPart,
    Compare,
    Field,
    Filter,
    In,
    IsNull,
    Like,
    Value,
)
from exempla.filters.narrow import Simple, Values, joined, narrowed

MAX_TERMS = 50
"""Comparisons in the SQL."""

MAX_SOUGHT = 4
"""Strings of one condition that are looked for; each takes as long as to read the body."""

MAX_LENGTH = 100
"""Characters of one of them that are looked for."""

MAX_EXPONENT = 1_000
"""Of a number that is compared; PostgreSQL knows none much larger than 10^131,000."""

_OFTEN_ESCAPED = re.compile(r'[\x00-\x1f"\\/]')
_LIKE_SPECIAL = re.compile("[%_]")
_ESCAPED = r"\\\g<0>"


def narrow_postgres(filter: Filter) -> tuple[str, dict[str, object]]:
    """Return a condition over `r`, and its values; "" if every example may match.

    `r` is a row of `revisions`. All that comes from the filter is in the values.
    """
    narrowing = _Narrowing()
    return narrowed(filter.condition, narrowing.simple), narrowing.values


class _Narrowing:
    def __init__(self) -> None:
        self.values = Values()
        self._bind = self.values.bind
        self._terms = 0

    def simple(self, condition: Simple, sure: bool) -> str:
        """Return the SQL of a condition; see `Narrow`."""
        self._terms += 1
        if self._terms > MAX_TERMS:
            return ""
        if isinstance(condition.operand, AnnotationPart):
            return self._annotation(condition, condition.operand)
        return "" if sure else self._strings(condition)

    def _annotation(self, condition: Simple, operand: AnnotationPart) -> str:
        """Return where the condition holds, which is sure; "" for what PostgreSQL cannot hold."""
        if "\0" in operand.name:
            return ""
        part = "CAST(a.score AS numeric)" if operand.part == "score" else f"a.{operand.part}"
        if isinstance(condition, IsNull):
            return f"NOT {self._exists(operand, f'{part} IS NOT NULL')}"
        if isinstance(condition, Like):
            if operand.part == "score" or "\0" in condition.pattern:
                return ""
            pattern = condition.pattern.replace("\\", r"\\")
            return self._exists(operand, f"{part} LIKE {self._bind(pattern)}")
        values = condition.values if isinstance(condition, In) else (condition.value,)
        operator = condition.operator if isinstance(condition, Compare) else "="
        kind = Decimal if operand.part == "score" else str
        if len(values) > MAX_TERMS or not all(isinstance(v, kind) and _can_bind(v) for v in values):
            return ""
        by_code_points = "" if kind is Decimal else ' COLLATE "C"'
        compared = [f"{part} {operator} {self._bind(value)}{by_code_points}" for value in values]
        return self._exists(operand, joined(" OR ", compared))

    def _exists(self, operand: AnnotationPart, condition: str) -> str:
        return (
            "EXISTS (SELECT 1 FROM annotations AS a WHERE a.dataset_id = r.dataset_id "  # noqa: S608
            f"AND a.ordinal = r.ordinal AND a.name = {self._bind(operand.name)} AND {condition})"
        )

    def _strings(self, condition: Simple) -> str:
        """Return where a string is that a match must have."""
        sought = _sought(condition)
        if not all(sought) or not 1 <= len(sought) <= MAX_SOUGHT:
            return ""
        patterns = [f"%{_LIKE_SPECIAL.sub(_ESCAPED, text[:MAX_LENGTH])}%" for text in sought]
        found = [f"r.body LIKE {self._bind(pattern)}" for pattern in [*patterns, r"%\\u%"]]
        return joined(" OR ", found)


def _can_bind(value: Value) -> bool:
    if isinstance(value, Decimal):
        return value.is_finite() and (not value or abs(value.adjusted()) < MAX_EXPONENT)
    return isinstance(value, str) and "\0" not in value


def _sought(condition: Simple) -> list[str]:
    r"""Return the strings one of which a match must have; none, or an empty one, if any may match.

    Of a longer string it is the longest part that JSON writes as it is, or with `\u`.
    """
    if not isinstance(condition.operand, Field):
        return []
    if isinstance(condition, Like):
        return [max(map(_plain, re.split("[%_]", condition.pattern)), key=len)]
    if isinstance(condition, In):
        return [_whole(value) for value in condition.values]
    if isinstance(condition, Compare) and condition.operator == "=":
        return [_whole(condition.value)]
    return []


def _whole(value: Value) -> str:
    if not isinstance(value, str):
        return ""
    return _plain(value) if _OFTEN_ESCAPED.search(value) else f'"{value}"'


def _plain(text: str) -> str:
    return max(_OFTEN_ESCAPED.split(text), key=len)
