"""Chooses the topics of one RGB-D camera in a bag, by encoding, size, frame, rate and names.

Every colour topic, alone and with every depth topic, gets a score (sum of the constants below); the best one is chosen,
on a tie the first by name. Names are parsed by topic_names.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import DatasetError
from ..image_encodings import COLOR_ENCODINGS, DEPTH_ENCODINGS, GRAY_ENCODINGS
from ..transforms import plain_frame
from .contents import CAMERA_INFO, IMAGES, STRING, TF, BagInfo, TopicDetail
from .topic_names import (
    COLOR_NAMES,
    DEPTH_NAMES,
    DERIVED_NAMES,
    INFRARED_NAMES,
    REGISTERED_NAMES,
    SIDES,
    camera_namespace,
    common_parts,
    info_topic,
    words_of,
)

TRUTH_NAMES = ("truth", "instance_ids", "/ids")  # parts of a name

COLOR_ENCODING, COLOR_NAME, OWN_INFO, INFO_OF_FRAME, INFRARED, DERIVED = 6.0, 3.0, 4.0, 2.0, -4.0, -5.0
RAW, RECTIFIED, SIZE, RARE = 0.5, 0.25, 0.5, -1.0
DEPTH_NAME, REGISTERED, NOT_DEPTH = 1.0, 3.0, -8.0
SAME_FRAME, SAME_SIZE, PROPORTIONAL, SAME_RATE = 5.0, 2.0, 1.0, 1.0
SAME_CAMERA, INNER_CAMERA, NEIGHBOUR_CAMERA = 4.0, 2.0, 1.0


@dataclass(frozen=True)
class BagTopics:
    """Topic names; None = not in the bag. depth_info: the depth camera's own camera_info, if it has one.

    labels: labels and colours of the ground truth, std_msgs/String.
    """

    color: str
    depth: str | None = None
    info: str | None = None
    ids: str | None = None
    labels: str | None = None
    questions: str | None = None
    depth_info: str | None = None
    tf_static: str | None = None


@dataclass(frozen=True)
class TopicChoice:
    """The chosen topics, and the other colour and depth topics in order of their score."""

    topics: BagTopics
    details: Mapping[str, TopicDetail]
    other_colors: tuple[str, ...] = ()
    other_depths: tuple[str, ...] = ()

    def describe(self) -> list[str]:
        """Lines of text: the topics and their roles, and the options to choose others."""
        chosen = (("colour", self.topics.color), ("depth", self.topics.depth), ("camera_info", self.topics.info))
        lines = [f"{role}: {self._one(name)}" for role, name in chosen]
        if self.topics.depth_info:
            lines.append(f"depth camera_info: {self._one(self.topics.depth_info)}")
        for role, option, names in (
            ("colour", "--color-topic", self.other_colors),
            ("depth", "--depth-topic", self.other_depths),
        ):
            if names:
                lines.append(f"other {role} topics ({option}): {', '.join(self._one(n) for n in names)}")
        return lines

    def _one(self, name: str | None) -> str:
        return "none" if name is None else self.details.get(name, TopicDetail(name)).describe()


def choose_topics(
    info: BagInfo, path: str | Path = "bag", given: Mapping[str, str | None] | None = None
) -> TopicChoice:
    """The topics of one camera.

    given: fields of BagTopics chosen by the caller, "none" for a stream that is not read; the others are chosen to
    fit. Raises DatasetError if there is no colour topic.
    """
    given = dict(given or {})
    details = {n: info.details.get(n, TopicDetail(n, k, c)) for n, (k, c) in info.topics.items() if c}
    images = [d for d in details.values() if d.kind in IMAGES]
    infos = [d for d in details.values() if d.kind == CAMERA_INFO]
    truth = [d for d in images if _is_truth(d)]
    depths = [d for d in images if d not in truth and _is_depth(d)]
    if not depths:  # named depth, but of another encoding: the reader raises an error with the reason
        depths = [d for d in images if d not in truth and _is_named_depth(d)]
    colors = [d for d in images if d not in truth and d not in depths and not _is_named_depth(d)]
    if color := given.get("color"):
        colors = [details.get(color, TopicDetail(color))]
    if not colors:
        raise DatasetError(f"{path}: holds no colour pictures; its topics are {', '.join(info.topics) or 'none'}")
    if "depth" in given:
        depth = given["depth"]
        depths = [details.get(depth, TopicDetail(depth))] if depth and depth != "none" else []
    alone = {c.name: _color_points(c, colors, infos) for c in colors}
    pairs = [
        (alone[c.name] + (0.0 if d is None else _pair_points(c, d, depths)), c, d)
        for c in colors
        for d in (*depths, None)
        if d is None or "depth" in given or not _is_mixed(c, d)
    ]
    _, color, depth = max(pairs, key=lambda pair: pair[0])
    texts = [d.name for d in details.values() if d.kind == STRING]
    labels, questions = (next((n for n in texts if part in n), None) for part in ("ground_truth", "questions"))
    topics = {
        "color": color.name,
        "depth": depth.name if depth else None,
        "info": _name(_info_of(color, infos)),
        "ids": _name(max(truth, key=lambda d: common_parts(d.name.split("/"), color.name.split("/")), default=None)),
        "labels": labels,
        "questions": questions,
        "depth_info": _name(_info_of(depth, infos, strict=True)) if depth else None,
        "tf_static": next((n for n, d in details.items() if d.kind == TF and n.endswith("tf_static")), None),
    }
    topics |= {k: None if v == "none" else v for k, v in given.items() if v}
    if topics["depth_info"] == topics["info"] and "depth_info" not in given:
        topics["depth_info"] = None
    others = sorted((c for c in colors if c is not color), key=lambda c: -alone[c.name])
    unused = sorted((d for d in depths if d is not depth), key=lambda d: -_pair_points(color, d, depths))
    return TopicChoice(BagTopics(**topics), details, tuple(c.name for c in others), tuple(d.name for d in unused))


def find_topics(info: BagInfo, path: str | Path = "bag") -> BagTopics:
    """The topics of `choose_topics`. Raises DatasetError if there is no colour topic."""
    return choose_topics(info, path).topics


def _is_truth(detail: TopicDetail) -> bool:
    return any(w in detail.name for w in TRUTH_NAMES) and detail.encoding in ("", "mono16", "16UC1")


def _is_depth(detail: TopicDetail) -> bool:
    """By the encoding; mono16 may also be infrared, so that the name must contain depth."""
    if not detail.encoding or detail.encoding == "mono16":
        return _is_named_depth(detail)
    return detail.encoding in DEPTH_ENCODINGS


def _is_named_depth(detail: TopicDetail) -> bool:
    """By the name; excludes 8-bit colour in the depth camera's view (rgb_to_depth)."""
    words = words_of(detail.name)
    return bool(words & DEPTH_NAMES) and not (words & COLOR_NAMES and detail.encoding not in ("", "mono16"))


def _color_points(color: TopicDetail, colors: Sequence[TopicDetail], infos: Sequence[TopicDetail]) -> float:
    words = words_of(color.name)
    points = COLOR_ENCODING if _is_color(color) else 0.0
    points += COLOR_NAME * bool(words & COLOR_NAMES)
    points += INFRARED * bool(words & INFRARED_NAMES) + DERIVED * bool(words & DERIVED_NAMES)
    if any(_is_own_info(i, color) for i in infos):
        points += OWN_INFO
    elif any(_same_frame(i, color) and _same_size(i, color) for i in infos):
        points += INFO_OF_FRAME
    points += RAW * (color.kind == IMAGES[0]) + RECTIFIED * ("rect" in words)
    points += SIZE * color.width * color.height / max(1, max(c.width * c.height for c in colors))
    return points + RARE * (color.count < max(c.count for c in colors) / 2)


def _pair_points(color: TopicDetail, depth: TopicDetail, depths: Sequence[TopicDetail]) -> float:
    words = words_of(depth.name)
    points = DEPTH_NAME * bool(words & DEPTH_NAMES) + RAW * (depth.kind == IMAGES[0])
    points += REGISTERED * bool(words & REGISTERED_NAMES or {"depth", "to"} <= words)
    points += NOT_DEPTH * bool(words & (INFRARED_NAMES | DERIVED_NAMES) - SIDES)
    points += SAME_FRAME * _same_frame(color, depth)
    points += SAME_SIZE if _same_size(color, depth) else PROPORTIONAL * _proportional(color, depth)
    points += SAME_RATE * (0.6 * color.count <= depth.count <= 1.7 * color.count)
    points += RARE * (depth.count < max(d.count for d in depths) / 2)
    ours, other = (Counter(camera_namespace(topic.name)) for topic in (color, depth))
    if ours == other:
        return points + SAME_CAMERA
    if ours <= other or other <= ours:
        return points + INNER_CAMERA
    return points + NEIGHBOUR_CAMERA * bool(ours & other)


def _is_mixed(color: TopicDetail, depth: TopicDetail) -> bool:
    """Whether the two are of different cameras: each name has a camera part that the other lacks, and frames differ."""
    ours, other = (Counter(camera_namespace(topic.name)) for topic in (color, depth))
    apart = not (ours <= other or other <= ours)
    return apart and not (color.frame_id and plain_frame(color.frame_id) == plain_frame(depth.frame_id))


def _info_of(picture: TopicDetail, infos: Sequence[TopicDetail], strict: bool = False) -> TopicDetail | None:
    """The camera_info of an image topic: in the same namespace, or of the same frame and size.

    strict: only of the same frame; for depth, which would otherwise be registered by a wrong camera model.
    """

    def points(info: TopicDetail) -> float:
        own = 8.0 * _is_own_info(info, picture)
        frame = 4.0 if _same_frame(info, picture) else -8.0
        size = 4.0 if _same_size(info, picture) else -6.0
        ours, other = camera_namespace(info.name), camera_namespace(picture.name)
        camera = SAME_CAMERA * (ours == other) + (common_parts(ours, other) > 0)
        return own + frame + size + camera

    fitting = [
        i
        for i in infos
        if (_same_frame(i, picture) or (_is_own_info(i, picture) and not strict))
        and (
            _same_size(i, picture)
            or _is_own_info(i, picture)
            or camera_namespace(i.name) == camera_namespace(picture.name)
        )
    ]
    return max(fitting, key=points, default=None)


def _is_own_info(info: TopicDetail, picture: TopicDetail) -> bool:
    return info.name == info_topic(picture.name)


def _is_color(detail: TopicDetail) -> bool:
    return detail.encoding in COLOR_ENCODINGS and detail.encoding not in GRAY_ENCODINGS


def _same_frame(a: TopicDetail, b: TopicDetail) -> bool:
    """Same frame_id; True if one is unknown."""
    return not a.frame_id or not b.frame_id or plain_frame(a.frame_id) == plain_frame(b.frame_id)


def _same_size(a: TopicDetail, b: TopicDetail) -> bool:
    """Same image size; True if one is unknown."""
    return not a.width or not b.width or (a.width, a.height) == (b.width, b.height)


def _proportional(a: TopicDetail, b: TopicDetail) -> bool:
    return abs(a.width * b.height - b.width * a.height) <= 0.01 * a.width * b.height


def _name(detail: TopicDetail | None) -> str | None:
    return None if detail is None else detail.name
