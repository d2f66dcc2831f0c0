"""ROS images and camera models to arrays and back. Colour is RGB uint8, depth float32 metres with NaN where unknown.

Reading is done by io/, which bags use as well; here are the messages that nodes make. REP-118: depth is 32FC1 in
metres, or 16UC1 in millimetres (another unit by the parameter depth_unit_m), 0 = unknown.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from builtin_interfaces.msg import Duration, Time
from jaxtyping import Float32, UInt8, UInt16
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from ..io.camera_info import camera_from_info
from ..io.image_messages import color_of, depth_of, ids_of
from ..twin.types import CameraIntrinsics


def color_from_msg(msg: Image | CompressedImage) -> UInt8[np.ndarray, "h w 3"]:
    """RGB picture of a raw or compressed image. Raises FrameError for an unknown encoding or broken data."""
    return color_of(msg)


def depth_from_msg(msg: Image | CompressedImage, depth_unit_m: float = 0.001) -> Float32[np.ndarray, "h w"]:
    """Metres along z, NaN where unknown. Raises FrameError for an unknown encoding or broken data.

    depth_unit_m: metres of one step of 16-bit depth; depth of floats is in metres.
    """
    encoding = msg.format.partition(";")[0].strip() if isinstance(msg, CompressedImage) else msg.encoding
    return depth_of(msg, None if encoding == "32FC1" else depth_unit_m)


def ids_from_msg(msg: Image) -> UInt16[np.ndarray, "h w"] | None:
    """The id image of a SceneGraph or of ground truth; None where the message holds no picture."""
    return ids_of(msg) if len(msg.data) else None


def image_to_msg(array: np.ndarray, encoding: str, header: Header) -> Image:
    """An array of shape (h, w) or (h, w, c) as it is; depth in metres goes with the encoding 32FC1."""
    array = np.ascontiguousarray(array)
    msg = Image(header=header, height=array.shape[0], width=array.shape[1], encoding=encoding)
    msg.step = array.strides[0]
    msg.data = array.tobytes()  # rclpy copies an ndarray element by element, which takes 80 times as long
    return msg


def compressed_to_msg(array: np.ndarray, encoding: str, header: Header) -> CompressedImage:
    """A picture as compressed_image_transport sends it: rgb8 (h, w, 3) as JPEG, mono8 (h, w) as PNG, without loss."""
    if encoding == "rgb8":
        _, data = cv2.imencode(".jpg", cv2.cvtColor(array, cv2.COLOR_RGB2BGR))
        return CompressedImage(header=header, format="rgb8; jpeg compressed bgr8", data=data.tobytes())
    _, data = cv2.imencode(".png", array, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    return CompressedImage(header=header, format=f"{encoding}; png compressed ", data=data.tobytes())


def depth_to_msg(depth_m: Float32[np.ndarray, "h w"], header: Header) -> Image:
    """16UC1, millimetres, 0 = unknown or beyond 65.5 m."""
    mm = depth_m * np.float32(1000)
    known = (mm >= 0) & (mm <= 65535)  # false for NaN
    return image_to_msg(np.rint(np.where(known, mm, 0)).astype(np.uint16), "16UC1", header)


def intrinsics_from_msg(msg: CameraInfo, image_size: tuple[int, int] | None = None) -> CameraIntrinsics:
    """The pinhole camera of a picture, with binning and region of interest applied.

    image_size: (width, height) of the picture in pixels, to be checked. Raises FrameError if it is not calibrated, or
    of another size than the picture.
    """
    return camera_from_info(msg, image_size)


def intrinsics_to_msg(camera: CameraIntrinsics, header: Header) -> CameraInfo:
    """A camera_info without distortion."""
    msg = CameraInfo(header=header, width=camera.width, height=camera.height, distortion_model="plumb_bob")
    msg.d = [0.0] * 5
    msg.k = [camera.fx, 0.0, camera.cx, 0.0, camera.fy, camera.cy, 0.0, 0.0, 1.0]
    msg.r = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    msg.p = [camera.fx, 0.0, camera.cx, 0.0, 0.0, camera.fy, camera.cy, 0.0, 0.0, 0.0, 1.0, 0.0]
    return msg


def time_to_s(stamp: Time) -> float:
    """Seconds."""
    return stamp.sec + stamp.nanosec * 1e-9


def time_from_s(seconds: float) -> Time:
    """Rounded to nanoseconds; times before 0 become 0."""
    nanoseconds = max(0, round(seconds * 1e9))
    return Time(sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9)


def duration(seconds: float) -> Duration:
    """Rounded to nanoseconds. Raises ValueError for a number that is not finite."""
    nanoseconds = round(seconds * 1e9) if math.isfinite(seconds) else None
    if nanoseconds is None or not -(2**31) <= nanoseconds // 10**9 < 2**31:
        raise ValueError(f"{seconds} s is no duration")
    return Duration(sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9)


def stamp_ns(header: Header) -> int:
    """The stamp in nanoseconds."""
    return header.stamp.sec * 10**9 + header.stamp.nanosec
