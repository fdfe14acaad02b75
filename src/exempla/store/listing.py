"""What the lists of named things share: the search by a part of the name."""

from __future__ import annotations

import re

FIRST = 2**62
"""Above every number: the `before` of the first page of a list that is newest first."""

_SPECIAL = re.compile(r"([\\%_])")


def like(part: str) -> str:
    r"""Return the pattern for `name_folded LIKE ... ESCAPE '\'` that finds this part of a name."""
    return "%" + _SPECIAL.sub(r"\\\1", part.casefold()) + "%"
