"""Rules for single values that several resources share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from exempla import clock
from exempla.errors import InvalidRequest, ValidationError
from exempla.ids import Kind, ResourceId, parse_id
from exempla.limits import MAX_DESCRIPTION_LENGTH, MAX_ITEMS, MAX_NAME_LENGTH

T = TypeVar("T", bound=str)

_WHOLE_NUMBER = re.compile(r"-?[0-9]+")


def name(value: str, field: str = "name", longest: int = MAX_NAME_LENGTH) -> str:
    """Return a name that is not blank and not too long, or raise `ValidationError`."""
    if not value.strip():
        raise ValidationError(f"{field} is blank; give it at least one visible character")
    return text(value, field, longest)


def description(value: str | None) -> str:
    """Return a description that is not too long, empty for null, or raise `ValidationError`."""
    return text(value or "", "description", MAX_DESCRIPTION_LENGTH)


def text(value: str, field: str, longest: int) -> str:
    """Return a text that is not too long and free of U+0000, or raise `ValidationError`."""
    if len(value) > longest:
        raise ValidationError(f"{field} has {len(value)} characters; at most {longest} are allowed")
    if "\0" in value:
        raise ValidationError(f"{field} contains the character U+0000, which is not allowed")
    return value


def part_of_name(value: str | None, field: str) -> str:
    """Return the part of a name to search for; none if omitted."""
    return text(value, field, MAX_NAME_LENGTH) if value else ""


def optional_id(value: str | None, kind: Kind, field: str) -> ResourceId | None:
    """Read an id that may be omitted; an empty string counts as omitted."""
    return parse_id(value, kind, field) if value else None


def moment(value: str | None, field: str, default: int) -> int:
    """Read a query parameter that is a time (ISO 8601; UTC if it names no zone)."""
    if not value:
        return default
    try:
        read = datetime.fromisoformat(value)
        return clock.microseconds(read if read.tzinfo else read.replace(tzinfo=UTC))
    except ValueError:
        raise InvalidRequest(
            f"{field} must be a time, as in 2030-01-31T09:30:00Z, not {value[:40]!r}"
        ) from None


def one_of(value: str | None, allowed: tuple[T, ...], field: str) -> T | None:
    """Read a query parameter that is one of a few words; None if omitted."""
    if not value:
        return None
    for word in allowed:
        if word == value:
            return word
    raise ValidationError(f"{field} must be one of {', '.join(allowed)}")


def count_of(items: Sequence[object], field: str) -> None:
    """Raise `ValidationError` unless the list has 1 to `MAX_ITEMS` items."""
    if not items:
        raise ValidationError(f"{field} is empty; give 1 to {MAX_ITEMS} items")
    if len(items) > MAX_ITEMS:
        raise ValidationError(
            f"{field} has {len(items)} items; give at most {MAX_ITEMS}, in several requests"
        )


def whole_number(value: str | None, field: str, default: int, highest: int) -> int:
    """Read a query parameter that is a whole number from 1 to `highest`."""
    if not value:
        return default
    if not _WHOLE_NUMBER.fullmatch(value):
        raise InvalidRequest(f"{field} must be a whole number, not {value[:40]!r}")
    return in_range(int(value[:20]), field, highest)


def number(text: str, what: str) -> int | float:
    """Read a number that was written into a form."""
    try:
        found: int | float = msgspec.json.decode(text.strip(), type=int | float)
    except msgspec.MsgspecError:
        raise ValidationError(f"{what} must be a number, as in 0.5, not {text[:40]!r}") from None
    return found


def in_range(value: int, field: str, highest: int) -> int:
    """Return the number if it lies from 1 to `highest`, else raise `ValidationError`."""
    if not 1 <= value <= highest:
        raise ValidationError(f"{field} is {value}; it must lie from 1 to {highest}")
    return value
