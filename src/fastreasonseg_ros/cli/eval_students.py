"""`fastreasonseg eval-students`: compares students on the same questions in one table.

Results are cached below --out: replies of the models (replies.jsonl), one row per question (SET.rows.jsonl), figures
(SET.json, cost.json). They are used again as long as student, questions and the code between them are unchanged.
"""

from __future__ import annotations

import hashlib
import json
import shlex
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ..cache import file_sha256
from ..evaluation.benchmark.machine import machine
from ..evaluation.benchmark.reasoner_cost import reasoner_cost
from ..evaluation.reports.outputs import write_text
from ..evaluation.runners.batch import Replies, in_batches
from ..evaluation.runners.evaluate import Row, evaluate, evaluate_twins
from ..evaluation.runners.scene_state import Ask
from ..evaluation.students.configuration import QuestionSet, Variant, asker, load_student, read_comparison
from ..evaluation.students.table import markdown
from ..io.datasets import open_dataset
from ..io.datasets.base import read_questions, read_twin_scenes
from ..perception import make_perceiver
from ..reasoning import make_word_meaning
from ..reasoning.language_models.openvino import OpenVinoModel, model_language, model_name
from ..twin.types import DigitalTwin

CONTEXT_TOKENS = 32768  # for a batch of prompts
_PACKAGE = Path(__file__).resolve().parents[1]
_CODE = ("twin", "plan", "reasoning", "pipeline.py")  # code that determines the ids of a question

Evaluation = Callable[[Ask], dict[str, Any]]


def run(args: Namespace) -> int:
    comparison = read_comparison(args.config)
    chosen = {name: v for name, v in comparison.variants.items() if not args.only or name in args.only}
    sets = {name: s for name, s in comparison.sets.items() if s.is_here and (not args.sets or name in args.sets)}
    loaded = {name: LoadedSet(questions, args.limit) for name, questions in sets.items()}
    results: dict[str, dict[str, Any]] = {}
    for name, variant in chosen.items():
        if variant.is_trained:
            results[name] = _Student(name, variant, args).measure(loaded)
    report = {
        "variants": {name: asdict(variant) for name, variant in chosen.items()},
        "sets": {name: asdict(questions) for name, questions in comparison.sets.items()},
        "results": results,
        "machine": machine(),
        "date": date.today().isoformat(),
        "commit": _commit(),
        "command": shlex.join(["fastreasonseg", *sys.argv[1:]]),
    }
    text = markdown(report)
    write_text(args.markdown or Path(args.out) / "students.md", text)
    write_text(args.json or Path(args.out) / "students.json", json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    print(text)
    return 0


class LoadedSet:
    """A question set, read once for all students; run(ask) answers and scores it."""

    def __init__(self, questions: QuestionSet, limit: int | None) -> None:
        files = [Path(p) for p in (questions.scenes, questions.queries) if p]
        if questions.dataset:
            files = sorted(Path(questions.dataset).glob("*.jsonl"))
        self.key = [*(file_sha256(p) for p in files), limit]
        self._perception: list[Row] = []  # of the oracle, the same for every student
        self.asked: list[tuple[DigitalTwin, str]] = []
        if questions.dataset:
            dataset = open_dataset(questions.dataset)
            self._dataset = replace(dataset, questions=dataset.questions[:limit])
            self.count = len(self._dataset.questions)
        else:
            self._twins = read_twin_scenes(questions.scenes)
            self._questions = read_questions(questions.queries)[:limit]
            self.asked = [(self._twins[q.scene], q.text) for q in self._questions]
            self.count = len(self._questions)

    def run(self, ask: Ask, rows: list[Row], limit: int | None) -> dict[str, Any]:
        """The result of the first `limit` questions; every row is appended to `rows`."""

        def add(row: Row) -> None:
            (self._perception if "perception" in row else rows).append(row)

        if self.asked:
            return evaluate_twins(self._twins, self._questions[:limit], ask, add)
        dataset = replace(self._dataset, questions=self._dataset.questions[:limit])
        return evaluate(dataset, make_perceiver("oracle"), ask, add, done=tuple(self._perception))


class _Student:
    """One row of the table, measured on every set; valid cached figures are read from disk."""

    def __init__(self, name: str, variant: Variant, args: Namespace) -> None:
        self.name, self.variant, self.args = name, variant, args
        self.folder = Path(args.out) / name
        self.config = variant.model_config(args.threads, CONTEXT_TOKENS)
        self.model = model_name(self.config) if variant.method == "model" else variant.method
        settings = {
            key: value for key, value in asdict(variant).items() if key not in ("title", "against", "train", "adapter")
        }
        self.key = [self.model, settings, _code()]

    def measure(self, sets: Mapping[str, LoadedSet]) -> dict[str, Any]:
        result: dict[str, Any] = {"model": self.model, "sets": {}}
        for name, questions in sets.items():
            file = self.folder / f"{name}.json"
            result["sets"][name] = _kept(file, [*self.key, questions.key], lambda q=questions, n=name: self._set(n, q))
        asked = next((s.asked for s in sets.values() if s.asked), [])
        if self.variant.method == "model" and asked and self.args.latency:
            sample = spread(asked, self.args.latency)
            key = [*self.key, machine(), self.args.latency_threads, [text for _, text in sample]]
            result["cost"] = _kept(self.folder / "cost.json", key, lambda: self._cost(sample))
        return result

    def _set(self, name: str, questions: LoadedSet) -> dict[str, Any]:
        meaning = make_word_meaning(None, [f"threads={self.args.threads}"])
        language = model_language(self.config) if self.variant.method == "model" else 1
        replies = Replies(self.folder / "replies.jsonl", self.model, language)
        rows: list[Row] = []

        def evaluation(ask: Ask) -> dict[str, Any]:
            rows.clear()
            return questions.run(ask, rows, self.variant.limit or None)

        with tqdm(unit="reply", desc=f"{self.name}, {name}", dynamic_ncols=True) as bar:

            def progress(done: int, total: int) -> None:
                bar.total, bar.n = total, done
                bar.refresh()

            result, tokens = in_batches(
                evaluation, asker(self.variant, meaning), replies, self._load, self.args.batch, progress
            )
        write_text(self.folder / f"{name}.rows.jsonl", "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows))
        return result | {"tokens": round(tokens / max(1, result["n"]), 1), "limited": result["n"] < questions.count}

    def _load(self) -> OpenVinoModel:
        return OpenVinoModel(self.config)

    def _cost(self, sample: Sequence[tuple[DigitalTwin, str]]) -> dict[str, Any]:
        load = partial(load_student, self.variant, self.args.latency_threads)
        return reasoner_cost(load, sample, form=self.variant.form, without=self.variant.without)


def spread(asked: Sequence[Any], count: int) -> list[Any]:
    """`count` items at even distances; all if there are fewer."""
    return [asked[k * len(asked) // count] for k in range(count)] if len(asked) > count else list(asked)


def _kept(file: Path, key: Any, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The cached result in the file if it has this key, else that of make(), which is written there."""
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        if kept.pop("key") == digest:
            return kept
    except (OSError, ValueError, KeyError, AttributeError):
        pass  # missing or incomplete: made again
    made = make()
    write_text(file, json.dumps({"key": digest} | made, ensure_ascii=False) + "\n")
    return made


@lru_cache
def _code() -> str:
    """SHA-256 of the files of _CODE, computed once per process."""
    digest = hashlib.sha256()
    for part in _CODE:
        path = _PACKAGE / part
        files = [path] if path.is_file() else [p for p in sorted(path.rglob("*")) if p.suffix in (".py", ".jsonl")]
        for file in files:
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _commit() -> str:
    """The repository's commit, with a + if there are uncommitted changes; empty outside a repository."""
    try:
        where = ["git", "-C", str(_PACKAGE)]
        head = subprocess.run([*where, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True)
        changed = subprocess.run([*where, "status", "--porcelain", "-uno"], capture_output=True, text=True, check=True)
        return head.stdout.strip() + ("+" if changed.stdout.strip() else "")
    except (OSError, subprocess.CalledProcessError):
        return ""
