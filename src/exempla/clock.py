"""Time, as the store keeps it (integer microseconds since 1970, UTC) and as clients read it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache

MICROSECONDS = 1_000_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

MAX_TIME = 32_503_680_000 * MICROSECONDS
"""Times of examples lie before the year 3000: what is later is a mistake of units."""


def now() -> int:
    """Return the present time in microseconds since 1970-01-01T00:00:00Z."""
    return time.time_ns() // 1_000


def microseconds(moment: datetime) -> int:
    """Return a time that has a zone in microseconds since 1970."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


@lru_cache(maxsize=4_096)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def rfc3339(microseconds: int) -> str:
    """Write a time as RFC 3339 UTC with six decimals, as `2026-01-31T09:30:00.000001Z`."""
    seconds, fraction = divmod(microseconds, MICROSECONDS)
    return f"{_second(seconds)}.{fraction:06d}Z"
