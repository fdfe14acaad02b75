"""Read a JSON body strictly, and say clearly what is wrong with it (contract: PATCH rule 8)."""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec
from litestar.dto import AbstractDTO
from litestar.openapi.spec import Reference, Schema

from exempla.errors import InvalidRequest, Problem, ValidationError
from exempla.limits import MAX_NESTING

T = TypeVar("T")

_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_AS_BRACKETS = bytes.maketrans(b"{}", b"[]")
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_AT = re.compile(r"(?s)(.*?)(?: - at `\$(.*)`)?")
_QUOTED = re.compile(r"(?s)`(.*)`")
_EXPECTED = re.compile(r"Expected `([^`]*)`, got `([^`]*)`")
_TYPES = {
    "array": "an array",
    "bool": "a boolean",
    "float": "a number",
    "int": "a whole number",
    "null": "null",
    "object": "an object",
    "str": "a string",
}


class JsonBody(AbstractDTO[Any]):
    """Lets `read` decode the parameter `data` of a handler, as the type that it is declared with.

    So that the type of `data` is the schema, the validator and the document of the body, and
    values can stay as they were sent (`msgspec.Raw`). It is the `dto` of the whole application.
    """

    @classmethod
    def create_for_field_definition(cls, *_: Any, **__: Any) -> None:
        """Need nothing to be made: msgspec decodes into the declared type itself."""

    @classmethod
    def create_openapi_schema(
        cls, field_definition: Any, handler_id: str, schema_creator: Any
    ) -> Reference | Schema:
        """Describe the body by the declared type."""
        schema: Reference | Schema = schema_creator.for_field_definition(field_definition)
        return schema

    def decode_bytes(self, value: bytes) -> Any:
        """Decode the body of the request."""
        handler: Any = self.asgi_connection.route_handler
        return read(value, handler.parsed_data_field.annotation)


def read(body: bytes, type: type[T]) -> T:
    """Decode a request body as this type.

    Raises `InvalidRequest` for what is not JSON in UTF-8 or has a wrong JSON type, and
    `ValidationError` for a missing or an unknown member.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"the body is not UTF-8 (byte {error.start})") from None
    try:
        return msgspec.json.decode(text, type=type)
    except msgspec.ValidationError as error:
        raise _explain(str(error)) from None
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"the body is not valid JSON: {error}") from None
    except RecursionError:
        raise ValidationError(_TOO_DEEP.format(where="the body")) from None


_TOO_DEEP = "{where} is nested deeper than " + str(MAX_NESTING) + " levels"


def may_be_deep(text: str) -> bool:
    """Tell, cheaply, whether JSON text could be nested deeper than `MAX_NESTING` levels."""
    return text.count("[") + text.count("{") > MAX_NESTING


def check_nesting(value: msgspec.Raw, where: str) -> None:
    """Raise `ValidationError` when a value is nested deeper than `MAX_NESTING` levels."""
    brackets = _STRING.sub(b"", bytes(value)).translate(_AS_BRACKETS, _NOT_BRACKETS)
    for _ in range(MAX_NESTING):
        brackets = brackets.replace(b"[]", b"")  # the innermost level
    if brackets:
        raise ValidationError(_TOO_DEEP.format(where=where))


def type_name(value: msgspec.Raw) -> str:
    """Return what kind of JSON value this is, for a message: `a number`, `an object`."""
    first = bytes(value)[:1]
    kinds = {b'"': "str", b"{": "object", b"[": "array", b"n": "null", b"t": "bool", b"f": "bool"}
    return _TYPES[kinds.get(first, "float")]


def _explain(message: str) -> Problem:
    """Turn msgspec's message into a problem that names the field as the contract does."""
    match = _AT.fullmatch(message)
    said, path = (match[1], match[2] or "") if match else (message, "")
    where = path.lstrip(".") or "the body"
    inside = f"{where}." if path else ""
    quoted = _QUOTED.search(said)
    name = quoted[1] if quoted else ""
    if said.startswith("Object missing required field"):
        return ValidationError(f"{inside}{name} is required")
    if said.startswith("Object contains unknown field"):
        return ValidationError(f"{inside}{name} is not a known member")
    if expected := _EXPECTED.match(said):
        wanted = " or ".join(_TYPES.get(t.strip(), t.strip()) for t in expected[1].split("|"))
        return InvalidRequest(
            f"{where} must be {wanted}, not {_TYPES.get(expected[2], expected[2])}"
        )
    return InvalidRequest(f"{where}: {said}")
