"""Which topics of a bag are one RGB-D camera, for the layouts of the drivers that are met in the field."""

from __future__ import annotations

from pathlib import Path

import pytest
from recorded import record

from fastreasonseg_ros.errors import DatasetError
from fastreasonseg_ros.io.bags.contents import bag_info
from fastreasonseg_ros.io.bags.topic_selection import TopicChoice, choose_topics

BIG, SMALL, DEPTH_SIZE = (64, 36), (32, 24), (32, 28)
RGB_FRAME, DEPTH_FRAME = "rgb_camera_link", "depth_camera_link"
AZURE = {
    "/depth/image_raw": ("16UC1", DEPTH_SIZE, DEPTH_FRAME),
    "/depth_to_rgb/image_raw": ("16UC1", BIG, RGB_FRAME),
    "/ir/image_raw": ("mono16", DEPTH_SIZE, DEPTH_FRAME),
    "/rgb/image_raw": ("bgra8", BIG, RGB_FRAME),
    "/rgb_to_depth/image_raw": ("bgra8", DEPTH_SIZE, DEPTH_FRAME),
}
AZURE_INFOS = {
    "/depth/camera_info": (DEPTH_SIZE, DEPTH_FRAME),
    "/depth_to_rgb/camera_info": (BIG, RGB_FRAME),
    "/ir/camera_info": (DEPTH_SIZE, DEPTH_FRAME),
    "/rgb/camera_info": (BIG, RGB_FRAME),
    "/rgb_to_depth/camera_info": (DEPTH_SIZE, DEPTH_FRAME),
}


def chosen(path: Path, pictures: dict, infos: dict, **given: str) -> TopicChoice:
    return choose_topics(bag_info(record(path / "bag", pictures, infos)), "bag", given)


def three(choice: TopicChoice) -> tuple[str, str | None, str | None]:
    return choice.topics.color, choice.topics.depth, choice.topics.info


def without(topics: dict, *words: str) -> dict:
    return {name: what for name, what in topics.items() if not any(name.startswith(f"/{w}/") for w in words)}


def test_an_azure_bag_gives_colour_and_the_depth_that_is_registered_to_it(tmp_path: Path) -> None:
    choice = chosen(tmp_path, AZURE, AZURE_INFOS)
    assert three(choice) == ("/rgb/image_raw", "/depth_to_rgb/image_raw", "/rgb/camera_info")
    assert choice.topics.depth_info == "/depth_to_rgb/camera_info"


def test_an_azure_bag_with_infrared_first_and_unregistered_depth_gives_no_infrared(tmp_path: Path) -> None:
    """Each half of the driver's topics; infrared is of the depth camera's frame, size and kind of sample."""
    few = "depth_to_rgb", "rgb_to_depth"
    choice = chosen(tmp_path, without(AZURE, *few), without(AZURE_INFOS, *few))
    assert three(choice) == ("/rgb/image_raw", "/depth/image_raw", "/rgb/camera_info")
    assert choice.topics.depth_info == "/depth/camera_info"
    assert choice.other_colors == ("/ir/image_raw",)


def test_colour_in_the_depth_cameras_view_is_taken_with_that_depth(tmp_path: Path) -> None:
    choice = chosen(tmp_path, without(AZURE, "depth_to_rgb", "rgb"), AZURE_INFOS)
    assert three(choice) == ("/rgb_to_depth/image_raw", "/depth/image_raw", "/rgb_to_depth/camera_info")


OAK = {
    "/oak/left/image_raw": ("mono8", SMALL, "oak_left_camera_optical_frame"),
    "/oak/right/image_raw": ("mono8", SMALL, "oak_right_camera_optical_frame"),
    "/oak/rgb/image_raw": ("bgr8", BIG, "oak_rgb_camera_optical_frame"),
    "/oak/stereo/image_raw": ("16UC1", BIG, "oak_rgb_camera_optical_frame"),
}
OAK_INFOS = {name.replace("image_raw", "camera_info"): (size, frame) for name, (_, size, frame) in OAK.items()}


def test_an_oak_bag_gives_its_colour_camera_and_its_stereo_depth(tmp_path: Path) -> None:
    assert three(chosen(tmp_path, OAK, OAK_INFOS)) == (
        "/oak/rgb/image_raw", "/oak/stereo/image_raw", "/oak/rgb/camera_info",
    )  # fmt: skip


def test_an_oak_bag_with_colour_on_its_left_camera_still_gives_rgb(tmp_path: Path) -> None:
    left = {"/oak/left/image_raw": ("bgr8", BIG, "oak_left_camera_optical_frame")}
    assert chosen(tmp_path, OAK | left, OAK_INFOS).topics.color == "/oak/rgb/image_raw"


@pytest.mark.parametrize(
    "names",
    [
        ("/cam1", "/cam2"),
        ("/robot/cam1", "/robot/cam2"),
        ("/left_arm", "/right_arm"),
        ("/camera/camera", "/camera/camera2"),
    ],
)
@pytest.mark.parametrize("joined", ["/", "_"])
def test_two_cameras_are_not_mixed(tmp_path: Path, names: tuple[str, str], joined: str) -> None:
    """Colour of the first and depth of the second, of one size; the second has both."""
    first, second = names
    frame = {name: name.strip("/").replace("/", "_") for name in names}
    pictures = {
        f"{first}{joined}color/image_raw": ("rgb8", SMALL, f"{frame[first]}_color"),
        f"{second}{joined}color/image_raw": ("rgb8", SMALL, f"{frame[second]}_color"),
        f"{second}{joined}aligned_depth_to_color/image_raw": ("16UC1", SMALL, f"{frame[second]}_color"),
    }
    infos = {f"{name}{joined}color/camera_info": (SMALL, f"{frame[name]}_color") for name in names}
    assert three(chosen(tmp_path, pictures, infos)) == tuple(
        f"{second}{joined}{rest}"
        for rest in ("color/image_raw", "aligned_depth_to_color/image_raw", "color/camera_info")
    )


def test_depth_of_another_camera_is_not_taken_where_colour_has_none(tmp_path: Path) -> None:
    pictures = {
        "/cam1/color/image_raw": ("rgb8", SMALL, "cam1_color"),
        "/cam2/depth/image_raw": ("16UC1", SMALL, "cam2_depth"),
    }
    infos = {"/cam2/depth/camera_info": (SMALL, "cam2_depth")}
    choice = chosen(tmp_path, pictures, infos)
    assert three(choice) == ("/cam1/color/image_raw", None, None)
    assert choice.other_depths == ("/cam2/depth/image_raw",)
    assert "depth: none" in choice.describe()
    assert any(
        "other depth topics (--depth-topic): /cam2/depth/image_raw (16UC1 32x24" in line for line in choice.describe()
    )


def test_the_name_of_the_camera_may_stand_behind_that_of_the_stream(tmp_path: Path) -> None:
    """Spot: /spot/camera/frontleft/image with /spot/depth/frontleft/image, in other frames."""
    pictures, infos = {}, {}
    for side in ("frontleft", "frontright"):
        pictures |= {
            f"/spot/camera/{side}/image": ("rgb8", SMALL, f"{side}_fisheye"),
            f"/spot/depth/{side}/image": ("16UC1", SMALL, side),
        }
        infos |= {f"/spot/camera/{side}/camera_info": (SMALL, f"{side}_fisheye")}
    del pictures["/spot/camera/frontleft/image"]
    assert three(chosen(tmp_path, pictures, infos)) == (
        "/spot/camera/frontright/image", "/spot/depth/frontright/image", "/spot/camera/frontright/camera_info",
    )  # fmt: skip


REALSENSE = {
    "/apriltag/image": ("rgb8", SMALL, "camera_color_optical_frame"),
    "/camera/color/image_raw": ("rgb8", SMALL, "camera_color_optical_frame"),
    "/camera/depth/image_rect_raw": ("16UC1", SMALL, "camera_depth_optical_frame"),
    "/camera/aligned_depth_to_color/image_raw": ("16UC1", SMALL, "camera_color_optical_frame"),
    "/camera/infra1/image_rect_raw": ("mono8", SMALL, "camera_infra1_optical_frame"),
}
REALSENSE_INFOS = {
    "/camera/color/camera_info": (SMALL, "camera_color_optical_frame"),
    "/camera/depth/camera_info": (SMALL, "camera_depth_optical_frame"),
    "/camera/infra1/camera_info": (SMALL, "camera_infra1_optical_frame"),
}


@pytest.mark.parametrize("derived", ["/apriltag/image", "/detections_image", "/a_node_of_mine/image"])
def test_a_picture_that_another_node_made_is_not_the_camera(tmp_path: Path, derived: str) -> None:
    pictures = {derived: REALSENSE["/apriltag/image"]} | without(REALSENSE, "apriltag")
    assert three(chosen(tmp_path, pictures, REALSENSE_INFOS)) == (
        "/camera/color/image_raw", "/camera/aligned_depth_to_color/image_raw", "/camera/color/camera_info",
    )  # fmt: skip


def test_aligned_depth_has_no_camera_info_of_another_frame(tmp_path: Path) -> None:
    """The driver's depth/camera_info is of the depth camera; with it aligned depth would be registered once more."""
    assert chosen(tmp_path, REALSENSE, REALSENSE_INFOS).topics.depth_info is None


def test_depth_that_is_not_aligned_has_its_own_camera_info(tmp_path: Path) -> None:
    pictures = {k: v for k, v in REALSENSE.items() if "aligned" not in k}
    choice = chosen(tmp_path, pictures, REALSENSE_INFOS)
    assert choice.topics.depth == "/camera/depth/image_rect_raw"
    assert choice.topics.depth_info == "/camera/depth/camera_info"


def test_maps_of_floats_that_are_no_depth_are_left_out(tmp_path: Path) -> None:
    """ZED: confidence is 32FC1 as depth is; the left colour picture is the camera's."""
    frame = "zed_left_camera_optical_frame"
    pictures = {
        "/zed/zed_node/confidence/confidence_map": ("32FC1", SMALL, frame),
        "/zed/zed_node/depth/depth_registered": ("32FC1", SMALL, frame),
        "/zed/zed_node/left/image_rect_color": ("bgra8", SMALL, frame),
        "/zed/zed_node/rgb/image_rect_color": ("bgra8", SMALL, frame),
    }
    infos = {"/zed/zed_node/rgb/camera_info": (SMALL, frame), "/zed/zed_node/left/camera_info": (SMALL, frame)}
    assert three(chosen(tmp_path, pictures, infos)) == (
        "/zed/zed_node/rgb/image_rect_color", "/zed/zed_node/depth/depth_registered", "/zed/zed_node/rgb/camera_info",
    )  # fmt: skip


def test_a_gray_camera_is_taken_where_there_is_no_colour(tmp_path: Path) -> None:
    choice = chosen(tmp_path, {"/cam/image_raw": ("mono8", SMALL, "cam")}, {"/cam/camera_info": (SMALL, "cam")})
    assert three(choice) == ("/cam/image_raw", None, "/cam/camera_info")


def test_raw_pictures_are_preferred_to_compressed_ones_of_the_same_camera(tmp_path: Path) -> None:
    pictures = {
        "/cam/color/image_raw": ("rgb8", SMALL, "cam"),
        "/cam/color/image_raw/compressed": ("jpeg", SMALL, "cam"),
        "/cam/depth/image_raw": ("32FC1", SMALL, "cam"),
    }
    infos = {"/cam/color/camera_info": (SMALL, "cam")}
    choice = chosen(tmp_path, pictures, infos)
    assert choice.topics.color == "/cam/color/image_raw"
    compressed = chosen(tmp_path / "b", {k: v for k, v in pictures.items() if not k.endswith("color/image_raw")}, infos)
    assert three(compressed) == ("/cam/color/image_raw/compressed", "/cam/depth/image_raw", "/cam/color/camera_info")


def test_what_the_user_names_is_taken_and_the_rest_fits_it(tmp_path: Path) -> None:
    choice = chosen(tmp_path, AZURE, AZURE_INFOS, color="/rgb_to_depth/image_raw")
    assert three(choice) == ("/rgb_to_depth/image_raw", "/depth/image_raw", "/rgb_to_depth/camera_info")
    choice = chosen(tmp_path / "b", AZURE, AZURE_INFOS, depth="/depth/image_raw", info="/ir/camera_info")
    assert choice.topics.depth == "/depth/image_raw"
    assert choice.topics.info == "/ir/camera_info"
    assert chosen(tmp_path / "c", AZURE, AZURE_INFOS, depth="none").topics.depth is None


def test_what_was_chosen_is_said_with_encoding_size_rate_and_frame(tmp_path: Path) -> None:
    lines = chosen(tmp_path, AZURE, AZURE_INFOS).describe()
    assert lines[0].startswith("colour: /rgb/image_raw (bgra8 64x36, ")
    assert lines[0].endswith(" Hz, frame rgb_camera_link)")
    assert lines[1].startswith("depth: /depth_to_rgb/image_raw (16UC1 64x36")
    assert lines[4].startswith("other colour topics (--color-topic): /rgb_to_depth/image_raw (bgra8 32x28")
    assert lines[5].startswith("other depth topics (--depth-topic): /depth/image_raw (16UC1 32x28")


def test_a_bag_without_colour_is_refused_with_its_topics(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="holds no colour pictures; its topics are /cam/depth/image_raw"):
        chosen(tmp_path, {"/cam/depth/image_raw": ("16UC1", SMALL, "cam")}, {})
