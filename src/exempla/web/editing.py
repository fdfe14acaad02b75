"""What a person wrote into the form of an example, and what of it is a change.

Each field is edited as JSON text, or as the text of a string. A field that was left as it was is
not written, so that its value stays to the byte.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Set
from typing import Literal, NamedTuple

import msgspec

from exempla.errors import InvalidRequest
from exempla.limits import MAX_NESTING
from exempla.nesting import is_too_deep
from exempla.store import bodies
from exempla.store.bodies import MANAGED, Fields
from exempla.web import values
from exempla.web.forms import Form
from exempla.web.text import came_back

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
    is_name_wrong: bool = False
    """Whether that is about its name."""
    choice: str = ""
    """Of a field that someone else changed too: whose value is to stay, `theirs` or `mine`."""
    is_new: bool = False
    """Whether the example had no such field: its name was typed, and still can be."""


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
    """Return the fields that were sent, but those for a new field that were left empty.

    The name of a new field has no spaces around it: they could not be seen in a table.
    """
    found: list[Edited] = []
    for index in range(len(form)):
        if f"name.{index}" not in form:
            break
        name, text = form.get(f"name.{index}"), form.get(f"value.{index}")
        kind: As = "text" if form.get(f"kind.{index}") == "text" else "json"
        if f"new.{index}" not in form:
            choice = form.get(f"choice.{index}")
            found.append(Edited(came_back(name), kind, text, choice=choice))
        elif name.strip() or text.strip():
            found.append(Edited(name.strip(), kind, text, is_new=True))
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


def changes(
    seen: Fields, fields: list[Edited], *, may_lack: bool = False
) -> tuple[Fields, list[Edited]]:
    """Return the values of the fields that were changed, and all fields, with what is wrong.

    What someone else has written and is to stay is neither changed nor looked at. With `may_lack`,
    a field that the form offered and that was left empty is left out.
    """
    changed: Fields = {}
    checked: list[Edited] = []
    taken = {*seen, *(one.name for one in fields if not one.is_new)}
    for one in fields:
        if one.choice == "theirs":
            checked.append(one)
            continue
        is_missing = may_lack and not one.is_new and not one.text.strip()
        value, wrong = (None, "") if is_missing else _read(one)
        wrong_name = _wrong_name(one, taken if one.is_new else changed.keys())
        taken.add(one.name)
        wrong = wrong_name or wrong
        checked.append(one._replace(wrong=wrong, is_name_wrong=bool(wrong_name)))
        if value is not None and not wrong and not _is_as_before(one, seen.get(one.name)):
            changed[one.name] = value
    return changed, checked


def _wrong_name(one: Edited, taken: Set[str]) -> str:
    """Return what is wrong with the name of a field, if anything is."""
    if one.is_new and not one.name:
        return "give the new field a name, or empty its value"
    if one.name in MANAGED:
        return f"the server gives each example its {one.name!r}; choose another name"
    if one.name in taken:
        return f"there is a field {one.name!r} already; change that one, or choose another name"
    return ""


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
