"""Mapped files are given back, and are still read as before."""

from __future__ import annotations

import mmap
import sys

import pytest

from fastreasonseg_ros.evaluation.benchmark.machine import rss_mb
from fastreasonseg_ros.reasoning.language_models.resident_memory import release


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the system call is Linux's")
def test_pages_of_a_mapped_file_leave_the_process_and_come_back_when_they_are_read(tmp_path):
    path = tmp_path / "weights.bin"
    path.write_bytes(b"weights " * (64 * 2**20 // 8))
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
        before = mapped[:]
        del before
        for start in range(0, len(mapped), 4096):
            mapped[start]
        full = rss_mb()
        release(path)
        assert rss_mb() < full - 50
        assert mapped[: 2**20] == b"weights " * (2**20 // 8)
