"""Give memory back to the system after a stream, which may have needed much."""

from __future__ import annotations

import ctypes
import sys

_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
"""glibc's; other C libraries keep less, and have none."""


def give_back() -> None:
    """Return what Arrow, if it is in use, and the C library keep for later."""
    if pyarrow := sys.modules.get("pyarrow"):
        pyarrow.default_memory_pool().release_unused()
    if _trim is not None:
        _trim(0)
