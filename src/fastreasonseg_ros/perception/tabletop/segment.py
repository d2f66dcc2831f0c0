"""Segmentation of depth (and colour) into objects: support, patches, groups, full-resolution labels.

Patches are grouped by convexity (grouping.py, merge_segments.py), by the network (network.py), or by both.
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
from . import merge_segments
from .color_cue import same_hue_parts
from .grouping import Border, borders, join, weight
from .network import AffinityNetwork, Evidence
from .patches import smooth_patches
from .phantom_filter import arm_labels, unsupported_labels, wave_labels

Labels = Int32[np.ndarray, "h w"]


@dataclass(frozen=True)
class SegmentConfig:
    """Settings of the segmentation; metres, degrees, and pixels of the working image (about `work_width_px` wide)."""

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
    convexity: float = 1.0  # weight of the evidence from convexity
    network: float = 1.0  # weight of the evidence from the network

    def __post_init__(self) -> None:
        if self.work_width_px < 32 or not 1 <= self.window_px <= 15:
            raise ValueError("work_width_px must be at least 32 and window_px within 1..15")
        if not 0 < self.smooth_deg < self.concave_deg:
            raise ValueError("smooth_deg must be positive and below concave_deg")
        if min(self.convexity, self.network) < 0:
            raise ValueError("convexity and network are weights: 0 or more")


@dataclass(frozen=True)
class Segmentation:
    """Object labels 1..n (0: background) at full resolution; surface at 1/factor of it."""

    labels: Labels
    layout: Layout
    surface: Surface
    factor: int

    @property
    def plane(self) -> Plane | None:
        """The main support plane; None without a support."""
        return self.layout.levels[0] if self.layout.levels else None

    def carrier(self, label: int, box: tuple[slice, slice]) -> Plane | None:
        """The level below an object; `box` (rows, columns) bounds it at full resolution."""
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
    """Segments the objects above their support, or near the camera without a support. None if the image is too small.

    up, before: see structure.find_layout. network: adds evidence for grouping; used only with a support.
    """
    h, w = depth_m.shape
    factor = work_factor(w, config)
    if min(h, w) // factor < 4 * config.window_px:
        return None
    small, camera = shrink(depth_m, factor), shrink_intrinsics(k, factor)
    surface = analyse(small, camera, config.window_px)
    layout = find_layout(surface, Reach(config.min_height_m, config.max_height_m, config.over_edge_m), up, before)
    plane, region, height = layout.ground, layout.region, layout.height
    inference = network.start(small, camera, plane) if network is not None and layout.levels and region.any() else None
    patches = np.zeros(small.shape, np.int32)
    if (box := _with_margin(region)) is not None:
        patches[box] = smooth_patches(surface.part(box), region[box], config.crease_deg, config.min_patch_px)
    if not patches.any():
        return Segmentation(np.zeros((h, w), np.int32), layout, surface, factor)
    # Only the bounding box of the patches is processed.
    box = _with_margin(patches > 0)
    assert box is not None
    rows, columns = box
    part = color[rows.start * factor : rows.stop * factor, columns.start * factor : columns.stop * factor]
    size = columns.stop - columns.start, rows.stop - rows.start
    lab = cv2.cvtColor(cv2.resize(part, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2LAB).astype(np.float32)
    labels = np.zeros_like(patches)

    def evidence() -> Evidence:
        return {} if inference is None else inference().evidence(patches)

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
    object_mask = None if inference is None else inference().object_mask(labels.shape)
    rejected = wave_labels(labels, surface, height, object_mask)
    if layout.levels:
        rejected += unsupported_labels(labels, surface, layout.levels) + arm_labels(labels, surface, height)
    labels[np.isin(labels, rejected)] = 0
    if not layout.levels:
        at_border = np.isin(labels, _border_labels(labels))
        if (labels[~at_border] > 0).any():  # keep an arm that is not separated from the object it holds
            labels[at_border] = 0
    return Segmentation(enlarge(labels, depth_m, factor), layout, surface, factor)


def _border_labels(labels: Labels, min_px: int = 8) -> np.ndarray:
    """Labels at the image border; without a support, they are arms that hold objects."""
    edge = np.concatenate([labels[:2].ravel(), labels[-2:].ravel(), labels[:, :2].ravel(), labels[:, -2:].ravel()])
    counts = np.bincount(edge)
    counts[0] = 0
    return np.flatnonzero(counts >= 2 * min_px)


def _with_margin(region: np.ndarray, margin_px: int = 6) -> tuple[slice, slice] | None:
    """Bounding box (rows, columns) of a region with a margin; None for an empty region."""
    x, y, w, h = cv2.boundingRect(region.view(np.uint8))
    if w == 0:
        return None
    height, width = region.shape
    return (
        slice(max(0, y - margin_px), min(height, y + h + margin_px)),
        slice(max(0, x - margin_px), min(width, x + w + margin_px)),
    )


def work_factor(width_px: int, config: SegmentConfig) -> int:
    """Downsampling factor for an image of that width."""
    return max(1, round(width_px / config.work_width_px))


def group(
    patches: Labels, surface: Surface, height: np.ndarray, plane: Plane, camera: CameraIntrinsics,
    lab: np.ndarray, config: SegmentConfig, network_evidence: Callable[[], Evidence],
) -> Labels:  # fmt: skip
    """Groups patches into objects: by convexity, then by the rules for hollow and occluded objects; drops noise.

    network_evidence: returns the network's evidence on pairs of patches, empty without a network; may block.
    """
    count = int(patches.max())
    found = borders(patches, surface)
    areas = np.maximum(np.bincount(patches.ravel(), minlength=count + 1), 1)
    mean_ab = np.stack([np.bincount(patches.ravel(), lab[..., c].ravel(), count + 1) / areas for c in (1, 2)], axis=1)
    weights = {}
    for b in found:
        contact = b.length_px / np.sqrt(min(areas[b.a], areas[b.b]))
        gap = float(np.linalg.norm(mean_ab[b.a] - mean_ab[b.b]))
        weights[b.a, b.b] = config.convexity * weight(b, config.smooth_deg, config.concave_deg, contact, gap)
    evidence = network_evidence()
    for pair, value in evidence.items():
        weights[pair] = weights.get(pair, 0.0) + config.network * value
    table = join(count, weights)
    scene, groups = None, {}
    for rule in (_merge_interiors, _merge_hollow, _merge_fragments, _merge_interiors, _merge_hollow, _merge_occluded):
        if scene is None:
            labels = table[patches]
            groups = merge_segments.measure(labels, surface, height, lab, groups)
            scene = merge_segments.Scene(groups, _merged_borders(found, table), labels, surface, plane, camera)
        if pairs := rule(scene, config):
            scene = None
        for a, b in pairs:
            if not _vetoed(evidence, table, a, b):
                table[table == table[b]] = table[a]
    if scene is None:
        groups = merge_segments.measure(table[patches], surface, height, lab, groups)
        scene = merge_segments.Scene(groups, _merged_borders(found, table), table[patches], surface, plane, camera)
    # The network has no colour input and does not veto this rule.
    for a, b in _pairs(scene, config, same_hue_parts):
        table[table == table[b]] = table[a]
    groups = merge_segments.measure(table[patches], surface, height, lab, groups)
    for label, member in groups.items():
        if member.area_px < config.min_object_px or member.high_m < config.min_top_m:
            table[table == label] = 0
    return table[patches]


def _vetoed(evidence: Evidence, table: np.ndarray, a: int, b: int) -> bool:
    """Whether the evidence of the network is against merging groups a and b; it overrides the rules."""
    groups = {int(table[a]), int(table[b])}
    return sum(v for (x, y), v in evidence.items() if {int(table[x]), int(table[y])} == groups) < 0


def _merge_interiors(scene: merge_segments.Scene, config: SegmentConfig) -> list[tuple[int, int]]:
    return [(a, b) for a, b in scene.borders if merge_segments.both_interior(scene, a, b)]


def _merge_hollow(scene: merge_segments.Scene, config: SegmentConfig) -> list[tuple[int, int]]:
    return [(x, y) for a, b in scene.borders for x, y in ((a, b), (b, a)) if merge_segments.is_interior(scene, x, y)]


def _merge_fragments(scene: merge_segments.Scene, config: SegmentConfig) -> list[tuple[int, int]]:
    hosts = ((merge_segments.fragment_host(scene, b, 6 * config.min_object_px), b) for b in scene.groups)
    return [(a, b) for a, b in hosts if a is not None]


def _merge_occluded(scene: merge_segments.Scene, config: SegmentConfig) -> list[tuple[int, int]]:
    return _pairs(scene, config, merge_segments.split_by_occluder)


def _pairs(
    scene: merge_segments.Scene, config: SegmentConfig, rule: Callable[[merge_segments.Scene, int, int], bool]
) -> list[tuple[int, int]]:  # fmt: skip
    """Pairs of groups of at least min_object_px that the rule merges."""
    large = [g for g, member in scene.groups.items() if member.area_px >= config.min_object_px]
    return [(a, b) for i, a in enumerate(large) for b in large[i + 1 :] if rule(scene, a, b)]


def _merged_borders(found: list[Border], table: np.ndarray) -> dict[tuple[int, int], Border]:
    """Borders between groups: lengths are summed, other values averaged by length."""
    parts: dict[tuple[int, int], list[tuple[Border, bool]]] = {}
    for border in found:
        a, b = int(table[border.a]), int(table[border.b])
        if a != b:
            parts.setdefault((min(a, b), max(a, b)), []).append((border, a > b))
    result = {}
    for (a, b), borders_of_pair in parts.items():
        length = sum(p.length_px for p, _ in borders_of_pair)
        shares = [p.length_px / length for p, _ in borders_of_pair]
        joined = sum(s * p.joined for s, (p, _) in zip(shares, borders_of_pair, strict=True))
        bend = sum(s * p.bend_deg for s, (p, _) in zip(shares, borders_of_pair, strict=True))
        front = sum(
            s * (1 - p.front if swapped else p.front) for s, (p, swapped) in zip(shares, borders_of_pair, strict=True)
        )
        result[a, b] = Border(a, b, length, joined, bend, front)
    return result


def enlarge(labels: Labels, depth_m: Float32[np.ndarray, "h w"], factor: int) -> Labels:
    """Labels at full resolution, without holes inside objects, also where depth is invalid."""
    h, w = depth_m.shape
    full = np.zeros((h, w), np.uint16)
    enlarged = cv2.resize(
        labels.astype(np.uint16), (labels.shape[1] * factor, labels.shape[0] * factor), interpolation=0
    )
    valid = np.isfinite(depth_m)[: enlarged.shape[0], : enlarged.shape[1]]
    np.multiply(enlarged[:h, :w], valid, out=full[: enlarged.shape[0], : enlarged.shape[1]])
    result = np.zeros((h, w), np.int32)
    number = 0
    for label, part in enumerate(ndimage.find_objects(labels), 1):
        if part is None:
            continue
        rows, columns = (slice(s.start * factor, s.stop * factor) for s in part)
        mask = _filled_outline((full[rows, columns] == label).view(np.uint8))
        if mask is None:
            continue
        number += 1
        (y, x), inside = mask
        box = (
            slice(rows.start + y, rows.start + y + inside.shape[0]),
            slice(columns.start + x, columns.start + x + inside.shape[1]),
        )
        target, source = result[box], full[box]
        # A hole may show another object (handle of a mug) or contain one (bowl): only unlabelled pixels are filled.
        np.copyto(target, number, where=inside & ((source == label) | ((source == 0) & (target == 0))))
    return result


def _filled_outline(mask: np.ndarray) -> tuple[tuple[int, int], np.ndarray] | None:
    """Top-left (row, column) of the mask's bounding box, and its filled outer contours there, without specks."""
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
