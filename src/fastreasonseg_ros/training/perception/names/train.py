"""`fastreasonseg train labels`: trains the label classifier on simulated scenes (models/labels/labels.npz).

Training data are the frames of `train segmenter` (made if missing) and tables of separate objects, with true masks and
with those of the installed table-top perceiver. Test data are other scenes at full resolution with the perceiver's
masks: on every second one the temperature is fitted (Guo et al., On Calibration of Modern Neural Networks, ICML 2017),
on the others figures are measured. Samples are cached in the work folder, so that the command can be resumed.

--furniture adds tables with modelled things (`fastreasonseg train furniture` fetches them), and more names; the models
that the table of names holds out are measured on apart, as furniture_... --eyes lets the detector look at their crops.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float32
from scipy import ndimage
from tqdm import tqdm

from ....evaluation.metrics.synonyms import load_synonyms
from ....perception.attributes.crops import crop_of
from ....perception.attributes.describe import geometry_of
from ....perception.attributes.eyes import Eyes
from ....perception.attributes.names import UNSURE, LabelModel, inputs_of, normalized
from ....perception.detection.ssd import FEATURES, Detector
from ....perception.protocol import Perceiver
from ....perception.tabletop import TabletopConfig, TabletopPerceiver
from ....simulation.objects.household import KINDS
from ....simulation.objects.sweethome.library import Library
from ....simulation.scenes.placing import CLUTTER
from ..segmenter.frames import make_frames, shard_names, shard_path
from .fit import fit
from .furniture import fetch_furniture
from .samples import (
    Samples,
    cut_out,
    encoded,
    features_of,
    furniture_samples,
    looked_at,
    shard_samples,
    table_samples,
)
from .scenes import AnnotatedView, cached_views

WIDE = (
    "box",
    "tin",
    "cup",
    "bottle",
    "cutlery",
    "fruit",
    "tool",
    "toy",
)  # hypernyms, for ambiguous labels
TABLE_VIEWS = 4
FURNITURE_SEED, HELD_OUT_SEED = 500_000, 900_000
BY_RULE = 0.5  # share of procedural objects on tables with furniture
COMPONENTS = 48  # principal components of the detector's features that are inputs


def main(argv: Sequence[str] | None = None) -> int:
    """The command; see --help."""
    parser = argparse.ArgumentParser("fastreasonseg train labels", description=__doc__)
    parser.add_argument("--frames", type=Path, default=Path("out/train/segmenter/frames"), help="folder (%(default)s)")
    parser.add_argument("--scenes", type=int, default=1020, help="scenes of it to learn from (%(default)s)")
    parser.add_argument("--frames-per-scene", type=int, default=20, help="where they are made (%(default)s)")
    parser.add_argument("--views", type=int, default=5, help="frames of each to look at (%(default)s)")
    parser.add_argument("--seed", type=int, default=200_000, help="of the first of these scenes (%(default)s)")
    parser.add_argument("--tables", type=int, default=260, help="tables of things apart to learn from (%(default)s)")
    parser.add_argument("--furniture", type=int, default=0, help="tables with modelled things, too (%(default)s)")
    parser.add_argument("--held-out", type=int, default=32, help="tables of held-out models, to measure (%(default)s)")
    parser.add_argument("--eyes", choices=("none", "scores", "features"), default="none", help="inputs (%(default)s)")
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
    eyes = None if args.eyes == "none" else Eyes(Detector())
    tests = []
    for n in tqdm(range(args.test_scenes), desc="test scenes", unit="scene"):
        views = cached_views(args.work / "scenes", args.test_seed + n, n)
        tests.append(_seen(args.work / f"scenes-seen/{args.test_seed + n}.npz", samples_of(views, perceiver), eyes))
    held_out: list[Samples] = []
    if args.furniture:
        samples += _furniture(args.work / "furniture", FURNITURE_SEED, args.furniture, perceiver, eyes)
        held_out += _furniture(args.work / "held-out", HELD_OUT_SEED, args.held_out, perceiver, eyes)
    components = COMPONENTS if args.eyes == "features" else 0
    model, report = train(
        samples, tests, tuple(args.hidden), args.nets, args.epochs, args.min_score, held_out, components
    )
    model.save(args.out)
    if args.json:
        args.json.write_text(json.dumps(report, indent=1) + "\n")
    print(f"{args.out}: {len(model.labels)} names; " + ", ".join(f"{k} {v:.3f}" for k, v in report.items()))
    return 0


def _furniture(folder: Path, seed: int, tables: int, perceiver: Perceiver, eyes: Eyes | None) -> Iterator[Samples]:
    """Samples of tables with modelled things; the held-out ones stand alone."""
    held_out = seed == HELD_OUT_SEED
    library = Library(fetch_furniture(), held_out)
    for n in tqdm(range(tables), desc=folder.name, unit="table"):
        found = furniture_samples(folder, seed + n, TABLE_VIEWS, perceiver, library, 0.0 if held_out else BY_RULE)
        yield _seen(folder.with_name(f"{folder.name}-seen") / f"{seed + n}.npz", found, eyes)


def _seen(path: Path, samples: Samples, eyes: Eyes | None) -> Samples:
    return samples if eyes is None else looked_at(path, samples, eyes)


def samples_of(views: Sequence[AnnotatedView], perceiver: Perceiver) -> Samples:
    """Samples of every object that the perceiver segments well enough (see cut_out)."""
    found, crops = [], []
    for frame in (view.frame for view in views):
        geometry = geometry_of(frame, 320)
        if geometry is None or frame.truth is None:
            raise ValueError("samples need depth, a camera model and the truth")
        for true_id, mask in cut_out(perceiver, frame, frame.truth.ids).items():
            features = features_of(mask, frame.color, geometry)
            if features is not None:
                found.append((frame.truth.labels[true_id], features.vector()))
                crops.append(encoded(crop_of(frame.color, ndimage.find_objects(mask.astype(np.int32))[0])))
    return Samples(tuple(name for name, _ in found), np.array([v for _, v in found], np.float32), tuple(crops))


def train(
    samples: Sequence[Samples],
    tests: Sequence[Samples],
    hidden: tuple[int, int],
    nets: int,
    epochs: int,
    min_score: float,
    held_out: Sequence[Samples] = (),
    components: int = 0,
) -> tuple[LabelModel, dict[str, float]]:
    """A model, and its figures on every second test scene; the temperature is fitted on the others.

    held_out: tables of models that no sample shows, split alike, with figures of their own. components: of the features
    of Eyes. Samples that Eyes looked at make them inputs.
    """
    samples = [s for s in samples if s.names]
    names = tuple(sorted(set(KINDS).union(*(s.names for s in samples))))
    count = sum(len(s.names) for s in samples)
    held_out = [s for s in held_out if s.names]
    fitting = [s for part in (tests, held_out) for n, s in enumerate(part) if _fits(n) and s.names]
    measuring = [s for n, s in enumerate(tests) if not _fits(n) and s.names]
    apart = [s for n, s in enumerate(held_out) if not _fits(n)]
    if count < len(names) or not fitting or not measuring:
        raise ValueError(f"{count} samples of {len(names)} names are too few to train and measure: more --scenes")
    vectors, seen = _together(samples)
    looks = 0 if seen is None else seen.shape[1] - FEATURES
    projection = _principal(seen[:, looks:], components) if seen is not None and components else _NO_FEATURES
    x = inputs_of(vectors, seen, looks, projection)
    mean, scale = np.nanmean(x, axis=0), np.maximum(np.nanstd(x, axis=0), 0.02)
    y = np.array([names.index(n) for s in samples for n in s.names], np.int64)
    layers = fit(normalized(x, mean, scale), y, len(names), hidden, nets, epochs, features=vectors.shape[1])
    table = load_synonyms()
    wide = tuple(w for w in WIDE if sum(n in table.kinds_of(w) for n in names) > 1)
    members = np.array([[n in table.kinds_of(w) for w in wide] for n in names], np.float32)
    model = LabelModel(
        names, wide, members, mean.astype(np.float32), scale.astype(np.float32),
        layers[0], layers[1], layers[2], layers[3], layers[4], layers[5],
        min_score=min_score, looks=looks, projection=projection,
    )  # fmt: skip
    temperatures = [float(t) for t in np.geomspace(0.4, 4, 40)]
    losses = [_loss(replace(model, temperature=t), fitting) for t in temperatures]
    model = replace(model, temperature=temperatures[int(np.argmin(losses))])
    report = measure(model, measuring) | {"samples": float(count), "temperature": model.temperature}
    return model, report | ({f"furniture_{k}": v for k, v in measure(model, apart).items()} if apart else {})


_NO_FEATURES = np.zeros((0, 0), np.float32)


def _together(
    samples: Sequence[Samples],
) -> tuple[Float32[np.ndarray, "n features"], Float32[np.ndarray, "n seen"] | None]:
    """Vectors of all samples, and what is seen of them: NaN where it was not looked; None where it never was."""
    width = max((s.seen.shape[1] for s in samples if s.seen is not None), default=0)
    seen = [np.full((len(s.names), width), np.nan, np.float32) if s.seen is None else s.seen for s in samples]
    return np.concatenate([s.vectors for s in samples]), np.concatenate(seen) if width else None


def _principal(
    features: Float32[np.ndarray, "n channels"], components: int
) -> Float32[np.ndarray, "channels components"]:
    """The first principal components of the rows that are known."""
    rows = features[np.isfinite(features[:, 0])].astype(np.float64)
    _, vectors = np.linalg.eigh(np.cov(rows.T))
    return vectors[:, ::-1][:, :components].astype(np.float32)


def _fits(number: int) -> bool:
    """Whether a test scene is for the temperature: every second one, balanced over kinds of clutter."""
    return (number + number // len(CLUTTER)) % 2 == 1


def measure(model: LabelModel, samples: Sequence[Samples]) -> dict[str, float]:
    """Shares of the objects: accuracy (the true label is most probable), said (the output is the true label),
    synonyms (the output agrees with it by evaluation/metrics/synonyms.txt), named (an output other than UNSURE),
    precision (share of named ones that agree), calibration_error (of the score, 10 bins of equal width)."""
    table = load_synonyms()
    odds = model.odds(*_together(samples))
    words = [model.word(o) for o in odds]
    true = [name for s in samples for name in s.names]
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
        "measured": float(len(true)),
    }


def calibration_error(scores: np.ndarray, right: np.ndarray, bins: int = 10) -> float:
    """Expected calibration error: mean of |score - accuracy| over bins of the score, weighted by their size."""
    number = np.minimum((scores * bins).astype(int), bins - 1)
    gaps = (abs(scores[number == k].mean() - right[number == k].mean()) * (number == k).sum() for k in set(number))
    return float(sum(gaps) / max(len(scores), 1))


def _loss(model: LabelModel, samples: Sequence[Samples]) -> float:
    """Mean negative log-likelihood of the true names, without those that the model does not know."""
    odds = model.odds(*_together(samples))
    column = {name: k for k, name in enumerate(model.labels)}
    true = [(row, column[n]) for row, n in enumerate(n for s in samples for n in s.names) if n in column]
    rows, columns = np.array(true).T
    return float(-np.log(np.maximum(odds[rows, columns], 1e-6)).mean())
