"""Perception measured beside the answers: segmentation without classes, words where they are known, ids over time.

One row a scene (its last frame looked at, and its tracks over all of them), then figures from rows, so that what was
measured before an interruption counts like the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from jaxtyping import UInt16

from ...io.datasets.base import Words
from ...twin.types import DigitalTwin
from ..metrics.segmentation import SegmentationScore, match_ids, mean_score, score_segmentation
from ..metrics.synonyms import load_synonyms
from ..metrics.tracking import idf1

FOUND = 0.5  # overlap F from which an object counts as found, so that its words can be right or wrong
SPELLINGS = {"grey": "gray"}
WORDS = ("label", "label_exact", "label_head", "color")


def measure_picture(
    twin: DigitalTwin | None,
    predicted: UInt16[np.ndarray, "h w"] | None,
    truth: UInt16[np.ndarray, "h w"],
    words: Words,
) -> dict[str, Any]:
    """What one picture adds to the figures; a picture that perception refused (None) counts as an empty prediction."""
    predicted = np.zeros_like(truth) if predicted is None else predicted
    instances = {i.id: i for i in twin.instances} if twin else {}
    present = {int(i) for i in np.unique(truth)}
    right, asked, found = dict.fromkeys(WORDS, 0), dict.fromkeys(WORDS, 0), 0
    for true_id, (predicted_id, f) in match_ids(predicted, truth).items():
        instance = instances.get(predicted_id)
        if f < FOUND or instance is None:
            continue
        verdicts = {}
        if label := _plain(words.labels.get(true_id)):
            found += 1
            said = _plain(instance.label)
            verdicts = {
                "label": load_synonyms().agree(said, label),
                "label_exact": said == label,
                "label_head": said.split()[-1:] == label.split()[-1:],
            }
        if color := _plain(words.colors.get(true_id)):
            verdicts["color"] = _plain(instance.color) == color
        for word, verdict in verdicts.items():
            asked[word] += 1
            right[word] += verdict
    segmentation = asdict(score_segmentation(predicted, truth))
    return segmentation | {"labelled": len(present & set(words.labels)), "found": found, "right": right, "asked": asked}


def perception_figures(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The keys of DESIGN 7, shares 0..1; empty where nothing was measured.

    label_accuracy: share of the found objects with a known label whose label may stand for it (synonyms.txt);
    label_exact_accuracy and color_accuracy: that have that very word; label_head_accuracy compares last words only
    ("tea box" and "box" agree). found: share of labelled objects. idf1
    and id_switches over all videos together, where there are any.
    """
    rows = list(rows)
    if not rows:
        return {}
    names = SegmentationScore.__dataclass_fields__
    result: dict[str, Any] = asdict(mean_score(SegmentationScore(**{k: row[k] for k in names}) for row in rows))
    result["pictures"] = len(rows)
    for word in WORDS:
        if asked := sum(row["asked"].get(word, 0) for row in rows):
            result[f"{word}_accuracy"] = sum(row["right"].get(word, 0) for row in rows) / asked
    if labelled := sum(row["labelled"] for row in rows):
        result["found"] = sum(row["found"] for row in rows) / labelled
    if videos := [row for row in rows if "id_detections" in row]:
        agreed, detections = (sum(row[k] for row in videos) for k in ("id_true_positives", "id_detections"))
        result |= {"idf1": idf1(agreed, detections), "id_switches": sum(row["id_switches"] for row in videos)}
    return result


def _plain(word: str | None) -> str:
    word = " ".join((word or "").lower().replace("_", " ").split())
    return SPELLINGS.get(word, word)
