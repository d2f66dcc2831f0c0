"""Recorded RGB-D bags (rosbag2 in sqlite3 or MCAP, rosbag1) as frames, read with rosbags, without ROS.

Topics are found by name and type, or named by the caller. Colour, depth and, where it was recorded, the ground-truth
id image (mono16) are paired by their header stamps; a colour picture without a partner is skipped. The words for the
ids come from a std_msgs/String of JSON, as bag_writer writes it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float32, UInt8, UInt16
from rosbags.highlevel import AnyReader
from rosbags.highlevel.anyreader import AnyReaderError
from rosbags.image import ImageError, message_to_cvimage
from rosbags.typesys import Stores, get_typestore

from ...errors import DatasetError, FrameError
from ...twin.types import CameraIntrinsics, Frame, GroundTruth

IMAGES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")
CAMERA_INFO, STRING = "sensor_msgs/msg/CameraInfo", "std_msgs/msg/String"
DEPTH_WORDS, TRUTH_WORDS = ("depth",), ("truth", "instance_ids", "/ids")
PNG = b"\x89PNG"
PATIENCE = 30  # colour pictures that may wait for their depth
AHEAD = 120  # depth pictures that may wait for colour: a colour camera may fall silent for the rest of an hour
Words = tuple[dict[int, str], dict[int, str]]  # labels and colours of the ground truth's ids


@dataclass(frozen=True)
class BagTopics:
    """Topic names; None = not in the bag."""

    color: str
    depth: str | None = None
    info: str | None = None
    ids: str | None = None
    words: str | None = None
    questions: str | None = None


@dataclass(frozen=True)
class BagInfo:
    """topics: name -> (type, number of messages)."""

    topics: dict[str, tuple[str, int]]
    duration_s: float
    start_s: float


def bag_info(path: str | Path) -> BagInfo:
    """What a bag holds. Raises DatasetError."""
    with open_bag(path) as reader:
        topics = {name: (t.msgtype or "several types", t.msgcount) for name, t in sorted(reader.topics.items())}
        return BagInfo(topics, reader.duration * 1e-9, reader.start_time * 1e-9)


def find_topics(info: BagInfo, path: str | Path = "bag") -> BagTopics:
    """The colour, depth, camera and ground-truth topics by their names. Raises DatasetError if no picture is there."""
    images = [n for n, (kind, count) in info.topics.items() if kind in IMAGES and count]
    truth = [n for n in images if any(w in n for w in TRUTH_WORDS)]
    depth = [n for n in images if any(w in n for w in DEPTH_WORDS) and n not in truth]
    color = [n for n in images if n not in depth and n not in truth]
    color.sort(key=lambda n: not any(w in n for w in ("color", "rgb", "image")))
    cameras = [n for n, (kind, count) in info.topics.items() if kind == CAMERA_INFO and count]
    if not color:
        raise DatasetError(f"{path}: holds no colour pictures; its topics are {', '.join(info.topics) or 'none'}")
    # Registered depth has the colour camera's model, so that one is wanted.
    cameras.sort(key=lambda n: -_common(n, color[0]))
    depth.sort(key=lambda n: ("aligned" not in n and "registered" not in n, -_common(n, color[0])))
    texts = [n for n, (kind, count) in info.topics.items() if kind == STRING and count]
    words, asked = ([n for n in texts if part in n] for part in ("ground_truth", "questions"))
    first = [names[0] if names else None for names in (depth, cameras, truth, words, asked)]
    return BagTopics(color[0], *first)


def read_bag(path: str | Path, topics: BagTopics | None = None, slop_s: float = 0.02) -> Iterator[Frame]:
    """Frames in the order of their stamps, one at a time; depth and truth within slop_s of the colour's stamp.

    Raises DatasetError for a bag that cannot be read, that lacks a topic, or whose pictures do not go together.
    """
    for _, frame in read_stamped(path, topics, slop_s):
        yield frame


def read_stamped(
    path: str | Path, topics: BagTopics | None = None, slop_s: float = 0.02
) -> Iterator[tuple[int, Frame]]:
    """`read_bag` with each colour picture's stamp in nanoseconds, as it was recorded: seconds are rounded to 0.2 us."""
    topics = topics or find_topics(bag_info(path), path)
    partners = [t for t in (topics.depth, topics.ids) if t]
    with open_bag(path) as reader:
        wanted = {topics.color, topics.info, topics.words, *partners} - {None}
        if missing := wanted - set(reader.topics):
            raise DatasetError(f"{path}: has no topic {', '.join(missing)}; it has {', '.join(sorted(reader.topics))}")
        camera: CameraIntrinsics | None = None
        words: Words = ({}, {})
        waiting: dict[str, list[Any]] = {t: [] for t in (topics.color, *partners)}
        seen_color = False  # some bags have all of one topic before all of the next
        try:
            for connection, _, raw in reader.messages([c for c in reader.connections if c.topic in wanted]):
                message = reader.deserialize(raw, connection.msgtype)
                if connection.topic == topics.info:
                    camera = _camera(message)
                    continue
                if connection.topic == topics.words:
                    _learn(words, message.data, f"{path}: topic {topics.words}")
                    continue
                waiting[connection.topic].append(message)
                seen_color = seen_color or connection.topic == topics.color
                if seen_color and not waiting[topics.color]:
                    del waiting[connection.topic][:-AHEAD]
                yield from _paired(waiting, topics, camera, words, slop_s, ended=False)
            yield from _paired(waiting, topics, camera, words, slop_s, ended=True)
        except (FrameError, ImageError, cv2.error, AnyReaderError) as error:
            raise DatasetError(f"{path}: {error}") from error


def _paired(
    waiting: dict[str, list[Any]],
    topics: BagTopics,
    camera: CameraIntrinsics | None,
    words: Words,
    slop_s: float,
    ended: bool,
) -> Iterator[tuple[int, Frame]]:
    """The frames that are complete; pictures whose partner cannot come any more are dropped."""
    colors = waiting[topics.color]
    while colors:
        stamp = _stamp(colors[0])
        found: dict[str, Any] = {}
        for topic in (t for t in (topics.depth, topics.ids) if t):
            queue = waiting[topic]
            while queue and _stamp(queue[0]) < stamp - slop_s:
                queue.pop(0)
            while len(queue) > 1 and abs(_stamp(queue[1]) - stamp) < abs(_stamp(queue[0]) - stamp):
                queue.pop(0)
            if queue and _stamp(queue[0]) <= stamp + slop_s:
                found[topic] = queue[0]
            elif not queue and not ended and len(colors) <= PATIENCE:
                return  # it may still come
            elif topic == topics.depth:
                break
        else:
            yield stamp_ns(colors[0]), _frame(colors[0], found, topics, camera, words, stamp)
        colors.pop(0)


def _frame(
    color: Any, found: dict[str, Any], topics: BagTopics, camera: CameraIntrinsics | None, words: Words, stamp: float
) -> Frame:
    depth, ids = found.get(topics.depth or ""), found.get(topics.ids or "")
    return Frame(
        color=color_of(color),
        depth_m=None if depth is None else depth_of(depth),
        intrinsics=camera,
        stamp_s=stamp,
        frame_id=color.header.frame_id or Frame.frame_id,
        truth=None if ids is None else _truth(_sixteen_bits(ids).copy(), words),
    )


def _truth(ids: UInt16[np.ndarray, "h w"], words: Words) -> GroundTruth:
    present = {int(k) for k in np.unique(ids)}
    labels, colors = ({k: v for k, v in known.items() if k in present} for known in words)
    return GroundTruth(ids, labels, colors)


def _learn(words: Words, text: str, where: str) -> None:
    """Takes in the labels and colours of a message. Raises DatasetError."""
    try:
        data = json.loads(text)
        for known, key in zip(words, ("labels", "colors"), strict=True):
            known.update({int(k): str(v) for k, v in data.get(key, {}).items()})
    except (ValueError, AttributeError) as error:
        raise DatasetError(f'{where}: expected JSON {{"labels": {{"1": "mug"}}}}, got {text[:60]!r}') from error


def color_of(message: Any) -> UInt8[np.ndarray, "h w 3"]:
    """RGB of a raw or compressed image message of rosbags."""
    return np.ascontiguousarray(message_to_cvimage(message, "rgb8"))


def depth_of(message: Any) -> Float32[np.ndarray, "h w"]:
    """Metres, NaN where unknown (REP-118: 16UC1 is millimetres, 32FC1 metres; or a PNG of 16 bits)."""
    if getattr(message, "encoding", "") == "32FC1":
        order = ">" if message.is_bigendian else "<"
        rows = np.ascontiguousarray(message.data).reshape(message.height, message.step)[:, : message.width * 4]
        depth_m = np.ascontiguousarray(rows).view(f"{order}f4").astype(np.float32)
        return np.where(np.isfinite(depth_m) & (depth_m > 0), depth_m, np.float32(np.nan))
    raw = _sixteen_bits(message)
    depth_m = raw.astype(np.float32) * np.float32(0.001)
    depth_m[raw == 0] = np.nan
    return depth_m


def _sixteen_bits(message: Any) -> UInt16[np.ndarray, "h w"]:
    if not hasattr(message, "encoding"):  # compressed: a PNG, after 12 bytes of header where compressedDepth wrote it
        data = np.asarray(message.data, np.uint8)
        start = max(0, data[:64].tobytes().find(PNG))
        image = cv2.imdecode(data[start:], cv2.IMREAD_UNCHANGED)
        if image is None or image.dtype != np.uint16 or image.ndim != 2:
            raise FrameError(f"picture compressed as {message.format!r} is not a 16-bit PNG; record it without loss")
        return image
    if message.encoding not in ("16UC1", "mono16"):
        raise FrameError(
            f"picture has the encoding {message.encoding!r}; known are 16UC1, mono16 and, for depth, 32FC1"
        )
    order = ">" if message.is_bigendian else "<"
    rows = np.ascontiguousarray(message.data).reshape(message.height, message.step)[:, : message.width * 2]
    return np.ascontiguousarray(rows).view(f"{order}u2").astype(np.uint16)


def _camera(message: Any) -> CameraIntrinsics:
    k = message.K if hasattr(message, "K") else message.k  # ROS 1 and ROS 2
    return CameraIntrinsics(int(message.width), int(message.height), float(k[0]), float(k[4]), float(k[2]), float(k[5]))


def read_texts(path: str | Path, topic: str) -> Iterator[tuple[int, str]]:
    """The std_msgs/String messages of a topic, each with the time in nanoseconds when it was recorded."""
    with open_bag(path) as reader:
        for connection, recorded_ns, raw in reader.messages([c for c in reader.connections if c.topic == topic]):
            yield recorded_ns, reader.deserialize(raw, connection.msgtype).data


def read_ids(path: str | Path, topic: str) -> Iterator[UInt16[np.ndarray, "h w"]]:
    """The ground-truth id images of a topic, nothing else being decoded. Raises DatasetError."""
    with open_bag(path) as reader:
        try:
            wanted = [c for c in reader.connections if c.topic == topic]
            for connection, _, raw in reader.messages(wanted) if wanted else ():
                yield _sixteen_bits(reader.deserialize(raw, connection.msgtype))
        except (FrameError, AnyReaderError) as error:
            raise DatasetError(f"{path}: topic {topic}: {error}") from error


def stamp_ns(message: Any) -> int:
    return int(message.header.stamp.sec) * 10**9 + int(message.header.stamp.nanosec)


def _stamp(message: Any) -> float:
    stamp = message.header.stamp
    return stamp.sec + stamp.nanosec * 1e-9


def _common(a: str, b: str) -> int:
    """Length of the common beginning of two names, in parts between slashes."""
    parts = list(zip(a.split("/"), b.split("/"), strict=False))
    return next((n for n, (x, y) in enumerate(parts) if x != y), len(parts))


@contextmanager
def open_bag(path: str | Path) -> Iterator[AnyReader]:
    path = Path(path)
    if not path.exists():
        raise DatasetError(f"{path}: there is no such bag; give the folder of a rosbag2 or a .mcap, .db3 or .bag file")
    try:
        with AnyReader([path], default_typestore=get_typestore(Stores.LATEST)) as reader:
            yield reader
    except DatasetError:
        raise
    except Exception as error:  # rosbags lets errors of its storage plugins through
        why = " ".join(str(error).split())
        raise DatasetError(
            f"{path}: cannot be read as a bag: {why}; a bag whose recording was cut off is repaired by `mcap recover` "
            "(MCAP) or `ros2 bag reindex` (sqlite3)"
        ) from error
