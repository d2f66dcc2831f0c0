"""Comparisons with a reference or a number, order, counting and sameness, as people say them.

Each phrase has a plan that answers it, and a neighbouring plan that a careless reader might write, which does not.
"""

from __future__ import annotations

import pytest
from rooms import answer, scene, thing

from fastreasonseg_ros.errors import MissingDataError
from fastreasonseg_ros.twin.types import ColorShare, DigitalTwin, Instance

DESK = scene(
    thing(1, "lamp", -0.5, 1.0, (0.1, 0.40, 0.1), first_seen_s=0.0, last_seen_s=100.0, color="black"),
    thing(2, "box", -0.2, 0.35, (0.30, 0.10, 0.20), first_seen_s=0.0, last_seen_s=100.0, color="brown"),
    thing(3, "bottle", 0.0, 1.0, (0.07, 0.30, 0.07), first_seen_s=40.0, last_seen_s=100.0, color="green"),
    thing(4, "parcel", 0.3, 1.5, (0.45, 0.20, 0.30), first_seen_s=60.0, last_seen_s=100.0, color="brown"),
    thing(5, "vase", 0.6, 2.4, (0.15, 0.50, 0.15), first_seen_s=97.0, last_seen_s=100.0, color="blue"),
    thing(6, "dog", 1.0, 3.0, (0.3, 0.3, 0.6), first_seen_s=0.0, last_seen_s=100.0, velocity=(0.5, 0.0, 0.0)),
    thing(7, "ball", 1.5, 3.0, first_seen_s=0.0, last_seen_s=100.0, velocity=(0.9, 0.0, 0.0), shape="sphere"),
    thing(8, "mug", 0.0, 1.0, visible=False, first_seen_s=0.0, last_seen_s=80.0),
    thing(9, "spoon", 0.1, 1.0, visible=False, first_seen_s=0.0, last_seen_s=50.0),
    thing(10, "fork", 0.2, 1.0, visible=False, first_seen_s=0.0, last_seen_s=90.0),
)


@pytest.mark.parametrize(
    ("phrase", "plan", "ids", "wrong"),
    [
        ("taller than the lamp", "a = find(label=lamp); b = more(all, height, a)", (5,), "a = max(all, volume)"),
        ("longer than 40 cm", "a = more(all, length, 0.4 m)", (4, 5, 6), "a = more(all, width, 0.4 m)"),
        ("thinner than 8 cm", "a = less(all, thickness, 8 cm)", (3,), "a = less(all, height, 8 cm)"),
        ("within half a metre of me", "a = within(all, camera, 0.5 m)", (2,), "a = within(all, camera, 2 m)"),
        ("more than two metres away", "a = more(all, depth, 2 m)", (5, 6, 7), "a = less(all, depth, 2 m)"),
        (
            "within 40 cm of the bottle",
            "a = find(label=bottle); b = within(all, a, 0.4 m)",
            (4,),
            "a = find(label=bottle); b = nearest(all, a); c = within(b, b, 0.4 m)",
        ),
        ("faster than the dog", "a = find(label=dog); b = more(all, speed, a)", (7,), "a = moving(all)"),
        ("faster than 1 km/h", "a = more(all, speed, 1 km/h)", (6, 7), "a = more(all, speed, 0.8 m/s)"),
        (
            "came in after the parcel",
            "a = find(label=parcel); b = more(all, first_seen, a)",
            (5,),
            "a = entered(all)",
        ),
        ("arrived in the last five seconds", "a = less(all, age, 5 s)", (5,), "a = less(all, age, 1 min)"),
        (
            "left before the mug",
            "a = find(label=mug, visible=no); b = less(gone, last_seen, a)",
            (9,),
            "a = find(label=mug, visible=no); b = more(gone, last_seen, a)",
        ),
        ("left in the last fifteen seconds", "a = less(gone, absence, 15 s)", (10,), "a = less(gone, absence, 25 s)"),
        (
            "bigger footprint than the box",
            "a = find(label=box); b = more(all, footprint, a)",
            (4, 6),
            "a = find(label=box); b = more(all, volume, a)",
        ),
        ("the most slender", "a = max(all, aspect)", (3,), "a = max(all, height)"),
        ("the second from the right", "a = nth(all, 2, -x)", (6,), "a = nth(all, 2, x)"),
        ("the white one, or if there is none the blue one",
         "a = find(color=white); b = find(color=blue); c = otherwise(a, b)", (5,),
         "a = find(color=white); b = find(color=blue); c = union(b, b); d = minus(c, b)"),
        (
            "neither the leftmost nor the rightmost, and not the one beside the box",
            "a = min(all, x); b = max(all, x); c = find(label=box); d = within(all, c, 0.6 m); "
            "e = minus(all, a); f = minus(e, b); g = minus(f, d); h = minus(g, c)",
            (4, 5, 6),
            "a = min(all, x); b = minus(all, a)",
        ),
        ("everything that is not brown", "a = find(color=not brown)", (1, 3, 5, 6, 7), "a = find(color=brown)"),
        (
            "what is neither brown nor red nor a lamp",
            "a = find(label=not lamp, color=not brown|not red)",
            (3, 5),
            "a = find(color=not brown)",
        ),
    ],
)  # fmt: skip
def test_a_phrase_has_a_plan_that_answers_it_and_a_neighbour_that_does_not(phrase, plan, ids, wrong):
    assert answer(DESK, plan) == ids
    assert answer(DESK, wrong) != ids


DRAWER = scene(
    thing(1, "spoon", -0.4, color="gray"),
    thing(2, "spoon", -0.3, color="red"),
    thing(3, "spoon", -0.1, color="gray"),
    thing(4, "fork", 0.1, color="gray"),
    thing(5, "whisk", 0.4, size=(0.05, 0.05, 0.3), color="green"),
    thing(6, "plate", 0.6, size=(0.2, 0.02, 0.2), color="red"),
)


@pytest.mark.parametrize(
    ("phrase", "plan", "ids", "wrong"),
    [
        ("any two spoons", "a = find(label=spoon); b = any(a, 2)", (1, 2), "a = find(label=spoon)"),
        (
            "the two spoons of the same colour",
            "a = find(label=spoon); b = same(a, a, color)",
            (1, 3),
            "a = find(label=spoon); b = same(all, a, color)",
        ),
        (
            "the odd one out of the spoons",
            "a = find(label=spoon); b = unique(a, color)",
            (2,),
            "a = find(label=spoon); b = same(a, a, color)",
        ),
        ("the only ones of their kind", "a = unique(all, label)", (4, 5, 6), "a = unique(all, color)"),
        ("one of each kind", "a = one_each(all, label)", (1, 4, 5, 6), "a = one_each(all, color)"),
        ("the most common kind", "a = most_common(all, label)", (1, 2, 3), "a = most_common(all, size)"),
        ("all of the size of the fork", "a = find(label=fork); b = same(all, a, size)", (1, 2, 3, 5, 6),
         "a = find(label=fork); b = same(all, a, color)"),
        (
            "the two spoons closest to each other",
            "a = find(label=spoon); b = nearest(a, a)",
            (1, 2),
            "a = find(label=spoon); b = nearest(a, camera)",
        ),
        (
            "the spoon farthest from the others",
            "a = find(label=spoon); b = farthest(a, a)",
            (3,),
            "a = find(label=spoon); b = farthest(a, camera)",
        ),
        ("the middle spoon", "a = find(label=spoon); b = middle(a, x)", (2,),
         "a = find(label=spoon); b = nth(a, 1, x)"),
    ],
)  # fmt: skip
def test_counting_and_sameness_within_one_set(phrase, plan, ids, wrong):
    assert answer(DRAWER, plan) == ids
    assert answer(DRAWER, wrong) != ids


SHELF = scene(
    thing(1, "mug", -0.3, color="blue", colors=(ColorShare("blue", 0.7, "dark"), ColorShare("white", 0.3))),
    thing(2, "mug", 0.0, color="blue", colors=(ColorShare("blue", 0.6, "light"), ColorShare("red", 0.3, "dark"))),
    thing(3, "mug", 0.3, color="white", colors=(ColorShare("white", 0.9),)),
    thing(4, "ball", 0.5, size=(0.1, 0.2, 0.1), color="red", shape="sphere"),
    thing(5, "bottle", 0.7, size=(0.08, 0.3, 0.08), color="green"),
    thing(6, "plate", 0.9, size=(0.25, 0.25, 0.02), color="white"),
    thing(7, "broom", 1.1, size=(0.1, 1.2, 0.4), color="brown", pose="leaning"),
    thing(8, "cup", 1.3, color="pink", pose="upside_down"),
    thing(9, "book", 1.5, size=(0.2, 0.03, 0.3), color="black"),
)


@pytest.mark.parametrize(
    ("phrase", "plan", "ids", "wrong"),
    [
        ("the blue mug with some white", "a = find(color=blue, accent=white)", (1,), "a = find(color=white)"),
        ("the light blue mug", "a = find(color=blue, tone=light)", (2,), "a = find(color=blue)"),
        ("the dark blue one", "a = find(color=blue, tone=dark)", (1,), "a = find(tone=light)"),
        ("without any red on it", "a = find(label=mug, accent=not red)", (1, 3), "a = find(label=mug, color=not red)"),
        ("what stands upright", "a = find(pose=upright)", (5,), "a = find(pose=leaning)"),
        ("on its edge", "a = find(pose=on_edge)", (6,), "a = find(pose=lying)"),
        ("lying", "a = find(pose=lying)", (9,), "a = find(pose=upside_down)"),
        ("upside down", "a = find(pose=upside_down)", (8,), "a = find(pose=not upright)"),
        ("leaning against something", "a = find(pose=leaning)", (7,), "a = find(pose=upright|lying)"),
    ],
)
def test_poses_and_colours_beyond_one_word(phrase, plan, ids, wrong):
    assert answer(SHELF, plan) == ids
    assert answer(SHELF, wrong) != ids


def test_a_ball_has_no_pose_however_its_visible_part_is_formed():
    ball = thing(1, "ball", size=(0.1, 0.2, 0.1), shape="sphere")
    assert answer(scene(ball), "a = find(pose=upright|lying|on_edge)") == ()
    assert answer(scene(thing(1, "can", size=(0.1, 0.2, 0.1))), "a = find(pose=upright)") == (1,)


def test_a_number_of_metres_needs_metres_and_a_number_of_seconds_does_not():
    flat = DigitalTwin((Instance(1, "cup", box_xyxy=(0, 0, 90, 40), first_seen_s=9.0),), stamp_s=10.0)
    with pytest.raises(MissingDataError, match="height is not known in m; it needs a depth camera"):
        answer(flat, "a = more(all, height, 0.1 m)")
    with pytest.raises(MissingDataError, match="no distance is known in metres"):
        answer(flat, "a = within(all, camera, 1 m)")
    assert answer(flat, "a = less(all, age, 2 s)") == (1,)
