"""From a camera's ROS message through the foundation perceiver to the twin's message; and a short soak."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("sam2", reason="sam2 is not installed: SAM2_BUILD_CUDA=0 pip install --no-build-isolation sam2")
from tiny import clip

from fastreasonseg_ros.perception.foundation.perceiver import FoundationPerceiver
from fastreasonseg_ros.pipeline import observe
from fastreasonseg_ros.twin.types import CameraIntrinsics, DigitalTwin

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def soaker():
    spec = importlib.util.spec_from_file_location("foundation_soak", ROOT / "scripts/foundation_soak.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def perceiver(soaker, tmp_path_factory) -> FoundationPerceiver:
    return FoundationPerceiver(soaker.tiny_config(tmp_path_factory.mktemp("tiny")))


@pytest.mark.parametrize("encoding", ["rgb8", "bgr8", "mono8"])
def test_a_ros_picture_becomes_masks_in_the_twins_message(perceiver, encoding) -> None:
    pytest.importorskip("rclpy", reason="ROS 2 is not installed")
    from std_msgs.msg import Header

    from fastreasonseg_ros.ros.conversions import frame_from_msgs, twin_from_msg, twin_to_msg
    from fastreasonseg_ros.ros.images import ids_from_msg, image_to_msg, intrinsics_to_msg, time_from_s
    from fastreasonseg_ros.ros.rgbd_synchronizer import RgbdMessages

    camera, twin = CameraIntrinsics(120, 90, 100.0, 100.0, 60.0, 45.0), DigitalTwin()
    for n, color in enumerate(clip(3, 90, 120)):
        header = Header(stamp=time_from_s(50.0 + 0.1 * n), frame_id="camera")
        pixels = {"rgb8": color, "bgr8": color[..., ::-1], "mono8": color[..., 1]}[encoding]
        frame = frame_from_msgs(
            RgbdMessages(image_to_msg(pixels, encoding, header), None, intrinsics_to_msg(camera, header))
        )
        twin = observe(twin, frame, perceiver)
    msg = twin_to_msg(twin)
    ids = ids_from_msg(msg.instance_ids)
    visible = [i for i in twin_from_msg(msg).instances if i.visible]
    assert visible
    assert {i.id for i in visible} == set(np.unique(ids)) - {0}
    for i in visible:
        assert i.label in perceiver.words
        assert i.center_m is not None  # metres of the metric depth network
    perceiver.set_vocabulary(["wooden duck"])  # what the service does
    assert "wooden duck" in perceiver.words


def test_the_memory_of_a_stream_does_not_grow(soaker, perceiver) -> None:
    rows = soaker.soak(FoundationPerceiver(replace(perceiver.config, depth=None)), frames=100, every=10)
    assert max(row["past_mb"] for row in rows[4:]) <= 1.5 * max(row["past_mb"] for row in rows[:4])
    assert rows[-1]["resident_mb"] - rows[3]["resident_mb"] < 40
    assert max(row["objects"] for row in rows) <= 24
