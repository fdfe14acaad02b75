"""Pages: `limit`, opaque cursors, and what an answer says of the next page (contract: pages).

They are keyset pages: a cursor names the last item seen, not a position, so that a page costs
the same anywhere and stays right while others write.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from typing import NamedTuple, Protocol, TypeVar

import msgspec

from exempla.api import fields
from exempla.errors import InvalidRequest
from exempla.ids import ResourceId
from exempla.store.listing import FIRST

DEFAULT_LIMIT = 50
MAX_LIMIT = 100
MAX_EXAMPLES_LIMIT = 500

_EXAMPLES = re.compile(r"Examples:([0-9]{1,9}):([A-Za-z0-9]{4,32}):([0-9]{1,18})")
_NEWEST_FIRST = re.compile(r"NewestFirst:([0-9]{1,18})")


class _Numbered(Protocol):
    @property
    def id(self) -> ResourceId: ...


T = TypeVar("T", bound=_Numbered)


class Pagination(msgspec.Struct, omit_defaults=True):
    """Whether there is more, and the cursor to ask for it."""

    has_more: bool
    next_cursor: str | None = None


class ExamplesCursor(NamedTuple):
    """The version that is being read, and the last example seen of it."""

    version_id: ResourceId
    ordinal: int

    def __str__(self) -> str:
        version = self.version_id
        return _encode(f"Examples:{version.number}:{version.suffix}:{self.ordinal}")


def limit(value: str | None) -> int:
    """Read the `limit` of a list."""
    return fields.whole_number(value, "limit", DEFAULT_LIMIT, MAX_LIMIT)


def before(cursor: str | None) -> int:
    """Read the cursor of a list that is newest first: the number of the last item seen."""
    return int(_decode(cursor, _NEWEST_FIRST)[1]) if cursor else FIRST


def examples_cursor(cursor: str | None) -> ExamplesCursor | None:
    """Read the cursor of a page of examples."""
    if not cursor:
        return None
    match = _decode(cursor, _EXAMPLES)
    return ExamplesCursor(ResourceId("DatasetVersion", int(match[1]), match[2]), int(match[3]))


def newest_first(found: Sequence[T], limit: int) -> tuple[Sequence[T], Pagination]:
    """Cut what was asked for as `limit + 1` items to a page, and say what follows it.

    The items have an `id` and come newest first.
    """
    page = found[:limit]
    if len(found) <= limit:
        return page, Pagination(has_more=False)
    return page, Pagination(True, _encode(f"NewestFirst:{page[-1].id.number}"))


def _encode(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(cursor: str, form: re.Pattern[str]) -> re.Match[str]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        match = form.fullmatch(base64.urlsafe_b64decode(padded).decode("ascii"))
    except (binascii.Error, ValueError):
        match = None
    if not match:
        raise InvalidRequest(
            "cursor is not valid; use next_cursor of the previous page, or leave it out"
        )
    return match
