"""The furniture models come from a Debian package that is checked before it is unpacked."""

from __future__ import annotations

import hashlib
import io
import tarfile

import pytest

from fastreasonseg_ros.errors import ConfigError
from fastreasonseg_ros.training.perception.names import furniture


def package(files: dict[str, bytes]) -> bytes:
    """A Debian package: an `ar` archive of debian-binary and data.tar.xz."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:xz") as packed:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            packed.addfile(info, io.BytesIO(content))
    out = b"!<arch>\n"
    for name, content in (("debian-binary", b"2.0"), ("data.tar.xz", data.getvalue())):
        out += f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode() + content
        out += b"\n" * (len(content) % 2)
    return out


DEB = package({"./usr/share/a/Scopia.sh3f": b"models", "./usr/share/doc/copyright": b"CC", "./usr/bin/x": b"no"})


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(furniture, "SHA256", hashlib.sha256(DEB).hexdigest())
    return tmp_path


def test_catalogues_and_licences_are_unpacked_once(cache, monkeypatch):
    (cache / "p.deb").write_bytes(DEB)
    folder = furniture.fetch_furniture(cache / "p.deb")
    assert {p.name: p.read_bytes() for p in folder.iterdir() if p.suffix != ".json"} == {
        "Scopia.sh3f": b"models",
        "copyright": b"CC",
    }
    monkeypatch.setattr(furniture, "URLS", ())
    assert furniture.fetch_furniture() == folder  # without a network


def test_a_changed_package_is_refused(cache):
    (cache / "p.deb").write_bytes(DEB + b" ")
    with pytest.raises(ConfigError, match=r"p\.deb: has sha256"):
        furniture.fetch_furniture(cache / "p.deb")
    with pytest.raises(ConfigError, match=r"none\.deb"):
        furniture.fetch_furniture(cache / "none.deb")


def test_without_a_network_the_command_says_what_else_helps(cache, monkeypatch):
    monkeypatch.setattr(furniture, "URLS", ("http://127.0.0.1:9/a.deb", "http://127.0.0.1:9/b.deb"))
    with pytest.raises(ConfigError, match=r"a\.deb.*b\.deb.*apt-get download.*--deb"):
        furniture.fetch_furniture()


def test_what_is_no_package_is_refused(tmp_path):
    for data in (b"PK nothing", b"!<arch>\n"):
        with pytest.raises(ConfigError, match="not a Debian package"):
            furniture.unpack(data, tmp_path)
