"""Where up is in the picture, from tf and from an IMU, over real messages, up to the frame that perception gets."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
from geometry_msgs.msg import TransformStamped
from in_process import node_and_user
from processes import wait_for
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo, Image, Imu
from std_msgs.msg import Header

from fastreasonseg_ros.ros import transforms
from fastreasonseg_ros.ros.images import depth_to_msg, image_to_msg, intrinsics_to_msg, time_from_s
from fastreasonseg_ros.ros.nodes import twin_node
from fastreasonseg_ros.ros.settings import TwinSettings
from fastreasonseg_ros.ros.transforms import TransformLookup
from fastreasonseg_ros.ros.up_direction import OLDEST_S, UpDirection
from fastreasonseg_ros.twin.types import CameraIntrinsics, Frame, Perceived

G = 9.81
PICTURE = Header(stamp=time_from_s(5.0), frame_id="camera")
# Camera to robot: the camera looks along x and is mounted upside down (its x is y, its y is z), and upright.
UPSIDE_DOWN, UPRIGHT = (0.5, 0.5, 0.5, 0.5), (-0.5, 0.5, -0.5, 0.5)


def imu(x: float, y: float, z: float, frame_id: str = "camera", stamp_s: float = 5.0) -> Imu:
    msg = Imu(header=Header(stamp=time_from_s(stamp_s), frame_id=frame_id))
    msg.linear_acceleration.x, msg.linear_acceleration.y, msg.linear_acceleration.z = x, y, z
    return msg


@pytest.fixture
def tree(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, str], tuple[float, ...]]:
    """Stands in for tf2_ros, which the wheels lack: (target, source) -> quaternion x, y, z, w."""
    known: dict[tuple[str, str], tuple[float, ...]] = {}

    class Buffer:
        def __init__(self, cache_time, node) -> None:
            pass

        def lookup_transform(self, target, source, time, timeout):
            if (target, source) not in known:
                raise LookupError(f"{source} is not in the tree")
            msg = TransformStamped(child_frame_id=source)
            q = msg.transform.rotation
            q.x, q.y, q.z, q.w = known[target, source]
            return msg

    listener = SimpleNamespace(unregister=lambda: None)
    fake = SimpleNamespace(Buffer=Buffer, TransformListener=lambda *_: listener, TransformException=LookupError)
    monkeypatch.setattr(transforms, "tf2_ros", fake)
    return known


def direction(now=lambda: 0.0, **settings: object) -> UpDirection:
    given = TwinSettings(**settings)
    return UpDirection(lambda: given, TransformLookup(SimpleNamespace(), needed=bool(given.gravity_frame)), now)


@pytest.mark.parametrize(("quaternion", "up"), [(UPRIGHT, (0.0, -1.0, 0.0)), (UPSIDE_DOWN, (0.0, 1.0, 0.0))])
def test_up_is_the_z_axis_of_the_gravity_frame_in_the_cameras_frame(tree, quaternion, up) -> None:
    tree["base_link", "camera"] = quaternion
    assert direction(gravity_frame="base_link").of(PICTURE) == pytest.approx(up, abs=1e-9)


def test_a_gravity_frame_that_tf_does_not_know_leaves_up_unknown_and_says_so(tree) -> None:
    one = direction(gravity_frame="base_link")
    assert one.of(PICTURE) is None
    assert "no transform of camera to base_link" in one.warning
    tree["base_link", "camera"] = UPRIGHT
    assert one.of(PICTURE) is not None
    assert one.warning == ""


def test_an_imu_in_the_cameras_frame_needs_no_tf() -> None:
    one = direction(use_imu=True)
    one.imu_came(imu(0.0, G, 0.0))
    assert (one.of(PICTURE), one.warning) == ((0.0, 1.0, 0.0), "")


def test_an_imu_in_another_frame_is_turned_into_the_cameras(tree) -> None:
    one = direction(use_imu=True)
    one.imu_came(imu(0.0, 0.0, G, "base_link"))
    assert one.of(PICTURE) is None
    assert one.warning == "up is not known: imu is measured in base_link, and tf has no transform to camera"
    half = math.sqrt(0.5)
    tree["camera", "base_link"] = (half, 0.0, 0.0, half)  # a quarter about x takes z to -y
    assert one.of(PICTURE) == pytest.approx((0.0, -1.0, 0.0), abs=1e-9)


def test_without_tf2_an_imu_in_another_frame_says_nothing() -> None:
    one = direction(use_imu=True)
    one.imu_came(imu(0.0, 0.0, G, "imu_link"))
    assert one.of(PICTURE) is None


def test_tf_goes_before_the_imu_which_serves_where_tf_does_not_know(tree) -> None:
    one = direction(gravity_frame="base_link", use_imu=True)
    one.imu_came(imu(G, 0.0, 0.0))
    assert (one.of(PICTURE), one.warning) == ((1.0, 0.0, 0.0), "")
    tree["base_link", "camera"] = UPRIGHT
    assert one.of(PICTURE) == pytest.approx((0.0, -1.0, 0.0), abs=1e-9)


def test_an_imu_that_is_moved_or_silent_for_long_leaves_up_unknown() -> None:
    now_s = 0.0
    one = direction(lambda: now_s, use_imu=True)
    assert one.of(PICTURE) is None
    assert one.warning == "up is not known: nothing has come yet on imu that was measured at rest"
    one.imu_came(imu(0.0, -G, 0.0))
    now_s = OLDEST_S + 0.5
    one.imu_came(imu(3.0, -G - 2.0, 0.0, stamp_s=6.5))  # it is being moved
    assert one.of(PICTURE) is None
    assert "nothing for 1.5 s" in one.warning


def test_an_imu_without_acceleration_says_nothing() -> None:
    one, msg = direction(use_imu=True), imu(0.0, -G, 0.0)
    msg.linear_acceleration_covariance[0] = -1.0
    one.imu_came(msg)
    assert one.of(PICTURE) is None


def test_an_imu_that_is_not_asked_for_says_nothing() -> None:
    one = direction()
    one.imu_came(imu(0.0, G, 0.0))
    assert (one.of(PICTURE), one.warning) == (None, "")


class Keeps:
    """A perceiver that keeps its frames."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []

    def perceive(self, frame: Frame) -> Perceived:
        self.frames.append(frame)
        return Perceived(())

    def set_vocabulary(self, words) -> None:
        pass


@pytest.fixture
def perceiver_and_user(monkeypatch: pytest.MonkeyPatch):
    perceiver = Keeps()
    monkeypatch.setattr(twin_node, "make_perceiver", lambda *_: perceiver)
    with node_and_user(twin_node.TwinNode, "up", "-p", "use_imu:=true") as (_, user):
        yield perceiver, user


def test_perception_gets_up_as_the_imu_topic_has_it(perceiver_and_user) -> None:
    perceiver, user = perceiver_and_user
    kinds = {"color/image_raw": Image, "depth/image_raw": Image, "color/camera_info": CameraInfo}
    out = {name: user.create_publisher(kind, name, 10) for name, kind in kinds.items()}
    accelerations = user.create_publisher(Imu, "imu", qos_profile_sensor_data)
    wait_for(lambda: all(p.get_subscription_count() for p in (*out.values(), accelerations)), what="subscriptions")
    camera = CameraIntrinsics(64, 48, 60.0, 60.0, 32.0, 24.0)

    def shown() -> list[Frame]:
        header = Header(stamp=user.get_clock().now().to_msg(), frame_id="camera")
        sample = imu(0.0, G, 0.1)
        sample.header = header
        accelerations.publish(sample)
        out["color/camera_info"].publish(intrinsics_to_msg(camera, header))
        out["depth/image_raw"].publish(depth_to_msg(np.ones((48, 64), np.float32), header))
        out["color/image_raw"].publish(image_to_msg(np.zeros((48, 64, 3), np.uint8), "rgb8", header))
        return [frame for frame in perceiver.frames if frame.up is not None]

    (frame, *_) = wait_for(shown, what="a frame with up")
    assert frame.up == pytest.approx((0.0, 1.0, 0.01), abs=0.001)
