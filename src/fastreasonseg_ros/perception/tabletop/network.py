"""Inference of the affinity network (models/segmenter), and its evidence on pairs of surface patches."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Int32

from ...errors import ModelError
from ...twin.types import CameraIntrinsics, Plane
from ...weights import find_model_file
from ..support.surface import shrink, shrink_intrinsics
from .affinity import CHANNELS, OFFSETS, WIDTH_PX, network_input

FILE = "segmenter/segmenter.xml"
_STEP = 8  # the network downsamples three times by 2
_LIMIT = 5.0  # clipping of a pixel pair's log odds

Labels = Int32[np.ndarray, "h w"]
Evidence = dict[tuple[int, int], float]  # of patches a < b


@dataclass(frozen=True)
class Affinities:
    """Log odds that pixels p and p + OFFSETS[k] belong to one object (channel 1 + k), and p to any object (channel 0).

    step: downsampling factor relative to the working image.
    """

    logits: Float32[np.ndarray, "o h w"]
    step: int

    def evidence(self, patches: Labels, bias: float = 0.0) -> Evidence:
        """Evidence for (> 0) or against (< 0) one object, in pixels of border, per pair of patches a < b.

        Pairs are those connected by any offset. bias: added to the log odds of each pixel pair.
        """
        coarse = patches[:: self.step, :: self.step][: self.logits.shape[1], : self.logits.shape[2]]
        width = int(patches.max(initial=0)) + 1
        keys, votes = [], []
        known = coarse > 0
        for k, (dy, dx) in enumerate(OFFSETS):
            h, w = coarse.shape
            first = slice(max(0, -dy), h - max(0, dy)), slice(max(0, -dx), w - max(0, dx))
            second = slice(max(0, dy), h - max(0, -dy)), slice(max(0, dx), w - max(0, -dx))
            a, b = coarse[first], coarse[second]
            pair = np.flatnonzero((a != b) & known[first] & known[second])
            a, b = a.ravel()[pair], b.ravel()[pair]
            odds = self.logits[1 + k, :h, :w][first].ravel()[pair] + bias
            keys.append(np.minimum(a, b) * width + np.maximum(a, b))
            # Longer offsets have more pixel pairs across the same border.
            votes.append(np.clip(odds, -_LIMIT, _LIMIT) / max(abs(dy), abs(dx)))
        key, evidence = np.concatenate(keys), np.concatenate(votes)
        pairs, index = np.unique(key, return_inverse=True)
        total = np.bincount(index, evidence, len(pairs))
        return {divmod(key, width): v for key, v in zip(pairs.tolist(), total.tolist(), strict=True)}

    def object_mask(self, shape: tuple[int, int]) -> Bool[np.ndarray, "h w"]:
        """Mask (working image, `shape` rows and columns) of pixels with positive log odds of an object."""
        h, w = shape
        enlarged = cv2.resize(self.logits[0], (self.logits.shape[2] * self.step, self.logits.shape[1] * self.step))
        result = np.zeros(shape, bool)
        result[: enlarged.shape[0], : enlarged.shape[1]] = enlarged[:h, :w] > 0
        return result


class AffinityNetwork:
    """The network in OpenVINO on the CPU; recompiled when the image size changes. Not thread-safe."""

    def __init__(self, path: Path) -> None:
        """Raises ModelError if the file is missing, damaged, or of an incompatible version."""
        try:
            import openvino

            with path.with_suffix(".json").open() as file:
                metadata = json.load(file)
            if metadata["channels"] != CHANNELS or [tuple(o) for o in metadata["offsets"]] != list(OFFSETS):
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
        """Inference from depth of the working image (metres, NaN invalid), its intrinsics and the support plane."""
        return self.start(depth_m, k, plane)()

    def start(self, depth_m: Float32[np.ndarray, "h w"], k: CameraIntrinsics, plane: Plane) -> Callable[[], Affinities]:
        """Starts asynchronous inference; the returned function waits for the result. One image at a time."""
        step = max(1, round(depth_m.shape[1] / WIDTH_PX))
        channels = network_input(shrink(depth_m, step), shrink_intrinsics(k, step), plane)
        h, w = channels.shape[1:]
        padded = np.zeros((1, CHANNELS, -(-h // _STEP) * _STEP, -(-w // _STEP) * _STEP), np.float32)
        padded[0, :, :h, :w] = channels
        if self._shape != padded.shape[2:]:
            self._shape = padded.shape[2:]
            self._model.reshape(list(padded.shape))
            compiled = self._core.compile_model(self._model, "CPU", {"INFERENCE_NUM_THREADS": 1})
            self._request = compiled.create_infer_request()  # one thread: the caller computes in parallel
        request = self._request
        request.wait()  # an earlier image whose result was not fetched
        request.start_async([padded])

        def finish() -> Affinities:
            request.wait()
            return Affinities(np.array(request.get_output_tensor(0).data[0, :, :h, :w]), step)

        return finish


def find_segmenter() -> Path | None:
    """Path of the network: first match in $FASTREASONSEG_MODELS, the repository and the installed share/."""
    return find_model_file(FILE)
