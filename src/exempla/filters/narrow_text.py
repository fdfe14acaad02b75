r"""What a match of a filter must have somewhere in its text, as SQL for PostgreSQL.

PostgreSQL's JSON types refuse some of the JSON that examples may hold, such as `\u0000` or numbers
of a great exponent. So only strings are looked for, as text, anywhere in the body. One may be
written with escapes: a body that has any `\u` may match, and the characters that can be escaped
otherwise are not looked for.

The SQL holds for every match and for more: `evaluate` decides.
"""

from __future__ import annotations

import re

from exempla.filters.expressions import And, Compare, Condition, Field, Filter, In, Like, Or, Value

MAX_SOUGHT = 8
"""Strings that are looked for; each takes as long as to read the body."""

MAX_LENGTH = 500
"""Characters of one of them that are looked for."""

_OFTEN_ESCAPED = re.compile(r'[\x00-\x1f"\\/]')

_LIKE_SPECIAL = re.compile("[%_]")
_ESCAPED = r"\\\g<0>"


def narrow_text(filter: Filter) -> tuple[str, dict[str, object]]:
    """Return a condition over `r.body`, and its values; "" if every example may match."""
    values: dict[str, object] = {"narrow_escape": r"%\\u%"}
    condition = _condition(filter.condition, values)
    return (condition, values) if len(values) <= 1 + MAX_SOUGHT else ("", {})


def _condition(condition: Condition, values: dict[str, object]) -> str:
    if isinstance(condition, And | Or):
        parts = [_condition(part, values) for part in condition.conditions]
        known = [part for part in parts if part]
        if isinstance(condition, And):
            return " AND ".join(known)
        return f"({' OR '.join(known)})" if len(known) == len(parts) else ""
    sought = _sought(condition)
    if not (sought and all(sought)):
        return ""
    names = [f"narrow_{len(values) + index}" for index in range(len(sought))]
    values |= {
        name: f"%{_LIKE_SPECIAL.sub(_ESCAPED, text[:MAX_LENGTH])}%"
        for name, text in zip(names, sought, strict=True)
    }
    return f"({' OR '.join(f'r.body LIKE :{name}' for name in [*names, 'narrow_escape'])})"


def _sought(condition: Condition) -> list[str]:
    r"""Return the strings one of which a match must have; none, or an empty one, if any may match.

    Of a longer string it is the longest part that JSON writes as it is, or with `\u`.
    """
    if not isinstance(condition, Compare | In | Like) or not isinstance(condition.operand, Field):
        return []
    if isinstance(condition, Like):
        return [max(map(_plain, re.split("[%_]", condition.pattern)), key=len)]
    if isinstance(condition, In):
        return [_whole(value) for value in condition.values]
    return [_whole(condition.value)] if condition.operator == "=" else []


def _whole(value: Value) -> str:
    if not isinstance(value, str):
        return ""
    return _plain(value) if _OFTEN_ESCAPED.search(value) else f'"{value}"'


def _plain(text: str) -> str:
    return max(_OFTEN_ESCAPED.split(text), key=len)
