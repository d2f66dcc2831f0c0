"""Files that are made once from other files (merged weights, embeddings): kept in a cache folder, checked at each use.

Two processes may ask for the same entry at once: one makes it, the other waits. A half-written or damaged entry is
made again. Nothing here is needed for good: the whole folder may be deleted at any time.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from .errors import ModelError

_MANIFEST = "manifest.json"
_SUMS = ".sums.json"
_CHUNK = 1 << 22
_SETTLED_S = 2.0  # a file that changed later than this before it was read may change again within one tick of its clock


def cache_dir() -> Path:
    """$XDG_CACHE_HOME/fastreasonseg_ros, else ~/.cache/fastreasonseg_ros."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "fastreasonseg_ros"


def file_sha256(path: Path) -> str:
    """Hex digest of a file, about 1 GB/s. Raises ModelError if it cannot be read."""
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); check the path and its permissions") from error
    return digest.hexdigest()


def known_sha256(path: Path) -> str:
    """As `file_sha256`, read once: remembered in the cache folder for as long as the file's size, times and inode stay.

    A node that was killed is back a second earlier for it. Raises ModelError.
    """
    try:
        status = os.stat(path)
    except OSError:
        return file_sha256(path)  # says why
    stamp = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
    known, key = _read_sums(), os.path.realpath(path)
    if (row := known.get(key)) is not None and row[:-1] == stamp:
        return row[-1]
    digest = file_sha256(path)
    if time.time() - max(status.st_mtime, status.st_ctime) > _SETTLED_S:
        _write_sums({**_read_sums(), key: [*stamp, digest]})
    return digest


def _read_sums() -> dict[str, list]:
    try:
        rows = json.loads((cache_dir() / _SUMS).read_text())
    except (OSError, ValueError):
        return {}
    good = isinstance(rows, dict) and all(isinstance(row, list) and len(row) == 5 for row in rows.values())
    return rows if good else {}


def _write_sums(rows: dict[str, list]) -> None:
    """Of files that are still there; a folder that cannot be written costs time only."""
    with contextlib.suppress(OSError):
        cache_dir().mkdir(parents=True, exist_ok=True)
        part = cache_dir() / f"{_SUMS}.{os.getpid()}"
        part.write_text(json.dumps({path: row for path, row in rows.items() if os.path.exists(path)}, indent=1))
        os.replace(part, cache_dir() / _SUMS)


def cached(name: str, build: Callable[[Path], None]) -> Path:
    """The folder of that name in the cache, with every file as `build(folder)` left it.

    Made by `build` in a temporary folder and moved into place, under a lock, unless an undamaged one is there.
    Raises ModelError if the cache folder cannot be written; what `build` raises goes through.
    """
    entry = cache_dir() / name
    with _locked(entry):
        if not _intact(entry):
            fresh = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=entry.parent))
            try:
                build(fresh)
                _write_manifest(fresh)
                shutil.rmtree(entry, ignore_errors=True)
                os.replace(fresh, entry)
            except OSError as error:
                raise ModelError(
                    f"{entry}: cannot be written ({error.strerror}); free some disk space, or set XDG_CACHE_HOME "
                    "to a folder that can be written"
                ) from error
            finally:
                shutil.rmtree(fresh, ignore_errors=True)
    return entry


def is_cached(name: str) -> bool:
    """Whether the entry is there, with every file as it was made."""
    return _intact(cache_dir() / name)


@contextlib.contextmanager
def _locked(entry: Path) -> Iterator[None]:
    """An exclusive lock between processes; the system lets go of it when its holder dies."""
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        lock = open(entry.parent / f".{entry.name}.lock", "w")  # noqa: SIM115 (held for the whole block)
    except OSError as error:
        raise ModelError(
            f"{entry.parent}: cannot be written ({error.strerror}); set XDG_CACHE_HOME to a folder that can be written"
        ) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _files(folder: Path) -> dict[str, str]:
    return {p.name: known_sha256(p) for p in sorted(folder.iterdir()) if p.is_file() and p.name != _MANIFEST}


def _write_manifest(folder: Path) -> None:
    (folder / _MANIFEST).write_text(json.dumps(_files(folder), indent=1))


def _intact(folder: Path) -> bool:
    """Whether every file is there and unchanged: a damaged weight file costs a day."""
    try:
        wanted = json.loads((folder / _MANIFEST).read_text())
        return isinstance(wanted, dict) and wanted == _files(folder)
    except (OSError, ValueError, ModelError):
        return False
