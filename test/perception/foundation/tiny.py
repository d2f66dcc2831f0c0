"""Networks of the real classes, tiny and with random weights: real code paths in seconds, answers without meaning."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from fastreasonseg_ros.perception.foundation.depth import DepthConfig
from fastreasonseg_ros.perception.foundation.detector import DetectorConfig
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


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Noise on shapes, away from black and white."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    shapes = np.stack([x * 100 // max(width - 1, 1), y * 100 // max(height - 1, 1), (x // 7 + y // 5) % 2 * 100], -1)
    return (shapes + random.integers(50, 100, (height, width, 3))).astype(np.uint8)


def save_owlv2(folder: Path, seed: int = 0) -> DetectorConfig:
    """OWLv2 with a tokenizer of letters: every word has tokens, none has meaning."""
    from transformers import CLIPTokenizer, Owlv2Config, Owlv2ForObjectDetection

    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    tokens = [*letters, *(f"{c}</w>" for c in letters), "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({token: n for n, token in enumerate(tokens)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"), pad_token="!").save_pretrained(folder)
    torch.manual_seed(seed)
    part = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    text = part | {"vocab_size": len(tokens) + 2, "max_position_embeddings": 64, "eos_token_id": len(tokens) - 1}
    vision = part | {"image_size": 64, "patch_size": 8}
    config = Owlv2Config(text_config=text, vision_config=vision, projection_dim=32)
    model = Owlv2ForObjectDetection(config)
    with torch.no_grad():
        for value in model.class_head.parameters():
            value.normal_(0, 0.5)
        model.box_head.dense2.weight.mul_(0.001)  # boxes near their patches, two patches wide
        model.box_head.dense2.bias.copy_(torch.tensor([0.0, 0.0, 1.0, 1.0]))
    model.save_pretrained(folder)
    return DetectorConfig(model=str(folder), threshold=0.01)


def save_grounding_dino(folder: Path, seed: int = 0) -> DetectorConfig:
    from transformers import BertTokenizerFast, GroundingDinoConfig, GroundingDinoForObjectDetection, SwinConfig

    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", "?", *letters, *(f"##{c}" for c in letters)]
    tokens += ["mug", "red", "fork"]
    (folder / "vocab.txt").write_text("\n".join(tokens))
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(seed)
    text = {
        "model_type": "bert",
        "vocab_size": len(tokens),
        "hidden_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 32,
    }
    backbone = SwinConfig(
        image_size=64, embed_dim=8, depths=[1, 1, 1, 1], num_heads=[1, 1, 1, 1], window_size=4, out_indices=[2, 3, 4]
    )
    config = GroundingDinoConfig(
        backbone_config=backbone,
        text_config=text,
        d_model=32,
        encoder_layers=1,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        num_queries=12,
    )
    GroundingDinoForObjectDetection(config).save_pretrained(folder)
    return DetectorConfig(
        kind="grounding_dino",
        model=str(folder),
        threshold=0.1,
        text_threshold=0.1,
        nms_iou=0.99,
        shortest_px=64,
        longest_px=96,
    )


def save_depth(folder: Path, metric: bool, seed: int = 0) -> DepthConfig:
    from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config

    torch.manual_seed(seed)
    backbone = Dinov2Config(
        image_size=84,
        patch_size=14,
        hidden_size=24,
        num_hidden_layers=4,
        num_attention_heads=2,
        out_indices=[1, 2, 3, 4],
        reshape_hidden_states=False,
        apply_layernorm=True,
    )
    config = DepthAnythingConfig(
        backbone_config=backbone,
        reassemble_hidden_size=24,
        neck_hidden_sizes=[8, 8, 8, 8],
        fusion_hidden_size=8,
        head_hidden_size=8,
        depth_estimation_type="metric" if metric else "relative",
        max_depth=20 if metric else 1,
    )
    model = DepthAnythingForDepthEstimation(config)
    with torch.no_grad():
        for value in model.head.parameters():
            value.normal_(0, 0.2)
        model.head.conv3.bias.fill_(-1.0 if metric else 1.0)
    model.save_pretrained(folder)
    return DepthConfig(model=str(folder), side_px=84)
