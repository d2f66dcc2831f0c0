"""`fastreasonseg train samples`: plans that a student draws for people's questions, each executed on its twin.

Known ids are enough, so that questions without a written plan serve too (wishes.jsonl.gz). A line holds a question, and
its samples with what each gives and whether that is right; the likeliest text (`first`: what is answered where nothing
is chosen) is one of them; equal samples are one, with their number. `train data --samples` makes rollouts of the right
ones (expert iteration), `train choice` fits how to choose among them. An interrupted run goes on with the next scene.
"""

from __future__ import annotations

import argparse
import json
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ....config import load_config
from ....errors import DatasetError, MissingDataError, PlanError
from ....plan.executor import execute_closest
from ....reasoning import make_word_meaning
from ....reasoning.confidence import evidence
from ....reasoning.language_models.openvino import OpenVinoConfig, OpenVinoModel
from ....reasoning.planner import Planner
from ....reasoning.protocol import Scored, WordMeaning
from ....twin.types import DigitalTwin
from .people import destination_ids, read_people

AT_ONCE = 8  # questions decoded in one batch


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="fastreasonseg train samples", description=__doc__)
    parser.add_argument("--people", type=Path, default=Path("corpus/questions"), help="their folder (%(default)s)")
    parser.add_argument(
        "--of", choices=("wishes", "train", "validation"), default="wishes", help="which questions (%(default)s)"
    )
    parser.add_argument("--out", type=Path, default=Path("out/train/samples.jsonl"))
    parser.add_argument("--count", type=int, default=8, help="samples a question (%(default)s)")
    parser.add_argument("--temperature", type=float, default=0.8, help="(%(default)s)")
    parser.add_argument("--scenes", type=int, help="only the first N scenes")
    parser.add_argument("--per-scene", type=int, help="only the first N questions of each")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="settings of the model, as adapter=FOLDER")
    args = parser.parse_intermixed_args(argv)
    config = load_config(OpenVinoConfig, None, ["context_tokens=32768", *args.overrides])
    meaning = make_word_meaning()
    planner = Planner(OpenVinoModel(config), meaning)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    done = _finished_scenes(args.out)
    tally: Counter[str] = Counter()
    with args.out.open("a", encoding="utf-8") as file:
        found = list(read_people(args.people, args.of))[: args.scenes]
        for scene, twin, lines in tqdm(found, unit="scene"):
            if scene in done:
                continue
            rows = sampled(planner, meaning, scene, twin, lines[: args.per_scene], args.count, args.temperature)
            for row in rows:
                tally["questions"] += 1
                tally["some right"] += any(s["right"] for s in row["samples"])
                tally["likeliest right"] += row["samples"][0]["right"]
            file.write(json.dumps({"scene": scene, "questions": rows}, separators=(",", ":")) + "\n")
            file.flush()
    print(dict(tally))
    return 0


def sampled(
    planner: Planner,
    meaning: WordMeaning,
    scene: str,
    twin: DigitalTwin,
    lines: Sequence[Mapping[str, Any]],
    count: int,
    temperature: float,
) -> list[dict[str, Any]]:
    """A row a question, its different samples likeliest first; each as one question, also where it is a command."""
    model = planner.model
    assert isinstance(model, OpenVinoModel)
    rows = []
    for start in range(0, len(lines), AT_ONCE):
        part = lines[start : start + AT_ONCE]
        prompts = [planner.prompt(line["text"], twin) for line in part]
        grammars = [planner.grammar(line["text"], twin) for line in part]
        seed = zlib.crc32(f"{scene} {start}".encode())
        firsts = model.sample_batch(prompts, grammars, 1, 0.0)
        replies = model.sample_batch(prompts, grammars, count, temperature, seed)
        for line, first, drawn in zip(part, firsts, replies, strict=True):
            hint = meaning.hint(line["text"], tuple(dict.fromkeys(i.label for i in twin.instances)))
            row = {"text": line["text"], **hint._asdict(), "target_ids": line["ids"], "category": line["category"]}
            if ids := destination_ids(line):
                row["destination_ids"] = ids
            numbers = Counter(reply.text for reply in (*first, *drawn))
            different = {reply.text: reply for reply in (*drawn, *first)}.values()
            likeliest = sorted(different, key=lambda reply: -(reply.log_probability or 0.0))
            row["samples"] = [
                _judged(planner, reply, numbers[reply.text], line, twin) | {"first": reply is first[0]}
                for reply in likeliest
            ]
            rows.append(row)
    return rows


def _judged(planner: Planner, reply: Scored, number: int, line: Mapping[str, Any], twin: DigitalTwin) -> dict[str, Any]:
    """The sample as executed at run time; evidence: of reasoning/confidence.py, None where it cannot be executed."""
    ids: tuple[int, ...] = ()
    destination: tuple[int, ...] = ()
    steps: list[list[int]] = []
    right, known = False, None
    try:
        rollout = planner.read(reply.text, line["text"], twin)
        execution = execute_closest(rollout.plan, twin, planner.meaning)
        ids, steps = execution.ids, [list(step.ids) for step in execution.trace]
        known = evidence(replace(rollout, log_probability=reply.log_probability), execution)
        destination = execution.commands[0].destination_ids if execution.commands else ()
        right = set(ids) == set(line["ids"]) and (set(destination) == set(destination_ids(line) or destination))
    except (PlanError, MissingDataError):  # as at run time: no answer
        pass
    score = round(reply.log_probability, 3) if reply.log_probability is not None else None
    return {
        "completion": reply.text,
        "number": number,
        "log_probability": score,
        "ids": list(ids),
        "destination_ids": list(destination),
        "steps": steps,
        "right": right,
        "evidence": known,
    }


def _finished_scenes(path: Path) -> set[str]:
    """Scenes of the complete lines; an incomplete last one is cut off. Raises DatasetError."""
    if not path.exists():
        return set()
    data = path.read_bytes()
    complete = data[: data.rfind(b"\n") + 1]
    if len(complete) != len(data):
        path.write_bytes(complete)
    try:
        return {json.loads(line)["scene"] for line in complete.splitlines()}
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"{path}: is no file of samples ({error!r}); move it away") from error
