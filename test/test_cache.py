"""Files made once: kept, checked, made again when damaged, and made by one process only."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fastreasonseg_ros import cache
from fastreasonseg_ros.errors import ModelError


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "fastreasonseg_ros"


class Builder:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, folder: Path) -> None:
        self.calls += 1
        (folder / "weights.bin").write_bytes(b"abc")


def test_an_entry_is_made_once_and_then_kept(empty_cache):
    build = Builder()
    first = cache.cached("x", build)
    assert cache.cached("x", build) == first == empty_cache / "x"
    assert (first / "weights.bin").read_bytes() == b"abc"
    assert build.calls == 1
    assert cache.is_cached("x")
    assert not cache.is_cached("y")


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "weights.bin").write_bytes(b"abX"),
        lambda folder: (folder / "weights.bin").unlink(),
        lambda folder: (folder / "manifest.json").write_text("{"),
        lambda folder: (folder / "manifest.json").unlink(),
    ],
)
def test_a_damaged_entry_is_made_again(damage):
    build = Builder()
    folder = cache.cached("x", build)
    damage(folder)
    assert not cache.is_cached("x")
    assert (cache.cached("x", build) / "weights.bin").read_bytes() == b"abc"
    assert build.calls == 2


def test_a_file_that_did_not_change_is_read_once(tmp_path, monkeypatch):
    file, read = tmp_path / "weights.bin", []
    file.write_bytes(b"abc")
    real = cache.file_sha256
    monkeypatch.setattr(cache, "file_sha256", lambda path: read.append(path) or real(path))
    first = cache.known_sha256(file)
    assert cache.known_sha256(file) == first == real(file)
    assert len(read) == 2  # so new that it may change within one tick of the clock
    monkeypatch.setattr(cache.time, "time", lambda: file.stat().st_ctime + 10)
    assert [cache.known_sha256(file) for _ in range(3)] == [first] * 3
    assert len(read) == 3
    file.write_bytes(b"abX")
    assert cache.known_sha256(file) == real(file) != first


@pytest.mark.parametrize("sums", ["", "[]", "{", '{"a": 1}', '{"a": [1]}'])
def test_sums_that_cannot_be_read_are_made_anew(empty_cache, tmp_path, sums):
    empty_cache.mkdir()
    (empty_cache / ".sums.json").write_text(sums)
    file = tmp_path / "weights.bin"
    file.write_bytes(b"abc")
    assert cache.known_sha256(file) == cache.file_sha256(file)


def test_a_build_that_fails_leaves_nothing_behind(empty_cache):
    def fail(folder: Path) -> None:
        (folder / "half").write_bytes(b"a")
        raise ModelError("no")

    with pytest.raises(ModelError, match="no"):
        cache.cached("x", fail)
    assert [p.name for p in empty_cache.iterdir()] == [".x.lock"]


def test_a_cache_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(ModelError, match="set XDG_CACHE_HOME"):
        cache.cached("x", Builder())


def test_two_processes_at_once_make_an_entry_once(tmp_path):
    program = f"""
import sys, time
sys.path.insert(0, {str(Path(cache.__file__).parents[2])!r})
from fastreasonseg_ros.cache import cached
def build(folder):
    time.sleep(0.3)
    open({str(tmp_path / "calls")!r}, "a").write("x")
    (folder / "weights.bin").write_bytes(b"abc")
print(cached("y", build))
"""
    running = [subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    places = {process.communicate(timeout=600)[0].strip() for process in running}
    assert len(places) == 1
    assert (tmp_path / "calls").read_text() == "x"
