"""Pictures of cards with printed text, as a camera sees them: in perspective, blurred, with noise."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from fastreasonseg_ros.twin.types import CameraIntrinsics, Frame, GroundTruth


def card(*lines: str, letters_px: int = 44, quarters: int = 0, paper: tuple[int, int, int] = (235, 225, 200)):
    """RGB of a printed card; quarters: of a turn to the left."""
    font = ImageFont.load_default(size=letters_px)
    width = max(int(font.getlength(line)) for line in (*lines, "  ")) + 40
    picture = Image.new("RGB", (width, int(1.5 * letters_px * max(1, len(lines))) + 40), paper)
    draw = ImageDraw.Draw(picture)
    for n, line in enumerate(lines):
        draw.text((20, 20 + 1.5 * letters_px * n), line, font=font, fill=(40, 30, 90))
    return np.rot90(np.asarray(picture), quarters).copy()


def frame_of(
    *cards: np.ndarray, size: tuple[int, int] = (640, 480), side_px: int = 150, tilt: float = 0.15, stamp_s: float = 0.0
) -> Frame:
    """A frame with cards beside each other, one metre away, as ids 1, 2, ...; side_px: longer side of each as seen.

    tilt: by which share of its length a side is shorter for being seen at an angle.
    """
    width, height = size
    rng = np.random.default_rng(7)
    scene = cv2.resize(rng.integers(90, 150, (height // 8, width // 8, 3)).astype(np.uint8), size)
    ids = np.zeros((height, width), np.uint16)
    for n, picture in enumerate(cards):
        h, w = picture.shape[:2]
        scale = side_px / max(h, w)
        w2, h2 = w * scale, h * scale
        x, y = 30 + n * (side_px + 30), height / 2 - h2 / 2
        corners = np.float32([[x, y], [x + w2, y + tilt * h2], [x + w2, y + (1 - tilt) * h2], [x, y + h2]])
        matrix = cv2.getPerspectiveTransform(np.float32([[0, 0], [w, 0], [w, h], [0, h]]), corners)
        seen = cv2.warpPerspective(cv2.GaussianBlur(picture, (0, 0), 0.35 / scale), matrix, size, flags=cv2.INTER_AREA)
        inside = cv2.warpPerspective(np.full((h, w), 255, np.uint8), matrix, size) > 127
        scene[inside], ids[inside] = seen[inside], n + 1
    noisy = np.clip(scene + rng.normal(0, 4, scene.shape), 0, 255).astype(np.uint8)
    truth = GroundTruth(ids, {n + 1: "box" for n in range(len(cards))})
    camera = CameraIntrinsics(width, height, width * 0.9, width * 0.9, width / 2, height / 2)
    return Frame(noisy, np.ones((height, width), np.float32), camera, stamp_s=stamp_s, truth=truth)
