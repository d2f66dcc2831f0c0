"""Tracking metrics on simulated clips: ids over time, size and velocity against the simulator's ground truth.

Size and velocity are compared where the overlap F of predicted and true mask is at least 0.5.
Size error: mean over the three camera axes of |predicted - true|, metres; the true size is amodal (with hidden sides).
Velocity error: norm of the difference to the velocity of the object's origin (central difference of its positions),
both in the table's frame, m/s; `moving` are the frames in which the object is faster than 3 cm/s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...perception.protocol import Perceiver
from ...pipeline import observe
from ...simulation.scenes.scenarios import FPS, SimulatedFrame
from ...twin.types import DigitalTwin, Frame, Vector
from ..metrics.intervals import CONFIDENCE, FEWEST, ratio_interval
from ..metrics.segmentation import match_ids
from ..metrics.tracking import TrackingMetric, idf1

SAME_F = 0.5
MOVING = 0.03  # m/s
RESAMPLES = 1000


@dataclass
class ClipResult:
    """One clip: counts of TrackingMetric, and errors with one entry per object and frame in which it was found."""

    clip: str
    scenario: str
    counts: dict[str, int]
    size_error_m: list[float] = field(default_factory=list)
    velocity_error: list[float] = field(default_factory=list)
    true_speed: list[float] = field(default_factory=list)


def measure_clip(
    name: str,
    scenario: str,
    pictures: Sequence[SimulatedFrame],
    perceiver: Perceiver,
    to_input: Callable[[SimulatedFrame], Frame],
) -> ClipResult:
    """Runs a clip through observe(). to_input: makes the perceiver's input frame, without the ground truth."""
    metric, twin = TrackingMetric(), DigitalTwin()
    result = ClipResult(name, scenario, {})
    for n, picture in enumerate(pictures):
        truth = picture.frame.truth
        assert truth is not None
        twin = observe(twin, to_input(picture), perceiver)
        metric.update(twin.ids, truth.ids)
        if twin.ids is None:
            continue
        for true_id, (id, f) in match_ids(twin.ids, truth.ids).items():
            if f >= SAME_F and true_id in picture.objects:
                _compare(result, twin, id, true_id, pictures, n)
    result.counts = metric.counts()
    return result


def _compare(
    result: ClipResult, twin: DigitalTwin, id: int, true_id: int, pictures: Sequence[SimulatedFrame], n: int
) -> None:
    found, picture = twin.instance(id), pictures[n]
    if found.size_m is not None:
        error_m = np.abs(np.subtract(found.size_m, picture.objects[true_id].size_m))
        result.size_error_m.append(float(error_m.mean()))
    true = _velocity(pictures, n, true_id)
    if true is not None and found.velocity is not None and picture.frame.pose is not None:
        velocity = picture.frame.pose.rotation @ np.asarray(found.velocity)
        result.velocity_error.append(float(np.linalg.norm(velocity - true)))
        result.true_speed.append(float(np.linalg.norm(true)))


def _velocity(pictures: Sequence[SimulatedFrame], n: int, id: int) -> np.ndarray | None:
    """True velocity of an object, m/s; None in the first and last frame and next to a frame that does not show it."""
    if not 0 < n < len(pictures) - 1:
        return None
    before, after = (pictures[k].objects.get(id) for k in (n - 1, n + 1))
    return None if before is None or after is None else np.subtract(after.at_m, before.at_m) * FPS / 2


def figures(results: Sequence[ClipResult], seed: int = 0) -> dict[str, Any]:
    """Figures over all clips, with bootstrap intervals over clips; then by scenario."""
    names = dict.fromkeys(r.scenario for r in results)
    scenarios = {name: [r for r in results if r.scenario == name] for name in names}
    return {
        "clips": len(results),
        **_figures(results),
        "intervals": _intervals(results, seed),
        "scenarios": {scenario: {"clips": len(some), **_figures(some)} for scenario, some in scenarios.items()},
    }


def _figures(results: Sequence[ClipResult]) -> dict[str, Any]:
    agreed, detections, switches = (
        sum(r.counts[k] for r in results) for k in ("id_true_positives", "id_detections", "id_switches")
    )
    return {"idf1": idf1(agreed, detections), "id_switches": switches} | {
        name: _median(errors) for name, errors in _errors(results).items()
    }


def _errors(results: Iterable[ClipResult]) -> dict[str, np.ndarray]:
    results = list(results)
    size, velocity, speed = (
        np.concatenate([np.asarray(getattr(r, k), float) for r in results])
        for k in ("size_error_m", "velocity_error", "true_speed")
    )
    return {
        "size_error_p50_m": size,
        "velocity_error_p50": velocity,
        "moving_velocity_error_p50": velocity[speed > MOVING],
    }


def _median(values: np.ndarray) -> float | None:
    return float(np.median(values)) if len(values) else None


def _intervals(results: Sequence[ClipResult], seed: int) -> dict[str, Vector | tuple[float, float] | None]:
    """95 % percentile intervals over clips; None for fewer than five."""
    clips = [r.clip for r in results]
    agreed = [2.0 * r.counts["id_true_positives"] for r in results]
    found: dict[str, Any] = {
        "idf1": ratio_interval(agreed, [float(r.counts["id_detections"]) for r in results], clips, seed)
    }
    random, tail = np.random.default_rng(seed), 50 * (1 - CONFIDENCE)
    draws: dict[str, list[float]] = {}
    for _ in range(RESAMPLES if len(results) >= FEWEST else 0):
        drawn = _errors([results[k] for k in random.integers(len(results), size=len(results))])
        for name, errors in drawn.items():
            if len(errors):
                draws.setdefault(name, []).append(float(np.median(errors)))
    for name in _errors(results):
        values = draws.get(name)
        found[name] = tuple(float(v) for v in np.percentile(values, [tail, 100 - tail])) if values else None
    return found


def markdown(result: Mapping[str, Any]) -> str:
    """A table: one line a scenario, then all with intervals."""
    lines = [
        "| clips | n | IDF1 | id switches | size error p50 | velocity error p50 | of what moves |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, row in [*result["scenarios"].items(), ("all", result)]:
        lines.append(f"| {name} | {row['clips']} | {row['idf1']:.3f} | {row['id_switches']} | {_units(row)} |")
    intervals = result["intervals"]
    if intervals["idf1"]:
        low, high = (
            {"idf1": intervals["idf1"][k]} | {n: v and v[k] for n, v in intervals.items() if n != "idf1"}
            for k in (0, 1)
        )
        lines.append(f"| 95 % from | | {low['idf1']:.3f} | | {_units(low)} |")
        lines.append(f"| to | | {high['idf1']:.3f} | | {_units(high)} |")
    return "\n".join(lines) + "\n"


def _units(row: Mapping[str, float | None]) -> str:
    def show(name: str, unit: str) -> str:
        value = row.get(name)
        return "-" if value is None else f"{100 * value:.1f} {unit}"

    return " | ".join(
        [
            show("size_error_p50_m", "cm"),
            show("velocity_error_p50", "cm/s"),
            show("moving_velocity_error_p50", "cm/s"),
        ]
    )
