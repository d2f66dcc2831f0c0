"""The camera's own motion, where its pose is known, moves nothing in the world; what it shows moves in metres."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fastreasonseg_ros.errors import FrameError
from fastreasonseg_ros.twin.motion import displacement, follow, seen_from
from fastreasonseg_ros.twin.pose import STILL, Pose
from fastreasonseg_ros.twin.tracking import update
from fastreasonseg_ros.twin.types import CameraIntrinsics, Detection, DigitalTwin, Frame, Instance, Perceived, Plane

CAMERA = CameraIntrinsics(80, 60, 60.0, 60.0, 39.5, 29.5)


def turned(degrees: float, at=(0.0, 0.0, 0.0)) -> Pose:
    """About the camera's y, as a robot's head turns."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return Pose(np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]), np.array(at, float))


def seen(world, pose: Pose) -> Detection:
    """What the camera makes of a thing of 8 cm at that place of the world."""
    x, y, z = pose.rotation.T @ (np.asarray(world, float) - pose.translation)
    u, v = round(CAMERA.fx * x / z + CAMERA.cx), round(CAMERA.fy * y / z + CAMERA.cy)
    mask = np.zeros((60, 80), bool)
    mask[max(v - 3, 0) : v + 4, max(u - 3, 0) : u + 4] = True
    box = (float(max(u - 3, 0)), float(max(v - 3, 0)), float(u + 4), float(v + 4))
    return Detection(mask, "cup", 0.8, box, "red", center_m=(x, y, z), size_m=(0.08, 0.08, 0.08))


def watch(poses, places, known=True) -> list[DigitalTwin]:
    """places: of every thing, at each of the times of the poses."""
    twin, twins = DigitalTwin(), []
    for n, pose in enumerate(poses):
        found = tuple(seen(place[n], pose) for place in places)
        frame = Frame(np.zeros((60, 80, 3), np.uint8), None, CAMERA, n / 10, pose=pose if known else None)
        twin = update(twin, Perceived(found), frame)
        twins.append(twin)
    return twins


SWEEP = [turned(1.5 * n, (0.02 * n, 0.0, 0.0)) for n in range(12)]
RESTING = [(0.1, 0.0, 1.0)] * 12


def test_a_resting_thing_rests_under_a_moving_camera_whose_pose_is_known():
    thing = watch(SWEEP, [RESTING])[-1].instances[0]
    assert (thing.id, thing.velocity, thing.path_length_m) == (1, (0.0, 0.0, 0.0), 0.0)


def test_without_the_pose_it_seems_to_move():
    thing = watch(SWEEP, [RESTING], known=False)[-1].instances[0]
    assert thing.path_length_m > 0.1


def test_velocity_is_over_the_ground_along_the_cameras_axes():
    moving = [(0.1, 0.0, 1.0 + 0.03 * n) for n in range(12)]  # 0.3 m/s away
    twin = watch(SWEEP, [moving])[-1]
    velocity = SWEEP[-1].rotation @ np.asarray(twin.instances[0].velocity)
    assert velocity == pytest.approx([0.0, 0.0, 0.3], abs=0.04)
    assert twin.instances[0].path_length_m == pytest.approx(0.33, abs=0.03)


def test_what_is_out_of_view_is_where_it_was_in_the_world():
    twins = watch(SWEEP[:6], [RESTING, [(-0.2, 0.0, 1.2)] * 6])
    twin = update(twins[-1], Perceived(()), Frame(np.zeros((60, 80, 3), np.uint8), None, CAMERA, 0.6, pose=SWEEP[11]))
    assert [i.visible for i in twin.instances] == [False, False]
    assert SWEEP[11].points(np.asarray(twin.instances[0].center_m)) == pytest.approx([0.1, 0.0, 1.0], abs=1e-6)


def test_two_alike_things_keep_their_ids_when_the_picture_moves_by_more_than_their_distance():
    poses = [turned(0.0), turned(-8.0)]
    twins = watch(poses, [[(0.0, 0.0, 1.0)] * 2, [(0.13, 0.0, 1.0)] * 2])
    assert [i.id for i in twins[1].instances if i.center_m[0] == min(j.center_m[0] for j in twins[1].instances)] == [1]
    assert len(twins[1].instances) == 2


def test_a_moment_without_pose_leaves_the_camera_where_it_was():
    twins = watch(SWEEP[:3], [RESTING])
    blind = Frame(np.zeros((60, 80, 3), np.uint8), None, CAMERA, 0.3)
    twin = update(twins[-1], Perceived((seen(RESTING[0], SWEEP[2]),)), blind)
    assert twin.pose is twins[-1].pose


def test_the_plane_moves_with_the_camera():
    twin = DigitalTwin((), plane=Plane((0.0, -1.0, 0.0), -0.5), pose=STILL)
    moved = seen_from(twin, Pose(np.eye(3), np.array([0.3, -0.2, 0.1])))  # 0.2 m up
    assert moved.plane.offset_m == pytest.approx(-0.7)


@pytest.mark.parametrize("bad", [np.eye(3) * 2, np.diag([1.0, 1.0, -1.0]), np.full((3, 3), np.nan)])
def test_what_is_no_rotation_is_refused(bad):
    with pytest.raises(FrameError, match="tf"):
        Pose(bad, np.zeros(3))


def test_poses_combine_and_undo_each_other():
    a, b = turned(20, (1, 2, 3)), turned(-50, (0, 1, 0))
    point = np.array([0.3, -0.2, 1.0])
    assert a.points(
        b.from_older(a).rotation.T @ (b.from_older(a).points(point) - b.from_older(a).translation)
    ) == pytest.approx(a.points(point))
    assert b.points(b.from_older(a).points(point)) == pytest.approx(a.points(point))
    assert a.after(b).points(point) == pytest.approx(a.points(b.points(point)))


def test_the_side_that_is_not_covered_says_how_far_a_thing_moved():
    # Its right half went behind something: the left side stayed, the right one is seen 4 cm further left.
    step, hidden = displacement((0, 0, 1), (0.08,) * 3, (-0.02, 0, 1), (0.04, 0.08, 0.08), (0, 0, 0), 0.012)
    assert hidden
    assert step == pytest.approx((0, 0, 0), abs=1e-9)
    step, hidden = displacement((0, 0, 1), (0.08,) * 3, (0.03, 0, 1), (0.085, 0.08, 0.08), (0, 0, 0), 0.012)
    assert not hidden
    assert step == pytest.approx((0.03, 0, 0))


def test_the_filter_comes_to_the_true_velocity_through_noise():
    random, motion = np.random.default_rng(0), None
    for n in range(30):
        at = (0.02 * n + 0.003 * random.standard_normal(), 0.0, 1.0)
        motion = follow(motion, at, 0.004, 0.1, 1.0)
    assert motion.velocity[0] == pytest.approx(0.2, abs=0.03)
    assert motion.velocity[1] == pytest.approx(0.0, abs=1e-6)


def test_an_instance_without_a_place_is_left_alone():
    flat = Instance(1, "cup")
    assert seen_from(DigitalTwin((flat,), pose=STILL), turned(10)).instances == (flat,)
