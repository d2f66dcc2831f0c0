#!/usr/bin/env python
"""Cost of the foundation models at their true size: milliseconds a stage and bytes, on this machine.

    python scripts/bench_foundation.py                    random weights of the true architectures; needs no download
    python scripts/bench_foundation.py --device cuda --frames 300 --json out/foundation_cuda.json

OWLv2-base (960 px), SAM 2.1 tiny, Depth Anything V2 small, Qwen3-0.6B. Speed and memory do not depend on the values of
weights; what the models see does, so boxes are given here. The language model decodes a fixed number of tokens.

Stages come one by one; then `stream` is what a robot runs: frames of a 30 Hz camera through the whole perceiver, with
its key frames, and a standing question answered on each, while every network stays in memory. Peak memory is of that.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from collections.abc import Callable, Sequence
from typing import Any
from unittest.mock import patch

import numpy as np
import torch

from fastreasonseg_ros.evaluation.benchmark.machine import machine, peak_rss_mb
from fastreasonseg_ros.evaluation.metrics.masks import percentiles
from fastreasonseg_ros.perception.foundation.depth import DepthConfig, DepthEstimator
from fastreasonseg_ros.perception.foundation.detector import DetectedBox, DetectorConfig, Owlv2
from fastreasonseg_ros.perception.foundation.pictures import to_device
from fastreasonseg_ros.perception.foundation.segmenter import Segmenter, SegmenterConfig, build
from fastreasonseg_ros.perception.foundation.video import VideoMemory
from fastreasonseg_ros.weights import pick_device, pick_dtype

_STAGES = ("language", "detector", "segmenter", "depth", "stream")
PROMPT_TOKENS, SCENE_TOKENS, NEW_TOKENS = 123, 64, 45  # a question to the student, of which the scene is known


class Bench:
    """Times of work on one device; a stage's memory is what it holds when it is loaded."""

    def __init__(self, device: str, dtype: torch.dtype) -> None:
        self.device, self.dtype = device, dtype
        self.stages: dict[str, dict[str, float]] = {}
        self.weights_mb: dict[str, float] = {}
        self.fps: float | None = None
        self.networks: dict[str, Any] = {}  # kept, so that peak memory is of all together

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
        self.networks[name] = model
        self.weights_mb[name] = sum(p.numel() * p.element_size() for p in model.parameters()) / 2**20
        count = sum(p.numel() for p in model.parameters()) / 1e6
        print(f"{name}: {count:.0f} M parameters, {self.weights_mb[name]:.0f} MiB", flush=True)

    def _wait(self) -> None:
        if self.device == "cuda":
            torch.cuda.synchronize()


def bench_detector(bench: Bench, picture: torch.Tensor, words: int, count: int, tiny: bool) -> Given:
    from transformers import Owlv2Config, Owlv2ForObjectDetection

    vision = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12}
    config = Owlv2Config(vision_config=vision | {"image_size": 960, "patch_size": 16})
    if tiny:
        part = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
        config = Owlv2Config(
            text_config=part, vision_config=part | {"image_size": 64, "patch_size": 16}, projection_dim=32
        )
    model = Owlv2ForObjectDetection(config).to(bench.device, bench.dtype)
    bench.loaded("OWLv2-base", model)
    detector = Given(model, _tokens_of_nothing, DetectorConfig())
    names = [f"thing {n}" for n in range(words)]

    def read() -> None:
        detector._embeddings.clear()
        detector.set_labels(names)

    bench.time(f"detect: words ({words}), once a vocabulary", read, 1)
    new = itertools.count()
    bench.time("detect: one word more, of a question", lambda: detector.set_labels([*names, f"w{next(new)}"]), count)
    bench.time("detect: key frame", lambda: detector.detect(picture), count)
    return detector


def _tokens_of_nothing(asked: list[str], max_length: int, **_: Any) -> dict[str, torch.Tensor]:
    """Stands for the tokenizer, which comes with the weights; its cost is not measured."""
    ids = torch.ones(len(asked), max_length, dtype=torch.long)
    ids[:, -1] = 49407
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}


def boxes_of(objects: int) -> list[tuple[float, float, float, float]]:
    return [(20.0 + 40 * n, 40.0 + 20 * n, 110.0 + 40 * n, 150.0 + 20 * n) for n in range(objects)]


def bench_segmenter(bench: Bench, picture: torch.Tensor, objects: int, image_px: int, count: int) -> Segmenter:
    config = SegmenterConfig(image_px=image_px, batch=16)
    model = build(config, "configs/sam2.1/sam2.1_hiera_t.yaml", None, bench.device)
    with torch.no_grad():
        for name, value in model.named_parameters():
            if "object_score" in name and name.endswith("bias"):
                value += 5.0  # objects stay in view; random weights would lose them
    bench.loaded(f"SAM 2.1 tiny at {image_px}", model)
    segmenter = Segmenter(model, config, bench.dtype)
    memory, size = VideoMemory(segmenter), tuple(picture.shape[-2:])
    boxes, features = boxes_of(objects), segmenter.encode(picture)
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
    return segmenter


def bench_depth(bench: Bench, picture: torch.Tensor, side_px: int, count: int, tiny: bool) -> DepthEstimator:
    from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config

    size = {"hidden_size": 24, "num_attention_heads": 2} if tiny else {"hidden_size": 384, "num_attention_heads": 6}
    backbone = Dinov2Config(
        image_size=518, patch_size=14, reshape_hidden_states=False, out_indices=[3, 6, 9, 12],
        apply_layernorm=True, **size,
    )  # fmt: skip
    config = DepthAnythingConfig(
        backbone_config=backbone, depth_estimation_type="metric", max_depth=20,
        reassemble_hidden_size=size["hidden_size"],
    )  # fmt: skip
    model = DepthAnythingForDepthEstimation(config).to(bench.device, bench.dtype)
    bench.loaded("Depth Anything V2 small", model)
    estimator = DepthEstimator(model, DepthConfig(side_px=side_px))
    bench.time(f"depth: {side_px} px", lambda: estimator.estimate(picture), count)
    return estimator


class Given(Owlv2):
    """OWLv2 at its full cost, with boxes that random weights would not find."""

    boxes: Sequence[tuple[float, float, float, float]] = ()

    def detect(self, picture: torch.Tensor) -> list[DetectedBox]:
        super().detect(picture)
        return [DetectedBox(box, "mug", 0.9) for box in self.boxes]


def bench_stream(bench: Bench, detector: Given, segmenter: Segmenter, depth: DepthEstimator, objects: int, count: int):
    """A camera of 30 Hz without depth: perception, twin, and the plan of a standing question on every frame."""
    from fastreasonseg_ros.perception.foundation import perceiver as parts
    from fastreasonseg_ros.pipeline import StandingQuestion, observe
    from fastreasonseg_ros.twin.types import CameraIntrinsics, DigitalTwin, Frame, Query

    class Plan:
        name = "plan"

        def generate(self, prompt: str, grammar: str, on_text: Any = None) -> str:
            return "The nearest.\na = find(label=mug)\nb = nearest(a, camera)"

    detector.boxes = boxes_of(objects)
    config = parts.FoundationConfig(device=bench.device, tracks=parts.TrackConfig(merge_iou=1.1))
    with (
        patch.object(parts, "make_detector", lambda *_: detector),
        patch.object(parts.Segmenter, "load", lambda *_: segmenter),
        patch.object(parts.DepthEstimator, "load", lambda *_: depth),
    ):
        perceiver = parts.FoundationPerceiver(config)
    camera = CameraIntrinsics(640, 480, 600.0, 600.0, 320.0, 240.0)
    pictures = [np.roll(_noise(), 8 * n, axis=1) for n in range(16)]
    twin, question = DigitalTwin(), StandingQuestion(Query("the mug nearest to me"), Plan())
    took: dict[bool, list[float]] = {True: [], False: []}
    for n in range(count + 8):
        frame = Frame(pictures[n % 16], intrinsics=camera, stamp_s=n / 30)
        start = time.perf_counter()
        twin = observe(twin, frame, perceiver)
        answer = question.answer(twin)
        bench._wait()
        if n >= 8:  # SAM 2's memory is full
            took[bool(perceiver.keyframe)].append((time.perf_counter() - start) * 1e3)
    print(f"stream: {len(twin.instances)} objects, the standing question: {answer.message}")
    every = took[True] + took[False]
    bench.stages |= {"stream: a frame": percentiles(every)}
    for key, name in ((True, "stream: a key frame"), (False, "stream: a frame between")):
        bench.stages |= {name: percentiles(took[key])} if took[key] else {}
    bench.fps = 1e3 * len(every) / sum(every)
    print(f"stream: {bench.fps:.1f} frames a second; {len(took[True])} of {len(every)} were key frames")
    print("  of the last frame:", ", ".join(f"{stage} {ms:.1f} ms" for stage, ms in perceiver.latency_ms.items()))


def _noise() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (480, 640, 3), dtype=np.uint8)


@torch.inference_mode()
def bench_language(bench: Bench, count: int, tiny: bool) -> None:
    from transformers import DynamicCache, Qwen3Config, Qwen3ForCausalLM

    size = {"vocab_size": 151936, "hidden_size": 1024, "intermediate_size": 3072, "num_hidden_layers": 28}
    if tiny:
        size = {"vocab_size": 200, "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2}
    config = Qwen3Config(
        **size, num_attention_heads=16, num_key_value_heads=8, head_dim=128, tie_word_embeddings=True,
        max_position_embeddings=40960,
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
    parser.add_argument("--only", nargs="+", default=[*_STAGES], choices=_STAGES, help="default: all")
    parser.add_argument("--tiny", action="store_true", help="small networks: whether the script runs, no figures")
    parser.add_argument("--json", metavar="FILE", help="write the figures")
    args = parser.parse_args()
    device = pick_device(args.device)
    bench = Bench(device, pick_dtype(args.precision, device))
    picture, tiny = to_device(torch.from_numpy(_noise()), device), args.tiny
    print(f"{device}, {bench.dtype}, 640x480, random weights")
    made: dict[str, Any] = {}
    if "language" in args.only:
        bench_language(bench, args.frames, tiny)
    only = _STAGES if "stream" in args.only else args.only
    if "detector" in only:
        made["detector"] = bench_detector(bench, picture, args.words, args.frames, tiny)
    if "segmenter" in only:
        made["segmenter"] = bench_segmenter(bench, picture, args.objects, args.image_px, args.frames)
    if "depth" in only:
        made["depth"] = bench_depth(bench, picture, args.depth_px, args.frames, tiny)
    if "stream" in only:
        bench_stream(bench, **made, objects=args.objects, count=args.frames)
    result = {
        "device": torch.cuda.get_device_name() if device == "cuda" else device,
        "dtype": str(bench.dtype),
        "stages_ms": bench.stages,
        "frames_per_second": bench.fps,
        "weights_mb": bench.weights_mb,
        "peak_gpu_mb": torch.cuda.max_memory_allocated() / 2**20 if device == "cuda" else None,
        "free_gpu_mb": [v / 2**20 for v in torch.cuda.mem_get_info()] if device == "cuda" else None,  # and in all
        "reserved_gpu_mb": torch.cuda.max_memory_reserved() / 2**20 if device == "cuda" else None,
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
