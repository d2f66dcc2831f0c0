"""Judgements of what words mean, as `corpus/word_meaning` holds them, and rows to train on."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from ...errors import DatasetError

# Kinds of phrases whose fitting labels are few, so that a label drawn at random hardly fits.
NARROW = ("category", "synonym", "brand", "need", "story", "use")


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
        others = (rng.choice(rng.choice(judgements).yes) for _ in range(strangers))
        judged += [(label, 0.0) for label in others if label.lower() not in known]
    return one.phrase, judged
