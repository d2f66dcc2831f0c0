"""`fastreasonseg train furniture`: fetches Sweet Home 3D's furniture models, which `train labels --furniture` shows.

They are Debian's package sweethome3d-furniture 1.8 (120 MB; CC0 1.0 and CC-BY 3.0, see its file `copyright`). It is
checked by its SHA-256 and kept in the cache folder; the folder's path is printed.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import shutil
import tarfile
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from ....cache import cached, is_cached
from ....errors import ConfigError
from ....simulation.objects.sweethome.catalog import CATALOGS, read_catalog, read_table

SHA256 = "3ccb90c63f9525e887a767b9cd5c8b6933b8b6b2973a615a5359ee68a2118668"
_POOL = "pool/main/s/sweethome3d-furniture/sweethome3d-furniture_1.8-1_all.deb"
# The second keeps every version for good.
URLS = (f"http://deb.debian.org/debian/{_POOL}", f"https://snapshot.debian.org/archive/debian/20210201T000000Z/{_POOL}")
ENTRY = "sweethome3d-furniture-1.8"


def main(argv: Sequence[str] | None = None) -> int:
    """The command; see --help."""
    parser = argparse.ArgumentParser("fastreasonseg train furniture", description=__doc__)
    parser.add_argument("--deb", type=Path, help="the package's file, where it is already on this machine")
    args = parser.parse_args(argv)
    folder = fetch_furniture(args.deb)
    for catalog in CATALOGS:
        entries = read_catalog(folder / f"{catalog}.sh3f")
        used = sum(key.startswith(f"{catalog}/") for key in read_table())
        print(f"{catalog}: {used} of {len(entries)} models; {next(iter(entries.values())).license}")
    print(folder)
    return 0


def fetch_furniture(deb: Path | None = None) -> Path:
    """The folder with the .sh3f files and `copyright`, from the cache, the given file or Debian. Raises ConfigError."""
    if deb is None and is_cached(ENTRY):
        return cached(ENTRY, lambda _: None)
    data = _read(deb) if deb else _download()
    return cached(ENTRY, lambda folder: unpack(data, folder))


def _read(deb: Path) -> bytes:
    try:
        return _checked(deb.read_bytes(), str(deb))
    except OSError as error:
        raise ConfigError(f"{deb}: cannot be read ({error.strerror}); check the path") from error


def _download() -> bytes:
    problems = []
    for url in URLS:
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:
                return _checked(answer.read(), url)
        except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
            problems.append(f"{url}: {error}")
    raise ConfigError(
        f"the furniture models cannot be downloaded ({'; '.join(problems)}); check the network, or get the file with "
        "`apt-get download sweethome3d-furniture` and give it with --deb"
    )


def _checked(data: bytes, source: str) -> bytes:
    digest = hashlib.sha256(data).hexdigest()
    if digest != SHA256:
        raise ConfigError(
            f"{source}: has sha256 {digest}, not {SHA256}; it was changed or cut off, or is not version 1.8-1"
        )
    return data


def unpack(deb: bytes, folder: Path) -> None:
    """Writes the .sh3f files and `copyright` of a Debian package into a folder. Raises ConfigError."""
    with tarfile.open(fileobj=io.BytesIO(_member(deb, "data.tar")), mode="r:*") as packed:
        for member in packed:
            name = PurePosixPath(member.name).name
            if member.isfile() and (name.endswith(".sh3f") or name == "copyright"):
                source = packed.extractfile(member)
                assert source is not None
                with source, (folder / name).open("wb") as file:
                    shutil.copyfileobj(source, file)


def _member(deb: bytes, start: str) -> bytes:
    """The first file of an `ar` archive whose name begins so; each has a header of 60 bytes and an even length."""
    at = 8
    while deb.startswith(b"!<arch>\n") and at + 60 <= len(deb):
        name, size = deb[at : at + 16].decode("ascii", "replace"), int(deb[at + 48 : at + 58])
        if name.startswith(start):
            return deb[at + 60 : at + 60 + size]
        at += 60 + size + size % 2
    raise ConfigError(f"the package has no {start}; it is not a Debian package, or was cut off")
