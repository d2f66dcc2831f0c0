"""Depth in other units, sizes and frames: used where it can be brought into the colour picture, and named where not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
from std_msgs.msg import Header

from fastreasonseg_ros.errors import FrameError
from fastreasonseg_ros.io.transforms import RigidTransform
from fastreasonseg_ros.perception.protocol import Perceived
from fastreasonseg_ros.ros.images import image_to_msg, intrinsics_to_msg, time_from_s
from fastreasonseg_ros.ros.rgbd_synchronizer import RgbdMessages
from fastreasonseg_ros.ros.twin_estimator import TwinEstimator
from fastreasonseg_ros.twin.types import CameraIntrinsics, Frame

COLOR = CameraIntrinsics(64, 48, 60.0, 60.0, 32.0, 24.0)
DEPTH = CameraIntrinsics(64, 48, 50.0, 50.0, 30.0, 22.0)  # of another camera


class Seen:
    """A perceiver that keeps the frames it is given."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []

    def perceive(self, frame: Frame) -> Perceived:
        self.frames.append(frame)
        return Perceived((), None)

    def set_vocabulary(self, words) -> None:
        self.words = words


def messages(
    depth: np.ndarray,
    stamp_s: float = 1.0,
    depth_frame: str = "color",
    depth_camera: CameraIntrinsics | None = None,
    encoding: str = "16UC1",
) -> RgbdMessages:
    header = Header(stamp=time_from_s(stamp_s), frame_id="color")
    of_depth = Header(stamp=time_from_s(stamp_s), frame_id=depth_frame)
    return RgbdMessages(
        image_to_msg(np.full((48, 64, 3), 100, np.uint8), "rgb8", header),
        image_to_msg(depth, encoding, of_depth),
        intrinsics_to_msg(COLOR, header),
        depth_info=None if depth_camera is None else intrinsics_to_msg(depth_camera, of_depth),
    )


def step(height: int = 48, width: int = 64) -> np.ndarray:
    """1 m, and 0.5 m in the right half; counts of a millimetre."""
    counts = np.full((height, width), 1000, np.uint16)
    counts[:, width // 2 :] = 500
    return counts


@pytest.fixture
def seen() -> Seen:
    return Seen()


def test_depth_in_tenths_of_a_millimetre_has_its_unit_from_the_parameter(seen: Seen) -> None:
    estimate = TwinEstimator(seen, depth_unit_m=0.0001).observe(messages(step() * 10))
    assert seen.frames[0].depth_m[0, 0] == pytest.approx(1.0)
    assert estimate.warnings == ()


def test_depth_that_is_read_in_the_wrong_unit_is_implausible_and_the_likely_unit_is_named(seen: Seen) -> None:
    far = TwinEstimator(seen).observe(messages(step() * 50))  # 25 to 50 m
    assert "beyond 20 m" in far.warnings[0]
    near = TwinEstimator(seen).observe(messages(step() // 10))  # 5 to 10 cm
    assert "nearer than 0.2 m" in near.warnings[0]
    tenths = TwinEstimator(seen).observe(messages(np.full((48, 64), 30_000, np.uint16)))
    assert "0.0001 m a count would give 3 m" in tenths.warnings[0]


def test_the_warning_goes_when_depth_is_plausible_again(seen: Seen) -> None:
    time_s = [100.0]
    estimator = TwinEstimator(seen, now=lambda: time_s[0])
    assert estimator.observe(messages(step() * 50, 1.0)).warnings
    time_s[0] += 2.0
    assert estimator.observe(messages(step(), 2.0)).warnings == ()


def test_aligned_depth_of_half_the_size_is_scaled(seen: Seen) -> None:
    estimate = TwinEstimator(seen).observe(messages(step(24, 32)))
    depth_m = seen.frames[0].depth_m
    assert depth_m.shape == (48, 64)
    assert (depth_m[0, 31], depth_m[0, 32]) == pytest.approx((1.0, 0.5))
    assert estimate.warnings == ()


def test_depth_of_another_shape_is_refused_with_both_sizes(seen: Seen) -> None:
    with pytest.raises(FrameError, match="64x24 but colour is 64x48"):
        TwinEstimator(seen).observe(messages(step(24, 64)))


def test_depth_of_another_camera_is_used_with_a_warning_that_names_what_is_missing(seen: Seen) -> None:
    estimate = TwinEstimator(seen).observe(messages(step(), depth_frame="depth"))
    (warning,) = estimate.warnings
    assert "depth is in the frame depth but colour in color" in warning
    assert "camera_info" in warning
    assert "transform" in warning


def test_depth_is_registered_once_both_cameras_and_their_transform_are_known(seen: Seen) -> None:
    baseline = RigidTransform(np.eye(3), np.array([0.05, 0.0, 0.0]))
    known: dict[tuple[str, str], RigidTransform] = {}
    estimator = TwinEstimator(seen, lookup=lambda target, source: known.get((target, source)))
    flat = np.full((48, 64), 1000, np.uint16)
    flat[20:28, 28:36] = 500  # a box before the depth camera's optical axis (30, 22)
    first = estimator.observe(messages(flat, 1.0, "depth", DEPTH))
    assert "transform" in first.warnings[0]  # tf has not come yet
    known["color", "depth"] = baseline
    second = estimator.observe(messages(flat, 2.0, "depth", DEPTH))
    assert second.warnings == ()
    depth_m = seen.frames[1].depth_m
    # Its centre, depth pixel (32, 24) at 0.5 m: x = (32 - 30) / 50 * 0.5 + 0.05 = 0.07 m, y = 0.02 m.
    u, v = round(60 * 0.07 / 0.5 + 32), round(60 * 0.02 / 0.5 + 24)
    assert depth_m[v, u] == pytest.approx(0.5)
    assert depth_m[24, 30] == pytest.approx(1.0)  # where it would be if it were taken as aligned
    assert seen.frames[0].depth_m[24, 30] == pytest.approx(0.5)


def test_a_depth_camera_info_that_cannot_be_used_does_not_refuse_depth_that_is_registered(seen: Seen) -> None:
    given = messages(step(), depth_camera=COLOR)
    given.depth_info.k = [0.0] * 9  # not calibrated
    assert TwinEstimator(seen).observe(given).warnings == ()
    given = messages(step(), depth_frame="depth", depth_camera=DEPTH)
    given.depth_info.k = [0.0] * 9
    assert "camera_info" in TwinEstimator(seen).observe(given).warnings[0]


def test_floats_are_metres_whatever_the_unit_of_whole_numbers(seen: Seen) -> None:
    depth = np.full((48, 64), 0.7, np.float32)
    TwinEstimator(seen, depth_unit_m=0.0001).observe(messages(depth, encoding="32FC1"))
    assert seen.frames[0].depth_m[0, 0] == pytest.approx(0.7)


def test_binning_of_the_camera_info_is_applied(seen: Seen) -> None:
    given = messages(step())
    info = intrinsics_to_msg(CameraIntrinsics(128, 96, 120.0, 120.0, 64.0, 48.0), given.info.header)
    info.binning_x = info.binning_y = 2
    TwinEstimator(seen).observe(replace(given, info=info))
    assert seen.frames[0].intrinsics == COLOR


def test_ids_and_sequence_numbers_go_on_when_the_twin_begins_anew(seen: Seen) -> None:
    estimator = TwinEstimator(seen)
    estimator.observe(messages(step(), 10.0))
    assert estimator.forget()
    assert not estimator.forget()
    assert estimator.observe(messages(step(), 11.0)).twin.sequence == 2


def test_words_are_set_between_two_frames_and_later_twins_are_made_with_them(seen: Seen) -> None:
    estimator = TwinEstimator(seen)
    assert estimator.takes_words
    estimator.observe(messages(step(), 10.0))
    assert estimator.set_vocabulary(["corkscrew"], asked=True) == (("corkscrew",), 1)
    assert estimator.set_vocabulary(["corkscrew"], asked=True) == ((), 1)
    assert (estimator.words, seen.words) == (("corkscrew",), ("corkscrew",))
