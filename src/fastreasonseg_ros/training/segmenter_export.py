"""The trained segmenter as OpenVINO's files (weights in half precision), with what it was made of beside it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import torch

from ..perception.tabletop.affinity import CHANNELS, HEIGHT_PX, OFFSETS, WIDTH_PX
from .checkpoints import writing
from .segmenter_net import AffinityNet


def export(net: AffinityNet, folder: Path, story: Mapping[str, Any]) -> Path:
    """Writes segmenter.xml, .bin and .json (story, offsets, hashes); the .xml. Raises ModelError (a full disk)."""
    net = net.eval().to(memory_format=torch.contiguous_format)
    example = torch.from_numpy(np.zeros((1, CHANNELS, HEIGHT_PX, WIDTH_PX), np.float32))
    with torch.inference_mode():
        model = openvino.convert_model(net, example_input=example)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "segmenter.xml"
    with writing(path, "the network itself is kept in its checkpoint"):
        openvino.save_model(model, path, compress_to_fp16=True)
        files = (path, path.with_suffix(".bin"))
        about = {
            "channels": CHANNELS,
            "offsets": OFFSETS,
            "parameters": sum(p.numel() for p in net.parameters()),
            "sha256": {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in files},
        }
        path.with_suffix(".json").write_text(json.dumps(about | dict(story), indent=2) + "\n")
    return path
