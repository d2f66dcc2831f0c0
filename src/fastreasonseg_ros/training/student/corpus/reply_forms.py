"""`fastreasonseg train forms`: converts rollouts to other reply forms, to train baselines of the plan form.

Input and output are rollout files for `train sft`. `ids`: the prompt has positions and sizes, and the completion is the
reason and the right ids. `results`: two turns per question, the plan, and then, with the results of its steps (executed
here), the ids of the last step.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ....errors import DatasetError, MissingDataError, PlanError
from ....plan.executor import execute
from ....plan.parser import parse_rollout
from ....plan.run import Meaning
from ....reasoning import make_word_meaning
from ....reasoning.prompting.reply_forms import ids_scene_text, results_turn
from ....twin.serialization import twin_from_dict
from ....twin.types import DigitalTwin

FORMS = ("ids", "results")


def in_form(row: Mapping[str, Any], form: str, meaning: Meaning | None = None) -> dict[str, Any]:
    """One line of rollouts in that form; questions whose plan cannot be executed on the twin are left out.

    A question's `after` stands between its prompt and its completion.
    """
    twin = twin_from_dict(row["twin"], "twin")
    text = ids_scene_text(twin) if form == "ids" else row["text"]
    of = _ids if form == "ids" else _results
    return {**row, "text": text, "questions": [made for q in row["questions"] for made in of(q, twin, meaning)]}


def _ids(question: Mapping[str, Any], twin: DigitalTwin, meaning: Meaning | None) -> list[dict[str, Any]]:
    reason = question["completion"].partition("\n")[0]
    return [{**question, "completion": f"{reason}\n{_named(question['target_ids'])}"}]


def _results(question: Mapping[str, Any], twin: DigitalTwin, meaning: Meaning | None) -> list[dict[str, Any]]:
    try:
        plan = parse_rollout(question["completion"]).plan
        if not plan.steps:
            return [dict(question)]
        execution = execute(plan, twin, meaning)
    except (PlanError, MissingDataError):
        return []
    after = question["completion"] + results_turn(execution.trace, twin)
    return [dict(question), {**question, "after": after, "completion": _named(execution.ids)}]


def _named(ids) -> str:
    return ", ".join(map(str, ids)) or "none"


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="fastreasonseg train forms", description=__doc__)
    parser.add_argument("--form", choices=FORMS, required=True)
    parser.add_argument("rollouts", type=Path, help="made by `train data` or `train teach`")
    parser.add_argument("out", type=Path)
    args = parser.parse_args(argv)
    if not args.rollouts.exists():
        raise DatasetError(
            f"{args.rollouts} is not there: make it with `fastreasonseg train data --out {args.rollouts}`"
        )
    meaning = make_word_meaning() if args.form == "results" else None
    half = args.out.with_suffix(".half")
    try:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        with args.rollouts.open(encoding="utf-8") as source, half.open("w", encoding="utf-8") as target:
            for number, line in enumerate(tqdm(source, unit="scene"), 1):
                try:
                    made = in_form(json.loads(line), args.form, meaning)
                except (ValueError, KeyError, TypeError, AttributeError) as error:
                    raise DatasetError(f"{args.rollouts}:{number} is no rollout line ({error}); delete it") from error
                target.write(json.dumps(made, separators=(",", ":")) + "\n")
        half.replace(args.out)
    except OSError as error:
        raise DatasetError(f"{args.out}: cannot be written ({error.strerror}); free some disk space") from error
    return 0
