"""Registration of depth to the colour image.

`choose_alignment` decides from sizes, frames and camera models what is needed; `DepthAligner` does it for a stream.
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

SAME_CAMERA = 0.01  # relative difference of focal lengths, and of the principal point in image sizes
SAME_ASPECT = 0.01
Lookup = Callable[[str, str], RigidTransform | None]  # (target frame, source frame) -> source to target


class Alignment(Enum):
    ALIGNED = "aligned"  # already pixel-aligned
    SCALED = "scaled"  # of the colour camera, in another resolution
    REGISTER = "register"  # of another camera; projected into the colour camera
    UNKNOWN = "unknown"  # of another camera, but camera models or transform are missing


@dataclass(frozen=True)
class CameraView:
    """Camera of one image. frame_id: "" = unknown, as for files. intrinsics: for this size."""

    width: int
    height: int
    frame_id: str = ""
    intrinsics: CameraIntrinsics | None = None


@dataclass(frozen=True)
class AlignmentChoice:
    """message: the decision and its reason; for UNKNOWN also what to do. transform: depth to colour, for REGISTER."""

    alignment: Alignment
    message: str
    transform: RigidTransform | None = None


def choose_alignment(color: CameraView, depth: CameraView, depth_to_color: RigidTransform | None) -> AlignmentChoice:
    """How to align depth to the colour image's pixels.

    - ALIGNED: same (or unknown) frame, same size, and camera models that agree if known; or frames related by the
      identity and agreeing camera models.
    - SCALED: the same in another resolution of the same aspect ratio.
    - REGISTER: another frame or camera model; both camera models and the transform are known.
    - UNKNOWN: otherwise.

    Camera models agree if, after scaling, focal lengths differ by less than 1 % and the principal point by less than
    1 % of the image plus a pixel (drivers scale it by different conventions).
    """
    same_size = (color.width, color.height) == (depth.width, depth.height)
    proportional = abs(depth.width * color.height / (depth.height * color.width) - 1) <= SAME_ASPECT
    color_frame, depth_frame = plain_frame(color.frame_id), plain_frame(depth.frame_id)
    same_frame = color_frame == depth_frame or not color_frame or not depth_frame
    if same_frame:
        depth_to_color = IDENTITY
    agree = _cameras_agree(color, depth)
    sizes = f"depth {depth.width}x{depth.height}, colour {color.width}x{color.height}"
    unregistered = Alignment.ALIGNED if same_size else Alignment.SCALED
    one_camera = agree is True or (agree is None and same_frame)
    if depth_to_color is not None and depth_to_color.is_identity() and proportional and one_camera:
        return AlignmentChoice(unregistered, f"depth is of the colour camera ({sizes})")
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
    """Aligns depth of a stream to the colour image. Decides again when sizes, frames or cameras change.

    lookup: (target frame, source frame) -> transform, None if unknown.
    """

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._key: tuple[CameraView, CameraView] | None = None
        self._choice: AlignmentChoice | None = None
        self._projection: DepthProjection | None = None

    @property
    def choice(self) -> AlignmentChoice | None:
        """The choice for the newest image; None before the first."""
        return self._choice

    @property
    def warning(self) -> str:
        """Why depth may not be aligned to the colour image; empty if it is."""
        unknown = self._choice is not None and self._choice.alignment is Alignment.UNKNOWN
        return f"{self._choice.message}; it is used as if it were" if unknown and self._choice else ""

    def align(
        self, depth_m: Float32[np.ndarray, "h w"], color: CameraView, depth: CameraView
    ) -> Float32[np.ndarray, "H W"]:
        """Metres along z of the colour camera (of the depth camera if ALIGNED, SCALED or UNKNOWN), NaN where unknown,
        in the size of the colour image. UNKNOWN depth is returned unchanged, with a `warning`. Raises FrameError if it
        has another size than the colour image.
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
    """Depth of files (unknown frame and camera) scaled to the size of the colour image.

    Raises FrameError if the aspect ratio differs.
    """
    depth = CameraView(depth_m.shape[1], depth_m.shape[0])
    return DepthAligner(lambda target, source: None).align(depth_m, CameraView(width, height), depth)


def _cameras_agree(color: CameraView, depth: CameraView) -> bool | None:
    """Whether the camera models are equal up to resolution; None if one is unknown."""
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
