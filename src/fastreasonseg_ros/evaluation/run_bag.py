"""`fastreasonseg bag info|eval|make`: what a bag holds, questions asked while it is played, bags from a data set."""

from __future__ import annotations

import time
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from ..errors import DatasetError
from ..io.bag_contents import bag_info
from ..io.input_report import InputReport
from ..io.topic_selection import BagTopics, choose_topics
from .backends import Asker, asker_of, perceiver_of
from .bag_eval import LockStep, Outputs, evaluation_share
from .bag_make import make_bags
from .bag_questions import TimedQuestion, assign, check_targets, read_timed_questions
from .bags import read_stamped
from .cpu import cpu_report, cpu_share
from .evaluate import Row, Times
from .gallery import Gallery
from .page import html_page
from .perception_report import perception_figures
from .provenance import made
from .report import Output, write_text
from .rows import keep_rows, read_done, run_id
from .run_report import title_of
from .sources import is_bag, read_options
from .summary import slim, summarise
from .tables import open_table
from .viewers import GalleryView, Onlookers, viewers_of

Item = tuple[int, TimedQuestion]


def run(args: Namespace) -> int:
    if args.action == "info":
        return _info(args.path)
    if args.action == "make":
        return _make(args)
    bags = find_bags(args.path)
    asked = read_timed_questions(args.questions) if args.questions else None
    questions = assign(bags, asked, args.questions_topic)
    for name, path in bags.items():
        check_targets(path, topics_of(args, path).ids, [q for q in questions if q.scene == name])
    if args.resume and not args.rows:
        raise DatasetError("--resume goes on with a rows file; name it with --rows FILE")
    mark = {"run": run_id(args)}
    done = read_done(args.rows, mark["run"], questions) if args.resume else []
    with Output(args.json, args.rows, len(questions) + len(bags), "row", len(done)) as output, ExitStack() as stack:
        rows, gallery = list(done), Gallery()
        view = GalleryView(gallery) if args.html else None

        def add(row: Row) -> None:
            rows.append(row)
            if view:
                view.row(row)
            output.row(row | mark)

        times = evaluate_bags(args, bags, questions, done, add, stack, view)
        result = {
            "bag": str(args.path),
            "perceiver": args.perception,
            "model": args.model,
            "made": made(args),
        } | bag_result(rows, times, args.seed)
        output.result(result)
        if args.html:
            write_text(args.html, html_page([(title_of(result), result, rows, gallery.cases())]))
    return 0


def evaluate_bags(
    args: Namespace,
    bags: Mapping[str, Path],
    questions: Sequence[TimedQuestion],
    done: Sequence[Row],
    add: Callable[[Row], None],
    stack: ExitStack,
    view: GalleryView | None = None,
) -> Times:
    """Every bag that is not done, here or on Ray's workers; `add` gets a row a question and one a bag."""
    todo = bags_to_do(bags, questions, done)
    if args.ray is not None:
        from .scale import BagWorker, share

        if args.frames or args.out or args.video or args.viz:
            raise DatasetError("--ray gives figures, rows and a page; leave --frames, OUT, --video and --viz out")
        shards = {name: (str(bags[name].resolve()), name, items) for name, items in todo.items()}
        return share(BagWorker, args, shards, add)
    times = Times()
    if args.resume and args.frames:
        keep_rows(args.frames, bags.keys() - todo.keys())
    frames = open_table(args.frames, append=args.resume) if args.frames else None
    if frames:
        stack.callback(frames.close)
    if todo:
        perceiver, ask = perceiver_of(args), asker_of(args)
        for name, items in todo.items():
            viewers = [*viewers_of(args, name, len(bags) > 1), *([view] if view else [])]
            with ExitStack() as open_viewers:
                for viewer in viewers:
                    open_viewers.callback(viewer.close)
                on_frame = None if frames is None else partial(_named, frames.write, name)
                outputs = Outputs(add, on_frame, viewers)
                add(evaluate_one(args, bags[name], name, items, perceiver, ask, times, outputs))
    return times


def evaluate_one(
    args: Namespace,
    path: Path,
    name: str,
    items: Sequence[Item],
    perceiver: Any,
    ask: Asker,
    times: Times,
    out: Outputs,
) -> Row:
    """The row of one bag; its questions' rows go to out.on_row before."""
    options, report = read_options(args), InputReport()
    choice = choose_topics(bag_info(path), path, options.topics)
    frames = read_stamped(path, choice.topics, options.slop_s, options.depth_unit_m, report)
    mine, began = Times(), time.process_time()
    drawn_before = _viewers_cpu_s(out)
    try:
        row = LockStep(perceiver, ask, ask.stand, mine, out).run(frames, items)
    except DatasetError as error:
        text = str(error)
        raise DatasetError(text if str(path) in text else f"{path}: {text}") from error
    spent = row["spent"]
    for viewer in out.viewers:
        if isinstance(viewer, Onlookers):
            viewer.settle()
    total, drawn = time.process_time() - began, _viewers_cpu_s(out) - drawn_before
    spent |= cpu_report(total, spent.pop("models_cpu_s"), spent.pop("reading_cpu_s"), drawn)
    spent["evaluation_share"] = evaluation_share(spent["wall_s"], spent["reading_s"], mine)
    times.perception.extend(mine.perception)
    times.reasoning.extend(mine.reasoning)
    times.kept.extend(mine.kept)
    read = {"topics": choice.describe()} | ({"warnings": report.warnings} if report.warnings else {})
    return {"scene": name, "bag": row | read}


def topics_of(args: Namespace, path: Path) -> BagTopics:
    """Those that were named, and those that fit them."""
    return choose_topics(bag_info(path), path, read_options(args).topics).topics


def bag_result(rows: Sequence[Row], times: Times, seed: int) -> dict[str, Any]:
    """Figures from rows: the same rows give the same figures; what was spent is under `timed` and `latency_ms`."""
    asked = sorted((row for row in rows if "n" in row), key=lambda row: row["n"])
    bags = {row["scene"]: row["bag"] for row in rows if "bag" in row}
    figures = summarise((row for row in asked if row.get("iou") is not None), seed)
    report = times.report()
    spent = {name: bags[name]["spent"] for name in sorted(bags)}
    report["timed"] |= {"evaluation_cpu_share": cpu_share(s["cpu_s"] for s in spent.values()), "bags": spent}
    warnings = [f"{name}: {warning}" for name in sorted(bags) for warning in bags[name].get("warnings", ())]
    curves = {row["text"]: row["curve"] for row in asked if row.get("curve")}
    return (
        figures
        | {"asked": len(asked), "frames": sum(bag["frames"] for bag in bags.values())}
        | {"duration_s": round(sum(bag["duration_s"] for bag in bags.values()), 3)}
        | {"perception": perception_figures(bags[n]["perception"] for n in sorted(bags) if "perception" in bags[n])}
        | {"statuses": dict(sorted(Counter(row["status"] for row in asked).items())), "curves": curves}
        | ({"warnings": warnings} if warnings else {})
        | report
        | {"topics": {name: bags[name]["topics"] for name in sorted(bags) if "topics" in bags[name]}}
        | {"questions": [slim(row) for row in asked]}
    )


def bags_to_do(
    bags: Mapping[str, Path], questions: Sequence[TimedQuestion], done: Sequence[Row]
) -> dict[str, list[Item]]:
    """Questions without a row, by bag; a bag is looked at again if one of its questions, or its own row, is missing."""
    answered = {row["n"] for row in done if "n" in row}
    finished = {row["scene"] for row in done if "bag" in row}
    todo: dict[str, list[Item]] = {name: [] for name in bags if name not in finished}
    for n, question in enumerate(questions):
        if n not in answered:
            todo.setdefault(str(question.scene), []).append((n, question))
    return todo


def find_bags(path: str | Path) -> dict[str, Path]:
    """Name -> path of one bag, or of every bag in a folder. Raises DatasetError where there is none."""
    path = Path(path)
    if is_bag(path) or not path.is_dir():
        return {path.resolve().stem: path}
    inside = sorted(p for p in path.iterdir() if is_bag(p))
    if not inside:
        raise DatasetError(f"{path}: is no bag and holds none; give a rosbag2 folder, a .mcap, .db3 or .bag file")
    return {p.stem: p for p in inside}


def _named(write: Callable[[Row], None], name: str, row: Row) -> None:
    write(row | {"scene": name})


def _viewers_cpu_s(out: Outputs) -> float:
    return sum(viewer.cpu_s for viewer in out.viewers if isinstance(viewer, Onlookers))


def _make(args: Namespace) -> int:
    if not args.out:
        raise DatasetError("bag make writes one bag a scene into a folder; name it: bag make DATASET OUT")
    if is_bag(Path(args.path)):
        from .bag_loop import loop_bag

        if args.seconds is None:
            raise DatasetError(f"{args.path}: is a bag already; a longer one is made of it with --seconds S")
        count = loop_bag(args.path, args.out, args.seconds, args.rate, args.storage)
        print(f"{args.out}: {count} pictures")
        return 0
    from .readers import open_dataset

    dataset = open_dataset(args.path, None, None)
    for path in make_bags(dataset, args.out, compressed=args.compressed, storage=args.storage):
        print(path)
    return 0


def _info(path: str) -> int:
    info = bag_info(path)
    print(f"{path}: {info.duration_s:.1f} s")
    for name, (kind, count) in info.topics.items():
        print(f"  {name:<40} {kind:<36} {count:>7}")
    for line in choose_topics(info, path).describe():
        print(f"  {line}")
    return 0
