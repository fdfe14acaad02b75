"""Patterns of LIKE: `%` stands for any characters, `_` for exactly one, all else for itself.

Case counts, and there is no escape character. No pattern is slow: the work is in proportion to
the length of the string (times that of the pattern while the product is small, where it is done
by a regular expression that cannot backtrack).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from exempla.filters import deadline

CHECK_EVERY = 65_536
"""Characters of a long string that are looked through between two looks at the clock."""

SMALL = 1_000_000
"""Comparisons of characters, at most, for which a regular expression looks for a part."""

Finder = Callable[[str, int], int]
"""Gives the first place of something in a string from an index on, or -1."""


def compile(pattern: str) -> Callable[[str], bool]:
    """Return a function that tells whether the pattern describes a whole string."""
    first, *rest = pattern.split("%")
    starts = _starter(first)
    if not rest:
        return lambda text: len(text) == len(first) and starts(text, 0)
    *middle, last = rest
    ends = _starter(last)
    finders = [(_finder(part), len(part)) for part in middle if part]
    shortest = sum(map(len, (first, *rest)))

    def matches(text: str) -> bool:
        if len(text) < shortest or not starts(text, 0):
            return False
        at = len(first)
        for find, length in finders:
            at = find(text, at)
            if at < 0:
                return False
            at += length
        start = len(text) - len(last)
        return start >= at and ends(text, start)

    return matches


def _starter(part: str) -> Callable[[str, int], bool]:
    """Return a function that tells whether a string that is long enough has the part there."""
    if "_" not in part:
        return lambda text, at: text.startswith(part, at)
    matches = _expression(part).match
    return lambda text, at: matches(text, at) is not None


def _finder(part: str) -> Finder:
    if "_" not in part:
        return lambda text, at: text.find(part, at)
    search, find_in_long = _expression(part).search, _shift_and(part)

    def find(text: str, at: int) -> int:
        if len(text) * len(part) > SMALL:
            return find_in_long(text, at)
        found = search(text, at)
        return found.start() if found else -1

    return find


def _expression(part: str) -> re.Pattern[str]:
    return re.compile("".join("." if c == "_" else re.escape(c) for c in part), re.DOTALL)


def _shift_and(part: str) -> Finder:
    """Look for a part with `_` by the bits of one number, each a place in the part.

    Bit `i` is set while the last `i + 1` characters are as the part's first `i + 1`.
    """
    anywhere = sum(1 << index for index, char in enumerate(part) if char == "_")
    places: dict[str, int] = {}
    for index, char in enumerate(part):
        if char != "_":
            places[char] = places.get(char, anywhere) | 1 << index
    whole = 1 << (len(part) - 1)

    def find(text: str, at: int) -> int:
        state = 0
        for index in range(at, len(text)):
            if index % CHECK_EVERY == 0:
                deadline.check()
            state = ((state << 1) | 1) & places.get(text[index], anywhere)
            if state & whole:
                return index - len(part) + 1
        return -1

    return find
