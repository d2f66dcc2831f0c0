"""The best and the worst answers of a run with thumbnails, for the HTML page; bounded in number."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from jaxtyping import UInt8, UInt16

from ...twin.masks import select
from ...visualization.overlay import draw_masks
from ..runners.evaluate import Row

BEST, WORST = 4, 8
WIDTH = 480  # pixels of a picture in the page
QUALITY = [cv2.IMWRITE_JPEG_QUALITY, 72]
TRUTH = (255, 60, 60)  # colour (RGB) of the ground truth's outline
Picture = UInt8[np.ndarray, "h w 3"]
Ids = UInt16[np.ndarray, "h w"]


class Gallery:
    """offer() takes every answer with its row; cases() returns the kept ones. On a tie the earlier one is kept."""

    def __init__(self) -> None:
        self._best: list[dict[str, Any]] = []
        self._worst: list[dict[str, Any]] = []

    def offer(self, row: Row, color: Picture, ids: Ids | None, truth: Ids | None, labels: Mapping[int, str]) -> None:
        """Keeps an answer that is among the best or worst. ids, labels: of the twin; truth: ground-truth ids."""
        value = row.get("iou")
        if value is None:
            return
        places = [(self._worst, WORST, value), (self._best, BEST, -value)]
        selected = [(kept, most, key) for kept, most, key in places if len(kept) < most or key < kept[-1]["key"]]
        if not selected:
            return
        case = dict(row) | {"picture": _picture(row, color, ids, truth, labels)}
        for kept, most, key in selected:
            kept.append(case | {"key": key})
            kept.sort(key=lambda c: (c["key"], c["n"]))
            del kept[most:]

    def cases(self) -> dict[str, list[dict[str, Any]]]:
        """{"worst": IoU below 0.5, "best": IoU from 0.5}; no answer is in both."""
        worst = [c for c in self._worst if c["iou"] < 0.5]
        shown = {c["n"] for c in worst}
        return {"worst": worst, "best": [c for c in self._best if c["n"] not in shown and c["iou"] >= 0.5]}


def as_uri(picture: Picture) -> str:
    """A small JPEG as a data URI."""
    height = max(1, round(picture.shape[0] * WIDTH / picture.shape[1]))
    small = cv2.resize(picture, (WIDTH, height), interpolation=cv2.INTER_AREA) if picture.shape[1] > WIDTH else picture
    data = cv2.imencode(".jpg", np.ascontiguousarray(small[..., ::-1]), QUALITY)[1]
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode()


def _picture(row: Row, color: Picture, ids: Ids | None, truth: Ids | None, labels: Mapping[int, str]) -> str:
    predicted: Sequence[int] = row.get("predicted_ids", ())
    drawn = color.copy() if ids is None else draw_masks(color, ids, predicted, labels)
    if truth is not None and (targets := row.get("target_ids")):
        mask = select(truth, targets).astype(np.uint8)
        outline, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        drawn = np.ascontiguousarray(drawn)
        cv2.drawContours(drawn, outline, -1, TRUTH, max(2, color.shape[1] // 300), cv2.LINE_AA)
    return as_uri(drawn)
