"""Values of fields as people see them: what kind they are, their text, and a short form."""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec

from exempla.store import bodies
from exempla.store.columns import TYPE_BY_START
from exempla.web.text import cut

Kind = Literal["string", "number", "boolean", "null", "object", "array", "missing"]

SHORT = 240
"""Characters of a string from which on a table folds it to a few lines."""

ONE_LINE = 120
"""Characters of an object or array that a table shows whole, in one line of JSON."""

LONGEST = 20_000
"""Characters that a table shows of an unfolded value; the page of the example shows all."""

_string = msgspec.json.Decoder(str).decode


class Shown(NamedTuple):
    """A value, ready for a template."""

    kind: Kind
    text: str
    """All of it: strings without quotes, objects and arrays indented, the rest as it was sent."""
    is_folded: bool = False
    """Whether a table shows its first lines alone, until it is opened."""


MISSING = Shown("missing", "")


def kind_of(value: msgspec.Raw) -> Kind:
    """Return what kind of JSON value this is."""
    return TYPE_BY_START.get(bytes(value)[:1], "number")


def text_of(value: msgspec.Raw) -> str:
    """Return a string without its quotes, an object or array indented, the rest as it was sent."""
    kind = kind_of(value)
    if kind == "string":
        return _string(value)
    if kind in ("object", "array"):
        return msgspec.json.format(bytes(value), indent=2).decode()
    return bytes(value).decode()


def in_table(value: msgspec.Raw | None) -> Shown:
    """Return the value for a cell of a table."""
    if value is None:
        return MISSING
    kind = kind_of(value)
    text = cut(text_of(value), LONGEST)
    if kind in ("object", "array"):
        line = " ".join(bodies.compact(value).decode().split())
        return Shown(kind, text, True) if len(line) > ONE_LINE else Shown(kind, line)
    return Shown(kind, text, len(text) > SHORT or text.count("\n") > 3)


def whole(value: msgspec.Raw | None) -> Shown:
    """Return the value for the page of its example."""
    if value is None:
        return MISSING
    return Shown(kind_of(value), text_of(value))
