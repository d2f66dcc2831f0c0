"""Memory of this process: how much it has, and giving back what a node freed."""

from __future__ import annotations

import ctypes
import gc
import sys

import psutil


def resident_mb() -> float:
    """Resident memory, 10^6 bytes; nodes in one process share it."""
    return psutil.Process().memory_info().rss / 1e6


def give_back() -> None:
    """Hands freed memory to the system; glibc keeps it otherwise."""
    gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # not in musl
        if trim is not None:
            trim(0)
