"""Ids stay, words are voted, and noise is no motion: scenes of a few pixels over time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fastreasonseg_ros.twin.tracking import TrackingConfig, update
from fastreasonseg_ros.twin.types import Detection, DigitalTwin, Frame, Perceived

SIZE = 40


def thing(x_m, label="cup", color="red", z_m=1.0, size_m=0.08, hint=None, **more):
    """A square of 4 x 4 pixels where a camera with 20 pixels a metre would see it."""
    mask = np.zeros((SIZE, SIZE), bool)
    u = round(20 + 20 * x_m)
    mask[18:22, max(u - 2, 0) : max(u + 2, 1)] = True
    box = (float(max(u - 2, 0)), 18.0, float(max(u + 2, 1)), 22.0)
    values = {"center_m": (x_m, 0.0, z_m), "size_m": size_m and (size_m,) * 3, "score": 0.8} | more
    return Detection(mask, label, box_xyxy=box, color=color, track_hint=hint, **values)


START = DigitalTwin()


def run(*frames, dt=0.1, config=None, twin=START):
    """The twins after each frame's detections."""
    config, twins = config or TrackingConfig(), []
    for n, detections in enumerate(frames):
        stamp = twin.stamp_s + dt if twin.instances or n else 0.0
        frame = Frame(np.zeros((SIZE, SIZE, 3), np.uint8), stamp_s=stamp)
        twin = update(twin, Perceived(tuple(detections)), frame, config)
        twins.append(twin)
    return twins


def ids_by_place(twin):
    return [i.id for i in sorted(twin.instances, key=lambda i: i.center_m) if i.visible]


def test_ids_stay_whatever_order_detections_come_in():
    a, b = thing(-0.5), thing(0.5)
    first, second, third = run([a, b], [b, a], [a, b])
    assert ids_by_place(first) == ids_by_place(second) == ids_by_place(third) == [1, 2]
    assert third.ids[20, 10] == 1
    assert third.ids[20, 30] == 2
    assert third.sequence == 3


def test_two_that_cross_keep_their_ids_by_motion_and_looks():
    frames = [[thing(-0.4 + 0.04 * n, color="red"), thing(0.4 - 0.04 * n, color="blue", z_m=1.1)] for n in range(21)]
    twins = run(*frames)
    assert [(i.id, i.color) for i in twins[-1].instances] == [(1, "red"), (2, "blue")]
    assert twins[-1].instances[0].center_m[0] == pytest.approx(0.4)


def test_what_is_hidden_for_a_while_comes_back_with_its_id_and_others_get_new_ones():
    twins = run([thing(0.0)], [], [], [thing(0.0)], [thing(0.0), thing(0.7, "bowl", "blue", size_m=0.2)])
    assert [i.visible for i in twins[1].instances] == [False]
    assert twins[1].instances[0].velocity is None
    assert twins[2].ids.max() == 0
    assert [(i.id, i.visible) for i in twins[3].instances] == [(1, True)]
    assert twins[3].instances[0].first_seen_s == 0.0
    assert [i.id for i in twins[4].instances] == [1, 2]
    assert twins[4].instances[1].first_seen_s == pytest.approx(0.4)


def test_what_stays_away_too_long_is_forgotten_and_its_id_is_not_given_to_the_next():
    config = TrackingConfig(keep_s=0.25)
    twins = run([thing(0.0)], [], [], [], [thing(0.0)], config=config)
    assert [len(t.instances) for t in twins] == [1, 1, 1, 0, 1]
    assert twins[-1].instances[0].id == 2


def test_a_flicker_is_soon_forgotten_and_a_thing_that_was_there_is_not():
    cup, flicker = thing(0.0), thing(0.7, "bowl", "blue", size_m=0.2)
    twins = run([cup], [cup], [cup], [cup, flicker], *[[]] * 8)
    assert [[i.id for i in t.instances] for t in twins[4:]] == [[1, 2]] * 5 + [[1]] * 3


def test_a_far_and_different_thing_does_not_inherit_an_id():
    twins = run([thing(-0.8, "cup", "red")], [thing(0.8, "bowl", "blue", size_m=0.2)])
    assert [(i.id, i.visible) for i in twins[-1].instances] == [(1, False), (2, True)]


def test_a_hint_is_obeyed_exactly_even_against_place_and_looks():
    a, b = thing(-0.5, "cup", "red", hint=7), thing(0.5, "bowl", "blue", hint=3)
    swapped = thing(-0.5, "cup", "red", hint=3), thing(0.5, "bowl", "blue", hint=7)
    twins = run([a, b], list(swapped), [thing(0.0)])
    assert ids_by_place(twins[0]) == [7, 3]
    assert ids_by_place(twins[1]) == [3, 7]
    assert [i.id for i in twins[2].instances if i.visible] == [8]
    with pytest.raises(ValueError, match="same track_hint"):
        run([a, a])


def test_one_wrong_frame_does_not_change_label_color_or_shape():
    right = [thing(0.0, "cup", "red", shape="cylinder")]
    wrong = [thing(0.0, "bottle", "brown", shape="box")]
    instance = run(right, right, wrong)[-1].instances[0]
    assert (instance.label, instance.color, instance.shape) == ("cup", "red", "cylinder")


def test_any_name_outweighs_object():
    twins = run(*[[thing(0.0, "object")]] * 5, [thing(0.0, "cup")])
    assert twins[4].instances[0].label == "object"
    assert twins[5].instances[0].label == "cup"


def test_a_still_thing_does_not_travel_and_has_no_speed_however_long_it_is_watched():
    random = np.random.default_rng(0)
    frames = [[thing(float(0.004 * random.standard_normal()))] for _ in range(200)]
    instance = run(*frames)[-1].instances[0]
    assert instance.path_length_m == 0.0
    assert instance.velocity == (0.0, 0.0, 0.0)


def test_velocity_and_path_of_a_moving_thing():
    random = np.random.default_rng(0)
    frames = [[thing(-0.8 + 0.03 * n + float(0.002 * random.standard_normal()))] for n in range(40)]
    instance = run(*frames)[-1].instances[0]
    assert instance.velocity[0] == pytest.approx(0.3, abs=0.05)
    assert instance.path_length_m == pytest.approx(39 * 0.03, abs=0.06)


def test_a_thing_that_is_partly_covered_does_not_travel():
    whole, half = [thing(0.0, size_m=0.2)], [thing(0.05, size_m=0.1)]
    instance = run(whole, half, whole, half, whole)[-1].instances[0]
    assert instance.path_length_m == 0.0


def test_motion_is_told_from_the_middle_of_what_is_seen_where_the_centre_of_the_whole_is_noisy():
    noise = np.random.default_rng(0).normal(0, 0.004, (40, 3))
    told = [
        thing(0.0, center_m=tuple(np.array([0.02 * n, 0.0, 1.0]) + noise[n]), middle_m=(0.02 * n, 0.01, 0.97))
        for n in range(40)
    ]
    errors = []
    for rows in (told, [thing(0.0, center_m=d.center_m) for d in told]):
        velocities = [t.instances[0].velocity for t in run(*([d] for d in rows))[10:]]
        errors.append(np.median(np.linalg.norm(np.subtract(velocities, (0.2, 0.0, 0.0)), axis=1)))
    assert errors[0] < 0.003 < errors[1]


def test_a_middle_that_jumps_because_one_side_is_hidden_is_no_motion():
    whole = thing(0.0, middle_m=(0.0, 0.0, 1.0))
    half = thing(0.0, center_m=(0.02, 0.0, 1.0), middle_m=(0.02, 0.0, 1.0))
    half = replace(half, size_m=(0.04, 0.08, 0.08))
    last = run(*[[whole]] * 6, *[[half]] * 6, *[[whole]] * 3)[-1].instances[0]
    assert last.velocity == (0.0, 0.0, 0.0)
    assert last.path_length_m == 0.0


def test_without_depth_ids_follow_the_picture_and_nothing_in_metres_is_invented():
    flat = {"center_m": None, "size_m": None}
    twins = run([thing(-0.5, **flat), thing(0.5, **flat)], [thing(0.45, **flat), thing(-0.45, **flat)])
    assert [i.id for i in sorted(twins[1].instances, key=lambda i: i.box_xyxy)] == [1, 2]
    instance = twins[1].instances[0]
    assert instance.velocity is None
    assert instance.path_length_m is None
    assert twins[1].relations == ()


def test_an_empty_frame_gives_an_empty_twin_and_the_given_twin_is_not_changed():
    twin = DigitalTwin()
    (after,) = run([], twin=twin)
    assert after.instances == ()
    assert twin == DigitalTwin()
    assert after.ids.shape == (SIZE, SIZE)
