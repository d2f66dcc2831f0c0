"""Colour, depth and camera model meet by their stamps; what is missing or out of step is named, and by how much."""

from __future__ import annotations

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from fastreasonseg_ros.ros.images import time_from_s
from fastreasonseg_ros.ros.rgbd_synchronizer import COLOR, DEPTH, DEPTH_INFO, INFO, RgbdMessages, RgbdSynchronizer


def stamp(msg) -> float:
    return round(msg.header.stamp.sec + msg.header.stamp.nanosec * 1e-9, 3)


class Camera:
    """A synchronizer with a clock that a test sets; every message of one call has the same frame."""

    def __init__(self, slop_s: float = 0.05, queue: int = 10, timeout_s: float = 1.0) -> None:
        self.time_s = 100.0
        self.sync = RgbdSynchronizer(slop_s, queue, timeout_s, now=lambda: self.time_s)
        self.sets: list[RgbdMessages] = []

    def send(self, name: str, stamp_s: float, frame_id: str = "camera", **fields) -> None:
        kind = CameraInfo if name in (INFO, DEPTH_INFO) else Image
        msg = kind(header=Header(stamp=time_from_s(stamp_s), frame_id=frame_id), **fields)
        if (found := self.sync.add(name, msg)) is not None:
            self.sets.append(found)

    def run(self, seconds: float, rate_hz: float = 10.0, **offsets_s: float) -> None:
        """Topics at that rate, each with stamps that differ from the colour picture's by its offset."""
        names = {"color": COLOR, "depth": DEPTH, "info": INFO}
        for _ in range(round(seconds * rate_hz)):
            self.time_s += 1 / rate_hz
            for name, offset_s in offsets_s.items():
                self.send(names[name], self.time_s + offset_s)

    @property
    def met(self) -> list[tuple[float, float]]:
        return [(stamp(s.color), stamp(s.depth)) for s in self.sets if s.depth is not None]

    @property
    def complaint(self) -> str:
        return self.sync.report().complaint


@pytest.fixture
def pair() -> Camera:
    camera = Camera(slop_s=0.02, queue=3)
    camera.send(INFO, 1.0)
    return camera


@pytest.fixture
def camera() -> Camera:
    return Camera()


def test_pictures_within_the_slop_meet_in_either_order(pair: Camera) -> None:
    pair.send(COLOR, 1.0)
    pair.send(DEPTH, 1.01)
    pair.send(DEPTH, 2.0)
    pair.send(COLOR, 1.99)
    assert pair.met == [(1.0, 1.01), (1.99, 2.0)]


def test_pictures_beyond_the_slop_do_not_meet(pair: Camera) -> None:
    pair.send(COLOR, 1.0)
    pair.send(DEPTH, 1.03)
    assert pair.sets == []


def test_a_slop_of_zero_matches_equal_stamps_only() -> None:
    exact = Camera(slop_s=0.0)
    exact.send(INFO, 1.0)
    exact.send(COLOR, 1.0)
    exact.send(DEPTH, 1.0)
    exact.send(COLOR, 2.0)
    exact.send(DEPTH, 2.001)
    assert exact.met == [(1.0, 1.0)]


def test_a_picture_that_found_no_partner_does_not_block_later_ones(pair: Camera) -> None:
    pair.send(COLOR, 1.0)
    pair.send(COLOR, 1.1)
    pair.send(DEPTH, 1.1)
    assert pair.met == [(1.1, 1.1)]


def test_a_full_queue_forgets_its_oldest(pair: Camera) -> None:
    for s in (1.0, 2.0, 3.0, 4.0):
        pair.send(COLOR, s)
    pair.send(DEPTH, 1.0)
    assert pair.sets == []
    pair.send(DEPTH, 2.0)
    assert pair.met == [(2.0, 2.0)]


def test_a_latched_camera_model_outlasts_stamps_that_go_back(camera: Camera) -> None:
    camera.send(INFO, 50.0)  # once, as a latched topic brings it
    camera.run(1.0, color=0.0, depth=0.0)
    assert camera.sets[-1].info is not None
    for n in range(20):  # the recording begins again
        camera.send(COLOR, 10.0 + 0.1 * n)
        camera.send(DEPTH, 10.0 + 0.1 * n)
    again = [s for s in camera.sets if stamp(s.color) < 15.0]
    assert len(again) == 20
    assert all(s.info is not None and s.depth is not None for s in again)


@pytest.mark.parametrize("first", [COLOR, DEPTH])
def test_stamps_that_go_back_meet_again_at_once_whichever_stream_is_first(camera: Camera, first: str) -> None:
    camera.run(1.0, color=0.0, depth=0.0, info=0.0)
    camera.send(COLOR, camera.time_s + 0.2)  # waits for a partner that never comes
    count = len(camera.sets)
    for name in (first, DEPTH if first == COLOR else COLOR):
        camera.send(name, 3.0)
    assert camera.met[count:] == [(3.0, 3.0)]


def test_a_picture_that_is_a_little_late_is_no_reason_to_forget_others(camera: Camera) -> None:
    camera.send(INFO, 1.0)
    camera.send(COLOR, 1.2)
    camera.send(COLOR, 1.1)
    camera.send(DEPTH, 1.2)
    assert camera.met == [(1.2, 1.2)]


def test_the_camera_model_is_that_of_the_pictures_frame_and_the_nearest_in_time(camera: Camera) -> None:
    camera.send(INFO, 1.0, "left", width=320)
    camera.send(INFO, 2.0, "left", width=640)
    camera.send(INFO, 1.0, "right", width=1280)
    camera.send(DEPTH_INFO, 1.0, "depth", width=512)
    for stamp_s in (1.0, 2.0):
        camera.send(COLOR, stamp_s, "left")
        camera.send(DEPTH, stamp_s, "depth")
    assert [(s.info.width, s.depth_info.width) for s in camera.sets] == [(320, 512), (640, 512)]


def test_pictures_are_taken_without_depth_when_it_does_not_come_and_say_what_is_lacking(camera: Camera) -> None:
    camera.run(0.9, color=0.0, info=0.0)
    assert camera.sets == []
    camera.run(1.0, color=0.0, info=0.0)
    assert camera.sets
    assert camera.sets[-1].depth is None
    assert camera.sets[-1].lacking.startswith(f"{DEPTH}: nothing has come yet")


def test_a_picture_that_is_published_again_keeps_its_depth_though_that_is_lost(camera: Camera) -> None:
    for name in (INFO, DEPTH, COLOR):
        camera.send(name, 7.0)
    for _ in range(10):  # a colour picture a second, the last of a recording; timeout_s is 1
        camera.time_s += 1.0
        camera.send(COLOR, 7.0)
    assert camera.met == [(7.0, 7.0)] * 11
    assert camera.complaint == ""
    camera.send(DEPTH, 7.0)  # comes again at last
    camera.time_s += 1.0
    camera.send(COLOR, 7.0)
    assert camera.met == [(7.0, 7.0)] * 12
    for n in range(1, 8):  # new pictures without depth are told
        camera.time_s += 1.0
        camera.send(COLOR, 7.0 + n)
    assert camera.sets[-1].depth is None
    assert camera.sets[-1].lacking


def test_pictures_wait_for_the_first_camera_model_but_not_for_ever(camera: Camera) -> None:
    camera.run(0.5, color=0.0, depth=0.0)
    assert camera.sets == []
    camera.run(1.0, color=0.0, depth=0.0)
    assert camera.sets
    assert camera.sets[-1].info is None


def test_topics_in_step_give_no_complaint_and_their_rates(camera: Camera) -> None:
    camera.run(6, color=0.0, depth=0.01, info=0.0)
    camera.time_s += 0.05
    report = camera.sync.report()
    assert (report.complaint, report.missing) == ("", False)
    assert report.values[f"{COLOR} rate (Hz)"] == "10.0"
    assert report.values[f"{DEPTH} offset (s)"] == "+0.0100"
    assert report.values["sets"] == "60"


def test_a_camera_info_that_came_once_is_no_error_while_sets_match(camera: Camera) -> None:
    camera.send(INFO, 100.0)
    camera.run(5, color=0.0, depth=0.0)
    report = camera.sync.report()
    assert (report.complaint, report.missing) == ("", False)
    camera.time_s += 2.0  # now nothing comes at all
    assert camera.sync.report().missing


def test_a_topic_that_never_came_is_named(camera: Camera) -> None:
    camera.run(2, color=0.0, info=0.0)
    assert camera.complaint.startswith(f"{DEPTH}: nothing has come yet")
    assert camera.sync.report().missing
    assert COLOR not in camera.complaint


def test_a_topic_that_stopped_is_named_with_the_time_since(camera: Camera) -> None:
    camera.run(2, color=0.0, depth=0.0, info=0.0)
    camera.run(3, color=0.0, info=0.0)
    assert camera.complaint.startswith(f"{DEPTH}: nothing for 3.0 s")


def test_nothing_at_all_names_all_topics(camera: Camera) -> None:
    camera.time_s += 2
    assert all(name in camera.complaint for name in (COLOR, DEPTH, INFO))


def test_before_its_patience_ends_it_says_nothing(camera: Camera) -> None:
    camera.time_s += 0.5
    assert camera.complaint == ""


@pytest.mark.parametrize(("offset_s", "side"), [(-0.04, "older"), (0.04, "newer")])
def test_a_topic_out_of_step_is_named_with_side_and_amount(offset_s: float, side: str) -> None:
    camera = Camera(slop_s=0.02)
    camera.run(2, color=0.0, depth=offset_s, info=0.0)
    assert f"{DEPTH} is 0.040 s {side} than {COLOR}, allowed are 0.020 s" in camera.complaint
    assert "sync_slop_s" in camera.complaint


def test_an_offset_of_120_ms_is_told_and_is_not_said_to_agree_because_one_pair_does() -> None:
    camera = Camera()
    camera.run(3, rate_hz=4.0, color=0.0, depth=-0.12, info=0.0)
    camera.send(DEPTH, camera.time_s)  # one stamp that agrees with a colour picture that was dropped already
    camera.time_s += 1.1
    camera.run(0.5, rate_hz=4.0, color=0.0, depth=-0.12, info=0.0)
    assert f"{DEPTH} is 0.120 s older than {COLOR}" in camera.complaint
    assert "raise sync_slop_s to 0.13" in camera.complaint


def test_stamps_of_different_clocks_are_recognised(camera: Camera) -> None:
    for _ in range(20):
        camera.time_s += 0.1
        camera.send(COLOR, 1.7e9 + camera.time_s)
        camera.send(DEPTH, camera.time_s)
        camera.send(INFO, 1.7e9 + camera.time_s)
    assert "different clocks (use_sim_time?)" in camera.complaint


def test_stamps_that_agree_but_find_no_partner_hint_at_the_queue() -> None:
    camera = Camera(queue=1)  # depth comes 0.2 s after its colour picture, which has left the queue by then
    for n in range(20):
        camera.time_s += 0.1
        camera.send(INFO, camera.time_s)
        camera.send(COLOR, camera.time_s)
        if n >= 2:
            camera.send(DEPTH, camera.time_s - 0.2)
    assert "sync_queue" in camera.complaint


def test_without_depth_every_colour_picture_is_a_set_and_neither_depth_nor_camera_model_is_missed() -> None:
    camera = Camera()
    camera.sync = RgbdSynchronizer(0.05, 10, 1.0, now=lambda: camera.time_s, with_depth=False)
    camera.run(3.0, color=0.0)
    assert len(camera.sets) == 30
    assert all(s.depth is None and s.info is None and not s.lacking for s in camera.sets)
    assert camera.complaint == ""
    camera.send(INFO, camera.time_s)
    camera.send(COLOR, camera.time_s + 0.1)
    assert camera.sets[-1].info is not None
    camera.time_s += 5.0
    assert camera.complaint.startswith("color/image_raw: nothing for 5.0 s")
