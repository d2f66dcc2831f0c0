"""Frames of camera_node where no driver publishes them: one generator for each kind of source.

No ROS in here: bags are read without it. A source that cannot be read raises DatasetError, which names the path and
what was expected.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2

from ..errors import ConfigError, DatasetError
from ..io.files import read_color
from ..twin.types import Frame

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".webp")
DEFAULT_FPS = 10.0
Source = Callable[[str], Iterator[Frame]]


def frames_of(kind: str, path: str) -> Iterator[Frame]:
    """Frames in order of time; `stamp_s` of one to the next gives the pace. Raises ConfigError, DatasetError."""
    if kind not in SOURCES:
        raise ConfigError(f"parameter source is {kind!r}; known are {', '.join(SOURCES)} and topic")
    return SOURCES[kind](path)


def _device(path: str) -> Iterator[Frame]:
    """A camera that OpenCV can open, by number or name; colour only."""
    number = int(path) if path.isdecimal() else path
    yield from _capture(cv2.VideoCapture(number), f"camera {path or '(parameter path is empty)'}", paced=False)


def _video(path: str) -> Iterator[Frame]:
    """A video file; colour only."""
    if not Path(path).is_file():
        raise DatasetError(f"{path or 'parameter path'}: is not a file; give a video file")
    yield from _capture(cv2.VideoCapture(path), path, paced=True)


def _capture(capture: cv2.VideoCapture, name: str, paced: bool) -> Iterator[Frame]:
    try:
        if not capture.isOpened():
            raise DatasetError(f"{name}: OpenCV cannot open it; is it there, readable, and not in use?")
        fps = capture.get(cv2.CAP_PROP_FPS) if paced else 0.0
        number = 0
        while True:
            good, bgr = capture.read()
            if not good:
                break
            yield Frame(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), stamp_s=number / fps if fps > 0 else number / 1000)
            number += 1
        if number == 0 or not paced:
            raise DatasetError(f"{name}: gives no more pictures")
    finally:
        capture.release()


def _folder(path: str) -> Iterator[Frame]:
    """A folder of pictures in the order of their names; colour only."""
    files = sorted(p for p in Path(path).iterdir() if p.suffix.lower() in PICTURES) if Path(path).is_dir() else []
    if not files:
        raise DatasetError(f"{path or 'parameter path'}: is not a folder with pictures ({', '.join(PICTURES)})")
    for number, file in enumerate(files):
        yield Frame(read_color(file), stamp_s=number / DEFAULT_FPS)


def _scene(path: str) -> Iterator[Frame]:
    """A scene of a data set: DATASET/SCENE, with the words of DATASET/labels.jsonl where it is there."""
    if not Path(path).is_dir():
        raise DatasetError(f"{path or 'parameter path'}: is not a folder; give DATASET/SCENE")
    from ..io.sources import frames_of as read  # on first use: a robot needs no reader of bags

    yield from read(path)


def _bag(path: str) -> Iterator[Frame]:
    """A rosbag2 folder, or an .mcap, .db3 or .bag file."""
    if not path:
        raise DatasetError("parameter path is empty; give a rosbag2 folder or an .mcap, .db3 or .bag file")
    from ..io.bags.reader import read_bag

    yield from read_bag(path)


def _simulation(path: str) -> Iterator[Frame]:
    """A simulated clip; `path` is its seed, empty for 0."""
    if path and not path.isdecimal():
        raise ConfigError(f"parameter path of a simulation is its seed, a whole number, got {path!r}")
    from ..simulation import make_clip

    yield from make_clip(int(path or 0))


SOURCES: dict[str, Source] = {
    "device": _device,
    "video": _video,
    "folder": _folder,
    "scene": _scene,
    "bag": _bag,
    "simulation": _simulation,
}
