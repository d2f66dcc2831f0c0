"""What the solver moves about: boxes in the frame of the layout, and the decks that they stand on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ....twin.types import Vector
from .kinds import Kind
from .layout import Slot

WALL_SHARE = 0.08  # of a container's width, on each side
OVERHANG_SHARE = 0.24  # of its own width, by which a thing may stick out beyond a small one that it stands on
TOUCH_M = 0.002  # by which boxes may overlap


@dataclass(eq=False)
class Body:
    """One thing: an axis-aligned box. x, z: its centre; y: its lower side above the ground; metres.

    support: what it rests on, hangs on or lies in; None: the ground, or something that is no instance (fixed).
    """

    kind: Kind
    size: Vector
    x: float
    y: float
    z: float
    color: str | None
    slot: Slot | None = None
    support: Body | None = None
    predicate: str = "on"
    fixed: bool = False
    pose: str = ""
    deck_m: float | None = None
    levels: tuple[float, ...] = ()
    holds: str = "on"
    open: bool = False
    upright: bool = False  # a board on whose front things are fixed
    named: bool = True  # whether it is an instance of the twin
    carries: list[Body] = field(default_factory=list)

    @property
    def label(self) -> str:
        return self.kind.label

    @property
    def top(self) -> float:
        return self.y + self.size[1]

    @property
    def deck(self) -> float:
        """Height of what carries things on it."""
        return self.y + (self.size[1] if self.deck_m is None else self.deck_m)

    @property
    def footprint(self) -> tuple[float, float, float, float]:
        """x0, x1, z0, z1."""
        w, _, d = self.size
        return self.x - w / 2, self.x + w / 2, self.z - d / 2, self.z + d / 2

    def ancestors(self) -> Iterator[Body]:
        body = self.support
        while body is not None:
            yield body
            body = body.support

    def rests_on(self, support: Body | None, predicate: str) -> None:
        self.support, self.predicate = support, predicate
        if support is not None:
            support.carries.append(self)

    def overlaps(self, other: Body, gap: float = -TOUCH_M) -> bool:
        """Whether the boxes share space, or come closer than `gap` sideways and overlap in height."""
        a0, a1, a2, a3 = self.footprint
        b0, b1, b2, b3 = other.footprint
        return (
            a0 < b1 + gap
            and b0 < a1 + gap
            and a2 < b3 + gap
            and b2 < a3 + gap
            and self.y < other.top - TOUCH_M
            and other.y < self.top - TOUCH_M
        )


@dataclass(frozen=True)
class Deck:
    """Where things may stand: a rectangle at a height, with free height above it (metres)."""

    owner: Body | None
    x0: float
    x1: float
    z0: float
    z1: float
    y: float
    clearance: float = 99.0
    predicate: str = "on"
    upright: bool = False  # things are fixed to it: x and y, not x and z, are chosen
    overhang: float = 0.0  # share of a thing's width that may stick out
    rim: float = 0.0  # height up to which a container holds


def decks_of(body: Body, relation: str, level: int = 0) -> list[Deck]:
    """The decks of a thing for what is on it or inside it; `level`: one board of a rack, counted from 1 below."""
    x0, x1, z0, z1 = body.footprint
    w, h, d = body.size
    if body.upright:
        return [Deck(body, x0, x1, z0, z1, body.y, h, "on", True)]
    if body.levels:
        decks = []
        for n, low in enumerate(body.levels):
            high = body.levels[n + 1] - 0.03 if n + 1 < len(body.levels) else max(h - 0.01, low + 0.6)
            decks.append(
                Deck(body, x0 + 0.03 * w, x1 - 0.03 * w, z0 + 0.04 * d, z1 - 0.04 * d, body.y + low, high - low,
                     body.holds)
            )  # fmt: skip
        return [decks[level - 1]] if level else decks
    if relation == "inside":
        m, n, floor = WALL_SHARE * w, WALL_SHARE * d, min(0.02, 0.08 * h)
        return [Deck(body, x0 + m, x1 - m, z0 + n, z1 - n, body.y + floor, 99.0, "inside", rim=body.top)]
    over = 0.0 if body.slot is None else OVERHANG_SHARE
    return [
        Deck(
            body, x0 + 0.02 * w, x1 - 0.02 * w, z0 + 0.02 * d, z1 - 0.02 * d, body.deck, 99.0, body.holds, overhang=over
        )
    ]


def free(body: Body, others: Iterable[Body], gap: float) -> bool:
    """Whether nothing but what it rests on, or in, is in its way."""
    above = set(map(id, body.ancestors()))
    return not any(o is not body and id(o) not in above and body.overlaps(o, gap) for o in others)
