"""Checks judgements of word meaning: `python corpus/word_meaning/check.py [FILE]`, exit status 1 where a line is wrong.

A line of the file (JSON lines, gzip): {"phrase", "kind", "batch", "split", "yes": [...], "no": [...]}; see README.md.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("judgements.jsonl.gz")
KINDS = (
    "", "brand", "category", "material", "need", "occasion", "owner", "part", "place", "property", "state", "story",
    "synonym", "use",
)  # fmt: skip
LEAST = 5  # labels on either side
WORDS = 6  # in a label


def split_of(phrase: str) -> str:
    """The split of a phrase, by its hash: a tenth is held out, a tenth for validation, the rest to train on."""
    part = int(hashlib.sha256(phrase.lower().encode()).hexdigest(), 16) % 20
    return "held_out" if part < 2 else "validation" if part < 4 else "train"


def read(path: Path = FILE) -> Iterator[dict[str, Any]]:
    """The judgements of a file, in its order."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def faults(row: Mapping[str, Any]) -> list[str]:
    """What is wrong with one judgement; nothing where it is right."""
    found = []
    if row["kind"] not in KINDS:
        found.append(f"unknown kind {row['kind']!r}")
    if row["split"] != split_of(row["phrase"]):
        found.append(f"split {row['split']} must be {split_of(row['phrase'])}")
    labels = {side: [label.lower() for label in row[side]] for side in ("yes", "no")}
    for side, words in labels.items():
        if len(words) < LEAST:
            found.append(f"{side} has {len(words)} labels, at least {LEAST}")
        if len(set(words)) < len(words):
            found.append(f"{side} has a label twice")
        found += [f"label {w!r} has no or over {WORDS} words" for w in words if not 1 <= len(w.split()) <= WORDS]
    if both := set(labels["yes"]) & set(labels["no"]):
        found.append(f"on both sides: {', '.join(sorted(both))}")
    return found


def main(path: Path = FILE) -> int:
    """Prints faults and counts."""
    rows = list(read(path))
    wrong = 0
    for number, row in enumerate(rows, 1):
        for fault in faults(row):
            print(f"{path}:{number}: {row['phrase']!r}: {fault}")
            wrong += 1
    for phrase, count in Counter(row["phrase"].lower() for row in rows).items():
        if count > 1:
            print(f"{path}: {phrase!r} stands {count} times")
            wrong += 1
    labels = {label.lower() for row in rows for side in ("yes", "no") for label in row[side]}
    pairs = sum(len(row["yes"]) + len(row["no"]) for row in rows)
    splits = ", ".join(f"{name} {count}" for name, count in sorted(Counter(r["split"] for r in rows).items()))
    print(f"{len(rows)} phrases ({splits}), {pairs} judgements, {len(labels)} distinct labels, {wrong} faults")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:2])))
