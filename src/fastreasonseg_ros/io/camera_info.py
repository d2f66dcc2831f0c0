"""The pinhole camera of a sensor_msgs/CameraInfo, with binning and region of interest applied.

As in image_geometry (vision_opencv): width, height, K and P of the message are those of the full sensor; the picture is
the region of interest, then binned. So f' = f / binning and c' = (c - offset) / binning.
"""

from __future__ import annotations

from typing import Any

from ..errors import FrameError
from ..twin.types import CameraIntrinsics

CALIBRATE = "publish a calibrated camera_info (camera_calibration writes one)"


def camera_from_info(info: Any, image_size: tuple[int, int] | None = None, rectified: bool = False) -> CameraIntrinsics:
    """The pinhole model of an image, in its pixels; distortion is ignored.

    info: a CameraInfo of ROS 1 or 2. image_size: (width, height) of the image, to be checked; for an image of the full
    sensor's size binning and region are ignored. rectified: the image is rectified, so that P is used, not K (K if
    there is neither distortion nor P).

    Raises FrameError if it is not calibrated, the region is outside of the sensor, or the size is not the image's.
    """
    full = (int(info.width), int(info.height))
    fx, fy, cx, cy = _matrix(info, rectified)
    x, y, width, height = _region(info, full)
    binning_x, binning_y = max(1, int(info.binning_x)), max(1, int(info.binning_y))
    reduced = (width // binning_x, height // binning_y)
    if image_size is not None and image_size != reduced and image_size == full:
        return CameraIntrinsics(*full, fx, fy, cx, cy)
    if image_size is not None and image_size != reduced:
        reduction = _reduction(full, reduced, (x, y), (binning_x, binning_y))
        raise FrameError(
            f"camera_info is for {_size(reduced)}{reduction} but the picture "
            f"is {_size(image_size)}: use this stream's camera_info, or one made for the resized picture"
        )
    return CameraIntrinsics(*reduced, fx / binning_x, fy / binning_y, (cx - x) / binning_x, (cy - y) / binning_y)


def is_rectified(topic: str) -> bool:
    """Whether a topic's images are rectified, by the names of image_proc: image_rect, image_rect_color, ..."""
    return any("rect" in part.split("_") for part in topic.split("/"))


def _matrix(info: Any, rectified: bool) -> tuple[float, float, float, float]:
    """fx, fy, cx, cy of K, or of P for a rectified picture."""
    k = _field(info, "k")
    if rectified:
        p = _field(info, "p")
        if float(p[0]) > 0:
            return float(p[0]), float(p[5]), float(p[2]), float(p[6])
        if any(float(d) for d in _field(info, "d")):
            raise FrameError(
                f"camera_info of {_size((info.width, info.height))} has no P for a rectified picture: {CALIBRATE}"
            )
    return float(k[0]), float(k[4]), float(k[2]), float(k[5])


def _field(info: Any, name: str) -> Any:
    """Field k, d or p in ROS 2; K, D or P in ROS 1."""
    return getattr(info, name) if hasattr(info, name) else getattr(info, name.upper())


def _region(info: Any, full: tuple[int, int]) -> tuple[int, int, int, int]:
    """x, y, width, height of the region of interest in pixels of the full sensor; all zeros mean the full sensor."""
    roi = info.roi
    x, y, width, height = (int(v) for v in (roi.x_offset, roi.y_offset, roi.width, roi.height))
    if not (x or y or width or height):
        return 0, 0, *full
    if width < 1 or height < 1 or x + width > full[0] or y + height > full[1]:
        raise FrameError(
            f"camera_info has the region of interest {width}x{height} at ({x}, {y}), which is not within its "
            f"{_size(full)}: the driver sent a broken camera_info"
        )
    return x, y, width, height


def _reduction(full: tuple[int, int], reduced: tuple[int, int], at: tuple[int, int], binning: tuple[int, int]) -> str:
    if reduced == full:
        return ""
    region = f"region at ({at[0]}, {at[1]}), " if any(at) else ""
    return f" ({_size(full)}, {region}binning {binning[0]}x{binning[1]})"


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"
