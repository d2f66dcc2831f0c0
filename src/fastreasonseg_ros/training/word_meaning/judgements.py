"""Judgements of what words mean, as `corpus/word_meaning` holds them, and rows to train on."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from ...errors import DatasetError
from ..student.corpus.people import read_people

# Kinds of phrases whose fitting labels are few, so that a label drawn at random hardly fits.
NARROW = ("category", "synonym", "brand", "need", "story", "use")


OF_SCENE = "scene"  # kind of words that a question quotes, judged against the labels of its scene


@dataclass(frozen=True)
class Judgement:
    """A phrase with labels that fit and labels that nearly fit; kind as the corpus names them."""

    phrase: str
    yes: tuple[str, ...]
    no: tuple[str, ...]
    kind: str = ""
    split: str = "train"


def read_judgements(path: Path) -> tuple[Judgement, ...]:
    """Those of a file, one JSON object a line, plain or gzip. Raises DatasetError."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
            rows = [json.loads(line) for line in lines if line.strip()]
        return tuple(
            Judgement(r["phrase"], tuple(r["yes"]), tuple(r["no"]), r.get("kind", ""), r.get("split", "train"))
            for r in rows
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(
            f"{path}: no judgements of word meaning ({error!r}); see corpus/word_meaning/README.md"
        ) from error


def scene_judgements(folder: Path, split: str) -> tuple[Judgement, ...]:
    """The words that people's questions quote: labels of the scene that fit, and all others. Raises DatasetError."""
    found: dict[tuple[str, str], Judgement] = {}
    for scene, twin, lines in read_people(folder, split):
        labels = tuple(dict.fromkeys(i.label for i in twin.instances))
        for phrase, fitting in (item for line in lines for item in line.get("means", {}).items()):
            yes = tuple(label for label in labels if label in fitting)
            no = tuple(label for label in labels if label not in fitting)
            found.setdefault((scene, phrase.lower()), Judgement(phrase, yes, no, OF_SCENE, split))
    return tuple(found.values())


def drawn(
    one: Judgement, judgements: Sequence[Judgement], rng: Random, labels: int, strangers: int
) -> tuple[str, list[tuple[str, float]]]:
    """The phrase, and labels with 1 (fits) or 0: at most `labels` of its own, drawn anew, and where the phrase is
    narrow `strangers`, fitting labels of other phrases, as not fitting.
    """
    judged = [(label, 1.0) for label in one.yes] + [(label, 0.0) for label in one.no]
    rng.shuffle(judged)
    judged = judged[:labels]
    if one.kind in NARROW:
        known = {label.lower() for label in (*one.yes, *one.no)}
        others = (rng.choice(rng.choice(judgements).yes or ("",)) for _ in range(strangers))
        judged += [(label, 0.0) for label in others if label and label.lower() not in known]
    return one.phrase, judged
