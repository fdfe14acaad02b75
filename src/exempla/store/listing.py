"""What lists share: the search by a part of a name, and how much a page holds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TypeVar

from exempla.ids import ResourceId

T = TypeVar("T")

FIRST = 2**62
"""Above every number: the `before` of the first page of a list that is newest first."""

IN_SPACE = "(:in_space = 0 OR (s.id = :space AND s.suffix = :space_suffix))"
"""The condition that a thing is in the space `s` that was asked for, if one was."""

_SPECIAL = re.compile(r"([\\%_])")


def like(part: str) -> str:
    r"""Return the pattern for `name_folded LIKE ... ESCAPE '\'` that finds this part of a name."""
    return "%" + _SPECIAL.sub(r"\\\1", part.casefold()) + "%"


def in_space(space: ResourceId | None) -> dict[str, object]:
    """Return the values of the condition `IN_SPACE`."""
    return {
        "in_space": int(space is not None),
        "space": space.number if space else 0,
        "space_suffix": space.suffix if space else "",
    }


PAGE_BYTES = 32 * 1024**2
"""A page of examples or changes ends before it has more bytes of values, but has one item."""


def first_of(found: Iterable[T], limit: int, size: Callable[[T], int]) -> tuple[list[T], bool]:
    """Return the first items for a page, at most `limit`, and whether there are more.

    They are fewer when more would have over `PAGE_BYTES`; an item is never cut.
    """
    page: list[T] = []
    room = PAGE_BYTES
    for one in found:
        room -= size(one)
        if len(page) == limit or (room < 0 and page):
            return page, True
        page.append(one)
    return page, False
