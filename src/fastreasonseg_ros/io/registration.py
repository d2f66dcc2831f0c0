"""Depth in the pixels of the colour picture: whether it is registered, and registering it where it is not.

`choose_alignment` decides from sizes, frames and camera models; `DepthAligner` does it for a stream of pictures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import numpy as np
from jaxtyping import Float32

from ..errors import FrameError
from ..twin.types import CameraIntrinsics
from .depth_projection import DepthProjection, scale_depth
from .transforms import IDENTITY, RigidTransform, plain_frame

SAME_CAMERA = 0.01  # relative difference of focal lengths, and of the principal point in picture sizes
SAME_ASPECT = 0.01
Lookup = Callable[[str, str], RigidTransform | None]  # (target frame, source frame) -> source to target


class Alignment(Enum):
    ALIGNED = "aligned"  # pixel for pixel as it is
    SCALED = "scaled"  # of the colour camera, in another resolution
    REGISTER = "register"  # of another camera: to be projected into the colour camera
    UNKNOWN = "unknown"  # of another camera, and what is needed to register it is not known


@dataclass(frozen=True)
class CameraView:
    """What is known of one picture's camera. frame_id: "" = not known, as for files. intrinsics: of this size."""

    width: int
    height: int
    frame_id: str = ""
    intrinsics: CameraIntrinsics | None = None


@dataclass(frozen=True)
class AlignmentChoice:
    """message: what was decided and why; for UNKNOWN also what to do. transform: depth to colour, for REGISTER."""

    alignment: Alignment
    message: str
    transform: RigidTransform | None = None


def choose_alignment(color: CameraView, depth: CameraView, depth_to_color: RigidTransform | None) -> AlignmentChoice:
    """How depth comes to the colour picture's pixels.

    - ALIGNED: same frame (or a frame not known), same size, and no camera model that says otherwise; or other frames
      with an identity between them and the same camera.
    - SCALED: the same in another resolution: one aspect ratio, and no camera model that says otherwise.
    - REGISTER: another frame or another camera model, and both camera models and the transform are known.
    - UNKNOWN: all else.

    Camera models agree if, once scaled, focal lengths differ by less than 1 % and the principal point by less than 1 %
    of the picture and a pixel (drivers scale it by different conventions).
    """
    same_size = (color.width, color.height) == (depth.width, depth.height)
    proportional = abs(depth.width * color.height / (depth.height * color.width) - 1) <= SAME_ASPECT
    color_frame, depth_frame = plain_frame(color.frame_id), plain_frame(depth.frame_id)
    same_frame = color_frame == depth_frame or not color_frame or not depth_frame
    if same_frame:
        depth_to_color = IDENTITY
    agree = _cameras_agree(color, depth)
    sizes = f"depth {depth.width}x{depth.height}, colour {color.width}x{color.height}"
    as_it_is = Alignment.ALIGNED if same_size else Alignment.SCALED
    one_camera = agree is True or (agree is None and same_frame)
    if depth_to_color is not None and depth_to_color.is_identity() and proportional and one_camera:
        return AlignmentChoice(as_it_is, f"depth is of the colour camera ({sizes})")
    if depth_to_color is not None and color.intrinsics is not None and depth.intrinsics is not None:
        return AlignmentChoice(
            Alignment.REGISTER, f"depth of {depth_frame} is registered to {color_frame} ({sizes})", depth_to_color
        )
    missing = [
        name
        for name, known in (
            ("the colour camera's camera_info", color.intrinsics),
            ("the depth camera's camera_info", depth.intrinsics),
            (f"the transform from {depth_frame} to {color_frame} (/tf_static)", depth_to_color),
        )
        if known is None
    ]
    differences = []
    if not same_size:
        differences.append(f"depth is {depth.width}x{depth.height} but colour is {color.width}x{color.height}")
    if not same_frame:
        differences.append(f"depth is in the frame {depth_frame} but colour in {color_frame}")
    return AlignmentChoice(
        Alignment.UNKNOWN,
        f"{', '.join(differences)}: as far as is known it is not registered to colour, and it cannot be without "
        f"{' and '.join(missing)}; use the driver's registered depth (aligned_depth_to_color, depth_registered)",
    )


class DepthAligner:
    """Depth of a stream in the colour picture's pixels. Decides anew when sizes, frames or cameras change.

    lookup: the transform from a source frame to a target frame where it is known.
    """

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._key: tuple[CameraView, CameraView] | None = None
        self._choice: AlignmentChoice | None = None
        self._projection: DepthProjection | None = None

    @property
    def choice(self) -> AlignmentChoice | None:
        """Of the newest picture; None before the first."""
        return self._choice

    @property
    def warning(self) -> str:
        """Why depth may not fit the colour picture; empty where it does."""
        unknown = self._choice is not None and self._choice.alignment is Alignment.UNKNOWN
        return f"{self._choice.message}; it is used as if it were" if unknown and self._choice else ""

    def align(
        self, depth_m: Float32[np.ndarray, "h w"], color: CameraView, depth: CameraView
    ) -> Float32[np.ndarray, "H W"]:
        """Metres along z of the colour camera (of the depth camera where it is ALIGNED, SCALED or UNKNOWN), NaN where
        unknown, in the size of the colour picture. UNKNOWN depth of the colour picture's size is given as it is, with a
        `warning`; of another size it raises FrameError.
        """
        if self._choice is None or self._key != (color, depth) or self._choice.alignment is Alignment.UNKNOWN:
            self._decide(color, depth)
        choice = self._choice
        assert choice is not None
        if choice.alignment is Alignment.SCALED:
            return scale_depth(depth_m, color.width, color.height)
        if self._projection is not None:
            return self._projection(depth_m)
        if depth_m.shape != (color.height, color.width):
            raise FrameError(choice.message)
        return depth_m

    def _decide(self, color: CameraView, depth: CameraView) -> None:
        frames = plain_frame(color.frame_id), plain_frame(depth.frame_id)
        transform = self._lookup(*frames) if all(frames) and frames[0] != frames[1] else None
        self._key, self._choice = (color, depth), choose_alignment(color, depth, transform)
        self._projection = None
        if self._choice.transform is not None and color.intrinsics is not None and depth.intrinsics is not None:
            self._projection = DepthProjection(depth.intrinsics, color.intrinsics, self._choice.transform)


def fit_depth(depth_m: Float32[np.ndarray, "h w"], width: int, height: int) -> Float32[np.ndarray, "H W"]:
    """Depth of files, of which no frame or camera is known, in the size of the colour picture.

    Raises FrameError where the aspect ratio is another.
    """
    depth = CameraView(depth_m.shape[1], depth_m.shape[0])
    return DepthAligner(lambda target, source: None).align(depth_m, CameraView(width, height), depth)


def _cameras_agree(color: CameraView, depth: CameraView) -> bool | None:
    """Whether the camera models are one in two resolutions; None where one of them is not known."""
    a, b = color.intrinsics, depth.intrinsics
    if a is None or b is None:
        return None
    x, y = b.width / a.width, b.height / a.height
    return (
        abs(b.fx - a.fx * x) <= SAME_CAMERA * a.fx * x
        and abs(b.fy - a.fy * y) <= SAME_CAMERA * a.fy * y
        and abs(b.cx - a.cx * x) <= SAME_CAMERA * b.width + 1
        and abs(b.cy - a.cy * y) <= SAME_CAMERA * b.height + 1
    )
