"""ROS images and camera models to arrays and back. Colour is RGB uint8, depth float32 metres with NaN where unknown.

REP-118: depth is 32FC1 in metres, or 16UC1 in millimetres with 0 = unknown; the encoding decides.
"""

from __future__ import annotations

import struct

import cv2
import numpy as np
from builtin_interfaces.msg import Time
from jaxtyping import Float32, UInt8, UInt16
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from ..errors import FrameError
from ..twin.types import CameraIntrinsics

try:
    from cv_bridge import CvBridge, CvBridgeError
except ImportError:  # not among the wheels; it only widens the list of encodings
    CvBridge = None

# encoding: (dtype, channels, OpenCV conversion to RGB or None)
_COLOR = {
    "rgb8": (np.uint8, 3, None),
    "bgr8": (np.uint8, 3, cv2.COLOR_BGR2RGB),
    "8UC3": (np.uint8, 3, cv2.COLOR_BGR2RGB),
    "rgba8": (np.uint8, 4, cv2.COLOR_RGBA2RGB),
    "bgra8": (np.uint8, 4, cv2.COLOR_BGRA2RGB),
    "8UC4": (np.uint8, 4, cv2.COLOR_BGRA2RGB),
    "mono8": (np.uint8, 1, cv2.COLOR_GRAY2RGB),
    "8UC1": (np.uint8, 1, cv2.COLOR_GRAY2RGB),
}
_DEPTH = {
    "16UC1": (np.uint16, 1, None),
    "mono16": (np.uint16, 1, None),
    "32FC1": (np.float32, 1, None),
}
_PNG = b"\x89PNG"


def color_from_msg(msg: Image | CompressedImage) -> UInt8[np.ndarray, "h w 3"]:
    """RGB picture of a raw or compressed image. Raises FrameError for an unknown encoding or broken data."""
    if isinstance(msg, CompressedImage):
        bgr = cv2.imdecode(_bytes_of(msg), cv2.IMREAD_COLOR)
        if bgr is None:
            raise FrameError(
                f"compressed colour image ({msg.format!r}) is broken or of a format that OpenCV cannot read"
            )
        return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
    if msg.encoding not in _COLOR:
        return _color_by_cv_bridge(msg)
    conversion = _COLOR[msg.encoding][2]
    pixels = _pixels(msg, _COLOR)
    return pixels.copy() if conversion is None else cv2.cvtColor(pixels, conversion)


def depth_from_msg(msg: Image | CompressedImage) -> Float32[np.ndarray, "h w"]:
    """Metres along z, NaN where unknown. Raises FrameError for an unknown encoding or broken data."""
    if isinstance(msg, CompressedImage):
        return _compressed_depth(msg)
    if msg.encoding not in _DEPTH:
        raise FrameError(
            f"depth image has the encoding {msg.encoding!r}; known are {', '.join(_DEPTH)}: "
            "publish millimetres as 16UC1 or metres as 32FC1 (REP-118)"
        )
    return _metres(_pixels(msg, _DEPTH))


def ids_from_msg(msg: Image) -> UInt16[np.ndarray, "h w"] | None:
    """The id image of a SceneGraph or of ground truth, or None where the message holds no picture."""
    if not msg.data:
        return None
    if msg.encoding not in ("mono16", "16UC1"):
        raise FrameError(f"id image has the encoding {msg.encoding!r}, expected mono16 (pixel = id, 0 = background)")
    return _pixels(msg, _DEPTH).copy()


def image_to_msg(array: np.ndarray, encoding: str, header: Header) -> Image:
    """An array of shape (h, w) or (h, w, c) as it is; depth in metres goes with the encoding 32FC1."""
    array = np.ascontiguousarray(array)
    msg = Image(header=header, height=array.shape[0], width=array.shape[1], encoding=encoding)
    msg.step = array.strides[0]
    msg.data = array.tobytes()  # an ndarray here is copied element by element: 80 times slower
    return msg


def depth_to_msg(depth_m: Float32[np.ndarray, "h w"], header: Header) -> Image:
    """16UC1, millimetres, 0 = unknown or beyond 65.5 m."""
    mm = depth_m * np.float32(1000)
    known = (mm >= 0) & (mm <= 65535)  # false for NaN
    return image_to_msg(np.rint(np.where(known, mm, 0)).astype(np.uint16), "16UC1", header)


def intrinsics_from_msg(msg: CameraInfo) -> CameraIntrinsics:
    """The pinhole part of a camera_info. Raises FrameError if it is not calibrated."""
    return CameraIntrinsics(
        int(msg.width), int(msg.height), float(msg.k[0]), float(msg.k[4]), float(msg.k[2]), float(msg.k[5])
    )


def intrinsics_to_msg(camera: CameraIntrinsics, header: Header) -> CameraInfo:
    msg = CameraInfo(header=header, width=camera.width, height=camera.height, distortion_model="plumb_bob")
    msg.d = [0.0] * 5
    msg.k = [camera.fx, 0.0, camera.cx, 0.0, camera.fy, camera.cy, 0.0, 0.0, 1.0]
    msg.r = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    msg.p = [camera.fx, 0.0, camera.cx, 0.0, 0.0, camera.fy, camera.cy, 0.0, 0.0, 0.0, 1.0, 0.0]
    return msg


def time_to_s(stamp: Time) -> float:
    return stamp.sec + stamp.nanosec * 1e-9


def time_from_s(seconds: float) -> Time:
    nanoseconds = max(0, round(seconds * 1e9))
    return Time(sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9)


def _pixels(msg: Image, known: dict) -> np.ndarray:
    dtype, channels, _ = known[msg.encoding]
    row = msg.width * channels * np.dtype(dtype).itemsize
    if msg.width == 0 or msg.height == 0 or msg.step < row or len(msg.data) < msg.step * msg.height:
        raise FrameError(
            f"image of {msg.width}x{msg.height} {msg.encoding} needs rows of {row} bytes, but has step {msg.step} and "
            f"{len(msg.data)} bytes in all: the driver sent a broken image"
        )
    rows = np.frombuffer(memoryview(msg.data), np.uint8, msg.step * msg.height).reshape(msg.height, msg.step)[:, :row]
    typed = np.ascontiguousarray(rows).view(np.dtype(dtype).newbyteorder(">" if msg.is_bigendian else "<"))
    shape = (msg.height, msg.width) if channels == 1 else (msg.height, msg.width, channels)
    return typed.reshape(shape).astype(dtype, copy=False)


def _color_by_cv_bridge(msg: Image) -> UInt8[np.ndarray, "h w 3"]:
    known = f"colour image has the encoding {msg.encoding!r}; known are {', '.join(_COLOR)}"
    if CvBridge is None:
        raise FrameError(f"{known}; with cv_bridge installed (Debian package ros-DISTRO-cv-bridge) also those it knows")
    try:
        return np.ascontiguousarray(CvBridge().imgmsg_to_cv2(msg, "rgb8"))
    except (CvBridgeError, cv2.error, RuntimeError) as error:
        raise FrameError(f"{known}, and cv_bridge cannot convert it: {error}") from error


def _compressed_depth(msg: CompressedImage) -> Float32[np.ndarray, "h w"]:
    """A 16-bit PNG, or compressed_depth_image_transport: 12 bytes of header, the last 8 two floats, before the PNG."""
    data = _bytes_of(msg)
    start = data[:64].tobytes().find(_PNG)
    image = cv2.imdecode(data[max(start, 0) :], cv2.IMREAD_UNCHANGED)
    if image is None or image.ndim != 2 or image.dtype != np.uint16:
        raise FrameError(
            f"compressed depth image ({msg.format!r}) is not a 16-bit PNG: compress depth without loss, by "
            "compressedDepth or png"
        )
    if msg.format.startswith("32FC1"):
        if start < 8:
            raise FrameError(f"compressed depth image ({msg.format!r}) lacks the header that holds its scale")
        a, b = struct.unpack("<ff", data[start - 8 : start].tobytes())
        with np.errstate(divide="ignore"):
            return np.where(image > 0, a / (image.astype(np.float32) - b), np.nan).astype(np.float32)
    return _metres(image)


def _metres(raw: np.ndarray) -> Float32[np.ndarray, "h w"]:
    if raw.dtype == np.uint16:
        depth_m = raw.astype(np.float32) * np.float32(0.001)
        depth_m[raw == 0] = np.nan
        return depth_m
    return np.where(np.isfinite(raw) & (raw > 0), raw, np.nan).astype(np.float32)


def _bytes_of(msg: CompressedImage) -> UInt8[np.ndarray, " n"]:
    if not msg.data:
        raise FrameError("compressed image is empty: the driver sent no data")
    return np.frombuffer(memoryview(msg.data), np.uint8)
