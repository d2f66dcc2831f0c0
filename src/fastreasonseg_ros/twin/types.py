"""The value types everything speaks: frames in, detections, the digital twin, questions and answers out.

Metres, seconds, pixels; camera optical frame (x right, y down, z forward, REP-103) unless `frame_id` says otherwise.
Every value is checked once, when it is made (validation.py). Unknown quantities are None, never invented.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float32, UInt8, UInt16

from ..errors import FrameError
from .answers import Answer as Answer
from .answers import Command as Command
from .answers import Query as Query
from .answers import TraceStep as TraceStep
from .picture import PictureEmbedding as PictureEmbedding
from .pose import Pose, direction
from .resting import RestingPlace
from .track_memory import TrackMemory
from .validation import POSES as POSES
from .validation import TONES as TONES
from .validation import check_instance, check_relation, check_twin

SHAPES = ("box", "cylinder", "sphere", "bowl", "flat", "elongated", "irregular")
NO_LABEL = "object"  # of what perception cannot name
COLORS = ("black", "white", "gray", "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown")
Vector = tuple[float, float, float]
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class ColorShare:
    """One of a thing's colours: a basic term, its share of the visible surface (0 to 1), "light", "dark" or ""."""

    term: str
    share: float
    tone: str = ""


@dataclass(frozen=True)
class CameraIntrinsics:
    """Pinhole camera without distortion; focal lengths and principal point in pixels."""

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1 or not (self.fx > 0 and self.fy > 0):
            raise FrameError(
                f"camera model {self.width}x{self.height} with fx={self.fx}, fy={self.fy} is not usable: "
                "sizes and focal lengths must be positive; publish a calibrated camera_info"
            )


@dataclass(frozen=True)
class GroundTruth:
    """What a simulator or an annotated data set knows: ids per pixel (0 = background) and words per id."""

    ids: UInt16[np.ndarray, "h w"]
    labels: Mapping[int, str] = field(default_factory=dict)
    colors: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Frame:
    """One picture of a camera.

    color: RGB, 0..255. depth_m: metres along z, NaN where unknown, or None without a depth camera. pose: the camera's
    in a frame that stands still, up: unit vector away from the earth in the camera's frame; both where they are known.
    Raises FrameError if sizes disagree, and for an `up` that is no direction.
    """

    color: UInt8[np.ndarray, "h w 3"]
    depth_m: Float32[np.ndarray, "h w"] | None = None
    intrinsics: CameraIntrinsics | None = None
    stamp_s: float = 0.0
    frame_id: str = "camera_color_optical_frame"
    truth: GroundTruth | None = None
    pose: Pose | None = None
    up: Vector | None = None

    def __post_init__(self) -> None:
        if self.up is not None:
            object.__setattr__(self, "up", direction(self.up))
        if self.color.ndim != 3 or self.color.shape[2] != 3 or self.color.dtype != np.uint8 or self.color.size == 0:
            raise FrameError(
                f"colour image must be uint8 of shape (h, w, 3), not empty; got {self.color.dtype} {self.color.shape}"
            )
        h, w = self.color.shape[:2]
        if self.depth_m is not None and self.depth_m.shape != (h, w):
            raise FrameError(
                f"depth is {self.depth_m.shape[1]}x{self.depth_m.shape[0]} but colour is {w}x{h}: "
                "publish depth registered to colour (aligned_depth_to_color), same size"
            )
        k = self.intrinsics
        if k is not None and (k.width, k.height) != (w, h):
            raise FrameError(
                f"camera_info is for {k.width}x{k.height} but the picture is {w}x{h}: use this stream's camera_info"
            )
        if self.truth is not None and self.truth.ids.shape != (h, w):
            raise FrameError(f"ground-truth ids are {self.truth.ids.shape} but the picture is {(h, w)}")

    @property
    def image_size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.color.shape[1], self.color.shape[0]


@dataclass(frozen=True)
class Plane:
    """Supporting plane n . p = offset with n pointing up, away from the support, in the camera frame (metres)."""

    normal: Vector
    offset_m: float

    def height_m(self, points: Float32[np.ndarray, "... 3"]) -> Float32[np.ndarray, "..."]:
        """Signed height of points above the plane, metres."""
        return points @ np.asarray(self.normal, points.dtype) - np.asarray(self.offset_m, points.dtype)


@dataclass(frozen=True)
class Detection:
    """One object that a perceiver sees in one frame, before it has an id.

    box_xyxy: pixels, end exclusive. size_m: width, height, depth along x, y, z. middle_m: mean of the surface that is
    seen, which tells motion with less noise than center_m, that of the whole thing. elevation_m: height of the lowest
    and highest point above the supporting plane. nearness: 0 (far) to 1 (near) in this picture, from depth that is
    relative: it orders things and measures none. track_hint: an id that the perceiver is sure of. appearance: a unit
    vector whose dot product with another says how alike two things look (1: the same). alternative_labels: other
    words that it might rightly be called by, likeliest first. colors: all of them, largest share first. pose: one of
    POSES, where known.
    """

    mask: Bool[np.ndarray, "h w"]
    label: str
    score: float
    box_xyxy: Box
    color: str | None = None
    shape: str | None = None
    depth_mean_m: float | None = None
    depth_std_m: float | None = None
    center_m: Vector | None = None
    size_m: Vector | None = None
    middle_m: Vector | None = None
    elevation_m: tuple[float, float] | None = None
    nearness: float | None = None
    track_hint: int | None = None
    appearance: Float32[np.ndarray, "k"] | None = field(default=None, compare=False, repr=False)
    alternative_labels: tuple[str, ...] = ()
    colors: tuple[ColorShare, ...] = ()
    pose: str | None = None


@dataclass(frozen=True)
class Perceived:
    """What a perceiver returns for one frame: its detections, and the supporting plane where one was found.

    pose: the camera's as the perceiver worked it out, for frames that come without. note: what it had to do without.
    """

    detections: tuple[Detection, ...]
    plane: Plane | None = None
    pose: Pose | None = None
    note: str = ""


@dataclass(frozen=True)
class Instance:
    """One object of the twin. Velocity in metres per second, path_length_m travelled while tracked.

    nearness: 0 (far) to 1 (near) where depth is relative, that is without metres. alternative_labels: up to
    three other words that it might rightly be called by, likeliest first; see `Detection`, also for colors and pose.
    past: the last places where it rested, oldest first, with the present one where it rests now (resting.py).
    text: what is printed on it, as far as it was read; empty where nothing was.
    picture: where an image-text model named it, which also gives alternative_scores, a probability for each of them.
    """

    id: int
    label: str
    score: float = 1.0
    color: str | None = None
    shape: str | None = None
    box_xyxy: Box | None = None
    depth_mean_m: float | None = None
    depth_std_m: float | None = None
    center_m: Vector | None = None
    size_m: Vector | None = None
    elevation_m: tuple[float, float] | None = None
    velocity: Vector | None = None
    path_length_m: float | None = None
    first_seen_s: float | None = None
    last_seen_s: float | None = None
    visible: bool = True
    nearness: float | None = None
    memory: TrackMemory | None = field(default=None, compare=False, repr=False)
    alternative_labels: tuple[str, ...] = ()
    colors: tuple[ColorShare, ...] = ()
    pose: str | None = None
    past: tuple[RestingPlace, ...] = ()
    text: str = ""
    picture: PictureEmbedding | None = field(default=None, compare=False, repr=False)
    alternative_scores: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        check_instance(self)


@dataclass(frozen=True)
class Relation:
    """subject predicate object, e.g. 3 on 1; predicates stored are 'on' and 'inside'."""

    subject: int
    predicate: str
    object: int
    score: float = 1.0

    def __post_init__(self) -> None:
        check_relation(self)


@dataclass(frozen=True)
class DigitalTwin:
    """The scene as the reasoner sees it. ids: uint16 image, pixel = instance id, 0 = background, or None.

    pose: the camera's in a frame that stands still, where known; velocities are then over that ground, along the axes
    of frame_id. forgotten: what left so long ago that it is no part of the scene, but would be known again.
    """

    instances: tuple[Instance, ...] = ()
    relations: tuple[Relation, ...] = ()
    stamp_s: float = 0.0
    frame_id: str = "camera_color_optical_frame"
    image_size: tuple[int, int] = (640, 480)
    plane: Plane | None = None
    ids: UInt16[np.ndarray, "h w"] | None = None
    sequence: int = 0
    last_id: int = field(default=0, compare=False)  # the id given last; new ones count on from it (ids.py)
    pose: Pose | None = field(default=None, compare=False)
    forgotten: tuple[Instance, ...] = field(default=(), compare=False, repr=False)
    note: str = field(default="", compare=False)  # what perception had to do without
    begun_s: float | None = None  # stamp of the first frame; None where unknown

    def __post_init__(self) -> None:
        check_twin(self)

    def instance(self, id: int) -> Instance:
        """The instance of that id; KeyError if there is none."""
        for i in self.instances:
            if i.id == id:
                return i
        raise KeyError(id)
