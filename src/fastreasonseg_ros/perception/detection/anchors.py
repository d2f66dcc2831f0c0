"""Anchors of SSD (Liu et al., "SSD: Single Shot MultiBox Detector", ECCV 2016), and boxes from what it predicts.

The settings are those of the SSD MobileNet v2 of TensorFlow's object detection API, which MediaPipe's graphs repeat:
scales from 0.2 to 0.95 over six layers, five aspect ratios and one square of an interpolated scale in each, and only
three anchors in the first, the first of them at half of the smallest scale.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

LAYERS = (19, 10, 5, 3, 2, 1)  # rows and columns of the six layers, for pictures of 300x300
SCALES = (*np.linspace(0.2, 0.95, len(LAYERS)).tolist(), 1.0)  # of a layer's anchors, as shares of the picture's sides
RATIOS = (1.0, 2.0, 0.5, 3.0, 1 / 3)
CENTER_SCALE, SIZE_SCALE = 10.0, 5.0  # by which the network's offsets were multiplied in training


def make_anchors() -> Float32[np.ndarray, "n 4"]:
    """Centre x and y, width and height of every anchor, as shares of the picture, in the order of the outputs."""
    rows = []
    for layer, cells in enumerate(LAYERS):
        scale, following = SCALES[layer], SCALES[layer + 1]
        shapes = [(scale, ratio) for ratio in RATIOS] + [((scale * following) ** 0.5, 1.0)]
        if layer == 0:
            shapes = [(0.1, 1.0), (scale, 2.0), (scale, 0.5)]
        middles = (np.arange(cells) + 0.5) / cells
        sizes = np.array([(s * r**0.5, s / r**0.5) for s, r in shapes])
        y, x, shape = np.meshgrid(middles, middles, np.arange(len(shapes)), indexing="ij")
        rows.append(np.column_stack([x.ravel(), y.ravel(), sizes[shape.ravel()]]))
    return np.concatenate(rows).astype(np.float32)


def decode(
    encoded: Float32[np.ndarray, "n 4"], anchors: Float32[np.ndarray, "n 4"], size: tuple[int, int]
) -> Float32[np.ndarray, "n 4"]:
    """Boxes as x0, y0, x1, y1 in pixels of a picture of `size` (width, height), cut off at its borders.

    encoded: offsets of centre y and x, and of log height and width.
    """
    y, x, h, w = encoded.T
    center_x, center_y = (
        x / CENTER_SCALE * anchors[:, 2] + anchors[:, 0],
        y / CENTER_SCALE * anchors[:, 3] + anchors[:, 1],
    )
    half_w, half_h = np.exp(w / SIZE_SCALE) * anchors[:, 2] / 2, np.exp(h / SIZE_SCALE) * anchors[:, 3] / 2
    boxes = np.stack([center_x - half_w, center_y - half_h, center_x + half_w, center_y + half_h], axis=1)
    return (np.clip(boxes, 0, 1) * np.array([*size, *size], np.float32)).astype(np.float32)


def overlap(boxes: Float32[np.ndarray, "n 4"], box: Float32[np.ndarray, "4"]) -> Float32[np.ndarray, "n"]:
    """Intersection over union of many boxes with one."""
    low, high = np.maximum(boxes[:, :2], box[:2]), np.minimum(boxes[:, 2:], box[2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=1)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) + np.prod(box[2:] - box[:2])
    return (shared / np.maximum(areas - shared, 1e-6)).astype(np.float32)
