"""Input of `ask` and `bench`: a scene folder, a bag, a twin as JSON, or one image with its depth."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import DatasetError
from ..twin.serialization import twin_from_json
from ..twin.types import DigitalTwin, Frame
from .bags.contents import bag_info
from .bags.reader import read_bag
from .bags.topic_selection import choose_topics
from .datasets.base import read_object_info
from .datasets.folder import FolderScene
from .depth_units import check_depth_unit
from .input_report import InputReport
from .picture import read_picture
from .stamp_offset import DEFAULT_SLOP_S

STREAMS = ("color", "depth", "info", "depth_info", "ids")
BAGS = (".mcap", ".db3", ".bag")


@dataclass(frozen=True)
class ReadOptions:
    """Options of reading. topics: of bags, fields of BagTopics chosen by the user ("none": not read).

    slop_s: of bags, largest difference of stamps within a frame. depth_unit_m: metres per count; None: by camera.json
    or the encoding.
    """

    topics: Mapping[str, str] = field(default_factory=dict)
    slop_s: float = DEFAULT_SLOP_S
    depth_unit_m: float | None = None


def read_options(args: Namespace) -> ReadOptions:
    """The options of cli/parser.py. Raises ConfigError for an invalid depth unit."""
    topics = {k: v for k in STREAMS if (v := getattr(args, f"{k}_topic", None))}
    return ReadOptions(topics, args.slop, check_depth_unit(args.depth_unit))


def is_bag(path: Path) -> bool:
    """Whether it has a bag's file extension, or is the folder of a rosbag2."""
    return path.suffix in BAGS or (path / "metadata.yaml").exists()


def frames_of(
    path: str | Path,
    depth: str | None = None,
    camera: str | None = None,
    options: ReadOptions | None = None,
    report: InputReport | None = None,
) -> Iterator[Frame]:
    """Yields the frames of a scene folder, a bag or one image, in order; report: gets chosen topics and warnings.

    Raises DatasetError, and ConfigError for invalid options.
    """
    path, options = Path(path), options or ReadOptions()
    report = InputReport() if report is None else report
    if not path.exists():
        raise DatasetError(f"{path}: there is nothing here; give a scene folder, a bag, a picture or a twin (.json)")
    if is_bag(path):
        choice = choose_topics(bag_info(path), path, options.topics)
        report.choose(choice.describe())
        yield from read_bag(path, choice.topics, options.slop_s, options.depth_unit_m, report)
        return
    if options.topics:
        raise DatasetError(f"{path}: is no bag and has no topics; leave {', '.join(_topic_options(options))} out")
    if path.is_dir():
        objects = read_object_info(path.resolve().parent / "labels.jsonl").get(path.resolve().name)
        frames = (frame for _, frame in FolderScene(path, objects, options.depth_unit_m).frames())
    else:
        frames = iter(
            [read_picture(path, Path(depth) if depth else None, Path(camera) if camera else None, options.depth_unit_m)]
        )
    report.depth_unit(options.depth_unit_m)
    for frame in frames:
        if frame.depth_m is not None:
            report.add_depth(frame.depth_m)
        yield frame


def _topic_options(options: ReadOptions) -> list[str]:
    return [f"--{name.replace('_', '-')}-topic" for name in options.topics]


def read_twin(path: str | Path) -> DigitalTwin:
    """Reads a twin from a JSON file. Raises DatasetError naming file and field."""
    try:
        return twin_from_json(Path(path).read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: cannot be read as text: {error}") from error
