"""Contents of a bag: its topics, and encoding, size and frame of each image topic's first message. Without ROS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rosbags.highlevel import AnyReader
from rosbags.typesys import Stores, get_typestore

from ...errors import DatasetError, FrameError, ReasonSegError
from ..camera_info import camera_from_info
from ..compressed_depth import decode_depth
from ..image_messages import is_compressed

IMAGES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")
CAMERA_INFO, STRING, TF = "sensor_msgs/msg/CameraInfo", "std_msgs/msg/String", "tf2_msgs/msg/TFMessage"


@dataclass(frozen=True)
class TopicDetail:
    """One topic. encoding, width, height (pixels) and frame_id are of its first message; "" and 0 = unknown.

    encoding: of a CompressedImage the encoding after decompression: mono8, bgr8, 16UC1 or 32FC1.
    """

    name: str
    kind: str = ""
    count: int = 0
    rate_hz: float = 0.0
    encoding: str = ""
    width: int = 0
    height: int = 0
    frame_id: str = ""

    def describe(self) -> str:
        """As "/color/image_raw (rgb8 640x480, 30.0 Hz, frame camera)"."""
        size = f"{self.width}x{self.height}" if self.width else ""
        parts = [" ".join(p for p in (self.encoding, size) if p), f"{self.rate_hz:.1f} Hz" if self.rate_hz else ""]
        parts.append(f"frame {self.frame_id}" if self.frame_id else "")
        known = ", ".join(p for p in parts if p)
        return f"{self.name} ({known})" if known else self.name


@dataclass(frozen=True)
class BagInfo:
    """topics: name -> (type, number of messages). details: by name, of the image and camera_info topics."""

    topics: dict[str, tuple[str, int]]
    duration_s: float
    start_s: float
    details: Mapping[str, TopicDetail] = field(default_factory=dict)


def bag_info(path: str | Path) -> BagInfo:
    """Topics of a bag; reads one message of each image and camera_info topic. Raises DatasetError."""
    with open_bag(path) as reader:
        topics = {name: (t.msgtype or "several types", t.msgcount) for name, t in sorted(reader.topics.items())}
        duration_s = reader.duration * 1e-9
        details = {
            name: _detail(reader, name, kind, count, duration_s)
            for name, (kind, count) in topics.items()
            if count and kind in (*IMAGES, CAMERA_INFO)
        }
        return BagInfo(topics, duration_s, reader.start_time * 1e-9, details)


def first_message(reader: AnyReader, topic: str) -> Any | None:
    """The first recorded message of a topic; None if there is none."""
    messages = reader.messages([c for c in reader.connections if c.topic == topic])
    try:
        connection, _, raw = next(messages)
    except StopIteration:
        return None
    return reader.deserialize(raw, connection.msgtype)


@contextmanager
def open_bag(path: str | Path) -> Iterator[AnyReader]:
    """Opens a bag for reading. Raises DatasetError if it cannot be read, also while it is open."""
    path = Path(path)
    if not path.exists():
        raise DatasetError(f"{path}: there is no such bag; give the folder of a rosbag2 or a .mcap, .db3 or .bag file")
    try:
        with AnyReader([path], default_typestore=get_typestore(Stores.LATEST)) as reader:
            yield reader
    except ReasonSegError:
        raise
    except Exception as error:  # rosbags lets errors of its storage plugins through
        why = " ".join(str(error).split())
        raise DatasetError(
            f"{path}: cannot be read as a bag: {why}; a bag whose recording was cut off is repaired by `mcap recover` "
            "(MCAP) or `ros2 bag reindex` (sqlite3)"
        ) from error


def _detail(reader: AnyReader, name: str, kind: str, count: int, duration_s: float) -> TopicDetail:
    message = first_message(reader, name)
    rate_hz = (count - 1) / duration_s if count > 1 and duration_s > 0 else 0.0
    detail = TopicDetail(name, kind, count, rate_hz)
    if message is None:
        return detail
    encoding, width, height = _camera_size(message) if kind == CAMERA_INFO else _picture(message)
    return TopicDetail(name, kind, count, rate_hz, encoding, width, height, message.header.frame_id)


def _picture(message: Any) -> tuple[str, int, int]:
    """Encoding, width, height; ("", 0, 0) for a damaged image, whose error is raised when frames are read."""
    if not is_compressed(message):
        return message.encoding, int(message.width), int(message.height)
    try:
        if "compressedDepth" in message.format:
            height, width = decode_depth(message.data, message.format).shape
            return message.format.partition(";")[0].strip(), width, height
        image = cv2.imdecode(np.frombuffer(memoryview(message.data), np.uint8), cv2.IMREAD_UNCHANGED)
    except (FrameError, cv2.error):
        return "", 0, 0
    if image is None:
        return "", 0, 0
    height, width = image.shape[:2]
    if image.ndim == 2:
        return "16UC1" if image.dtype == np.uint16 else "mono8", width, height
    return "bgr8" if image.dtype == np.uint8 else "bgr16", width, height


def _camera_size(message: Any) -> tuple[str, int, int]:
    """("", width, height) of the images that a camera_info is for; of the full sensor if it is not calibrated."""
    try:
        camera = camera_from_info(message)
    except FrameError:
        return "", int(message.width), int(message.height)
    return "", camera.width, camera.height
