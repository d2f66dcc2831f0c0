"""Poses in other frames: the arithmetic, and what is said where tf2 is missing or knows no transform."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
from geometry_msgs.msg import Pose, PoseStamped, TransformStamped
from rclpy.duration import Duration
from rclpy.time import Time
from scipy.spatial.transform import Rotation

from fastreasonseg_ros.errors import ConfigError
from fastreasonseg_ros.ros import transforms
from fastreasonseg_ros.ros.transforms import FrameLookupError, Transform, Transforms, from_msg

HALF = math.sqrt(0.5)
# Of a camera that looks along the robot's x: its z is x forward, its x is -y, its y is -z (REP-103).
OPTICAL_TO_BODY = (-0.5, 0.5, -0.5, 0.5)


def transform(translation_m: tuple[float, float, float], quaternion: tuple[float, ...]) -> Transform:
    return Transform(translation_m, Rotation.from_quat(quaternion))


def test_a_quarter_turn_about_z_turns_x_into_y() -> None:
    turn = transform((0.0, 0.0, 0.0), (0.0, 0.0, HALF, HALF))
    assert turn.point((1.0, 0.0, 0.0)) == pytest.approx((0.0, 1.0, 0.0))


def test_what_a_forward_camera_sees_ahead_is_ahead_of_the_robot() -> None:
    camera = transform((0.1, 0.0, 0.5), OPTICAL_TO_BODY)
    assert camera.point((0.0, 0.0, 1.0)) == pytest.approx((1.1, 0.0, 0.5))
    assert camera.point((0.2, 0.3, 1.0)) == pytest.approx((1.1, -0.2, 0.2))  # right and down in the picture


def test_a_pose_is_turned_as_well_as_moved() -> None:
    pose = Pose()
    pose.position.z, pose.orientation.w = 1.0, 1.0
    moved = transform((0.0, 0.0, 0.0), OPTICAL_TO_BODY).pose(pose)
    assert (moved.position.x, moved.position.y, moved.position.z) == pytest.approx((1.0, 0.0, 0.0))
    q = moved.orientation
    assert (q.x, q.y, q.z, q.w) == pytest.approx(OPTICAL_TO_BODY)


def test_the_cores_pose_takes_points_to_the_same_place() -> None:
    camera = transform((0.1, 0.0, 0.5), OPTICAL_TO_BODY)
    assert camera.camera_pose().points(np.array([0.2, 0.3, 1.0])) == pytest.approx(camera.point((0.2, 0.3, 1.0)))


def test_a_quaternion_that_is_no_rotation_is_refused() -> None:
    msg = TransformStamped(child_frame_id="camera")
    msg.header.frame_id = "base_link"
    msg.transform.rotation.w = 0.0
    with pytest.raises(FrameLookupError, match=r"camera to base_link has a quaternion of length 0\.000"):
        from_msg(msg)


def test_without_tf2_the_reason_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transforms, "tf2_ros", None)
    with pytest.raises(ConfigError, match=r"install ros-DISTRO-tf2-ros-py .*, or set them to ''"):
        Transforms(SimpleNamespace())  # type: ignore[arg-type]


class Buffer:
    """As much of tf2_ros.Buffer as is used; it knows one transform, at one time."""

    def __init__(self, cache_time, node) -> None:
        self.asked: list[tuple] = []

    def lookup_transform(self, target, source, time, timeout):
        self.asked.append((target, source, time.nanoseconds, timeout.nanoseconds))
        if time.nanoseconds != 5_000_000_000:
            raise LookupError("extrapolation into the past")
        msg = TransformStamped()
        msg.transform.translation.x, msg.transform.rotation.w = 2.0, 1.0
        return msg


@pytest.fixture
def fake_tf2(monkeypatch: pytest.MonkeyPatch) -> Transforms:
    """Stands in for tf2_ros, which the wheels lack; a robot has the real one."""
    listener = SimpleNamespace(unregister=lambda: None)
    fake = SimpleNamespace(Buffer=Buffer, TransformListener=lambda *_: listener, TransformException=LookupError)
    monkeypatch.setattr(transforms, "tf2_ros", fake)
    return Transforms(SimpleNamespace())  # type: ignore[arg-type]


def pose_at(sec: int) -> PoseStamped:
    pose = PoseStamped()
    pose.header.frame_id, pose.header.stamp.sec, pose.pose.orientation.w = "camera", sec, 1.0
    return pose


def test_the_transform_is_asked_for_at_the_stamp_of_the_pose_and_the_stamp_is_kept(fake_tf2: Transforms) -> None:
    moved = fake_tf2.in_frame(pose_at(5), "map", timeout_s=0.25)
    assert fake_tf2._buffer.asked == [("map", "camera", 5_000_000_000, 250_000_000)]
    assert (moved.header.frame_id, moved.header.stamp.sec, moved.pose.position.x) == ("map", 5, 2.0)


def test_a_transform_that_is_not_known_names_both_frames_and_the_reason(fake_tf2: Transforms) -> None:
    with pytest.raises(FrameLookupError, match=r"of camera to map at .* within 0\.10 s: extrapolation into the past"):
        fake_tf2.in_frame(pose_at(6), "map", timeout_s=0.1)


def test_the_newest_transform_between_two_cameras_is_none_where_tf_does_not_know_it(fake_tf2: Transforms) -> None:
    assert fake_tf2.between_cameras("color", "depth") is None
    newest = fake_tf2._buffer.lookup_transform("color", "depth", Time(seconds=5), Duration())
    fake_tf2._buffer.lookup_transform = lambda target, source, time, timeout: newest  # type: ignore[method-assign]
    known = fake_tf2.between_cameras("color", "depth")
    assert known is not None
    assert known.translation_m.tolist() == [2.0, 0.0, 0.0]
    assert not known.is_identity()
