"""People's questions as lines of a rollout file, with hints as at run time (see data.py)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from tqdm import tqdm

from ....io.files import read_jsonl
from ....reasoning import make_word_meaning
from ....reasoning.prompting.prompt import scene_text
from ....reasoning.protocol import WordMeaning
from ....reasoning.word_meaning.nouns import Noun, load_nouns
from ....twin.serialization import twin_to_dict
from ....twin.types import DigitalTwin
from .people import PeoplesQuestion, read_people, taught
from .widening import alike, exchange, widened


def people_rows(folder: Path, split: str, skip: int = 0) -> Iterator[dict[str, Any]]:
    """A line a scene of people's questions whose chains are right as executed here. skip: lines done before."""
    meaning = make_word_meaning()
    written = kept = 0
    for name, twin, lines in tqdm(read_people(folder, split), unit="scene", desc=f"{folder} {split}", mininterval=5):
        taught_here = _taught(lines, twin, meaning)
        written, kept = written + len(lines), kept + sum(whole for _, whole in taught_here)
        if skip > 0:
            skip -= 1
            continue
        yield _row(name, twin, taught_here, meaning, "people")
    print(f"{folder}: {kept} of {written} questions kept; the chains of the others are not right as executed here")


def widened_rows(
    folder: Path, split: str, times: int, seed: int, nouns: Mapping[str, Noun]
) -> Iterator[dict[str, Any]]:
    """A line for each scene and time in which some question could be asked about other things; see widening.py.

    nouns: that may be used for others.
    """
    meaning, table = make_word_meaning(), load_nouns()
    others = alike(table, nouns)
    for number in range(times):
        for name, twin, lines in tqdm(read_people(folder, split), unit="scene", desc="widened", mininterval=5):
            new = exchange(twin, table, others, Random(f"{seed} {number} {name}"))
            there, kept = widened(twin, lines, new, meaning)
            if taught_here := _taught(kept, there, meaning):
                yield _row(f"{name} widened {number}", there, taught_here, meaning, "people, widened")


def _taught(
    lines: Sequence[Mapping[str, Any]], twin: DigitalTwin, meaning: WordMeaning
) -> list[tuple[PeoplesQuestion, bool]]:
    """What the lines teach; True for a question as it was written, False for an end of its command."""
    return [(question, n == 0) for line in lines for n, question in enumerate(taught(line, twin, meaning))]


def _row(
    name: str,
    twin: DigitalTwin,
    taught_here: Sequence[tuple[PeoplesQuestion, bool]],
    meaning: WordMeaning,
    family: str,
) -> dict[str, Any]:
    labels = list(dict.fromkeys(i.label for i in twin.instances))
    questions = [
        {
            "text": q.text,
            **meaning.hint(q.text, labels)._asdict(),
            "completion": q.rollout.short(),
            "target_ids": list(q.ids),
            "category": q.category,
            "level": q.level,
            "family": family if whole else f"{family}: noun phrase",
            "steps": [list(ids) for ids in q.steps],
        }
        for q, whole in taught_here
    ]
    return {"scene": name, "text": scene_text(twin), "twin": twin_to_dict(twin), "questions": questions}


def sample_rows(samples: Path, folder: Path) -> Iterator[dict[str, Any]]:
    """A line a scene of the samples: each question of which some are right and some wrong, with the right one that was
    drawn most often, of equals the likeliest.
    """
    drawn = {row["scene"]: row["questions"] for _, row in read_jsonl(samples)}
    for name, twin, _ in read_people(folder, "wishes"):
        questions = []
        for row in drawn.get(name, ()):
            right = [sample for sample in row["samples"] if sample["right"]]
            if not right or len(right) == len(row["samples"]):
                continue
            best = max(right, key=lambda sample: sample["number"])
            asked = {k: row[k] for k in ("text", "near", "far", "target_ids", "category")}
            questions.append(
                asked | {"completion": best["completion"], "level": 0, "family": "samples", "steps": best["steps"]}
            )
        if questions:
            yield {"scene": name, "text": scene_text(twin), "twin": twin_to_dict(twin), "questions": questions}
