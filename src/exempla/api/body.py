"""Read a JSON body strictly, and say clearly what is wrong with it (contract: PATCH rule 8)."""

from __future__ import annotations

import asyncio
import codecs
import re
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
from litestar.datastructures import Headers
from litestar.dto import AbstractDTO
from litestar.openapi.spec import Reference, Schema
from msgspec import inspect

from exempla.errors import InvalidRequest, Problem, UnsupportedMediaType, ValidationError
from exempla.limits import MAX_MEMBERS, MAX_NESTING
from exempla.nesting import is_too_deep

T = TypeVar("T")

IN_A_THREAD_FROM = 256 * 1024
"""Bytes of JSON that are looked through in a thread, so that other requests need not wait."""

_DECODED_AT_ONCE = 1024 * 1024
"""Bytes that are checked to be UTF-8 at once."""

_LONE_SURROGATE = re.compile(
    rb"(?<!\\)(?:\\\\)*(?:\\u[dD][89abAB]..(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..)\\u[dD][c-fC-F]..)"
)
_AT = re.compile(r"(?s)(.*?)(?: - at `\$(.*)`)?")
_QUOTED = re.compile(r"(?s)`(.*)`")
_STEP = re.compile(r"\.([^.\[]+)|(\[)")
_ENUM = "Invalid enum value "
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
        check_encoding(self.asgi_connection.headers)
        handler: Any = self.asgi_connection.route_handler
        return read(value, handler.parsed_data_field.annotation)


def check_encoding(headers: Headers) -> None:
    """Raise `UnsupportedMediaType` for a body that is compressed."""
    encoding = headers.get("content-encoding", "identity")
    if encoding.lower() != "identity":
        raise UnsupportedMediaType(f"Content-Encoding is {encoding[:40]!r}; send the body as it is")


def read(body: bytes, type: type[T]) -> T:
    """Decode a request body as this type; what is kept as JSON text is a view into the body.

    Raises `InvalidRequest` for what is not JSON in UTF-8 or has a wrong JSON type, and
    `ValidationError` for a missing or an unknown member.
    """
    _check_utf8(body)
    if (colons := body.count(b":")) > MAX_MEMBERS:  # there are no more members than that
        raise ValidationError(
            f"the body has {colons} colons, so about as many members of objects; at most "
            f"{MAX_MEMBERS} are allowed; send it in several requests"
        )
    try:
        return msgspec.json.decode(body, type=type)
    except msgspec.ValidationError as error:
        _check_grammar(body)  # the decoder stops at the first wrong member
        raise _explain(str(error), type) from None
    except msgspec.DecodeError as error:
        raise _not_json(body, error) from None
    except RecursionError:
        raise ValidationError(_TOO_DEEP.format(where="the body")) from None


def _check_utf8(body: bytes) -> None:
    """Raise `InvalidRequest` for what is not UTF-8; the text, which may be large, is not kept."""
    if body.isascii():
        return
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(body), _DECODED_AT_ONCE):
        pending = len(decoder.getstate()[0])
        end = start + _DECODED_AT_ONCE
        try:
            decoder.decode(body[start:end], final=end >= len(body))
        except UnicodeDecodeError as error:
            at = start - pending + error.start
            raise InvalidRequest(f"the body is not UTF-8 (byte {at})") from None


def _check_grammar(body: bytes) -> None:
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except msgspec.DecodeError as error:
        raise _not_json(body, error) from None
    except RecursionError:
        raise ValidationError(_TOO_DEEP.format(where="the body")) from None


def _not_json(body: bytes, error: Exception) -> InvalidRequest:
    if _LONE_SURROGATE.search(body):
        return InvalidRequest("the body is not valid JSON: an escape like \\ud800 stands alone")
    return InvalidRequest(f"the body is not valid JSON: {error}")


_TOO_DEEP = "{where} is nested deeper than " + str(MAX_NESTING) + " levels"


def is_nested(value: msgspec.Raw) -> bool:
    """Tell whether this is an object or an array; JSON text that is kept has no space before it."""
    return memoryview(value)[0] in b"[{"


async def check_nesting(values: Sequence[tuple[str, msgspec.Raw]]) -> None:
    """Raise `ValidationError` when a value is nested deeper than `MAX_NESTING` levels.

    Each value comes with where it stands. Large ones are looked through in a thread.
    """
    if sum(len(bytes(value)) for _, value in values) > IN_A_THREAD_FROM:
        await asyncio.to_thread(_check_nesting, values)
    else:
        _check_nesting(values)


def _check_nesting(values: Sequence[tuple[str, msgspec.Raw]]) -> None:
    for where, value in values:
        if is_too_deep(bytes(value)):
            raise ValidationError(_TOO_DEEP.format(where=where))


def type_name(value: msgspec.Raw) -> str:
    """Return what kind of JSON value this is, for a message: `a number`, `an object`."""
    first = bytes(value)[:1]
    kinds = {b'"': "str", b"{": "object", b"[": "array", b"n": "null", b"t": "bool", b"f": "bool"}
    return _TYPES[kinds.get(first, "float")]


def _explain(message: str, type: Any) -> Problem:
    """Turn msgspec's message on a body of this type into one that names fields as we do."""
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
        types = [one.strip() for one in expected[1].split("|")]
        if "float" in types and "int" in types:
            types.remove("int")
        wanted = " or ".join(_TYPES.get(one, one) for one in types)
        return InvalidRequest(
            f"{where} must be {wanted}, not {_TYPES.get(expected[2], expected[2])}"
        )
    if said.startswith(_ENUM):
        words = _words(inspect.type_info(type), path)
        wanted = words[0] if len(words) == 1 else f"one of {', '.join(words)}"
        return ValidationError(f"{where} must be {wanted}, not {said.removeprefix(_ENUM)}")
    if said.startswith("Invalid RFC3339"):
        return InvalidRequest(f"{where} must be a time with its zone, as in 2030-01-31T09:30:00Z")
    if said.startswith("Integer value out of range"):
        return ValidationError(f"{where} is out of range")
    return InvalidRequest(f"{where}: {said}")


def _words(type: inspect.Type, path: str) -> list[str]:
    """Return the words that are allowed at this place, such as `.organizations[0].role.name`."""
    types = [type]
    for member, _ in _STEP.findall(path):
        types = [inner for one in _parts(types) for inner in _inside(one, member)]
    return [
        str(word)
        for one in _parts(types)
        if isinstance(one, inspect.LiteralType)
        for word in one.values
    ]


def _parts(types: list[inspect.Type]) -> list[inspect.Type]:
    return [
        part
        for one in types
        for part in (one.types if isinstance(one, inspect.UnionType) else [one])
    ]


def _inside(type: inspect.Type, member: str) -> list[inspect.Type]:
    """Return the type of this member, or of the items if it is empty."""
    if isinstance(type, inspect.StructType):
        return [field.type for field in type.fields if field.encode_name == member]
    return [type.item_type] if isinstance(type, inspect.ListType) else []
