"""`fastreasonseg train segmenter`: trains the segmentation network on simulated clutter.

Three stages, resumed by running the same command again: frames (simulated, in `frames_dir`), train (a network of half a
million weights, checkpoints in `out`), export (OpenVINO, in `models`). Settings come from
config/train/segmenter_NAME.yaml (`--config NAME`, or a path) and `key=value`.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from tqdm import tqdm

from ....config import load_config
from ....errors import ModelError
from ...student.base_model import settings_file
from ...student.checkpoints import writing
from .batches import Samples, calibration, measured, pool, split
from .frames import make_frames
from .network import AffinityNet, affinity_loss


@dataclass(frozen=True)
class SegmenterConfig:
    """Settings of one run. stage: all of them, or a single one."""

    stage: Literal["all", "frames", "train", "export"] = "all"
    frames_dir: str = "out/train/segmenter/frames"
    frames: int = 20_400
    views: int = 20  # per scene (one file)
    workers: int = 0  # processes that simulate; 0: one a core
    out: str = "out/train/segmenter/run"
    models: str = "models/segmenter"
    calibration: int = 300  # frames to calibrate the 8-bit export; 0: weights in half precision
    width: int = 32  # channels of the network's finest level
    batch: int = 16
    pool_files: int = 8  # files whose frames are shuffled together
    steps: int = 6000
    minutes: float = 0.0  # 0: no limit; else the schedule is cut to end after that time
    learning_rate: float = 3e-3
    final_learning_rate: float = 2e-5
    warmup_steps: int = 60
    weight_decay: float = 1e-4
    apart: float = 4.0  # weight of pairs of pixels on two objects
    seed: int = 200_000
    checkpoint_minutes: float = 3.0
    threads: int = 0  # 0: as torch chooses

    def __post_init__(self) -> None:
        if min(self.frames, self.views, self.batch, self.pool_files, self.steps, self.width) < 1:
            raise ValueError("frames, views, batch, pool_files, steps and width must be at least 1")
        if self.calibration < 0:
            raise ValueError("calibration must be 0 or more")


class Run:
    """Network, optimizer and progress; `pools`: number of pools completed."""

    def __init__(self, config: SegmenterConfig) -> None:
        torch.manual_seed(config.seed)
        self.config, self.out = config, Path(config.out)
        self.net = AffinityNet(config.width).to(memory_format=torch.channels_last)  # a third faster on a CPU
        self.optimizer = torch.optim.AdamW(
            self.net.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self.step = self.pools = self.samples = 0
        self.minutes = 0.0

    @property
    def path(self) -> Path:
        return self.out / "checkpoint.pt"

    def done(self) -> float:
        """Progress of the training, 0..1: by steps or minutes, whichever is larger."""
        limit = self.config.minutes
        return min(1.0, max(self.step / self.config.steps, self.minutes / limit if limit else 0.0))

    def rate(self) -> float:
        c = self.config
        warm = min(1.0, (self.step + 1) / c.warmup_steps) if c.warmup_steps else 1.0
        cosine = 0.5 * (1 + math.cos(math.pi * self.done()))
        return warm * (c.final_learning_rate + (c.learning_rate - c.final_learning_rate) * cosine)

    def save(self) -> None:
        """Writes the checkpoint atomically. Raises ModelError (disk full)."""
        state = {
            "network": self.net.state_dict(), "optimizer": self.optimizer.state_dict(), "identity": self._identity(),
            "step": self.step, "pools": self.pools, "samples": self.samples, "minutes": self.minutes,
        }  # fmt: skip
        half = self.path.with_suffix(".half")
        with writing(half, f"it goes on from {self.path}" if self.path.is_file() else "nothing was saved before"):
            torch.save(state, half)
            half.replace(self.path)

    def resume(self) -> bool:
        """Loads the checkpoint, if there is one. Raises ModelError if it is damaged or of another training."""
        if not self.path.is_file():
            return False
        try:
            state = torch.load(self.path, weights_only=True)
            for key, value in self._identity().items():
                if state["identity"].get(key) != value:
                    raise ModelError(
                        f"{self.path} was begun with {key}={state['identity'].get(key)}, and {key} is {value} now: "
                        "give the same settings, or another `out`"
                    )
            self.net.load_state_dict(state["network"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.step, self.pools, self.samples = state["step"], state["pools"], state["samples"]
            self.minutes = state["minutes"]
        except ModelError:
            raise
        except Exception as error:  # a damaged pickle raises various exceptions
            raise ModelError(f"{self.path} cannot be read ({error!r:.200}): delete it to begin anew") from error
        return True

    def _identity(self) -> dict[str, Any]:
        return {k: getattr(self.config, k) for k in ("width", "batch", "pool_files", "seed", "weight_decay", "apart")}


def train(config: SegmenterConfig) -> Run:
    """Trains or resumes; the last checkpoint and its figures are in `out`. Raises ReasonSegError."""
    if config.threads:
        torch.set_num_threads(config.threads)
    run = Run(config)
    run.out.mkdir(parents=True, exist_ok=True)
    if run.resume() and run.done() >= 1:
        print(f"{run.path} is the end of this training; more `steps` or `minutes` go on from it")
        return run
    folder, saved = Path(config.frames_dir), run.minutes
    bar = tqdm(initial=run.step, total=config.steps, unit="step", mininterval=5)
    log = (run.out / "log.jsonl").open("a")
    while run.done() < 1:
        begun = time.monotonic()
        samples = pool(folder, config.seed, run.pools, config.pool_files)
        for start in range(0, len(samples) - config.batch + 1, config.batch):
            figures = _learn(run, samples, slice(start, start + config.batch))
            run.minutes += (time.monotonic() - begun) / 60
            begun = time.monotonic()
            bar.update()
            if run.step % 10 == 0:
                line = {"step": run.step, "minutes": round(run.minutes, 2), "rate": round(run.rate(), 6)} | figures
                log.write(json.dumps(line) + "\n")
                log.flush()
                bar.set_postfix(loss=line["loss"])
            if run.done() >= 1:
                break
        run.pools += 1
        if run.minutes - saved > config.checkpoint_minutes:
            run.save()
            saved = run.minutes
    bar.close()
    run.save()
    return run


def _learn(run: Run, samples: Samples, part: slice) -> dict[str, float]:
    run.net.train()
    for group in run.optimizer.param_groups:
        group["lr"] = run.rate()
    loss, figures = _loss(run, samples, part)
    run.optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(run.net.parameters(), 2.0)
    run.optimizer.step()
    run.step, run.samples = run.step + 1, run.samples + run.config.batch
    return {"loss": float(loss.detach())} | figures


def _loss(run: Run, samples: Samples, part: slice) -> tuple[torch.Tensor, dict[str, float]]:
    inputs = torch.from_numpy(samples.inputs[part]).to(memory_format=torch.channels_last)
    ids = torch.from_numpy(samples.ids[part].astype(np.int64))
    loss, figures = affinity_loss(run.net(inputs), ids, inputs[:, -1] > 0, run.config.apart)
    return loss, {k: round(v, 4) for k, v in figures.items()}


def measure(run: Run, files: int = 12) -> dict[str, float]:
    """Mean figures on held-out files."""
    run.net.eval()
    rows = []
    with torch.inference_mode():
        for samples in measured(split(Path(run.config.frames_dir))[1][:files]):
            for start in range(0, len(samples), run.config.batch):
                loss, figures = _loss(run, samples, slice(start, start + run.config.batch))
                rows.append({"loss": float(loss)} | figures)
    return {k: round(float(np.mean([row[k] for row in rows])), 4) for k in rows[0]}


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="fastreasonseg train segmenter", description=__doc__)
    parser.add_argument("--config", metavar="NAME", help="config/train/segmenter_NAME.yaml, or the path of a YAML file")
    parser.add_argument("overrides", nargs="*", metavar="key=value")
    args = parser.parse_args(argv)
    config = load_config(SegmenterConfig, settings_file("segmenter", args.config), args.overrides)
    if config.stage in ("all", "frames"):
        workers = config.workers or len(os.sched_getaffinity(0))
        made = make_frames(Path(config.frames_dir), config.frames, config.views, config.seed, workers)
        print(f"{config.frames_dir}: {made} frames")
    if config.stage in ("all", "train"):
        run = train(config)
        print(f"{run.path}: {run.step} steps, {run.samples} samples; held out: {measure(run)}")
    if config.stage in ("all", "export"):
        from .export import export

        run = Run(config)
        if not run.resume():
            raise ModelError(f"{run.path} is not there: train first (stage=train)")
        inputs = calibration(Path(config.frames_dir), config.calibration, config.seed)
        print(f"{export(run.net, Path(config.models), _story(run), inputs)}")
    return 0


def _story(run: Run) -> dict[str, Any]:
    """Metadata of the training for the model's .json."""
    learn, held_out = split(Path(run.config.frames_dir))
    return {
        "config": asdict(run.config), "steps": run.step, "samples": run.samples, "minutes": round(run.minutes, 1),
        "files": len(learn), "held_out_files": len(held_out), "held_out": measure(run),
    }  # fmt: skip
