"""`fastreasonseg eval-places`: segmentation on floors and shelves, in bins, and without a support surface."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from ..errors import ConfigError
from ..evaluation.benchmark.machine import machine
from ..evaluation.metrics.intervals import ratio_interval
from ..evaluation.metrics.segmentation import SegmentationScore, mean_score, score_segmentation
from ..evaluation.reports.outputs import write_picture, write_result
from ..evaluation.reports.provenance import provenance
from ..evaluation.runners.backends import perceiver_of
from ..pipeline import observe
from ..simulation.scenes.places import PLACES, make_place
from ..twin.types import DigitalTwin
from ..visualization.overlay import draw_masks

FIRST_SEED = 500


def run(args: Namespace) -> int:
    names = args.places or list(PLACES)
    if unknown := [n for n in names if n not in PLACES]:
        raise ConfigError(f"there is no place {unknown[0]!r}; there are: {', '.join(PLACES)}")
    perceiver, size = perceiver_of(args), (args.width, args.width * 3 // 4)
    scores: dict[str, list[SegmentationScore]] = {name: [] for name in names}
    unexplained = 0  # scenes without instances and without a note why
    for name, seed in tqdm([(n, FIRST_SEED + k) for n in names for k in range(args.seeds)], unit="scene"):
        with make_place(name, seed, size) as scene:
            frame = scene.render("structured_light", 640 / size[0])
        twin = observe(DigitalTwin(image_size=frame.image_size), frame, perceiver)
        assert frame.truth is not None
        assert twin.ids is not None
        scores[name].append(score_segmentation(twin.ids, frame.truth.ids))
        unexplained += not twin.instances and not twin.note and bool(frame.truth.ids.any())
        if args.pictures:
            labels = {i.id: i.label for i in twin.instances}
            picture = draw_masks(frame.color, twin.ids, list(labels), labels)
            write_picture(Path(args.pictures) / f"{name.replace(' ', '-')}-{seed}.png", picture)
    result: dict[str, Any] = {
        "image_size": list(size),
        "perceiver": args.perception,
        "places": {name: asdict(mean_score(some)) | {"scenes": len(some)} for name, some in scores.items()},
        "empty_without_a_word": unexplained,
        "machine": machine(),
        **provenance(args),
    }
    everything = [score for some in scores.values() for score in some]
    values = [score.overlap_f for score in everything]
    result |= {"all": asdict(mean_score(everything)) | {"scenes": len(everything)}}
    result["interval_overlap_f"] = ratio_interval(values, [1.0] * len(values), range(len(values)))
    text = f"{markdown(result)}\n{_about(result)}\n"
    write_result(args, result, text)
    print(text, end="")
    return 0


def markdown(result: dict[str, Any]) -> str:
    """One line per place, then all."""
    lines = [
        "| place | scenes | Overlap F | precision | recall | objects with F >= 0.75 |",
        "|---|---|---|---|---|---|",
    ]
    for name, row in [*result["places"].items(), ("all", result["all"])]:
        cells: Sequence[float] = [row[k] for k in ("overlap_f", "overlap_precision", "overlap_recall", "share75")]
        lines.append(f"| {name} | {row['scenes']} | " + " | ".join(f"{c:.2f}" for c in cells) + " |")
    return "\n".join(lines) + "\n"


def _about(result: dict[str, Any]) -> str:
    m, (w, h) = result["machine"], result["image_size"]
    interval = result["interval_overlap_f"]
    between = f", 95 % interval of Overlap F {np.round(interval, 2).tolist()}" if interval else ""
    return (
        f"{result['all']['scenes']} simulated scenes, {w}x{h}{between}; empty without saying why: "
        f"{result['empty_without_a_word']}; perceiver {result['perceiver']}; {m['cores']} cores of {m['cpu']}; "
        f"`{result['command']}`"
    )
