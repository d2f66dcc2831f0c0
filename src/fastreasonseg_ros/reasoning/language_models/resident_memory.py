"""Memory that a model needs while it is loaded, and not to answer: given back."""

from __future__ import annotations

import ctypes
import mmap
import os
import sys
from pathlib import Path


def release(file: Path) -> None:
    """Takes the pages of a mapped file out of this process; what is read again comes back from the file.

    OpenVINO keeps the weight file mapped after it has packed the weights for the processor: 150 MB that are counted as
    resident and hardly read again. Where the system has no such call, nothing is done.
    """
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    name = os.path.realpath(file)
    for line in Path("/proc/self/maps").read_text().splitlines():
        place, access, *_, path = line.split(maxsplit=5)
        if path == name and access.startswith("r-"):  # never what this process may have written
            first, last = (int(end, 16) for end in place.split("-"))
            libc.madvise(ctypes.c_void_p(first), ctypes.c_size_t(last - first), mmap.MADV_DONTNEED)
