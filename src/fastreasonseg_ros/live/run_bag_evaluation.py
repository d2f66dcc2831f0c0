"""The command behind `bag eval --clock`: one bag, the nodes, and the same files as in lock-step."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from ..errors import DatasetError
from ..evaluation.reports.outputs import Output, write_text
from ..evaluation.reports.page import html_page, title_of
from ..evaluation.reports.provenance import provenance
from ..evaluation.runners.bags import find_bags, topics_of
from ..io.bags.questions import assign, check_targets, read_timed_questions
from .bag_evaluation import run_live


def run(args: Namespace) -> int:
    bags = find_bags(args.path)
    if len(bags) != 1:
        raise DatasetError(f"{args.path}: --clock plays one bag; give one of {', '.join(bags)}")
    if args.action != "eval" or args.ray or args.out or args.video or args.viz or args.frames or args.resume:
        raise DatasetError("--clock goes with bag eval, --queries, --json, --rows, --html and --rate only")
    asked = read_timed_questions(args.questions) if args.questions else None
    questions = assign(bags, asked, args.questions_topic)
    path = next(iter(bags.values()))
    check_targets(path, topics_of(args, path).ids, questions)
    with Output(args.json, args.rows, len(questions)) as output:
        result, rows = run_live(args, Path(path), questions)
        head = {"bag": str(args.path), "perceiver": args.perception, "model": args.model, "made": provenance(args)}
        for row in rows:
            output.row(row)
        output.result(head | result)
        for key, value in result["real_time"].items():
            print(f"{key}: {value}")
    if args.html:
        write_text(args.html, html_page([(title_of(head), head | result, rows, {})]))
    return 0
