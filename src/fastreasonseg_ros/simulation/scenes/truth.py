"""Ground-truth digital twin of a simulated scene."""

from __future__ import annotations

import numpy as np

from ...twin.types import Box, DigitalTwin, Frame, Instance, Relation
from .scene import Scene

_SHAPES = {
    "box": "cereal box, tea box, box, carton, sponge, toy block",
    "cylinder": "mug, cup, glass, bottle, soap dispenser, jar, can, tin, candle, salt shaker, canister, tape, "
    "chips can, cookie tin",
    "sphere": "ball, apple, orange, lemon, pear, tomato, egg",
    "bowl": "bowl, teacup, pot, pan, container",
    "flat": "plate, book, phone",
    "elongated": "spoon, fork, knife, spatula, hammer, screwdriver, wrench, flashlight, marker, remote control, "
    "banana, carrot",
    "irregular": "teapot, scissors",
}
SHAPE_OF = {kind: shape for shape, kinds in _SHAPES.items() for kind in kinds.split(", ")}


def true_twin(scene: Scene, frame: Frame) -> DigitalTwin:
    """Visible objects of the frame that the scene has just rendered, with exact amodal geometry.

    center_m, size_m: of the box of the complete surface along the camera axes, occluded parts included; depth: of the
    complete surface. Relations: on: contact from above; inside: within its cavity.
    """
    assert frame.truth is not None, "the frame is not a simulated one"
    ids = frame.truth.ids
    instances = tuple(_instance(scene, id, ids, frame.stamp_s) for id in sorted(frame.truth.labels))
    return DigitalTwin(
        instances,
        _relations(scene, sorted(frame.truth.labels)),
        frame.stamp_s,
        frame.frame_id,
        scene.size,
        scene.plane,
        ids,
    )


def _instance(scene: Scene, id: int, ids: np.ndarray, stamp_s: float) -> Instance:
    obj, surface = scene.objects[id], scene.surface(id)
    low, high = surface.min(axis=0), surface.max(axis=0)
    heights = scene.plane.height_m(surface)
    dof = scene.joints[id]
    velocity = scene.view.orientation.T @ scene.data.qvel[dof : dof + 3]
    return Instance(
        id=id,
        label=obj.label,
        color=obj.color,
        shape=SHAPE_OF.get(obj.label),
        box_xyxy=_box(ids == id),
        depth_mean_m=float(surface[:, 2].mean()),
        depth_std_m=float(surface[:, 2].std()),
        center_m=_triple((low + high) / 2),
        size_m=_triple(high - low),
        elevation_m=(float(heights.min()), float(heights.max())),
        velocity=_triple(velocity),
        last_seen_s=stamp_s,
    )


def _relations(scene: Scene, ids: list[int]) -> tuple[Relation, ...]:
    found = [Relation(a, "inside", b) for a in ids for b in ids if a != b and _inside(scene, a, b)]
    within = {(r.subject, r.object) for r in found}
    for pair in sorted(scene.touching()):
        upper, lower = sorted(pair, key=lambda k: _bottom(scene, k), reverse=True)
        rests = _bottom(scene, upper) > _middle(scene, lower)
        if rests and {upper, lower} <= set(ids) and (upper, lower) not in within:
            found.append(Relation(upper, "on", lower))
    return tuple(found)


def _inside(scene: Scene, a: int, b: int) -> bool:
    """The middle of a is above b's floor, within its radius, and a reaches below b's rim."""
    hollow, orientation = scene.objects[b].geometry.hollow, scene.orientation(b)
    if hollow is None or orientation[2, 2] < 0.8 or hollow.rim_m < 0.03:
        return False
    local = (
        scene.objects[a].geometry.vertices() @ scene.orientation(a).T + scene.place(a) - scene.place(b)
    ) @ orientation
    middle = (local.min(axis=0) + local.max(axis=0)) / 2
    within = np.hypot(middle[0], middle[1]) < hollow.radius_m and middle[2] > hollow.floor_m
    return bool(within and local[:, 2].min() < (hollow.floor_m + hollow.rim_m) / 2)


def _bottom(scene: Scene, id: int) -> float:
    return float(scene.plane.height_m(scene.surface(id)).min())


def _middle(scene: Scene, id: int) -> float:
    heights = scene.plane.height_m(scene.surface(id))
    return float(heights.min() + heights.max()) / 2


def _box(mask: np.ndarray) -> Box:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def _triple(v: np.ndarray) -> tuple[float, float, float]:
    x, y, z = (float(c) for c in v)
    return x, y, z
