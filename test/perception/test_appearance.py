"""Looks as a vector: alike for the same thing in other light and size, unlike for another."""

from __future__ import annotations

import numpy as np
import pytest

from fastreasonseg_ros.perception.appearance import appearance


def patch(rgb, size: int = 40, light: float = 1.0, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 6, (size, size, 3))
    return np.clip(np.asarray(rgb) * light + noise, 0, 255).astype(np.uint8)


def looks(crop: np.ndarray) -> np.ndarray:
    return appearance(crop, np.ones(crop.shape[:2], bool))


def test_the_same_thing_is_alike_in_another_size_and_light_and_another_is_not() -> None:
    red, blue = looks(patch((180, 40, 40))), looks(patch((40, 60, 180)))
    assert np.linalg.norm(red) == pytest.approx(1.0, abs=1e-5)
    assert red @ looks(patch((180, 40, 40), size=80, seed=1)) > 0.97
    assert red @ looks(patch((180, 40, 40), light=0.8, seed=1)) > 0.85
    assert red @ blue < 0.6


def test_only_pixels_inside_the_mask_count_and_an_empty_one_has_no_looks() -> None:
    crop = patch((180, 40, 40))
    inside = np.ones(crop.shape[:2], bool)
    inside[:, 20:] = False
    crop[:, 20:] = (0, 255, 0)
    assert appearance(crop, inside) @ looks(patch((180, 40, 40), seed=2)) > 0.95
    assert appearance(crop, np.zeros_like(inside)) is None
