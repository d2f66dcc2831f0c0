#!/usr/bin/env python3
"""Draws scenes of the written layouts as boxes with labels, and prints each as the student reads it.

scripts/draw_scenes.py --out /tmp/scenes kitchen_sink_washing_up breakfast_tray
scripts/draw_scenes.py --out /tmp/scenes --sheet 12 --theme kitchen     # twelve scenes in one picture
"""

from __future__ import annotations

import argparse
from pathlib import Path
from random import Random

import cv2
import numpy as np

from fastreasonseg_ros.reasoning.prompting.prompt import scene_text
from fastreasonseg_ros.training.student.scenes.camera import CAMERA, project
from fastreasonseg_ros.training.student.scenes.consistency import faults, upright_box
from fastreasonseg_ros.training.student.scenes.generate import Scene, layout_scene
from fastreasonseg_ros.training.student.scenes.loading import load_layouts
from fastreasonseg_ros.twin.types import Instance

_RGB = {
    "black": (40, 40, 40), "white": (235, 235, 235), "gray": (140, 140, 140), "red": (200, 40, 40),
    "orange": (240, 140, 30), "yellow": (240, 220, 60), "green": (60, 150, 60), "blue": (50, 90, 200),
    "purple": (130, 60, 160), "pink": (240, 150, 190), "brown": (130, 85, 50),
}  # fmt: skip


def draw(scene: Scene) -> np.ndarray:
    """BGR picture: front and upper face of every box in its colour, far ones first; dashed by a ring what left."""
    twin = scene.twin
    image = np.full((CAMERA.height, CAMERA.width, 3), 205, np.uint8)
    supports = {r.subject: r.object for r in twin.relations}

    def order(i: Instance) -> tuple[float, int]:
        depth, at, z = 0, i.id, i.center_m[2]
        while at in supports:
            at = supports[at]
            depth, z = depth + 1, min(z, twin.instance(at).center_m[2])
        return -z, depth

    for i in sorted(twin.instances, key=order):
        box = upright_box(twin, i)
        up = np.asarray(twin.plane.normal)
        forward = np.array([0.0, up[2], -up[1]])
        (x0, y0, z0), (x1, y1, z1) = box.low, box.high

        def corner(x: float, y: float, z: float, up=up, forward=forward) -> np.ndarray:
            return np.array([x, 0, 0]) + (y + twin.plane.offset_m) * up + z * forward

        color = tuple(reversed(_RGB.get(i.color or "", (200, 200, 255))))
        for face, light in (
            ([(x0, y1, z0), (x1, y1, z0), (x1, y1, z1), (x0, y1, z1)], 1.1),
            ([(x0, y0, z0), (x1, y0, z0), (x1, y1, z0), (x0, y1, z0)], 0.85),
        ):
            points = np.round(project(np.array([corner(*c) for c in face]))).astype(np.int32)
            if i.visible:
                cv2.fillConvexPoly(image, points, tuple(min(255, int(c * light)) for c in color))
            cv2.polylines(image, [points], True, (0, 0, 0) if i.visible else (0, 0, 255), 1)
    for i in twin.instances:
        a, b, c, d = i.box_xyxy
        said = f"{i.id} {i.label}" + ("" if i.visible else " gone")
        if i.velocity and any(i.velocity):
            said += " >" if i.velocity[0] > 0 else " <"
        at = (int(min((a + c) / 2 - 3 * len(said), 560)), int((b + d) / 2))
        cv2.putText(image, said, at, cv2.FONT_HERSHEY_SIMPLEX, 0.36, (255, 255, 255), 3, cv2.LINE_AA)
        cv2.putText(image, said, at, cv2.FONT_HERSHEY_SIMPLEX, 0.36, (0, 0, 0), 1, cv2.LINE_AA)
    cv2.putText(image, scene.layout, (6, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 160), 1, cv2.LINE_AA)
    return image


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="layouts; all of the theme, or all, without")
    parser.add_argument("--theme", help="name of a file of layouts")
    parser.add_argument("--seed", default="0")
    parser.add_argument("--sheet", type=int, default=0, help="scenes a picture, in three columns; 0: one each")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    layouts = load_layouts()
    names = args.names or [n for n, layout in layouts.items() if args.theme in (None, layout.theme)]
    pictures = []
    for name in names:
        scene = layout_scene(Random(f"{name} {args.seed}"), layouts[name])
        pictures.append((name, draw(scene)))
        print(f"== {name}\n{scene_text(scene.twin)}")
        print("\n".join(faults(scene.twin, scene.fixed, scene.poses)))
    if not args.sheet:
        for name, picture in pictures:
            cv2.imwrite(str(args.out / f"{name}.png"), picture)
        return
    for n in range(0, len(pictures), args.sheet):
        some = [p for _, p in pictures[n : n + args.sheet]]
        some += [np.zeros_like(some[0])] * (-len(some) % 3)
        rows = [np.hstack(some[k : k + 3]) for k in range(0, len(some), 3)]
        cv2.imwrite(str(args.out / f"sheet_{args.theme or 'all'}_{n // args.sheet}.png"), np.vstack(rows))


if __name__ == "__main__":
    main()
