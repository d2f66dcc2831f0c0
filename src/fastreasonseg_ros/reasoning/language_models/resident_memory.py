"""Resident memory that a model file holds after it was loaded, given back to the system."""

from __future__ import annotations

import ctypes
import mmap
import os
import sys
from pathlib import Path


def release_mapped(file: Path) -> None:
    """Drops the resident pages of a file that this process has mapped read-only; they are read again when needed.

    OpenVINO keeps the weight file mapped after it has packed the weights for the processor: 136 MiB that count as
    resident and are hardly read again (madvise(2), MADV_DONTNEED). Nothing is done on other systems than Linux.
    """
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    name = os.path.realpath(file)
    for line in Path("/proc/self/maps").read_text().splitlines():
        addresses, access, *_, path = line.split(maxsplit=5)
        if path == name and access.startswith("r-"):  # pages that were written would be lost
            first, last = (int(end, 16) for end in addresses.split("-"))
            libc.madvise(ctypes.c_void_p(first), ctypes.c_size_t(last - first), mmap.MADV_DONTNEED)
