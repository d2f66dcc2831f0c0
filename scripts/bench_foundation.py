#!/usr/bin/env python
"""Cost of the foundation models at their true size: milliseconds a stage and bytes, on this machine.

    python scripts/bench_foundation.py                    random weights of the true architectures; needs no download
    python scripts/bench_foundation.py --device cuda --frames 300 --json out/foundation_cuda.json

OWLv2-base (960 px), SAM 2.1 tiny, Depth Anything V2 small, Qwen3-0.6B. Speed and memory do not depend on the values of
weights; what the models see does, so boxes are given here. The language model decodes a fixed number of tokens.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from fastreasonseg_ros.evaluation.machine import machine, peak_rss_mb
from fastreasonseg_ros.evaluation.metrics import percentiles
from fastreasonseg_ros.perception.foundation.depth import DepthConfig, DepthEstimator
from fastreasonseg_ros.perception.foundation.detector import DetectorConfig, Owlv2
from fastreasonseg_ros.perception.foundation.pictures import to_device
from fastreasonseg_ros.perception.foundation.segmenter import Segmenter, SegmenterConfig, build
from fastreasonseg_ros.perception.foundation.video import VideoMemory
from fastreasonseg_ros.weights import pick_device, pick_dtype

PROMPT_TOKENS, SCENE_TOKENS, NEW_TOKENS = 123, 64, 45  # a question to the student, of which the scene is known


class Bench:
    """Times of work on one device; a stage's memory is what it holds when it is loaded."""

    def __init__(self, device: str, dtype: torch.dtype) -> None:
        self.device, self.dtype = device, dtype
        self.stages: dict[str, dict[str, float]] = {}
        self.weights_mb: dict[str, float] = {}

    def time(self, stage: str, work: Callable[[], Any], count: int) -> None:
        work()  # warm-up
        took, spent = [], []
        for _ in range(count):
            self._wait()
            start, cpu = time.perf_counter(), time.process_time()
            work()
            self._wait()
            spent.append((time.process_time() - cpu) * 1e3)
            took.append((time.perf_counter() - start) * 1e3)
        # On a machine that others use, processor time says what wall time does not.
        row = self.stages[stage] = percentiles(took) | {"cpu_p50": percentiles(spent)["p50"]}
        took_ms = f"p50 {row['p50']:9.1f} ms   p95 {row['p95']:9.1f} ms   processor p50 {row['cpu_p50']:9.1f} ms"
        print(f"  {stage:<44} {took_ms}", flush=True)

    def loaded(self, name: str, model: torch.nn.Module) -> None:
        self.weights_mb[name] = sum(p.numel() * p.element_size() for p in model.parameters()) / 2**20
        count = sum(p.numel() for p in model.parameters()) / 1e6
        print(f"{name}: {count:.0f} M parameters, {self.weights_mb[name]:.0f} MiB", flush=True)

    def _wait(self) -> None:
        if self.device == "cuda":
            torch.cuda.synchronize()


def bench_detector(bench: Bench, picture: torch.Tensor, words: int, count: int) -> None:
    from transformers import Owlv2Config, Owlv2ForObjectDetection

    vision = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12}
    config = Owlv2Config(vision_config=vision | {"image_size": 960, "patch_size": 16})
    model = Owlv2ForObjectDetection(config).to(bench.device, bench.dtype)
    bench.loaded("OWLv2-base", model)
    detector = Owlv2(model, _tokens_of_nothing, DetectorConfig())
    bench.time(f"detect: words ({words}), once a vocabulary", lambda: detector.set_words(["thing"] * words), 1)
    bench.time("detect: key frame", lambda: detector.detect(picture), count)


def _tokens_of_nothing(asked: list[str], max_length: int, **_: Any) -> dict[str, torch.Tensor]:
    """Stands for the tokenizer, whose vocabulary comes with the weights; its cost is not measured."""
    ids = torch.ones(len(asked), max_length, dtype=torch.long)
    ids[:, -1] = 49407
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}


def bench_segmenter(bench: Bench, picture: torch.Tensor, objects: int, image_px: int, count: int) -> None:
    config = SegmenterConfig(image_px=image_px, batch=16)
    model = build(config, "configs/sam2.1/sam2.1_hiera_t.yaml", None, bench.device)
    bench.loaded(f"SAM 2.1 tiny at {image_px}", model)
    segmenter = Segmenter(model, config, bench.dtype)
    memory, size = VideoMemory(segmenter), tuple(picture.shape[-2:])
    boxes = [(20.0 + 40 * n, 40.0 + 20 * n, 110.0 + 40 * n, 150.0 + 20 * n) for n in range(objects)]
    features = segmenter.encode(picture)
    bench.time(f"sam2 {image_px}: image", lambda: segmenter.encode(picture), count)
    memory.advance(features)
    bench.time(f"sam2 {image_px}: {objects} boxes, key frame", lambda: memory.prompt(range(objects), boxes), count)

    def follow() -> None:
        tracked = memory.advance(features)
        segmenter.masks(torch.cat([t.logits for t in tracked.values()]), size)

    for _ in range(min(7, count)):  # until the memory is as full as it gets, where there is time for it
        follow()
    bench.time(f"sam2 {image_px}: follow {objects} objects", follow, count)
    print(f"  memory of the past: {memory.bytes / 2**20:.1f} MiB")


def bench_depth(bench: Bench, picture: torch.Tensor, side_px: int, count: int) -> None:
    from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config

    backbone = Dinov2Config(
        image_size=518, patch_size=14, hidden_size=384, num_attention_heads=6, reshape_hidden_states=False,
        out_indices=[3, 6, 9, 12], apply_layernorm=True,
    )  # fmt: skip
    config = DepthAnythingConfig(backbone_config=backbone, depth_estimation_type="metric", max_depth=20)
    model = DepthAnythingForDepthEstimation(config).to(bench.device, bench.dtype)
    bench.loaded("Depth Anything V2 small", model)
    estimator = DepthEstimator(model, DepthConfig(side_px=side_px))
    bench.time(f"depth: {side_px} px", lambda: estimator.estimate(picture), count)


@torch.inference_mode()
def bench_language(bench: Bench, count: int) -> None:
    from transformers import DynamicCache, Qwen3Config, Qwen3ForCausalLM

    config = Qwen3Config(
        vocab_size=151936, hidden_size=1024, intermediate_size=3072, num_hidden_layers=28, num_attention_heads=16,
        num_key_value_heads=8, head_dim=128, tie_word_embeddings=True, max_position_embeddings=40960,
    )  # fmt: skip
    with torch.device(bench.device):
        model = Qwen3ForCausalLM(config).to(bench.dtype).eval()
    bench.loaded("Qwen3-0.6B", model)
    scene, rest = (torch.ones(1, n, dtype=torch.long, device=bench.device) for n in (SCENE_TOKENS, PROMPT_TOKENS - 64))

    def read(ids: torch.Tensor, cache: DynamicCache) -> None:
        model(input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1)

    def question() -> None:
        cache = DynamicCache(config=config)
        read(scene, cache)
        started = time.perf_counter()
        read(rest, cache)
        for _ in range(NEW_TOKENS):
            read(rest[:, :1], cache)
        bench._wait()
        times.append((time.perf_counter() - started) * 1e3)

    times: list[float] = []
    bench.time("language: scene and question", question, count)
    bench.stages["language: question, scene known"] = percentiles(times[1:])
    row = bench.stages["language: question, scene known"]
    print(f"  {'language: question, scene known':<44} p50 {row['p50']:9.1f} ms   (45 tokens, without a grammar)")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto", choices=["auto", "cuda", "cpu", "mps"])
    parser.add_argument("--precision", default="auto", choices=["auto", "float32", "float16", "bfloat16"])
    parser.add_argument("--frames", type=int, default=3, help="measured runs of each stage (%(default)s)")
    parser.add_argument("--objects", type=int, default=5)
    parser.add_argument("--words", type=int, default=100)
    parser.add_argument("--image-px", type=int, default=1024, help="of SAM 2 (%(default)s)")
    parser.add_argument("--depth-px", type=int, default=518, help="of Depth Anything (%(default)s)")
    parser.add_argument("--only", nargs="+", default=["detector", "segmenter", "depth", "language"])
    parser.add_argument("--json", metavar="FILE", help="write the figures")
    args = parser.parse_args()
    device = pick_device(args.device)
    bench = Bench(device, pick_dtype(args.precision, device))
    color = np.random.default_rng(0).integers(0, 255, (480, 640, 3), dtype=np.uint8)
    picture = to_device(torch.from_numpy(color), device)
    print(f"{device}, {bench.dtype}, 640x480, random weights")
    if "detector" in args.only:
        bench_detector(bench, picture, args.words, args.frames)
    if "segmenter" in args.only:
        bench_segmenter(bench, picture, args.objects, args.image_px, args.frames)
    if "depth" in args.only:
        bench_depth(bench, picture, args.depth_px, args.frames)
    if "language" in args.only:
        bench_language(bench, args.frames)
    result = {
        "device": torch.cuda.get_device_name() if device == "cuda" else device,
        "dtype": str(bench.dtype),
        "stages_ms": bench.stages,
        "weights_mb": bench.weights_mb,
        "peak_gpu_mb": torch.cuda.max_memory_allocated() / 2**20 if device == "cuda" else None,
        "peak_rss_mb": peak_rss_mb(),
        "machine": machine(),
    }
    gpu = "unmeasured: no CUDA here" if device != "cuda" else f"{result['peak_gpu_mb']:.0f} MiB"
    print(f"peak GPU memory: {gpu}; peak resident memory: {result['peak_rss_mb']:.0f} MiB")
    if args.json:
        with open(args.json, "w") as file:
            json.dump(result, file, indent=1)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
