"""How a filter writes the name of a field."""

from __future__ import annotations

import re

WORDS = ("AND", "BETWEEN", "IN", "IS", "LIKE", "NOT", "NULL", "OR")
"""The words of the language that join, compare and negate."""

BOOLEANS = {"TRUE": True, "FALSE": False}

_WORD = re.compile(r"[^\W\d]\w*")

_MEAN_OTHERS = {*WORDS, *BOOLEANS, "ID"}
"""Words that name no field unless they are quoted."""


def as_name(field: str) -> str:
    """Return the name of a field as a filter writes it, in quotes where it needs them."""
    if _WORD.fullmatch(field) and field.upper() not in _MEAN_OTHERS:
        return field
    return '"' + field.replace('"', '""') + '"'
