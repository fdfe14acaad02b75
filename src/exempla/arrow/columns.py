"""From stored examples to Arrow: which columns their fields need, and record batches of them.

A column's type follows from all its values, so a version is looked through once before its first
batch is made:

- only strings: `string`; only booleans: `bool`;
- only whole numbers of 64 bits: `int64`;
- only numbers, whole ones up to 2**53 either way, others not too large for a `double`: that, the
  nearest one; `-0` is such a number too;
- else `string`, each value as JSON text, but strings as themselves. The column's metadata
  `exempla.type` is then `json` if no value is a string, `mixed` if some are.

A field that is missing, and one that is null, is null.

Exact columns, for files, give every value back as it was. There a column is `string`, `bool`,
`int64` or `double` only if writing its cells as JSON makes the same text of each of its values
again (of `1.0`, but not of `1.50`). Else its cells are JSON text, strings quoted, and null is
the text `null`; so a cell that is null is a field that is missing. The schema's metadata
`exempla.null` says `missing` then.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from enum import Flag, auto
from typing import Any

import msgspec
import pyarrow as pa

from exempla.errors import ValidationError
from exempla.limits import MAX_COLUMNS
from exempla.store.bodies import StoredExample

TYPE = b"exempla.type"
"""The key of a column's metadata that tells how its strings are to be read."""

NULL = b"exempla.null"
MISSING = b"missing"
"""The key and the value of a schema's metadata: a cell that is null is a field that is missing."""

ID, CREATED_AT, UPDATED_AT = "id", "created_at", "updated_at"

SYSTEM_FIELDS = [
    pa.field(ID, pa.string(), nullable=False),
    pa.field(CREATED_AT, pa.timestamp("us", tz="UTC"), nullable=False),
    pa.field(UPDATED_AT, pa.timestamp("us", tz="UTC"), nullable=False),
]
"""The columns that every example has; they come first."""


class Kind(Flag):
    """What the values of a field are."""

    NULL = 0
    STRING = auto()
    BOOLEAN = auto()
    SMALL_INTEGER = auto()
    """Within 53 bits, so that a double holds it too."""
    INTEGER = auto()
    """Within 64 bits."""
    DOUBLE = auto()
    """A number with a fraction or an exponent, not too large for a double."""
    OTHER = auto()
    """An object, a list, or a number that is larger than all these."""


_INTEGERS = Kind.SMALL_INTEGER | Kind.INTEGER
_DOUBLES = Kind.SMALL_INTEGER | Kind.DOUBLE
_EXACT_ALONE = (Kind.STRING, Kind.BOOLEAN, Kind.DOUBLE)

_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode
_string = msgspec.json.Decoder(str).decode
_NULL = msgspec.Raw(b"null")

_KIND_BY_START = {
    b'"': Kind.STRING,
    b"t": Kind.BOOLEAN,
    b"f": Kind.BOOLEAN,
    b"n": Kind.NULL,
    b"{": Kind.OTHER,
    b"[": Kind.OTHER,
}


class Columns:
    """Learns from all bodies which columns they need; then makes batches of them."""

    def __init__(self, *, exact: bool = False) -> None:
        self._kinds: dict[str, Kind] = {}
        self._exact = exact

    @property
    def names(self) -> list[str]:
        """The names of the fields, in the order in which they were first met."""
        return list(self._kinds)

    def learn(self, bodies: Iterable[str]) -> None:
        """Look at more bodies. Raises `ValidationError` for over `MAX_COLUMNS` fields."""
        kinds, exact = self._kinds, self._exact
        for body in bodies:
            for name, raw in _decode(body).items():
                text = bytes(raw)
                kind = _KIND_BY_START.get(text[:1])
                if kind is None:
                    kind = _kind_of_number(text)
                if exact and not _is_exact(text, kind):
                    kind = Kind.OTHER
                known = kinds.get(name)
                if known is None:
                    kinds[name] = kind
                elif kind is not known and kind not in known:
                    kinds[name] = known | kind
        if len(kinds) > MAX_COLUMNS:
            raise ValidationError(
                f"the version has over {MAX_COLUMNS} different fields, too many for columns; "
                "read it by pages over REST, or export it as JSONL"
            )

    def schema(self) -> pa.Schema:
        """Return the columns of all that was learned, in the order in which they were first met."""
        fields = [_field(name, kind) for name, kind in self._settled()]
        return pa.schema([*SYSTEM_FIELDS, *fields], {NULL: MISSING} if self._exact else None)

    def batch(self, schema: pa.Schema, examples: Sequence[StoredExample]) -> pa.RecordBatch:
        """Return these examples, all of them learned, as a batch of this schema."""
        ids, created, updated, texts = zip(*examples, strict=True)
        bodies = [_decode(text) for text in texts]
        arrays = [
            pa.array(ids, pa.string()),
            pa.array(created, pa.int64()).cast(SYSTEM_FIELDS[1].type),
            pa.array(updated, pa.int64()).cast(SYSTEM_FIELDS[2].type),
        ]
        for name, kind in self._settled():
            if self._exact and kind is Kind.OTHER:
                cells: list[Any] = [bytes(body[name]) if name in body else None for body in bodies]
            else:
                cells = _cells([body.get(name, _NULL) for body in bodies], kind)
            arrays.append(pa.array(cells, _type(kind)))
        return pa.RecordBatch.from_arrays(arrays, schema=schema)

    def _settled(self) -> list[tuple[str, Kind]]:
        """Return the fields with what their values are; `OTHER` for a mixture that is not exact."""
        if not self._exact:
            return list(self._kinds.items())
        return [
            (name, kind if kind in _INTEGERS or kind in _EXACT_ALONE else Kind.OTHER)
            for name, kind in self._kinds.items()
        ]


def _is_exact(text: bytes, kind: Kind) -> bool:
    """Tell whether a value of this kind would be written as this text again."""
    if kind is Kind.STRING:
        return b"\\" not in text or _encode(_string(text)) == text
    if kind is Kind.DOUBLE:
        return _encode(float(text)) == text
    return kind is not Kind.NULL


def _kind_of_number(text: bytes) -> Kind:
    digits = text[1:] if text[:1] == b"-" else text
    if not digits.isdigit():
        return Kind.DOUBLE if math.isfinite(float(text)) else Kind.OTHER
    if len(digits) <= 15:
        return Kind.DOUBLE if text == b"-0" else Kind.SMALL_INTEGER
    if len(digits) > 19 or not -(2**63) <= int(text) < 2**63:
        return Kind.OTHER
    return Kind.SMALL_INTEGER if abs(int(text)) <= 2**53 else Kind.INTEGER


def _type(kind: Kind) -> pa.DataType:
    if kind == Kind.BOOLEAN:
        return pa.bool_()
    if kind and kind in _INTEGERS:
        return pa.int64()
    if kind and kind in _DOUBLES:
        return pa.float64()
    return pa.string()


def _field(name: str, kind: Kind) -> pa.Field:
    type = _type(kind)
    if type != pa.string() or kind in Kind.STRING:
        return pa.field(name, type)
    return pa.field(name, type, metadata={TYPE: b"mixed" if Kind.STRING in kind else b"json"})


def _cells(values: list[msgspec.Raw], kind: Kind) -> list[Any]:
    """Return the cells of a column from the JSON texts of its values."""
    type = _type(kind)
    if type == pa.float64():  # the list's decoder would make 0.0 of -0
        return [None if value == _NULL else float(bytes(value)) for value in values]
    if type != pa.string() or kind in Kind.STRING:
        return _LISTS[type](b"[" + b",".join(values) + b"]")
    return [_text(bytes(value)) for value in values]


_LISTS: dict[pa.DataType, Callable[[bytes], list[Any]]] = {
    pa.string(): msgspec.json.Decoder(list[str | None]).decode,
    pa.bool_(): msgspec.json.Decoder(list[bool | None]).decode,
    pa.int64(): msgspec.json.Decoder(list[int | None]).decode,
}


def _text(value: bytes) -> str | bytes | None:
    if value == b"null":
        return None
    return _string(value) if value[:1] == b'"' else value
