"""`fastreasonseg eval-tracking`: ids, sizes and velocities over simulated clips; rendered once, then read from disk."""

from __future__ import annotations

import time
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from ..errors import ConfigError
from ..evaluation.benchmark.machine import machine
from ..evaluation.metrics.masks import percentiles
from ..evaluation.reports.outputs import write_result
from ..evaluation.reports.provenance import provenance
from ..evaluation.runners.tracking import ClipResult, figures, markdown, measure_clip
from ..evaluation.runners.tracking_clips import Clip, choose_clips, read_clip, without_truth
from ..perception import make_perceiver
from ..perception.protocol import Perceiver
from ..simulation.scenes.scenarios import SCENARIOS, SimulatedFrame
from ..twin.types import Frame, Perceived


def run(args: Namespace) -> int:
    if unknown := [s for s in args.scenarios or () if s not in SCENARIOS]:
        raise ConfigError(f"there is no scenario {unknown[0]!r}; there are: {', '.join(SCENARIOS)}")
    clips = choose_clips(args.clips, tuple(args.scenarios or ()), (args.width, args.width * 3 // 4))
    # Settings of the command line come last and override.
    own = ["ego_motion=true"] if args.perception == "tabletop" else []
    perceiver = Timed(make_perceiver(args.perception, args.perception_config, [*own, *args.perception_set]))
    perceiver.without_hints = args.perception == "oracle"
    results: list[ClipResult] = []
    how = {"image_size": list(clips[0].size), "perceiver": args.perception, "machine": machine(), **provenance(args)}
    text = ""
    for clip in tqdm(clips, unit="clip", dynamic_ncols=True):
        results.append(_measure(clip, perceiver, Path(args.cache), args.perception == "oracle"))
        # Written after every clip, so that an interrupted run leaves its results.
        result = {**how, **figures(results), "perception_ms": percentiles(perceiver.times_ms)}
        text = f"{markdown(result)}\n{_about(result)}\n"
        write_result(args, result, text)
    print(text, end="")
    return 0


class Timed:
    """Times the calls of a perceiver. without_hints: removes track hints, so that ids come from tracking alone."""

    def __init__(self, perceiver: Perceiver) -> None:
        self._perceiver = perceiver
        self.times_ms: list[float] = []
        self.without_hints = False

    def perceive(self, frame: Frame) -> Perceived:
        start = time.perf_counter()
        perceived = self._perceiver.perceive(frame)
        self.times_ms.append((time.perf_counter() - start) * 1e3)
        if self.without_hints:
            bare = tuple(replace(d, track_hint=None) for d in perceived.detections)
            perceived = replace(perceived, detections=bare)
        return perceived

    def set_vocabulary(self, words) -> None:
        self._perceiver.set_vocabulary(words)


def _measure(clip: Clip, perceiver: Perceiver, cache: Path, oracle: bool) -> ClipResult:
    def to_input(picture: SimulatedFrame) -> Frame:
        frame = without_truth(picture, clip)
        return replace(frame, truth=picture.frame.truth) if oracle else frame

    return measure_clip(clip.name, clip.scenario, list(read_clip(clip, cache)), perceiver, to_input)


def _about(result: dict) -> str:
    m, (w, h) = result["machine"], result["image_size"]
    return (
        f"{result['clips']} simulated clips of 45 pictures, {w}x{h}, 10 Hz; perceiver {result['perceiver']}; "
        f"{m['cores']} cores of {m['cpu']}; `{result['command']}`"
    )
