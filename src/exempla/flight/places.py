"""How many streams there may be at the same time: in all, and of one key."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from exempla.errors import RateLimited

STREAMS = 32
STREAMS_OF_A_KEY = 8


class Places:
    """Counts the streams under way."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: Counter[int] = Counter()

    @contextmanager
    def one(self, key: int) -> Iterator[None]:
        """Hold a place for a stream of this key; raise `RateLimited` when there is none."""
        with self._lock:
            if self._taken[key] >= STREAMS_OF_A_KEY:
                raise RateLimited(
                    f"this key has {STREAMS_OF_A_KEY} streams under way, as many as a key may "
                    "have; try again when one has ended"
                )
            if self._taken.total() >= STREAMS:
                raise RateLimited(
                    f"{STREAMS} streams are under way, as many as there may be; try again later"
                )
            self._taken[key] += 1
        try:
            yield
        finally:
            with self._lock:
                self._taken[key] -= 1
                self._taken += Counter()  # drops those that have none
