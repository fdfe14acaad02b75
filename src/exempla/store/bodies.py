"""An example's fields as JSON text, never parsed into numbers and printed again.

The values of the fields are kept as the text that was sent (`msgspec.Raw`), so that a value comes
back exactly so (contract: PATCH rule 8).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from exempla.clock import rfc3339

Fields = dict[str, msgspec.Raw]
"""The fields of an example by name, each with its value as JSON text."""


Value = msgspec.Raw | UnsetType
"""JSON text; unset where there is no such field."""


MANAGED = ("id", "created_at", "updated_at", "annotations")
"""Members of an example that no body holds: the server keeps them apart."""


class StoredExample(NamedTuple):
    """An example as it is stored; times in microseconds, the body a JSON object's text."""

    id: str
    created_at: int
    updated_at: int
    body: str


class FieldChange(msgspec.Struct):
    """A field's value before and after."""

    old: Value = UNSET
    new: Value = UNSET

    @classmethod
    def of(cls, old: msgspec.Raw | None, new: msgspec.Raw | None) -> FieldChange:
        """Return the change between two values, None where there is no such field."""
        return cls(UNSET if old is None else old, UNSET if new is None else new)

    @property
    def size(self) -> int:
        """How many bytes the values have."""
        return sum(len(bytes(one)) for one in (self.old, self.new) if one is not UNSET)


_decoder = msgspec.json.Decoder(Fields)
_replaced_decoder = msgspec.json.Decoder(tuple[Fields, list[str]])
_encode = msgspec.json.Encoder().encode


def encode(fields: Fields) -> str:
    """Write fields as a JSON object."""
    return _encode(fields).decode()


def decode(body: str | bytes) -> Fields:
    """Read a JSON object as fields. Bytes are UTF-8, which is not checked."""
    return _decoder.decode(body)


def opening(id: str, created_at: int, updated_at: int, body: str) -> str:
    """Return an example's object up to its fields, which the rest of the body follows."""
    created = rfc3339(created_at)
    updated = created if updated_at == created_at else rfc3339(updated_at)
    return (
        f'{{"id":{_encode(id).decode()},"created_at":"{created}",'
        f'"updated_at":"{updated}"{"," if len(body) > 2 else ""}'
    )


def says(body: str, fields: Fields) -> bool:
    """Tell whether these fields are in it already, with the same values but for white space."""
    before = _decoder.decode(body)
    return all(_same(before.get(name, UNSET), value) for name, value in fields.items())


def merge(body: str, fields: Fields) -> tuple[str, str]:
    """Replace or add each given field whole; the others stay, in their order (PATCH rule 2).

    Beside the new body: what it replaced, as `replaced` writes it.
    """
    before = _decoder.decode(body)
    old = {n: before[n] for n, new in fields.items() if n in before and before[n] != new}
    absent = [name for name in fields if name not in before]
    return encode(before | fields), replaced(old, absent)


def replaced(old: Fields, absent: Sequence[str]) -> str:
    """Write what a change replaced: the fields' old values, and names of fields that it added."""
    return _encode((old, absent)).decode()


def replaced_whole(body: str) -> str:
    """Write that a change replaced all of an example: it took it out."""
    return f"[{body},[]]"


def undo(after: Fields | None, text: str) -> Fields:
    """Return the fields before a change that replaced this, as `replaced` wrote it."""
    old, absent = decode_replaced(text)
    return {name: value for name, value in (after or {}).items() if name not in absent} | old


def decode_replaced(text: str) -> tuple[Fields, list[str]]:
    """Read what `replaced` wrote."""
    return _replaced_decoder.decode(text)


def compact(value: msgspec.Raw) -> bytes:
    """Return JSON text without insignificant white space; all else stays as it was sent."""
    return msgspec.json.format(value, indent=-1)


def differing(old: str | None, new: str | None) -> dict[str, FieldChange]:
    """Return the fields whose values differ as JSON text, but for insignificant white space.

    None is an example that is not there, all of whose fields differ from nothing.
    """
    return differing_fields(
        None if old is None else _decoder.decode(old), None if new is None else _decoder.decode(new)
    )


def differing_fields(old: Fields | None, new: Fields | None) -> dict[str, FieldChange]:
    """Return the same of fields that are decoded already."""
    changed = rewritten_fields(old, new)
    return {name: change for name, change in changed.items() if not _same(change.old, change.new)}


def rewritten_fields(old: Fields | None, new: Fields | None) -> dict[str, FieldChange]:
    """Return the fields whose text differs, white space included."""
    before, after = old or {}, new or {}
    return {
        name: FieldChange.of(before.get(name), after.get(name))
        for name in before | after
        if before.get(name) != after.get(name)
    }


def _same(one: Value, other: Value) -> bool:
    if not (isinstance(one, msgspec.Raw) and isinstance(other, msgspec.Raw)):
        return False
    return one == other or compact(one) == compact(other)
