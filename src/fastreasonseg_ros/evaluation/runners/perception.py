"""Perception metrics beside the answers: class-agnostic segmentation, labels and colours, track ids over time.

One row per scene (segmentation of its last frame, tracks over all frames), then figures computed from rows, so that
rows of an interrupted run can be used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from jaxtyping import UInt16

from ...io.datasets.base import ObjectInfo
from ...twin.types import DigitalTwin
from ..metrics.segmentation import SegmentationScore, match_ids, mean_score, score_segmentation
from ..metrics.synonyms import load_synonyms
from ..metrics.tracking import idf1

FOUND = 0.5  # least overlap F of an object that counts as found; only found objects have their attributes compared
SPELLINGS = {"grey": "gray"}
ATTRIBUTES = ("label", "label_exact", "label_head", "color")


def measure_picture(
    twin: DigitalTwin | None,
    predicted: UInt16[np.ndarray, "h w"] | None,
    truth: UInt16[np.ndarray, "h w"],
    objects: ObjectInfo,
) -> dict[str, Any]:
    """Row of one picture; predicted None (perception raised an error) counts as an empty prediction."""
    predicted = np.zeros_like(truth) if predicted is None else predicted
    instances = {i.id: i for i in twin.instances} if twin else {}
    present = {int(i) for i in np.unique(truth)}
    right, asked, found = dict.fromkeys(ATTRIBUTES, 0), dict.fromkeys(ATTRIBUTES, 0), 0
    for true_id, (predicted_id, f) in match_ids(predicted, truth).items():
        instance = instances.get(predicted_id)
        if f < FOUND or instance is None:
            continue
        verdicts = {}
        if label := normalised(objects.labels.get(true_id)):
            found += 1
            predicted_label = normalised(instance.label)
            verdicts = {
                "label": load_synonyms().agree(predicted_label, label),
                "label_exact": predicted_label == label,
                "label_head": predicted_label.split()[-1:] == label.split()[-1:],
            }
        if color := normalised(objects.colors.get(true_id)):
            verdicts["color"] = normalised(instance.color) == color
        for attribute, verdict in verdicts.items():
            asked[attribute] += 1
            right[attribute] += verdict
    segmentation = asdict(score_segmentation(predicted, truth))
    return segmentation | {
        "labelled": len(present & set(objects.labels)),
        "found": found,
        "right": right,
        "asked": asked,
    }


def perception_figures(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The keys of DESIGN 7, shares 0..1; empty without rows.

    label_accuracy: share of the found objects with a known label whose predicted label agrees with it (synonyms.txt);
    label_exact_accuracy, color_accuracy: share with the identical word; label_head_accuracy: share with the same last
    word ("tea box" and "box" agree). found: share of labelled objects. idf1 and id_switches over all videos together,
    if there are any.
    """
    rows = list(rows)
    if not rows:
        return {}
    names = SegmentationScore.__dataclass_fields__
    result: dict[str, Any] = asdict(mean_score(SegmentationScore(**{k: row[k] for k in names}) for row in rows))
    result["pictures"] = len(rows)
    for attribute in ATTRIBUTES:
        if asked := sum(row["asked"].get(attribute, 0) for row in rows):
            result[f"{attribute}_accuracy"] = sum(row["right"].get(attribute, 0) for row in rows) / asked
    if labelled := sum(row["labelled"] for row in rows):
        result["found"] = sum(row["found"] for row in rows) / labelled
    if videos := [row for row in rows if "id_detections" in row]:
        agreed, detections = (sum(row[k] for row in videos) for k in ("id_true_positives", "id_detections"))
        result |= {"idf1": idf1(agreed, detections), "id_switches": sum(row["id_switches"] for row in videos)}
    return result


def normalised(word: str | None) -> str:
    """A label or colour as they are compared: lower case, single spaces, one spelling."""
    word = " ".join((word or "").lower().replace("_", " ").split())
    return SPELLINGS.get(word, word)
