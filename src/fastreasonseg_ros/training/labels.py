"""`fastreasonseg train labels`: the names of things, learnt from simulated scenes (models/labels/labels.npz).

Scenes are simulated, seen by the table-top perceiver, and every thing that it cut out rightly becomes a sample: its
features and its true name. What is seen of each scene is kept in the work folder, so that the command can be stopped
and run again. The last tenth of the scenes measures, and calibrates the temperature (Guo et al., On Calibration of
Modern Neural Networks, ICML 2017).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int64
from tqdm import tqdm

from ..evaluation.perception_metrics import match_ids
from ..perception.describe import Geometry, describe
from ..perception.features import Features
from ..perception.labels import LabelModel
from ..perception.tabletop import SegmentConfig, segment
from ..simulation.noise import SENSORS
from ..simulation.placing import CLUTTER
from ..simulation.scene import make_scene
from ..twin.types import Frame

Samples = list[tuple[str, Float32[np.ndarray, "features"]]]


def main(argv: Sequence[str] | None = None) -> int:
    """The command; see --help."""
    parser = argparse.ArgumentParser("fastreasonseg train labels", description=__doc__)
    parser.add_argument("--scenes", type=int, default=600, help="simulated scenes to see (%(default)s)")
    parser.add_argument("--seed", type=int, default=100_000, help="of the first scene (%(default)s)")
    parser.add_argument("--work", type=Path, default=Path("out/labels"), help="folder of seen scenes (%(default)s)")
    parser.add_argument("--out", type=Path, default=Path("models/labels/labels.npz"), help="model (%(default)s)")
    parser.add_argument("--hidden", type=int, default=96, help="width of the hidden layer (%(default)s)")
    parser.add_argument("--epochs", type=int, default=150, help="passes over the samples (%(default)s)")
    parser.add_argument("--min-score", type=float, default=0.4, help="below it a thing is an object (%(default)s)")
    args = parser.parse_args(argv)
    scenes = [see_cached(args.work, args.seed + n, n) for n in tqdm(range(args.scenes), desc="scenes", unit="scene")]
    model, report = train(scenes, args.hidden, args.epochs, args.min_score)
    model.save(args.out)
    print(f"{args.out}: {len(model.labels)} names; " + ", ".join(f"{k} {v:.3f}" for k, v in report.items()))
    return 0


def see_cached(folder: Path, seed: int, number: int) -> Samples:
    """The samples of one scene, from the folder if it was seen before."""
    path = folder / f"{seed}.npz"
    if path.is_file():
        with np.load(path, allow_pickle=False) as data:
            return [(str(name), vector) for name, vector in zip(data["names"], data["vectors"], strict=True)]
    clutter, noise = CLUTTER[number % len(CLUTTER)], sorted(SENSORS)[number // len(CLUTTER) % len(SENSORS)]
    with make_scene(seed, clutter=clutter, n_objects=6 + number % 9) as scene:
        samples = see(scene.render(noise))
    folder.mkdir(parents=True, exist_ok=True)
    names = np.array([name for name, _ in samples], str)
    vectors = np.array([vector for _, vector in samples], np.float32)
    part = path.with_suffix(".part.npz")
    np.savez(part, names=names, vectors=vectors)
    part.rename(path)
    return samples


def see(frame: Frame, least_f: float = 0.7) -> Samples:
    """Name and features of every thing that the table-top perceiver cuts out with overlap F >= `least_f`."""
    if frame.depth_m is None or frame.intrinsics is None or frame.truth is None:
        raise ValueError("samples need depth, a camera model and the truth")
    found = segment(frame.color, frame.depth_m, frame.intrinsics, SegmentConfig())
    if found is None:
        return []
    geometry = Geometry(frame.depth_m, found.surface, found.factor, found.plane)
    samples: Samples = []
    for true_id, (label, f) in match_ids(found.labels.astype(np.uint16), frame.truth.ids).items():
        if f >= least_f:
            features = _features(label, found.labels, frame, geometry)
            if features is not None:
                samples.append((frame.truth.labels[true_id], features.vector()))
    return samples


def _features(label: int, labels: np.ndarray, frame: Frame, geometry: Geometry) -> Features | None:
    rows, columns = np.nonzero(labels == label)
    box = (slice(int(rows.min()), int(rows.max()) + 1), slice(int(columns.min()), int(columns.max()) + 1))
    return describe(label, labels, box, frame.color, geometry, None)[1]


def train(scenes: Sequence[Samples], hidden: int, epochs: int, min_score: float) -> tuple[LabelModel, dict[str, float]]:
    """A model from all but the last tenth of the scenes, and how good it is on those: accuracy (of all things),
    precision (of those it names), named (share it names), loss (mean negative log likelihood)."""
    names = tuple(sorted({name for samples in scenes for name, _ in samples}))
    cut = max(1, len(scenes) * 9 // 10)
    x, y = _stack(scenes[:cut], names)
    x_test, y_test = _stack(scenes[cut:], names)
    if len(x) < len(names) or not len(x_test):
        raise ValueError(f"{len(x)} samples of {len(names)} names are too few to train and measure: more --scenes")
    mean, scale = x.mean(axis=0), np.maximum(x.std(axis=0), 0.02)
    layers = _fit(np.clip((x - mean) / scale, -6, 6), y, len(names), hidden, epochs)
    logits = _logits(np.clip((x_test - mean) / scale, -6, 6), layers)
    temperatures = np.geomspace(0.3, 4, 60)
    losses = [_loss(logits / t, y_test) for t in temperatures]
    best = float(temperatures[int(np.argmin(losses))])
    model = LabelModel(names, mean.astype(np.float32), scale.astype(np.float32), *layers, best, min_score)
    odds = np.exp(logits / best - np.log(np.exp(logits / best).sum(axis=1, keepdims=True)))
    said, sure = odds.argmax(axis=1), odds.max(axis=1) >= min_score
    right = said == y_test
    report = {
        "accuracy": float(right.mean()),
        "precision": float(right[sure].mean()) if sure.any() else 0.0,
        "named": float(sure.mean()),
        "loss": float(min(losses)),
        "samples": float(len(x)),
        "measured": float(len(x_test)),
    }
    return model, report


def _fit(x: np.ndarray, y: np.ndarray, names: int, hidden: int, epochs: int, batch: int = 128) -> list[np.ndarray]:
    """Weights and biases of both layers: Adam with decoupled weight decay (Loshchilov and Hutter, 2019), dropout, noise
    on the inputs and smoothed labels against the few samples that rare names have."""
    random = np.random.default_rng(0)
    weights = [
        random.normal(0, np.sqrt(2 / x.shape[1]), (x.shape[1], hidden)),
        np.zeros(hidden),
        random.normal(0, np.sqrt(1 / hidden), (hidden, names)),
        np.zeros(names),
    ]
    first, second = [np.zeros_like(w) for w in weights], [np.zeros_like(w) for w in weights]
    wanted = np.full((names, names), 0.03 / names) + 0.97 * np.eye(names)
    step, steps = 0, epochs * -(-len(x) // batch)
    for _ in tqdm(range(epochs), desc="epochs", unit="epoch"):
        for chosen in np.array_split(random.permutation(len(x)), -(-len(x) // batch)):
            inputs = x[chosen] + 0.08 * random.normal(size=(len(chosen), x.shape[1]))
            keep = (random.random((len(chosen), hidden)) > 0.3) / 0.7
            active = np.maximum(inputs @ weights[0] + weights[1], 0) * keep
            logits = active @ weights[2] + weights[3]
            odds = np.exp(logits - logits.max(axis=1, keepdims=True))
            error = (odds / odds.sum(axis=1, keepdims=True) - wanted[y[chosen]]) / len(chosen)
            back = (error @ weights[2].T) * (active > 0) * keep
            step += 1
            rate = 3e-3 * 0.5 * (1 + np.cos(np.pi * step / steps))
            for n, slope in enumerate((inputs.T @ back, back.sum(axis=0), active.T @ error, error.sum(axis=0))):
                first[n] = 0.9 * first[n] + 0.1 * slope
                second[n] = 0.999 * second[n] + 0.001 * slope * slope
                size = np.sqrt(second[n] / (1 - 0.999**step)) + 1e-8
                weights[n] = weights[n] * (1 - 2e-2 * rate) - rate * first[n] / (1 - 0.9**step) / size
    return [w.astype(np.float32) for w in weights]


def _logits(x: np.ndarray, layers: Sequence[np.ndarray]) -> np.ndarray:
    return np.maximum(x @ layers[0] + layers[1], 0) @ layers[2] + layers[3]


def _stack(
    scenes: Sequence[Samples], names: tuple[str, ...]
) -> tuple[Float32[np.ndarray, "n features"], Int64[np.ndarray, "n"]]:
    samples = [sample for scene in scenes for sample in scene]
    x = np.array([vector for _, vector in samples], np.float32)
    return x, np.array([names.index(name) for name, _ in samples], np.int64)


def _loss(logits: np.ndarray, y: np.ndarray) -> float:
    top = logits - logits.max(axis=1, keepdims=True)
    return float((np.log(np.exp(top).sum(axis=1)) - top[np.arange(len(y)), y]).mean())
