"""What the name of a topic says about the camera it belongs to."""

from __future__ import annotations

import pytest

from fastreasonseg_ros.io.bags.topic_names import camera_namespace


@pytest.mark.parametrize(
    ("topic", "namespace"),
    [
        ("/camera/aligned_depth_to_color/image_raw", ("camera",)),
        ("/camera/color/image_raw/compressed", ("camera",)),
        ("/rgb/image_raw", ()),
        ("/depth_to_rgb/image_raw", ()),
        ("/cam1_color/image", ("cam1",)),
        ("/oak/left/image_raw", ("oak",)),
        ("/left_arm/depth/image", ("left_arm",)),
        ("/kinect2/qhd/image_depth_rect", ("kinect2", "qhd")),
        ("/camera/depth/camera_info", ("camera",)),
    ],
)
def test_the_camera_is_what_remains_of_a_name_without_its_stream(topic: str, namespace: tuple[str, ...]) -> None:
    assert camera_namespace(topic) == namespace
