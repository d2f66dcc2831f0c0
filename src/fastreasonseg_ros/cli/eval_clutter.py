"""`fastreasonseg eval-clutter`: compares the segmenters planes, network and both on the same pictures.

Input is simulated clutter that the network was not trained on, by arrangement, or a data set that annotates every
object.
"""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
from jaxtyping import UInt16
from tqdm import tqdm

from ..errors import DatasetError
from ..evaluation.benchmark.machine import machine
from ..evaluation.metrics.intervals import ratio_interval
from ..evaluation.metrics.segmentation import SegmentationScore, mean_score, score_segmentation
from ..evaluation.reports.outputs import write_result
from ..evaluation.reports.provenance import provenance
from ..io.datasets import open_dataset
from ..perception import make_perceiver
from ..pipeline import observe
from ..simulation.rendering.depth_noise import SENSORS
from ..simulation.scenes.clutter import ARRANGEMENTS, make_clutter, random_look
from ..twin.types import DigitalTwin, Frame

FIRST_SEED = 820_000  # training's are 200,000 and on
SIZE = (640, 480)
Picture = tuple[str, Frame, UInt16[np.ndarray, "h w"]]


def run(args: Namespace) -> int:
    perceivers = {
        name: make_perceiver("tabletop", None, ["names=false", f"segmenter={name}", *args.perception_set])
        for name in args.segmenters
    }
    scores: dict[str, dict[str, list[SegmentationScore]]] = {name: {} for name in perceivers}
    took_ms: dict[str, list[float]] = {name: [] for name in perceivers}
    total = None if args.dataset else 2 * args.seeds * len(ARRANGEMENTS)
    pictures = annotated(args.dataset) if args.dataset else simulated(args.seeds)
    for kind, frame, truth in tqdm(pictures, total=total, unit="picture"):
        for name, perceiver in perceivers.items():
            start = time.perf_counter()
            twin = observe(DigitalTwin(image_size=frame.image_size), frame, perceiver)
            took_ms[name].append(1000 * (time.perf_counter() - start))
            assert twin.ids is not None
            scores[name].setdefault(kind, []).append(score_segmentation(twin.ids, truth))
    result: dict[str, Any] = {"segmenters": {}, "machine": machine(), **provenance(args)}
    for name, kinds in scores.items():
        everything = [score for some in kinds.values() for score in some]
        values = [score.overlap_f for score in everything]
        result["segmenters"][name] = {
            "all": asdict(mean_score(everything)) | {"pictures": len(everything)},
            "interval_overlap_f": ratio_interval(values, [1.0] * len(values), range(len(values))),
            "p50_ms": float(np.median(took_ms[name])),
            "kinds": {kind: asdict(mean_score(some)) | {"pictures": len(some)} for kind, some in kinds.items()},
        }
    text = markdown(result)
    write_result(args, result, text)
    print(text, end="")
    return 0


def simulated(scenes: int) -> Iterator[Picture]:
    """Renders `scenes` scenes of every arrangement, each from one view per kind of sensor."""
    for number, arrangement in enumerate(ARRANGEMENTS):
        for seed in range(FIRST_SEED + 1000 * number, FIRST_SEED + 1000 * number + scenes):
            rng = np.random.default_rng([seed, 42])
            with make_clutter(seed, arrangement, SIZE) as scene:
                for sensor in sorted(SENSORS):
                    scene.look(random_look(rng, SIZE))
                    frame = scene.render(sensor)
                    assert frame.truth is not None
                    yield arrangement, frame, frame.truth.ids


def annotated(path: str) -> Iterator[Picture]:
    """(kind, frame, truth) of the last frame of every scene; the kind is the scene's name without its number.

    Raises DatasetError if the data set does not annotate every object.
    """
    dataset = open_dataset(path)
    dataset.check_perceiver("tabletop")
    if dataset.truth != "all":
        raise DatasetError(f"{path}: {dataset.format} does not annotate every object, which measuring them needs")
    for name in dataset.scene_names:
        scene = dataset.scene(name)
        frame = scene.frame(scene.numbers[-1])
        truth = scene.truth_ids(scene.numbers[-1])
        if truth is not None:
            yield name.rstrip("0123456789-_") or "all", frame, truth


def markdown(result: dict[str, Any]) -> str:
    """One line per segmenter, then by kind: Overlap F, and the share of objects with F >= 0.75."""
    rows = result["segmenters"]
    lines = [
        "| segmenter | Overlap F | Boundary F | objects with F >= 0.75 | p50, ms |",
        "|---|---|---|---|---|",
    ]
    for name, row in rows.items():
        cells = " | ".join(f"{row['all'][k]:.3f}" for k in ("overlap_f", "boundary_f", "share75"))
        lines.append(f"| {name} | {cells} | {row['p50_ms']:.0f} |")
    lines += ["", "| Overlap F / F >= 0.75 | pictures | " + " | ".join(rows) + " |", "|---|---|" + "---|" * len(rows)]
    first = next(iter(rows.values()))
    for kind, score in first["kinds"].items():
        some = [row["kinds"][kind] for row in rows.values()]
        cells = " | ".join(f"{one['overlap_f']:.3f} / {one['share75']:.3f}" for one in some)
        lines.append(f"| {kind} | {score['pictures']} | {cells} |")
    m = result["machine"]
    lines.append(f"\n{first['all']['pictures']} pictures; {m['cores']} cores of {m['cpu']}; `{result['command']}`\n")
    return "\n".join(lines)
