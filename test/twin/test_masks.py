"""Masks and id images on pictures small enough to read."""

from __future__ import annotations

import numpy as np
import pytest

from fastreasonseg_ros.errors import FrameError
from fastreasonseg_ros.twin import masks

A = np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]], bool)
B = np.array([[0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]], bool)
NOTHING = np.zeros((4, 4), bool)


def test_an_id_image_gives_back_its_masks_and_the_later_one_wins_where_they_overlap():
    ids = masks.ids_from_masks({7: A, 9: B}, (4, 4))
    assert ids.dtype == np.uint16
    assert ids.tolist() == [[7, 7, 0, 0], [7, 9, 9, 0], [0, 9, 9, 0], [0, 0, 0, 0]]
    back = masks.masks_from_ids(ids)
    assert list(back) == [7, 9]
    assert back[9].tolist() == B.tolist()
    assert back[7].sum() == 3


def test_an_id_image_refuses_masks_of_another_shape_and_ids_that_do_not_fit():
    with pytest.raises(FrameError, match="id 3"):
        masks.ids_from_masks({3: A[:2]}, (4, 4))
    with pytest.raises(ValueError, match="65535"):
        masks.ids_from_masks({65536: A}, (4, 4))
    with pytest.raises(ValueError, match="got 0"):
        masks.ids_from_masks({0: A}, (4, 4))


def test_union_and_select_agree():
    ids = masks.ids_from_masks({7: A, 9: B}, (4, 4))
    assert masks.union([A, B], (4, 4)).sum() == 7
    assert masks.select(ids, [7, 9]).tolist() == masks.union([A, B], (4, 4)).tolist()
    assert not masks.select(ids, [8, 70000, 0]).any()
    assert not masks.union([], (2, 3)).any()


def test_iou_counts_shared_pixels_over_all_and_two_empty_masks_agree():
    assert masks.iou(A, B) == pytest.approx(1 / 7)
    assert masks.iou(A, A) == 1.0
    assert masks.iou(A, NOTHING) == 0.0
    assert masks.iou(NOTHING, NOTHING) == 1.0


def test_a_box_ends_behind_the_last_pixel_and_an_empty_mask_has_none():
    assert masks.box(B) == (1.0, 1.0, 3.0, 3.0)
    assert masks.box(NOTHING) is None
    assert masks.box_iou((0.0, 0.0, 2.0, 2.0), (1.0, 1.0, 3.0, 3.0)) == pytest.approx(1 / 7)
    assert masks.box_iou((0.0, 0.0, 2.0, 2.0), (2.0, 0.0, 4.0, 2.0)) == 0.0


def test_the_boundary_is_the_masks_own_outermost_pixels():
    full = np.zeros((5, 5), bool)
    full[1:4, 1:4] = True
    edge = masks.boundary(full)
    assert edge.sum() == 8
    assert not edge[2, 2]
    assert masks.boundary(np.ones((3, 3), bool)).sum() == 8


def test_dilating_grows_by_a_disk():
    point = np.zeros((5, 5), bool)
    point[2, 2] = True
    assert masks.dilate(point, 1.0).sum() == 5
    assert masks.dilate(point, 1.5).sum() == 9
    assert not masks.dilate(NOTHING, 3.0).any()


def test_holes_are_filled_and_bays_are_not():
    ring = np.array([[1, 1, 1, 0], [1, 0, 1, 0], [1, 1, 1, 0], [1, 0, 0, 0]], bool)
    filled = masks.fill_holes(ring)
    assert filled[1, 1]
    assert filled.sum() == ring.sum() + 1
