"""Monocular depth by Depth Anything V2 (transformers): metric, or relative as nearness without a unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32, UInt8
from torch import Tensor

from ...weights import Device, Precision, check_memory, find_weights, loading, pick_device, pick_dtype
from .pictures import IMAGENET, Normalizer, dpt_size, resize_as_pillow


@dataclass(frozen=True)
class DepthConfig:
    """Settings of depth estimation, for cameras without depth.

    model: folder or hub id; checkpoints named "Metric" give metres, others nearness. side_px: side of the network
    input, a multiple of 14; smaller is faster and coarser.
    """

    model: str = "depth-anything/Depth-Anything-V2-Metric-Indoor-Small-hf"
    side_px: int = 518

    def __post_init__(self) -> None:
        if self.side_px < 14 or self.side_px % 14:
            raise ValueError(f"depth.side_px must be a multiple of 14, got {self.side_px}; the models were made at 518")


class DepthEstimator:
    """A `DepthAnythingForDepthEstimation`. `metric`: whether its output is in metres."""

    def __init__(self, model, config: DepthConfig) -> None:
        self.config, self._model = config, model.eval()
        self.metric = model.config.depth_estimation_type == "metric"
        self._normalise = Normalizer(IMAGENET, model.device, model.dtype)

    @staticmethod
    def load(config: DepthConfig, device: Device = "auto", precision: Precision = "auto") -> DepthEstimator:
        """Raises ModelError if weights are missing or too large, ConfigError for an absent device."""
        from transformers import DepthAnythingForDepthEstimation

        place = pick_device(device)
        folder = find_weights(config.model)
        check_memory(config.model, folder, place)
        with loading(config.model):
            dtype = pick_dtype(precision, place)
            model = DepthAnythingForDepthEstimation.from_pretrained(folder, dtype=dtype, local_files_only=True)
            return DepthEstimator(model.to(place), config)

    @torch.inference_mode()
    def estimate(self, picture: UInt8[Tensor, "1 3 h w"]) -> Float32[np.ndarray, "h w"]:
        """Depth along z in metres if `metric` (NaN invalid); else nearness from 0 (farthest pixel) to 1 (nearest).

        Nearness is inverse depth up to an unknown scale and shift (Yang et al., Depth Anything V2, 2024): it gives an
        order, not a distance.
        """
        height, width = picture.shape[-2:]
        multiple = self._model.config.patch_size
        size = tuple(max(v, multiple) for v in dpt_size(height, width, self.config.side_px, multiple))
        raw = self._model(self._normalise(resize_as_pillow(picture, size, "bicubic"))).predicted_depth
        full = torch.nn.functional.interpolate(raw.float()[None], (height, width), mode="bicubic", align_corners=False)
        depth = full[0, 0].cpu().numpy()
        if self.metric:
            return np.where(depth > 0, depth, np.float32(np.nan))
        low, high = np.quantile(depth[::4, ::4], [0.02, 0.98])
        return np.clip((depth - low) / max(high - low, 1e-6), 0, 1).astype(np.float32)
