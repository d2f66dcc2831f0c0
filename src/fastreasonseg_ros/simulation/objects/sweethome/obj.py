"""Reads a Wavefront OBJ model out of an archive: one mesh a material, with the material's colour or picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from zipfile import ZipFile

import cv2
import numpy as np
from jaxtyping import Float64, Int32

from ....errors import DatasetError
from ..materials import Paint, Texture
from ..shapes import Mesh

LARGEST_PX = 512  # of a texture's sides: larger ones are shrunk, a table-top camera does not resolve them
_PLAIN = Paint((0.8, 0.8, 0.8))  # the default of the format's viewers
_Corner = tuple[int, int]  # numbers of a position and of a texture coordinate, -1 without


def read_obj(packed: ZipFile, file: str) -> tuple[tuple[Mesh, Paint], ...]:
    """Meshes in the file's own axes and unit, triangulated; a picture's v runs down. Raises DatasetError.

    Surfaces that are not closed are given a back side, as renderers draw one side of a triangle only.
    """
    try:
        lines = packed.read(file).decode("latin-1").splitlines()
    except KeyError as error:
        raise DatasetError(f"{packed.filename}: has no {file}") from error
    points, uv, paints = [], [], {}
    corners: dict[str, list[tuple[_Corner, _Corner, _Corner]]] = {}
    triangles = corners.setdefault("", [])
    try:
        for word, rest in (line.split(None, 1) for line in lines if len(line.split(None, 1)) == 2):
            if word == "v":
                points.append([float(v) for v in rest.split()[:3]])
            elif word == "vt":
                uv.append([float(v) for v in rest.split()[:2]])
            elif word == "usemtl":
                triangles = corners.setdefault(rest.strip(), [])
            elif word == "mtllib":
                paints |= _read_mtl(packed, PurePosixPath(file).parent, rest.strip())
            elif word == "f":
                face = [_corner(text, len(points), len(uv)) for text in rest.split()]
                triangles += [(face[0], face[k], face[k + 1]) for k in range(1, len(face) - 1)]
        return tuple(
            (mesh, paints.get(name, _PLAIN))
            for name, rows in corners.items()
            if (mesh := _mesh(np.array(points), np.array(uv), rows)) is not None
        )
    except (ValueError, IndexError) as error:
        raise DatasetError(f"{packed.filename}: {file} is no usable OBJ model ({error})") from error


def _corner(text: str, points: int, coordinates: int) -> _Corner:
    """`v`, `v/vt`, `v//vn` or `v/vt/vn`; they count from 1, or back from the last one where negative."""
    parts = text.split("/")
    v = int(parts[0])
    vt = int(parts[1]) if len(parts) > 1 and parts[1] else 0
    return (v - 1 if v > 0 else points + v), (vt - 1 if vt >= 0 else coordinates + vt)


def _mesh(points: np.ndarray, uv: np.ndarray, rows: Sequence[tuple[_Corner, _Corner, _Corner]]) -> Mesh | None:
    """A mesh of the vertices that the triangles use; None without a triangle of any area."""
    if not rows:
        return None
    used, faces = np.unique(np.array(rows).reshape(-1, 2), axis=0, return_inverse=True)
    vertices = points[used[:, 0]]
    faces = faces.reshape(-1, 3)
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    faces = faces[area > 1e-9 * max(float(area.max()), 1e-30)]
    if not len(faces) or float(area.max()) <= 0:
        return None
    picture = np.zeros((len(used), 2))
    if len(uv):
        picture = np.where(used[:, 1:] >= 0, uv[used[:, 1]], 0.0)
        picture[:, 1] = 1 - picture[:, 1]
    mesh = Mesh(vertices, faces.astype(np.int32), picture)
    if not is_closed(vertices, mesh.faces):
        return _two_sided(mesh)
    return mesh if mesh.volume() > 0 else Mesh(vertices, mesh.faces[:, ::-1].copy(), picture)


def is_closed(vertices: Float64[np.ndarray, "n 3"], faces: Int32[np.ndarray, "m 3"]) -> bool:
    """Whether every edge is run through once each way, vertices at the same place taken as one."""
    _, same = np.unique(vertices.round(7), axis=0, return_inverse=True)
    same = same.reshape(-1)[faces]
    edges = np.concatenate([same[:, [0, 1]], same[:, [1, 2]], same[:, [2, 0]]])
    edges = edges[edges[:, 0] != edges[:, 1]]
    there, times = np.unique(edges, axis=0, return_counts=True)
    back, times_back = np.unique(edges[:, ::-1], axis=0, return_counts=True)
    return there.shape == back.shape and bool((there == back).all() and (times == times_back).all())


def _two_sided(mesh: Mesh) -> Mesh:
    n = len(mesh.vertices)
    return Mesh(
        np.concatenate([mesh.vertices, mesh.vertices]),
        np.concatenate([mesh.faces, mesh.faces[:, ::-1] + n]).astype(np.int32),
        np.concatenate([mesh.uv, mesh.uv]),
    )


def _read_mtl(packed: ZipFile, folder: PurePosixPath, name: str) -> Mapping[str, Paint]:
    """{material: paint} of a material library; empty if there is no such file, as viewers take it."""
    try:
        text = packed.read(str(folder / name)).decode("latin-1")
    except KeyError:
        return {}
    return dict(_paints(packed, folder, text))


def _paints(packed: ZipFile, folder: PurePosixPath, text: str) -> Iterator[tuple[str, Paint]]:
    for block in ("\n" + text.replace("\r", "")).split("\nnewmtl ")[1:]:
        name, *lines = block.splitlines()
        values = {words[0]: words[1] for line in lines if len(words := line.strip().split(None, 1)) == 2}
        r, g, b = (float(v) for v in values.get("Kd", "0.8 0.8 0.8").split()[:3])
        glossy = float(np.mean([float(v) for v in values.get("Ks", "0 0 0").split()[:3]]))
        alpha = float(values.get("d", "1").split()[-1])
        picture = values.get("map_Kd")
        texture = _texture(packed, folder, picture.split()[-1]) if picture else None
        clear = alpha < 0.99
        yield name.strip(), Paint((r, g, b), texture, min(glossy, 1.0), max(alpha, 0.15) if clear else 1.0, clear)


def _texture(packed: ZipFile, folder: PurePosixPath, name: str) -> Texture | None:
    """The picture of a material; what is transparent in it takes the mean colour of the rest."""
    try:
        coded = np.frombuffer(packed.read(str(folder / name)), np.uint8)
    except KeyError:
        return None
    picture = cv2.imdecode(coded, cv2.IMREAD_UNCHANGED)
    if picture is None or picture.dtype != np.uint8:
        return None
    if picture.ndim == 2:
        picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
    if picture.shape[2] == 4:
        seen = picture[..., 3] > 127
        if seen.any():
            picture[~seen, :3] = picture[seen, :3].mean(axis=0)
        picture = picture[..., :3]
    scale = LARGEST_PX / max(picture.shape[:2])
    if scale < 1:
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(picture[..., ::-1])
