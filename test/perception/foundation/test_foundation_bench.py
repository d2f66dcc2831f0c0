"""The command that measures cost runs through every stage; small networks here, so its figures mean nothing."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("sam2", reason="sam2 is not installed: SAM2_BUILD_CUDA=0 pip install --no-build-isolation sam2")


def test_every_stage_and_the_stream_are_measured(tmp_path, monkeypatch, capsys) -> None:
    path = Path(__file__).parents[3] / "scripts/bench_foundation.py"
    spec = importlib.util.spec_from_file_location("bench_foundation", path)
    bench = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)
    file = tmp_path / "cost.json"
    settings = ["--tiny", "--device", "cpu", "--frames", "4", "--objects", "2", "--words", "3"]
    settings += ["--image-px", "128", "--depth-px", "56", "--json", str(file)]
    monkeypatch.setattr(sys, "argv", ["bench_foundation.py", *settings])
    assert bench.main() == 0
    result = json.loads(file.read_text())
    stages = result["stages_ms"]
    assert {"detect: key frame", "sam2 128: image", "depth: 56 px", "language: question, scene known"} <= set(stages)
    assert all(row["p50"] > 0 for row in stages.values())
    assert result["frames_per_second"] > 0
    assert set(result["weights_mb"]) == {"OWLv2-base", "SAM 2.1 tiny at 128", "Depth Anything V2 small", "Qwen3-0.6B"}
    assert result["peak_gpu_mb"] is None
    assert "unmeasured: no CUDA here" in capsys.readouterr().out
