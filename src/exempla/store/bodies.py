"""An example's fields as JSON text, never parsed into numbers and printed again.

The values of the fields are kept as the text that was sent (`msgspec.Raw`), so that a value comes
back exactly so (contract: PATCH rule 8).
"""

from __future__ import annotations

import msgspec

Fields = dict[str, msgspec.Raw]
"""The fields of an example by name, each with its value as JSON text."""

_decoder = msgspec.json.Decoder(Fields)
_encode = msgspec.json.Encoder().encode


def encode(fields: Fields) -> str:
    """Write fields as a JSON object."""
    return _encode(fields).decode()


def merge(body: str, fields: Fields) -> str:
    """Replace or add each given field whole; the others stay, in their order (PATCH rule 2)."""
    return encode(_decoder.decode(body) | fields)
