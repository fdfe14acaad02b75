"""`If-Match`: write only if what is addressed is still what was seen (RFC 9110, section 13.1.1)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from exempla.errors import InvalidRequest

_TAG = r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"'
_LIST = re.compile(rf"[ \t,]*{_TAG}(?:[ \t]*,[ \t,]*{_TAG})*[ \t,]*")
_TAGS = re.compile(_TAG)


def if_match(lines: Sequence[str]) -> frozenset[str] | None:
    """Return the tags of which one must match, from the lines of the header; None if anything does.

    A weak tag (`W/"..."`) never matches. Raises `InvalidRequest` for what is no list of tags.
    """
    header = ",".join(lines).strip(" \t")
    if not lines or header == "*":
        return None
    if not _LIST.fullmatch(header):
        raise InvalidRequest(
            'If-Match is malformed; send * or the ETag of an answer, as "1-62a", quotes included'
        )
    return frozenset(tag for weak, tag in _TAGS.findall(header) if not weak)


def etag(tag: str) -> str:
    """Write a tag of the store as a strong entity tag (RFC 9110, section 8.8.3)."""
    return f'"{tag}"'
