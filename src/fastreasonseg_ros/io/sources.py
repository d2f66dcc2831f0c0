"""What `ask` and `bench` can look at: a scene folder, a bag, a twin as JSON, or one picture with its depth."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..errors import DatasetError, FrameError
from ..twin.serialization import twin_from_json
from ..twin.types import CameraIntrinsics, DigitalTwin, Frame
from .bags.reader import read_bag
from .datasets.base import read_words
from .datasets.folder import FolderScene
from .files import read_camera, read_color, read_depth

BAGS = (".mcap", ".db3", ".bag")


def is_bag(path: Path) -> bool:
    """A file that is called like a bag, or the folder of a rosbag2."""
    return path.suffix in BAGS or (path / "metadata.yaml").exists()


def frames_of(path: str | Path, depth: str | None = None, camera: str | None = None) -> Iterator[Frame]:
    """Frames of a scene folder, a bag or one picture, in order. Raises DatasetError."""
    path = Path(path)
    if not path.exists():
        raise DatasetError(f"{path}: there is nothing here; give a scene folder, a bag, a picture or a twin (.json)")
    if is_bag(path):
        yield from read_bag(path)
    elif path.is_dir():
        words = read_words(path.resolve().parent / "labels.jsonl").get(path.resolve().name)
        for _, frame in FolderScene(path, words).frames():
            yield frame
    else:
        yield _picture(path, depth, camera)


def read_twin(path: str | Path) -> DigitalTwin:
    """One twin in a JSON file. Raises DatasetError naming file and field."""
    try:
        return twin_from_json(Path(path).read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: cannot be read as text: {error}") from error


def _picture(path: Path, depth: str | None, camera: str | None) -> Frame:
    color = read_color(path)
    if depth and not camera:
        raise DatasetError(f"{depth}: depth needs the camera that took it; give --camera camera.json")
    model = read_camera(Path(camera)) if camera else None
    try:
        return Frame(
            color=color,
            depth_m=read_depth(Path(depth), model["depth_unit_m"]) if depth and model else None,
            intrinsics=None
            if model is None
            else CameraIntrinsics(
                int(model["width"]), int(model["height"]), *(model[k] for k in ("fx", "fy", "cx", "cy"))
            ),
        )
    except FrameError as error:
        raise DatasetError(f"{path}: {error}") from error
