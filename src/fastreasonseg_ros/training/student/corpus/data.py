"""`fastreasonseg train data`: generates rollouts, each executed on its twin, one JSON line per scene.

A line holds the twin, its text in the prompt, and questions with hint, completion, and the ids of the executed
completion and of each of its steps (`like` by the knowledge table). Line n depends on the seed and n only, so that an
incomplete file can be resumed. `--people FOLDER` adds questions that people wrote (corpus/questions), with hints as at
run time, after the generated ones, `--widen N` N times the same about other things of the same kinds (widening.py), and
`--samples FILE` what a student drew for such questions where it was right sometimes, but not always. `train sft` mixes
them.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from tqdm import tqdm

from ....reasoning.prompting.prompt import scene_text
from ....reasoning.protocol import Hint
from ....reasoning.word_meaning.nouns import Noun, load_nouns
from ....twin.serialization import twin_to_dict
from ....twin.types import DigitalTwin
from ..questions import english
from ..questions.draw import Question, make_question
from ..questions.scenes import packaging, places, random_twin
from ..scenes.generate import random_scene
from .people import read_people
from .people_rows import people_rows, sample_rows, widened_rows

HELD_OUT_PLACES = ("camping", "hospital", "beach")
_HINT_DROPOUT = 0.1


def split(nouns: Mapping[str, Noun], held_out: bool) -> Mapping[str, Noun]:
    """The nouns of the training split, or the held-out ones."""
    return {k: n for k, n in nouns.items() if english.is_held_out("noun " + k) == held_out}


def scenes(
    seed: int, start: int, count: int, held_out: bool, per_scene: int, source: str = "random"
) -> Iterator[tuple[int, DigitalTwin, list[Question]]]:
    """(line number, twin, questions) for lines start..count-1. source: random twins, or those of written layouts."""
    table = load_nouns()
    nouns = split(table, held_out)
    by_place = places(nouns if not held_out else table)
    names = [p for p in by_place if (p in HELD_OUT_PLACES) == held_out]
    boxes = packaging(nouns)
    for line in range(start, count):
        rng = Random(f"{seed} {line} {held_out}")
        if source == "layouts":
            twin = random_scene(rng, "held_out" if held_out else "train").twin
        else:
            pool = by_place[rng.choice(names)] if rng.random() < 0.8 else list(nouns.values())
            if held_out and rng.random() < 0.7:
                pool = list(nouns.values())
            twin = random_twin(rng, pool, boxes)
        questions: dict[str, Question] = {}
        for _ in range(per_scene * 6):
            question = make_question(rng, twin, table if held_out else nouns, held_out)
            if question is not None and question.family not in {q.family for q in questions.values()}:
                questions.setdefault(question.text, question)
            if len(questions) == per_scene:
                break
        yield line, twin, list(questions.values())


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="fastreasonseg train data", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out/train/rollouts.jsonl"))
    parser.add_argument("--scenes", type=int, default=10_000, help="lines to write")
    parser.add_argument(
        "--scene-source",
        choices=("random", "layouts"),
        default="random",
        help="random: things strewn about; layouts: rooms, tables and streets as they are (training/student/scenes)",
    )
    parser.add_argument("--per-scene", type=int, default=5, help="questions about one scene, at most")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--held-out", action="store_true", help="unseen nouns, forms and places, to measure with")
    parser.add_argument("--run-time-hints", action="store_true", help="hints as the reasoner gives them, none left out")
    parser.add_argument("--people", type=Path, help="also the questions of this folder, for example corpus/questions")
    parser.add_argument(
        "--people-split", choices=("train", "validation", "held_out"), default="train", help="which of them"
    )
    parser.add_argument("--widen", type=int, default=0, metavar="N", help="N times also with other nouns and colours")
    parser.add_argument("--samples", type=Path, help="also the right ones of `train samples` for questions of --people")
    parser.add_argument("--dataset", type=Path, help="also write DIR/scenes.jsonl and queries.jsonl, for eval-twins")
    args = parser.parse_args(argv)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    from .hints import HintIndex

    index = HintIndex()
    start = _complete_lines(args.out)
    with args.out.open("a", encoding="utf-8") as file:
        lines = scenes(args.seed, start, args.scenes, args.held_out, args.per_scene, args.scene_source)
        for line, twin, questions in tqdm(lines, initial=start, total=args.scenes, unit="scene"):
            rng = Random(f"hints {args.seed} {line}")
            labels = list(dict.fromkeys(i.label for i in twin.instances))
            glosses, dropout = (True, 0.0) if args.run_time_hints else (rng.random() < 0.5, _HINT_DROPOUT)
            hints = index.hints([q.text for q in questions], labels, glosses)
            rows = [
                {
                    "text": q.text,
                    **(Hint() if rng.random() < dropout else hint)._asdict(),
                    "completion": q.rollout.short(),
                    "target_ids": list(q.target_ids),
                    "category": q.category,
                    "level": q.level,
                    "family": q.family,
                    "steps": [list(ids) for ids in q.steps],
                }
                for q, hint in zip(questions, hints, strict=True)
            ]
            row = {"scene": f"s{line}", "text": scene_text(twin), "twin": twin_to_dict(twin), "questions": rows}
            file.write(json.dumps(row, separators=(",", ":")) + "\n")
        for row in _further(args, max(0, start - args.scenes)):
            file.write(json.dumps(row, separators=(",", ":")) + "\n")
    if args.dataset:
        export(args.out, args.dataset)
    return 0


def _further(args: argparse.Namespace, skip: int) -> Iterator[dict[str, Any]]:
    """What follows the generated lines, without the first `skip`."""
    if args.people:
        yield from people_rows(args.people, args.people_split, skip)
        skip = max(0, skip - sum(1 for _ in read_people(args.people, args.people_split)))
        if args.widen:
            nouns = split(load_nouns(), held_out=args.people_split == "held_out")
            widened = list(widened_rows(args.people, args.people_split, args.widen, args.seed, nouns))
            yield from widened[skip:]
            skip = max(0, skip - len(widened))
    if args.samples:
        yield from islice(sample_rows(args.samples, args.people or Path("corpus/questions")), skip, None)


def export(rollouts: Path, folder: Path) -> None:
    """Writes the scenes and questions of a rollout file in the format of eval-twins."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "scenes.jsonl").open("w") as scene_file, (folder / "queries.jsonl").open("w") as query_file:
        for line in rollouts.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            scene_file.write(json.dumps({"scene": row["scene"], "twin": row["twin"]}) + "\n")
            for question in row["questions"]:
                keys = ("text", "target_ids", "category", "level", "family")
                query_file.write(json.dumps({"scene": row["scene"], **{k: question[k] for k in keys}}) + "\n")


def _complete_lines(path: Path) -> int:
    """Number of complete lines; an incomplete last one is cut off."""
    if not path.exists():
        return 0
    data = path.read_bytes()
    complete = data[: data.rfind(b"\n") + 1]
    if len(complete) != len(data):
        path.write_bytes(complete)
    return complete.count(b"\n")
