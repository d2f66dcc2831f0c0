"""Finds room: on decks, in containers, in rows and piles, beside other things. Boxes never share space."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from .bodies import TOUCH_M, Body, Deck, free
from .layout import COLUMNS, LEVELS, ROWS, Slot

_TRIES = 50
_FREE_GAP_M = 0.006  # between things that stand beside each other by chance


def place(rng: Random, body: Body, decks: Sequence[Deck], slot: Slot, bodies: Sequence[Body], spot: int = 0) -> bool:
    """Puts the body somewhere on one of the decks; False where there is no room.

    The slot's region first, then anywhere on the deck. spot: which of the slot's spots is this body's.
    """
    order = list(decks)
    rng.shuffle(order)
    gap = _FREE_GAP_M * min(1.0, max(body.size) / 0.1)
    for wide in (False, True):
        for deck in order:
            if body.size[1] > deck.clearance or (deck.rim and body.size[1] > 4 * (deck.rim - deck.y)):
                continue
            for n in range(_TRIES):
                if not _try(rng, body, deck, slot, wide, n, spot):
                    break
                body.support = deck.owner
                if deck.rim:
                    _settle(body, deck, bodies)
                if free(body, bodies, gap) and (not deck.rim or body.y < deck.rim - 0.2 * (deck.rim - deck.y)):
                    body.support = None
                    body.rests_on(deck.owner, deck.predicate)
                    body.fixed = deck.upright and deck.owner is None
                    return True
        if slot.spots:
            break
    body.support = None
    return False


def _try(rng: Random, body: Body, deck: Deck, slot: Slot, wide: bool, n: int, spot: int) -> bool:
    """Sets a candidate place; False if the body does not fit the deck, turned by 90 degrees or not."""
    lies = body.size[1] <= min(body.size[0], body.size[2])
    turns = (
        body.kind.deck_m is None
        and not slot.pose
        and (body.kind.shape in ("elongated", "irregular") or (body.kind.shape == "flat" and lies))
    )
    if turns and n % 2:
        _turn(body)
    if not _fits(body, deck):
        if turns:
            _turn(body)
        if not _fits(body, deck):
            return False
    w, h, d = _standing(body, deck)
    x0, x1 = _range(deck.x0, deck.x1, _share(slot, COLUMNS, wide), w)
    if deck.upright:
        y0, y1 = _range(deck.y, deck.y + deck.clearance, _share(slot, LEVELS, wide), h)
        body.x, body.y, body.z = rng.uniform(x0, x1), rng.uniform(y0, y1) - h / 2, deck.z0 - body.size[2] / 2
    else:
        z0, z1 = _range(deck.z0, deck.z1, _share(slot, ROWS, wide), d)
        body.x, body.y, body.z = rng.uniform(x0, x1), deck.y, rng.uniform(z0, z1)
    if slot.spots:
        fx, fz = slot.spots[spot % len(slot.spots)]
        shake = 0.004 + 0.02 * n / _TRIES
        wide_x, wide_z = deck.x1 - deck.x0, deck.z1 - deck.z0
        body.x = _between(deck.x0 + (fx + rng.gauss(0, shake)) * wide_x, x0, x1)
        if deck.upright:
            body.y = _between(deck.y + fz * deck.clearance, y0, y1) - h / 2
        else:
            body.z = _between(deck.z0 + (fz + rng.gauss(0, shake)) * wide_z, z0, z1)
    return True


def _standing(body: Body, deck: Deck) -> tuple[float, float, float]:
    """Its size, less what may stick out beyond the deck."""
    w, h, d = body.size
    return w * (1 - deck.overhang), h, d * (1 - deck.overhang)


def _turn(body: Body) -> None:
    body.size = (body.size[2], body.size[1], body.size[0])


def _fits(body: Body, deck: Deck) -> bool:
    w, h, d = _standing(body, deck)
    if deck.upright:
        return w <= deck.x1 - deck.x0 and h <= deck.clearance
    return w <= deck.x1 - deck.x0 and d <= deck.z1 - deck.z0


def _share(slot: Slot, words: dict[str, tuple[float, float]], wide: bool) -> tuple[float, float]:
    said = [words[w] for w in slot.at if w in words]
    return said[0] if said and not wide else (0.0, 1.0)


def _range(low: float, high: float, share: tuple[float, float], size: float) -> tuple[float, float]:
    """Where a centre may be so that a thing of that size stays between low and high; in the share where possible."""
    a, b = low + size / 2, high - size / 2
    c, e = low + share[0] * (high - low), low + share[1] * (high - low)
    c, e = max(a, c), min(b, e)
    return (c, e) if c <= e else ((a, a) if share[1] < 0.5 else (b, b))


def _between(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)


def _settle(body: Body, deck: Deck, bodies: Sequence[Body]) -> None:
    """In a container: down to its floor, or onto what lies there already."""
    below = [b for b in bodies if b.support is deck.owner and b.predicate == "inside"]
    body.y = deck.y
    for other in sorted(below, key=lambda b: b.top):
        if body.overlaps(other):
            body.y = other.top


def line_up(rng: Random, members: list[Body], deck: Deck, slot: Slot, bodies: Sequence[Body]) -> list[Body]:
    """Puts the members in a row along x or z, in the slot's region; those that find room."""
    axis = 0 if slot.row == "x" else 2
    members = [m for m in members if m.size[1] <= deck.clearance]
    across = (deck.z0, deck.z1) if axis == 0 else (deck.x0, deck.x1)
    along = (deck.x0, deck.x1) if axis == 0 else (deck.z0, deck.z1)
    while members and sum(m.size[axis] + slot.gap for m in members) - slot.gap > along[1] - along[0]:
        members = members[:-1]
    for n in range(32):
        wide = n % 8 >= 4  # anywhere on the deck when the region is taken
        if n and n % 8 == 0:  # a shorter row
            members = members[:-1]
        if not members:
            break
        length = sum(m.size[axis] + slot.gap for m in members) - slot.gap
        words = COLUMNS if axis == 0 else ROWS
        low, high = _range(*along, _share(slot, words, wide), length)
        start = rng.uniform(low, high) - length / 2
        deepest = max(m.size[2 - axis] for m in members)
        if deck.upright:
            low, high = _range(
                deck.y, deck.y + deck.clearance, _share(slot, LEVELS, wide), max(m.size[1] for m in members)
            )
        else:
            low, high = _range(*across, _share(slot, ROWS if axis == 0 else COLUMNS, wide), deepest)
        if low > high:
            members = members[:-1]
            continue
        base = rng.uniform(low, high)
        for m in members:
            step = m.size[axis]
            if axis == 0:
                m.x, m.z = start + step / 2, base - (deepest - m.size[2]) / 2
            else:
                m.z, m.x = start + step / 2, base
            m.y = deck.y
            if deck.upright:
                m.y, m.z = base - m.size[1] / 2, deck.z0 - m.size[2] / 2
            start += step + slot.gap
            m.support = deck.owner
        if all(free(m, bodies, 0.0) for m in members):
            for m in members:
                m.support = None
                m.rests_on(deck.owner, deck.predicate)
                m.fixed = deck.upright and deck.owner is None
            return members
        for m in members:
            m.support = None
    return []


def heap(
    rng: Random, base: Body, rest: Sequence[Body], nest: bool, limit_m: float, bodies: Sequence[Body]
) -> list[Body]:
    """Puts the rest on the base, each on the one before; what does not fit on top stays out. Returns those placed."""
    placed, below = [], base
    for body in rest:
        w, h, d = body.size
        if w > below.size[0] * 1.03 or d > below.size[2] * 1.03:
            w, d = d, w
        if w > below.size[0] * 1.03 or d > below.size[2] * 1.03:
            continue
        body.size = (w, h, d)
        slack = 0.0 if nest else 0.25
        body.x = below.x + rng.uniform(-slack, slack) * max(0.0, below.size[0] - w)
        body.z = below.z + rng.uniform(-slack, slack) * max(0.0, below.size[2] - d)
        body.y = below.y + 0.3 * below.size[1] if nest else below.top
        body.support = below
        if body.top > limit_m or not free(body, [b for b in bodies if b is not below], -TOUCH_M):
            body.support = None
            continue
        body.support = None
        body.rests_on(below, "on")
        placed.append(body)
        below = body
    return placed


def set_beside(rng: Random, body: Body, other: Body, slot: Slot, bodies: Sequence[Body]) -> bool:
    """Puts the body beside the other one, on what that one stands on."""
    ox0, ox1, oz0, oz1 = other.footprint
    w, _, d = body.size
    for n in range(12):
        gap = slot.gap + 0.03 * n / 12 * max(1.0, w)
        body.x, body.z = other.x, other.z
        if slot.side in ("left", "right"):
            body.x = ox0 - gap - w / 2 if slot.side == "left" else ox1 + gap + w / 2
            body.z += rng.uniform(-0.05, 0.05) * other.size[2]
        else:
            body.z = oz0 - gap - d / 2 if slot.side == "front" else oz1 + gap + d / 2
            body.x += rng.uniform(-0.05, 0.05) * other.size[0]
        body.y = other.y
        body.support = other.support
        if free(body, bodies, 0.0) and _carried(body, other.support):
            body.support = None
            body.rests_on(other.support, other.predicate)
            body.fixed = other.fixed
            return True
    body.support = None
    return False


def _carried(body: Body, support: Body | None) -> bool:
    """Whether its centre and most of its footprint are over the support."""
    if support is None:
        return True
    x0, x1, z0, z1 = support.footprint
    a0, a1, b0, b1 = body.footprint
    return a0 > x0 - 0.01 and a1 < x1 + 0.01 and b0 > z0 - 0.01 and b1 < z1 + 0.01


def hang(rng: Random, body: Body, hook: Body, bodies: Sequence[Body]) -> bool:
    """Hangs the body under a hook, a bar or a rail: its upper end at the middle of it."""
    body.y = hook.y + hook.size[1] / 2 - body.size[1]
    body.z = hook.z if hook.size[2] > body.size[2] else hook.footprint[3] - body.size[2] / 2
    body.support = hook
    fits = False
    for _ in range(12):
        body.x = hook.x + rng.uniform(-0.5, 0.5) * max(0.0, hook.size[0] - body.size[0])
        fits = body.y > 0.0 and free(body, bodies, 0.0)
        if fits:
            break
    body.support = None
    if fits:
        body.rests_on(hook, "on")
    return fits
