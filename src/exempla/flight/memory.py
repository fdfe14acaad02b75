"""Give memory back to the system after a stream, which may have needed much."""

from __future__ import annotations

import ctypes
import ctypes.util

import pyarrow as pa

_trim = getattr(ctypes.CDLL(ctypes.util.find_library("c")), "malloc_trim", None)
"""glibc's; other C libraries keep less, and have none."""


def give_back() -> None:
    """Return what Arrow and the C library keep for later use."""
    pa.default_memory_pool().release_unused()
    if _trim is not None:
        _trim(0)
