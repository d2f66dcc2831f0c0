"""`fastreasonseg bag info|eval|make`: lists the topics of a bag, evaluates questions on it, makes bags."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from ..errors import DatasetError
from ..evaluation.reports.gallery import Gallery
from ..evaluation.reports.outputs import Output, write_text
from ..evaluation.reports.page import html_page, title_of
from ..evaluation.reports.provenance import provenance
from ..evaluation.runners.backends import asker_of, perceiver_of
from ..evaluation.runners.bag import Outputs
from ..evaluation.runners.bags import bag_result, bags_to_do, evaluate_one, find_bags, topics_of
from ..evaluation.runners.evaluate import Row
from ..evaluation.runners.resumable_rows import keep_rows, read_done, run_id
from ..evaluation.runners.scene_state import Times
from ..evaluation.runners.viewers import GalleryView, viewers_of
from ..io.bags.contents import bag_info
from ..io.bags.from_dataset import make_bags
from ..io.bags.questions import TimedQuestion, assign, check_targets, read_timed_questions
from ..io.bags.topic_selection import choose_topics
from ..io.sources import is_bag
from ..io.tables import open_table

Item = tuple[int, TimedQuestion]


def run(args: Namespace) -> int:
    if args.clock:  # in real time through the ROS nodes
        from ..live.run_bag_evaluation import run as run_live

        return run_live(args)
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
            "made": provenance(args),
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
    """Evaluates all bags that are not done, in this process or with Ray; `add` gets a row per question and per bag."""
    todo = bags_to_do(bags, questions, done)
    if args.ray is not None:
        from ..evaluation.runners.ray_cluster import share
        from ..evaluation.runners.ray_workers import BagWorker

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


def _named(write: Callable[[Row], None], name: str, row: Row) -> None:
    write(row | {"scene": name})


def _make(args: Namespace) -> int:
    if not args.out:
        raise DatasetError("bag make writes one bag a scene into a folder; name it: bag make DATASET OUT")
    if is_bag(Path(args.path)):
        from ..io.bags.loop import loop_bag

        if args.seconds is None:
            raise DatasetError(f"{args.path}: is a bag already; a longer one is made of it with --seconds S")
        count = loop_bag(args.path, args.out, args.seconds, args.rate, args.storage)
        print(f"{args.out}: {count} pictures")
        return 0
    from ..io.datasets import open_dataset

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
