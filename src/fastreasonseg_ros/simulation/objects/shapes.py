"""Surfaces made by rule: lathed, swept along a path, cut from a strip, or a box; metres, z up, outward winding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int32

Points = Sequence[tuple[float, ...]] | np.ndarray


@dataclass(frozen=True)
class Mesh:
    """Triangles with texture coordinates (0..1; v = 0 is the picture's first row)."""

    vertices: Float64[np.ndarray, "n 3"]
    faces: Int32[np.ndarray, "m 3"]
    uv: Float64[np.ndarray, "n 2"]

    def moved(self, offset: Points = (0, 0, 0), rotation: np.ndarray | None = None) -> Mesh:
        """Rotated by a 3x3 matrix about the origin, then shifted."""
        vertices = self.vertices if rotation is None else self.vertices @ np.asarray(rotation).T
        return Mesh(vertices + np.asarray(offset, float), self.faces, self.uv)

    def volume(self) -> float:
        """Enclosed volume in cubic metres; negative if the winding is inside out."""
        a, b, c = (self.vertices[self.faces[:, k]] for k in range(3))
        return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)


def joined(*meshes: Mesh) -> Mesh:
    """Several surfaces as one."""
    starts = np.cumsum([0, *(len(m.vertices) for m in meshes[:-1])])
    return Mesh(
        np.concatenate([m.vertices for m in meshes]),
        np.concatenate([m.faces + s for m, s in zip(meshes, starts, strict=True)]).astype(np.int32),
        np.concatenate([m.uv for m in meshes]),
    )


def rounded(points: Points, times: int = 2) -> np.ndarray:
    """A polyline with its corners cut (Chaikin), the ends kept."""
    line = np.asarray(points, float)
    for _ in range(times):
        a, b = line[:-1], line[1:]
        cut = np.empty((2 * len(a), line.shape[1]))
        cut[0::2], cut[1::2] = 0.75 * a + 0.25 * b, 0.25 * a + 0.75 * b
        line = np.concatenate([line[:1], cut[1:-1], line[-1:]])
    return line


def lathe(profile: Points, segments: int = 36, squeeze: float = 1.0) -> Mesh:
    """Surface of revolution about z of (radius, z) points that run from the bottom up the outside (and down inside).

    squeeze: scale of y, for oval objects. u runs round, v from the last point of the profile to the first.
    """
    profile = np.asarray(profile, float)
    angle = np.linspace(0, 2 * np.pi, segments + 1)
    ring = np.stack([np.cos(angle), squeeze * np.sin(angle)], axis=1)
    xy = profile[:, None, :1] * ring[None]
    z = np.broadcast_to(profile[:, None, 1:], (*xy.shape[:2], 1))
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(profile, axis=0), axis=1))])
    u = np.broadcast_to(np.linspace(0, 1, segments + 1), xy.shape[:2])
    v = np.broadcast_to(1 - (along / along[-1])[:, None], xy.shape[:2])
    return _grid(np.concatenate([xy, z], axis=2), np.stack([u, v], axis=2))


def tube(path: Points, radius: float | Sequence[float], sides: int = 10, flat: float = 1.0) -> Mesh:
    """A closed tube along a 3-D path; radii are spread evenly along the path, `flat` squeezes it across the bend."""
    path = np.asarray(path, float)
    given = np.atleast_1d(np.asarray(radius, float))
    radii = np.interp(np.linspace(0, 1, len(path)), np.linspace(0, 1, len(given)), given)
    tangent = np.gradient(path, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    # One fixed side vector keeps a planar path from twisting: the normal of its plane.
    spread = np.linalg.svd(path - path.mean(axis=0))[2]
    side = np.cross(tangent, spread[2])
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    other = np.cross(tangent, side)
    angle = np.linspace(0, 2 * np.pi, sides + 1)
    ring = flat * np.cos(angle)[None, :, None] * side[:, None] + np.sin(angle)[None, :, None] * other[:, None]
    points = path[:, None] + radii[:, None, None] * ring
    points = np.concatenate([np.repeat(path[:1, None], sides + 1, 1), points, np.repeat(path[-1:, None], sides + 1, 1)])
    n, m = points.shape[:2]
    uv = np.stack(np.meshgrid(np.linspace(0, 1, m), np.linspace(1, 0, n)), axis=2)
    return _grid(points, uv)


def box(size: Points, bevel: float = 0.0) -> Mesh:
    """A box about the origin, its edges cut by `bevel`.

    The texture is an atlas of 3 x 2 cells: front (-y), back (+y), top in the first row; left, right, bottom below.
    """
    half = np.asarray(size, float) / 2
    # normal, right and up as seen from outside
    sides = (
        ((0, -1, 0), (1, 0, 0), (0, 0, 1)),
        ((0, 1, 0), (-1, 0, 0), (0, 0, 1)),
        ((0, 0, 1), (1, 0, 0), (0, 1, 0)),
        ((-1, 0, 0), (0, -1, 0), (0, 0, 1)),
        ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
        ((0, 0, -1), (1, 0, 0), (0, -1, 0)),
    )
    vertices, faces, uv = [], [], []
    for cell, (n, r, t) in enumerate(np.asarray(sides, float)):
        column, row = cell % 3, cell // 3
        start = len(vertices)
        for i, j in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
            vertices.append(n * half + i * r * (half - bevel) + j * t * (half - bevel))
            uv.append(((column + (i + 1) / 2) / 3, (row + (1 - j) / 2) / 2))
        faces += [(start, start + 1, start + 2), (start, start + 2, start + 3)]
    if bevel > 0:
        faces += _bevels(np.asarray(vertices), half)
    return Mesh(np.asarray(vertices), np.asarray(faces, np.int32), np.asarray(uv))


def _bevels(vertices: np.ndarray, half: np.ndarray) -> list[tuple[int, int, int]]:
    """Triangles that close a box between its six shrunken sides: its convex hull, less those sides."""
    from scipy.spatial import ConvexHull

    hull = ConvexHull(vertices)
    faces = []
    for simplex, plane in zip(hull.simplices, hull.equations, strict=True):
        if np.max(np.abs(plane[:3])) > 0.999:
            continue
        a, b, c = vertices[simplex]
        outward = np.dot(np.cross(b - a, c - a), plane[:3]) > 0
        faces.append(tuple(int(k) for k in (simplex if outward else simplex[::-1])))
    return faces


def strip(stations: Points, thickness: float | Sequence[float]) -> Mesh:
    """A flat obj along x, as cut from sheet: stations (x, y of the middle, z of the middle, half width)."""
    s = np.asarray(stations, float)
    half = np.broadcast_to(np.asarray(thickness, float), (len(s),)) / 2
    x, y, z, w = s.T
    corners = ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1))
    ring = np.stack([np.stack([x, y + i * w, z + j * half], axis=1) for i, j in corners], axis=1)
    ends = [np.repeat(np.array([[x[k], y[k], z[k]]]), 5, axis=0)[None] for k in (0, -1)]
    points = np.concatenate([ends[0], ring, ends[1]])
    n, m = points.shape[:2]
    uv = np.stack(np.meshgrid(np.linspace(0, 1, m), np.linspace(1, 0, n)), axis=2)
    return _grid(points, uv)


def ellipsoid(radii: Points, rows: int = 18, segments: int = 32) -> Mesh:
    """An ellipsoid about the origin."""
    t = np.linspace(-np.pi / 2, np.pi / 2, rows)
    ball = lathe(np.stack([np.cos(t), np.sin(t)], axis=1), segments)
    return Mesh(ball.vertices * np.asarray(radii, float), ball.faces, ball.uv)


def rotation(axis: str, degrees: float) -> np.ndarray:
    """3x3 rotation about x, y or z."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    i, j = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    matrix = np.eye(3)
    matrix[i, i] = matrix[j, j] = c
    matrix[i, j], matrix[j, i] = -s, s
    return matrix


def _grid(points: np.ndarray, uv: np.ndarray) -> Mesh:
    """Rows by columns of points as triangles: columns run counter-clockwise seen from outside, rows upwards."""
    n, m = points.shape[:2]
    index = np.arange(n * m).reshape(n, m)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
    faces = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])
    vertices = points.reshape(-1, 3)
    p, q, r = (vertices[faces[:, k]] for k in range(3))
    area = np.linalg.norm(np.cross(q - p, r - p), axis=1)
    mesh = Mesh(vertices, faces[area > 1e-12].astype(np.int32), uv.reshape(-1, 2))
    return mesh if mesh.volume() >= 0 else Mesh(mesh.vertices, mesh.faces[:, ::-1].copy(), mesh.uv)
