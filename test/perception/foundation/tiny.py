"""Networks of the real classes, tiny and with random weights: real code paths in seconds, answers without meaning."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from fastreasonseg_ros.perception.foundation.segmenter import SegmenterConfig

SAM2_SIDE = 128
SAM2_STRUCTURE = "configs/sam2.1/sam2.1_hiera_t.yaml"
SAM2 = SegmenterConfig(
    model="tiny.pt",
    structure=SAM2_STRUCTURE,
    image_px=SAM2_SIDE,
    overrides=(
        "++model.image_encoder.trunk.embed_dim=8",
        "++model.image_encoder.trunk.stages=[1,1,2,1]",
        "++model.image_encoder.trunk.global_att_blocks=[3]",
        "++model.image_encoder.neck.backbone_channel_list=[64,32,16,8]",
        "++model.memory_attention.num_layers=1",
        "++model.memory_attention.layer.dim_feedforward=32",
        "++model.memory_encoder.fuser.num_layers=1",
    ),
)


def save_sam2(folder: Path, seed: int = 0) -> SegmenterConfig:
    """A checkpoint as Meta's, and the settings that load it."""
    from dataclasses import replace

    from fastreasonseg_ros.perception.foundation.segmenter import build

    torch.manual_seed(seed)
    model = build(SAM2, SAM2_STRUCTURE, None, "cpu")
    with torch.no_grad():
        for name, value in model.named_parameters():
            if "object_score" in name and name.endswith("bias"):
                value += 0.5  # so that objects are in view, as they mostly are
    path = folder / "tiny.pt"
    torch.save({"model": model.state_dict()}, path)
    return replace(SAM2, model=str(path))


def clip(frames: int, height: int, width: int, seed: int = 0) -> list[np.ndarray]:
    """Coloured blocks that wander over a textured ground."""
    random = np.random.default_rng(seed)
    ground = random.integers(90, 130, (height, width, 3)).astype(np.uint8)
    made = []
    for n in range(frames):
        picture = ground.copy()
        for k, color in enumerate(((220, 30, 30), (30, 60, 220), (240, 220, 40))):
            x, y = (k * width // 3 + 3 * n) % (width - 20), (height // 4 + k * 11 + n) % (height - 20)
            picture[y : y + height // 5, x : x + width // 5] = color
        made.append(picture)
    return made
