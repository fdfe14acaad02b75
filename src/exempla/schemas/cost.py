"""What it costs to look at an example with a schema, told before it is done.

The library that looks holds the process until it is done, so nothing is begun that may take long.
The cost is a sum of products: what the example has (`Size`) by what the schema does with each of
that (`Cost`), in steps of about 25 ns. The weights were measured, the dearest case of each kind.
"""

from __future__ import annotations

import re
from decimal import Decimal
from itertools import chain
from typing import Any, NamedTuple

from exempla.schemas.values import PLAIN

Node = dict[str, Any]
"""A subschema that is an object; `true` and `false` cost nothing."""

_LIMITS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_VALUES_PER_LOOK = 16
"""So many plain values of an `enum`, or names of a `required`, cost as much as a subschema."""

_CONTAINER = 4
"""Steps to compare with a member of an object or an array in `enum` or `const`."""

_FLOAT = 4
_EXACTLY = 64
"""Steps to compare a fraction, and to do it in `enum` and `const`."""

_PATTERN = 2
"""Steps to begin with a pattern."""

_POSITIONS_PER_STEP = 2
_FEW_POSITIONS = 12
"""Of more the automaton may be too large, and the library tries them one by one."""
_STEPS_PER_POSITION = 3
_MAX_POSITIONS = 10_000
"""The size of a pattern has a limit."""

_TOKENS = re.compile(r"(\\.|\[(?:\\.|[^\]])*\]|\{(\d+),?(\d*)\}|.)", re.DOTALL)
_VERBOSE = re.compile(r"\(\?[a-zA-Z-]*x")
"""White space and comments may stand anywhere in such a pattern."""

_FORMAT = 2
"""Steps for a character of a string with a `format`."""

_FEW_ITEMS = 16
"""Up to so many items `uniqueItems` compares each with each."""


class Size(NamedTuple):
    """What there is in an example to look at."""

    values: int
    """Values at any depth, and names of members."""
    objects: int
    numbers: int
    """The weights of its numbers."""
    fractions: int
    """The same, where they are not plain whole numbers, as they weigh in `enum` and `const`."""
    characters: int
    """Of all strings and names."""
    pairs: int
    """Steps to compare all that holds a number that is not plain with each other.

    The library compares items whose hashes are equal, and hashes numbers as floats.
    """


class Cost(NamedTuple):
    """What a schema does with a value of an example, and with all that it lies in."""

    looks: int
    """Subschemas that look at it."""
    alternatives: int
    """Those of `anyOf` and `oneOf`: of each an error is made, with a copy of the value."""
    values: int
    """Steps for any value."""
    objects: int
    """Names that an object is asked for."""
    numbers: int
    """Comparisons with a number."""
    fractions: int
    """Numbers in `enum` and `const`, with which all but plain whole numbers are compared."""
    characters: int
    """Steps for a character."""
    pairs: int
    """`uniqueItems` that look at it."""

    def plus(self, other: Cost) -> Cost:
        """Return the cost of both."""
        return Cost(*[one + more for one, more in zip(self, other, strict=True)])

    def times(self, factor: int) -> Cost:
        """Return the cost of so many of it."""
        return Cost(*[one * factor for one in self])

    def steps(self, size: Size) -> int:
        """Return the steps that an example of this size takes at most."""
        return sum(one * count for one, count in zip(self[2:], size, strict=True))


NOTHING = Cost(0, 0, 0, 0, 0, 0, 0, 0)


def of_node(node: Node) -> Cost:
    """Return what a subschema does itself, without those in it."""
    limits = [node[word] for word in _LIMITS if word in node]
    compared = [node["const"]] if "const" in node else []
    enum, required = _list(node.get("enum")), _list(node.get("required"))
    table = _is_table(enum)
    compared += [] if table else enum
    dependent = members_of(node, "dependentRequired") | members_of(node, "dependencies")
    patterns = [node["pattern"]] if isinstance(node.get("pattern"), str) else []
    patterns += members_of(node, "patternProperties")
    unique = bool(node.get("uniqueItems"))
    return Cost(
        looks=1 + (len(enum) + len(required)) // _VALUES_PER_LOOK,
        alternatives=sum(len(_list(node.get(word))) for word in ("anyOf", "oneOf")),
        values=len(node)
        + sum(map(_compared, compared))
        + sum(map(_limit, _numbers(limits + compared)))
        + len(patterns) * _PATTERN
        + unique * _FEW_ITEMS,
        objects=len(required) + sum(1 + len(_list(names)) for names in dependent.values()),
        numbers=len(_numbers(limits + compared)) + ("multipleOf" in node),
        fractions=len(_numbers([*compared, *enum])),
        characters=sum(map(_characters, patterns)) + ("format" in node) * _FORMAT,
        pairs=int(unique),
    )


def _is_table(enum: list[Any]) -> bool:
    """Tell whether all are strings, or all plain whole numbers: the library makes a table.

    It leaves the table aside for what is no whole number, and compares that with each.
    """
    return all(type(one) is str for one in enum) or all(
        type(one) is int and abs(one) <= PLAIN for one in enum
    )


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def members_of(node: Node, word: str) -> Node:
    """Return the object that a word of a subschema has; an empty one if it has none."""
    found = node.get(word)
    return found if isinstance(found, dict) else {}


def _members(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else _list(value)


def _compared(value: Any) -> int:
    return _count(value) * _CONTAINER if isinstance(value, dict | list) else 1


def _count(value: Any) -> int:
    """Return how many values and names there are in a value, itself too."""
    count, waiting = 0, [value]
    while waiting:
        members = _members(one := waiting.pop())
        count += 1 + len(members) * isinstance(one, dict)
        waiting += members
    return count


def _numbers(values: list[Any]) -> list[int | float | Decimal]:
    """Return the numbers in parts of a schema."""
    found, waiting = [], list(values)
    while waiting:
        one = waiting.pop()
        waiting += _members(one)
        if isinstance(one, int | float | Decimal) and not isinstance(one, bool):
            found.append(one)
    return found


def _limit(number: float | Decimal) -> int:
    if type(number) is int and abs(number) < 2**63:
        return 1 if abs(number) <= PLAIN else 16
    return 76 if type(number) is float else 48 + _weight(number)


def _weight(number: float | Decimal) -> int:
    """Return the steps to compare a number with one that weighs nothing.

    The library writes what is neither a float nor a whole number of 64 bits as text, makes a
    fraction of it, and multiplies that: by the square of its digits.
    """
    if type(number) is int:
        if abs(number) < 2**63:
            return 1 if abs(number) <= PLAIN else 4
        digits = number.bit_length() // 3
    elif isinstance(number, Decimal):
        _, shown, exponent = number.as_tuple()
        digits = len(shown)
        if abs(int(exponent)) <= _MAX_EXPONENT:
            digits += abs(int(exponent))
    else:
        return _FLOAT
    return 48 + digits * 3 // 2 + digits * digits // 512


_MAX_EXPONENT = 20_000
"""Of a number beyond that the library only takes note that it is huge, or tiny."""


def _characters(pattern: str) -> int:
    """Return the steps for a character, which may be tried at every position of a pattern."""
    if _VERBOSE.search(pattern):
        return _MAX_POSITIONS * _STEPS_PER_POSITION
    outer: list[int] = []
    total = last = 0
    for part, least, most in _TOKENS.findall(pattern):
        if part == "(":
            outer.append(total)
            total = 0
        elif part == ")":
            last, total = total, total + (outer.pop() if outer else 0)
        elif least:
            more = last * (max(int(least), int(most or 0)) - 1)
            last, total = last + more, total + more
        else:
            last, total = 1, total + 1
    positions = min(total + sum(outer), _MAX_POSITIONS)
    if positions > _FEW_POSITIONS:
        return positions * _STEPS_PER_POSITION
    return 1 + positions // _POSITIONS_PER_STEP


def size(example: Any) -> Size:
    """Return what there is in an example, as `values.decode` gives it."""
    values = objects = numbers = fractions = characters = heavy = 0
    level: list[Any] = [example]
    while level:
        values += len(level)
        deeper: list[Any] = []
        for kind in set(map(type, level)):
            some: list[Any] = [one for one in level if type(one) is kind]
            if kind is str:
                characters += sum(map(len, some))
            elif kind is list:
                deeper += chain.from_iterable(some)
            elif kind is dict:
                objects += len(some)
                values += sum(map(len, some))
                characters += sum(map(len, chain.from_iterable(some)))
                deeper += chain.from_iterable(one.values() for one in some)
            elif kind is float:
                numbers += _FLOAT * len(some)
                fractions += _EXACTLY * len(some)
            elif kind is int and min(some) >= -PLAIN and max(some) <= PLAIN:
                numbers += len(some)
            elif kind is int or kind is Decimal:
                weights = [weight for weight in map(_weight, some) if weight > 1]
                numbers += sum(weights) + len(some) - len(weights)
                fractions += sum(weights) + _EXACTLY * len(weights)
                heavy += len(weights)
        level = deeper
    pairs = heavy * (2 * values + numbers + characters // 64)
    return Size(values, objects, numbers, fractions, characters, pairs)
