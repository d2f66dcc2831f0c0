"""What the demo looks at, and what it asks there: the camera node's parameters and a list of timed questions."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import DatasetError
from ..io.bags.questions import TimedQuestion, read_timed_questions
from ..io.datasets.base import read_questions

# Asked where nobody wrote questions for the source.
GENERAL = (
    TimedQuestion("Which object is nearest to the camera?", 1.0),
    TimedQuestion("What is the biggest thing here?", 1.5),
    TimedQuestion("Show me everything on the table", 2.0, standing=True),
)

# The same, of a colour camera: no distances are known.
OF_COLOR = (
    TimedQuestion("What is on the left?", 1.0),
    TimedQuestion("What is the biggest thing here?", 1.5),
    TimedQuestion("Show me everything that you see", 2.0, standing=True),
)


def demo_folder() -> Path:
    """The repository's folder demo/: below the current folder, else beside this source tree."""
    for root in (Path.cwd(), *Path(__file__).resolve().parents):
        if (root / "demo" / "questions.jsonl").is_file():
            return root / "demo"
    raise DatasetError("demo/questions.jsonl is not here; run this in a clone of the repository, or give --bag")


def camera_parameters(args: Namespace) -> dict[str, Any]:
    """source, path and loop of the camera node. Raises DatasetError for a path that is not there."""
    if args.sim:
        return {"source": "simulation", "path": "", "loop": True}
    if args.camera is not None:
        is_video = Path(args.camera).is_file()
        path = str(Path(args.camera).resolve()) if is_video else args.camera
        return {"source": "video" if is_video else "device", "path": path, "loop": True}
    path = Path(args.bag or args.scene or demo_folder() / "table")
    if not path.exists():
        raise DatasetError(f"{path}: there is nothing here; give --bag a rosbag2 folder or --scene DATASET/SCENE")
    return {"source": "scene" if args.scene else "bag", "path": str(path.resolve()), "loop": False}


def questions_for(args: Namespace) -> tuple[TimedQuestion, ...]:
    """--ask, else --questions, else those that lie beside the source, else general ones."""
    if args.ask:
        return tuple(TimedQuestion(text, 1.0 + n) for n, text in enumerate(args.ask))
    if args.questions:
        return read_timed_questions(args.questions)
    if args.scene:
        return _of_scene(Path(args.scene))
    if args.bag:
        for beside in (Path(args.bag) / "questions.jsonl", Path(args.bag).parent / "questions.jsonl"):
            if beside.is_file():
                return read_timed_questions(beside)
        return GENERAL
    if args.camera is not None:
        return OF_COLOR
    return GENERAL if args.sim else read_timed_questions(demo_folder() / "questions.jsonl")


def _of_scene(scene: Path) -> tuple[TimedQuestion, ...]:
    path = scene.resolve().parent / "queries.jsonl"
    if not path.is_file():
        return GENERAL
    asked = [q for q in read_questions(path) if q.scene == scene.resolve().name]
    timed = [TimedQuestion(q.text, 1.0 + n, q.target_ids, q.category) for n, q in enumerate(asked)]
    return tuple(timed) or tuple(replace(q) for q in GENERAL)
