"""Records demo/table, the bag that `make demo` plays: a fixed scene, a fixed seed, so that it can be made again.

    .venv/bin/python scripts/record_demo_bag.py [OUTPUT]

A red mug is pushed across the table, a banana is brought, a ball is taken away. demo/questions.jsonl asks about it;
test/simulation/test_demo_bag.py holds its answers against the ground truth.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np

from fastreasonseg_ros.io.bags.writer import write_bag
from fastreasonseg_ros.simulation import Event, Scene, play
from fastreasonseg_ros.simulation.objects.household import make_object
from fastreasonseg_ros.simulation.objects.materials import Paint, wood
from fastreasonseg_ros.simulation.objects.shapes import rotation
from fastreasonseg_ros.simulation.scenes.placing import Placement, on_top
from fastreasonseg_ros.simulation.scenes.world import World, view_from

SEED, DURATION_S, FPS = 24, 10.0, 7.5
# Kind, place on the table in metres (x to the right, y away), and turn in degrees.
THINGS = (
    ("red mug", (-0.3, -0.12), -60.0),  # 1, pushed
    ("blue mug", (0.06, -0.2), -30.0),  # 2
    ("green bowl", (0.02, 0.06), 0.0),  # 3
    ("red apple", None, 0.0),  # 4, in the bowl
    ("brown book", (0.33, 0.02), 25.0),  # 5
    ("white tin", None, 160.0),  # 6, on the book
    ("yellow cereal box", (-0.2, 0.24), 20.0),  # 7
    ("blue hammer", (-0.4, 0.04), 62.0),  # 8
    ("purple ball", (0.27, 0.27), 0.0),  # 9, taken away
    ("yellow banana", (0.25, -0.2), 200.0),  # 10, brought
)
UPON = {4: 3, 6: 5}
EVENTS = (
    Event("push", 1, 2.2, 4.6, to=(-0.12, -0.08)),
    Event("enter", 10, 5.0, 6.8, to=(0.25, -0.2)),
    Event("leave", 9, 7.6, 9.0),
)


def demo_scene(size: tuple[int, int] = (640, 480)) -> Scene:
    """The scene of the demo, settled."""
    rng = np.random.default_rng(SEED)
    placed: list[Placement] = []
    for number, (name, at, degrees) in enumerate(THINGS, 1):
        thing = make_object(name, np.random.default_rng([SEED, number]))
        if at is None:
            placed.append(on_top(thing, placed[UPON[number] - 1], rng))
        else:
            placed.append(Placement(thing, (*at, 0.001), rotation("z", degrees)))
    # The banana waits far off until it is brought.
    placed[9] = Placement(placed[9].object, (3.0, 0.0, 0.5), placed[9].orientation)
    pale = (0.8, 0.67, 0.53)
    world = World(
        table=Paint(pale, wood(rng, pale), 0.1),
        table_size=(1.9, 1.35),
        floor=Paint((0.45, 0.45, 0.47), glossy=0.0),
        wall=Paint((0.86, 0.86, 0.83), glossy=0.0),
        wall_y_m=1.6,
        lamps=(((0.25, 0.35, -0.9), (0.42, 0.41, 0.39)), ((-0.5, 0.3, -0.8), (0.12, 0.12, 0.13))),
        ambient=0.42,
    )
    view = view_from(distance_m=0.98, tilt_deg=42, around_deg=4, focal_px=560 * size[0] / 640, aim=(0.0, 0.03, 0.04))
    scene = Scene(SEED, placed, world, view, size)
    scene.settle()
    return scene


def main() -> None:
    """Writes the bag; an older one is replaced."""
    root = Path(__file__).resolve().parent.parent
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else root / "demo" / "table"
    shutil.rmtree(path, ignore_errors=True)
    with demo_scene() as scene:
        count = write_bag(path, play(scene, EVENTS, DURATION_S, FPS, "structured_light"), jpeg_quality=70)
    size = sum(f.stat().st_size for f in path.iterdir())
    print(f"{path}: {count} frames, {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
