"""Any RGB-D frame of things on a surface to detections, on a robot's own computer: the embedded default."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import cv2
from scipy import ndimage

from ...errors import ConfigError, FrameError, ModelError
from ...twin.geometry import require_depth
from ...twin.pose import direction
from ...twin.types import Detection, Frame, Perceived, Vector
from ..attributes.color import exposure_gain
from ..attributes.describe import Geometry, describe
from ..attributes.label_cache import MAX_FRAME_GAP_S, LabelCache
from ..attributes.names import LabelModel, find_label_model
from ..ego_motion import EgoMotion
from ..input_checks import check_color, check_depth
from ..robot_self_filter import read_self_mask, remove_robot
from ..support.structure import Layout
from ..upright import MOUNTED, needs_rotation, quarters_to_upright, rotated, rotated_back, rotated_vector, up_of
from .network import FILE, AffinityNetwork, find_segmenter
from .segment import SegmentConfig, segment


@dataclass(frozen=True)
class TabletopConfig:
    """label_model: file to use in place of models/labels/labels.npz. names: False calls everything by shape only.

    segmenter: what tells things apart: the planes and creases of their surfaces, a small network, or both.
    segmenter_model: file to use in place of models/segmenter/segmenter.xml.
    ego_motion: the camera moves and no frame tells its pose, so that it is worked out from the pictures.
    body_mask: picture that is white where the robot sees itself, as its gripper before a wrist camera: no things there.
    up: unit vector away from the earth in the camera's optical frame, of a camera whose mounting is known and that no
    frame tells it for; without it, it is found from the surface that things stand on.
    """

    segment: SegmentConfig = SegmentConfig()
    names: bool = True
    label_model: str | None = None
    segmenter: Literal["planes", "network", "both"] = "both"
    segmenter_model: str | None = None
    ego_motion: bool = False
    body_mask: str | None = None
    up: tuple[float, float, float] | None = None

    def __post_init__(self) -> None:
        if self.up is not None:
            try:
                object.__setattr__(self, "up", direction(self.up))
            except FrameError as error:
                raise ValueError(str(error)) from error  # load_config says which setting it was


class TabletopPerceiver:
    """Finds what stands on the surfaces in view, or is held before the camera. Its words are fixed."""

    def __init__(self, config: TabletopConfig = TabletopConfig()) -> None:
        """Raises ModelError for a model that was named, or is needed, and cannot be read."""
        self.config = config
        cv2.setNumThreads(1)  # many small pictures a frame: handing them to two threads costs 28 of 120 ms
        self._segment = replace(config.segment, convexity=0.0) if config.segmenter == "network" else config.segment
        self._network = None if config.segmenter == "planes" else _network(config.segmenter_model)
        path = (config.label_model or find_label_model()) if config.names else None
        self._ego_motion = EgoMotion() if config.ego_motion else None
        self._label_cache = LabelCache()
        self._layout: Layout | None = None
        self._turns = 0  # quarters by which the images are rotated, see upright.py
        self._stamp_s = float("inf")
        self._self_mask = None if config.body_mask is None else read_self_mask(config.body_mask)
        self._namer = None if path is None else LabelModel.load(Path(path))

    def perceive(self, frame: Frame) -> Perceived:
        """Things on the surfaces in view, or before the camera where none is seen; `note` says where that was so.

        Raises FrameError without depth or camera model, and for pictures that cannot be right (see perception.checks).
        """
        depth, _ = require_depth(frame)
        check_depth(depth)
        check_color(frame.color)
        if self._self_mask is not None:
            depth = remove_robot(depth, self._self_mask)
        pose = None if self._ego_motion is None or frame.pose is not None else self._ego_motion.pose(frame)
        up = up_of(frame) or self.config.up
        turns = self._turns if up is None else quarters_to_upright(up)
        seen = self._perceive(replace(frame, depth_m=depth), up, turns)
        if up is None and seen.plane is not None and needs_rotation(seen.plane.normal):
            # The plane is in the camera's frame after it was turned.
            turns = (turns + quarters_to_upright(seen.plane.normal)) % 4
            seen = self._perceive(replace(frame, depth_m=depth), up, turns)
        mounted = f"the camera is mounted {MOUNTED[turns]}" if turns else ""
        notes = "; ".join(note for note in (mounted, seen.note) if note)
        return replace(rotated_back(seen, turns, frame.image_size), pose=pose, note=notes)

    def _perceive(self, given: Frame, up: Vector | None, turns: int) -> Perceived:
        """What is seen in the frame after it is turned; vectors are of the turned camera. up: in the frame as given."""
        if turns != self._turns:
            self._turns, self._layout, self._label_cache = turns, None, LabelCache()
        frame = rotated(given, turns)
        depth, camera = require_depth(frame)
        up = None if up is None else rotated_vector(up, turns)
        follows = 0 < frame.stamp_s - self._stamp_s <= MAX_FRAME_GAP_S
        before, self._layout, self._stamp_s = self._layout if follows else None, None, frame.stamp_s
        scene = segment(frame.color, depth, camera, self._segment, up, self._network, before)
        if scene is None:
            return Perceived((), note="the picture is too small to find things in")
        self._layout = scene.layout
        geometry = Geometry(scene.surface, scene.factor, scene.plane, scene.factor / camera.fx)
        gain = exposure_gain(frame.color)
        boxes = ndimage.find_objects(scene.labels)
        known = self._label_cache.begin(scene.labels, boxes, frame.color, frame.stamp_s)

        def found(label: int, box: tuple[slice, slice]) -> Detection:
            where = geometry if len(scene.layout.levels) < 2 else replace(geometry, plane=scene.carrier(label, box))
            before = known.get(label)
            thing = describe(label, scene.labels, box, frame.color, where, self._namer, gain, before)[0]
            self._label_cache.store(label, thing, classified=before is None)
            return thing

        things = tuple(found(n, box) for n, box in enumerate(boxes, 1) if box is not None)
        return Perceived(things, scene.plane, note=scene.layout.note)

    def set_vocabulary(self, words: Sequence[str]) -> None:
        raise ConfigError(
            f"the tabletop perceiver names things by fixed words and cannot look for {', '.join(words) or 'others'}: "
            "ask for things by colour, shape, size or place instead"
        )


def _network(named: str | None) -> AffinityNetwork:
    path = Path(named) if named else find_segmenter()
    if path is None:
        raise ModelError(
            f"models/{FILE} is in none of $FASTREASONSEG_MODELS, the repository and the installed share/: restore it, "
            "make it with `fastreasonseg train segmenter`, or set segmenter=planes, which needs no network"
        )
    return AffinityNetwork(path)
