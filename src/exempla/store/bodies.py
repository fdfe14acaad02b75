"""An example's fields as JSON text, never parsed into numbers and printed again.

The values of the fields are kept as the text that was sent (`msgspec.Raw`), so that a value comes
back exactly so (contract: PATCH rule 8).
"""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

Fields = dict[str, msgspec.Raw]
"""The fields of an example by name, each with its value as JSON text."""


class FieldChange(msgspec.Struct):
    """A field's value before and after, as JSON text; unset where there is no such field."""

    old: msgspec.Raw | UnsetType = UNSET
    new: msgspec.Raw | UnsetType = UNSET


_decoder = msgspec.json.Decoder(Fields)
_encode = msgspec.json.Encoder().encode


def encode(fields: Fields) -> str:
    """Write fields as a JSON object."""
    return _encode(fields).decode()


def merge(body: str, fields: Fields) -> str:
    """Replace or add each given field whole; the others stay, in their order (PATCH rule 2)."""
    return encode(_decoder.decode(body) | fields)


def compact(value: msgspec.Raw) -> bytes:
    """Return JSON text without insignificant white space; all else stays as it was sent."""
    return msgspec.json.format(value, indent=-1)


def differing(old: str | None, new: str | None) -> dict[str, FieldChange]:
    """Return the fields whose values differ as JSON text, but for insignificant white space.

    None is an example that is not there, all of whose fields differ from nothing.
    """
    before = _decoder.decode(old) if old is not None else {}
    after = _decoder.decode(new) if new is not None else {}
    return {
        name: FieldChange(before.get(name, UNSET), after.get(name, UNSET))
        for name in before | after
        if not _same(before.get(name), after.get(name))
    }


def _same(one: msgspec.Raw | None, other: msgspec.Raw | None) -> bool:
    if one is None or other is None:
        return False
    return one == other or compact(one) == compact(other)
