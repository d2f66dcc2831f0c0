"""Writes frames as a rosbag2 with rosbags, without ROS, for `read_bag`, nodes and `ros2 bag play`.

Topics: color/image_raw, depth/image_raw (16UC1, millimetres, 0 = unknown) and color/camera_info as of a driver; with
ground truth also ground_truth/ids (mono16, 0 = background) and ground_truth/labels (std_msgs/String, JSON
{"labels": {"1": "mug"}, "colors": {"1": "red"}} of the visible objects). Compressed, images are CompressedImage on
NAME/compressed in the formats of image_transport: JPEG for colour, 16-bit PNG for depth and ids.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float32, UInt16
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from ...errors import DatasetError
from ...twin.types import CameraIntrinsics, Frame, GroundTruth

START_S = 1_760_000_000  # offset of the stamps of simulated clips: a stamp of 0 means "not set" in ROS
JPEG_QUALITY = 88
# Smallest files for noisy depth, a fifth less than with the defaults. PNG filters can be chosen from OpenCV 4.12 on.
PNG = [cv2.IMWRITE_PNG_COMPRESSION, 9, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_FILTERED]
if hasattr(cv2, "IMWRITE_PNG_FILTER"):
    PNG += [cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP]
STORAGE = {"mcap": StoragePlugin.MCAP, "sqlite3": StoragePlugin.SQLITE3}
_TYPES = get_typestore(Stores.ROS2_HUMBLE)


def write_bag(
    path: str | Path,
    frames: Iterable[Frame],
    *,
    compressed: bool = True,
    storage: str = "mcap",
    start_s: int = START_S,
    jpeg_quality: int = JPEG_QUALITY,
    questions: Sequence[str] = (),
) -> int:
    """Writes a rosbag2 folder and returns the number of frames; each keeps its stamp, counted from start_s.

    questions: JSON texts (questions.py), written to the topic /questions at the start of the bag.

    Raises DatasetError if the folder exists already, the storage is unknown or there is no frame.
    """
    path = Path(path)
    if path.exists():
        raise DatasetError(f"{path}: is there already; remove it or write to another folder")
    if storage not in STORAGE:
        raise DatasetError(f"storage {storage!r} is not known; it is one of {', '.join(STORAGE)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    with Writer(path, version=9, storage_plugin=STORAGE[storage]) as writer:
        connections: dict[str, Any] = {}
        for frame in frames:
            count += 1
            nanoseconds = start_s * 10**9 + round(frame.stamp_s * 1e9)
            asked = [("/questions", _make("std_msgs/msg/String", text)) for text in questions if count == 1]
            for topic, message in (*asked, *_messages(frame, nanoseconds, compressed, jpeg_quality)):
                kind = message.__msgtype__
                if topic not in connections:
                    connections[topic] = writer.add_connection(topic, kind, typestore=_TYPES)
                writer.write(connections[topic], nanoseconds, _TYPES.serialize_cdr(message, kind))
    if count == 0:
        raise DatasetError(f"{path}: no frame was given, so that the bag is empty")
    return count


def _messages(frame: Frame, nanoseconds: int, compressed: bool, jpeg_quality: int) -> Iterable[tuple[str, Any]]:
    stamp = _make("builtin_interfaces/msg/Time", nanoseconds // 10**9, nanoseconds % 10**9)
    header = _make("std_msgs/msg/Header", stamp, frame.frame_id)
    if frame.intrinsics is not None:
        yield "/color/camera_info", _camera_info(frame.intrinsics, header)
    if compressed:
        bgr = cv2.cvtColor(frame.color, cv2.COLOR_RGB2BGR)
        jpeg = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, jpeg_quality])[1]
        yield "/color/image_raw/compressed", _packed(jpeg, "rgb8; jpeg compressed bgr8", header)
    else:
        yield "/color/image_raw", _image(frame.color, "rgb8", header)
    if frame.depth_m is not None:
        yield _sixteen_bits("/depth/image_raw", millimetres(frame.depth_m), "16UC1", header, compressed)
    if frame.truth is not None:
        yield "/ground_truth/labels", _make("std_msgs/msg/String", _labels(frame.truth))
        yield _sixteen_bits("/ground_truth/ids", frame.truth.ids, "mono16", header, compressed)


def millimetres(depth_m: Float32[np.ndarray, "h w"]) -> UInt16[np.ndarray, "h w"]:
    """Depth in millimetres as 16UC1; 0 where unknown or beyond 65.5 m."""
    mm = np.nan_to_num(depth_m, nan=0.0, posinf=0.0, neginf=0.0) * 1000.0
    return np.where((mm > 0) & (mm < 65535.5), np.rint(mm), 0).astype(np.uint16)


def _labels(truth: GroundTruth) -> str:
    return json.dumps(
        {"labels": {str(k): v for k, v in truth.labels.items()}, "colors": {str(k): v for k, v in truth.colors.items()}}
    )


def _sixteen_bits(
    topic: str, image: UInt16[np.ndarray, "h w"], encoding: str, header: Any, compressed: bool
) -> tuple[str, Any]:
    if not compressed:
        return topic, _image(image, encoding, header)
    png = cv2.imencode(".png", image, PNG)[1]
    return f"{topic}/compressed", _packed(png, f"{encoding}; png compressed ", header)


def _image(array: np.ndarray, encoding: str, header: Any) -> Any:
    array = np.ascontiguousarray(array)
    data = np.frombuffer(array.tobytes(), np.uint8)
    return _make("sensor_msgs/msg/Image", header, array.shape[0], array.shape[1], encoding, 0, array.strides[0], data)


def _packed(data: np.ndarray, kind: str, header: Any) -> Any:
    return _make("sensor_msgs/msg/CompressedImage", header, kind, np.asarray(data, np.uint8).ravel())


def _camera_info(camera: CameraIntrinsics, header: Any) -> Any:
    k = np.array([camera.fx, 0, camera.cx, 0, camera.fy, camera.cy, 0, 0, 1], float)
    p = np.array([camera.fx, 0, camera.cx, 0, 0, camera.fy, camera.cy, 0, 0, 0, 1, 0], float)
    roi = _make("sensor_msgs/msg/RegionOfInterest", 0, 0, 0, 0, False)
    return _make(
        "sensor_msgs/msg/CameraInfo", header, camera.height, camera.width, "plumb_bob", np.zeros(5), k,
        np.eye(3).ravel(), p, 0, 0, roi,
    )  # fmt: skip


def _make(kind: str, *fields: Any) -> Any:
    return _TYPES.types[kind](*fields)
