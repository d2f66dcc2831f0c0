"""Chooses what a student gets wrong from a rollout file: prompts for `train grpo` whose samples differ in worth.

    fastreasonseg train data --seed 301 --scenes 500 --run-time-hints --out ROLLOUTS --dataset FOLDER
    fastreasonseg eval-students --config CONFIG ...      # on FOLDER; writes DIR/STUDENT/SET.rows.jsonl
    python scripts/hard_questions.py ROLLOUTS ROWS OUT   # all that are wrong there, and as many that are right

A student that is right nine times in ten has little to learn from a question by chance: all its samples are worth the
same. The right ones are kept so that what it can do is rewarded too.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from random import Random

from fastreasonseg_ros.errors import DatasetError
from fastreasonseg_ros.io.files import read_jsonl


def choose(rollouts: list[dict], rows: list[dict], per_wrong: float, seed: int) -> list[dict]:
    """Rollout lines with the questions that `rows` says are wrong, and per_wrong times as many right ones by chance.

    rows: as eval-students writes them (`scene`, `text`, `exact`). Questions that no row speaks of are left out.
    """
    exact = {(row["scene"], row["text"]): row["exact"] for row in rows}
    wrong = {key for key, right in exact.items() if not right}
    right = sorted(key for key, value in exact.items() if value)
    kept = wrong | set(Random(seed).sample(right, min(len(right), round(per_wrong * len(wrong)))))
    lines = []
    for line in rollouts:
        questions = [q for q in line["questions"] if (line["scene"], q["text"]) in kept]
        if questions:
            lines.append({**line, "questions": questions})
    Random(seed).shuffle(lines)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rollouts", type=Path)
    parser.add_argument("rows", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--right", type=float, default=1.0, help="right questions to each wrong one")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    try:
        rollouts, rows = ([line for _, line in read_jsonl(path)] for path in (args.rollouts, args.rows))
    except DatasetError as error:
        raise SystemExit(f"hard_questions: {error}") from error
    lines = choose(rollouts, rows, args.right, args.seed)
    args.out.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))
    print(f"{args.out}: {sum(len(line['questions']) for line in lines)} questions in {len(lines)} scenes")


if __name__ == "__main__":
    main()
