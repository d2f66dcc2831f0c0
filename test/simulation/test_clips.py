"""In a clip objects are pushed, enter, leave and are covered, and keep their ids."""

from __future__ import annotations

import numpy as np
import pytest

from fastreasonseg_ros.errors import ConfigError
from fastreasonseg_ros.simulation import Event, make_clip, make_scene, play

SMALL = (160, 120)
KINDS = ("red mug", "blue box", "yellow banana", "green cereal box")


def frames_of(*events: Event, seconds: float = 2.0, seed: int = 8):
    return list(make_clip(seed, events, seconds, 5, noise="none", kinds=KINDS, size=SMALL))


def pixels(frame, id: int) -> int:
    return int(np.count_nonzero(frame.truth.ids == id))


def test_stamps_follow_the_frame_rate_and_nothing_moves_without_an_event() -> None:
    frames = frames_of()
    assert [f.stamp_s for f in frames] == pytest.approx([k / 5 for k in range(10)])
    assert np.mean(frames[0].truth.ids != frames[-1].truth.ids) < 0.001


def test_a_pushed_thing_arrives_and_stays_upright() -> None:
    with make_scene(8, kinds=KINDS, size=SMALL) as scene:
        before, up = scene.place(1), scene.orientation(1)[:, 2].copy()
        to = (before[0] + 0.04, before[1] - 0.04)
        frames = list(play(scene, [Event("push", 1, 0.2, 1.4, to=to)], 2.0, 5, "none"))
        assert scene.place(1)[:2] == pytest.approx(to, abs=0.01)
        assert scene.orientation(1)[:, 2] == pytest.approx(up, abs=0.05)
    assert all(f.truth.labels[1] == "mug" for f in frames)


def test_a_thing_that_enters_is_unseen_before_and_on_the_table_after() -> None:
    frames = frames_of(Event("enter", 3, 0.5, 1.5, to=(0.0, -0.05)), seed=4)
    assert [3 in f.truth.labels for f in frames[:3]] == [False] * 3
    assert frames[-1].truth.labels[3] == "banana"
    assert pixels(frames[-1], 3) > 50


def test_a_thing_that_leaves_is_gone() -> None:
    frames = frames_of(Event("leave", 2, 0.3, 1.4), seed=4)
    assert pixels(frames[0], 2) > 50
    assert [pixels(f, 2) for f in frames[-2:]] == [0, 0]
    assert 2 not in frames[-1].truth.labels


def test_a_covered_thing_is_hidden_by_the_other() -> None:
    frames = frames_of(Event("cover", 4, 0.2, 1.6, over=1), seed=4)
    assert pixels(frames[-1], 1) < 0.5 * pixels(frames[0], 1)


def test_a_clip_without_events_given_has_one_of_each_kind() -> None:
    frames = list(make_clip(3, None, 4.0, 2, noise="none", n_objects=6, size=SMALL))
    seen = [set(f.truth.labels) for f in frames]
    assert seen[-1] - seen[0]
    assert seen[0] - seen[-1]


def test_wrong_events_are_refused() -> None:
    with pytest.raises(ConfigError, match="push, enter, leave, cover"):
        Event("explode", 1, 0, 1)
    with pytest.raises(ConfigError, match="lacks to"):
        Event("push", 1, 0, 1)
    with pytest.raises(ConfigError, match="before"):
        Event("leave", 1, 2, 1)
    with pytest.raises(ConfigError, match="names object 9"):
        frames_of(Event("leave", 9, 0, 1))
