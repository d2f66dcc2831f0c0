"""Second look at groups of patches: what convexity alone tears apart.

Hollow things (bowls, mugs, pots) show their outside and, behind the rim, their inside. Long things behind another one
show up as two parts. And thin parts (handles, rims) come as scraps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float32, Int32

from ...twin.geometry import footprint, hull, inside_hull, least_squares_plane
from ...twin.types import CameraIntrinsics, Plane
from ..support.surface import Surface
from .grouping import Border

Labels = Int32[np.ndarray, "h w"]


@dataclass(frozen=True)
class Group:
    """One group of patches, as a sample of its points (metres); curvature in 1/m, convex > 0.

    tint: mean of CIELAB's a and b as OpenCV stores them (128 = gray); tints: of every point.
    """

    points: Float32[np.ndarray, "n 3"]
    normals: Float32[np.ndarray, "n 3"]
    area_px: int
    low_m: float
    high_m: float
    curvature: float
    tint: Float32[np.ndarray, "2"]
    tints: Float32[np.ndarray, "n 2"]


@dataclass(frozen=True)
class Scene:
    """What the rules look at."""

    groups: dict[int, Group]
    borders: dict[tuple[int, int], Border]
    labels: Labels
    surface: Surface
    plane: Plane
    camera: CameraIntrinsics

    @cached_property
    def _faces(self) -> dict[int, tuple[np.ndarray, np.ndarray]]:
        return {}

    def face(self, group: int) -> tuple[np.ndarray, np.ndarray]:
        """Largest side of a group, see `_main_face`; most groups are never asked for it."""
        if group not in self._faces:
            self._faces[group] = _main_face(self.groups[group])
        return self._faces[group]


def measure(
    labels: Labels, surface: Surface, height_m: np.ndarray, lab: np.ndarray, known: Mapping[int, Group] = {}
) -> dict[int, Group]:
    """All groups of a label image; lab is the picture in CIELAB (float32).

    known: groups of this picture before some of them were joined; those that did not grow are taken from there.
    """
    flat = labels.ravel()
    areas = np.bincount(flat)
    areas[:1] = 0
    found = dict(_pixels(flat, areas, known))
    fresh = {label: some[:: max(1, len(some) // 250)] for label, some in found.items() if some is not None}
    made = _measured(fresh, areas, surface, height_m, lab) if fresh else {}
    return {label: made[label] if label in made else known[label] for label in found}


def _measured(
    fresh: Mapping[int, np.ndarray], areas: np.ndarray, surface: Surface, height_m: np.ndarray, lab: np.ndarray
) -> dict[int, Group]:
    """Groups by label; fresh: the numbers of some pixels of each, one or more."""
    # All of them at once, one row a pixel: a handful of numpy's calls instead of one for every group.
    count, sizes = len(fresh), np.array([len(pixels) for pixels in fresh.values()])
    of, sample = np.repeat(np.arange(count), sizes), np.concatenate(list(fresh.values()))
    p, n, tints = (i.reshape(-1, 3).take(sample, axis=0) for i in (surface.points, surface.normals, lab))
    heights, tints = height_m.ravel().take(sample), tints[:, 1:]
    seen, faced = np.isfinite(p[:, 2]), np.isfinite(n[:, 2])
    both = seen & faced
    few = np.bincount(of, both, count) < 4
    good = both | (few[of] & seen)
    turns = _curvatures(of[both], p[both], n[both], count)
    firsts = np.cumsum(sizes) - sizes
    heights = heights[np.lexsort((heights, of))]  # NaN sorts last
    known_heights = np.maximum(np.bincount(of, heights == heights, count), 1)
    low, high = (heights[firsts + (share * known_heights).astype(int)].tolist() for share in (0.02, 0.98))
    tint = np.add.reduceat(tints, firsts) / sizes[:, None].astype(np.float32)
    cuts = np.cumsum(np.bincount(of, good, count).astype(int))[:-1]
    ways = np.split(tints[good], cuts)
    parts = zip(fresh, np.split(p[good], cuts), np.split(n[good], cuts), low, high, turns, tint, ways, strict=True)
    return {
        label: Group(points, normals, int(areas[label]), lowest, highest, turn, color, every)
        for label, points, normals, lowest, highest, turn, color, every in parts
    }


def _curvatures(of: np.ndarray, points: np.ndarray, normals: np.ndarray, count: int) -> list[float]:
    """`curvature` of every group 0..count-1; of: which group a point is of."""
    number = np.maximum(np.bincount(of, minlength=count), 1)
    across = spread = np.zeros(count)
    for x, n in zip(points.T.astype(np.float64), normals.T.astype(np.float64), strict=True):
        x = x - (np.bincount(of, x, count) / number)[of]
        across = across + np.bincount(of, x * n, count)  # x adds up to 0: so does x * mean normal
        spread = spread + np.bincount(of, x * x, count)
    return np.where(number < 8, 0.0, across / np.maximum(spread, 1e-9)).tolist()


def _pixels(flat: np.ndarray, areas: np.ndarray, known: Mapping[int, Group]) -> Iterator[tuple[int, np.ndarray | None]]:
    """Every label with its pixels, in order; None for the pixels of a group that is known and did not grow."""
    if known:
        for label in np.flatnonzero(areas).tolist():
            same = label in known and known[label].area_px == areas[label]
            yield label, None if same else np.flatnonzero(flat == label)
        return
    order = np.flatnonzero(flat)
    order = order[np.argsort(flat[order].astype(np.uint16), kind="stable")]
    present = np.flatnonzero(areas)
    yield from zip(present.tolist(), np.split(order, np.cumsum(areas[present])[:-1]), strict=False)


def curvature(points: np.ndarray, normals: np.ndarray) -> float:
    """How normals turn with position, 1/m: 1/radius for a sphere seen from outside, negative from inside."""
    good = np.flatnonzero(np.isfinite(normals[:, 2]))
    if len(good) < 8:
        return 0.0
    dx = points[good]
    dx = dx - dx.mean(axis=0)
    dn = normals[good]
    dn = dn - dn.mean(axis=0)
    return float(np.vdot(dx, dn) / max(float(np.vdot(dx, dx)), 1e-9))


def hollow(scene: Scene, a: int, b: int) -> bool:
    """Whether b is the inside of a: curved inwards, seen over a's rim, and ending at the height of that rim."""
    border = scene.borders.get((min(a, b), max(a, b)))
    if border is None or border.length_px < 6:
        return False
    outer, inner = scene.groups[a], scene.groups[b]
    if inner.curvature > -4.0 or outer.curvature < -4.0:
        return False
    step = max(0.015, 0.2 * (outer.high_m - outer.low_m))
    if abs(outer.high_m - inner.high_m) > step or inner.low_m > outer.high_m - 0.004:
        return False
    # The two together are round from above: the outside's centre is in front of the inside's.
    return float(np.median(outer.points[:, 2])) < float(np.median(inner.points[:, 2]))


def both_inside(scene: Scene, a: int, b: int) -> bool:
    """Whether a and b are pieces of the inside of one hollow thing."""
    border = scene.borders.get((min(a, b), max(a, b)))
    if border is None or border.joined < 0.5 or border.length_px < 4:
        return False
    one, two = scene.groups[a], scene.groups[b]
    if max(one.curvature, two.curvature) > 3.0 or min(one.curvature, two.curvature) > -3.0:
        return False
    if abs(one.high_m - two.high_m) > 0.02:
        return False
    both = curvature(np.concatenate([one.points, two.points]), np.concatenate([one.normals, two.normals]))
    return both < -5.0


def split_by_occluder(scene: Scene, a: int, b: int, max_gap_m: float = 0.2) -> bool:
    """Whether a and b continue each other behind something nearer: same surface, height and tint, gap all covered."""
    one, two = scene.groups[a], scene.groups[b]
    if min(len(one.points), len(two.points)) < 20 or (min(a, b), max(a, b)) in scene.borders:
        return False
    if abs(one.high_m - two.high_m) > 0.02 or float(np.linalg.norm(one.tint - two.tint)) > 30:
        return False
    return _same_surface(scene.face(a), scene.face(b)) and _in_line(scene, a, b) and covered(scene, a, b, max_gap_m)


def _in_line(scene: Scene, a: int, b: int) -> bool:
    """Seen from above, along the line of their centres: both are about as wide, side by side, and the gap is short."""
    flat = [footprint(scene.groups[g].points, scene.plane) for g in (a, b)]
    middle = [np.median(f, axis=0) for f in flat]
    along = middle[1] - middle[0]
    distance = float(np.linalg.norm(along))
    if distance < 1e-3:
        return False
    along /= distance
    across = np.array([-along[1], along[0]], along.dtype)
    (low1, high1), (low2, high2) = (np.quantile(f @ across, [0.05, 0.95]) for f in flat)
    wide1, wide2 = high1 - low1, high2 - low2
    both = max(high1, high2) - min(low1, low2)
    gap = np.quantile(flat[1] @ along, 0.05) - np.quantile(flat[0] @ along, 0.95)
    alike = min(wide1, wide2) > 0.4 * max(wide1, wide2)
    return bool(alike and both < 1.3 * max(wide1, wide2) + 0.015 and gap < 0.2)


def _main_face(group: Group) -> tuple[np.ndarray, np.ndarray]:
    """Points and mean normal of the largest side of a group that is not its top or bottom edge noise."""
    seeds = group.normals[:: max(1, len(group.normals) // 40)]
    votes = (group.normals @ seeds.T > np.cos(np.radians(20))).sum(axis=0)
    near = group.normals @ seeds[int(votes.argmax())] > np.cos(np.radians(25))
    return group.points[near], group.normals[near].mean(axis=0)


def _same_surface(one: tuple[np.ndarray, np.ndarray], two: tuple[np.ndarray, np.ndarray]) -> bool:
    (p1, n1), (p2, n2) = one, two
    if min(len(p1), len(p2)) < 8:
        return False
    if n1 @ n2 < np.cos(np.radians(15)) * np.linalg.norm(n1) * np.linalg.norm(n2):
        return False
    plane1, plane2 = least_squares_plane(p1), least_squares_plane(p2)
    # Both planes are short compared with the gap, so each is judged at the other's centre, with room for its tilt.
    gap = float(np.linalg.norm(p1.mean(axis=0) - p2.mean(axis=0)))
    room = 0.012 + 0.06 * gap
    off1 = abs(float(plane1.height_m(p2.mean(axis=0, keepdims=True))[0]))
    off2 = abs(float(plane2.height_m(p1.mean(axis=0, keepdims=True))[0]))
    return min(off1, off2) < room and max(off1, off2) < 2.5 * room


def covered(scene: Scene, a: int, b: int, max_gap_m: float) -> bool:
    """Whether the straight way between the nearest points of a and b is hidden by something nearer."""
    one, two = scene.groups[a].points, scene.groups[b].points
    middle = two.mean(axis=0)
    left, right = one - middle, two - middle
    squares = np.einsum("ij,ij->i", left, left)[:, None] + np.einsum("ij,ij->i", right, right) - 2 * (left @ right.T)
    i, j = np.unravel_index(int(squares.argmin()), squares.shape)
    if not 0.01 < float(np.linalg.norm(one[i] - two[j])) < max_gap_m:
        return False
    there = scene.surface.points[line_of_sight(scene, one[i], two[j])][:, 2]
    way = np.linspace(one[i], two[j], 24, dtype=np.float32)[2:-2]
    hidden = (there < way[:, 2] - 0.005) | ~np.isfinite(there)  # no depth: the shadow beside an occluder
    solid = there < way[:, 2] - 0.005
    return float(hidden.mean()) > 0.85 and float(solid.mean()) > 0.35


def line_of_sight(scene: Scene, first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of 20 pixels between two points in space, their ends left out."""
    way, k = np.linspace(first, second, 24, dtype=np.float32)[2:-2], scene.camera
    x = np.clip(np.round(way[:, 0] / way[:, 2] * k.fx + k.cx).astype(int), 0, k.width - 1)
    y = np.clip(np.round(way[:, 1] / way[:, 2] * k.fy + k.cy).astype(int), 0, k.height - 1)
    return y, x


def extent_m(points: np.ndarray) -> float:
    """The longest side of the box along the camera's axes around points, metres."""
    return float(np.ptp(points, axis=0).max())


def scrap_of(scene: Scene, b: int, max_area_px: int) -> int | None:
    """The group that a scrap b belongs to: the one it borders most, unless b sticks out of it on top or far away."""
    scrap = scene.groups[b]
    if scrap.area_px > max_area_px:
        return None
    best, length = None, 0
    for (p, q), border in scene.borders.items():
        if b in (p, q) and border.length_px > length:
            best, length = (q if p == b else p), border.length_px
    if best is None or best not in scene.groups or scene.groups[best].area_px < 2 * scrap.area_px:
        return None
    host = scene.groups[best]
    if scrap.high_m > host.high_m + 0.015 or scrap.low_m > host.high_m - 0.003:
        return None
    # Small is enough for a speck; a larger scrap must hang in the air beside its host, and look like it.
    hangs = scrap.low_m > 0.015 and scrap.area_px < 0.15 * host.area_px
    if scrap.area_px > max_area_px / 4 and not (hangs and float(np.linalg.norm(scrap.tint - host.tint)) < 12):
        return None
    corners = hull(footprint(host.points, scene.plane))
    near = inside_hull(footprint(scrap.points, scene.plane), corners, 0.04)
    return best if near.mean() > 0.8 else None
