"""A schema ready to look at examples."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import jsonschema_rs
import msgspec

from exempla.errors import ValidationError
from exempla.limits import MAX_SCHEMA_BYTES
from exempla.schemas import bounds, values

MAX_FAULTS = 10
"""Faults of one example that are told."""

MAX_MESSAGE = 300
"""Characters of a fault's message, which may show the value."""

_PATTERNS = jsonschema_rs.RegexOptions(size_limit=256 * 1024, dfa_size_limit=1024 * 1024)
"""An engine that never goes back in the text, and so has no look-around and back-references."""

_ALL_FAULTS_UP_TO = 30_000_000
"""To tell all faults, each is made with the value and the part of the schema that it is about.

The product of the characters of the example with those of both, up to which that is done.
"""


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with an example, and where: a JSON pointer into its fields (RFC 6901)."""

    path: str
    message: str


class Schema:
    """A schema that may be used (see `bounds.py`)."""

    def __init__(self, text: str) -> None:
        if (size := len(text.encode())) > MAX_SCHEMA_BYTES:
            raise ValidationError(
                f"schema has {size} bytes; at most {MAX_SCHEMA_BYTES} are allowed"
            )
        root: dict[str, Any] = values.decode(text)
        bounds.check(root)
        root.pop("$id", None)  # nothing refers to it
        self._size = size
        try:
            self._validator = jsonschema_rs.Draft202012Validator(
                root, validate_formats=True, offline=True, pattern_options=_PATTERNS
            )
        except jsonschema_rs.ValidationError as error:
            raise _not_a_schema(error) from None
        except ValueError as error:
            raise ValidationError(f"schema is not a JSON Schema: {error}") from None

    def fault(self, body: str) -> Fault | None:
        """Return the first thing that is wrong with an example, a JSON object's text."""
        try:
            self._validator.validate(values.decode(body))
        except jsonschema_rs.ValidationError as error:
            return _fault(error)
        return None

    def faults(self, body: str) -> list[Fault]:
        """Return what is wrong with an example: at most `MAX_FAULTS`, of a large one the first."""
        first = self.fault(body)
        if first is None:
            return []
        if len(body) * (len(body) + self._size) > _ALL_FAULTS_UP_TO:
            return [first]
        found = [_fault(error) for error in self._validator.iter_errors(values.decode(body))]
        return found[:MAX_FAULTS]


@lru_cache(maxsize=16)
def compiled(text: str) -> Schema:
    """Return the schema of this JSON text of an object.

    Raises `ValidationError`, which says where, if it is no JSON Schema or one that is not allowed.
    """
    return Schema(text)


def _fault(error: jsonschema_rs.ValidationError) -> Fault:
    return Fault(bounds.pointer(error.instance_path), _cut(error.message))


def _not_a_schema(error: jsonschema_rs.ValidationError) -> ValidationError:
    where, message = bounds.pointer(error.instance_path), _cut(error.message)
    if message.endswith('is not a "regex"'):
        message += "; look-around, back-references and large repetitions are not allowed"
    return ValidationError(f"schema is not a JSON Schema at {where!r}: {message}")


def _cut(message: str) -> str:
    return message if len(message) <= MAX_MESSAGE else message[:MAX_MESSAGE] + " ..."
