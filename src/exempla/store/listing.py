"""What the lists of named things share: the search by a part of the name."""

from __future__ import annotations

import re

from exempla.ids import ResourceId

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
