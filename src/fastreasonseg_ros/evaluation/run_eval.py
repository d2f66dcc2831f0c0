"""`fastreasonseg eval DATASET`: questions about pictures, answered and measured."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..twin.types import Answer, DigitalTwin, Frame
from .backends import asker_of, perceiver_of
from .datasets import Dataset, Question
from .evaluate import evaluate
from .overlay import draw_answer
from .report import Output, write_picture


def run(args: Namespace) -> int:
    dataset = Dataset.open(args.dataset)
    if args.limit is not None:
        dataset = replace(dataset, questions=dataset.questions[: args.limit])
    number = {id(q): n for n, q in enumerate(dataset.questions)}

    def draw(question: Question, frame: Frame, twin: DigitalTwin, answer: Answer) -> None:
        labels = {i.id: i.label for i in twin.instances}
        ids = np.zeros(frame.color.shape[:2], np.uint16) if twin.ids is None else twin.ids
        name = f"{number[id(question)]:04d}_{question.scene}.png"
        write_picture(Path(args.overlays) / name, draw_answer(frame.color, ids, answer, labels))

    with Output(args.json, args.rows, len(dataset.questions)) as output:
        perceiver, ask = perceiver_of(args), asker_of(args)
        result = evaluate(dataset, perceiver, ask, output.row, draw if args.overlays else None)
        output.result({"dataset": str(args.dataset), "perceiver": args.perception, "model": args.model} | result)
    return 0
