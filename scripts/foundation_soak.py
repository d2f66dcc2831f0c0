#!/usr/bin/env python
"""Memory of the foundation perceiver over many streamed frames: resident, on the device, and of SAM 2's past.

python scripts/foundation_soak.py --frames 5000                        tiny random networks, any machine
python scripts/foundation_soak.py --config config/foundation_workstation.yaml --frames 5000      installed weights
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import torch
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).parents[1] / "test/perception/foundation"))


def tiny_config(folder: Path):
    """Settings of tiny random networks of the real classes, saved to the folder."""
    from tiny import save_depth, save_owlv2, save_sam2

    from fastreasonseg_ros.perception.foundation.perceiver import FoundationConfig
    from fastreasonseg_ros.perception.foundation.tracks import TrackConfig

    for name in ("owlv2", "sam2", "depth"):
        (folder / name).mkdir()
    return FoundationConfig(
        device="cpu",
        detector=replace(save_owlv2(folder / "owlv2"), max_boxes=4, nms_iou=0.3),
        segmenter=save_sam2(folder / "sam2"),
        depth=save_depth(folder / "depth", metric=True),
        tracks=TrackConfig(merge_iou=0.97),
        warm_up=None,
    )


def soak(perceiver, frames: int, size: tuple[int, int] = (60, 80), every: int = 100) -> list[dict[str, float]]:
    """A row every so many frames: resident MiB, device MiB, MiB of SAM 2's past, objects that are remembered.

    Coloured blocks wander, are covered, and come back, at 10 frames a second of the stream's own time.
    """
    from fastreasonseg_ros.twin.types import CameraIntrinsics, Frame

    height, width = size
    camera = CameraIntrinsics(width, height, width, width, width / 2, height / 2)
    ground = np.random.default_rng(0).integers(90, 130, (height, width, 3)).astype(np.uint8)
    process, rows = psutil.Process(), []
    for n in tqdm(range(frames), unit="frame", dynamic_ncols=True):
        color = ground.copy()
        for k, shade in enumerate(((220, 30, 30), (30, 60, 220), (240, 220, 40))):
            if (n // 50 + k) % 4:  # a quarter of the time each is away
                x, y = (k * width // 3 + n) % (width - 12), (k * 13 + n // 2) % (height - 12)
                color[y : y + height // 5, x : x + width // 5] = shade
        perceiver.perceive(Frame(color, intrinsics=camera, stamp_s=n * 0.1))
        if (n + 1) % every == 0:
            gc.collect()
            device = torch.cuda.memory_allocated() if torch.cuda.is_available() else 0
            rows.append(
                {
                    "frame": n + 1,
                    "resident_mb": process.memory_info().rss / 2**20,
                    "device_mb": device / 2**20,
                    "past_mb": perceiver._video.bytes / 2**20,
                    "objects": len(perceiver._tracks),
                }
            )
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=5000)
    parser.add_argument(
        "--config", help="settings of a perceiver with installed weights; default: tiny random networks"
    )
    parser.add_argument("--size", type=int, nargs=2, default=(60, 80), metavar=("HEIGHT", "WIDTH"))
    parser.add_argument("--json", metavar="FILE", help="write the rows")
    args = parser.parse_args()
    from fastreasonseg_ros.perception import make_perceiver
    from fastreasonseg_ros.perception.foundation.perceiver import FoundationPerceiver

    with tempfile.TemporaryDirectory() as folder:
        if args.config:
            perceiver = make_perceiver("foundation", args.config)
        else:
            perceiver = FoundationPerceiver(tiny_config(Path(folder)))
        began = time.perf_counter()
        rows = soak(perceiver, args.frames, tuple(args.size))
    for row in rows[:: max(1, len(rows) // 12)] + rows[-1:]:
        print("  ".join(f"{k} {v:9.2f}" for k, v in row.items()))
    half = len(rows) // 2
    first, last = (np.mean([r["resident_mb"] for r in part]) for part in (rows[half : half + 5], rows[-5:]))
    print(f"{args.frames} frames in {time.perf_counter() - began:.0f} s; second half: {last - first:+.1f} MiB resident")
    if args.json:
        Path(args.json).write_text(json.dumps(rows, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
