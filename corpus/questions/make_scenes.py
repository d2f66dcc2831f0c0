"""Writes the scenes of the batches: `python corpus/questions/make_scenes.py FOLDER`, one file a batch.

Batches are split by layout: those to train on have scenes of the layouts to train on, and so on.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from random import Random

from fastreasonseg_ros.training.student.scenes.generate import layout_scene
from fastreasonseg_ros.training.student.scenes.loading import load_layouts, load_splits
from fastreasonseg_ros.twin.serialization import twin_to_dict

SPLITS = {"train": range(0, 17), "validation": range(17, 19), "held_out": range(19, 21)}
A_BATCH = 80
SIZES = (5, 18)  # things of a scene


def main(folder: Path) -> int:
    layouts, splits = load_layouts(), load_splits()
    folder.mkdir(parents=True, exist_ok=True)
    for split, batches in SPLITS.items():
        names = sorted(name for name, its in splits.items() if its == split)
        for batch in batches:
            rng = Random(f"questions {batch}")
            with (folder / f"q{batch:02}.scenes.jsonl").open("w") as file:
                order = [name for _ in range(-(-A_BATCH // len(names)) * 2) for name in rng.sample(names, len(names))]
                count = 0
                for name in order:
                    scene = layout_scene(rng, layouts[name])
                    if count == A_BATCH or not SIZES[0] <= len(scene.twin.instances) <= SIZES[1]:
                        continue
                    row = {"scene": f"q{batch:02}_{count:02}", "layout": name, "twin": twin_to_dict(scene.twin)}
                    file.write(json.dumps(row, separators=(",", ":")) + "\n")
                    count += 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
