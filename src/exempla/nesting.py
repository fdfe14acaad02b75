"""How deep JSON text is nested, found without parsing it into objects."""

from __future__ import annotations

import re

from exempla.limits import MAX_NESTING

_STRING_OR_BRACKET = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{}]', re.DOTALL)


def is_too_deep(value: bytes) -> bool:
    """Tell whether JSON text is nested deeper than `MAX_NESTING` levels."""
    if value.count(b"[") + value.count(b"{") <= MAX_NESTING:
        return False
    level = 0
    for match in _STRING_OR_BRACKET.finditer(value):
        token = match[0]
        if token in b"[{":
            level += 1
            if level > MAX_NESTING:
                return True
        elif token in b"]}":
            level -= 1
    return False
