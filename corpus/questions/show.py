"""Prints scenes as a writer of questions needs them: `python corpus/questions/show.py SCENES.jsonl [NAME ...]`.

Places are as the plan language takes them: x metres to the right of the view's middle, z metres along the ground away
from the camera, up metres of the centre above the ground; sizes in centimetres.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from fastreasonseg_ros.plan import keys
from fastreasonseg_ros.plan.space import View
from fastreasonseg_ros.twin.resting import earlier_place
from fastreasonseg_ros.twin.serialization import twin_from_dict
from fastreasonseg_ros.twin.types import DigitalTwin, Instance

STILL_M_S = 0.03


def scenes(path: Path) -> dict[str, DigitalTwin]:
    """Name -> twin, of a file with a line {"scene", "twin"} a scene, plain or gzip."""
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        return {row["scene"]: twin_from_dict(row["twin"]) for row in map(json.loads, lines)}


def shown(name: str, twin: DigitalTwin) -> Iterator[str]:
    """The lines that describe a scene."""
    view = View(twin)
    yield f"=== {name}: looked at {twin.stamp_s:.1f} s after it began"
    supports = {r.subject: f"{'in' if r.predicate == 'inside' else 'on'} {r.object}" for r in twin.relations}
    for i in twin.instances:
        yield " ".join(filter(None, _parts(view, i, supports.get(i.id, ""))))


def _parts(view: View, i: Instance, support: str) -> Iterator[str]:
    main = next((c for c in i.colors if c.term == i.color), None)
    tone = f"{main.tone} " if main and main.tone else ""
    accent = "".join(f" with {c.term}" for c in i.colors if c.term != i.color)
    yield f"{i.id}: {i.label} | {tone}{i.color or 'no colour'}{accent}, {i.shape}"
    if poses := keys.poses(view, i):
        yield f"({', '.join(poses)})"
    extents = keys.extents(view, i)
    if extents and view.is_placed(i.id):
        place = view.place(i.id)
        size = "x".join(f"{100 * e:.0f}" for e in extents)
        up = view.bottom(i.id) + extents[1] / 2
        yield f"| w x h x d {size} cm | x {place.right:.2f} z {place.forward:.2f} up {up:.2f}"
    yield f"| {support}" if support else ""
    if not i.visible:
        yield f"| GONE since {i.last_seen_s:.1f} s"
    if i.velocity and any(i.velocity):
        right, up, forward = view.motion(i.velocity)
        yield f"| MOVES right {right:.2f} up {up:.2f} away {forward:.2f} m/s"
    if i.first_seen_s:
        yield f"| came at {i.first_seen_s:.1f} s"
    if (i.path_length_m or 0) > 0.05:
        yield f"| travelled {i.path_length_m:.2f} m"
    if before := earlier_place(i):
        pose = f", {before.pose}" if before.pose and before.pose != i.pose else ""
        on = f"on {before.on}" if before.on else "elsewhere"
        yield f"| stood before {on}{_offset(view, i, before.center_m)}{pose}"
        yield f"(moved here at {i.past[-1].stamp_s:.1f} s)"


def _offset(view: View, i: Instance, at: tuple[float, float, float]) -> str:
    assert i.center_m is not None
    right, up, forward = view.motion((at[0] - i.center_m[0], at[1] - i.center_m[1], at[2] - i.center_m[2]))
    return f" (from here {right:+.2f} right, {up:+.2f} up, {forward:+.2f} away)"


def main(path: Path, names: list[str]) -> int:
    for name, twin in scenes(path).items():
        if not names or name in names:
            print("\n".join(shown(name, twin)))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
