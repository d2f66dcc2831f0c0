"""Merges groups of patches that convexity alone over-segments.

Hollow objects (bowls, mugs, pots) appear as outside and inside. Long objects behind an occluder appear as two parts.
Thin parts (handles, rims) appear as fragments.
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
    """One group of patches: sampled points (metres, camera frame) and normals, area, 2nd and 98th percentile of height.

    curvature: 1/m, convex > 0. mean_ab: mean CIELAB (a, b) as stored by OpenCV (128 = gray); ab: of every point.
    """

    points: Float32[np.ndarray, "n 3"]
    normals: Float32[np.ndarray, "n 3"]
    area_px: int
    low_m: float
    high_m: float
    curvature: float
    mean_ab: Float32[np.ndarray, "2"]
    ab: Float32[np.ndarray, "n 2"]


@dataclass(frozen=True)
class Scene:
    """Input of the merging rules."""

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
        """Largest side of a group, see `_main_face`; computed on demand."""
        if group not in self._faces:
            self._faces[group] = _main_face(self.groups[group])
        return self._faces[group]


def measure(
    labels: Labels, surface: Surface, height_m: np.ndarray, lab: np.ndarray, known: Mapping[int, Group] = {}
) -> dict[int, Group]:
    """All groups of a label image; lab is the image in CIELAB (float32).

    known: groups of this image before the last merge; unchanged ones are reused.
    """
    flat = labels.ravel()
    areas = np.bincount(flat)
    areas[:1] = 0
    found = dict(_pixels(flat, areas, known))
    fresh = {label: pixels[:: max(1, len(pixels) // 250)] for label, pixels in found.items() if pixels is not None}
    made = _measured(fresh, areas, surface, height_m, lab) if fresh else {}
    return {label: made[label] if label in made else known[label] for label in found}


def _measured(
    fresh: Mapping[int, np.ndarray], areas: np.ndarray, surface: Surface, height_m: np.ndarray, lab: np.ndarray
) -> dict[int, Group]:
    """Groups by label; fresh: flat indices of one or more sampled pixels of each."""
    # Vectorised over all groups, one row per pixel.
    count, sizes = len(fresh), np.array([len(pixels) for pixels in fresh.values()])
    group_of, sample = np.repeat(np.arange(count), sizes), np.concatenate(list(fresh.values()))
    p, n, ab = (i.reshape(-1, 3).take(sample, axis=0) for i in (surface.points, surface.normals, lab))
    heights, ab = height_m.ravel().take(sample), ab[:, 1:]
    has_point, has_normal = np.isfinite(p[:, 2]), np.isfinite(n[:, 2])
    combined = has_point & has_normal
    few = np.bincount(group_of, combined, count) < 4
    good = combined | (few[group_of] & has_point)
    curvatures = _curvatures(group_of[combined], p[combined], n[combined], count)
    firsts = np.cumsum(sizes) - sizes
    heights = heights[np.lexsort((heights, group_of))]  # NaN sorts last
    known_heights = np.maximum(np.bincount(group_of, heights == heights, count), 1)
    low, high = (heights[firsts + (share * known_heights).astype(int)].tolist() for share in (0.02, 0.98))
    mean_ab = np.add.reduceat(ab, firsts) / sizes[:, None].astype(np.float32)
    cuts = np.cumsum(np.bincount(group_of, good, count).astype(int))[:-1]
    colors = np.split(ab[good], cuts)
    parts = zip(
        fresh, np.split(p[good], cuts), np.split(n[good], cuts), low, high, curvatures, mean_ab, colors, strict=True
    )
    return {
        label: Group(points, normals, int(areas[label]), lowest, highest, curvature_of_group, color, colors_of_points)
        for label, points, normals, lowest, highest, curvature_of_group, color, colors_of_points in parts
    }


def _curvatures(group_of: np.ndarray, points: np.ndarray, normals: np.ndarray, count: int) -> list[float]:
    """`curvature` of every group 0..count-1; of: group of each point."""
    number = np.maximum(np.bincount(group_of, minlength=count), 1)
    across = spread = np.zeros(count)
    for x, n in zip(points.T.astype(np.float64), normals.T.astype(np.float64), strict=True):
        x = x - (np.bincount(group_of, x, count) / number)[group_of]
        across = across + np.bincount(group_of, x * n, count)  # sum(x) = 0, so the mean normal cancels
        spread = spread + np.bincount(group_of, x * x, count)
    return np.where(number < 8, 0.0, across / np.maximum(spread, 1e-9)).tolist()


def _pixels(flat: np.ndarray, areas: np.ndarray, known: Mapping[int, Group]) -> Iterator[tuple[int, np.ndarray | None]]:
    """Every label with its flat pixel indices, in order; None for groups in `known` of unchanged area."""
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
    """Mean curvature from normals over positions, 1/m: 1/radius for a sphere from outside, negative from inside."""
    good = np.flatnonzero(np.isfinite(normals[:, 2]))
    if len(good) < 8:
        return 0.0
    dx = points[good]
    dx = dx - dx.mean(axis=0)
    dn = normals[good]
    dn = dn - dn.mean(axis=0)
    return float(np.vdot(dx, dn) / max(float(np.vdot(dx, dx)), 1e-9))


def is_interior(scene: Scene, a: int, b: int) -> bool:
    """Whether b is the interior of a: concave, behind a, and with its upper end at the height of a's rim."""
    border = scene.borders.get((min(a, b), max(a, b)))
    if border is None or border.length_px < 6:
        return False
    outer, inner = scene.groups[a], scene.groups[b]
    if inner.curvature > -4.0 or outer.curvature < -4.0:
        return False
    step = max(0.015, 0.2 * (outer.high_m - outer.low_m))
    if abs(outer.high_m - inner.high_m) > step or inner.low_m > outer.high_m - 0.004:
        return False
    # The centre of the outside is in front of the centre of the inside.
    return float(np.median(outer.points[:, 2])) < float(np.median(inner.points[:, 2]))


def both_interior(scene: Scene, a: int, b: int) -> bool:
    """Whether a and b are parts of the interior of one hollow object."""
    border = scene.borders.get((min(a, b), max(a, b)))
    if border is None or border.joined < 0.5 or border.length_px < 4:
        return False
    one, two = scene.groups[a], scene.groups[b]
    if max(one.curvature, two.curvature) > 3.0 or min(one.curvature, two.curvature) > -3.0:
        return False
    if abs(one.high_m - two.high_m) > 0.02:
        return False
    combined = curvature(np.concatenate([one.points, two.points]), np.concatenate([one.normals, two.normals]))
    return combined < -5.0


def split_by_occluder(scene: Scene, a: int, b: int, max_gap_m: float = 0.2) -> bool:
    """Whether an occluder splits a and b: same surface, height and colour, and the gap between them is occluded."""
    one, two = scene.groups[a], scene.groups[b]
    if min(len(one.points), len(two.points)) < 20 or (min(a, b), max(a, b)) in scene.borders:
        return False
    if abs(one.high_m - two.high_m) > 0.02 or float(np.linalg.norm(one.mean_ab - two.mean_ab)) > 30:
        return False
    return (
        _same_surface(scene.face(a), scene.face(b)) and _in_line(scene, a, b) and gap_occluded(scene, a, b, max_gap_m)
    )


def _in_line(scene: Scene, a: int, b: int) -> bool:
    """Whether the groups, seen from above, are aligned along their centres, of similar width and with a short gap."""
    flat = [footprint(scene.groups[g].points, scene.plane) for g in (a, b)]
    centre = [np.median(f, axis=0) for f in flat]
    along = centre[1] - centre[0]
    distance = float(np.linalg.norm(along))
    if distance < 1e-3:
        return False
    along /= distance
    across = np.array([-along[1], along[0]], along.dtype)
    (low1, high1), (low2, high2) = (np.quantile(f @ across, [0.05, 0.95]) for f in flat)
    wide1, wide2 = high1 - low1, high2 - low2
    combined = max(high1, high2) - min(low1, low2)
    gap = np.quantile(flat[1] @ along, 0.05) - np.quantile(flat[0] @ along, 0.95)
    alike = min(wide1, wide2) > 0.4 * max(wide1, wide2)
    return bool(alike and combined < 1.3 * max(wide1, wide2) + 0.015 and gap < 0.2)


def _main_face(group: Group) -> tuple[np.ndarray, np.ndarray]:
    """Points and mean normal of the largest side of a group: the most common normal direction."""
    seeds = group.normals[:: max(1, len(group.normals) // 40)]
    counts = (group.normals @ seeds.T > np.cos(np.radians(20))).sum(axis=0)
    near = group.normals @ seeds[int(counts.argmax())] > np.cos(np.radians(25))
    return group.points[near], group.normals[near].mean(axis=0)


def _same_surface(one: tuple[np.ndarray, np.ndarray], two: tuple[np.ndarray, np.ndarray]) -> bool:
    (p1, n1), (p2, n2) = one, two
    if min(len(p1), len(p2)) < 8:
        return False
    if n1 @ n2 < np.cos(np.radians(15)) * np.linalg.norm(n1) * np.linalg.norm(n2):
        return False
    plane1, plane2 = least_squares_plane(p1), least_squares_plane(p2)
    # Each plane is compared at the other's centre; the tolerance grows with the gap, for errors of tilt.
    gap = float(np.linalg.norm(p1.mean(axis=0) - p2.mean(axis=0)))
    tolerance = 0.012 + 0.06 * gap
    error1 = abs(float(plane1.height_m(p2.mean(axis=0, keepdims=True))[0]))
    error2 = abs(float(plane2.height_m(p1.mean(axis=0, keepdims=True))[0]))
    return min(error1, error2) < tolerance and max(error1, error2) < 2.5 * tolerance


def gap_occluded(scene: Scene, a: int, b: int, max_gap_m: float) -> bool:
    """Whether the straight line between the closest points of a and b is occluded."""
    one, two = scene.groups[a].points, scene.groups[b].points
    centre = two.mean(axis=0)
    left, right = one - centre, two - centre
    squares = np.einsum("ij,ij->i", left, left)[:, None] + np.einsum("ij,ij->i", right, right) - 2 * (left @ right.T)
    i, j = np.unravel_index(int(squares.argmin()), squares.shape)
    if not 0.01 < float(np.linalg.norm(one[i] - two[j])) < max_gap_m:
        return False
    depth = scene.surface.points[line_of_sight(scene, one[i], two[j])][:, 2]
    line = np.linspace(one[i], two[j], 24, dtype=np.float32)[2:-2]
    hidden = (depth < line[:, 2] - 0.005) | ~np.isfinite(depth)  # invalid depth: the shadow beside an occluder
    nearer = depth < line[:, 2] - 0.005
    return float(hidden.mean()) > 0.85 and float(nearer.mean()) > 0.35


def line_of_sight(scene: Scene, first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the pixels of 20 points between two 3-D points, without the ends."""
    line, k = np.linspace(first, second, 24, dtype=np.float32)[2:-2], scene.camera
    x = np.clip(np.round(line[:, 0] / line[:, 2] * k.fx + k.cx).astype(int), 0, k.width - 1)
    y = np.clip(np.round(line[:, 1] / line[:, 2] * k.fy + k.cy).astype(int), 0, k.height - 1)
    return y, x


def extent_m(points: np.ndarray) -> float:
    """The longest side of the bounding box along the camera axes, metres."""
    return float(np.ptp(points, axis=0).max())


def fragment_host(scene: Scene, b: int, max_area_px: int) -> int | None:
    """The group that fragment b belongs to: the one with the longest border; None if b extends above or beyond it."""
    fragment = scene.groups[b]
    if fragment.area_px > max_area_px:
        return None
    best, length = None, 0
    for (p, q), border in scene.borders.items():
        if b in (p, q) and border.length_px > length:
            best, length = (q if p == b else p), border.length_px
    if best is None or best not in scene.groups or scene.groups[best].area_px < 2 * fragment.area_px:
        return None
    host = scene.groups[best]
    if fragment.high_m > host.high_m + 0.015 or fragment.low_m > host.high_m - 0.003:
        return None
    # Fragments over a quarter of the limit must also be off the support, small relative to the host and of its colour.
    is_attached = fragment.low_m > 0.015 and fragment.area_px < 0.15 * host.area_px
    if fragment.area_px > max_area_px / 4 and not (
        is_attached and float(np.linalg.norm(fragment.mean_ab - host.mean_ab)) < 12
    ):
        return None
    corners = hull(footprint(host.points, scene.plane))
    near = inside_hull(footprint(fragment.points, scene.plane), corners, 0.04)
    return best if near.mean() > 0.8 else None
