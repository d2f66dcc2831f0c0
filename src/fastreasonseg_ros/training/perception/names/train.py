"""`fastreasonseg train labels`: trains the label classifier on simulated scenes (models/labels/labels.npz).

Training data are the frames of `train segmenter` (made if missing) and tables of separate objects, with true masks and
with those of the installed table-top perceiver. Test data are other scenes at full resolution with the perceiver's
masks: on every second one the temperature is fitted (Guo et al., On Calibration of Modern Neural Networks, ICML 2017),
on the others figures are measured. Samples are cached in the work folder, so that the command can be resumed.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float32
from tqdm import tqdm

from ....evaluation.metrics.synonyms import load_synonyms
from ....perception.attributes.describe import geometry_of
from ....perception.attributes.names import UNSURE, LabelModel
from ....perception.protocol import Perceiver
from ....perception.tabletop import TabletopConfig, TabletopPerceiver
from ....simulation.objects.household import KINDS
from ....simulation.scenes.placing import CLUTTER
from ..segmenter.frames import make_frames, shard_names, shard_path
from .fit import fit
from .samples import Samples, cut_out, features_of, shard_samples, table_samples
from .scenes import AnnotatedView, cached_views

WIDE = (
    "box",
    "tin",
    "cup",
    "bottle",
    "cutlery",
    "fruit",
    "tool",
)  # hypernyms, for ambiguous labels
TABLE_VIEWS = 4
Row = tuple[str, Float32[np.ndarray, "features"]]


def main(argv: Sequence[str] | None = None) -> int:
    """The command; see --help."""
    parser = argparse.ArgumentParser("fastreasonseg train labels", description=__doc__)
    parser.add_argument("--frames", type=Path, default=Path("out/train/segmenter/frames"), help="folder (%(default)s)")
    parser.add_argument("--scenes", type=int, default=1020, help="scenes of it to learn from (%(default)s)")
    parser.add_argument("--frames-per-scene", type=int, default=20, help="where they are made (%(default)s)")
    parser.add_argument("--views", type=int, default=5, help="frames of each to look at (%(default)s)")
    parser.add_argument("--seed", type=int, default=200_000, help="of the first of these scenes (%(default)s)")
    parser.add_argument("--tables", type=int, default=260, help="tables of things apart to learn from (%(default)s)")
    parser.add_argument("--test-scenes", type=int, default=32, help="other scenes, to measure; 2 or more (%(default)s)")
    parser.add_argument("--test-seed", type=int, default=200_000, help="of the first of those (%(default)s)")
    parser.add_argument("--work", type=Path, default=Path("out/labels"), help="folder of what is seen (%(default)s)")
    parser.add_argument("--out", type=Path, default=Path("models/labels/labels.npz"), help="model (%(default)s)")
    parser.add_argument("--hidden", type=int, nargs=2, default=(160, 96), help="widths of the layers (%(default)s)")
    parser.add_argument("--nets", type=int, default=5, help="networks to average (%(default)s)")
    parser.add_argument("--epochs", type=int, default=18, help="passes over the samples (%(default)s)")
    parser.add_argument("--min-score", type=float, default=0.4, help="below it a thing is an object (%(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="processes that make frames (%(default)s)")
    parser.add_argument("--json", type=Path, help="write the figures")
    args = parser.parse_args(argv)
    make_frames(args.frames, args.scenes * args.frames_per_scene, args.frames_per_scene, args.seed, args.workers)
    shards = [
        shard_path(args.frames, *job)
        for job in shard_names(args.scenes * args.frames_per_scene, args.frames_per_scene, args.seed)
    ]
    perceiver, kept = TabletopPerceiver(TabletopConfig(names=False)), args.work / "cut-outs"
    samples = [shard_samples(kept, path, args.views, perceiver) for path in tqdm(shards, desc="files", unit="file")]
    tables = tqdm(range(args.tables), desc="tables", unit="table")
    samples += [table_samples(kept, args.seed + n, TABLE_VIEWS, perceiver) for n in tables]
    tests: list[list[Row]] = []
    for n in tqdm(range(args.test_scenes), desc="test scenes", unit="scene"):
        views = cached_views(args.work / "scenes", args.test_seed + n, n)
        tests.append([row for view in views for row in rows_of(view, perceiver)])
    model, report = train(samples, tests, tuple(args.hidden), args.nets, args.epochs, args.min_score)
    model.save(args.out)
    if args.json:
        args.json.write_text(json.dumps(report, indent=1) + "\n")
    print(f"{args.out}: {len(model.labels)} names; " + ", ".join(f"{k} {v:.3f}" for k, v in report.items()))
    return 0


def rows_of(picture: AnnotatedView, perceiver: Perceiver) -> list[Row]:
    """Label and features of every object that the perceiver segments well enough (see cut_out)."""
    frame = picture.frame
    geometry = geometry_of(frame, 320)
    if geometry is None or frame.truth is None:
        raise ValueError("samples need depth, a camera model and the truth")
    rows: list[Row] = []
    for true_id, mask in cut_out(perceiver, frame, frame.truth.ids).items():
        features = features_of(mask, frame.color, geometry)
        if features is not None:
            rows.append((frame.truth.labels[true_id], features.vector()))
    return rows


def train(
    samples: Sequence[Samples],
    tests: Sequence[Sequence[Row]],
    hidden: tuple[int, int],
    nets: int,
    epochs: int,
    min_score: float,
) -> tuple[LabelModel, dict[str, float]]:
    """A model, and its figures on every second test scene; the temperature is fitted on the others."""
    names = tuple(sorted(KINDS))
    x = np.concatenate([s.vectors for s in samples if s.names] or [np.zeros((0, 1), np.float32)])
    y = np.array([names.index(n) for s in samples for n in s.names], np.int64)
    fitting, measuring = ([row for n, rows in enumerate(tests) if _fits(n) == k for row in rows] for k in (True, False))
    if len(x) < len(names) or not fitting or not measuring:
        raise ValueError(f"{len(x)} samples of {len(names)} names are too few to train and measure: more --scenes")
    mean, scale = x.mean(axis=0), np.maximum(x.std(axis=0), 0.02)
    layers = fit(np.clip((x - mean) / scale, -5, 5), y, len(names), hidden, nets, epochs)
    table = load_synonyms()
    wide = tuple(w for w in WIDE if sum(n in table.kinds_of(w) for n in names) > 1)
    members = np.array([[n in table.kinds_of(w) for w in wide] for n in names], np.float32)
    parts = (names, wide, members, mean.astype(np.float32), scale.astype(np.float32), *layers)
    temperatures = np.geomspace(0.4, 4, 40)
    losses = [_loss(LabelModel(*parts, float(t), min_score), fitting) for t in temperatures]
    model = LabelModel(*parts, float(temperatures[int(np.argmin(losses))]), min_score)
    return model, measure(model, measuring) | {"samples": float(len(x)), "temperature": model.temperature}


def _fits(number: int) -> bool:
    """Whether a test scene is for the temperature: every second one, balanced over kinds of clutter."""
    return (number + number // len(CLUTTER)) % 2 == 1


def measure(model: LabelModel, rows: Sequence[Row]) -> dict[str, float]:
    """Shares of the objects: accuracy (the true label is most probable), said (the output is the true label),
    synonyms (the output agrees with it by evaluation/metrics/synonyms.txt), named (an output other than UNSURE),
    precision (share of named ones that agree), calibration_error (of the score, 10 bins of equal width)."""
    table = load_synonyms()
    odds = model.odds(np.array([vector for _, vector in rows], np.float32))
    words = [model.word(o) for o in odds]
    true = [name for name, _ in rows]
    right = np.array([table.agree(label, name) for (label, _), name in zip(words, true, strict=True)])
    named = np.array([label != UNSURE for label, _ in words])
    scores = np.array([score for _, score in words])
    narrow = np.array([label not in model.wide or label in model.labels for label, _ in words]) & named
    best = odds.argmax(axis=1)
    top = odds.max(axis=1)
    exact = np.array([model.labels[k] == name for k, name in zip(best, true, strict=True)])
    output_exact = np.array([label == name for (label, _), name in zip(words, true, strict=True)])
    return {
        "accuracy": float(exact.mean()),
        "said": float(output_exact.mean()),
        "synonyms": float(right.mean()),
        "named": float(named.mean()),
        "precision": float(right[named].mean()) if named.any() else 0.0,
        "narrow": float(narrow.mean()),
        "calibration_error": calibration_error(top, exact),
        "calibration_error_said": calibration_error(scores[named], right[named]) if named.any() else 0.0,
        "measured": float(len(rows)),
    }


def calibration_error(scores: np.ndarray, right: np.ndarray, bins: int = 10) -> float:
    """Expected calibration error: mean of |score - accuracy| over bins of the score, weighted by their size."""
    number = np.minimum((scores * bins).astype(int), bins - 1)
    gaps = (abs(scores[number == k].mean() - right[number == k].mean()) * (number == k).sum() for k in set(number))
    return float(sum(gaps) / max(len(scores), 1))


def _loss(model: LabelModel, rows: Sequence[Row]) -> float:
    odds = model.odds(np.array([vector for _, vector in rows], np.float32))
    true = [model.labels.index(name) for name, _ in rows]
    return float(-np.log(np.maximum(odds[np.arange(len(true)), true], 1e-6)).mean())
