"""Values of fields as people see them: what kind they are, their text, and a short form."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

import msgspec

from exempla.store import bodies
from exempla.store.columns import TYPE_BY_START
from exempla.web.text import cut

Kind = Literal["string", "number", "boolean", "null", "object", "array", "missing", "id"]

LINE = 42
"""Characters, about, on a line of a cell."""

MOST_LINES = 4
"""Lines that a cell shows; a string of more is folded to fewer."""

ONE_LINE = 120
"""Characters of an object or array that a table shows whole, in one line of JSON."""

LONGEST = 20_000
"""Characters that a table shows of an unfolded value; the page of the example shows all."""

LONGEST_BYTES = 4 * LONGEST
"""Bytes of JSON of a value that a table reads; of a longer one it shows the beginning as it is."""

_BEGINNING = re.compile(
    rb'"(?:[^"\\]++|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[0-9a-fA-F]{4}'
    rb"|\\u(?![dD][89abAB])[0-9a-fA-F]{4}|\\[^u])*+"
)
"""The characters of a JSON string that are whole, of one that is cut anywhere."""

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
    return TYPE_BY_START.get(bytes(memoryview(value)[:1]), "number")


def text_of(value: msgspec.Raw) -> str:
    """Return a string without its quotes, an object or array indented, the rest as it was sent."""
    kind = kind_of(value)
    if kind == "string":
        return _string(value)
    if kind in ("object", "array"):
        return msgspec.json.format(bytes(value), indent=2).decode()
    return bytes(value).decode()


def in_table(value: msgspec.Raw | None) -> Shown:
    """Return the value for a cell of a table: no more of it than a cell shows is read."""
    if value is None:
        return MISSING
    kind, view = kind_of(value), memoryview(value)
    if len(view) > LONGEST_BYTES:
        return Shown(kind, _beginning(bytes(view[:LONGEST_BYTES]), kind), True)
    text = cut(text_of(value), LONGEST)
    if kind in ("object", "array"):
        line = " ".join(bodies.compact(value).decode().split())
        return Shown(kind, text, True) if len(line) > ONE_LINE else Shown(kind, line)
    return Shown(kind, text, _lines(text) > MOST_LINES)


def _lines(text: str) -> int:
    """Return how many lines of a cell the text takes, about."""
    if len(text) <= LINE:
        return 1 + text.count("\n")
    return sum(1 + len(line) // LINE for line in text.split("\n"))


def _beginning(part: bytes, kind: Kind) -> str:
    """Return what is shown of a value that begins with this and goes on."""
    if kind == "string" and (match := _BEGINNING.match(part)):
        return _string(match[0].decode(errors="ignore") + '"')[:LONGEST] + "…"
    return part[:LONGEST].decode(errors="ignore") + "…"


def whole(value: msgspec.Raw | None) -> Shown:
    """Return the value for the page of its example."""
    if value is None:
        return MISSING
    return Shown(kind_of(value), text_of(value))
