"""One frame from files: a picture, its depth and its camera."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..errors import DatasetError, FrameError
from ..twin.types import CameraIntrinsics, Frame
from .files import read_camera, read_color, read_depth
from .registration import fit_depth


def read_picture(
    color: Path, depth: Path | None = None, camera: Path | None = None, depth_unit_m: float | None = None
) -> Frame:
    """The frame; depth needs its camera. depth_unit_m: metres per count; None: by camera.json. Raises DatasetError."""
    pixels = read_color(color)
    if depth and not camera:
        raise DatasetError(f"{depth}: depth needs the camera that took it; give --camera camera.json")
    model = read_camera(camera) if camera else None
    depth_m = read_depth(depth, depth_unit_m or model["depth_unit_m"]) if depth and model else None
    try:
        return Frame(
            color=pixels,
            depth_m=None if depth_m is None else fit_depth(depth_m, pixels.shape[1], pixels.shape[0]),
            intrinsics=None if model is None else intrinsics_of(model),
        )
    except FrameError as error:
        raise DatasetError(f"{color}: {error}") from error


def intrinsics_of(camera: Mapping[str, float]) -> CameraIntrinsics:
    """Of what `read_camera` gives. Raises FrameError."""
    return CameraIntrinsics(
        int(camera["width"]), int(camera["height"]), camera["fx"], camera["fy"], camera["cx"], camera["cy"]
    )
