"""What a written layout says: the place, its surfaces, and slots that are filled with things.

Frame of a layout: x to the right, y up from the ground (the supporting plane of the twin), z away from the viewer;
metres. x is 0 at the middle of the ground, z is 0 at its near edge. Fractions run from the left and from the near edge.
"""

from __future__ import annotations

from dataclasses import dataclass

POSES = ("stand", "lie", "edge", "lean", "hang", "upside_down", "sit")
MOVES = {  # speeds in m/s of what moves by itself or is moved
    "walk": (0.4, 1.6),
    "run": (1.8, 4.0),
    "crawl": (0.04, 0.2),
    "roll": (0.08, 0.9),
    "drive": (1.5, 9.0),
    "conveyor": (0.08, 0.4),
    "push": (0.3, 1.0),
    "fly": (0.5, 3.0),
}
COLUMNS = {"left": (0.0, 0.38), "centre": (0.3, 0.7), "right": (0.62, 1.0)}
ROWS = {"front": (0.0, 0.38), "middle": (0.3, 0.7), "back": (0.62, 1.0)}
LEVELS = {"bottom": (0.0, 0.35), "middle": (0.3, 0.7), "top": (0.65, 1.0)}  # on something vertical
SIDES = ("left", "right", "front", "back")


@dataclass(frozen=True)
class Surface:
    """Furniture or part of the building that carries things.

    label: alternatives of the instance's label; empty: no instance (a wall, a bench that fills the picture). size:
    width, height, depth, metres. at: centre as fractions of the ground. top: height of its upper side above the ground
    (its own height if it stands there). levels: heights of its boards above its lower side, for racks. holds: relation
    of what it carries. front: things are fixed to its front, as on a pegboard or a wall. deck: height of the part that
    carries, where that is lower than the upper side. legs: what is behind can be seen through it.
    """

    label: tuple[str, ...]
    size: tuple[float, float, float]
    at: tuple[float, float] = (0.5, 0.5)
    top: float | None = None
    levels: tuple[float, ...] = ()
    holds: str = "on"
    front: bool = False
    deck: float | None = None
    legs: bool = False
    colors: tuple[str, ...] = ()
    shape: str = "box"


@dataclass(frozen=True)
class Slot:
    """A place in the layout that is filled with things.

    of: labels to choose from. n: fewest and most. p: chance that the slot is used. target: name of a surface or of an
    earlier slot, or one of its labels ("rack.2": its second level from below); relation: on, inside or beside it.
    at: words of a region; spots: centres as fractions. each: one filling for every member of the target. side: of the
    target, with beside. pose: see POSES. pile: one on the other; nest: pushed into each other; row: along x or z, `gap`
    metres apart. same: all have one label; distinct: all have different ones. vary: how much sizes differ between
    members, as a share. turned: by 90 degrees: what is usually seen from its side is seen from its front. moves: see
    MOVES. colors: instead of the usual ones.
    """

    name: str
    of: tuple[str, ...]
    n: tuple[int, int] = (1, 1)
    p: float = 1.0
    target: str = "ground"
    relation: str = "on"
    at: tuple[str, ...] = ()
    spots: tuple[tuple[float, float], ...] = ()
    each: bool = False
    side: str = "left"
    pose: str = ""
    pile: bool = False
    nest: bool = False
    row: str = ""
    gap: float = 0.02
    same: bool = False
    distinct: bool = False
    vary: float = 0.0
    turned: bool = False
    moves: str = ""
    colors: tuple[str, ...] = ()


@dataclass(frozen=True)
class Layout:
    """A place as it is in real life.

    about: what stands where and why. ground: width and depth of the supporting plane that is in view, metres. pitch:
    degrees that the camera looks down; its height and distance follow: everything is in the picture. living: whether
    hands move things here.
    """

    name: str
    theme: str
    about: str
    ground: tuple[float, float]
    pitch: float
    slots: tuple[Slot, ...]
    surfaces: tuple[tuple[str, Surface], ...] = ()
    living: bool = True
