"""The trained segmenter as OpenVINO's files, in 8 bits or with half-precision weights, and what it was made of."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import torch
from jaxtyping import Float32

from ....perception.tabletop.affinity import CHANNELS, HEIGHT_PX, OFFSETS, WIDTH_PX
from ...student.checkpoints import writing
from .network import AffinityNet

Seen = Float32[np.ndarray, "c h w"]


def export(net: AffinityNet, folder: Path, story: Mapping[str, Any], seen: Sequence[Seen] = ()) -> Path:
    """Writes segmenter.xml, .bin and .json (story, offsets, hashes); the .xml. Raises ModelError (a full disk).

    seen: pictures, as the network sees them, by which weights and activations are put into 8 bits: half the network's
    time, where the CPU can (AVX-512 VNNI, AMX, Arm's dot product). Without them weights are halves.
    """
    net = net.eval().to(memory_format=torch.contiguous_format)
    example = torch.from_numpy(np.zeros((1, CHANNELS, HEIGHT_PX, WIDTH_PX), np.float32))
    with torch.inference_mode():
        whole = openvino.convert_model(net, example_input=example)
    model = _in_8_bits(whole.clone(), seen) if seen else whole
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "segmenter.xml"
    with writing(path, "the network itself is kept in its checkpoint"):
        openvino.save_model(model, path, compress_to_fp16=True)
        files = (path, path.with_suffix(".bin"))
        about = {
            "channels": CHANNELS,
            "offsets": OFFSETS,
            "parameters": sum(p.numel() for p in net.parameters()),
            "bits": 8 if seen else 16,
            **({"decisions_as_before": agreement(whole, model, seen)} if seen else {}),
            "sha256": {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in files},
        }
        path.with_suffix(".json").write_text(json.dumps(about | dict(story), indent=2) + "\n")
    return path


def _in_8_bits(model: openvino.Model, seen: Sequence[Seen]) -> openvino.Model:
    os.environ.setdefault("NNCF_CI", "1")  # it would report its use to its makers
    import nncf

    model.reshape([1, *seen[0].shape])
    pictures = nncf.Dataset([picture[None] for picture in seen])
    return nncf.quantize(model, pictures, preset=nncf.QuantizationPreset.MIXED, subset_size=len(seen))


def agreement(one: openvino.Model, other: openvino.Model, seen: Sequence[Seen]) -> float:
    """Share of all outputs of two networks, over some pictures, that have the same sign: that decide alike."""
    first, second = (openvino.compile_model(model, "CPU") for model in (one, other))
    alike = [np.mean((first(p[None])[0] > 0) == (second(p[None])[0] > 0)) for p in seen]
    return round(float(np.mean(alike)), 4)
