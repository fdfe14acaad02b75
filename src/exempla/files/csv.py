"""CSV (RFC 4180): a header, then an example a line. The types of values are lost."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from exempla.arrow.columns import CREATED_AT, ID, UPDATED_AT, Columns
from exempla.clock import rfc3339
from exempla.store import bodies
from exempla.store.bodies import StoredExample

_NOTHING = msgspec.Raw(b"null")
_string = msgspec.json.Decoder(str).decode


def chunks(columns: Columns, parts: Iterable[list[StoredExample]]) -> Iterator[bytes]:
    """Return the header, then the parts, which the columns have learned."""
    names = columns.names
    yield _written([[ID, CREATED_AT, UPDATED_AT, *names]])
    for part in parts:
        yield _written(_row(names, example) for example in part)


def _row(names: Sequence[str], example: StoredExample) -> list[str]:
    id, created_at, updated_at, body = example
    fields = bodies.decode(body)
    cells = [_cell(bytes(fields.get(name, _NOTHING))) for name in names]
    return [id, rfc3339(created_at), rfc3339(updated_at), *cells]


def _cell(value: bytes) -> str:
    """Return a string as it is, nothing for null, else JSON text."""
    if value[:1] == b'"':
        return _string(value)
    return "" if value == b"null" else value.decode()


def _written(rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)  # its lines end with CR LF
    return text.getvalue().encode()
