"""Aggregates rows (one per question) to figures. Figures depend on the rows only, not on the runs that made them.

Every measure is a ratio of two sums over questions, so that one function computes both figure and interval.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from .intervals import ratio_interval

Row = Mapping[str, Any]
Terms = Callable[[Row], tuple[float, float]]

# measure -> (key that a row must have, what the row adds to the numerator and the denominator)
MEASURES: dict[str, tuple[str, Terms]] = {
    "giou": ("iou", lambda r: (r["iou"], 1)),
    "ciou": ("union", lambda r: (r["intersection"], r["union"])),
    "exact": ("exact", lambda r: (r["exact"], 1)),
    "destination_exact": ("destination_exact", lambda r: (r["destination_exact"], 1)),
    "j": ("f", lambda r: (r["iou"], 1)),
    "f": ("f", lambda r: (r["f"], 1)),
    "j_and_f": ("f", lambda r: ((r["iou"] + r["f"]) / 2, 1)),
    "answers": ("right", lambda r: (r["right"], 1)),
}
VIDEO = ("j", "f", "j_and_f")
KEPT = ("n", "scene", "text", "frames", "category", "level", "status", "iou", "intersection", "union", "f", "exact",
        "destination_exact", "right")  # fmt: skip


def summarise(rows: Iterable[Row], seed: int = 0) -> dict[str, Any]:
    """giou, ciou (or exact, or answers), n, 95 % intervals, by_category, by_level; video: the same of j, f, j_and_f.

    Measures that no row has are left out. Questions without a category or level count in the total only.
    """
    rows = list(rows)
    result = _grouped(rows, [m for m in MEASURES if m not in VIDEO], seed)
    if videos := [row for row in rows if row.get("f") is not None]:
        result["video"] = _grouped(videos, VIDEO, seed)
    return result


def terms(rows: Sequence[Row], measure: str) -> tuple[list[float], list[float]]:
    """What every row adds to the numerator and to the denominator of a measure."""
    pairs = [MEASURES[measure][1](row) for row in rows]
    return [float(a) for a, _ in pairs], [float(b) for _, b in pairs]


def ratio(numerators: Sequence[float], denominators: Sequence[float]) -> float:
    """sum(numerators) / sum(denominators); 1 if the denominator is 0."""
    below = sum(denominators)
    return sum(numerators) / below if below else 1.0


def scene_of(row: Row, index: int) -> Any:
    """The bootstrap cluster of a row: its scene, or its own index if it has none."""
    return row.get("scene", index)


def score_of(row: Row) -> float | None:
    """Score of one answer, 0..1: IoU, or whether it is right where there is no IoU; None without ground truth."""
    known = (row[key] for key in ("iou", "exact", "right") if row.get(key) is not None)
    return next((float(value) for value in known), None)


def slim(row: Row) -> dict[str, Any]:
    """The keys of a row that figures and comparisons need."""
    return {key: row[key] for key in KEPT if row.get(key) is not None}


def _grouped(rows: Sequence[Row], measures: Iterable[str], seed: int) -> dict[str, Any]:
    result = _figures(rows, measures, seed)
    for name, key in (("by_category", "category"), ("by_level", "level")):
        groups: dict[str, list[Row]] = {}
        for row in rows:
            if row.get(key) is not None:
                groups.setdefault(str(row[key]), []).append(row)
        result[name] = {value: _figures(group, measures, seed) for value, group in sorted(groups.items())}
    return result


def _figures(rows: Sequence[Row], measures: Iterable[str], seed: int) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    intervals: dict[str, Any] = {}
    for measure in measures:
        mine = [row for row in rows if row.get(MEASURES[measure][0]) is not None]
        if mine:
            above, below = terms(mine, measure)
            figures[measure] = ratio(above, below)
            intervals[measure] = ratio_interval(above, below, [scene_of(r, k) for k, r in enumerate(mine)], seed)
    return figures | {"n": len(rows), "intervals": intervals}
