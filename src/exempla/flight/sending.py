"""The messages of Flight that send a version."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa

from exempla.arrow.columns import Columns
from exempla.flight import protocol
from exempla.store.bodies import StoredExample


def messages(columns: Columns, parts: Iterable[list[StoredExample]]) -> Iterator[bytes]:
    """Return the schema, then the parts, which the columns have learned, as record batches."""
    schema = columns.schema()
    yield _message(schema.serialize())
    for part in parts:
        yield _message(columns.batch(schema, part).serialize())


def _message(framed: pa.Buffer) -> bytes:
    message = pa.ipc.read_message(framed)
    return protocol.flight_data(message.metadata, message.body or b"")
