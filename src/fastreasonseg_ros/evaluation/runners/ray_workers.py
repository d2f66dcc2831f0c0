"""Ray workers: evaluate one shard, a scene of a data set or a bag."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...io.datasets import open_dataset
from .backends import asker_of, perceiver_of
from .bag import Outputs
from .bags import evaluate_one
from .evaluate import Row, evaluate
from .ray_cluster import Done, Spent
from .scene_state import Times


class SceneWorker:
    """Holds perceiver and models of one process; run() returns the rows of one scene of a data set."""

    def __init__(self, args: Namespace) -> None:
        dataset = open_dataset(args.dataset, args.format, args.split).limited(args.limit)
        self._dataset = dataset.seen_by(args.perception)
        self._args, self._perceiver = args, perceiver_of(args)
        self._ask = asker_of(args) if self._dataset.questions else None

    def run(self, name: str, numbers: Sequence[int], done: Sequence[Row]) -> Done:
        """numbers: of the scene's questions in the complete data set; done: existing rows of the scene."""
        questions = tuple(self._dataset.questions[n] for n in numbers)
        part = replace(self._dataset, questions=questions, scene_names=(name,))
        here = {n: k for k, n in enumerate(numbers)}
        before = [row | {"n": here[row["n"]]} if "n" in row else row for row in done]
        rows: list[Row] = []
        times = Times()
        evaluate(part, self._perceiver, self._ask, rows.append, None, before, self._args.seed, times)  # type: ignore[arg-type]
        return [row | {"n": numbers[row["n"]]} if "n" in row else row for row in rows], _spent(times)


class BagWorker:
    """Holds perceiver and models of one process; run() returns the rows of one bag."""

    def __init__(self, args: Namespace) -> None:
        self._args, self._perceiver, self._ask = args, perceiver_of(args), asker_of(args)

    def run(self, path: str, name: str, items: Sequence[Any]) -> Done:
        rows: list[Row] = []
        times = Times()
        outputs = Outputs(rows.append)
        row = evaluate_one(self._args, Path(path), name, items, self._perceiver, self._ask, times, outputs)
        return [*rows, row], _spent(times)


def _spent(times: Times) -> Spent:
    return list(times.perception), list(times.reasoning), list(times.kept)
