"""Reads the written layouts: layouts/*.yaml, checked key by key, with the file and the layout in every error.

kitchen_sink:
  about: Washing-up, dirty things left of the sink, clean ones right.
  ground: [1.6, 0.6]                       # metres: width and depth of what is in view of the supporting plane
  camera: {pitch: 40}                      # degrees down
  surfaces:
    shelf: {label: shelf, size: [0.9, 0.02, 0.22], at: [0.5, 0.9], top: 0.55}
  slots:
    - {of: mug|cup, n: 1-3, on: shelf, at: left}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ....errors import DatasetError
from .layout import COLUMNS, LEVELS, MOVES, POSES, ROWS, SIDES, Layout, Slot, Surface

FOLDER = Path(__file__).parent / "layouts"
SPLITS = Path(__file__).parent / "splits.yaml"
_SLOT_KEYS = {"of", "as", "n", "p", "on", "in", "beside", "at", "each", "side", "pose", "pile", "nest", "row", "gap",
              "same", "distinct", "vary", "turned", "moves", "colors"}  # fmt: skip
_PLAIN = ("p", "each", "pile", "nest", "row", "gap", "same", "distinct", "vary", "turned")  # taken over as they are
_SURFACE_KEYS = {"label", "size", "at", "top", "levels", "holds", "front", "deck", "legs", "colors", "shape"}
_LAYOUT_KEYS = {"about", "ground", "camera", "surfaces", "slots", "living"}


class _Loader(yaml.SafeLoader):
    """YAML in which `on` is a word: only true and false are truth values, as in YAML 1.2."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rules if tag != "tag:yaml.org,2002:bool"]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|false)$"), list("tf"))
_WORDS = {*COLUMNS, *ROWS, *LEVELS}


@cache
def load_layouts(folder: Path = FOLDER) -> Mapping[str, Layout]:
    """Every layout by its name. Raises DatasetError that names the file, the layout and the key."""
    found: dict[str, Layout] = {}
    for path in sorted(folder.glob("*.yaml")):
        for name, data in (yaml.load(path.read_text(encoding="utf-8"), _Loader) or {}).items():
            where = f"{path.name}: {name}"
            if name in found:
                raise DatasetError(f"{where}: a layout of this name stands in {found[name].theme}.yaml; rename one")
            try:
                found[name] = _layout(name, path.stem, data, where)
            except (KeyError, TypeError, ValueError) as error:
                raise DatasetError(f"{where}: {type(error).__name__}: {error}; see layout.py for the keys") from error
    return found


@cache
def load_splits(path: Path = SPLITS) -> Mapping[str, str]:
    """train, validation or held_out for every layout; layouts are assigned once, by name.

    Raises DatasetError if a layout has no split or two.
    """
    splits: dict[str, str] = {}
    for split, names in yaml.safe_load(path.read_text(encoding="utf-8")).items():
        for name in names:
            if name in splits:
                raise DatasetError(f"{path.name}: {name} stands in {splits[name]} and in {split}")
            splits[name] = split
    missing = set(load_layouts()) - set(splits)
    if missing:
        raise DatasetError(f"{path.name}: no split is given for {', '.join(sorted(missing))}")
    return splits


def _layout(name: str, theme: str, data: Mapping[str, Any], where: str) -> Layout:
    _known(data, _LAYOUT_KEYS, where)
    camera = data["camera"]
    _known(camera, {"pitch"}, f"{where}: camera")
    surfaces = tuple((k, _surface(v, f"{where}: {k}")) for k, v in data.get("surfaces", {}).items())
    slots: list[Slot] = []
    names = {"ground", *(k for k, _ in surfaces)}
    for entry in data["slots"]:
        slot = _slot(entry, where)
        if slot.target.partition(".")[0] not in names:
            raise ValueError(f"{slot.name} is put {slot.relation} {slot.target}, which no earlier slot or surface is")
        names |= {slot.name, *slot.of}
        slots.append(slot)
    return Layout(
        name,
        theme,
        data["about"],
        tuple(map(float, data["ground"])),
        float(camera["pitch"]),
        tuple(slots),
        surfaces,
        bool(data.get("living", True)),
    )


def _surface(data: Mapping[str, Any], where: str) -> Surface:
    _known(data, _SURFACE_KEYS, where)
    values = dict(data)
    for key in ("label", "colors"):
        values[key] = _alternatives(data.get(key, ""))
    for key in ("size", "at", "levels"):
        if key in data:
            values[key] = tuple(map(float, data[key]))
    surface = Surface(**values)
    if len(surface.size) != 3 or surface.holds not in ("on", "inside"):
        raise ValueError(f"{where}: size is [width, height, depth], holds is on or inside")
    return surface


def _slot(data: Mapping[str, Any], where: str) -> Slot:
    _known(data, _SLOT_KEYS, f"{where}: slot {data.get('of')}")
    values: dict[str, Any] = {k: data[k] for k in _PLAIN if k in data}
    of = _alternatives(data["of"])
    for relation, key in (("on", "on"), ("inside", "in"), ("beside", "beside")):
        if key in data:
            values |= {"target": str(data[key]), "relation": relation}
    at = data.get("at", "")
    if isinstance(at, str):
        values["at"] = tuple(at.split())
        if unknown := set(values["at"]) - _WORDS:
            raise ValueError(f"{of[0]}: {', '.join(unknown)} is no region; one of {', '.join(sorted(_WORDS))}")
    else:
        spots = at if isinstance(at[0], list) else [at]
        values["spots"] = tuple((float(x), float(z)) for x, z in spots)
    fewest, _, most = str(data.get("n", len(values.get("spots", ())) or 1)).partition("-")
    for key, allowed in (("pose", POSES), ("moves", tuple(MOVES)), ("side", SIDES), ("row", ("x", "z"))):
        if key in data and data[key] not in allowed:
            raise ValueError(f"{of[0]}: {key} {data[key]} is none of {', '.join(allowed)}")
        if key in data:
            values[key] = data[key]
    return Slot(
        name=data.get("as", of[0]), of=of, n=(int(fewest), int(most or fewest)),
        colors=_alternatives(data.get("colors", "")), **values,
    )  # fmt: skip


def _alternatives(words: str) -> tuple[str, ...]:
    return tuple(w.strip() for w in words.split("|") if w.strip())


def _known(data: Mapping[str, Any], keys: set[str], where: str) -> None:
    if unknown := set(data) - keys:
        raise DatasetError(f"{where}: unknown key {', '.join(sorted(unknown))}; known are {', '.join(sorted(keys))}")
