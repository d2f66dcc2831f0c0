"""The catalogues of Sweet Home 3D's furniture files (.sh3f, zip), and the table of the models that are used."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from ....errors import ConfigError, DatasetError

TABLE = Path(__file__).parent / "models.txt"
CATALOGS = ("BlendSwap-CC-0", "BlendSwap-CC-BY", "KatorLegaz", "Scopia")
LONGEST_M = 0.5
_LISTING = "PluginFurnitureCatalog.properties"
_NUMBERED = re.compile(r"(\w+)#(\d+)=(.*)")
_ROW = re.compile(r"([\w-]+/[\w-]+): ([a-z][a-z -]*[a-z])( \*)?")


@dataclass(frozen=True)
class Entry:
    """One model of a catalogue. size_m: width (x), depth (y) and height (z), metres.

    file: the OBJ within the archive. turn: 3x3 rotation of the OBJ's axes (y up) by rows, applied before it is scaled.
    """

    archive: Path
    file: str
    name: str
    creator: str
    license: str
    size_m: tuple[float, float, float]
    turn: tuple[float, ...]


def read_catalog(archive: Path) -> dict[str, Entry]:
    """{id: model} of a .sh3f file. Raises ConfigError for one that is missing or damaged."""
    try:
        with ZipFile(archive) as packed:
            # Java's .properties files are Latin-1.
            lines = packed.read(_LISTING).decode("latin-1").splitlines()
    except (OSError, BadZipFile, KeyError) as error:
        raise ConfigError(
            f"{archive}: no usable furniture catalogue ({error}); `fastreasonseg train furniture` fetches it, and its "
            "folder is what to give"
        ) from error
    license = next((line.partition("=")[2].strip() for line in lines if line.startswith("license=")), "")
    rows: dict[str, dict[str, str]] = {}
    for match in filter(None, map(_NUMBERED.fullmatch, (line.strip() for line in lines))):
        rows.setdefault(match[2], {})[match[1]] = match[3]
    return {row["id"].rpartition("#")[2]: _entry(archive, row, license) for row in rows.values() if "model" in row}


def _entry(archive: Path, row: Mapping[str, str], license: str) -> Entry:
    try:
        width, depth, height = (float(row[k]) / 100 for k in ("width", "depth", "height"))
        turn = tuple(float(v) for v in row.get("modelRotation", "1 0 0 0 1 0 0 0 1").split())
        if len(turn) != 9:
            raise ValueError(f"{len(turn)} numbers instead of 9")
    except (KeyError, ValueError) as error:
        raise DatasetError(f"{archive}: {row.get('id')} has no usable size or rotation ({error})") from error
    file = row["model"].lstrip("/")
    return Entry(archive, file, row["name"], row.get("creator", ""), license, (width, depth, height), turn)


@cache
def read_table(path: Path = TABLE) -> Mapping[str, tuple[str, bool]]:
    """{CATALOGUE/ID: (kind, whether it is held out)} of the models to use. Raises DatasetError naming file and line."""
    table: dict[str, tuple[str, bool]] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        match = _ROW.fullmatch(text)
        if match is None or match[1] in table:
            raise DatasetError(f"{path}:{number}: expected 'CATALOGUE/ID: kind', once, with * or not; got {line!r}")
        table[match[1]] = match[2], match[3] is not None
    return table
