"""The camera of a layout scene: fitted so that everything is in the picture, and what it sees of boxes.

One camera model for all scenes, CAMERA, so that a twin's boxes can be checked by its places alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, UInt16

from ....twin.types import Box, CameraIntrinsics, Plane, Vector
from .bodies import Body

CAMERA = CameraIntrinsics(640, 480, 554.0, 554.0, 320.0, 240.0)
_MARGIN = 0.94  # of the half picture
_CORNERS = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (0.0, 1.0) for z in (-0.5, 0.5)])
_FACES = np.linspace(0.1, 0.9, 5)


@dataclass(frozen=True)
class View:
    """A camera in the frame of the layout: place in metres, and degrees that it looks down."""

    at_m: Vector
    pitch_deg: float

    @property
    def rotation(self) -> Float[np.ndarray, "3 3"]:
        """Rows: the axes of the camera's optical frame in the frame of the layout (x right, y up, z away)."""
        s, c = math.sin(math.radians(self.pitch_deg)), math.cos(math.radians(self.pitch_deg))
        return np.array([[1.0, 0.0, 0.0], [0.0, -c, -s], [0.0, -s, c]])

    def points(self, points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
        """From the frame of the layout to the camera's optical frame."""
        return (points - np.asarray(self.at_m)) @ self.rotation.T

    def centre(self, body: Body) -> Float[np.ndarray, "3"]:
        """Centre of a body in the optical frame."""
        return self.points(np.array([[body.x, body.y + body.size[1] / 2, body.z]]))[0]

    @property
    def plane(self) -> Plane:
        """The ground in the camera's optical frame."""
        _, y, z = (float(v) for v in self.rotation[:, 1])
        return Plane((0.0, y, z), -self.at_m[1])


def fit(bodies: Sequence[Body], pitch_deg: float, closer: float, shift: float) -> View:
    """The view that has all bodies in the picture, times `closer` (1: exactly), shifted by a share of its distance."""
    corners = np.concatenate([box_corners(b) for b in bodies])
    middle = (corners.min(axis=0) + corners.max(axis=0)) / 2
    s, c = math.sin(math.radians(pitch_deg)), math.cos(math.radians(pitch_deg))
    backward = np.array([0.0, s, -c])
    rotation = View((0.0, 0.0, 0.0), pitch_deg).rotation
    turned = (corners - middle) @ rotation.T
    half = np.array([CAMERA.width / 2 / CAMERA.fx, CAMERA.height / 2 / CAMERA.fy]) * _MARGIN
    needed = (np.abs(turned[:, :2]) / half - turned[:, 2:]).max()
    away = max(float(needed) * closer, 0.25)
    x, y, z = middle + backward * away
    return View((float(x + shift * away), float(max(y, 0.05)), float(z)), pitch_deg)


def box_corners(body: Body) -> Float[np.ndarray, "8 3"]:
    """Corners in the frame of the layout."""
    return _CORNERS * np.asarray(body.size) + np.array([body.x, body.y, body.z])


def project(points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 2"]:
    """Pixels of points in the optical frame; those behind the camera are taken as just before it."""
    z = np.maximum(points[:, 2], 0.02)
    return np.stack([CAMERA.fx * points[:, 0] / z + CAMERA.cx, CAMERA.fy * points[:, 1] / z + CAMERA.cy], axis=1)


def id_image(view: View, bodies: Sequence[Body]) -> tuple[UInt16[np.ndarray, "h w"], dict[int, float]]:
    """Which body each pixel shows (index + 1, 0: none), and the area in pixels of each body seen alone in the picture.

    Far before near, a support before what it carries; what is open (legs, wire, racks) hides nothing.
    """
    image = np.zeros((CAMERA.height, CAMERA.width), np.uint16)
    alone: dict[int, float] = {}
    nearness: dict[int, float] = {}
    for body in bodies:
        z = float(view.centre(body)[2])
        if body.support is not None and id(body.support) in nearness:
            z = min(z, nearness[id(body.support)] - 1e-3)
        nearness[id(body)] = z
    order = sorted(range(len(bodies)), key=lambda n: (not bodies[n].open, -nearness[id(bodies[n])]))
    for n in order:
        body = bodies[n]
        mask = np.zeros(image.shape, np.uint8)
        corners = view.points(box_corners(body))
        if (corners[:, 2] > 0.02).any():
            hull = cv2.convexHull(np.clip(project(corners), -4000, 4000).astype(np.float32))
            cv2.fillConvexPoly(mask, np.round(hull).astype(np.int32), 1)
        alone[n] = float(mask.sum())
        image[mask > 0] = n + 1
    return image, alone


def seen_box(image: UInt16[np.ndarray, "h w"], index: int) -> tuple[Box, int] | None:
    """Box around the pixels of a body, end exclusive, and their number."""
    ys, xs = np.nonzero(image == index + 1)
    if not len(xs):
        return None
    return (float(xs.min()), float(ys.min()), float(xs.max() + 1), float(ys.max() + 1)), len(xs)


def surface_depth(view: View, body: Body) -> tuple[float, float]:
    """Mean and standard deviation of z over the faces that the camera sees, the front and the upper one."""
    w, h, d = body.size
    u, v = (a.ravel() for a in np.meshgrid(_FACES, _FACES))
    front = np.stack([body.x + (u - 0.5) * w, body.y + v * h, np.full(u.shape, body.z - d / 2)], axis=1)
    upper = np.stack([body.x + (u - 0.5) * w, np.full(u.shape, body.top), body.z + (v - 0.5) * d], axis=1)
    eye = np.asarray(view.at_m)
    depths, weights = [], []
    for points, normal, area in ((front, (0.0, 0.0, -1.0), w * h), (upper, (0.0, 1.0, 0.0), w * d)):
        facing = (eye - points) @ np.asarray(normal)
        z = np.maximum(view.points(points)[:, 2], 0.02)
        depths.append(z)
        weights.append(np.maximum(facing, 0.0) / np.linalg.norm(eye - points, axis=1) ** 3 * area)
    z, weight = np.concatenate(depths), np.concatenate(weights)
    if weight.sum() <= 0:
        return float(depths[0].mean()), 0.003
    mean = float((z * weight).sum() / weight.sum())
    return mean, max(0.002, float(math.sqrt(((z - mean) ** 2 * weight).sum() / weight.sum())))
