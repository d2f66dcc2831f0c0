"""Simulated table-top scene: generated from a seed, settled by physics, rendered with ground truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...errors import ConfigError
from ...twin.pose import Pose as CameraPose
from ...twin.types import CameraIntrinsics, Frame, GroundTruth, Plane
from ..objects.household import KINDS, SimObject, make_object
from ..rendering.depth_noise import SENSORS, color_noise
from ..rendering.render import Camera
from .placing import CLUTTER, Placement, arrange
from .world import View, World, build, camera_of, random_view, random_world

NOISES = (*SENSORS, "none")
STEP_S = 0.002


@dataclass(frozen=True)
class Pose:
    """Position (metres) and rotation (3x3) of an object in the camera's optical frame."""

    at: tuple[float, float, float]
    orientation: np.ndarray


class Scene:
    """Objects on a table under physics. Ids are 1, 2, ... in the order of `objects`. Not thread-safe."""

    def __init__(
        self,
        seed: int,
        placements: Sequence[Placement],
        world: World,
        view: View,
        size: tuple[int, int] = (640, 480),
        shadows: bool = True,
    ) -> None:
        import mujoco

        self._mujoco = mujoco
        self.seed, self.view, self.size, self._shadows = seed, view, size, shadows
        self.objects: dict[int, SimObject] = {k: p.object for k, p in enumerate(placements, 1)}
        self.model = build(placements, world, view, size)
        self.data = mujoco.MjData(self.model)
        self.time_s = 0.0
        self._camera: Camera | None = None
        self._rng = np.random.default_rng([seed, 7])
        bodies = {k: self.model.body(f"object{k}").id for k in self.objects}
        self.joints = {k: int(self.model.body_dofadr[b]) for k, b in bodies.items()}
        self.places = {k: int(self.model.jnt_qposadr[self.model.body_jntadr[b]]) for k, b in bodies.items()}
        self.bodies = bodies
        owner = np.zeros(self.model.ngeom + 1, np.uint16)
        clear = np.zeros(self.model.ngeom + 1, bool)
        of_body = {b: k for k, b in bodies.items()}
        for geom in range(self.model.ngeom):
            owner[geom] = of_body.get(int(self.model.geom_bodyid[geom]), 0)
            clear[geom] = self.model.geom_rgba[geom, 3] < 1 or self._alpha(geom) < 1
        self._owner, self._clear = owner, clear
        mujoco.mj_forward(self.model, self.data)

    def _alpha(self, geom: int) -> float:
        material = int(self.model.geom_matid[geom])
        return 1.0 if material < 0 else float(self.model.mat_rgba[material, 3])

    @property
    def intrinsics(self) -> CameraIntrinsics:
        """Intrinsics of colour and depth."""
        w, h = self.size
        return CameraIntrinsics(w, h, self.view.focal_px, self.view.focal_px, (w - 1) / 2, (h - 1) / 2)

    @property
    def plane(self) -> Plane:
        """The table top in the camera's frame."""
        normal = self.view.orientation.T @ np.array([0.0, 0.0, 1.0])
        point = self.view.orientation.T @ (-np.asarray(self.view.at))
        x, y, z = (float(v) for v in normal)
        return Plane((x, y, z), float(normal @ point))

    def look(self, view: View) -> None:
        """Moves the camera."""
        self.view = view
        camera = camera_of(view, self.size)
        self.model.cam_pos[0], self.model.cam_quat[0], self.model.cam_fovy[0] = camera
        self.refresh()

    def step(self, seconds: float) -> None:
        """Advances physics."""
        for _ in range(max(1, round(seconds / STEP_S))):
            self._mujoco.mj_step(self.model, self.data)
        self.time_s += seconds

    def settle(self, limit_s: float = 3.0) -> None:
        """Runs physics until objects rest or limit_s, then stops them; fallen objects stay below the table."""
        for tenth in range(int(limit_s / 0.1)):
            self.step(0.1)
            if tenth >= 4 and float(np.abs(self.data.qvel).max(initial=0.0)) < 0.02:
                break
        self.data.qvel[:] = 0
        self.time_s = 0.0
        self._mujoco.mj_forward(self.model, self.data)

    def refresh(self) -> None:
        """Updates derived quantities after positions were set."""
        self._mujoco.mj_forward(self.model, self.data)

    def place(self, id: int) -> np.ndarray:
        """x, y, z of an object's origin in the table's frame, metres."""
        return self.data.qpos[self.places[id] : self.places[id] + 3].copy()

    def orientation(self, id: int) -> np.ndarray:
        """3x3 rotation of an object in the table's frame."""
        return self.data.xmat[self.bodies[id]].reshape(3, 3)

    def standing_height(self, id: int) -> float:
        """z of an object's origin when it touches the table as it is turned now; metres."""
        return 0.001 - self.objects[id].geometry.reach(self.orientation(id))[1]

    def extent(self, id: int, direction: np.ndarray) -> float:
        """How far an object reaches from its origin along a horizontal unit direction; metres."""
        return float(((self.objects[id].geometry.vertices() @ self.orientation(id).T)[:, :2] @ direction).max())

    def touching(self) -> set[tuple[int, int]]:
        """Pairs of ids, the smaller first, that are in contact now."""
        pairs = set()
        of_body = {b: k for k, b in self.bodies.items()}
        for pair in self.data.contact.geom[: self.data.ncon]:
            a, b = (of_body.get(int(self.model.geom_bodyid[g])) for g in pair)
            if a and b:
                pairs.add((min(a, b), max(a, b)))
        return pairs

    def pose(self, id: int) -> Pose:
        """Pose of an object in the optical frame."""
        body = self.bodies[id]
        at = self.view.orientation.T @ (self.data.xpos[body] - np.asarray(self.view.at))
        orientation = self.view.orientation.T @ self.data.xmat[body].reshape(3, 3)
        return Pose((float(at[0]), float(at[1]), float(at[2])), orientation)

    def surface(self, id: int) -> np.ndarray:
        """Points of an object's surface in the camera's frame, metres; shape (n, 3)."""
        pose = self.pose(id)
        return self.objects[id].geometry.vertices() @ pose.orientation.T + np.asarray(pose.at)

    def render(self, noise: str = "structured_light", sharpness: float = 1.0) -> Frame:
        """Renders the current frame: RGB, depth_m with NaN for invalid pixels, and ground truth of visible objects.

        noise: structured_light, stereo, or none (exact depth and colour). sharpness: pixels of the depth sensor per
        pixel of the image, 2 for an image of half size. Raises ConfigError.
        """
        if noise not in NOISES:
            raise ConfigError(f"noise {noise!r} is not known; it is one of {', '.join(NOISES)}")
        if self._camera is None:
            self._camera = Camera(self.model, *self.size, self._shadows)
        color, depth_m, geoms = self._camera.take(self.data)
        ids = self._owner[geoms]
        if noise != "none":
            rng = self._rng
            dim = color.max(axis=2) < 40
            depth_m = SENSORS[noise](depth_m, sharpness * self.view.focal_px, rng, dim, self._clear[geoms])
            color = color_noise(color, rng)
        pose = CameraPose(self.view.orientation, np.asarray(self.view.at, float))
        return Frame(color, depth_m, self.intrinsics, self.time_s, truth=self._truth(ids), pose=pose)

    def _truth(self, ids: np.ndarray) -> GroundTruth:
        present = [int(k) for k in np.unique(ids) if k]
        colors: Mapping[int, str | None] = {k: self.objects[k].color for k in present}
        return GroundTruth(ids, {k: self.objects[k].label for k in present}, {k: c for k, c in colors.items() if c})

    def close(self) -> None:
        """Frees the renderer."""
        if self._camera is not None:
            self._camera.close()
            self._camera = None

    def __enter__(self) -> Scene:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def make_scene(
    seed: int,
    *,
    n_objects: int | None = None,
    clutter: str = "sparse",
    kinds: Sequence[str] | None = None,
    size: tuple[int, int] = (640, 480),
) -> Scene:
    """A settled scene; the same arguments give the same scene.

    n_objects: 3 to 9 if None. clutter: sparse, touching, stacked or heap. kinds: names out of household.KINDS, each
    with a colour before it or not ("red mug"); exactly these if n_objects is None, else drawn from. Raises ConfigError.
    """
    if clutter not in CLUTTER:
        raise ConfigError(f"clutter {clutter!r} is not known; it is one of {', '.join(CLUTTER)}")
    rng = np.random.default_rng(seed)
    if kinds is not None and n_objects is None:
        names = list(kinds)
    else:
        count = int(rng.integers(3, 10)) if n_objects is None else n_objects
        if not 0 <= count <= 60:
            raise ConfigError(f"n_objects is {count}; it must be from 0 to 60")
        names = [str(n) for n in rng.choice(list(kinds or KINDS), size=count)]
    objects = [make_object(name, rng) for name in names]
    radius_m = 0.12 + 0.075 * float(np.sqrt(len(objects)))
    world, view = random_world(rng), random_view(rng, size, radius_m / 0.42)
    placements = arrange(objects, clutter, rng, radius_m)
    scene = Scene(seed, placements, world, view, size)
    if clutter == "touching":
        gather(scene)
    scene.settle()
    return scene


def gather(scene: Scene, seconds: float = 1.2, speed: float = 0.15, look_every: int = 1) -> None:
    """Slides each object towards the centre until it touches another; only rotation about the vertical is allowed.

    look_every: physics steps between contact queries, which cost as much as a step.
    """
    loose: set[int] = set()
    for number in range(round(seconds / STEP_S)):
        if number % look_every == 0:
            loose = set(scene.joints) - {k for pair in scene.touching() for k in pair}
        if len(loose) < 2:
            break
        for id in loose:
            dof, at = scene.joints[id], scene.data.xpos[scene.bodies[id]][:2]
            scene.data.qvel[dof : dof + 2] = -speed * at / max(float(np.linalg.norm(at)), 0.05)
            scene.data.qvel[dof + 3 : dof + 5] = 0
        scene.step(STEP_S)
    scene.data.qvel[:] = 0
