"""A SigLIP checkpoint with random weights: the classes and files of SigLIP 2, two layers and letters for words."""

from __future__ import annotations

import json
import math
import string
from pathlib import Path

import pytest
import torch
from transformers import SiglipConfig, SiglipModel
from transformers.models.siglip2.tokenization_siglip2 import Siglip2Tokenizer

from fastreasonseg_ros.image_text.export import prepare
from fastreasonseg_ros.image_text.vocabulary import Entry

LENGTH, SIDE = 48, 64
WORDS = (Entry("mug", ("cup",), ("vessel",)), Entry("bowl", (), ("vessel",)), Entry("book"))


def make_checkpoint(folder: Path, seed: int = 3) -> Path:
    """Writes config, weights, tokenizer and preprocessor settings, as on the hub."""
    torch.manual_seed(seed)
    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    letters = [*special, "▁", *string.ascii_lowercase, *string.digits, "'", "-", "."]
    layers = {"num_hidden_layers": 2, "num_attention_heads": 2, "hidden_size": 32, "intermediate_size": 48}
    text = {**layers, "vocab_size": len(letters), "max_position_embeddings": LENGTH, "projection_size": 32}
    vision = {**layers, "image_size": SIDE, "patch_size": 16}
    model = SiglipModel(SiglipConfig(text_config=text, vision_config=vision)).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("weight") and parameter.ndim > 1:
                parameter.mul_(3)  # random networks of small weights give everything the same vector
        model.logit_scale.fill_(math.log(3000.0))  # so do texts that share most of their letters
        model.logit_bias.fill_(-10.0)
    model.save_pretrained(folder)
    Siglip2Tokenizer(vocab={letter: k for k, letter in enumerate(letters)}, merges=[]).save_pretrained(folder)
    settings = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3, "resample": 2, "size": {"height": SIDE, "width": SIDE}}
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    return folder


def prepared(folder: Path, *entries: Entry) -> tuple[Path, Path]:
    """A checkpoint and its exported model, with the cache in this folder too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        checkpoint = make_checkpoint(folder / "checkpoint")
        return checkpoint, prepare(str(checkpoint), entries or WORDS)
