"""`fastreasonseg eval-twins SCENES QUERIES`: reasoning alone, on twins without pictures."""

from __future__ import annotations

from argparse import Namespace

from ..errors import DatasetError
from .backends import asker_of
from .datasets import read_questions, read_twin_scenes
from .evaluate import evaluate_twins
from .report import Output


def run(args: Namespace) -> int:
    twins = read_twin_scenes(args.scenes)
    questions = read_questions(args.queries)[: args.limit]
    for question in questions:
        if question.scene not in twins:
            raise DatasetError(f"{question.where}: unknown scene {question.scene!r}; {args.scenes} does not have it")
        ids = {i.id for i in twins[question.scene].instances}
        if unknown := set(question.target_ids) - ids:
            raise DatasetError(f"{question.where}: target id {min(unknown)} is not in the twin of {question.scene}")
    with Output(args.json, args.rows, len(questions)) as output:
        result = evaluate_twins(twins, questions, asker_of(args), output.row)
        output.result({"scenes": str(args.scenes), "model": args.model} | result)
    return 0
