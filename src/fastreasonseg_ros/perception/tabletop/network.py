"""The segmenter's network at run time, and what it says about pairs of surface patches (models/segmenter)."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Int32

from ...errors import ModelError
from ...twin.types import CameraIntrinsics, Plane
from ..support.surface import shrink, shrink_intrinsics
from .affinity import CHANNELS, OFFSETS, WIDTH_PX, look

FILE = "segmenter/segmenter.xml"
_STEP = 8  # the network halves its picture three times
_LIMIT = 5.0  # of one pair's log odds: no single pair decides

Labels = Int32[np.ndarray, "h w"]
Evidence = dict[tuple[int, int], float]  # of patches a < b


@dataclass(frozen=True)
class Affinities:
    """Log odds that pixels p and p + OFFSETS[k] are of one object (channel 1 + k), and that p is of any (channel 0).

    step: pixels of the working picture for one of these.
    """

    logits: Float32[np.ndarray, "o h w"]
    step: int

    def evidence(self, patches: Labels, bias: float = 0.0) -> Evidence:
        """For (> 0) or against (< 0) one object, in pixels of border, for every pair of patches a < b that any offset
        leads between. bias: added to each pair's log odds."""
        coarse = patches[:: self.step, :: self.step][: self.logits.shape[1], : self.logits.shape[2]]
        width = int(patches.max(initial=0)) + 1
        keys, votes = [], []
        known = coarse > 0
        for k, (dy, dx) in enumerate(OFFSETS):
            h, w = coarse.shape
            here = slice(max(0, -dy), h - max(0, dy)), slice(max(0, -dx), w - max(0, dx))
            there = slice(max(0, dy), h - max(0, -dy)), slice(max(0, dx), w - max(0, -dx))
            a, b = coarse[here], coarse[there]
            pair = np.flatnonzero((a != b) & known[here] & known[there])
            a, b = a.ravel()[pair], b.ravel()[pair]
            odds = self.logits[1 + k, :h, :w][here].ravel()[pair] + bias
            keys.append(np.minimum(a, b) * width + np.maximum(a, b))
            # A longer reach crosses the same border with more pairs.
            votes.append(np.clip(odds, -_LIMIT, _LIMIT) / max(abs(dy), abs(dx)))
        key, vote = np.concatenate(keys), np.concatenate(votes)
        found, index = np.unique(key, return_inverse=True)
        total = np.bincount(index, vote, len(found))
        return {divmod(key, width): v for key, v in zip(found.tolist(), total.tolist(), strict=True)}

    def things(self, shape: tuple[int, int]) -> Bool[np.ndarray, "h w"]:
        """Pixels of the working picture, of that many rows and columns, that are likelier of an object than not."""
        h, w = shape
        big = cv2.resize(self.logits[0], (self.logits.shape[2] * self.step, self.logits.shape[1] * self.step))
        full = np.zeros(shape, bool)
        full[: big.shape[0], : big.shape[1]] = big[:h, :w] > 0
        return full

    def cuts(self, shape: tuple[int, int], odds: float) -> Bool[np.ndarray, "h w"]:
        """Pixels of the working picture where neighbours two pixels apart are of two objects, by log odds < -odds."""
        across, down = self.logits[1], self.logits[2]
        border = np.zeros(across.shape, bool)
        border[:, 1:-1] |= across[:, :-2] < -odds  # the pixel between the two
        border[1:-1] |= down[:-2] < -odds
        big = cv2.resize(
            border.view(np.uint8), (border.shape[1] * self.step, border.shape[0] * self.step), interpolation=0
        )
        full = np.zeros(shape, bool)
        full[: big.shape[0], : big.shape[1]] = big[: shape[0], : shape[1]] > 0
        return full


class AffinityNetwork:
    """The network in OpenVINO on the CPU; compiled for the size of the first frame, and anew when that changes."""

    def __init__(self, path: Path) -> None:
        """Raises ModelError where the file is missing, torn, or of another version of this program."""
        try:
            import openvino

            with path.with_suffix(".json").open() as file:
                made = json.load(file)
            if made["channels"] != CHANNELS or [tuple(o) for o in made["offsets"]] != list(OFFSETS):
                raise ValueError("it was made for other inputs or offsets")
            self._core = openvino.Core()
            self._model = self._core.read_model(path)
        except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
            raise ModelError(
                f"{path}: no usable segmenter ({' '.join(str(error).split())[:200]}); restore models/{FILE}, make it "
                "with `fastreasonseg train segmenter`, or set segmenter=planes, which needs no network"
            ) from error
        self._shape: tuple[int, int] | None = None
        self._request: Any = None

    def __call__(self, depth_m: Float32[np.ndarray, "h w"], k: CameraIntrinsics, plane: Plane) -> Affinities:
        """From the working picture's depth (metres, NaN unknown), its camera, and the plane that things stand on."""
        return self.start(depth_m, k, plane)()

    def start(self, depth_m: Float32[np.ndarray, "h w"], k: CameraIntrinsics, plane: Plane) -> Callable[[], Affinities]:
        """The same on another core meanwhile: what is returned waits for it. One picture at a time."""
        step = max(1, round(depth_m.shape[1] / WIDTH_PX))
        seen = look(shrink(depth_m, step), shrink_intrinsics(k, step), plane)
        h, w = seen.shape[1:]
        padded = np.zeros((1, CHANNELS, -(-h // _STEP) * _STEP, -(-w // _STEP) * _STEP), np.float32)
        padded[0, :, :h, :w] = seen
        if self._shape != padded.shape[2:]:
            self._shape = padded.shape[2:]
            self._model.reshape(list(padded.shape))
            compiled = self._core.compile_model(self._model, "CPU", {"INFERENCE_NUM_THREADS": 1})
            self._request = compiled.create_infer_request()  # on one core: the caller is at work meanwhile
        request = self._request
        request.wait()  # a picture whose result nobody wanted
        request.start_async([padded])

        def finish() -> Affinities:
            request.wait()
            return Affinities(np.array(request.get_output_tensor(0).data[0, :, :h, :w]), step)

        return finish


def find_segmenter() -> Path | None:
    """The first of $FASTREASONSEG_MODELS, the repository and the installed share/ that holds the network."""
    folders = [Path(d) for d in os.environ.get("FASTREASONSEG_MODELS", "").split(os.pathsep) if d]
    folders.append(Path(__file__).resolve().parents[4] / "models")
    prefixes = [p for p in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if p] + [sys.prefix]
    folders += [Path(p) / "share" / "fastreasonseg_ros" / "models" for p in prefixes]
    return next((f / FILE for f in folders if (f / FILE).is_file()), None)
