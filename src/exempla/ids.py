"""Ids: the opaque ids of resources, and the UUIDv7 ids of examples (contract: resource ids)."""

from __future__ import annotations

import base64
import binascii
import os
import re
import secrets
import string
from typing import Literal, NamedTuple

from exempla.errors import InvalidRequest
from exempla.limits import MAX_EXAMPLE_ID_LENGTH

Kind = Literal[
    "Organization",
    "Space",
    "Dataset",
    "DatasetVersion",
    "AnnotationConfig",
    "Tag",
    "ApiKey",
    "User",
    "AuditLog",
]

_FORM = re.compile(r"([A-Za-z]+):([1-9][0-9]{0,17}):([A-Za-z0-9]{4,32})")
_ALPHABET = string.ascii_letters + string.digits
_WITH_VARIANT = bytes(byte & 0x3F | 0x80 for byte in range(256))
_FRACTIONS = [f"7{microseconds * 4_096 // 1_000:03x}" for microseconds in range(1_000)]
"""The version of an id, and in 12 bits how much of a millisecond passed."""
_SUFFIX_LENGTH = 10  # 59 bits: an id cannot be guessed from its neighbour


class ResourceId(NamedTuple):
    """What an id of a resource stands for: its number and the random suffix beside it.

    The number finds the row; the suffix must match it, so that ids cannot be enumerated.
    """

    kind: Kind
    number: int
    suffix: str

    def __str__(self) -> str:
        return base64.b64encode(f"{self.kind}:{self.number}:{self.suffix}".encode()).decode()


def new_suffix() -> str:
    """Make the random part of a new resource's id."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_SUFFIX_LENGTH))


def looks_like_id(text: str) -> bool:
    """Tell an id from a name, as clients do: it decodes to text with a colon."""
    try:
        return b":" in base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False


def parse_id(text: str, kind: Kind, field: str) -> ResourceId:
    """Read the id of a resource of this kind, given in the named field.

    Raises `InvalidRequest` when it is not an id, or the id of another kind of resource.
    """
    try:
        decoded = base64.b64decode(text, validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        decoded = ""
    match = _FORM.fullmatch(decoded)
    if not match:
        raise InvalidRequest(f"{field} is not a valid id; copy it from an answer of this server")
    if match[1] != kind:
        raise InvalidRequest(f"{field} is an id of the kind {match[1]}; this needs one of {kind}")
    id = ResourceId(kind, int(match[2]), match[3])
    if str(id) != text:  # another spelling of the same bytes
        raise InvalidRequest(f"{field} is not a valid id; copy it from an answer of this server")
    return id


def why_no_example_id(id: str) -> str | None:
    """Say what is wrong with the id that a client gives an example; None if nothing is."""
    if not id:
        return "the id is empty; give every example one, or none"
    if "\0" in id:
        return "the id contains the character U+0000, which is not allowed"
    if len(id) > MAX_EXAMPLE_ID_LENGTH:
        return f"the id has {len(id)} characters; at most {MAX_EXAMPLE_ID_LENGTH} are allowed"
    return None


def new_example_ids(created_at: int, count: int) -> list[str]:
    """Make ids for examples created at `created_at`, `created_at + 1`, ... (microseconds).

    They are UUIDv7 with the microseconds in `rand_a` (RFC 9562, section 6.2, method 3), so they
    sort as the times do, and the times are distinct within a dataset.
    """
    random = bytearray(os.urandom(8 * count))
    random[::8] = random[::8].translate(_WITH_VARIANT)
    digits = random.hex()
    made: list[str] = []
    milliseconds, fraction = divmod(created_at, 1_000)
    while len(made) < count:
        time = f"{milliseconds:012x}"
        start = f"{time[:8]}-{time[8:]}-"
        made += [
            f"{start}{fractions}-{digits[at : at + 4]}-{digits[at + 4 : at + 16]}"
            for fractions, at in zip(
                _FRACTIONS[fraction:], range(16 * len(made), 16 * count, 16), strict=False
            )
        ]
        milliseconds, fraction = milliseconds + 1, 0
    return made
