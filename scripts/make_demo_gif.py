"""Makes docs/demo.gif: a question that is followed while things move, and a command with both ends, in the simulator.

    python scripts/make_demo_gif.py [--out docs/demo.gif]

The pipeline is that of the nodes (table-top perceiver, embedded language model), and draws what it answers.
The seeds of the scenes were chosen: perception names other tables worse (docs/evaluation.md has the figures).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8
from PIL import Image

from fastreasonseg_ros.errors import ReasonSegError
from fastreasonseg_ros.perception import make_perceiver
from fastreasonseg_ros.pipeline import StandingQuestion, observe
from fastreasonseg_ros.reasoning import make_language_model, make_word_meaning
from fastreasonseg_ros.simulation.scenes.clips import Event, play
from fastreasonseg_ros.simulation.scenes.scene import make_scene
from fastreasonseg_ros.twin.types import DigitalTwin, Query
from fastreasonseg_ros.visualization.overlay import draw_answer

Picture = UInt8[np.ndarray, "h w 3"]
FPS = 6.0
WIDTH = 400  # pixels of the GIF
COLORS = 80
LIMIT_BYTES = 3_000_000


@dataclass(frozen=True)
class Shot:
    """One scene, what happens in it, and what is asked about every picture."""

    seed: int
    kinds: tuple[str, ...]
    text: str
    events: tuple[Event, ...]
    seconds: float


SHOTS = (
    Shot(
        20,
        ("mug", "mug", "bowl", "book", "cereal box"),
        "the mug nearest to the bowl",
        (Event("push", 2, 1.0, 3.0, (0.24, -0.02)), Event("push", 3, 4.0, 6.0, (-0.12, 0.14))),
        7.0,
    ),
    Shot(
        8,
        ("mug", "plate", "book", "cereal box", "can"),
        "Put the purple mug on the blue plate.",
        (Event("push", 5, 1.0, 3.0, (-0.28, 0.16)),),
        4.0,
    ),
)


def pictures(shot: Shot) -> Iterator[Picture]:
    """Every picture of the shot with the answer about it, drawn as `fastreasonseg ask --overlay` draws it."""
    perceiver = make_perceiver("tabletop")
    question = StandingQuestion(Query(shot.text), make_language_model("openvino"), make_word_meaning())
    twin = DigitalTwin()
    with make_scene(shot.seed, n_objects=len(shot.kinds), kinds=shot.kinds, clutter="sparse") as scene:
        for frame in play(scene, shot.events, shot.seconds, FPS):
            twin = observe(twin, frame, perceiver)
            answer = question.answer(twin)
            labels = {i.id: i.label for i in twin.instances}
            ids = np.zeros(frame.color.shape[:2], np.uint16) if twin.ids is None else twin.ids
            yield draw_answer(frame.color, ids, answer, labels)


def of_one_size(drawn: Sequence[Picture]) -> list[Picture]:
    """Panels grow with their text: the pictures of all shots with the height of the tallest, and the GIF's width."""
    tallest = max(p.shape[0] for p in drawn)
    same = [np.vstack([p, np.full((tallest - p.shape[0], *p.shape[1:]), p[-1, 0], np.uint8)]) for p in drawn]
    height = round(tallest * WIDTH / same[0].shape[1])
    return [cv2.resize(p, (WIDTH, height), interpolation=cv2.INTER_AREA) for p in same]


def write_gif(path: Path, drawn: Sequence[Picture]) -> None:
    """Raises ReasonSegError where the file is larger than a page should load."""
    # One palette for all: pixels that do not change cost nothing then.
    palette = Image.fromarray(np.vstack(drawn[:: max(1, len(drawn) // 8)])).quantize(COLORS)
    frames = [Image.fromarray(p).quantize(palette=palette, dither=Image.Dither.NONE) for p in drawn]
    path.parent.mkdir(parents=True, exist_ok=True)
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=round(1000 / FPS), loop=0, optimize=True)
    if path.stat().st_size > LIMIT_BYTES:
        raise ReasonSegError(f"{path} has {path.stat().st_size} bytes, more than {LIMIT_BYTES}: lower WIDTH or COLORS")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default="docs/demo.gif", help="(%(default)s)")
    parser.add_argument("--stills", metavar="DIR", help="also write every tenth picture, to look at")
    args = parser.parse_args()
    drawn = of_one_size([picture for shot in SHOTS for picture in pictures(shot)])
    if args.stills:
        Path(args.stills).mkdir(parents=True, exist_ok=True)
        for n, picture in enumerate(drawn[::10]):
            cv2.imwrite(str(Path(args.stills) / f"{n:02d}.png"), picture[:, :, ::-1])
    write_gif(Path(args.out), drawn)
    print(f"{args.out}: {len(drawn)} pictures, {Path(args.out).stat().st_size / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
