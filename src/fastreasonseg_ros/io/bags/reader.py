"""Reads RGB-D bags (rosbag2 in sqlite3 or MCAP, rosbag1) as frames with rosbags, without ROS.

Topics are chosen by topic_selection.py, or given by the caller. Colour, depth and, if recorded, the ground-truth id
image (mono16) are synchronized by their header stamps; a colour image without depth is skipped. Labels and colours of
the ids are in a std_msgs/String of JSON, as written by writer.py.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt16
from rosbags.highlevel import AnyReader
from rosbags.highlevel.anyreader import AnyReaderError

from ...errors import DatasetError, FrameError
from ...twin.types import Frame, GroundTruth
from ..camera_info import is_rectified
from ..image_messages import ids_of, stamp_ns, stamp_s
from ..input_report import InputReport
from ..rgbd_frame import RgbdFrameBuilder
from ..stamp_offset import DEFAULT_SLOP_S, check_slop, stamp_offset
from ..transforms import StaticTransforms
from .contents import BagInfo, bag_info, first_message, open_bag
from .topic_selection import BagTopics, choose_topics, find_topics

__all__ = [
    "BagInfo", "BagTopics", "bag_info", "find_topics", "open_bag", "read_bag", "read_ids", "read_stamped", "read_texts",
    "stamp_ns",
]  # fmt: skip

COLOR_QUEUE = 30  # colour images that may wait for their depth
DEPTH_QUEUE = 120  # depth images that may wait for colour, so that memory is bounded if the colour stream stops
STAMPS_KEPT = 1000  # of each stream, to report the offset if images cannot be synchronized
TruthLabels = tuple[dict[int, str], dict[int, str]]  # labels and colours by id of the ground truth


def read_bag(
    path: str | Path,
    topics: BagTopics | None = None,
    slop_s: float = DEFAULT_SLOP_S,
    depth_unit_m: float | None = None,
    report: InputReport | None = None,
) -> Iterator[Frame]:
    """Yields frames in order of their stamps; depth and truth are within slop_s of the colour image's stamp.

    Depth is in the colour image's pixels: registered if it is of another camera, and both camera_infos and the
    transform (/tf_static) are in the bag. Images before the first camera_info use that one.

    depth_unit_m: metres per count; None: by the encoding (REP-118). report: gets the chosen topics, and warnings.

    Raises DatasetError for a bag that cannot be read, that lacks a topic, or whose images cannot be synchronized, and
    ConfigError for an invalid slop or unit.
    """
    for _, frame in read_stamped(path, topics, slop_s, depth_unit_m, report):
        yield frame


def read_stamped(
    path: str | Path,
    topics: BagTopics | None = None,
    slop_s: float = DEFAULT_SLOP_S,
    depth_unit_m: float | None = None,
    report: InputReport | None = None,
) -> Iterator[tuple[int, Frame]]:
    """`read_bag` with the recorded stamp of each colour image in nanoseconds (float seconds are exact to 0.2 us)."""
    check_slop(slop_s)
    report = InputReport() if report is None else report
    if topics is None:
        choice = choose_topics(bag_info(path), path)
        topics = choice.topics
        report.choose(choice.describe())
    partners = [t for t in (topics.depth, topics.ids) if t]
    with open_bag(path) as reader:
        wanted = {topics.color, topics.info, topics.depth_info, topics.labels, *partners} - {None}
        if missing := wanted - set(reader.topics):
            raise DatasetError(f"{path}: has no topic {', '.join(missing)}; it has {', '.join(sorted(reader.topics))}")
        transforms = _static_transforms(reader, topics.tf_static, path)
        builder = RgbdFrameBuilder(transforms.lookup, depth_unit_m, is_rectified(topics.color), report)
        # The first camera_info is used from the start: an image is often recorded before it.
        infos = {t: first_message(reader, t) for t in (topics.info, topics.depth_info) if t}
        labels: TruthLabels = ({}, {})
        waiting: dict[str, list[Any]] = {t: [] for t in (topics.color, *partners)}
        stamps: dict[str, deque[float]] = {t: deque(maxlen=STAMPS_KEPT) for t in waiting}
        pictures = dict.fromkeys(waiting, 0)
        color_started = False  # some bags hold all messages of one topic before those of the next
        count = 0
        try:

            def frames(ended: bool) -> Iterator[tuple[int, Frame]]:
                for color, found in _paired(waiting, topics, slop_s, ended):
                    depth, ids = found.get(topics.depth or ""), found.get(topics.ids or "")
                    truth = None if ids is None else _truth(ids_of(ids), labels)
                    info, depth_info = infos.get(topics.info), infos.get(topics.depth_info)
                    yield stamp_ns(color), builder.frame(color, depth, info, depth_info, truth)

            for connection, _, raw in reader.messages([c for c in reader.connections if c.topic in wanted]):
                message = reader.deserialize(raw, connection.msgtype)
                if connection.topic in infos:
                    infos[connection.topic] = message
                    continue
                if connection.topic == topics.labels:
                    _update_labels(labels, message.data, f"{path}: topic {topics.labels}")
                    continue
                waiting[connection.topic].append(message)
                stamps[connection.topic].append(stamp_s(message))
                pictures[connection.topic] += 1
                color_started = color_started or connection.topic == topics.color
                if color_started and not waiting[topics.color]:
                    del waiting[connection.topic][:-DEPTH_QUEUE]
                for item in frames(ended=False):
                    count += 1
                    yield item
            for item in frames(ended=True):
                count += 1
                yield item
        except (FrameError, AnyReaderError) as error:
            raise DatasetError(f"{path}: {error}") from error
    _check_pairs(path, topics, stamps, pictures, slop_s, count, report)


def _paired(
    waiting: dict[str, list[Any]], topics: BagTopics, slop_s: float, ended: bool
) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Yields colour images with their synchronized messages by topic; those without a match are dropped.

    The match is the nearest message within slop_s. An earlier one is accepted only after a later one has arrived,
    which could be nearer. ended: no more messages will arrive.
    """
    colors = waiting[topics.color]
    while colors:
        stamp = stamp_s(colors[0])
        may_wait = not ended and len(colors) <= COLOR_QUEUE
        found: dict[str, Any] = {}
        for topic in (t for t in (topics.depth, topics.ids) if t):
            queue = waiting[topic]
            while queue and stamp_s(queue[0]) < stamp - slop_s:
                queue.pop(0)
            while len(queue) > 1 and abs(stamp_s(queue[1]) - stamp) < abs(stamp_s(queue[0]) - stamp):
                queue.pop(0)
            if may_wait and (not queue or stamp_s(queue[-1]) < stamp):
                return  # a match, or a nearer one, may still arrive
            if queue and stamp_s(queue[0]) <= stamp + slop_s:
                found[topic] = queue[0]
            elif topic == topics.depth:
                break
        else:
            yield colors[0], found
        colors.pop(0)


def _check_pairs(
    path: str | Path,
    topics: BagTopics,
    stamps: dict[str, deque[float]],
    pictures: dict[str, int],
    slop_s: float,
    count: int,
    report: InputReport,
) -> None:
    """Raises DatasetError if no colour image was matched to depth, with the offset; warns if fewer than half were.

    stamps: the last ones of each stream. pictures: number of images of each stream; count: number of matched pairs,
    compared with the stream that has fewer images.
    """
    if topics.depth is None or not pictures[topics.color]:
        return
    expected = min(pictures[topics.color], pictures[topics.depth])
    if count and 2 * count >= expected:
        return
    problem = (
        f"{count} of {pictures[topics.color]} pictures of {topics.color} met depth of {topics.depth} "
        f"({pictures[topics.depth]} pictures) within {slop_s:g} s"
    )
    offset = stamp_offset(stamps[topics.color], stamps[topics.depth])
    if offset is None:
        problem += f": {topics.depth} has no messages; choose another with --depth-topic"
    elif offset.largest_s > slop_s:
        problem += f": {offset.describe('depth', 'colour')}; try --slop {offset.needed_slop_s:g}"
    else:
        problem += f": {offset.describe('depth', 'colour')}, but they were recorded too far from each other"
    if not count:
        raise DatasetError(f"{path}: {problem}")
    report.warn("pairs", problem)


def _static_transforms(reader: AnyReader, topic: str | None, path: str | Path) -> StaticTransforms:
    """All transforms of /tf_static in the bag, at any time. Raises DatasetError for an invalid one."""
    transforms = StaticTransforms()
    try:
        wanted = [c for c in reader.connections if c.topic == topic]
        for connection, _, raw in reader.messages(wanted) if wanted else ():
            transforms.add(reader.deserialize(raw, connection.msgtype).transforms)
    except (FrameError, AnyReaderError) as error:
        raise DatasetError(f"{path}: topic {topic}: {error}") from error
    return transforms


def _truth(ids: UInt16[np.ndarray, "h w"], known_labels: TruthLabels) -> GroundTruth:
    present = {int(k) for k in np.unique(ids)}
    labels, colors = ({k: v for k, v in known.items() if k in present} for known in known_labels)
    return GroundTruth(ids, labels, colors)


def _update_labels(labels: TruthLabels, text: str, where: str) -> None:
    """Adds the labels and colours of a JSON message. Raises DatasetError."""
    try:
        data = json.loads(text)
        for known, key in zip(labels, ("labels", "colors"), strict=True):
            known.update({int(k): str(v) for k, v in data.get(key, {}).items()})
    except (ValueError, AttributeError) as error:
        raise DatasetError(f'{where}: expected JSON {{"labels": {{"1": "mug"}}}}, got {text[:60]!r}') from error


def read_texts(path: str | Path, topic: str) -> Iterator[tuple[int, str]]:
    """Yields the std_msgs/String messages of a topic with their recording time in nanoseconds."""
    with open_bag(path) as reader:
        for connection, recorded_ns, raw in reader.messages([c for c in reader.connections if c.topic == topic]):
            yield recorded_ns, reader.deserialize(raw, connection.msgtype).data


def read_ids(path: str | Path, topic: str) -> Iterator[UInt16[np.ndarray, "h w"]]:
    """Yields the id images of a topic; other topics are not decoded. Raises DatasetError."""
    with open_bag(path) as reader:
        try:
            wanted = [c for c in reader.connections if c.topic == topic]
            for connection, _, raw in reader.messages(wanted) if wanted else ():
                yield ids_of(reader.deserialize(raw, connection.msgtype))
        except (FrameError, AnyReaderError) as error:
            raise DatasetError(f"{path}: topic {topic}: {error}") from error
