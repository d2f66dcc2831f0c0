"""Parses names of image topics: camera, stream, and whether another node derived the images."""

from __future__ import annotations

import re
from collections.abc import Sequence

COLOR_NAMES, DEPTH_NAMES = {"color", "colour", "rgb"}, {"depth"}
REGISTERED_NAMES = {"aligned", "registered"}
SIDES = {"left", "right"}
# Streams that are not colour, and other cameras of a device.
INFRARED_NAMES = {
    "ir", "infra", "infrared", "confidence", "amplitude", "intensity", "disparity", "normals", "fisheye", "mono",
    *SIDES,
}  # fmt: skip
# Images that other nodes derive from a camera's.
DERIVED_NAMES = {
    "apriltag", "aruco", "tag", "tags", "marker", "markers", "debug", "dbg", "overlay", "mask", "masks", "annotated",
    "detection", "detections", "detected", "result", "results", "viz", "vis", "visualization", "visualized",
    "segmentation", "segmented", "label", "labels", "heatmap", "colormap", "preview", "thumbnail", "tracked",
    "tracking", "output", "rendered",
}  # fmt: skip
# Words of a name that denote the stream, not the camera.
STREAM_NAMES = (COLOR_NAMES | DEPTH_NAMES | REGISTERED_NAMES | INFRARED_NAMES) - SIDES | {
    "image", "raw", "rect", "to", "stereo", "info",
}  # fmt: skip
STREAM_PARTS = SIDES | {"camera_info"}  # denote a stream only as a complete part: /oak/left, but not /left_arm
TRANSPORTS = ("compressed", "compressedDepth")


def words_of(name: str) -> set[str]:
    """The words between slashes, underscores, hyphens and digits, in lower case."""
    return set(re.split(r"[/_\-0-9]+", name.lower())) - {""}


def base_topic(name: str) -> str:
    """A topic without its transport: /image_raw/compressed -> /image_raw."""
    head, _, last = name.rpartition("/")
    return head if last in TRANSPORTS and head else name


def info_topic(picture: str) -> str:
    """The camera_info topic of an image topic, in the same namespace as image_transport publishes it."""
    return f"{base_topic(picture).rpartition('/')[0]}/camera_info"


def camera_namespace(name: str) -> tuple[str, ...]:
    """The parts of a topic's name that denote the camera: /cam1/color/image_raw -> ("cam1",).

    Words that denote the stream are left out, also within a part: /cam1_color/image -> ("cam1",).
    """
    parts = []
    for part in base_topic(name).strip("/").split("/"):
        kept = [w for w in part.split("_") if w and w.lower().rstrip("0123456789") not in STREAM_NAMES]
        if kept and part not in STREAM_PARTS:
            parts.append("_".join(kept))
    return tuple(parts)


def common_parts(a: Sequence[str], b: Sequence[str]) -> int:
    """Length of the common prefix."""
    return next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
