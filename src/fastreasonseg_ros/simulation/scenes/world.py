"""Table, room, lights and camera, and the MuJoCo model of all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..objects.materials import Paint, Rgb, cloth, speckled, wood
from ..objects.object_model import ObjectModel, Solid
from ..objects.shapes import Mesh, box
from ..rendering import render as _render  # sets MUJOCO_GL before mujoco is loaded  # noqa: F401
from ..rendering.render import COLLISION_GROUP
from .placing import Placement

import mujoco  # isort: skip

Rng = np.random.Generator
FRONT_M = 0.48  # from the middle of the scene to the table's edge nearest to the robot
WOODS: tuple[Rgb, ...] = ((0.87, 0.75, 0.66), (0.8, 0.66, 0.5), (0.66, 0.47, 0.3), (0.45, 0.3, 0.19), (0.9, 0.85, 0.78))
PLAIN: tuple[Rgb, ...] = (
    (0.92, 0.92, 0.9),
    (0.75, 0.75, 0.76),
    (0.35, 0.36, 0.38),
    (0.18, 0.18, 0.2),
    (0.55, 0.6, 0.62),
)
CLOTHS: tuple[Rgb, ...] = ((0.9, 0.88, 0.82), (0.55, 0.66, 0.75), (0.75, 0.45, 0.42), (0.5, 0.62, 0.5))


@dataclass(frozen=True)
class Slab:
    """A piece of furniture: full size, and place of its middle in the table's frame; metres."""

    size: tuple[float, float, float]
    at: tuple[float, float, float]
    paint: Paint


@dataclass(frozen=True)
class World:
    """table_size: x and y, metres; wall_y_m: behind it. lamps: (direction, RGB brightness); ambient 0..1."""

    table: Paint
    table_size: tuple[float, float]
    floor: Paint
    wall: Paint
    wall_y_m: float
    lamps: tuple[tuple[tuple[float, float, float], Rgb], ...]
    ambient: float
    extras: tuple[Slab, ...] = ()


@dataclass(frozen=True)
class View:
    """Camera in the table's frame: place in metres, and the rotation from its optical frame (x right, y down, z on)."""

    at: tuple[float, float, float]
    orientation: np.ndarray
    focal_px: float


def random_world(rng: Rng) -> World:
    """A table of wood, cloth or laminate under lamps of slightly different white."""
    kind = rng.choice(["wood", "cloth", "plain"], p=[0.5, 0.2, 0.3])
    if kind == "wood":
        rgb = WOODS[int(rng.integers(len(WOODS)))]
        table = Paint(rgb, wood(rng, rgb), 0.15)
    elif kind == "cloth":
        rgb = CLOTHS[int(rng.integers(len(CLOTHS)))]
        table = Paint(rgb, cloth(rng, rgb), 0.0)
    else:
        rgb = PLAIN[int(rng.integers(len(PLAIN)))]
        table = Paint(rgb, speckled(rng, rgb, 512, 0.03), 0.2)
    floor_rgb: Rgb = (
        WOODS[int(rng.integers(len(WOODS)))] if rng.random() < 0.5 else PLAIN[int(rng.integers(len(PLAIN)))]
    )
    shade = float(rng.uniform(0.7, 0.95))
    return World(
        table=table,
        table_size=(float(rng.uniform(1.2, 2.2)), float(rng.uniform(1.0, 1.8))),
        floor=Paint(floor_rgb, wood(rng, floor_rgb, 256), 0.1),
        wall=Paint((shade, shade, shade * 0.97), glossy=0.0),
        wall_y_m=float(rng.uniform(1.4, 2.8)),
        lamps=tuple(_lamp(rng, k) for k in range(int(rng.integers(1, 4)))),
        ambient=float(rng.uniform(0.34, 0.5)),
    )


def _lamp(rng: Rng, number: int) -> tuple[tuple[float, float, float], Rgb]:
    slant, around = np.radians(rng.uniform(5, 50)), rng.uniform(0, 2 * np.pi)
    direction = (float(np.sin(slant) * np.cos(around)), float(np.sin(slant) * np.sin(around)), float(-np.cos(slant)))
    power, warmth = (0.42 if number == 0 else 0.12) * rng.uniform(0.8, 1.2), rng.uniform(-0.06, 0.06)
    return direction, (power * (1 + warmth), power, power * (1 - warmth))


def random_view(rng: Rng, size: tuple[int, int], least_m: float = 0.0) -> View:
    """As from a robot's head: 0.65 to 1.1 m away, or least_m, looking down by 25 to 60 degrees."""
    return view_from(
        distance_m=max(float(rng.uniform(0.65, 1.1)), least_m),
        tilt_deg=float(rng.uniform(25, 60)),
        around_deg=float(rng.uniform(-25, 25)),
        roll_deg=float(rng.normal(scale=1.5)),
        aim=(float(rng.normal(scale=0.02)), float(rng.normal(scale=0.02)), 0.04),
        focal_px=float(rng.uniform(520, 615)) * size[0] / 640,
    )


def view_from(
    distance_m: float,
    tilt_deg: float,
    around_deg: float,
    focal_px: float,
    roll_deg: float = 0.0,
    aim: Sequence[float] = (0, 0, 0),
) -> View:
    """A camera that looks at `aim` from a distance, from above by the tilt; 0 around = from the side of -y."""
    tilt, around, roll = np.radians([tilt_deg, around_deg, roll_deg])
    forward = np.array([np.sin(around) * np.cos(tilt), np.cos(around) * np.cos(tilt), -np.sin(tilt)])
    right = np.array([np.cos(around), -np.sin(around), 0.0])
    down = np.cross(forward, right)
    right, down = np.cos(roll) * right + np.sin(roll) * down, np.cos(roll) * down - np.sin(roll) * right
    x, y, z = (float(v) for v in np.asarray(aim, float) - distance_m * forward)
    return View((x, y, z), np.stack([right, down, forward], axis=1), focal_px)


def build(placements: Sequence[Placement], world: World, view: View, size: tuple[int, int]) -> mujoco.MjModel:
    """The MuJoCo model: table top at z = 0, every object a free body called object1, object2, ..."""
    spec = mujoco.MjSpec()
    spec.option.timestep = 0.002
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    visual = spec.visual
    visual.global_.offwidth, visual.global_.offheight = size
    visual.quality.shadowsize, visual.quality.offsamples = 2048, 0  # antialiasing triples the cost
    visual.headlight.ambient = [world.ambient] * 3
    visual.headlight.diffuse, visual.headlight.specular = [0.1] * 3, [0.0] * 3
    spec.stat.extent, spec.stat.center = 2.0, [0, 0, 0]
    visual.map.znear, visual.map.zfar = 0.05, 10.0
    visual.map.shadowclip = 1.6
    _furniture(spec, world)
    for number, (direction, power) in enumerate(world.lamps):
        spec.worldbody.add_light(
            type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL, dir=direction, pos=[-2.0 * d for d in direction],
            diffuse=power, specular=[0.2] * 3, castshadow=number == 0,
        )  # fmt: skip
    at, quat, fovy = camera_of(view, size)
    spec.worldbody.add_camera(name="camera", pos=at, quat=quat, fovy=fovy)
    for number, placement in enumerate(placements, 1):
        name = f"object{number}"
        body = spec.worldbody.add_body(name=name, pos=placement.origin(), quat=_quat(placement.orientation))
        body.add_freejoint()
        _dress(spec, body, name, placement.object.geometry)
    return spec.compile()


def camera_of(view: View, size: tuple[int, int]) -> tuple[tuple[float, float, float], np.ndarray, float]:
    """Place (metres), quaternion and vertical field of view (degrees) of MuJoCo's camera."""
    fovy = 2 * np.degrees(np.arctan(size[1] / (2 * view.focal_px)))
    axes = view.orientation @ np.diag([1.0, -1.0, -1.0])  # OpenGL's camera: y up, looking along -z
    return view.at, _quat(axes), float(fovy)


def _furniture(spec: mujoco.MjSpec, world: World) -> None:
    x, y = world.table_size
    middle = y / 2 - FRONT_M
    top = box((x, y, 0.04)).moved((0, middle, -0.02))
    # Only its upper side is seen closely: the whole picture goes there, three times along the grain.
    flat = Mesh(top.vertices, top.faces, top.vertices[:, :2] * np.array([0.8, 0.8]) + 0.5)
    _visible(spec, spec.worldbody, "table", flat, world.table)
    spec.worldbody.add_geom(
        type=mujoco.mjtGeom.mjGEOM_BOX,
        size=[x / 2, y / 2, 0.02],
        pos=[0, middle, -0.02],
        group=COLLISION_GROUP,
        friction=[0.8, 0.01, 0.002],
    )
    floor = box((12, 12, 0.02)).moved((0, 0, -0.76))
    _visible(
        spec, spec.worldbody, "floor", Mesh(floor.vertices, floor.faces, floor.vertices[:, [1, 0]] * 1.5), world.floor
    )
    back = box((12, 0.02, 4)).moved((0, world.wall_y_m, 1.2))
    _visible(spec, spec.worldbody, "wall", back, world.wall)
    for number, slab in enumerate(world.extras):
        _visible(spec, spec.worldbody, f"slab{number}", box(slab.size).moved(slab.at), slab.paint)
        x, y, z = (s / 2 for s in slab.size)
        spec.worldbody.add_geom(
            type=mujoco.mjtGeom.mjGEOM_BOX, size=[x, y, z], pos=slab.at, group=COLLISION_GROUP,
            friction=[0.8, 0.01, 0.002],
        )  # fmt: skip


def _dress(spec: mujoco.MjSpec, body: mujoco.MjsBody, name: str, shape: ObjectModel) -> None:
    for k, (mesh, paint) in enumerate(shape.pieces):
        _visible(spec, body, f"{name}_{k}", mesh, paint)
    for solid in shape.solids:
        _solid(body, solid, shape.mass_kg / len(shape.solids))


def _visible(spec: mujoco.MjSpec, body: mujoco.MjsBody, name: str, mesh: Mesh, paint: Paint) -> None:
    spec.add_mesh(
        name=name, uservert=mesh.vertices.ravel(), userface=mesh.faces.ravel(), usertexcoord=mesh.uv.ravel(),
        userfacetexcoord=mesh.faces.ravel(), inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL,
    )  # fmt: skip
    rgb = (1.0, 1.0, 1.0) if paint.texture is not None else paint.rgb
    material = spec.add_material(
        name=name,
        rgba=[*rgb, paint.alpha],
        specular=0.6 * paint.glossy,
        shininess=0.2 + 0.7 * paint.glossy,
        reflectance=0.0,
    )
    if paint.texture is not None:
        h, w = paint.texture.shape[:2]
        texture = spec.add_texture(name=name, type=mujoco.mjtTexture.mjTEXTURE_2D, width=w, height=h, nchannel=3)
        texture.data = paint.texture.tobytes()
        material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = name
    body.add_geom(
        type=mujoco.mjtGeom.mjGEOM_MESH, meshname=name, material=name, contype=0, conaffinity=0, mass=0.0, group=0
    )


_GEOMS = {
    "box": mujoco.mjtGeom.mjGEOM_BOX,
    "cylinder": mujoco.mjtGeom.mjGEOM_CYLINDER,
    "sphere": mujoco.mjtGeom.mjGEOM_SPHERE,
    "capsule": mujoco.mjtGeom.mjGEOM_CAPSULE,
    "ellipsoid": mujoco.mjtGeom.mjGEOM_ELLIPSOID,
}


def _solid(body: mujoco.MjsBody, solid: Solid, mass_kg: float) -> None:
    rolls = solid.kind != "box"
    body.add_geom(
        type=_GEOMS[solid.kind], size=[*solid.size, 0, 0][:3], pos=solid.at, quat=_quat(solid.orientation),
        mass=mass_kg, group=COLLISION_GROUP, condim=6 if rolls else 4, friction=[0.7, 0.01, 0.004],
    )  # fmt: skip


def _quat(orientation: np.ndarray) -> np.ndarray:
    """w, x, y, z."""
    quat = np.zeros(4)
    mujoco.mju_mat2Quat(quat, np.ascontiguousarray(orientation, float).ravel())
    return quat
