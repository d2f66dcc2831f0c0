"""`fastreasonseg eval DATASET`: answers questions about pictures and scores the answers."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DatasetError
from ..evaluation.reports.compare import compare, compare_table, read_result
from ..evaluation.reports.gallery import Gallery
from ..evaluation.reports.outputs import Output, write_picture, write_text
from ..evaluation.reports.page import html_page, title_of
from ..evaluation.reports.provenance import provenance
from ..evaluation.runners.backends import asker_of, perceiver_of
from ..evaluation.runners.evaluate import Row, evaluate
from ..evaluation.runners.resumable_rows import read_done, run_id
from ..evaluation.runners.scene_state import Times
from ..io.datasets import open_dataset
from ..io.datasets.base import Dataset, Question
from ..twin.types import Answer, DigitalTwin, Frame
from ..visualization.overlay import draw_answer


def run(args: Namespace) -> int:
    """Evaluates the data set with the given backends, then with those of every --also, compared with the first."""
    other = read_result(args.against) if args.against else None
    variants = [args.with_backends(args, text) for text in args.also]  # raises errors before the evaluation starts
    if args.resume and not args.rows:
        raise DatasetError("--resume goes on with a rows file; name it with --rows FILE")
    dataset = open_dataset(args.dataset, args.format, args.split)
    for each in (args, *variants):
        dataset.check_perceiver(each.perception)
    dataset = dataset.limited(args.limit)
    first, *shown = _measure(args, dataset)
    if other is not None:
        first["against"] = {"file": str(args.against)} | compare(first["questions"], other, args.seed)
        print("\n" + compare_table(first["against"], "this run", args.against))
    runs = [(title_of(first), first, *shown)]
    _write(args, runs)
    for number, (text, variant) in enumerate(zip(args.also, variants, strict=True), 1):
        print(f"\n{text}")
        variant.rows, variant.overlays = _numbered(args.rows, number), _numbered(args.overlays, number)
        result, *shown = _measure(variant, dataset)
        against = compare(result["questions"], first["questions"], args.seed)
        print("\n" + compare_table(against, text, "the first"))
        result = {"options": text, **result, "against": {"file": "the first", **against}}
        first.setdefault("also", []).append(result)
        runs.append((f"{title_of(result)} {text}", result, *shown))
        _write(args, runs)
    return 0


def _write(args: Namespace, runs: Sequence[tuple[str, dict[str, Any], list[Row], dict[str, Any]]]) -> None:
    """Writes the results so far, since a later configuration may fail."""
    if args.json:
        write_text(args.json, json.dumps(runs[0][1], indent=1, ensure_ascii=False) + "\n")
    if args.html:
        write_text(args.html, html_page(runs))


def _numbered(path: str | None, number: int) -> str | None:
    """rows.jsonl -> rows.1.jsonl: every configuration has its own files."""
    return str(Path(path).with_name(f"{Path(path).stem}.{number}{Path(path).suffix}")) if path else None


def _measure(args: Namespace, dataset: Dataset) -> tuple[dict[str, Any], list[Row], dict[str, Any]]:
    """Result, rows and gallery cases of one configuration; rows and cases are collected for --html only."""
    caution, dataset = dataset.caution(args.perception), dataset.seen_by(args.perception)
    number = {id(q): n for n, q in enumerate(dataset.questions)}
    mark = {"run": run_id(args)}
    done = read_done(args.rows, mark["run"], dataset.questions) if args.resume else []
    gallery, last = Gallery(), {}

    def draw(question: Question, frame: Frame, twin: DigitalTwin, answer: Answer) -> None:
        labels = {i.id: i.label for i in twin.instances}
        if args.html:
            truth = None if frame.truth is None else frame.truth.ids
            gallery.offer(last["row"], frame.color, twin.ids, truth, labels)
        if not args.overlays:
            return
        ids = np.zeros(frame.color.shape[:2], np.uint16) if twin.ids is None else twin.ids
        name = f"{number[id(question)]:04d}_{Path(question.scene).name}.png"
        write_picture(Path(args.overlays) / name, draw_answer(frame.color, ids, answer, labels))

    def add(row: Row) -> None:
        last["row"] = row
        if keep_rows:
            rows.append(row)
        output.row(row | mark)

    rows, keep_rows = list(done), bool(args.html) or args.ray is not None
    total = len(dataset.questions) + (len(dataset.by_scene()) if dataset.measures_perception else 0)
    with Output(args.json, args.rows, total, "row", len(done)) as output:
        times = None
        if args.ray is not None:
            times, done = _shared(args, dataset, done, add), rows
        perceiver = perceiver_of(args)
        ask = asker_of(args) if dataset.questions and args.ray is None else _no_question
        draws = draw if args.overlays or args.html else None
        result = evaluate(dataset, perceiver, ask, add, draws, done, args.seed, times)
        head = {
            "dataset": str(args.dataset),
            "format": dataset.format,
            "split": dataset.split,
            "perceiver": args.perception,
            "model": args.model,
            "made": provenance(args),
        }
        if caution:
            head["caution"] = caution
        output.show(head | result)
    return head | result, rows, gallery.cases()


def _shared(args: Namespace, dataset: Dataset, done: Sequence[Row], add: Callable[[Row], None]) -> Times:
    """Evaluates every scene that is not done with Ray."""
    from ..evaluation.runners.ray_cluster import share
    from ..evaluation.runners.ray_workers import SceneWorker

    if args.overlays:
        raise DatasetError("--ray gives figures, rows and a page without pictures; leave --overlays out")
    answered = {row["n"] for row in done if "n" in row}
    measured = {row["scene"] for row in done if "perception" in row}
    shards = {}
    for name, questions in dataset.by_scene().items():
        todo = any(n not in answered for n, _ in questions)
        if todo or (dataset.measures_perception and name not in measured):
            mine = [row for row in done if row.get("scene") == name]
            shards[name] = (name, [n for n, _ in questions], mine)
    return share(SceneWorker, args, shards, add)


def _no_question(twin: DigitalTwin, query: object) -> Answer:
    raise AssertionError("a data set without questions asks none")
