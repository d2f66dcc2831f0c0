"""Line charts as inline SVG; colours come from the page's CSS, for its light and dark mode."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

W, H, LEFT, BOTTOM, TOP, RIGHT = 420, 150, 40, 24, 8, 8
Points = Sequence[Sequence[float]]


def curve(points: Points, name: str, unit: str = "", top: float | None = None) -> str:
    """A line chart over seconds; top: upper limit of the y axis, None: from the points. Empty without points."""
    if not points:
        return ""
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    right, high = max(xs) or 1.0, top or _nice(max(ys))

    def at(x: float, y: float) -> str:
        px = LEFT + (W - LEFT - RIGHT) * x / right
        return f"{px:.1f},{H - BOTTOM - (H - BOTTOM - TOP) * min(y, high) / high:.1f}"

    grid, text = [], []
    for share in (0, 0.5, 1):
        y = float(at(0, share * high).split(",")[1])
        grid.append(f'<line class="grid" x1="{LEFT}" x2="{W - RIGHT}" y1="{y}" y2="{y}"/>')
        text.append(f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end">{share * high:g}</text>')
        x = float(at(share * right, 0).split(",")[0])
        anchor = "end" if share == 1 else "middle" if share else "start"
        text.append(f'<text x="{x}" y="{H - 8}" text-anchor="{anchor}">{share * right:.1f} s</text>')
    line = " ".join(at(x, y) for x, y in zip(xs, ys, strict=True))
    dot = f'<circle class="line" cx="{line.split(",")[0]}" cy="{line.split(",")[1]}" r="3"/>' if len(xs) == 1 else ""
    label = escape(f"{name}{f', {unit}' if unit else ''}")
    return (
        f'<figure><figcaption>{label}</figcaption><svg viewBox="0 0 {W} {H}" role="img" aria-label="{label}">'
        f'{"".join(grid)}{"".join(text)}<polyline class="line" points="{line}"/>{dot}</svg></figure>'
    )


def _nice(value: float) -> float:
    """The smallest of 1, 2, 5 times a power of ten that is not below the value."""
    step = 1.0
    while step < value:
        step *= 10
    while step / 10 >= value and value > 0:
        step /= 10
    return next((step / k for k in (5, 2) if step / k >= value), step)
