"""Exports the trained segmenter to OpenVINO, quantized to 8 bits or with half-precision weights, with metadata."""

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

NetworkInput = Float32[np.ndarray, "c h w"]


def export(net: AffinityNet, folder: Path, story: Mapping[str, Any], samples: Sequence[NetworkInput] = ()) -> Path:
    """Writes segmenter.xml, .bin and .json (story, offsets, hashes); returns the .xml. Raises ModelError (disk full).

    samples: network inputs to calibrate 8-bit quantization, which halves the latency on CPUs with AVX-512 VNNI, AMX or
    Arm's dot product. Without them weights are in half precision.
    """
    net = net.eval().to(memory_format=torch.contiguous_format)
    example = torch.from_numpy(np.zeros((1, CHANNELS, HEIGHT_PX, WIDTH_PX), np.float32))
    with torch.inference_mode():
        full = openvino.convert_model(net, example_input=example)
    model = _in_8_bits(full.clone(), samples) if samples else full
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "segmenter.xml"
    with writing(path, "the network itself is kept in its checkpoint"):
        openvino.save_model(model, path, compress_to_fp16=True)
        files = (path, path.with_suffix(".bin"))
        about = {
            "channels": CHANNELS,
            "offsets": OFFSETS,
            "parameters": sum(p.numel() for p in net.parameters()),
            "bits": 8 if samples else 16,
            **({"decisions_as_before": agreement(full, model, samples)} if samples else {}),
            "sha256": {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in files},
        }
        path.with_suffix(".json").write_text(json.dumps(about | dict(story), indent=2) + "\n")
    return path


def _in_8_bits(model: openvino.Model, samples: Sequence[NetworkInput]) -> openvino.Model:
    os.environ.setdefault("NNCF_CI", "1")  # disables NNCF's telemetry
    import nncf

    model.reshape([1, *samples[0].shape])
    pictures = nncf.Dataset([picture[None] for picture in samples])
    return nncf.quantize(model, pictures, preset=nncf.QuantizationPreset.MIXED, subset_size=len(samples))


def agreement(one: openvino.Model, other: openvino.Model, samples: Sequence[NetworkInput]) -> float:
    """Share of the outputs of two networks that have the same sign, hence the same decision."""
    first, second = (openvino.compile_model(model, "CPU") for model in (one, other))
    alike = [np.mean((first(p[None])[0] > 0) == (second(p[None])[0] > 0)) for p in samples]
    return round(float(np.mean(alike)), 4)
