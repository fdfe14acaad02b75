"""End a stream whose client neither sends nor reads on: it holds a place that others need."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

IDLE_S = 300.0
"""How long a client may take for one message."""

LOOK_EVERY_S = 5.0


def patiently(context: Any, messages: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the messages; cancel the call when one takes longer than `IDLE_S` to come or to go."""
    last = time.monotonic()
    over = threading.Event()

    def watch() -> None:
        while not over.wait(LOOK_EVERY_S):
            if time.monotonic() - last > IDLE_S:
                context.cancel()
                return

    threading.Thread(target=watch, name="exempla-patience", daemon=True).start()
    try:
        for message in messages:
            last = time.monotonic()
            yield message
            last = time.monotonic()
            del message  # it may be very large; let go of it before the next one comes
    finally:
        over.set()
