"""SSD MobileNet v2 of Open Images (models/detector), run by OpenVINO on the calling thread.

One inference of a picture, or of a crop, gives boxes with scores of every class, and the map of features that the
boxes were predicted from, of which `Inference.features_in` gives the mean in any box at hardly any cost.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from ...errors import ModelError
from ...twin.types import Box
from ...weights import find_model_file
from .anchors import decode, make_anchors, overlap

FILE = "detector/object_detection_ssd_mobilenetv2_oidv4_fp16.tflite"
LABELS = "object_detection_oidv4_labelmap.txt"
SIDE = 300  # pixels of the network's input; pictures are stretched to it, as in training
SAME_BOX = 0.5  # intersection over union from which two boxes are taken for the same thing
FEATURES = 1280  # channels of the backbone's last layer
LOWEST = 0.05  # boxes that score less in every class are not looked at
_NO_CLASS = "???"  # the label of the background, which is the first


@dataclass(frozen=True)
class DetectedBox:
    """box_xyxy: pixels. scores: of each class, 0 to 1, in the order of `Detector.labels`; score, label: the highest."""

    box_xyxy: Box
    label: str
    score: float
    scores: Float32[np.ndarray, "classes"]


@dataclass(frozen=True)
class Inference:
    """What the network says of one picture. boxes: x0, y0, x1, y1 in its pixels. features: those of the backbone."""

    labels: tuple[str, ...]
    size: tuple[int, int]
    boxes: Float32[np.ndarray, "anchors 4"]
    scores: Float32[np.ndarray, "anchors classes"]
    features: Float32[np.ndarray, "channels rows columns"]

    def detections(self, min_score: float, same: float = SAME_BOX) -> tuple[DetectedBox, ...]:
        """Boxes whose best class has at least `min_score`, best first, after non-maximum suppression over all classes.

        same: intersection over union from which the lower of two boxes is dropped, whatever their classes.
        """
        best = self.scores.max(axis=1)
        order = np.flatnonzero(best >= max(min_score, LOWEST))
        order = order[np.argsort(-best[order], kind="stable")]
        kept: list[int] = []
        while len(order):
            first, order = int(order[0]), order[1:]
            kept.append(first)
            order = order[overlap(self.boxes[order], self.boxes[first]) < same]
        return tuple(self._box(n) for n in kept)

    def class_scores(self, box: Box, same: float = SAME_BOX) -> Float32[np.ndarray, "classes"]:
        """The highest score of every class among boxes that are about this one; zeros where there is none."""
        alike = overlap(self.boxes, np.array(box, np.float32)) >= same
        return self.scores[alike].max(axis=0) if alike.any() else np.zeros(len(self.labels), np.float32)

    def features_in(self, box: Box) -> Float32[np.ndarray, "channels"]:
        """Mean of the features in a box (pixels), of the cells that it touches, by the share that it covers of each."""
        rows, columns = self.features.shape[1:]
        width, height = self.size
        y = _covered(rows, box[1] / height * rows, box[3] / height * rows)
        x = _covered(columns, box[0] / width * columns, box[2] / width * columns)
        return np.einsum("cyx,y,x->c", self.features, y / y.sum(), x / x.sum()).astype(np.float32)

    def _box(self, n: int) -> DetectedBox:
        x0, y0, x1, y1 = map(float, self.boxes[n])
        best = int(self.scores[n].argmax())
        return DetectedBox((x0, y0, x1, y1), self.labels[best], float(self.scores[n, best]), self.scores[n])


def _covered(cells: int, low: float, high: float) -> Float32[np.ndarray, "cells"]:
    """How much of each of `cells` unit intervals lies between low and high; of a point, the interval that has it."""
    low, high = float(np.clip(low, 0, cells - 1e-3)), float(np.clip(high, 0, cells))
    high = max(high, low + 1e-3)
    starts = np.arange(cells, dtype=np.float32)
    return np.clip(np.minimum(starts + 1, high) - np.maximum(starts, low), 0, None)


class Detector:
    """The network. Not thread-safe."""

    def __init__(self, path: Path | None = None) -> None:
        """path: of the .tflite, instead of models/detector. Raises ModelError if it or its label file is unusable."""
        path = path or find_model_file(FILE)
        if path is None:
            raise ModelError(
                f"models/{FILE} is in none of $FASTREASONSEG_MODELS, the repository and the installed share/: restore "
                "it, or make it by the command in models/detector/MODEL_CARD.md"
            )
        self._anchors = make_anchors()
        try:
            import openvino

            first, *labels = path.with_name(LABELS).read_text().split("\n")
            self.labels = tuple(label.strip().lower() for label in labels if label.strip())
            core = openvino.Core()
            model = core.read_model(path)
            shape = [len(self._anchors), 1 + len(self.labels)]
            if first.strip() != _NO_CLASS or list(model.output("raw_outputs/class_predictions").shape)[1:] != shape:
                raise ValueError(f"its outputs do not fit {LABELS}")
            features = _last_of_backbone(model)
            model.add_outputs([features])
            settings = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "CPU_RUNTIME_CACHE_CAPACITY": 0}
            compiled = core.compile_model(model, "CPU", settings)
            self._request = compiled.create_infer_request()
            self._outputs = [compiled.output(n) for n in ("raw_outputs/box_encodings", "raw_outputs/class_predictions")]
            self._features = compiled.outputs[-1]
        except (OSError, ValueError, RuntimeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise ModelError(
                f"{path}: no usable detector ({reason}); restore models/{FILE}, or make it by the command in "
                "models/detector/MODEL_CARD.md"
            ) from error

    def __call__(self, picture: UInt8[np.ndarray, "h w 3"]) -> Inference:
        """Inference of an RGB picture of any size and shape."""
        height, width = picture.shape[:2]
        way = cv2.INTER_AREA if min(height, width) > SIDE else cv2.INTER_LINEAR
        resized = cv2.resize(picture, (SIDE, SIDE), interpolation=way)
        result = self._request.infer([resized[None].astype(np.float32) / 127.5 - 1.0])
        encoded, logits = (np.array(result[output])[0] for output in self._outputs)
        scores = 1.0 / (1.0 + np.exp(-logits[:, 1:]))
        boxes = decode(encoded, self._anchors, (width, height))
        return Inference(self.labels, (width, height), boxes, scores, np.array(result[self._features])[0])


def _last_of_backbone(model: Any) -> Any:
    """The output of the last layer of MobileNet v2, from which the boxes of the second layer are predicted."""
    cells = int(SIDE / 32 + 0.9)
    for operation in model.get_ordered_ops():
        if operation.get_type_name() == "Clamp" and list(operation.output(0).shape) == [1, FEATURES, cells, cells]:
            return operation.output(0)
    raise ValueError(f"it has no layer of {FEATURES} features")
