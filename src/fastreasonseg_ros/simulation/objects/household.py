"""The kinds of household objects, the colours they come in, and how to make one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...errors import ConfigError
from . import food, packages, tools, vessels
from .materials import NAMES, Rgb, shade
from .object_model import ObjectModel

ANY = NAMES
BRIGHT = tuple(n for n in NAMES if n not in ("gray",))
METAL = ("gray",)


@dataclass(frozen=True)
class Kind:
    """Generator of a kind; colors: basic colour names, repeated for a larger probability.

    colorless: transparent, so the ground truth has no colour.
    """

    make: Callable[[np.random.Generator, Rgb], ObjectModel]
    colors: tuple[str, ...] = BRIGHT
    colorless: bool = False


KINDS: dict[str, Kind] = {
    "mug": Kind(vessels.mug),
    "cup": Kind(vessels.cup),
    "teacup": Kind(vessels.tea_cup),
    "bowl": Kind(vessels.bowl),
    "plate": Kind(vessels.plate),
    "glass": Kind(vessels.glass, ("white",), colorless=True),
    "bottle": Kind(vessels.bottle),
    "soap dispenser": Kind(vessels.soap_bottle, ("white", "pink", "green", "blue", "purple", "orange", "black")),
    "jar": Kind(vessels.jar, ("red", "orange", "yellow", "green", "brown", "purple", "white")),
    "can": Kind(vessels.can, ("red", "blue", "green", "black", "orange", "yellow", "purple", "white")),
    "tin": Kind(vessels.tin, ("red", "blue", "green", "yellow", "white", "brown", "orange")),
    "pot": Kind(vessels.pot, ("gray", "gray", "red", "blue", "black", "green", "white")),
    "pan": Kind(vessels.pan, ("black", "black", "gray", "red", "blue")),
    "teapot": Kind(vessels.teapot, ("white", "blue", "green", "brown", "red", "black", "yellow", "pink")),
    "candle": Kind(vessels.candle, ("white", "red", "purple", "pink", "orange", "green", "blue", "yellow")),
    "salt shaker": Kind(vessels.shaker, ("white", "black", "brown", "red", "gray")),
    "cereal box": Kind(
        packages.cereal_box, ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "white")
    ),
    "tea box": Kind(packages.tea_box, ("green", "yellow", "red", "purple", "black", "blue", "orange", "pink")),
    "box": Kind(packages.box_, (*ANY, "brown", "brown")),
    "carton": Kind(packages.carton, ("white", "blue", "green", "red", "orange", "yellow")),
    "canister": Kind(packages.pail, ("white", "gray", "red", "blue", "green", "black", "yellow", "pink")),
    "chips can": Kind(packages.chips_can, ("red", "green", "orange", "blue", "yellow", "purple")),
    "cookie tin": Kind(packages.cookie_tin, ("blue", "red", "brown", "green", "gray", "yellow", "white")),
    "container": Kind(packages.tub, ("white", "yellow", "blue", "green", "red", "gray", "pink", "orange")),
    "book": Kind(packages.book),
    "spoon": Kind(tools.spoon, ("gray", "gray", "gray", "brown", "black")),
    "fork": Kind(tools.fork, METAL),
    "knife": Kind(tools.knife, ("black", "black", "brown", "red", "blue")),
    "spatula": Kind(tools.spatula, ("black", "red", "green", "brown", "orange", "blue", "gray")),
    "hammer": Kind(tools.hammer, ("brown", "red", "yellow", "black", "blue", "orange")),
    "screwdriver": Kind(tools.screwdriver, ("red", "yellow", "blue", "green", "orange", "black")),
    "wrench": Kind(tools.wrench, METAL),
    "scissors": Kind(tools.scissors, ("red", "blue", "black", "orange", "green", "purple", "pink")),
    "tape": Kind(tools.tape, ("gray", "black", "blue", "red", "yellow", "brown", "white", "green")),
    "flashlight": Kind(tools.flashlight, ("black", "yellow", "red", "blue", "green", "gray")),
    "marker": Kind(tools.marker, ("red", "blue", "green", "black", "purple", "orange", "pink", "yellow")),
    "remote control": Kind(packages.remote, ("black", "black", "gray", "white")),
    "phone": Kind(packages.phone, ("black", "black", "white", "blue", "red")),
    "sponge": Kind(packages.sponge, ("yellow", "blue", "green", "pink")),
    "toy block": Kind(packages.toy_block, ("red", "yellow", "green", "blue", "orange", "purple")),
    "ball": Kind(food.ball, ("red", "orange", "yellow", "green", "blue", "purple", "pink", "white")),
    "apple": Kind(food.apple, ("red", "red", "green", "yellow")),
    "orange": Kind(food.orange, ("orange",)),
    "lemon": Kind(food.lemon, ("yellow",)),
    "pear": Kind(food.pear, ("green", "yellow")),
    "tomato": Kind(food.tomato, ("red",)),
    "banana": Kind(food.banana, ("yellow",)),
    "carrot": Kind(food.carrot, ("orange",)),
    "egg": Kind(food.egg, ("white", "brown")),
}


@dataclass(frozen=True)
class SimObject:
    """One object: label (kind), basic colour name (None if transparent) and model."""

    label: str
    color: str | None
    geometry: ObjectModel


def make_object(name: str, rng: np.random.Generator) -> SimObject:
    """Random object of a kind, with optional colour: "mug", "red mug". Raises ConfigError for unknown names."""
    color, kind = _split(name)
    spec = KINDS[kind]
    color = color or str(rng.choice(spec.colors))
    return SimObject(kind, None if spec.colorless else color, spec.make(rng, shade(color, rng)))


def _split(name: str) -> tuple[str | None, str]:
    if name in KINDS:
        return None, name
    color, _, kind = name.partition(" ")
    if color in NAMES and kind in KINDS:
        return color, kind
    raise ConfigError(
        f"no kind of object is called {name!r}; known, with a colour before it or not: {', '.join(KINDS)}"
    )
