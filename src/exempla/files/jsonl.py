"""JSONL: each line an example, as the REST API shows it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from exempla.clock import rfc3339
from exempla.store.bodies import StoredExample

_encode = msgspec.json.Encoder().encode
_TO_SPACES = str.maketrans("\r\n", "  ")


def opening(id: str, created_at: int, updated_at: int, body: str) -> str:
    """Return an example's object up to its fields, which the rest of the body follows."""
    return (
        f'{{"id":{_encode(id).decode()},"created_at":"{rfc3339(created_at)}",'
        f'"updated_at":"{rfc3339(updated_at)}"{"," if len(body) > 2 else ""}'
    )


def chunks(parts: Iterable[list[StoredExample]]) -> Iterator[bytes]:
    """Join stored text to lines; no body is parsed.

    Line breaks in a body are white space between values: strings have them as escapes.
    """
    for part in parts:
        lines = [
            opening(id, created_at, updated_at, body) + body[1:].translate(_TO_SPACES)
            if "\n" in body or "\r" in body
            else opening(id, created_at, updated_at, body) + body[1:]
            for id, created_at, updated_at, body in part
        ]
        lines.append("")
        yield "\n".join(lines).encode()
