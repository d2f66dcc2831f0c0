"""Pictures of every driver become RGB and metres; broken ones are refused with a message that says what to do."""

from __future__ import annotations

import struct

import cv2
import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from fastreasonseg_ros.errors import FrameError
from fastreasonseg_ros.ros import images
from fastreasonseg_ros.twin.types import CameraIntrinsics

RGB = np.array([[[250, 10, 20], [0, 200, 30]], [[5, 6, 7], [90, 91, 92]]], np.uint8)


def message(array: np.ndarray, encoding: str) -> Image:
    return images.image_to_msg(array, encoding, Header())


@pytest.mark.parametrize(
    ("encoding", "array"),
    [
        ("rgb8", RGB),
        ("bgr8", RGB[:, :, ::-1]),
        ("rgba8", np.dstack([RGB, np.full((2, 2), 9, np.uint8)])),
        ("bgra8", np.dstack([RGB[:, :, ::-1], np.full((2, 2), 9, np.uint8)])),
    ],
)
def test_color_of_every_channel_order_becomes_rgb(encoding: str, array: np.ndarray) -> None:
    assert np.array_equal(images.color_from_msg(message(array, encoding)), RGB)


def test_a_gray_picture_becomes_three_equal_channels() -> None:
    gray = np.array([[1, 2], [3, 4]], np.uint8)
    assert np.array_equal(images.color_from_msg(message(gray, "mono8")), np.dstack([gray] * 3))


def test_rows_with_padding_are_read_by_their_step() -> None:
    padded = np.zeros((2, 10), np.uint8)
    padded[:, :6] = RGB.reshape(2, 6)
    msg = Image(height=2, width=2, encoding="rgb8", step=10, data=padded.tobytes())
    assert np.array_equal(images.color_from_msg(msg), RGB)


def test_depth_in_millimetres_becomes_metres_and_zero_becomes_unknown() -> None:
    depth_m = images.depth_from_msg(message(np.array([[0, 1500]], np.uint16), "16UC1"))
    assert np.isnan(depth_m[0, 0])
    assert depth_m[0, 1] == pytest.approx(1.5)
    assert depth_m.dtype == np.float32


def test_big_endian_depth_is_read_in_its_byte_order() -> None:
    msg = message(np.array([[1500]], ">u2").view(np.uint16), "16UC1")
    msg.is_bigendian = 1
    assert images.depth_from_msg(msg)[0, 0] == pytest.approx(1.5)


def test_depth_in_metres_stays_and_what_is_not_a_distance_becomes_unknown() -> None:
    depth_m = images.depth_from_msg(message(np.array([[0.5, np.inf, np.nan, 0, -1]], np.float32), "32FC1"))
    assert depth_m[0, 0] == 0.5
    assert np.isnan(depth_m[0, 1:]).all()


def test_depth_survives_a_message_to_the_millimetre() -> None:
    depth_m = np.array([[0.4567, np.nan, 70.0]], np.float32)
    back = images.depth_from_msg(images.depth_to_msg(depth_m, Header()))
    assert back[0, 0] == pytest.approx(0.457)
    assert np.isnan(back[0, 1:]).all()


def test_compressed_pictures_are_decoded() -> None:
    big = np.kron(RGB, np.ones((16, 16, 1), np.uint8))
    color = CompressedImage(format="png", data=cv2.imencode(".png", big[:, :, ::-1])[1].tobytes())
    assert np.array_equal(images.color_from_msg(color), big)
    png = cv2.imencode(".png", np.array([[0, 700]], np.uint16))[1].tobytes()
    for msg in (
        CompressedImage(format="16UC1; png compressed", data=png),
        CompressedImage(format="16UC1; compressedDepth png", data=bytes(12) + png),
    ):
        depth_m = images.depth_from_msg(msg)
        assert np.isnan(depth_m[0, 0])
        assert depth_m[0, 1] == pytest.approx(0.7)


def test_compressed_depth_of_floats_is_scaled_by_its_header() -> None:
    # compressed_depth_image_transport stores a / depth + b.
    a, b, depth = 10000.0, 50.0, 2.0
    png = cv2.imencode(".png", np.array([[0, round(a / depth + b)]], np.uint16))[1].tobytes()
    msg = CompressedImage(format="32FC1; compressedDepth png", data=bytes(4) + struct.pack("<ff", a, b) + png)
    depth_m = images.depth_from_msg(msg)
    assert np.isnan(depth_m[0, 0])
    assert depth_m[0, 1] == pytest.approx(depth, rel=1e-3)


def test_packed_yuv_is_converted_without_cv_bridge() -> None:
    # U Y V Y with chroma 128 is gray: Y 16 is black and Y 235 white in limited range.
    yuv = np.array([[[128, 16], [128, 235]]], np.uint8)
    assert images.color_from_msg(message(yuv, "yuv422")).tolist() == [[[0, 0, 0], [255, 255, 255]]]


def test_an_unknown_color_encoding_is_refused_with_the_known_ones() -> None:
    with pytest.raises(FrameError, match="'yuv411'.*rgb8, bgr8"):
        images.color_from_msg(message(np.zeros((2, 4), np.uint8), "yuv411"))


@pytest.mark.parametrize(
    ("encoding", "height", "step"),
    [("yuv422_yuy2", 8, 16), ("uyvy", 8, 16), ("nv12", 12, 8), ("bayer_rggb8", 8, 8), ("bayer_gbrg8", 8, 8)],
)
def test_what_cameras_send_raw_is_read_without_cv_bridge(encoding: str, height: int, step: int) -> None:
    gray = np.full((height, step), 128, np.uint8)  # of YUV 128 is neutral chroma too
    msg = Image(height=8, width=8, encoding=encoding, step=step, data=gray.tobytes())
    picture = images.color_from_msg(msg)
    assert picture.shape == (8, 8, 3)
    assert np.ptp(picture) <= 2
    assert 120 <= picture.mean() <= 135


def test_depth_in_tenths_of_a_millimetre_is_read_by_its_unit_and_floats_stay_metres() -> None:
    d405 = message(np.array([[0, 3000]], np.uint16), "16UC1")
    assert images.depth_from_msg(d405, 0.0001)[0, 1] == pytest.approx(0.3)
    assert images.depth_from_msg(message(np.array([[0.5]], np.float32), "32FC1"), 0.0001)[0, 0] == 0.5
    png = cv2.imencode(".png", np.array([[0, 3000]], np.uint16))[1].tobytes()
    packed = CompressedImage(format="16UC1; compressedDepth png", data=bytes(12) + png)
    assert images.depth_from_msg(packed, 0.0001)[0, 1] == pytest.approx(0.3)


def test_an_8_bit_depth_picture_is_refused_and_not_read_as_millimetres() -> None:
    with pytest.raises(FrameError, match="8 bits cannot hold depth"):
        images.depth_from_msg(message(np.zeros((2, 2), np.uint8), "mono8"))


def test_an_unknown_depth_encoding_is_refused_with_the_known_ones() -> None:
    with pytest.raises(FrameError, match="'64FC1'.*16UC1, mono16, 32FC1"):
        images.depth_from_msg(message(np.zeros((2, 2), np.float64), "64FC1"))


@pytest.mark.parametrize(
    "msg",
    [
        Image(height=2, width=2, encoding="rgb8", step=6, data=bytes(11)),
        Image(height=2, width=2, encoding="rgb8", step=3, data=bytes(12)),
        Image(height=0, width=0, encoding="rgb8"),
        CompressedImage(format="jpeg", data=b"not a picture"),
        CompressedImage(format="jpeg"),
    ],
)
def test_a_broken_picture_is_refused(msg: Image | CompressedImage) -> None:
    with pytest.raises(FrameError, match="broken|empty"):
        images.color_from_msg(msg)


def test_depth_compressed_with_loss_is_refused() -> None:
    jpeg = cv2.imencode(".jpg", np.zeros((4, 4), np.uint8))[1].tobytes()
    with pytest.raises(FrameError, match="16-bit PNG"):
        images.depth_from_msg(CompressedImage(format="jpeg", data=jpeg))


def test_the_camera_model_survives_a_message_and_an_uncalibrated_one_is_refused() -> None:
    camera = CameraIntrinsics(640, 480, 525.0, 526.0, 319.5, 239.5)
    assert images.intrinsics_from_msg(images.intrinsics_to_msg(camera, Header())) == camera
    with pytest.raises(FrameError, match="calibrated"):
        images.intrinsics_from_msg(CameraInfo(width=640, height=480))


@pytest.mark.parametrize("seconds", [0.0, 1.5, 1732276800.123456, 0.9999999999])
def test_times_survive_a_message_to_the_microsecond(seconds: float) -> None:
    assert images.time_to_s(images.time_from_s(seconds)) == pytest.approx(seconds, abs=1e-6)
