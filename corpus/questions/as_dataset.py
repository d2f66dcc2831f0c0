"""Writes a split as a data set for `fastreasonseg eval-twins`: `python corpus/questions/as_dataset.py SPLIT FOLDER`.

Commands with several places have the destination of the first.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from fastreasonseg_ros.training.student.corpus.people import destination_ids, read_people
from fastreasonseg_ros.twin.serialization import twin_to_dict

HERE = Path(__file__).parent


def main(split: str, folder: Path, corpus: Path = HERE) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "scenes.jsonl").open("w") as scenes, (folder / "queries.jsonl").open("w") as queries:
        for scene, twin, lines in read_people(corpus, split):
            scenes.write(json.dumps({"scene": scene, "twin": twin_to_dict(twin)}) + "\n")
            for line in lines:
                row = {"scene": scene, "target_ids": line["ids"]}
                row |= {key: line[key] for key in ("text", "category", "level", "batch")}
                if ids := destination_ids(line):
                    row["destination_ids"] = ids
                queries.write(json.dumps(row) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], *map(Path, sys.argv[2:4])))
