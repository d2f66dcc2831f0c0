"""A small scene of a data set, for tests that need a camera's pictures with exact ids."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np


def write_scene(dataset: Path, name: str = "table", frames: int = 12) -> Path:
    """A table seen from above at 1 m with a mug that moves to the right, a plate and a book; exact ids and labels.

    Boxes 0.1 m high; ids: mug 1, plate 2, book 3.
    """
    scene = dataset / name
    scene.mkdir(parents=True)
    camera = (
        '{"width": 320, "height": 240, "fx": 300, "fy": 300, "cx": 160, "cy": 120, "depth_unit_m": 0.001, "fps": 6}'
    )
    (scene / "camera.json").write_text(camera)
    words = {1: ("mug", "red"), 2: ("plate", "white"), 3: ("book", "blue")}
    (dataset / "labels.jsonl").write_text(
        "".join(
            f'{{"scene": "{name}", "id": {i}, "label": "{label}", "colour": "{color}"}}\n'
            for i, (label, color) in words.items()
        )
    )
    rng = np.random.default_rng(0)
    for number in range(frames):
        rgb = np.full((240, 320, 3), (150, 120, 90), np.uint8)
        depth = (1000 + rng.normal(0, 1, (240, 320))).astype(np.uint16)
        ids = np.zeros((240, 320), np.uint16)
        left = 20 + 12 * number
        for id, (x, y, w, h), color in (
            (1, (left, 40, 36, 40), (200, 30, 30)),
            (2, (120, 110, 70, 60), (240, 240, 240)),
            (3, (240, 130, 60, 80), (30, 30, 200)),
        ):
            rgb[y : y + h, x : x + w] = color
            depth[y : y + h, x : x + w] -= 100
            ids[y : y + h, x : x + w] = id
        folder = scene / f"{number:06d}"
        folder.mkdir()
        cv2.imwrite(str(folder / "rgb.png"), rgb[:, :, ::-1])
        cv2.imwrite(str(folder / "depth.png"), depth)
        cv2.imwrite(str(folder / "ids.png"), ids)
    return scene
