"""On and inside, from points of things made by hand. The table is y = 0.5 m below the camera."""

from __future__ import annotations

import numpy as np

from fastreasonseg_ros.twin.relations import neighbours, stored_relations, surface_points
from fastreasonseg_ros.twin.types import CameraIntrinsics, Frame, Instance, Plane

TABLE = Plane((0.0, -1.0, 0.0), -0.5)


def block(x, z, low, high, half=0.05):
    """Points of a block's top and the side that faces the camera; low and high over the table, metres."""
    across = np.linspace(-half, half, 12)
    top = [(x + a, 0.5 - high, z + b) for a in across for b in across]
    front = [(x + a, 0.5 - h, z - half) for a in across for h in np.linspace(low, high, 8)]
    return np.array(top + front, np.float32), Instance(1, "object", elevation_m=(low, high))


def bowl(x, z, high, radius=0.1, ground=0.01):
    angles = np.linspace(0, 2 * np.pi, 60)
    wall = [
        (x + r * np.cos(a), 0.5 - h, z + r * np.sin(a))
        for a in angles
        for h, r in zip(np.linspace(ground, high, 6), np.linspace(0.6, 1, 6) * radius, strict=True)
    ]
    return np.array(wall, np.float32), Instance(1, "bowl", elevation_m=(ground, high))


def relations(*things):
    points = {n: t[0] for n, t in enumerate(things, 1)}
    instances = [Instance(n, t[1].label, elevation_m=t[1].elevation_m) for n, t in enumerate(things, 1)]
    return {(r.subject, r.predicate, r.object) for r in stored_relations(instances, points, TABLE)}


def test_a_block_on_a_block_is_on_it_and_not_the_other_way_round():
    assert relations(block(0, 1, 0.1, 0.15, 0.03), block(0, 1, 0.0, 0.1)) == {(1, "on", 2)}


def test_a_tower_has_each_block_on_the_one_below():
    tower = block(0, 1, 0.0, 0.1), block(0, 1, 0.1, 0.16, 0.04), block(0, 1, 0.16, 0.2, 0.03)
    assert relations(*tower) == {(2, "on", 1), (3, "on", 2)}


def test_a_large_thing_can_be_on_a_small_one():
    assert relations(block(0, 1, 0.0, 0.1, 0.03), block(0, 1, 0.1, 0.14, 0.1)) == {(2, "on", 1)}


def test_neighbours_on_the_table_are_not_related():
    assert relations(block(0, 1, 0.0, 0.1), block(0.11, 1, 0.0, 0.1), block(0, 1.15, 0.0, 0.03)) == set()


def test_what_hovers_higher_than_the_noise_is_not_on():
    assert relations(block(0, 1, 0.2, 0.25, 0.03), block(0, 1, 0.0, 0.1)) == set()


def test_a_block_in_a_bowl_is_inside_even_if_it_sticks_out_on_top():
    assert relations(block(0, 1, 0.02, 0.06, 0.03), bowl(0, 1, 0.1)) == {(1, "inside", 2)}
    assert relations(block(0, 1, 0.02, 0.15, 0.03), bowl(0, 1, 0.1)) == {(1, "inside", 2)}


def test_what_lies_on_a_plate_is_on_it_and_not_inside():
    assert relations(block(0, 1, 0.012, 0.06, 0.03), bowl(0, 1, 0.022)) == {(1, "on", 2)}


def test_invisible_things_and_a_scene_without_support_have_no_relations():
    points, upper = block(0, 1, 0.1, 0.15, 0.03)
    below, lower = block(0, 1, 0.0, 0.1)
    hidden = Instance(1, "object", elevation_m=upper.elevation_m, visible=False)
    instances = [hidden, Instance(2, "object", elevation_m=lower.elevation_m)]
    assert stored_relations(instances, {1: points, 2: below}, TABLE) == ()
    assert stored_relations(instances, {1: points, 2: below}, None) == ()


def test_only_what_is_near_to_another_thing_is_looked_at():
    def at(id, x, size=0.1, **more):
        return Instance(id, "box", center_m=(x, 0.0, 1.0), size_m=(size,) * 3, **more)

    apart = [at(1, 0.0), at(2, 0.11), at(3, 0.4)]
    assert neighbours(apart) == {1, 2}
    assert neighbours([*apart, at(4, 0.4, visible=False)]) == {1, 2}
    assert neighbours([*apart, Instance(4, "box")]) == {1, 2, 3, 4}  # nobody knows where it is
    assert neighbours(apart[:1]) == set()


def test_surface_points_of_things_that_are_not_wanted_are_left_out():
    camera = CameraIntrinsics(4, 4, 4.0, 4.0, 1.5, 1.5)
    ids = np.zeros((4, 4), np.uint16)
    ids[:2], ids[2:] = 1, 2
    frame = Frame(np.zeros((4, 4, 3), np.uint8), np.ones((4, 4), np.float32), camera)
    every, some = (surface_points(frame, ids, 1, wanted) for wanted in (None, {2, 9}))
    assert list(every) == [1, 2]
    assert list(some) == [2]
    np.testing.assert_array_equal(some[2], every[2])
    assert surface_points(frame, ids, 1, ()) == {}


def test_surface_points_come_by_id_and_are_empty_without_depth():
    ids = np.zeros((4, 4), np.uint16)
    ids[:, 2:] = 5
    depth = np.full((4, 4), 2.0, np.float32)
    depth[0, 2] = np.nan
    camera = CameraIntrinsics(4, 4, 10.0, 10.0, 0.0, 0.0)
    points = surface_points(Frame(np.zeros((4, 4, 3), np.uint8), depth, camera), ids, stride=1)
    assert list(points) == [5]
    assert len(points[5]) == 7
    assert surface_points(Frame(np.zeros((4, 4, 3), np.uint8)), ids) == {}
