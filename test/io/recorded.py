"""Small bags with the topics, frames and encodings of well-known cameras."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

TYPES = get_typestore(Stores.ROS2_HUMBLE)
START_S = 100
DEPTH_MM = np.full((24, 32), 1250, np.uint16)
RGB = np.arange(24 * 32 * 3, dtype=np.uint8).reshape(24, 32, 3)
DTYPES = {"16UC1": np.uint16, "mono16": np.uint16, "32FC1": np.float32}
CHANNELS = {"rgb8": 3, "bgr8": 3, "bgra8": 4, "rgba8": 4}


def make(kind: str, *fields: Any) -> Any:
    return TYPES.types[kind](*fields)


def header(frame_id: str, stamp_s: float) -> Any:
    ns = round((START_S + stamp_s) * 1e9)
    return make("std_msgs/msg/Header", make("builtin_interfaces/msg/Time", ns // 10**9, ns % 10**9), frame_id)


def image(array: np.ndarray, encoding: str, frame_id: str, stamp_s: float) -> Any:
    data = np.frombuffer(np.ascontiguousarray(array).tobytes(), np.uint8)
    step = array.strides[0]
    return make("sensor_msgs/msg/Image", header(frame_id, stamp_s), *array.shape[:2], encoding, 0, step, data)


def packed(data: bytes, format: str, frame_id: str, stamp_s: float) -> Any:
    return make("sensor_msgs/msg/CompressedImage", header(frame_id, stamp_s), format, np.frombuffer(data, np.uint8))


def picture(encoding: str, size: tuple[int, int], frame_id: str, stamp_s: float) -> Any:
    """A picture of one value: 1.25 m of depth, 120 of brightness. "jpeg": compressed."""
    width, height = size
    if encoding == "jpeg":
        jpeg = cv2.imencode(".jpg", np.full((height, width, 3), 120, np.uint8))[1].tobytes()
        return packed(jpeg, "rgb8; jpeg compressed bgr8", frame_id, stamp_s)
    kind = DTYPES.get(encoding, np.uint8)
    value = {"16UC1": 1250, "32FC1": 1.25}.get(encoding, 120)
    channels = CHANNELS.get(encoding, 1)
    shape = (height, width) if channels == 1 else (height, width, channels)
    return image(np.full(shape, value, kind), encoding, frame_id, stamp_s)


def camera_info(size: tuple[int, int], frame_id: str, stamp_s: float = 0.0, f: float = 30.0, binning: int = 0) -> Any:
    """size: of the full sensor."""
    width, height = size
    k = np.array([f, 0, (width - 1) / 2, 0, f, (height - 1) / 2, 0, 0, 1], float)
    p = np.array([*k[:3], 0, *k[3:6], 0, 0, 0, 1, 0], float)
    roi = make("sensor_msgs/msg/RegionOfInterest", 0, 0, 0, 0, False)
    return make(
        "sensor_msgs/msg/CameraInfo", header(frame_id, stamp_s), height, width, "plumb_bob", np.zeros(5), k,
        np.eye(3).ravel(), p, binning, binning, roi,
    )  # fmt: skip


def static_transform(parent: str, child: str, x_m: float) -> Any:
    translation = make("geometry_msgs/msg/Vector3", x_m, 0.0, 0.0)
    turn = make("geometry_msgs/msg/Quaternion", 0.0, 0.0, 0.0, 1.0)
    transform = make("geometry_msgs/msg/Transform", translation, turn)
    stamped = make("geometry_msgs/msg/TransformStamped", header(parent, 0.0), child, transform)
    return make("tf2_msgs/msg/TFMessage", [stamped])


def write(path: Path, messages: list[tuple[str, Any]]) -> Path:
    """(topic, message), recorded in this order, a millisecond after the other."""
    with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        connections: dict[str, Any] = {}
        for number, (topic, message) in enumerate(messages):
            kind = message.__msgtype__
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, kind, typestore=TYPES)
            writer.write(connections[topic], number * 1_000_000, TYPES.serialize_cdr(message, kind))
    return path


def record(path: Path, pictures: dict[str, tuple[str, tuple[int, int], str]], infos: dict[str, tuple], count: int = 3):
    """pictures: topic -> (encoding, size, frame); infos: topic -> (size, frame)."""
    messages = []
    for k in range(count):
        messages += [(topic, camera_info(size, frame, k * 0.1)) for topic, (size, frame) in infos.items()]
        messages += [(topic, picture(e, size, frame, k * 0.1)) for topic, (e, size, frame) in pictures.items()]
    return write(path, messages)
