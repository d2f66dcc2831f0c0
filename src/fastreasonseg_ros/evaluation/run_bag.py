"""`fastreasonseg bag info|eval`: what a bag holds, and questions asked while it is played, without ROS."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace

from ..errors import DatasetError
from .backends import asker_of, perceiver_of
from .bag_questions import evaluate_bag, read_timed_questions
from .bags import bag_info, find_topics, read_bag
from .report import Output


def run(args: Namespace) -> int:
    info = bag_info(args.path)
    if args.action == "info":
        print(f"{args.path}: {info.duration_s:.1f} s")
        for name, (kind, count) in info.topics.items():
            print(f"  {name:<40} {kind:<36} {count:>7}")
        print(f"  taken as {find_topics(info, args.path)}")
        return 0
    if not args.questions:
        raise DatasetError('bag eval needs --questions FILE with lines such as {"text": "the mug", "at": 2.0}')
    given = {k: v for k in ("color", "depth", "info", "ids") if (v := getattr(args, f"{k}_topic"))}
    topics = replace(find_topics(info, args.path), **given)
    questions = read_timed_questions(args.questions)
    with Output(args.json, args.rows, len(questions)) as output:
        perceiver, ask = perceiver_of(args), asker_of(args)
        result = evaluate_bag(read_bag(args.path, topics), questions, perceiver, ask, output.row)
        output.result({"bag": str(args.path), "perceiver": args.perception, "model": args.model} | result)
    return 0
