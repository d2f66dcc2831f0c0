"""`fastreasonseg eval-twins SCENES QUERIES`: reasoning alone, on twins without pictures."""

from __future__ import annotations

from argparse import Namespace

from ..errors import DatasetError
from ..evaluation.reports.compare import compare, compare_table, read_result
from ..evaluation.reports.outputs import Output
from ..evaluation.reports.provenance import provenance
from ..evaluation.runners.backends import asker_of
from ..evaluation.runners.evaluate import evaluate_twins
from ..evaluation.runners.resumable_rows import read_done, run_id
from ..io.datasets.base import read_questions, read_twin_scenes


def run(args: Namespace) -> int:
    other = read_result(args.against) if args.against else None
    twins = read_twin_scenes(args.scenes)
    questions = read_questions(args.queries)[: args.limit]
    for question in questions:
        if question.scene not in twins:
            raise DatasetError(f"{question.where}: unknown scene {question.scene!r}; {args.scenes} does not have it")
        ids = {i.id for i in twins[question.scene].instances}
        if unknown := {*question.target_ids, *(question.destination_ids or ())} - ids:
            raise DatasetError(f"{question.where}: target id {min(unknown)} is not in the twin of {question.scene}")
    mark = {"run": run_id(args)}
    if args.resume and not args.rows:
        raise DatasetError("--resume goes on with a rows file; name it with --rows FILE")
    done = read_done(args.rows, mark["run"], questions) if args.resume else []
    with Output(args.json, args.rows, len(questions), done=len(done)) as output:
        result = evaluate_twins(twins, questions, asker_of(args), lambda row: output.row(row | mark), done, args.seed)
        if other is not None:
            result["against"] = {"file": str(args.against)} | compare(result["questions"], other, args.seed)
        output.result({"scenes": str(args.scenes), "model": args.model, "made": provenance(args)} | result)
        if other is not None:
            print("\n" + compare_table(result["against"], "this run", args.against))
    return 0
