"""What a person wrote into the form of an example, and what of it is a change.

Each field is edited as JSON text, or as the text of a string. A field that was left as it was is
not written, so that its value stays to the byte.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Literal, NamedTuple

import msgspec

from exempla.errors import InvalidRequest
from exempla.limits import MAX_NESTING
from exempla.nesting import is_too_deep
from exempla.store import bodies
from exempla.store.bodies import MANAGED, Fields
from exempla.web import values
from exempla.web.text import came_back
from exempla.web.visit import Form

As = Literal["text", "json"]

_BYTE = re.compile(r"\(byte (\d+)\)")
_WHITE = " \t\n\r"


class Edited(NamedTuple):
    """A field of the form."""

    name: str
    kind: As
    text: str
    """What was written: JSON, or the text of a string."""
    wrong: str = ""
    """What is wrong with it, if anything is."""


def field(name: str, value: msgspec.Raw, *, as_json: bool = False) -> Edited:
    """Return the field as the form shows it first."""
    if not as_json and _is_plain(value):
        return Edited(name, "text", values.text_of(value))
    return Edited(name, "json", bytes(value).decode())


def _is_plain(value: msgspec.Raw) -> bool:
    """Tell whether the value is a string that a text field gives back as it is."""
    if values.kind_of(value) != "string":
        return False
    text = values.text_of(value)
    return "\r" not in text and "\0" not in text


def edited(form: Form) -> list[Edited]:
    """Return the fields that were sent, but those for a new field that were left empty."""
    found: list[Edited] = []
    for index in range(len(form)):
        if f"name.{index}" not in form:
            break
        name, text = form.get(f"name.{index}"), form.get(f"value.{index}")
        kind: As = "text" if form.get(f"kind.{index}") == "text" else "json"
        if form.get(f"new.{index}") == "":
            found.append(Edited(came_back(name), kind, text))
        elif name or text.strip():
            found.append(Edited(name, kind, text))
    return found


def pack(body: str) -> str:
    """Return the example as it was seen, in a form that no browser changes."""
    return base64.b64encode(body.encode()).decode()


def unpack(text: str) -> Fields:
    """Read what `pack` wrote."""
    try:
        return bodies.decode(base64.b64decode(text, validate=True).decode())
    except (ValueError, msgspec.MsgspecError):
        raise InvalidRequest("the form cannot be read; load the page again") from None


def changes(seen: Fields, fields: list[Edited]) -> tuple[Fields, list[Edited]]:
    """Return the values of the fields that were changed, and all fields, with what is wrong."""
    changed: Fields = {}
    checked: list[Edited] = []
    for one in fields:
        value, wrong = _read(one)
        if not wrong and (one.name in MANAGED or one.name in changed):
            wrong = "this name is taken; choose another"
        checked.append(one._replace(wrong=wrong))
        if value is not None and not wrong and not _is_as_before(one, seen.get(one.name)):
            changed[one.name] = value
    return changed, checked


def _read(one: Edited) -> tuple[msgspec.Raw | None, str]:
    if one.kind == "text":
        return msgspec.Raw(msgspec.json.encode(one.text)), ""
    text = one.text.strip(_WHITE)
    if not text:
        return None, "write a value: text in double quotes, a number, true, null, [ ] or { }"
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except RecursionError:
        return None, _TOO_DEEP
    except msgspec.DecodeError as error:
        return None, placed(f"this is not JSON: {error}", text)
    if is_too_deep(text.encode()):
        return None, _TOO_DEEP
    return msgspec.Raw(text.encode()), ""


_TOO_DEEP = f"it is nested deeper than {MAX_NESTING} levels"


def placed(message: str, text: str) -> str:
    """Return what is said of this JSON, with the line and the character instead of the byte."""
    match = _BYTE.search(message)
    if not match:
        return message
    before = text.encode()[: int(match[1])].decode(errors="ignore")
    line, character = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
    at = f"line {line}, character {character}" if "\n" in text else f"character {character}"
    said = _BYTE.sub("", message).split("malformed:", 1)[-1].strip()
    return f"this is not JSON, at {at}: {said}"


def _is_as_before(one: Edited, value: msgspec.Raw | None) -> bool:
    if value is None:
        return False
    if one.kind == "text":
        return values.kind_of(value) == "string" and values.text_of(value) == one.text
    return bytes(value).decode().replace("\r\n", "\n") == one.text.strip(_WHITE)


def conflicts(seen: Fields, now: Fields, changed: Mapping[str, msgspec.Raw]) -> list[str]:
    """Return the fields that someone else changed meanwhile, to something else than is wanted."""
    return [
        name
        for name, value in changed.items()
        if now.get(name) != seen.get(name) and now.get(name) != value
    ]
