"""A schema ready to look at examples."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import jsonschema_rs
import msgspec

from exempla.errors import ValidationError
from exempla.limits import MAX_CHECK_STEPS, MAX_SCHEMA_BYTES
from exempla.schemas import bounds, cost, values

MAX_FAULTS = 10
"""Faults of one example that are told."""

MAX_MESSAGE = 300
"""Characters of a fault's message, which may show the value."""

_PATTERNS = jsonschema_rs.RegexOptions(size_limit=256 * 1024, dfa_size_limit=1024 * 1024)
"""An engine that never goes back in the text, and so has no look-around and back-references."""

_TOLD_UP_TO = 20_000_000
"""Characters of an example, times alternatives, up to which it is told what is wrong where."""

_NOT_TOLD = "it is not valid, and too large to tell where under a schema with anyOf or oneOf"

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
        self._cost = bounds.check(root)
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
        """Return the first thing that is wrong with an example, a JSON object's text.

        Raises `ValidationError` if it is too large to be looked at with this schema.
        """
        example = values.decode(body)
        self._check_steps(example)
        if self._validator.is_valid(example):
            return None
        if self._copied(body) > _TOLD_UP_TO:
            return Fault("", _NOT_TOLD)
        try:
            self._validator.validate(example)
        except jsonschema_rs.ValidationError as error:
            return _fault(error)
        return None

    def faults(self, body: str) -> list[Fault]:
        """Return what is wrong with an example: at most `MAX_FAULTS`, of a large one the first.

        That may be that it is too large to be looked at.
        """
        try:
            first = self.fault(body)
        except ValidationError as error:
            return [Fault("", error.detail)]
        if first is None:
            return []
        if len(body) * (len(body) + self._copied(body) + self._size) > _ALL_FAULTS_UP_TO:
            return [first]
        found = [_fault(error) for error in self._validator.iter_errors(values.decode(body))]
        return found[:MAX_FAULTS]

    def _copied(self, body: str) -> int:
        """Return the characters that telling one fault may copy, but for the message's own."""
        return len(body) * self._cost.alternatives

    def _check_steps(self, example: Any) -> None:
        """Raise `ValidationError` for an example that might take long to look at."""
        size = cost.size(example)
        if (steps := self._cost.steps(size)) > MAX_CHECK_STEPS:
            raise ValidationError(
                f"it is too large to be checked with this schema: {size.values} values and names, "
                f"{size.characters} characters, and up to {self._cost.looks} subschemas for each, "
                f"make {steps} steps of at most {MAX_CHECK_STEPS}; make the example smaller, its "
                "numbers shorter, or the schema simpler (uniqueItems, pattern, anyOf, and enum "
                "of anything but strings cost most)"
            )


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
    return ValidationError(
        f"schema is not a JSON Schema at {repr(where) if where else 'the top'}: {message}"
    )


def _cut(message: str) -> str:
    return message if len(message) <= MAX_MESSAGE else message[:MAX_MESSAGE] + " ..."
