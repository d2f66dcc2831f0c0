"""Piles, contact, what is in the way, regions and rows, as people say them.

Each phrase has a plan that answers it, and a neighbouring plan that a careless reader might write, which does not.
"""

from __future__ import annotations

import pytest
from rooms import answer, scene, thing

from fastreasonseg_ros.twin.types import DigitalTwin, Instance, Relation

# A pile of books with a mug on it and a spoon in the mug; a crate with a jar in it, a pen on the jar, a cap on the
# crate; a low pile of two plates; a stone alone.
STORE = scene(
    thing(1, "book", -0.5, size=(0.3, 0.05, 0.2)),
    thing(2, "book", -0.5, size=(0.25, 0.05, 0.2), base=0.05, color="green"),
    thing(3, "book", -0.5, size=(0.2, 0.05, 0.2), base=0.10, color="blue"),
    thing(4, "mug", -0.5, base=0.15),
    thing(5, "spoon", -0.5, size=(0.02, 0.15, 0.02), base=0.17),
    thing(6, "crate", 0.3, size=(0.4, 0.4, 0.4)),
    thing(7, "jar", 0.2, size=(0.08, 0.12, 0.08), base=0.02),
    thing(8, "pen", 0.2, size=(0.1, 0.01, 0.01), base=0.14),
    thing(9, "cap", 0.4, size=(0.2, 0.1, 0.2), base=0.4),
    thing(10, "plate", 1.2, size=(0.2, 0.02, 0.2)),
    thing(11, "plate", 1.2, size=(0.2, 0.02, 0.2), base=0.02, color="blue"),
    thing(12, "stone", 2.5),
    on=((2, 1), (3, 2), (4, 3), (8, 7), (9, 6), (11, 10)),
    inside=((5, 4), (7, 6)),
)


@pytest.mark.parametrize(
    ("phrase", "plan", "ids", "wrong"),
    [
        (
            "the whole pile with the green book",
            "a = find(color=green); b = pile(a)",
            (2, 1, 3, 4, 5),
            "a = find(color=green); b = supported_by(all, a)",
        ),
        (
            "what the spoon's pile stands on",
            "a = find(label=spoon); b = base(a)",
            (1,),
            "a = find(label=spoon); b = contains(all, a)",
        ),
        (
            "the top of the pile of books",
            "a = find(label=book); b = top_of(a)",
            (4,),
            "a = find(label=book); b = max(a, y)",
        ),
        (
            "what carries the mug, at any depth",
            "a = find(label=mug); b = carries(all, a)",
            (1, 2, 3),
            "a = find(label=mug); b = under(all, a)",
        ),
        (
            "everything in the crate",
            "a = find(label=crate); b = contained(all, a)",
            (7, 8),
            "a = find(label=crate); b = supported_by(all, a)",
        ),
        ("the pile with most things", "a = max(all, load); b = pile(a)", (1, 2, 3, 4, 5), "a = max(all, load)"),
        (
            "the highest pile",
            "a = on(all, table); b = more(a, load, 0); c = max(b, pile_height); d = pile(c)",
            (6, 7, 8, 9),
            "a = max(all, load); b = pile(a)",
        ),
        ("more than three things on it", "a = more(all, load, 3)", (1,), "a = more(all, load, 2)"),
        ("nothing on or in it", "a = clear(all)", (5, 8, 9, 11, 12), "a = on(all, table)"),
        (
            "the books with nothing on them",
            "a = find(label=book|plate); b = clear(a)",
            (11,),
            "a = find(label=book|plate); b = max(a, y)",
        ),
    ],
)
def test_piles_at_any_depth(phrase, plan, ids, wrong):
    assert answer(STORE, plan) == ids
    assert answer(STORE, wrong) != ids


def test_operators_about_piles_end_where_relations_go_round():
    loop = (Relation(1, "on", 2), Relation(2, "on", 3), Relation(3, "on", 1))
    twin = DigitalTwin(tuple(Instance(n, "box") for n in (1, 2, 3)), loop)
    assert answer(twin, "a = pile(all)") == (1, 2, 3)
    assert answer(twin, "a = base(all)") == answer(twin, "a = top_of(all)") == answer(twin, "a = clear(all)") == ()
    assert answer(twin, "a = max(all, load)") in ((1,), (2,), (3,))


# Three bricks in contact, a broom that leans on a cupboard, a can before the cupboard, a cup on it, a stone alone.
YARD = scene(
    thing(1, "brick", -1.00, 1.0),
    thing(2, "brick", -0.895, 1.0, color="green"),
    thing(3, "brick", -0.70, 1.0, color="blue"),
    thing(4, "cupboard", 0.5, 2.0, (0.8, 1.0, 0.4)),
    thing(5, "broom", 0.93, 2.0, (0.05, 1.1, 0.3), pose="leaning"),
    thing(6, "can", 0.25, 1.0),
    thing(7, "cup", 0.5, 2.0, base=1.0),
    thing(8, "lamp", 1.5, 2.0, (0.1, 0.5, 0.1), pose="leaning"),
    thing(9, "stone", -0.3, 2.5),
    on=((7, 4),),
)


@pytest.mark.parametrize(
    ("phrase", "plan", "ids", "wrong"),
    [
        (
            "touching the green brick",
            "a = find(color=green); b = touching(all, a)",
            (1,),
            "a = find(color=green); b = near(all, a)",
        ),
        (
            "not touching the table",
            "a = touching(all, table); b = minus(all, a)",
            (7,),
            "a = on(all, all); b = minus(all, a)",
        ),
        ("the isolated ones", "a = isolated(all)", (6, 7, 8, 9), "a = touching(all, all); b = minus(all, a)"),
        (
            "what has to be moved before the cupboard can be",
            "a = find(label=cupboard); b = blocking(all, a)",
            (5, 6, 7),
            "a = find(label=cupboard); b = in_front_of(all, a)",
        ),
        (
            "what blocks the broom",
            "a = find(label=broom); b = blocking(all, a)",
            (),
            "a = find(label=broom); b = touching(all, a)",
        ),
    ],
)
def test_contact_and_what_is_in_the_way(phrase, plan, ids, wrong):
    assert answer(YARD, plan) == ids
    assert answer(YARD, wrong) != ids


# A tray with four things in its corners and one in its middle, seen from one side; a mat beside it with a key.
TRAY = scene(
    thing(1, "tray", 0.0, 1.0, (0.6, 0.02, 0.4)),
    thing(2, "cup", -0.25, 0.85, (0.05, 0.05, 0.05), base=0.02, color="red"),
    thing(3, "cup", 0.25, 0.85, (0.05, 0.05, 0.05), base=0.02, color="green"),
    thing(4, "cup", -0.25, 1.15, (0.05, 0.05, 0.05), base=0.02, color="blue"),
    thing(5, "cup", 0.25, 1.16, (0.05, 0.05, 0.05), base=0.02, color="white"),
    thing(6, "pear", 0.0, 1.0, (0.05, 0.05, 0.05), base=0.02),
    thing(7, "mat", 0.9, 1.0, (0.4, 0.01, 0.4)),
    thing(8, "key", 0.8, 1.05, (0.05, 0.01, 0.05), base=0.01, color="gray"),
    thing(9, "bird", -0.6, 1.0, base=0.5),
    on=((2, 1), (3, 1), (4, 1), (5, 1), (6, 1), (8, 7)),
)


@pytest.mark.parametrize(
    ("phrase", "plan", "ids", "wrong"),
    [
        ("the far left corner of the tray", "a = find(label=tray); b = part(all, a, back_left)", (4,),
         "a = find(label=tray); b = part(all, a, front_left)"),
        ("in a corner of the tray", "a = find(label=tray); b = part(all, a, corner)", (2, 3, 4, 5),
         "a = find(label=tray); b = on(all, a)"),
        ("in the middle of the tray", "a = find(label=tray); b = part(all, a, middle)", (6,),
         "a = find(label=tray); b = on(all, a); c = middle(b, y)"),
        ("near the edge of the tray", "a = find(label=tray); b = part(all, a, edge)", (2, 3, 4, 5),
         "a = find(label=tray); b = near(all, a)"),
        ("on the left of the mat", "a = find(label=mat); b = part(all, a, left)", (8,),
         "a = find(label=mat); b = left_of(all, a)"),
        ("at the front of the tray", "a = find(label=tray); b = part(all, a, front)", (2, 3),
         "a = find(label=tray); b = on(all, a); c = min(b, z)"),
        ("on the right of the table", "a = part(all, table, right)", (3, 5, 7, 8), "a = part(all, table, left)"),
        ("the back row of cups", "a = find(label=cup); b = row(a, 1, -z)", (5, 4),
         "a = find(label=cup); b = max(a, z)"),
        ("the front row of cups", "a = find(label=cup); b = row(a, 1, z)", (2, 3),
         "a = find(label=cup); b = top(a, 2, z)"),
        ("the second column of cups", "a = find(label=cup); b = row(a, 2, x)", (3, 5),
         "a = find(label=cup); b = nth(a, 2, x)"),
        ("nearest to the table but not on it", "a = find(label=bird|cup); b = farthest(a, table)", (9,),
         "a = find(label=bird|cup); b = nearest(a, table)"),
        ("at most 10 cm above the table", "a = within(all, table, 0.1 m); b = find(label=bird); c = minus(b, a)", (9,),
         "a = within(all, table, 0.6 m); b = find(label=bird); c = minus(b, a)"),
    ],
)  # fmt: skip
def test_regions_of_a_surface_and_rows(phrase, plan, ids, wrong):
    assert answer(TRAY, plan) == ids
    assert answer(TRAY, wrong) != ids


def test_parts_of_the_view_are_parts_of_the_picture():
    boxes = {1: (0, 0, 60, 40), 2: (300, 220, 340, 260), 3: (560, 400, 640, 480), 4: None}
    twin = DigitalTwin(tuple(Instance(n, "cup", box_xyxy=box) for n, box in boxes.items()))
    assert answer(twin, "a = part(all, camera, back_left)") == (1,)
    assert answer(twin, "a = part(all, camera, middle)") == (2,)
    assert answer(twin, "a = part(all, camera, front_right)") == (3,)
