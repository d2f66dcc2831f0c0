"""The measures against the definitions of the reference evaluations, derived here anew, on random masks.

LISA's validate, davis2017-evaluation, the multilabel metrics of UOIS, IDF1 and id switches: each is written down as its
paper or repository defines it, pixel by pixel or by trying every assignment, and must give the same figures.
"""

from __future__ import annotations

import itertools
import math
from collections import deque

import cv2
import numpy as np
import pytest
from pycocotools import mask as coco
from scipy import ndimage

from fastreasonseg_ros.evaluation.metrics.masks import boundary_f, davis_boundary, score_masks
from fastreasonseg_ros.evaluation.metrics.segmentation import outer_contour, score_segmentation
from fastreasonseg_ros.evaluation.metrics.summary import summarise
from fastreasonseg_ros.evaluation.metrics.tracking import TrackingMetric, idf1
from fastreasonseg_ros.evaluation.runners.evaluate import score_row

SEEDS = range(8)
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # inside pycocotools


def blobs(seed: int, shape: tuple[int, int], scale: float = 6.0, share: float = 0.35) -> np.ndarray:
    """A random mask of smooth blobs, some with holes, some cut by the border."""
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), scale)
    return noise > np.quantile(noise, 1 - share)


def moved(mask: np.ndarray, seed: int) -> np.ndarray:
    """Much like it, elsewhere by a few pixels."""
    dy, dx = np.random.default_rng(seed).integers(-4, 5, 2)
    return np.roll(mask, (dy, dx), (0, 1)) ^ (blobs(seed + 1000, mask.shape, 3.0, 0.03))


def test_giou_and_ciou_are_those_of_lisa_with_its_ignored_label() -> None:
    rows, intersections, unions, ious = [], 0, 0, []
    for seed in SEEDS:
        target, ignore = blobs(seed, (24, 30)), blobs(seed + 50, (24, 30), share=0.2)
        target = np.zeros_like(target) if seed == 3 else target
        predicted = ~ignore & False if seed in (3, 4) else moved(target, seed)
        labels = np.where(ignore, 255, target.astype(int))
        intersection = union = 0
        for y, x in itertools.product(range(24), range(30)):  # classes 0 and 1; 255 leaves both sides
            if labels[y, x] != 255:
                intersection += bool(predicted[y, x] and labels[y, x] == 1)
                union += bool(predicted[y, x] or labels[y, x] == 1)
        intersections, unions = intersections + intersection, unions + union
        ious.append(intersection / (union + 1e-5) + (union == 0))
        rows.append(score_row(score_masks([predicted], [target], [ignore])) | {"scene": seed})
    result = summarise(rows)
    assert result["giou"] == pytest.approx(np.mean(ious), abs=1e-6)
    assert result["ciou"] == pytest.approx(intersections / (unions + 1e-10), abs=1e-9)


def davis_edge(mask: np.ndarray) -> set[tuple[int, int]]:
    """A pixel is an edge if the pixel to its right, below or right below is of the other kind; on the last row and
    column those outside are not looked at, and the last pixel of all is none."""
    h, w = mask.shape
    edge = set()
    for y, x in itertools.product(range(h), range(w)):
        around = [(y, x + 1), (y + 1, x)] + ([(y + 1, x + 1)] if y + 1 < h and x + 1 < w else [])
        if any(v < h and u < w and mask[v, u] != mask[y, x] for v, u in around):
            edge.add((y, x))
    return edge - {(h - 1, w - 1)}


def davis_f(predicted: np.ndarray, target: np.ndarray) -> float:
    radius = math.ceil(0.008 * math.sqrt(predicted.shape[0] ** 2 + predicted.shape[1] ** 2))
    edge_p, edge_t = davis_edge(predicted), davis_edge(target)
    if not edge_p and not edge_t:
        return 1.0
    if not edge_p or not edge_t:
        return 0.0
    p, t = np.array(sorted(edge_p)), np.array(sorted(edge_t))
    near = ((p[:, None] - t[None]) ** 2).sum(axis=2) <= radius**2
    precision, recall = near.any(axis=1).mean(), near.any(axis=0).mean()
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


@pytest.mark.parametrize("seed", SEEDS[:4])
def test_boundary_f_is_that_of_davis(seed: int) -> None:
    target = blobs(seed, (80, 100), 6.0)  # the disk has a radius of two pixels
    predicted = moved(target, seed)
    assert set(zip(*np.nonzero(davis_boundary(target)), strict=True)) == davis_edge(target)
    assert boundary_f(predicted, target) == pytest.approx(davis_f(predicted, target), abs=1e-12)
    void = blobs(seed + 99, target.shape, share=0.1)
    score = score_masks([predicted], [target], [void], boundaries=True)
    assert score.f == pytest.approx(davis_f(predicted & ~void, target & ~void), abs=1e-12)


@pytest.mark.parametrize(("predicted", "target"), list(itertools.product((0, 1), repeat=2)))
def test_masks_without_a_boundary_are_judged_as_davis_does(predicted: int, target: int) -> None:
    p, t = np.full((20, 20), bool(predicted)), np.full((20, 20), bool(target))
    assert boundary_f(p, t) == davis_f(p, t) == 1.0  # an empty and a full picture too: neither has an edge


def flooded_contour(mask: np.ndarray) -> np.ndarray:
    """Mask pixels beside a pixel that is joined to the outside of the picture, by flooding from there."""
    padded = np.pad(mask, 1)
    outside = np.zeros_like(padded)
    outside[0, 0] = True
    queue = deque([(0, 0)])
    contour = np.zeros_like(padded)
    while queue:
        y, x = queue.popleft()
        for v, u in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
            if 0 <= v < padded.shape[0] and 0 <= u < padded.shape[1] and not outside[v, u]:
                if padded[v, u]:
                    contour[v, u] = True
                else:
                    outside[v, u] = True
                    queue.append((v, u))
    return contour[1:-1, 1:-1]


@pytest.mark.parametrize("seed", SEEDS)
def test_contours_are_the_outer_ones_that_uois_draws(seed: int) -> None:
    mask = blobs(seed, (40, 50), 2.0, 0.5)
    assert (outer_contour(mask) == flooded_contour(mask)).all()
    found, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    drawn = cv2.drawContours(np.zeros(mask.shape, np.uint8), found, -1, 1, 1) > 0
    assert (outer_contour(mask) == drawn).all()


def random_ids(seed: int, count: int, shape: tuple[int, int]) -> np.ndarray:
    ids = np.zeros(shape, np.uint16)
    for id in np.random.default_rng(seed).permutation(np.arange(1, count + 1)):
        ids[blobs(seed * 31 + int(id), shape, 5.0, 0.12)] = id
    return ids


def uois(predicted: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Overlap and boundary P, R, F and the share of objects from F = 0.75 on, trying every assignment."""
    p_ids, t_ids = ([int(i) for i in np.unique(a) if i] for a in (predicted, truth))
    radius = math.ceil(0.003 * math.hypot(*truth.shape))

    def f(a: np.ndarray, b: np.ndarray) -> float:
        both = np.count_nonzero(a & b)
        precision, recall = both / np.count_nonzero(a), both / np.count_nonzero(b)
        return 2 * precision * recall / (precision + recall) if both else 0.0

    table = {(p, t): f(predicted == p, truth == t) for p in p_ids for t in t_ids}
    size = max(len(p_ids), len(t_ids))
    t_padded = t_ids + [0] * (size - len(t_ids))
    chosen = max(
        itertools.permutations(t_padded, len(p_ids)),
        key=lambda order: sum(table.get(pair, 0.0) for pair in zip(p_ids, order, strict=True)),
    )
    pairs = [(p, t) for p, t in zip(p_ids, chosen, strict=True) if table.get((p, t), 0) > 0]
    edges = {
        (k, i): np.argwhere(flooded_contour(a == i))
        for k, a in enumerate((predicted, truth))
        for i in np.unique(a)
        if i
    }
    inter = near_p = near_t = 0
    for p, t in pairs:
        inter += np.count_nonzero((predicted == p) & (truth == t))
        near = ((edges[0, p][:, None] - edges[1, t][None]) ** 2).sum(axis=2) <= radius**2
        near_p, near_t = near_p + near.any(axis=1).sum(), near_t + near.any(axis=0).sum()

    def prf(up_p: float, down_p: float, up_t: float, down_t: float) -> tuple[float, float, float]:
        precision, recall = up_p / down_p, up_t / down_t
        return precision, recall, 2 * precision * recall / (precision + recall) if precision + recall else 0.0

    overlap = prf(inter, np.count_nonzero(predicted), inter, np.count_nonzero(truth))
    edge = prf(near_p, sum(len(edges[0, p]) for p in p_ids), near_t, sum(len(edges[1, t]) for t in t_ids))
    share = sum(table[pair] >= 0.75 for pair in pairs) / len(t_ids)
    names = ("overlap_precision", "overlap_recall", "overlap_f", "boundary_precision", "boundary_recall", "boundary_f")
    return dict(zip(names, overlap + edge, strict=True)) | {"share75": share}


@pytest.mark.parametrize("seed", SEEDS)
def test_overlap_and_boundary_are_those_of_uois(seed: int) -> None:
    truth = random_ids(seed, 4, (70, 90))
    predicted = np.roll(truth, (seed % 3, 1), (0, 1))
    predicted[random_ids(seed + 40, 2, truth.shape) == 1] = 5  # one more, over parts of others
    predicted[predicted == (seed % 4) + 1] = 0 if seed % 2 else 2  # one missing, or two in one
    score = score_segmentation(predicted, truth)
    for name, value in uois(predicted, truth).items():
        assert getattr(score, name) == pytest.approx(value, abs=1e-12), name


def iou_of(predicted: np.ndarray, truth: np.ndarray, p: int, t: int) -> float:
    return np.count_nonzero((predicted == p) & (truth == t)) / np.count_nonzero((predicted == p) | (truth == t))


@pytest.mark.parametrize("seed", SEEDS)
def test_idf1_and_switches_are_those_of_every_assignment_tried(seed: int) -> None:
    generator = np.random.default_rng(seed)
    truths, predictions = [], []
    for _ in range(6):
        truth = np.zeros((12, 40), np.uint16)
        for id in (1, 2, 3):
            if generator.random() < 0.85:
                truth[2:10, 12 * id - 10 : 12 * id - 2] = id
        predicted = truth.copy()
        if generator.random() < 0.5:  # two ids change places, one is new, one is missed, one too small
            predicted[truth == 1], predicted[truth == 2] = 2, 1
        if generator.random() < 0.3:
            predicted[truth == 3] = 7
        predicted[:6, :] = 0 if generator.random() < 0.2 else predicted[:6, :]
        truths.append(truth)
        predictions.append(predicted)
    metric = TrackingMetric()
    for predicted, truth in zip(predictions, truths, strict=True):
        metric.update(predicted, truth)
    counts = metric.counts()

    t_ids, p_ids = (sorted({int(i) for a in arrays for i in np.unique(a) if i}) for arrays in (truths, predictions))
    frames = list(zip(predictions, truths, strict=True))
    agree = {
        (t, p): sum(_present(pr, tr, p, t) and iou_of(pr, tr, p, t) >= 0.5 for pr, tr in frames)
        for t in t_ids
        for p in p_ids
    }
    options = [*p_ids, *(-k for k in range(1, len(t_ids) + 1))]
    best = max(
        sum(agree.get(pair, 0) for pair in zip(t_ids, order, strict=True))
        for order in itertools.permutations(options, len(t_ids))
    )
    detections = sum(len(np.unique(a)) - (0 in a) for arrays in (truths, predictions) for a in arrays)
    assert (counts["id_true_positives"], counts["id_detections"]) == (best, detections)
    assert idf1(best, detections) == pytest.approx(2 * best / detections)
    # here an object agrees with at most one prediction a frame, so that matches leave no choice
    last, switches = {}, 0
    for predicted, truth in frames:
        for t, p in itertools.product(t_ids, p_ids):
            if _present(predicted, truth, p, t) and iou_of(predicted, truth, p, t) >= 0.5:
                switches += last.get(t, p) != p
                last[t] = p
    assert counts["id_switches"] == switches


def _present(predicted: np.ndarray, truth: np.ndarray, p: int, t: int) -> bool:
    return bool((predicted == p).any() and (truth == t).any())


def test_tracks_counted_by_hand() -> None:
    metric = TrackingMetric()
    truth = np.array([[1, 1, 0, 2, 2]], np.uint16)
    for predicted in ([[4, 4, 0, 5, 5]], [[4, 4, 0, 4, 4]], [[6, 6, 0, 5, 5]], None):
        metric.update(None if predicted is None else np.array(predicted, np.uint16), truth)
    # 1 was 4 twice (the second time 4 covers both: IoU 0.5 each, the match before is kept), then 6; 2 was 5, 5
    assert metric.counts() == {"id_true_positives": 4, "id_detections": 8 + 5, "id_switches": 1}
    assert idf1(0, 0) == 1.0


def test_an_object_keeps_its_match_where_another_would_do_as_well() -> None:
    metric = TrackingMetric()
    truth = np.array([[1, 1, 1, 1]], np.uint16)
    for predicted in ([5, 5, 5, 5], [4, 4, 5, 5], [5, 5, 5, 5], [0, 0, 0, 0], [5, 5, 5, 5], [4, 4, 4, 4]):
        metric.update(np.array([predicted], np.uint16), truth)
    assert metric.counts()["id_switches"] == 1  # the last; where two halves agree equally, the match is kept


@pytest.mark.parametrize("seed", SEEDS)
def test_run_lengths_go_down_the_columns(seed: int) -> None:
    mask = blobs(seed, (9, 13), 1.0, 0.5)
    runs, value = [0], False
    for pixel in mask.T.ravel():
        if pixel == value:
            runs[-1] += 1
        else:
            runs.append(1)
            value = pixel
    packed = coco.frPyObjects({"size": [9, 13], "counts": runs}, 9, 13)
    assert (coco.decode(packed) == mask).all()
