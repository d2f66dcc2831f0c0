"""Scores with points as ground truth (io/datasets/marks.py), for pictures that nobody drew masks for.

An answer is right if its mask holds most points of everything that is meant and no point of anything else: neither of
other things nor of the background; where nothing is meant, if it is empty. A thing is told apart if one instance holds
most of its points and none of another thing's. A background point with an instance is a phantom.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, UInt16

from ...io.datasets.marks import Marks, Point, Thing
from ...twin.masks import select
from ...twin.types import Answer, DigitalTwin
from ..metrics.intervals import ratio_interval
from ..metrics.summary import ratio
from ..metrics.synonyms import load_synonyms
from .perception import normalised

Ids = UInt16[np.ndarray, "h w"]
MOST = 0.5  # more than this share of a thing's points
# figure -> (key of what counts, key of how many there are)
FIGURES = {
    "told_apart": ("told_apart", "things"),
    "phantoms": ("phantoms", "background"),
    "label_accuracy": ("labels_right", "labelled"),
    "color_accuracy": ("colors_right", "colored"),
}


def is_right(marks: Marks, target_ids: Sequence[int], ids: Ids | None, answer: Answer | None) -> bool:
    """Whether the answer's mask is right; see above. ids: id image of the twin. answer: None after an error."""
    if answer is None or ids is None:
        return False
    if not target_ids:
        return not answer.ids
    mask = select(ids, answer.ids)
    others = [p for t in marks.things if t.id not in target_ids for p in t.points]
    return not any(_at(mask, [*others, *marks.background])) and all(
        np.mean(_at(mask, t.points)) > MOST for t in marks.things if t.id in target_ids
    )


def measure_points(twin: DigitalTwin | None, ids: Ids | None, marks: Marks) -> dict[str, Any]:
    """Counts of one picture, which `points_figures` sums. Labels and colours are compared of things told apart."""
    instances = {i.id: i for i in twin.instances} if twin else {}
    counts = dict.fromkeys((key for pair in FIGURES.values() for key in pair), 0)
    counts |= {"things": len(marks.things), "background": len(marks.background)}
    if ids is None:
        return counts
    counts["phantoms"] = int(np.count_nonzero(_at(ids, marks.background)))
    for thing in marks.things:
        instance = instances.get(_holder(ids, thing, marks))
        if instance is None:
            continue
        counts["told_apart"] += 1
        counts["labelled"] += 1
        label, names = normalised(instance.label), [normalised(word) for word in (thing.label, *thing.also)]
        names += [name.split()[-1] for name in names if name]  # "white mug" is a mug
        counts["labels_right"] += any(load_synonyms().agree(label, name) for name in names)
        if color := normalised(thing.color):
            counts["colored"] += 1
            counts["colors_right"] += normalised(instance.color) == color
    return counts


def points_figures(pictures: Iterable[Mapping[str, Any]], asked: Mapping[str, Any], seed: int = 0) -> dict[str, Any]:
    """answers, with by_category; told_apart, phantoms, label_accuracy, color_accuracy; all shares 0..1.

    intervals: of the latter, over pictures. things, background, labelled, colored: how many points or things each is
    about. asked: what `summarise` makes of the questions.
    """
    pictures = list(pictures)
    figures: dict[str, Any] = {"answers": asked.get("answers"), "pictures": len(pictures)}
    figures["by_category"] = {name: part.get("answers") for name, part in asked.get("by_category", {}).items()}
    figures["intervals"] = {}
    for name, (above, below) in FIGURES.items():
        terms = [float(p[above]) for p in pictures], [float(p[below]) for p in pictures]
        figures[below] = int(sum(terms[1]))
        figures[name] = ratio(*terms) if figures[below] else None
        figures["intervals"][name] = ratio_interval(*terms, range(len(pictures)), seed)
    return figures


def _holder(ids: Ids, thing: Thing, marks: Marks) -> int:
    """The id that holds most of its points and none of another thing's; 0 where there is none."""
    found, counts = np.unique(_at(ids, thing.points), return_counts=True)
    best = int(found[counts.argmax()])
    if not best or counts.max() <= MOST * len(thing.points):
        return 0
    others = [p for t in marks.things if t.id != thing.id for p in t.points]
    return 0 if best in _at(ids, others) else best


def _at(image: Ids | Bool[np.ndarray, "h w"], points: Sequence[Point]) -> np.ndarray:
    """The image's values at the points."""
    x, y = np.array(points, int).reshape(-1, 2).T
    return image[y, x]
