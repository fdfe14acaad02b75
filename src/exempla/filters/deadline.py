"""How long a search may take: looked at between examples, and within long strings."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_until: ContextVar[float] = ContextVar("until", default=float("inf"))


class OutOfTime(Exception):
    """The search has taken as long as it may."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Let `check` raise `OutOfTime` in this block after so many seconds."""
    token = _until.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _until.reset(token)


def check() -> None:
    """Raise `OutOfTime` when the time is over."""
    if time.monotonic() > _until.get():
        raise OutOfTime
