"""How large a compressed record batch is once it is decompressed, told before that is done.

Each buffer of a compressed body starts with its size (Arrow columnar format, "Compression"), and
Arrow refuses a buffer that turns out to have another. The sizes are found by way of the message's
header, a flatbuffer (Message.fbs of Apache Arrow; flatbuffers.dev, "Internals").
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from exempla.errors import ValidationError
from exempla.flight.protocol import Buffer
from exempla.limits import MAX_DECOMPRESSED_BYTES

_DICTIONARY_BATCH, _RECORD_BATCH = 2, 3
"""The types of a message's header that have a body."""

# The places of the members in their tables.
_HEADER_TYPE, _HEADER = 1, 2
_DATA = 1
_BUFFERS, _COMPRESSION = 2, 3

_NOT_COMPRESSED = -1
"""The size of a buffer that is as it was."""


def check_size(header: Buffer, body: Buffer) -> None:
    """Raise `ValidationError` when decompressing the body would take too much memory.

    `struct.error` or `ValueError` for a header that cannot be read.
    """
    size = sum(_sizes(memoryview(header), memoryview(body)))
    if size > MAX_DECOMPRESSED_BYTES:
        raise ValidationError(
            f"a compressed record batch has {size} bytes once it is decompressed; at most "
            f"{MAX_DECOMPRESSED_BYTES} are allowed; send smaller batches, or do not compress them"
        )


class _Table(NamedTuple):
    """A table of a flatbuffer: where it starts in its bytes."""

    view: memoryview
    start: int

    def member(self, number: int) -> int:
        """Return where a member is; 0 if the table lacks it."""
        members = self.start - _read("<i", self.view, self.start)
        at = 4 + 2 * number
        if at >= _read("<H", self.view, members):
            return 0
        offset = _read("<H", self.view, members + at)
        return self.start + offset if offset else 0

    def table(self, number: int) -> _Table:
        """Return the table that a member leads to."""
        at = self.member(number)
        if not at:
            raise ValueError("a part of the message is missing")
        return _Table(self.view, at + _read("<I", self.view, at))


def _sizes(header: memoryview, body: memoryview) -> Iterator[int]:
    """Yield the sizes of all buffers of a message that is compressed, of others none."""
    message = _Table(header, _read("<I", header, 0))
    at = message.member(_HEADER_TYPE)
    kind = _read("<B", header, at) if at else 0
    if kind not in (_DICTIONARY_BATCH, _RECORD_BATCH):
        return
    batch = message.table(_HEADER)
    if kind == _DICTIONARY_BATCH:
        batch = batch.table(_DATA)
    if not batch.member(_COMPRESSION):
        return
    vector = batch.table(_BUFFERS).start
    for number in range(_read("<I", header, vector)):
        start, stored = struct.unpack_from("<qq", header, vector + 4 + 16 * number)
        if stored:
            size = _read("<q", body, start)
            if size < _NOT_COMPRESSED:
                raise ValueError("a compressed buffer has a size below 0")
            yield stored if size == _NOT_COMPRESSED else size


def _read(form: str, view: memoryview, at: int) -> int:
    if at < 0:  # Python would count from the end
        raise ValueError("an offset leads out of the message")
    found: int = struct.unpack_from(form, view, at)[0]
    return found
