"""What contradicts itself in a twin: places against sizes, boxes, relations, depth and times.

Used on every generated scene, and on the scenes of a corpus. A twin of `camera.CAMERA` is taken; boxes are axis-aligned
in a frame whose up is the normal of the supporting plane and whose x is the camera's.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from ....errors import MissingDataError
from ....twin.types import DigitalTwin, Instance
from .camera import CAMERA, project
from .kinds import is_person

SIZE_M = (0.0005, 12.0)  # of any side (a sheet of paper, rounded; a bus); the longest at least a millimetre
TOUCH_M = 0.012  # between a thing and what it stands on
INTO_M = 0.012  # by which two things may share space
PIXELS = 4.0
SPEED = 40.0  # m/s, beyond which nothing in view moves


@dataclass(frozen=True)
class Box:
    """Of one instance, metres: x to the right, up from the plane, away from the viewer along the plane."""

    instance: Instance
    low: tuple[float, float, float]
    high: tuple[float, float, float]

    def shared(self, other: Box) -> tuple[float, float, float]:
        """Length along each axis that both take up; negative: the gap between them."""
        return tuple(
            min(a, b) - max(c, d) for a, b, c, d in zip(self.high, other.high, self.low, other.low, strict=True)
        )  # type: ignore[return-value]

    @property
    def size(self) -> tuple[float, float, float]:
        return tuple(b - a for a, b in zip(self.low, self.high, strict=True))  # type: ignore[return-value]


def faults(
    twin: DigitalTwin, fixed: Collection[int] | None = None, poses: Mapping[int, str] | None = None
) -> list[str]:
    """Every contradiction, in words; empty for a twin that makes sense.

    fixed: ids of what is held by something that is no instance (a wall, a hand); None: not known, so that nothing is
    said about what floats. poses: of things for which a pose means something, see `generate.Scene`.
    """
    if twin.plane is None:
        return ["the twin has no supporting plane"]
    unknown = [
        i.id for i in twin.instances if None in (i.center_m, i.size_m, i.elevation_m, i.depth_mean_m, i.box_xyxy)
    ]
    if unknown:
        return [f"{id}: centre, size, elevation, depth or box is unknown" for id in unknown]
    boxes = {i.id: upright_box(twin, i) for i in twin.instances}
    found: list[str] = []
    for i in twin.instances:
        found += [f"{i.id} {i.label}: {fault}" for fault in _of_one(twin, i, boxes[i.id])]
    found += _of_relations(twin, boxes)
    found += _of_pairs(twin, boxes)
    if fixed is not None:
        found += _floating(twin, boxes, fixed)
    found += _of_poses(twin, boxes, poses or {})
    return found


def upright_box(twin: DigitalTwin, i: Instance) -> Box:
    """The box along x, the plane's normal and the way forward whose extent along the camera's axes is the size."""
    if twin.plane is None or i.center_m is None or i.size_m is None or i.elevation_m is None:
        raise MissingDataError(f"{i.id} {i.label}: a box needs plane, centre, size and elevation")
    up = np.asarray(twin.plane.normal)
    forward = np.array([0.0, up[2], -up[1]])
    centre, (width, _, along), (low, high) = np.asarray(i.center_m), i.size_m, i.elevation_m
    # along z of the camera: height * |up_z| + depth * |forward_z|
    depth = (along - (high - low) * abs(up[2])) / max(abs(forward[2]), 1e-6)
    away = float(centre @ forward)
    return Box(i, (centre[0] - width / 2, low, away - depth / 2), (centre[0] + width / 2, high, away + depth / 2))


def _of_one(twin: DigitalTwin, i: Instance, box: Box) -> list[str]:
    found = []
    up = np.asarray(twin.plane.normal)  # type: ignore[union-attr]
    height = float(np.asarray(i.center_m) @ up) - twin.plane.offset_m  # type: ignore[union-attr]
    width, tall, deep = box.size
    if not (max(i.size_m) >= 0.001 and all(SIZE_M[0] <= s <= SIZE_M[1] for s in (width, tall, deep))):  # type: ignore[arg-type,union-attr]
        found.append(f"size {width:.4f} x {tall:.4f} x {deep:.4f} m is not plausible")
    if abs(height - (box.low[1] + box.high[1]) / 2) > 0.005:
        found.append(
            f"centre is {height:.3f} m above the plane, not the middle of {box.low[1]:.3f} to {box.high[1]:.3f}"
        )
    expected = tall * abs(up[1]) + deep * abs(up[2])
    if abs(i.size_m[1] - expected) > 0.005 + 0.01 * expected:  # type: ignore[index]
        found.append(f"size along y is {i.size_m[1]:.3f} m, by elevation and depth {expected:.3f}")  # type: ignore[index]
    if box.low[1] < -TOUCH_M:
        found.append(f"reaches {-box.low[1]:.3f} m below the plane")
    nearest = i.center_m[2] - i.size_m[2] / 2  # type: ignore[index]
    if not nearest - 0.005 <= i.depth_mean_m <= i.center_m[2] + 0.02 * i.size_m[2] + 0.005:  # type: ignore[index,operator]
        found.append(f"depth {i.depth_mean_m:.3f} m is not that of its surface, {nearest:.3f} to {i.center_m[2]:.3f} m")  # type: ignore[index]
    return found + _of_picture(twin, i, box) + _of_times(twin, i)


def _of_picture(twin: DigitalTwin, i: Instance, box: Box) -> list[str]:
    """The box in the picture lies within the projection, cut at the picture's edge."""
    up = np.asarray(twin.plane.normal)  # type: ignore[union-attr]
    forward = np.array([0.0, up[2], -up[1]])
    height = [e + twin.plane.offset_m for e in (box.low[1], box.high[1])]  # type: ignore[union-attr]
    corners = np.array(
        [
            np.array([x, 0.0, 0.0]) + h * up + a * forward
            for x in (box.low[0], box.high[0])
            for h in height
            for a in (box.low[2], box.high[2])
        ]
    )
    pixels = project(corners)
    low, high = pixels.min(axis=0), pixels.max(axis=0)
    x0, y0, x1, y1 = i.box_xyxy  # type: ignore[misc]
    found = []
    if x0 < 0 or y0 < 0 or x1 > CAMERA.width or y1 > CAMERA.height or x1 <= x0 or y1 <= y0:
        found.append(f"box {i.box_xyxy} is not in the picture")
    if x0 < low[0] - PIXELS or y0 < low[1] - PIXELS or x1 > high[0] + PIXELS or y1 > high[1] + PIXELS:
        found.append(f"box {i.box_xyxy} reaches beyond its projection {low.round(1)} to {high.round(1)}")
    return found


def _of_times(twin: DigitalTwin, i: Instance) -> list[str]:
    found = []
    first, last, path = i.first_seen_s, i.last_seen_s, i.path_length_m
    if first is None or last is None or path is None:
        return ["times or path are unknown"]
    if not 0 <= first <= last <= twin.stamp_s + 1e-6:
        found.append(f"first seen {first} s, last seen {last} s, now {twin.stamp_s} s")
    if i.visible and abs(last - twin.stamp_s) > 1e-6:
        found.append("is in view, but was last seen before now")
    if not i.visible and last >= twin.stamp_s:
        found.append("is out of view, but was seen just now")
    speed = math.hypot(*i.velocity) if i.velocity else 0.0
    if not i.visible and speed:
        found.append("is out of view and has a velocity")
    if speed > SPEED or path > SPEED * (last - first) + 0.01:
        found.append(f"travelled {path} m in {last - first:.1f} s, now {speed:.1f} m/s")
    if speed and not path:
        found.append(f"moves at {speed:.2f} m/s and has travelled nothing")
    if speed and path > speed * (last - first) * 1.3 + 0.3:
        found.append(f"has travelled {path} m since {first} s at {speed:.2f} m/s")
    return found


def _of_relations(twin: DigitalTwin, boxes: Mapping[int, Box]) -> list[str]:
    found = []
    supports: dict[int, list[int]] = {}
    for r in twin.relations:
        if r.subject not in boxes or r.object not in boxes or r.subject == r.object:
            found.append(f"relation {r.subject} {r.predicate} {r.object} names no two things")
            continue
        supports.setdefault(r.subject, []).append(r.object)
        a, b = boxes[r.subject], boxes[r.object]
        names = f"{r.subject} {a.instance.label} {r.predicate} {r.object} {b.instance.label}"
        if not (a.instance.visible and b.instance.visible):
            found.append(f"{names}: one of them is out of view")
        if any(b.instance.velocity or ()) and a.instance.velocity != b.instance.velocity:
            found.append(f"{names}: does not move with what carries it")
        if fault := _not_carried(a, b, r.predicate):
            found.append(f"{names}: {fault}")
    for subject, objects in supports.items():
        if len(objects) > 1:
            found.append(f"{subject} rests on {objects}, more than one thing")
        seen, at = {subject}, subject
        while at in supports:
            at = supports[at][0]
            if at in seen:
                found.append(f"{subject} rests on itself, through others")
                break
            seen.add(at)
    return found


def _not_carried(a: Box, b: Box, predicate: str) -> str:
    """Why a cannot be on, or inside, b; empty if it can. On: standing on it, hanging from it, or fixed to its front."""
    wide, tall, deep = a.shared(b)
    over = max(wide, 0.0) * max(deep, 0.0)
    area = min(a.size[0] * a.size[2], b.size[0] * b.size[2])
    bottom, rim = a.low[1], b.high[1]
    if predicate == "inside":
        if wide < a.size[0] - 0.03 or deep < a.size[2] - 0.03:
            return "it sticks out sideways"
        return "" if b.low[1] - TOUCH_M <= bottom < rim else "it is not between bottom and rim"
    stands = over > 0.3 * area and b.low[1] - TOUCH_M < bottom <= rim + TOUCH_M
    hangs = wide > 0 and deep > -TOUCH_M and b.low[1] - TOUCH_M <= a.high[1] <= rim + TOUCH_M
    fixed = tall > 0 and wide > 0.5 * min(a.size[0], b.size[0]) and abs(deep) < TOUCH_M
    return "" if stands or hangs or fixed else f"they do not touch (gap upwards {bottom - rim:.3f} m)"


def _of_pairs(twin: DigitalTwin, boxes: Mapping[int, Box]) -> list[str]:
    """Two things in view share no space unless the one carries or holds the other."""
    over: dict[int, set[int]] = {i.id: set() for i in twin.instances}
    direct = {r.subject: r.object for r in twin.relations}
    for id in over:
        at = id
        while at in direct and direct[at] not in over[id]:
            at = direct[at]
            over[id].add(at)
    found = []
    seen = [b for b in boxes.values() if b.instance.visible]
    for n, a in enumerate(seen):
        for b in seen[:n]:
            if b.instance.id in over[a.instance.id] or a.instance.id in over[b.instance.id]:
                continue
            if min(a.shared(b)) > INTO_M:
                found.append(
                    f"{a.instance.id} {a.instance.label} and {b.instance.id} {b.instance.label} share "
                    + " x ".join(f"{s:.3f}" for s in a.shared(b)) + " m"
                )  # fmt: skip
    return found


def _floating(twin: DigitalTwin, boxes: Mapping[int, Box], fixed: Collection[int]) -> list[str]:
    """Whatever is above the plane rests on something or is fixed."""
    carried = {r.subject for r in twin.relations} | set(fixed)
    return [
        f"{b.instance.id} {b.instance.label}: is {b.low[1]:.3f} m above the plane, on nothing"
        for b in boxes.values()
        if b.low[1] > TOUCH_M and b.instance.visible and b.instance.id not in carried
    ]


def _of_poses(twin: DigitalTwin, boxes: Mapping[int, Box], poses: Mapping[int, str]) -> list[str]:
    """People are upright unless they lie on something; a pose is told of what has one."""
    found = []
    carried = {r.subject for r in twin.relations}
    for i in twin.instances:
        width, height, depth = boxes[i.id].size
        person = is_person(i.label)
        if person and height < max(width, depth) and poses.get(i.id) != "lying" and i.id not in carried:
            found.append(f"{i.id} {i.label}: is {height:.2f} m high and {max(width, depth):.2f} m long: lies")
        pose = poses.get(i.id)
        if pose == "upright" and not person and height < 1.15 * max(width, depth):
            found.append(f"{i.id} {i.label}: is said to be upright at {width:.3f} x {height:.3f} x {depth:.3f} m")
        if pose == "lying" and height > 0.9 * max(width, depth):
            found.append(f"{i.id} {i.label}: is said to lie at {width:.3f} x {height:.3f} x {depth:.3f} m")
        if pose and i.shape == "sphere":
            found.append(f"{i.id} {i.label}: a sphere has no pose")
    return found
