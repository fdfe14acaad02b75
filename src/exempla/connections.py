"""What one connection may hold, and for how long: uvicorn bounds neither itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_WITHIN_S = 30.0
"""How long the first line and the headers of a request may take, from their first byte on.

Of the first request of a connection: from its beginning on.
"""

BODY_WITHIN_S = 600.0
"""How long a body may take."""

IDLE_S = 60.0
"""How long a client may pause while it sends a body, or reads an answer."""

MAX_HEAD_BYTES = 64 * 1024
"""Bytes of the first line and the headers of a request; more is `431`."""

_TOO_LARGE = f"The headers are over {MAX_HEAD_BYTES // 1024} KiB; send fewer or shorter ones.\n"


class Connection(HttpToolsProtocol):
    """Serves one connection, and knows for how long it has been waiting for its client."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the head of the first request."""
        super().connection_made(transport)
        self._heard_at = self.loop.time()
        self._head_since: float | None = self._heard_at
        self._body_since: float | None = None
        self._heads = self._head_bytes = self._chunk = self._unsent = 0
        self._is_too_large = False

    def data_received(self, data: bytes) -> None:
        """Take what came, unless it is more of a head than may be."""
        self._heard_at = self.loop.time()
        self._chunk = len(data)
        heads = self._heads
        super().data_received(data)
        if self._head_since is not None and heads == self._heads:
            self._head_bytes += self._chunk
            if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
                self._is_too_large = True
                self.send_400_response("")

    def on_message_begin(self) -> None:
        """Begin to wait for the head of a request."""
        super().on_message_begin()
        self._heads += 1
        self._head_bytes = 0
        if self._head_since is None:
            self._head_since = self._heard_at

    def on_headers_complete(self) -> None:
        """Serve the request, whose body is yet to come, unless its head is too large."""
        self._head_since = None
        self._body_since = self._heard_at
        if self._head_bytes or self._chunk > MAX_HEAD_BYTES:
            size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
            if size > MAX_HEAD_BYTES:
                self._is_too_large = True
                raise ValueError("the parser shall stop")
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Wait for nothing more of this request."""
        self._body_since = None
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP; or, with `431`, a head that is too large."""
        if not self._is_too_large:
            super().send_400_response(msg)
            return
        lines = [
            "HTTP/1.1 431 Request Header Fields Too Large",
            "content-type: text/plain; charset=utf-8",
            f"content-length: {len(_TOO_LARGE)}",
            "connection: close",
            "",
            _TOO_LARGE,
        ]
        self.transport.write("\r\n".join(lines).encode())
        self.transport.close()

    def is_over(self, now: float) -> bool:
        """Tell whether the client has taken too long; asked every second."""
        if self._head_since is not None and not self.transport.is_closing():
            return now - self._head_since > HEAD_WITHIN_S
        before, self._unsent = self._unsent, self.transport.get_write_buffer_size()
        if self._unsent < before:  # it reads on
            self._heard_at = now
        if self.flow.write_paused or self.transport.is_closing():
            return now - self._heard_at > IDLE_S
        if self._body_since is None or self.flow.read_paused:  # it is the server's turn
            self._heard_at = now
            return False
        return now - self._heard_at > IDLE_S or now - self._body_since > BODY_WITHIN_S


def end_those_over(connections: Iterable[Any], now: float) -> None:
    """End the connections whose clients have taken too long."""
    for connection in list(connections):
        if isinstance(connection, Connection) and connection.is_over(now):
            connection.transport.abort()
