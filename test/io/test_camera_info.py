"""The camera of a picture from camera_info: binning, region of interest, K or P, as in image_geometry."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from fastreasonseg_ros.errors import FrameError
from fastreasonseg_ros.io.camera_info import camera_from_info, is_rectified
from fastreasonseg_ros.twin.types import CameraIntrinsics

K = np.array([1000.0, 0, 640, 0, 1100, 512, 0, 0, 1])
P = np.array([990.0, 0, 630, 0, 0, 1090, 500, 0, 0, 0, 1, 0])


def info(binning=(0, 0), roi=(0, 0, 0, 0), k=K, p=P, d=(0.1, 0, 0, 0, 0), size=(1280, 1024)) -> SimpleNamespace:
    x, y, width, height = roi
    region = SimpleNamespace(x_offset=x, y_offset=y, width=width, height=height, do_rectify=False)
    return SimpleNamespace(
        width=size[0], height=size[1], k=k, p=p, d=np.array(d), binning_x=binning[0], binning_y=binning[1], roi=region
    )


def test_a_plain_camera_info_is_taken_as_it_stands_in_ros_2_and_in_ros_1() -> None:
    right = CameraIntrinsics(1280, 1024, 1000.0, 1100.0, 640.0, 512.0)
    assert camera_from_info(info(), (1280, 1024)) == right
    assert camera_from_info(info(binning=(1, 1), roi=(0, 0, 1280, 1024))) == right
    ros_1 = info()
    ros_1.K, ros_1.P, ros_1.D = ros_1.k, ros_1.p, ros_1.d
    del ros_1.k, ros_1.p, ros_1.d
    assert camera_from_info(ros_1) == right


def test_binning_divides_focal_length_principal_point_and_size() -> None:
    assert camera_from_info(info(binning=(2, 4))) == CameraIntrinsics(640, 256, 500.0, 275.0, 320.0, 128.0)


def test_a_region_of_interest_moves_the_principal_point() -> None:
    camera = camera_from_info(info(roi=(320, 112, 640, 800)), (640, 800))
    assert camera == CameraIntrinsics(640, 800, 1000.0, 1100.0, 320.0, 400.0)


def test_a_region_is_binned_after_it_was_cut_out() -> None:
    """A point at sensor pixel (740, 612) is at ((740 - 320) / 2, (612 - 112) / 2) in the picture."""
    camera = camera_from_info(info(binning=(2, 2), roi=(320, 112, 640, 800)), (320, 400))
    assert camera == CameraIntrinsics(320, 400, 500.0, 550.0, 160.0, 200.0)
    assert camera.cx + camera.fx * 0.1 == (640 + 1000 * 0.1 - 320) / 2


def test_a_picture_of_the_whole_sensor_has_the_model_of_the_whole_sensor() -> None:
    assert camera_from_info(info(binning=(2, 2)), (1280, 1024)).fx == 1000.0


def test_a_rectified_picture_has_the_projection_matrix() -> None:
    camera = camera_from_info(info(binning=(2, 2)), (640, 512), rectified=True)
    assert camera == CameraIntrinsics(640, 512, 495.0, 545.0, 315.0, 250.0)
    undistorted = info(p=np.zeros(12), d=(0, 0, 0, 0, 0))
    assert camera_from_info(undistorted, rectified=True).fx == 1000.0
    with pytest.raises(FrameError, match="has no P for a rectified picture: publish a calibrated"):
        camera_from_info(info(p=np.zeros(12)), rectified=True)


def test_topics_of_image_proc_are_rectified() -> None:
    assert is_rectified("/cam/image_rect_color/compressed")
    assert is_rectified("/cam/depth/image_rect_raw")
    assert not is_rectified("/cam/color/image_raw")
    assert not is_rectified("/direct/image_raw")


def test_a_camera_of_another_size_is_refused_with_how_it_came_to_its_size() -> None:
    with pytest.raises(FrameError, match="for 640x512 .1280x1024, binning 2x2. but the picture is 320x240"):
        camera_from_info(info(binning=(2, 2)), (320, 240))
    with pytest.raises(FrameError, match="for 1280x1024 but the picture is 320x240: use this stream's camera_info"):
        camera_from_info(info(), (320, 240))


@pytest.mark.parametrize("roi", [(700, 0, 640, 800), (0, 600, 640, 800), (8, 8, 0, 0)])
def test_a_region_outside_of_the_sensor_is_refused(roi: tuple[int, int, int, int]) -> None:
    with pytest.raises(FrameError, match="not within its 1280x1024"):
        camera_from_info(info(roi=roi))


def test_an_uncalibrated_camera_is_refused() -> None:
    with pytest.raises(FrameError, match="calibrated"):
        camera_from_info(info(k=np.zeros(9)))
