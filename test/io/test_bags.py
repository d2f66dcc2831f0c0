"""Bags are read without ROS: colour, depth and truth come together by their stamps."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from fastreasonseg_ros.errors import DatasetError
from fastreasonseg_ros.io.bags import reader as bags
from fastreasonseg_ros.io.bags.reader import BagTopics, bag_info, find_topics, read_bag

TYPES = get_typestore(Stores.ROS2_HUMBLE)
IMAGE, COMPRESSED = TYPES.types["sensor_msgs/msg/Image"], TYPES.types["sensor_msgs/msg/CompressedImage"]
INFO, HEADER = TYPES.types["sensor_msgs/msg/CameraInfo"], TYPES.types["std_msgs/msg/Header"]
TIME, ROI = TYPES.types["builtin_interfaces/msg/Time"], TYPES.types["sensor_msgs/msg/RegionOfInterest"]

RGB = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
DEPTH_MM = np.full((4, 6), 1250, np.uint16)
DEPTH_MM[0, 0] = 0
IDS = np.zeros((4, 6), np.uint16)
IDS[1, 2] = 7


def header(stamp_s: float):
    return HEADER(TIME(int(stamp_s), round(stamp_s % 1 * 1e9)), "camera")


def raw(array: np.ndarray, encoding: str, stamp_s: float):
    data = np.frombuffer(array.tobytes(), np.uint8)
    return IMAGE(header(stamp_s), array.shape[0], array.shape[1], encoding, 0, array.strides[0], data)


def png(array: np.ndarray, kind: str, stamp_s: float, start: bytes = b""):
    data = start + cv2.imencode(".png", array)[1].tobytes()
    return COMPRESSED(header(stamp_s), kind, np.frombuffer(data, np.uint8))


def camera(stamp_s: float):
    k = np.array([525.0, 0, 3, 0, 525, 2, 0, 0, 1])
    roi = ROI(0, 0, 0, 0, False)
    return INFO(header(stamp_s), 4, 6, "plumb_bob", np.zeros(5), k, np.eye(3).ravel(), np.zeros(12), 0, 0, roi)


def write(path: Path, messages: list, storage: StoragePlugin = StoragePlugin.MCAP) -> Path:
    """messages: (topic, message), written in this order."""
    with Writer(path, version=9, storage_plugin=storage) as writer:
        connections = {}
        for number, (topic, message) in enumerate(messages):
            kind = message.__msgtype__
            connections.setdefault(topic, None)
            connections[topic] = connections[topic] or writer.add_connection(topic, kind, typestore=TYPES)
            writer.write(connections[topic], number * 1_000_000, TYPES.serialize_cdr(message, kind))
    return path


def frames_of(encoding: str, storage: StoragePlugin, path: Path) -> Path:
    messages = [("/camera/color/camera_info", camera(0))]
    for stamp in (1.0, 1.1):
        depth = raw(DEPTH_MM, "16UC1", stamp)
        if encoding == "compressed":
            messages.append(("/camera/color/image_raw/compressed", png(RGB[..., ::-1], "rgb8; png", stamp)))
            depth = png(DEPTH_MM, "16UC1; compressedDepth png", stamp, b"0123456789ab")
        else:
            messages.append(("/camera/color/image_raw", raw(RGB, "rgb8", stamp)))
        if encoding == "32FC1":
            metres = np.where(DEPTH_MM > 0, DEPTH_MM / 1000, np.nan).astype(np.float32)
            depth = raw(metres, "32FC1", stamp)
        messages += [("/camera/depth/image_raw", depth), ("/camera/ground_truth/ids", raw(IDS, "mono16", stamp))]
    return write(path, messages, storage)


@pytest.mark.parametrize("storage", [StoragePlugin.MCAP, StoragePlugin.SQLITE3])
@pytest.mark.parametrize("encoding", ["16UC1", "32FC1", "compressed"])
def test_raw_and_compressed_pictures_give_the_same_frames(
    tmp_path: Path, encoding: str, storage: StoragePlugin
) -> None:
    frames = list(read_bag(frames_of(encoding, storage, tmp_path / "bag")))
    assert [f.stamp_s for f in frames] == pytest.approx([1.0, 1.1])
    for frame in frames:
        assert np.array_equal(frame.color, RGB)
        assert frame.depth_m is not None
        assert frame.truth is not None
        assert frame.intrinsics is not None
        assert np.isnan(frame.depth_m[0, 0])
        assert frame.depth_m[1, 1] == pytest.approx(1.25)
        assert np.array_equal(frame.truth.ids, IDS)
        assert (frame.intrinsics.fx, frame.frame_id) == (525.0, "camera")


def test_pictures_are_paired_by_stamp_whatever_order_they_were_recorded_in(tmp_path: Path) -> None:
    def depth(mm: int, stamp: float):
        return "/depth", raw(np.full((4, 6), mm, np.uint16), "16UC1", stamp)

    def color(stamp: float):
        return "/color", raw(RGB, "rgb8", stamp)

    # 1.0: depth comes later and is the nearest of two; 1.2: no depth; 1.4: depth came earlier
    order = [color(1.0), depth(1, 0.985), depth(2, 1.001), color(1.2), depth(3, 1.41), color(1.4)]
    frames = list(read_bag(write(tmp_path / "bag", order)))
    assert [(f.stamp_s, round(float(f.depth_m[0, 0]), 3)) for f in frames if f.depth_m is not None] == [
        (1.0, 0.002),
        (1.4, 0.003),
    ]
    assert len(frames) == 2


def test_depth_goes_on_without_colour_and_does_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The colour camera falls silent; where all depth comes first, it waits for colour however much it is."""
    longest: list[int] = []

    def watched(waiting: dict[str, list], *args, **more):
        longest.append(max(len(queue) for queue in waiting.values()))
        return paired(waiting, *args, **more)

    paired = bags._paired
    monkeypatch.setattr(bags, "_paired", watched)
    color = [("/color/image_raw", raw(RGB, "rgb8", k / 10)) for k in range(3)]
    depth = [("/depth/image_raw", raw(DEPTH_MM, "16UC1", k / 10)) for k in range(300)]
    assert len(list(read_bag(write(tmp_path / "silent", [*color, *depth])))) == 3
    assert max(longest) == bags.DEPTH_QUEUE
    assert len(list(read_bag(write(tmp_path / "first", [*depth, *color])))) == 3


def test_a_bag_without_depth_gives_frames_without_depth(tmp_path: Path) -> None:
    [frame] = read_bag(write(tmp_path / "bag", [("/usb_cam/image_raw", raw(RGB, "rgb8", 2.0))]))
    assert frame.depth_m is None
    assert frame.intrinsics is None


def test_registered_depth_and_the_colour_camera_are_chosen(tmp_path: Path) -> None:
    messages = [
        ("/cam/depth/image_rect_raw", raw(DEPTH_MM, "16UC1", 1)),
        ("/cam/depth/camera_info", camera(1)),
        ("/cam/color/image_raw", raw(RGB, "rgb8", 1)),
        ("/cam/color/camera_info", camera(1)),
        ("/cam/aligned_depth_to_color/image_raw", raw(DEPTH_MM, "16UC1", 1)),
    ]
    topics = find_topics(bag_info(write(tmp_path / "bag", messages)))
    assert topics == BagTopics(
        "/cam/color/image_raw", "/cam/aligned_depth_to_color/image_raw", "/cam/color/camera_info", None
    )


def test_bags_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="there is no such bag"):
        bag_info(tmp_path / "nowhere")
    broken = tmp_path / "broken.mcap"
    broken.write_bytes(b"no bag at all")
    with pytest.raises(DatasetError, match=r"broken\.mcap: cannot be read as a bag"):
        bag_info(broken)
    only_depth = write(tmp_path / "depth", [("/depth", raw(DEPTH_MM, "16UC1", 1))])
    with pytest.raises(DatasetError, match="holds no colour pictures; its topics are /depth"):
        list(read_bag(only_depth))
    with pytest.raises(DatasetError, match="has no topic /color; it has /depth"):
        list(read_bag(only_depth, BagTopics("/color")))
    strange = write(tmp_path / "strange", [("/color", raw(RGB, "rgb8", 1)), ("/depth", raw(DEPTH_MM, "8UC2", 1))])
    with pytest.raises(DatasetError, match="'8UC2'; known are 16UC1"):
        list(read_bag(strange))
