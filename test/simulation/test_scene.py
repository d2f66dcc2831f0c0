"""A seed is a scene: objects stand on a table, and the picture, the depth and the truth agree."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from fastreasonseg_ros.errors import ConfigError
from fastreasonseg_ros.simulation import Scene, make_scene
from fastreasonseg_ros.simulation.rendering import render as render_module
from fastreasonseg_ros.simulation.rendering.depth_noise import KINECT
from fastreasonseg_ros.twin.types import Frame

SMALL = (320, 240)


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with make_scene(5, kinds=("red mug", "blue bowl", "yellow cereal box", "green apple"), size=SMALL) as made:
        yield made


@pytest.fixture(scope="module")
def exact(scene: Scene) -> Frame:
    return scene.render("none")


def test_the_same_seed_gives_the_same_scene_to_the_pixel() -> None:
    frames = []
    for _ in range(2):
        with make_scene(3, n_objects=4, clutter="touching", size=SMALL) as scene:
            frames.append(scene.render("structured_light"))
    first, second = frames
    assert np.array_equal(first.color, second.color)
    assert np.array_equal(first.depth_m, second.depth_m, equal_nan=True)
    assert first.truth.labels == second.truth.labels


def test_another_seed_gives_another_scene(exact: Frame) -> None:
    with make_scene(6, n_objects=4, size=SMALL) as other:
        assert not np.array_equal(other.render("none").color, exact.color)


def test_ids_labels_and_colours_belong_together(exact: Frame) -> None:
    truth = exact.truth
    assert truth.labels == {1: "mug", 2: "bowl", 3: "cereal box", 4: "apple"}
    assert truth.colors == {1: "red", 2: "blue", 3: "yellow", 4: "green"}
    assert truth.ids.dtype == np.uint16
    assert set(np.unique(truth.ids)) == {0, 1, 2, 3, 4}
    red, green, blue = (np.median(exact.color[truth.ids == 1], axis=0)[k] for k in range(3))
    assert red > 1.5 * max(green, blue)


def test_depth_puts_every_pixel_of_a_thing_on_its_surface(scene: Scene, exact: Frame) -> None:
    k = exact.intrinsics
    for id in scene.objects:
        v, u = np.nonzero(exact.truth.ids == id)
        z = exact.depth_m[v, u]
        points = np.stack([(u - k.cx) * z / k.fx, (v - k.cy) * z / k.fy, z], axis=1)
        surface = scene.surface(id)
        assert np.all(points > surface.min(axis=0) - 0.004)
        assert np.all(points < surface.max(axis=0) + 0.004)


def test_the_table_lies_in_the_plane_that_the_scene_names(scene: Scene, exact: Frame) -> None:
    k = exact.intrinsics
    u, v = np.meshgrid(np.arange(k.width, dtype=np.float32), np.arange(k.height, dtype=np.float32))
    points = np.stack([(u - k.cx) / k.fx, (v - k.cy) / k.fy, np.ones_like(u)], axis=2) * exact.depth_m[..., None]
    heights = scene.plane.height_m(points.astype(np.float32))
    assert np.mean(np.abs(heights[exact.truth.ids == 0]) < 0.002) > 0.7
    for id in scene.objects:
        assert -0.01 < scene.plane.height_m(scene.surface(id)).min() < 0.01


def test_clutter_brings_things_together() -> None:
    kinds = ("red box", "blue box", "tea box", "book", "tin")
    found = {}
    for clutter in ("sparse", "touching", "stacked"):
        with make_scene(2, kinds=kinds, clutter=clutter, size=SMALL) as scene:
            found[clutter] = len(scene.touching())
            lowest = [scene.plane.height_m(scene.surface(id)).min() for id in scene.objects]
            assert (max(lowest) > 0.01) == (clutter == "stacked")
    assert found["sparse"] == 0
    assert found["touching"] >= 2
    assert found["stacked"] >= 1


@pytest.mark.parametrize("noise", ["structured_light", "stereo"])
def test_depth_noise_is_that_of_the_camera(scene: Scene, exact: Frame, noise: str) -> None:
    noisy = scene.render(noise)
    assert noisy.depth_m.dtype == np.float32
    holes = np.isnan(noisy.depth_m)
    assert 0.002 < holes.mean() < 0.15
    table = (exact.truth.ids == 0) & ~holes & (exact.depth_m < 1.5)
    error_mm = 1000 * (noisy.depth_m - exact.depth_m)[table]
    assert 0.3 < np.median(np.abs(error_mm)) < 6
    assert abs(np.median(error_mm)) < 1
    # Holes gather where depth jumps: within two pixels of the rim of an object.
    ids = exact.truth.ids
    rim = np.zeros_like(holes)
    rim[2:-2, 2:-2] = (ids[4:, 2:-2] != ids[:-4, 2:-2]) | (ids[2:-2, 4:] != ids[2:-2, :-4])
    assert holes[rim].mean() > 3 * holes[~rim].mean()


def test_structured_light_knows_depth_in_steps_of_an_eighth_of_a_pixel(scene: Scene) -> None:
    depth_m = scene.render("structured_light").depth_m
    disparity = scene.intrinsics.fx * KINECT.baseline_m / depth_m[np.isfinite(depth_m)]
    assert np.abs(8 * disparity - np.round(8 * disparity)).max() < 0.01


def test_what_lies_beyond_the_range_is_not_known(scene: Scene) -> None:
    depth_m = scene.render("structured_light").depth_m
    assert np.nanmin(depth_m) >= KINECT.near_m
    assert np.nanmax(depth_m) <= KINECT.far_m


def test_an_empty_table_is_a_scene() -> None:
    with make_scene(1, n_objects=0, size=SMALL) as scene:
        truth = scene.render().truth
    assert truth.labels == {}
    assert not truth.ids.any()


def test_wrong_arguments_say_what_is_known(scene: Scene) -> None:
    with pytest.raises(ConfigError, match="sparse, touching, stacked, heap"):
        make_scene(1, clutter="messy")
    with pytest.raises(ConfigError, match="structured_light, stereo, none"):
        scene.render("lidar")
    with pytest.raises(ConfigError, match="0 to 60"):
        make_scene(1, n_objects=1000)


def test_without_egl_the_debian_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "mujoco.egl", None)
    with pytest.raises(ConfigError, match="libegl1 and libgl1-mesa-dri"):
        render_module._gl_context(64, 48)
