"""From depth (and a little colour) to one label a thing: support, patches, groups, back to full resolution.

Which patches are of one thing is told by convexity (grouping.py, reunite.py), by a network (network.py), or by both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32, Int32, UInt8
from scipy import ndimage

from ...twin.types import CameraIntrinsics, Plane, Vector
from ..support.structure import Layout, Reach, find_layout, level_below
from ..support.surface import Surface, analyse, part_intrinsics, shrink, shrink_intrinsics
from . import merge_segments as reunite
from .color_cue import same_hue_parts
from .grouping import Border, borders, join, weight
from .network import AffinityNetwork, Evidence
from .patches import smooth_patches
from .phantom_filter import not_standing, reaching_in, waves

Labels = Int32[np.ndarray, "h w"]


@dataclass(frozen=True)
class SegmentConfig:
    """Settings of the segmentation; metres, degrees, and pixels of the working picture (at most `work_width_px`)."""

    work_width_px: int = 360
    window_px: int = 3
    min_height_m: float = 0.005
    max_height_m: float = 0.6
    over_edge_m: float = 0.1
    min_top_m: float = 0.010
    crease_deg: float = 25.0
    smooth_deg: float = 10.0
    concave_deg: float = 25.0
    min_patch_px: int = 15
    min_object_px: int = 50
    convexity: float = 1.0  # weight of the convexity of borders, and ...
    network: float = 1.0  # ... of what the network says about them, where there is one

    def __post_init__(self) -> None:
        if self.work_width_px < 32 or not 1 <= self.window_px <= 15:
            raise ValueError("work_width_px must be at least 32 and window_px within 1..15")
        if not 0 < self.smooth_deg < self.concave_deg:
            raise ValueError("smooth_deg must be positive and below concave_deg")
        if min(self.convexity, self.network) < 0:
            raise ValueError("convexity and network are weights: 0 or more")


@dataclass(frozen=True)
class Segmentation:
    """Labels 1..n of things (0 elsewhere) at full resolution; surface at 1/factor of it."""

    labels: Labels
    layout: Layout
    surface: Surface
    factor: int

    @property
    def plane(self) -> Plane | None:
        """The main supporting plane, None where nothing is seen to carry things."""
        return self.layout.levels[0] if self.layout.levels else None

    def carrier(self, label: int, box: tuple[slice, slice]) -> Plane | None:
        """The level under a thing; `box` (rows, columns) is around it at full resolution."""
        rows, columns = (slice(-(-s.start // self.factor), -(-s.stop // self.factor)) for s in box)
        points = self.surface.points[rows, columns]
        small = self.labels[rows.start * self.factor :: self.factor, columns.start * self.factor :: self.factor]
        inside = small[: points.shape[0], : points.shape[1]] == label
        heights = self.layout.ground.height_m(points[: inside.shape[0], : inside.shape[1]][inside])
        heights = heights[np.isfinite(heights)]
        return level_below(self.layout, float(np.quantile(heights, 0.05))) if len(heights) else self.plane


def segment(
    color: UInt8[np.ndarray, "h w 3"], depth_m: Float32[np.ndarray, "h w"], k: CameraIntrinsics, config: SegmentConfig,
    up: Vector | None = None, network: AffinityNetwork | None = None, before: Layout | None = None,
) -> Segmentation | None:  # fmt: skip
    """Things above what carries them, or before the camera where nothing does; perhaps none. None for a tiny picture.

    up, before: see structure.lay_out. network: asked too which patches are of one thing; it knows only things on a
    plane.
    """
    h, w = depth_m.shape
    factor = work_factor(w, config)
    if min(h, w) // factor < 4 * config.window_px:
        return None
    small, camera = shrink(depth_m, factor), shrink_intrinsics(k, factor)
    surface = analyse(small, camera, config.window_px)
    layout = find_layout(surface, Reach(config.min_height_m, config.max_height_m, config.over_edge_m), up, before)
    plane, region, height = layout.ground, layout.region, layout.height
    asked = network.start(small, camera, plane) if network is not None and layout.levels and region.any() else None
    patches = np.zeros(small.shape, np.int32)
    if (box := _around(region)) is not None:
        patches[box] = smooth_patches(surface.part(box), region[box], config.crease_deg, config.min_patch_px)
    if not patches.any():
        return Segmentation(np.zeros((h, w), np.int32), layout, surface, factor)
    # All that follows looks at the part of the picture that has things in it.
    box = _around(patches > 0)
    assert box is not None
    rows, columns = box
    part = color[rows.start * factor : rows.stop * factor, columns.start * factor : columns.stop * factor]
    size = columns.stop - columns.start, rows.stop - rows.start
    lab = cv2.cvtColor(cv2.resize(part, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2LAB).astype(np.float32)
    labels = np.zeros_like(patches)

    def evidence() -> Evidence:
        return {} if asked is None else asked().evidence(patches)

    labels[box] = group(
        np.ascontiguousarray(patches[box]),
        surface.part(box),
        np.ascontiguousarray(height[box]),
        plane,
        part_intrinsics(camera, box),
        lab,
        config,
        evidence,
    )
    seen = None if asked is None else asked().things(labels.shape)
    wrong = waves(labels, surface, height, seen)
    if layout.levels:
        wrong += not_standing(labels, surface, layout.levels) + reaching_in(labels, surface, height)
    labels[np.isin(labels, wrong)] = 0
    if not layout.levels:
        reaching = np.isin(labels, _reaching_in(labels))
        if (labels[~reaching] > 0).any():  # an arm that is one with what it holds is better than nothing
            labels[reaching] = 0
    return Segmentation(enlarge(labels, depth_m, factor), layout, surface, factor)


def _reaching_in(labels: Labels, least_px: int = 8) -> np.ndarray:
    """Labels of what comes in over the picture's edge: where nothing stands on anything, an arm that holds things."""
    edge = np.concatenate([labels[:2].ravel(), labels[-2:].ravel(), labels[:, :2].ravel(), labels[:, -2:].ravel()])
    counts = np.bincount(edge)
    counts[0] = 0
    return np.flatnonzero(counts >= 2 * least_px)


def _around(region: np.ndarray, margin_px: int = 6) -> tuple[slice, slice] | None:
    """The box (rows, columns) of a region and a margin about it, None for none."""
    x, y, w, h = cv2.boundingRect(region.view(np.uint8))
    if w == 0:
        return None
    height, width = region.shape
    return (
        slice(max(0, y - margin_px), min(height, y + h + margin_px)),
        slice(max(0, x - margin_px), min(width, x + w + margin_px)),
    )


def work_factor(width_px: int, config: SegmentConfig) -> int:
    """By how much a picture of that width is made smaller."""
    return max(1, round(width_px / config.work_width_px))


def group(
    patches: Labels, surface: Surface, height: np.ndarray, plane: Plane, camera: CameraIntrinsics,
    lab: np.ndarray, config: SegmentConfig, asked: Callable[[], Evidence],
) -> Labels:  # fmt: skip
    """Objects out of patches: convex ones first, then hollow and covered ones; noise is dropped.

    asked: gives what the network says about pairs of patches, empty where there is none; it may have to wait for it.
    """
    count = int(patches.max())
    found = borders(patches, surface)
    areas = np.maximum(np.bincount(patches.ravel(), minlength=count + 1), 1)
    tint = np.stack([np.bincount(patches.ravel(), lab[..., c].ravel(), count + 1) / areas for c in (1, 2)], axis=1)
    weights = {}
    for b in found:
        contact = b.length_px / np.sqrt(min(areas[b.a], areas[b.b]))
        gap = float(np.linalg.norm(tint[b.a] - tint[b.b]))
        weights[b.a, b.b] = config.convexity * weight(b, config.smooth_deg, config.concave_deg, contact, gap)
    evidence = asked()
    for pair, value in evidence.items():
        weights[pair] = weights.get(pair, 0.0) + config.network * value
    table = join(count, weights)
    scene, groups = None, {}
    for rule in (_join_insides, _join_hollow, _join_scraps, _join_insides, _join_hollow, _join_covered):
        if scene is None:
            labels = table[patches]
            groups = reunite.measure(labels, surface, height, lab, groups)
            scene = reunite.Scene(groups, _merged_borders(found, table), labels, surface, plane, camera)
        if pairs := rule(scene, config):
            scene = None
        for a, b in pairs:
            if not _denied(evidence, table, a, b):
                table[table == table[b]] = table[a]
    if scene is None:
        groups = reunite.measure(table[patches], surface, height, lab, groups)
        scene = reunite.Scene(groups, _merged_borders(found, table), table[patches], surface, plane, camera)
    # The network sees no colour: here it has no say.
    for a, b in _pairs(scene, config, same_hue_parts):
        table[table == table[b]] = table[a]
    groups = reunite.measure(table[patches], surface, height, lab, groups)
    for label, thing in groups.items():
        if thing.area_px < config.min_object_px or thing.high_m < config.min_top_m:
            table[table == label] = 0
    return table[patches]


def _denied(evidence: Evidence, table: np.ndarray, a: int, b: int) -> bool:
    """Whether the network is against one thing that has groups a and b: no rule knows better than it does."""
    groups = {int(table[a]), int(table[b])}
    return sum(v for (x, y), v in evidence.items() if {int(table[x]), int(table[y])} == groups) < 0


def _join_insides(scene: reunite.Scene, config: SegmentConfig) -> list[tuple[int, int]]:
    return [(a, b) for a, b in scene.borders if reunite.both_inside(scene, a, b)]


def _join_hollow(scene: reunite.Scene, config: SegmentConfig) -> list[tuple[int, int]]:
    return [(x, y) for a, b in scene.borders for x, y in ((a, b), (b, a)) if reunite.hollow(scene, x, y)]


def _join_scraps(scene: reunite.Scene, config: SegmentConfig) -> list[tuple[int, int]]:
    hosts = ((reunite.scrap_of(scene, b, 6 * config.min_object_px), b) for b in scene.groups)
    return [(a, b) for a, b in hosts if a is not None]


def _join_covered(scene: reunite.Scene, config: SegmentConfig) -> list[tuple[int, int]]:
    return _pairs(scene, config, reunite.split_by_occluder)


def _pairs(
    scene: reunite.Scene, config: SegmentConfig, rule: Callable[[reunite.Scene, int, int], bool]
) -> list[tuple[int, int]]:  # fmt: skip
    """Pairs of groups that are not small, of which the rule says that they are one thing."""
    large = [g for g, thing in scene.groups.items() if thing.area_px >= config.min_object_px]
    return [(a, b) for i, a in enumerate(large) for b in large[i + 1 :] if rule(scene, a, b)]


def _merged_borders(found: list[Border], table: np.ndarray) -> dict[tuple[int, int], Border]:
    """Borders between groups: lengths add up, the rest is averaged by length."""
    parts: dict[tuple[int, int], list[tuple[Border, bool]]] = {}
    for border in found:
        a, b = int(table[border.a]), int(table[border.b])
        if a != b:
            parts.setdefault((min(a, b), max(a, b)), []).append((border, a > b))
    result = {}
    for (a, b), pieces in parts.items():
        length = sum(p.length_px for p, _ in pieces)
        shares = [p.length_px / length for p, _ in pieces]
        joined = sum(s * p.joined for s, (p, _) in zip(shares, pieces, strict=True))
        bend = sum(s * p.bend_deg for s, (p, _) in zip(shares, pieces, strict=True))
        front = sum(s * (1 - p.front if turned else p.front) for s, (p, turned) in zip(shares, pieces, strict=True))
        result[a, b] = Border(a, b, length, joined, bend, front)
    return result


def enlarge(labels: Labels, depth_m: Float32[np.ndarray, "h w"], factor: int) -> Labels:
    """Labels at full resolution, without holes, and complete where depth is missing inside a thing."""
    h, w = depth_m.shape
    full = np.zeros((h, w), np.uint16)
    big = cv2.resize(labels.astype(np.uint16), (labels.shape[1] * factor, labels.shape[0] * factor), interpolation=0)
    known = np.isfinite(depth_m)[: big.shape[0], : big.shape[1]]
    np.multiply(big[:h, :w], known, out=full[: big.shape[0], : big.shape[1]])
    result = np.zeros((h, w), np.int32)
    number = 0
    for label, part in enumerate(ndimage.find_objects(labels), 1):
        if part is None:
            continue
        rows, columns = (slice(s.start * factor, s.stop * factor) for s in part)
        mask = _tidy((full[rows, columns] == label).view(np.uint8))
        if mask is None:
            continue
        number += 1
        (y, x), inside = mask
        box = (
            slice(rows.start + y, rows.start + y + inside.shape[0]),
            slice(columns.start + x, columns.start + x + inside.shape[1]),
        )
        target, shown = result[box], full[box]
        # A hole may show another thing through it (handle of a mug) or hold one (bowl): only free pixels are filled.
        np.copyto(target, number, where=inside & ((shown == label) | ((shown == 0) & (target == 0))))
    return result


def _tidy(mask: np.ndarray) -> tuple[tuple[int, int], np.ndarray] | None:
    """Row and column of the mask's bounding box, and within it its outer outlines filled, specks dropped."""
    x, y, w, h = cv2.boundingRect(mask)
    if w == 0:
        return None
    crop = np.ascontiguousarray(mask[y : y + h, x : x + w])
    closed = cv2.morphologyEx(crop, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    outlines, _ = cv2.findContours(closed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    areas = [cv2.contourArea(o) for o in outlines]
    limit = 0.03 * max(areas)
    filled = np.zeros_like(crop)
    cv2.drawContours(filled, [o for o, a in zip(outlines, areas, strict=True) if a >= limit], -1, 1, cv2.FILLED)
    return (y, x), filled.astype(bool)
