"""The pages of a mapped file are given back, and are still read as before."""

from __future__ import annotations

import mmap
import sys
from pathlib import Path

import pytest

from fastreasonseg_ros.evaluation.benchmark.machine import rss_mb
from fastreasonseg_ros.reasoning.language_models.resident_memory import release_mapped


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the system call is Linux's")
def test_pages_of_a_mapped_file_leave_the_process_and_come_back_when_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(b"weights " * (64 * 2**20 // 8))
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
        for start in range(0, len(mapped), 4096):
            mapped[start]
        full = rss_mb()
        release_mapped(path)
        assert rss_mb() < full - 50
        assert mapped[: 2**20] == b"weights " * (2**20 // 8)
