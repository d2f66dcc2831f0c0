"""SAM 2, built by Meta's package: image features once per image, box prompts, masks."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from ...errors import ModelError
from ...twin.types import Box
from ...weights import Device, Precision, check_memory, find_weights, get_hint, loading, pick_device, pick_dtype
from .pictures import IMAGENET, Normalizer, resize_as_pillow


@dataclass(frozen=True)
class SegmenterConfig:
    """Settings of SAM 2.

    model: Meta's hub id, or a checkpoint (.pt). structure: sam2 configuration file; empty: that of the model id.
    image_px: side of the network input; 512 is four times faster than 1024 and coarser. batch: objects per decoder
    call. overrides: further Hydra overrides, for checkpoints of other structure.
    """

    model: str = "facebook/sam2.1-hiera-tiny"
    structure: str = ""
    image_px: int = 1024
    batch: int = 8
    overrides: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.image_px < 64 or self.image_px % 32:
            raise ValueError(
                f"segmenter.image_px must be a multiple of 32, got {self.image_px}; SAM 2 was made at 1024"
            )
        if self.batch < 1:
            raise ValueError(f"segmenter.batch must be at least 1, got {self.batch}")


@dataclass(frozen=True)
class Features:
    """Image features of one image (SAM 2's vision features), coarsest level last."""

    levels: list[Tensor]
    positions: list[Tensor]
    sizes: list[tuple[int, int]]
    picture_size: tuple[int, int]  # (height, width)

    def repeated(self, count: int) -> dict[str, Any]:
        """Arguments of track_step for `count` objects; views, not copies."""
        return {
            "current_vision_feats": [x.expand(-1, count, -1) for x in self.levels],
            "current_vision_pos_embeds": [x.expand(-1, count, -1) for x in self.positions],
            "feat_sizes": self.sizes,
        }


class Segmenter:
    """A SAM 2 model on its device; half precision by autocast, as in Meta's code."""

    def __init__(self, model, config: SegmenterConfig = SegmenterConfig(), dtype: torch.dtype = torch.float32) -> None:
        """model: sam2's SAM2VideoPredictor (or SAM2Base)."""
        self.model, self.config = model.eval(), config
        self._dtype = dtype
        self._normalise = Normalizer(IMAGENET, model.device, torch.float32)

    @staticmethod
    def load(config: SegmenterConfig, device: Device = "auto", precision: Precision = "auto") -> Segmenter:
        """Raises ModelError if weights are missing or too large, ConfigError for an absent device."""
        place = pick_device(device)
        structure, file = _structure(config)
        weights = find_weights(config.model, file)
        check_memory(config.model, weights, place)
        with loading(config.model):
            return Segmenter(build(config, structure, weights, place), config, pick_dtype(precision, place))

    @property
    def device(self) -> torch.device:
        return self.model.device

    def half(self):
        """Autocast context of the network."""
        if self._dtype == torch.float32:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=self._dtype)

    @torch.inference_mode()
    def encode(self, picture: UInt8[Tensor, "1 3 h w"]) -> Features:
        """Computes the image features, once per image."""
        side = self.model.image_size
        pixels = self._normalise(resize_as_pillow(picture, (side, side), "bicubic"))
        with self.half():
            out = self.model.forward_image(pixels)
            _, levels, positions, sizes = self.model._prepare_backbone_features(out)
        return Features(levels, positions, sizes, (picture.shape[-2], picture.shape[-1]))

    def box_prompt(self, boxes: Sequence[Box], picture_size: tuple[int, int]) -> dict[str, Tensor]:
        """SAM 2 prompts for boxes (pixels of the image): two corner points with the labels 2 and 3."""
        height, width = picture_size
        points = torch.tensor(boxes, dtype=torch.float32).reshape(-1, 2, 2)
        points = points / torch.tensor([width, height]) * self.model.image_size
        labels = torch.tensor([2, 3], dtype=torch.int32).expand(len(boxes), 2)
        return {"point_coords": points.to(self.device), "point_labels": labels.to(self.device)}

    @torch.inference_mode()
    def masks(self, logits: Float[Tensor, "n 1 l l"], picture_size: tuple[int, int]) -> Bool[np.ndarray, "n h w"]:
        """Masks of the image's size from logits at SAM 2's low resolution."""
        full = torch.nn.functional.interpolate(logits.float(), picture_size, mode="bilinear", align_corners=False)
        return (full[:, 0] > 0).cpu().numpy()


def build(config: SegmenterConfig, structure: str, weights: Path | None, device: str):
    """Builds the network by sam2's code; random weights if `weights` is None. Raises ModelError without sam2."""
    try:
        from sam2.build_sam import build_sam2_video_predictor
    except ImportError as error:
        raise ModelError(
            f"{config.model}: Meta's package is missing ({error}); get it with "
            "`SAM2_BUILD_CUDA=0 pip install --no-build-isolation sam2`"
        ) from error
    grid = config.image_px // 16
    overrides = [
        f"++model.image_size={config.image_px}",
        f"++model.memory_attention.layer.self_attention.feat_sizes=[{grid},{grid}]",
        f"++model.memory_attention.layer.cross_attention.feat_sizes=[{grid},{grid}]",
        *config.overrides,
        "++model.fill_hole_area=0",  # needs a CUDA extension that is seldom built
    ]
    path = None if weights is None else str(weights)
    extra = [*_POSTPROCESSING, *overrides]
    return build_sam2_video_predictor(structure, path, device, hydra_overrides_extra=extra, apply_postprocessing=False)


# Settings of Meta's video predictor, without hole filling.
_POSTPROCESSING = (
    "++model.sam_mask_decoder_extra_args.dynamic_multimask_via_stability=true",
    "++model.sam_mask_decoder_extra_args.dynamic_multimask_stability_delta=0.05",
    "++model.sam_mask_decoder_extra_args.dynamic_multimask_stability_thresh=0.98",
    "++model.binarize_mask_from_pts_for_mem_enc=true",
)
_SIZES = {"tiny": "t", "small": "s", "base-plus": "b+", "large": "l"}


def _structure(config: SegmenterConfig) -> tuple[str, str]:
    """sam2 configuration file, and file name of the weights. Raises ModelError for an unknown model name."""
    name = Path(config.model).name.removesuffix(".pt").replace("_", "-").lower()
    version = "2.1" if name.startswith("sam2.1") else "2"
    size = next((letter for suffix, letter in _SIZES.items() if name.endswith(suffix)), None)
    if config.structure:
        structure = config.structure
    elif name.startswith("sam2") and size:
        structure = f"configs/sam{version}/sam{version}_hiera_{size}.yaml"
    else:
        raise ModelError(
            f"{config.model}: which SAM 2 this is cannot be told from its name; set segmenter.structure, for example "
            f"configs/sam2.1/sam2.1_hiera_t.yaml, or {get_hint('facebook/sam2.1-hiera-tiny')}"
        )
    return structure, f"{name.replace('-', '_')}.pt"
