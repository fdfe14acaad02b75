"""What a match of a filter must at least be, in SQL, so that a database can skip most others.

The SQL may hold for more examples than the filter: `evaluate` decides. It must hold for every
match. For `NOT` that takes a second kind of SQL, *sure*: it holds only where a condition does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from exempla.filters.expressions import And, Compare, Condition, In, IsNull, Like, Not, Or

Simple = Compare | In | Like | IsNull

Narrow = Callable[[Simple, bool], str]
"""Returns SQL that holds wherever the condition does, or if sure is asked for only where it does.

It is "" if that cannot be said: the condition may hold anywhere, or is sure nowhere.
"""

MAX_DEPTH = 10
"""Levels of AND, OR and NOT in the SQL; SQLite's parser can have some 100 open ends at once."""


class Values(dict[str, object]):
    """The values of the SQL by the names of their placeholders: all that comes from the filter."""

    def bind(self, value: object) -> str:
        """Take a value, and return its placeholder."""
        name = f"narrow_{len(self)}"
        self[name] = value
        return f":{name}"


def narrowed(condition: Condition, narrow: Narrow, *, sure: bool = False, depth: int = 0) -> str:
    """Return the SQL of a condition, as a `Narrow` does that of its simple ones."""
    if isinstance(condition, Not):
        inner = narrowed(condition.condition, narrow, sure=not sure, depth=depth + 1)
        return f"({inner} IS NOT TRUE)" if inner else ""
    if not isinstance(condition, And | Or):
        return narrow(condition, sure)
    if depth > MAX_DEPTH:
        return ""
    parts = [narrowed(one, narrow, sure=sure, depth=depth + 1) for one in condition.conditions]
    # What is unknown beside AND may hold, and beside OR need not: the rest tells as much.
    if not all(parts) and isinstance(condition, And) == sure:
        return ""
    return joined(" AND " if isinstance(condition, And) else " OR ", parts)


def joined(word: str, parts: Sequence[str]) -> str:
    """Join the conditions that are known; "" if none is."""
    known = [part for part in parts if part]
    return f"({word.join(known)})" if known else ""
