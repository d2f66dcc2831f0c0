"""What the inputs part of /diagnostics says: which topic is missing or out of step, and by how much."""

from __future__ import annotations

import pytest

from fastreasonseg_ros.ros.rgbd_synchronizer import SyncMonitor

COLOR, DEPTH, INFO = "color/image_raw", "depth/image_raw", "color/camera_info"


class Watch:
    """A monitor with a clock that a test sets."""

    def __init__(self, slop_s: float = 0.05, patience_s: float = 1.0) -> None:
        self.time_s = 100.0
        self.monitor = SyncMonitor((COLOR, DEPTH, INFO), slop_s, patience_s, lambda: self.time_s)

    def run(self, seconds: float, matched: bool = False, **offsets_s: float) -> None:
        """Topics at 10 Hz, each with stamps that differ from the colour picture's by its offset."""
        names = {"color": COLOR, "depth": DEPTH, "info": INFO}
        for _ in range(round(seconds * 10)):
            self.time_s += 0.1
            for name, offset_s in offsets_s.items():
                self.monitor.came(names[name], self.time_s + offset_s)
            if matched:
                self.monitor.matched()

    @property
    def complaint(self) -> str:
        return self.monitor.report().complaint


@pytest.fixture
def watch() -> Watch:
    return Watch()


def test_topics_in_step_give_no_complaint_and_their_rates(watch: Watch) -> None:
    watch.run(6, matched=True, color=0.0, depth=0.01, info=0.0)
    watch.time_s += 0.05
    report = watch.monitor.report()
    assert (report.complaint, report.missing) == ("", False)
    assert report.values[f"{COLOR} rate (Hz)"] == "10.0"
    assert report.values[f"{DEPTH} offset (s)"] == "+0.0100"
    assert report.values["sets"] == "60"


def test_a_topic_that_never_came_is_named(watch: Watch) -> None:
    watch.run(2, color=0.0, info=0.0)
    assert watch.complaint.startswith(f"{DEPTH}: nothing has come yet")
    assert watch.monitor.report().missing
    assert COLOR not in watch.complaint


def test_a_topic_that_stopped_is_named_with_the_time_since(watch: Watch) -> None:
    watch.run(2, matched=True, color=0.0, depth=0.0, info=0.0)
    watch.run(3, color=0.0, info=0.0)
    assert watch.complaint.startswith(f"{DEPTH}: nothing for 3.0 s")


def test_nothing_at_all_names_all_topics(watch: Watch) -> None:
    watch.time_s += 2
    assert all(name in watch.complaint for name in (COLOR, DEPTH, INFO))


def test_before_its_patience_ends_it_says_nothing(watch: Watch) -> None:
    watch.time_s += 0.5
    assert watch.complaint == ""


@pytest.mark.parametrize(("offset_s", "side"), [(-0.04, "older"), (0.04, "newer")])
def test_a_topic_out_of_step_is_named_with_side_and_amount(offset_s: float, side: str) -> None:
    watch = Watch(slop_s=0.02)
    watch.run(2, color=0.0, depth=offset_s, info=0.0)
    assert f"{DEPTH} is 0.040 s {side} than {COLOR} at best, allowed are 0.020 s" in watch.complaint
    assert "sync_slop_s" in watch.complaint


def test_stamps_of_different_clocks_are_recognised(watch: Watch) -> None:
    watch.run(2, color=0.0, depth=-1.7e9, info=0.0)
    assert "different clocks (use_sim_time?)" in watch.complaint


def test_stamps_that_agree_but_find_no_partner_hint_at_the_queue(watch: Watch) -> None:
    watch.run(2, color=0.0, depth=0.0, info=0.0)
    assert "sync_queue" in watch.complaint


def test_stamps_that_go_back_are_told_by_how_much_and_late_ones_are_not(watch: Watch) -> None:
    assert watch.monitor.came(COLOR, 50.0) == 0.0
    assert watch.monitor.came(COLOR, 49.9) == 0.0
    assert watch.monitor.came(COLOR, 10.0) == pytest.approx(39.9)
    assert watch.monitor.came(COLOR, 10.1) == 0.0
