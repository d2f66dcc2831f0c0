"""The tabletop perceiver: detections from RGB-D frames of objects on surfaces, on an embedded CPU."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from scipy import ndimage

from ...errors import ConfigError, FrameError, ModelError
from ...twin.geometry import require_depth
from ...twin.pose import direction
from ...twin.types import CameraIntrinsics, Detection, Frame, Perceived, Vector
from ...weights import find_model_file
from ..attributes.color import light_gain
from ..attributes.describe import Geometry, describe
from ..attributes.eyes import Eyes
from ..attributes.label_cache import MAX_FRAME_GAP_S, LabelCache
from ..attributes.names import LabelModel, find_label_model
from ..detection.ssd import FILE as FILE_OF_DETECTOR
from ..detection.ssd import Detector
from ..ego_motion import EgoMotion
from ..input_checks import check_color, check_depth
from ..picture_names import NamingConfig, PictureNamer
from ..reading.background import BackgroundReader, ReadingConfig
from ..reading.ocr import GET, find_models
from ..robot_self_filter import read_self_mask, remove_robot
from ..support.structure import Layout
from ..upright import MOUNTED, needs_rotation, quarters_to_upright, rotated, rotated_back, rotated_vector, up_of
from .network import FILE, AffinityNetwork, find_segmenter
from .segment import SegmentConfig, segment

LOOKS_PER_FRAME = 2  # of a stream, at about 20 ms of one thread each
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class TabletopConfig:
    """label_model: file instead of models/labels/labels.npz. names: False labels objects by shape only.

    look: the detector of models/detector looks at new objects for their names, LOOKS_PER_FRAME of them a frame, where a
    label model was trained with it; without its weights the other inputs name them.
    segmenter: grouping of surface patches by planes and creases, by the network, or both.
    segmenter_model: file instead of models/segmenter/segmenter.xml.
    ego_motion: estimates the camera pose from the images (visual odometry), for moving cameras without a pose.
    body_mask: image that is white where the robot sees itself, such as the gripper of a wrist camera.
    up: unit vector opposite to gravity in the optical frame, for cameras of known mounting whose frames do not contain
    it; None: estimated from the support plane.
    picture_names: hub id or folder of an image-text model that names things, beside the frame's path (`naming`); made
    ready by `fastreasonseg models install`. None: names come from shape and colour.
    read: reads what is printed on things, beside the frame's path (`reading`), where the networks for it are installed.
    """

    segment: SegmentConfig = SegmentConfig()
    names: bool = True
    label_model: str | None = None
    look: bool = False
    segmenter: Literal["planes", "network", "both"] = "both"
    segmenter_model: str | None = None
    ego_motion: bool = False
    body_mask: str | None = None
    up: tuple[float, float, float] | None = None
    picture_names: str | None = None
    naming: NamingConfig = NamingConfig()
    read: bool = False
    reading: ReadingConfig = ReadingConfig()

    def __post_init__(self) -> None:
        if self.up is not None:
            try:
                object.__setattr__(self, "up", direction(self.up))
            except FrameError as error:
                raise ValueError(str(error)) from error  # load_config adds the name of the setting


class TabletopPerceiver:
    """Detects objects on the surfaces in view, or held in front of the camera. Its labels may be from pictures."""

    def __init__(self, config: TabletopConfig = TabletopConfig()) -> None:
        """Raises ModelError if a configured or required model cannot be read."""
        self.config = config
        cv2.setNumThreads(1)  # many small images per frame: a second thread costs 28 of 120 ms
        self._segment = replace(config.segment, convexity=0.0) if config.segmenter == "network" else config.segment
        self._network = None if config.segmenter == "planes" else _network(config.segmenter_model)
        path = (config.label_model or find_label_model()) if config.names else None
        self._ego_motion = EgoMotion() if config.ego_motion else None
        self._label_cache = LabelCache()
        self._layout: Layout | None = None
        self._quarters = 0  # quarters by which the images are rotated, see upright.py
        self._stamp_s = float("inf")
        self._self_mask = None if config.body_mask is None else read_self_mask(config.body_mask)
        self._namer = None if path is None else LabelModel.load(Path(path))
        self._eyes = _eyes(self._namer) if config.look else None
        self.reader = _reader(config)
        self.picture_namer = None if not config.picture_names else PictureNamer(config.picture_names, config.naming)

    def perceive(self, frame: Frame) -> Perceived:
        """Detects objects on the surfaces in view, or near the camera without a surface; `note` reports limitations.

        Raises FrameError without depth or intrinsics, and for implausible images (see perception.input_checks).
        """
        depth, _ = require_depth(frame)
        check_depth(depth)
        check_color(frame.color)
        if self._self_mask is not None:
            depth = remove_robot(depth, self._self_mask)
        pose = None if self._ego_motion is None or frame.pose is not None else self._ego_motion.pose(frame)
        up = up_of(frame) or self.config.up
        quarters = self._quarters if up is None else quarters_to_upright(up)
        perceived = self._perceive(replace(frame, depth_m=depth), up, quarters)
        if up is None and perceived.plane is not None and needs_rotation(perceived.plane.normal):
            # The plane is in the frame of the rotated image.
            quarters = (quarters + quarters_to_upright(perceived.plane.normal)) % 4
            perceived = self._perceive(replace(frame, depth_m=depth), up, quarters)
        mounting_note = f"the camera is mounted {MOUNTED[quarters]}" if quarters else ""
        notes = "; ".join(note for note in (mounting_note, perceived.note) if note)
        return replace(rotated_back(perceived, quarters, frame.image_size), pose=pose, note=notes)

    def warm_up(self) -> None:
        """Compiles the network for pictures of 640x480, saves the first one 0.5 s; only before the first frame."""
        self._perceive(_table_with_box(), None, 0)
        self._layout, self._label_cache, self._quarters, self._stamp_s = None, LabelCache(), 0, float("inf")

    def _perceive(self, original: Frame, up: Vector | None, quarters: int) -> Perceived:
        """Detections in the rotated frame, in its coordinates. up: in the original optical frame."""
        if quarters != self._quarters:
            self._quarters, self._layout, self._label_cache = quarters, None, LabelCache()
        frame = rotated(original, quarters)
        depth, camera = require_depth(frame)
        up = None if up is None else rotated_vector(up, quarters)
        consecutive = 0 < frame.stamp_s - self._stamp_s <= MAX_FRAME_GAP_S
        before, self._layout, self._stamp_s = self._layout if consecutive else None, None, frame.stamp_s
        scene = segment(frame.color, depth, camera, self._segment, up, self._network, before)
        if scene is None:
            return Perceived((), note="the picture is too small to find things in")
        self._layout = scene.layout
        geometry = Geometry(scene.surface, scene.factor, scene.plane, scene.factor / camera.fx)
        boxes = ndimage.find_objects(scene.labels)
        cached = self._label_cache.begin(scene.labels, boxes, frame.color, frame.stamp_s)
        unnamed = [label for label, box in enumerate(boxes, 1) if box is not None and label not in cached]
        gain = light_gain(frame.color) if unnamed else None
        looked_at = unnamed[:LOOKS_PER_FRAME] if consecutive else unnamed

        def detection_of(label: int, box: tuple[slice, slice]) -> Detection:
            one_level = len(scene.layout.levels) < 2
            local = geometry if one_level else replace(geometry, plane=scene.carrier(label, box))
            before = cached.get(label)
            eyes = self._eyes if label in looked_at else None
            detection, _ = describe(label, scene.labels, box, frame.color, local, self._namer, gain, before, eyes)
            self._label_cache.store(label, detection, classified=before is None)
            return detection

        detections = tuple(detection_of(n, box) for n, box in enumerate(boxes, 1) if box is not None)
        return Perceived(detections, scene.plane, note=scene.layout.note)

    @property
    def words(self) -> tuple[str, ...]:
        """Labels that things may get from their pictures."""
        return () if self.picture_namer is None else self.picture_namer.words

    def set_vocabulary(self, words: Sequence[str]) -> None:
        if self.picture_namer is None:
            raise ConfigError(
                "the tabletop perceiver names things by fixed words and cannot look for "
                f"{', '.join(words) or 'others'}: ask for things by colour, shape, size or place instead, or set "
                "picture_names (docs/foundation.md)"
            )
        self.picture_namer.set_words(words)


def _table_with_box() -> Frame:
    """A table seen from straight above at 1 m, with a box of 0.1 m on it."""
    camera = CameraIntrinsics(640, 480, 570.0, 570.0, 319.5, 239.5)
    depth, color = np.full((480, 640), 1.0, np.float32), np.full((480, 640, 3), 150, np.uint8)
    depth[200:280, 280:360], color[200:280, 280:360] = 0.9, (200, 60, 60)
    return Frame(color, depth, camera)


def _eyes(namer: LabelModel | None) -> Eyes | None:
    if namer is None or not namer.looks:
        return None
    if find_model_file(FILE_OF_DETECTOR) is None:
        _LOG.info("names come from shape and colour alone: models/%s is missing; restore it", FILE_OF_DETECTOR)
        return None
    return Eyes(Detector())


def _reader(config: TabletopConfig) -> BackgroundReader | None:
    folder = find_models() if config.read else None
    if config.read and folder is None:
        _LOG.info("what is printed on things is not read: the networks for it are missing; get them with %s", GET)
    return None if folder is None else BackgroundReader(folder, config.reading)


def _network(path_setting: str | None) -> AffinityNetwork:
    path = Path(path_setting) if path_setting else find_segmenter()
    if path is None:
        raise ModelError(
            f"models/{FILE} is in none of $FASTREASONSEG_MODELS, the repository and the installed share/: restore it, "
            "make it with `fastreasonseg train segmenter`, or set segmenter=planes, which needs no network"
        )
    return AffinityNetwork(path)
