"""Pages: `limit`, opaque cursors, and what an answer says of the next page (contract: pages).

They are keyset pages: a cursor names the last item seen, not a position, so that a page costs
the same anywhere and stays right while others write.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, TypeVar

import msgspec

from exempla.api import fields
from exempla.errors import InvalidRequest
from exempla.ids import ResourceId
from exempla.store.listing import FIRST

DEFAULT_LIMIT = 50
MAX_LIMIT = 100
MAX_EXAMPLES_LIMIT = 500

_EXAMPLES = re.compile(r"examples:([0-9]{1,18}):([0-9]{1,9}):([A-Za-z0-9]{4,32}):([0-9]{1,18})")
_VERSION = r"([0-9]{1,9}):([A-Za-z0-9]{4,32})"
_NUMBER = "([0-9]{1,18})"
_DIFF = re.compile(":".join(["diff", _NUMBER, _VERSION, _VERSION, *[_NUMBER] * 5]))
_NEWEST_FIRST = re.compile(r"([a-z]+(?::[0-9]{1,18})?):([0-9]{1,18})")


class _Numbered(Protocol):
    @property
    def id(self) -> ResourceId: ...


S = TypeVar("S")
T = TypeVar("T", bound=_Numbered)


class Pagination(msgspec.Struct, omit_defaults=True):
    """Whether there is more, and the cursor to ask for it."""

    has_more: bool
    next_cursor: str | None = None


class ExamplesCursor(NamedTuple):
    """The dataset and version that are being read, and the last example seen of them."""

    dataset: int
    version_id: ResourceId
    ordinal: int

    def __str__(self) -> str:
        version = self.version_id
        return _encode(f"examples:{self.dataset}:{version.number}:{version.suffix}:{self.ordinal}")


class DiffCursor(NamedTuple):
    """The versions that are being compared, the last change seen, and how many there were."""

    dataset: int
    base: ResourceId
    head: ResourceId
    ordinal: int
    counts: Sequence[int]
    """So that they are counted once: added, removed, changed, unchanged."""

    def __str__(self) -> str:
        ends = f"{self.base.number}:{self.base.suffix}:{self.head.number}:{self.head.suffix}"
        counts = ":".join(map(str, self.counts))
        return _encode(f"diff:{self.dataset}:{ends}:{self.ordinal}:{counts}")


def limit(value: str | None) -> int:
    """Read the `limit` of a list."""
    return fields.whole_number(value, "limit", DEFAULT_LIMIT, MAX_LIMIT)


def before(cursor: str | None, listed: str, of: ResourceId | None = None) -> int:
    """Read the cursor of a list that is newest first: the number of the last item seen.

    The list is of everything, or of one resource.
    """
    if not cursor:
        return FIRST
    match = _decode(cursor, _NEWEST_FIRST)
    if match[1] != _name(listed, of):
        raise InvalidRequest("cursor is of another list; leave it out to start anew")
    return int(match[2])


def examples_cursor(cursor: str | None) -> ExamplesCursor | None:
    """Read the cursor of a page of examples."""
    if not cursor:
        return None
    match = _decode(cursor, _EXAMPLES)
    version_id = ResourceId("DatasetVersion", int(match[2]), match[3])
    return ExamplesCursor(int(match[1]), version_id, int(match[4]))


def place(
    cursor: str | None, dataset: ResourceId, version_id: ResourceId | None
) -> tuple[ResourceId | None, int]:
    """Return the version that is read, and the ordinal after which the page begins.

    The version is the one asked for, else that of the cursor; raises `InvalidRequest` where both
    are there and differ.
    """
    begun = examples_cursor(cursor)
    if begun is None:
        return version_id, 0
    if begun.dataset != dataset.number or begun.version_id != (version_id or begun.version_id):
        raise InvalidRequest("cursor belongs to another version; leave it out to start anew")
    return begun.version_id, begun.ordinal


def diff_cursor(cursor: str | None) -> DiffCursor | None:
    """Read the cursor of a page of changes."""
    if not cursor:
        return None
    dataset, base, base_suffix, head, head_suffix, ordinal, *counts = _decode(
        cursor, _DIFF
    ).groups()
    return DiffCursor(
        int(dataset),
        ResourceId("DatasetVersion", int(base), base_suffix),
        ResourceId("DatasetVersion", int(head), head_suffix),
        int(ordinal),
        [int(count) for count in counts],
    )


def newest_first(
    found: Sequence[T], limit: int, listed: str, of: ResourceId | None = None
) -> tuple[Sequence[T], Pagination]:
    """Cut what was asked for as `limit + 1` items to a page, and say what follows it.

    The items have an `id` and come newest first.
    """
    return cut(found, limit, listed, lambda one: one.id.number, of)


def cut(
    found: Sequence[S],
    limit: int,
    listed: str,
    number: Callable[[S], int],
    of: ResourceId | None = None,
) -> tuple[Sequence[S], Pagination]:
    """Do the same for items whose number this function tells."""
    page = found[:limit]
    return page, following(page, len(found) > limit, listed, number, of)


def following(
    page: Sequence[S],
    has_more: bool,
    listed: str,
    number: Callable[[S], int],
    of: ResourceId | None = None,
) -> Pagination:
    """Say what follows a page of a list that is newest first."""
    if not has_more:
        return Pagination(has_more=False)
    return Pagination(True, _encode(f"{_name(listed, of)}:{number(page[-1])}"))


def _name(listed: str, of: ResourceId | None) -> str:
    return f"{listed}:{of.number}" if of else listed


def _encode(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(cursor: str, form: re.Pattern[str]) -> re.Match[str]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        text = base64.urlsafe_b64decode(padded).decode("ascii")
        match = form.fullmatch(text) if _encode(text) == cursor else None
    except (binascii.Error, ValueError):
        match = None
    if not match:
        raise InvalidRequest(
            "cursor is not valid; use next_cursor of the previous page, or leave it out"
        )
    return match
