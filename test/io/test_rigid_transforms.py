"""The tree of /tf_static: through parents, children and siblings, with and without the slash of ROS 1."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from fastreasonseg_ros.errors import FrameError
from fastreasonseg_ros.io.transforms import RigidTransform, StaticTransforms

HALF = np.sqrt(0.5)


def stamped(parent: str, child: str, xyz=(0.0, 0.0, 0.0), xyzw=(0.0, 0.0, 0.0, 1.0)) -> SimpleNamespace:
    translation = SimpleNamespace(**dict(zip("xyz", xyz, strict=True)))
    rotation = SimpleNamespace(**dict(zip("xyzw", xyzw, strict=True)))
    transform = SimpleNamespace(translation=translation, rotation=rotation)
    return SimpleNamespace(header=SimpleNamespace(frame_id=parent), child_frame_id=child, transform=transform)


def test_a_point_goes_through_two_branches_of_the_tree() -> None:
    """base is 1 m behind rgb; depth hangs on base, 2 m before it and turned by 90 degrees about z."""
    tree = StaticTransforms()
    tree.add([stamped("base", "rgb", (1.0, 0, 0)), stamped("base", "mount", (2.0, 0, 0), (0, 0, HALF, HALF))])
    tree.add([stamped("/mount", "/depth", (0.0, 0.5, 0))])
    found = tree.lookup("rgb", "depth")
    assert found is not None
    # (1, 0, 0) of depth is (1, 0.5, 0) of mount, (2 - 0.5, 1, 0) of base, (0.5, 1, 0) of rgb.
    assert np.allclose(found.rotation @ [1, 0, 0] + found.translation_m, [0.5, 1.0, 0.0])
    back = tree.lookup("depth", "/rgb")
    assert back is not None
    assert np.allclose(back.rotation @ [0.5, 1.0, 0] + back.translation_m, [1, 0, 0])
    assert found.after(back).is_identity()


def test_frames_that_are_not_connected_have_no_transform_and_a_frame_has_one_to_itself() -> None:
    tree = StaticTransforms()
    tree.add([stamped("a", "b"), stamped("c", "d")])
    assert tree.lookup("a", "d") is None
    itself = tree.lookup("a", "a")
    assert itself is not None
    assert itself.is_identity()


def test_the_newest_transform_of_a_child_holds() -> None:
    tree = StaticTransforms()
    tree.add([stamped("a", "b", (1.0, 0, 0)), stamped("a", "b", (2.0, 0, 0))])
    found = tree.lookup("a", "b")
    assert found is not None
    assert found.translation_m[0] == 2.0


def test_a_ring_of_frames_ends() -> None:
    tree = StaticTransforms()
    tree.add([stamped("a", "b"), stamped("b", "a")])
    assert tree.lookup("x", "a") is None


def test_broken_transforms_are_refused() -> None:
    with pytest.raises(FrameError, match="quaternion .0, 0, 0, 0., which is no rotation"):
        StaticTransforms().add([stamped("a", "b", xyzw=(0, 0, 0, 0))])
    with pytest.raises(FrameError, match="not orthonormal"):
        RigidTransform(np.eye(3) * 2, np.zeros(3))
    with pytest.raises(FrameError, match="finite"):
        RigidTransform(np.eye(3), np.array([np.nan, 0, 0]))
