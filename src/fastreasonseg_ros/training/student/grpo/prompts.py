"""Prompts for GRPO from rollouts of `train data` or `train teach`, and selection of those with a gradient."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

from tqdm import tqdm

from ....errors import DatasetError
from ....plan.operators import LANGUAGE_VERSION
from ....plan.parser import parse_rollout
from ....reasoning.prompting.prompt import question_turn, scene_turn
from ....reasoning.prompting.reply_forms import plan_grammar
from ....twin.serialization import twin_from_dict, twin_from_json
from ..corpus.hints import hint_of

Example = dict[str, object]  # prompt, twin (JSON), target_ids, teacher, question


def read_examples(path: Path) -> list[Example]:
    """Reads one example per question. Raises DatasetError naming an invalid line, also an incomplete last one."""
    if not path.exists():
        raise DatasetError(f"{path} is not there: make it with `fastreasonseg train data --out {path}`")
    examples: list[Example] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
            twin_from_dict(row["twin"], f"{path}:{number}")
            twin = json.dumps(row["twin"])
            for q in row["questions"]:
                parse_rollout(q["completion"])
                examples.append(
                    {
                        "prompt": scene_turn(row["text"]) + question_turn(q["text"], hint_of(q)),
                        "twin": twin,
                        "target_ids": [int(i) for i in q["target_ids"]],
                        "teacher": str(q["completion"]),
                        "question": str(q["text"]),
                    }
                )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DatasetError(
                f"{path}:{number} is no rollout line ({error!r}): delete that line; if it is the last, the same "
                "`train data` or `train teach` command goes on there"
            ) from error
    if not examples:
        raise DatasetError(f"{path} has no questions: run `fastreasonseg train data --out {path}` again")
    return examples


def choose(examples: Sequence[Example], count: int, seed: int) -> list[Example]:
    """`count` random examples in their order; all for 0."""
    if not count or count >= len(examples):
        return list(examples)
    return [examples[n] for n in sorted(Random(f"grpo {seed}").sample(range(len(examples)), count))]


class Grammars(dict):
    """prompt -> EBNF of its twin and question in a version of the plan language, made when it is asked for."""

    def __init__(self, examples: Sequence[Example], language: int = LANGUAGE_VERSION) -> None:
        super().__init__()
        self._language = language
        self._asked = {str(e["prompt"]): (str(e["twin"]), str(e["question"])) for e in examples}

    def __missing__(self, prompt: str) -> str:
        twin, question = self._asked[prompt]
        self[prompt] = plan_grammar(twin_from_json(twin), question, language=self._language)
        return self[prompt]


def informative(
    examples: Sequence[Example],
    totals: Callable[[Sequence[Example]], list[list[float]]],
    kept_file: Path,
    settings: dict[str, object],
    chunk: int,
) -> list[Example]:
    """The examples whose samples from the start policy differ in reward; the others have no gradient.

    totals: function giving the total rewards of some samples of each example. kept_file: cache with a line of
    `settings`, then one line per sampled example; an interrupted run resumes after its last complete line.
    """
    head = json.dumps({"settings": settings})
    lines = kept_file.read_text().splitlines(keepends=True) if kept_file.exists() else []
    lines = [line for line in lines if line.endswith("\n")]
    if not lines or lines[0] != head + "\n":
        lines = [head + "\n"]
    kept_file.write_text("".join(lines))
    with kept_file.open("a") as file, tqdm(total=len(examples), unit="prompt", desc="filter") as bar:
        while (done := len(lines) - 1) < len(examples):
            bar.update(done - bar.n)
            for rewards in totals(examples[done : done + chunk]):
                lines.append(json.dumps([round(r, 4) for r in rewards]) + "\n")
                file.write(lines[-1])
            file.flush()
        bar.update(len(examples) - bar.n)
    kept = [e for e, line in zip(examples, lines[1:], strict=False) if len(set(json.loads(line))) > 1]
    print(f"filter: {len(kept)} of {len(examples)} prompts have samples of different worth")
    return kept
