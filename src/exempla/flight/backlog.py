"""What came of a stream, before its rows are turned into examples.

All of a stream is taken in first, as it comes, into a temporary file: an Arrow IPC stream, which
Flight sends message by message without its frames.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from exempla.errors import InvalidRequest
from exempla.flight.compressed import check_size
from exempla.flight.protocol import Buffer
from exempla.scratch import IN_MEMORY_BYTES, Scratch

if TYPE_CHECKING:
    import pyarrow as pa

_FRAME = struct.Struct("<Ii")
_CONTINUES = 0xFFFFFFFF
_ALIGNMENT = 8


class Backlog(Scratch):
    """Takes the messages of a stream, then gives its batches."""

    def add(self, header: Buffer, body: Buffer) -> None:
        """Take the next message.

        Raises `InvalidRequest` when it cannot be read, `ValidationError` when it is compressed and
        would be too large.
        """
        try:
            check_size(header, body)
        except (struct.error, ValueError) as error:
            raise InvalidRequest(f"the header of a message cannot be read: {error}") from None
        if len(body) > IN_MEMORY_BYTES:
            self._file.rollover()
        padding = -len(header) % _ALIGNMENT
        self._file.write(_FRAME.pack(_CONTINUES, len(header) + padding))
        self._file.write(header)
        self._file.write(bytes(padding))
        self._file.write(body)

    def open(self) -> pa.RecordBatchStreamReader:
        """Return what reads the stream."""
        import pyarrow as pa

        self._file.write(_FRAME.pack(_CONTINUES, 0))
        self._file.seek(0)
        return pa.ipc.open_stream(self._file)

    def check_end(self) -> None:
        """Raise `InvalidRequest` unless all that came was read: a wrong length ends the stream."""
        if self._file.read(1):
            raise InvalidRequest("the stream ends in the middle: a message has a wrong length")
