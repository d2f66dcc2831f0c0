"""How tracked things move: over the ground when the camera's own motion is known, without the noise of a mask's rim."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .pose import Pose
from .track_memory import Motion
from .types import DigitalTwin, Instance, Plane, Vector

STILL_M, STILL_RAD = 1e-4, 1e-4  # a pose that changes by less has not changed


def seen_from(twin: DigitalTwin, pose: Pose | None) -> DigitalTwin:
    """The twin with every place in the frame of the camera as it stands now.

    A camera whose pose is not known now is where it was last known to be; unchanged where it never was.
    """
    if pose is None:
        return twin
    if twin.pose is None:
        return replace(twin, pose=pose)
    change = pose.from_older(twin.pose)
    if change.distance_m < STILL_M and change.angle_rad < STILL_RAD:
        return twin
    rows = _vector(change.rotation[0]), _vector(change.rotation[1]), _vector(change.rotation[2])
    numbers, plane = _Change(rows, _vector(change.translation)), twin.plane
    if plane is not None:
        normal = change.rotation @ np.asarray(plane.normal)
        plane = Plane(_vector(normal), plane.offset_m + float(normal @ change.translation))
    return replace(
        twin,
        instances=tuple(_instance(i, numbers) for i in twin.instances),
        forgotten=tuple(_instance(i, numbers) for i in twin.forgotten),
        plane=plane,
        pose=pose,
    )


def follow(motion: Motion | None, at_m: Vector, sigma_m: float, dt_s: float, process_noise: float) -> Motion:
    """Kalman's filter of constant velocity, pushed about by a random acceleration of `process_noise` m/s^2.

    sigma_m: standard deviation of at_m. Without a motion before it begins anew and at rest. (Bar-Shalom et al.,
    Estimation with Applications to Tracking and Navigation, 2001, 6.3.2.)
    """
    if motion is None or dt_s <= 0:
        return Motion(at_m, (0.0, 0.0, 0.0), sigma_m**2, 0.0, 0.05)
    q = process_noise**2
    pp = motion.var_at + dt_s * (2 * motion.cov + dt_s * motion.var_velocity) + q * dt_s**4 / 4
    pv = motion.cov + dt_s * motion.var_velocity + q * dt_s**3 / 2
    vv = motion.var_velocity + q * dt_s**2
    gain_at, gain_v = pp / (pp + sigma_m**2), pv / (pp + sigma_m**2)
    expected = [a + v * dt_s for a, v in zip(motion.at_m, motion.velocity, strict=True)]
    misses = [z - e for z, e in zip(at_m, expected, strict=True)]
    return Motion(
        tuple(e + gain_at * m for e, m in zip(expected, misses, strict=True)),  # type: ignore[arg-type]
        tuple(v + gain_v * m for v, m in zip(motion.velocity, misses, strict=True)),  # type: ignore[arg-type]
        (1 - gain_at) * pp,
        (1 - gain_at) * pv,
        vv - gain_v * pv,
    )


def displacement(
    old_center: Vector, old_size: Vector, center: Vector, size: Vector, expected: Vector, rim_m: float
) -> tuple[Vector, bool]:
    """How far a thing moved along each axis when one side of what is seen of it may be hidden now, or hidden no more.

    Where both its sides moved alike, by what its centre did; otherwise by whatever moved most as expected, as a rule
    the one side: the other one is where something covers it, or did. The flag says whether that was so along any axis.
    """
    moves, hidden = [], False
    for c0, s0, c1, s1, e in zip(old_center, old_size, center, size, expected, strict=True):
        low, high = (c1 - s1 / 2) - (c0 - s0 / 2), (c1 + s1 / 2) - (c0 + s0 / 2)
        if abs(low - high) <= rim_m:
            moves.append(c1 - c0)
        else:
            hidden = True
            moves.append(min(c1 - c0, low, high, key=lambda m: abs(m - e)))
    return (moves[0], moves[1], moves[2]), hidden


def added(a: Vector, b: Vector) -> Vector:
    return a[0] + b[0], a[1] + b[1], a[2] + b[2]


def subtracted(a: Vector, b: Vector) -> Vector:
    return a[0] - b[0], a[1] - b[1], a[2] - b[2]


@dataclass(frozen=True)
class _Change:
    """A pose in plain numbers: numpy's overhead on single vectors is twenty times the arithmetic."""

    rows: tuple[Vector, Vector, Vector]
    translation: Vector

    def turned(self, v: Vector) -> Vector:
        x, y, z = v
        (a, b, c), (d, e, f), (g, h, i) = self.rows
        return a * x + b * y + c * z, d * x + e * y + f * z, g * x + h * y + i * z


def _instance(i: Instance, change: _Change) -> Instance:
    if i.center_m is None:
        return i
    memory = i.memory
    if memory is not None:
        motion = memory.motion
        if motion is not None:
            motion = replace(motion, at_m=_moved(motion.at_m, change), velocity=_turned(motion.velocity, change))
        anchor, middle = _moved(memory.anchor_m, change), _moved(memory.middle_m, change)
        memory = replace(memory, anchor_m=anchor, middle_m=middle, motion=motion)
    past = tuple(replace(p, center_m=_moved(p.center_m, change)) for p in i.past)
    center, velocity = _moved(i.center_m, change), _turned(i.velocity, change)
    return replace(i, center_m=center, velocity=velocity, memory=memory, past=past)


def _moved(place: Vector | None, change: _Change) -> Vector | None:
    if place is None:
        return None
    x, y, z = change.turned(place)
    a, b, c = change.translation
    return x + a, y + b, z + c


def _turned(velocity: Vector | None, change: _Change) -> Vector | None:
    return velocity if velocity is None or not any(velocity) else change.turned(velocity)


def _vector(v: np.ndarray) -> Vector:
    x, y, z = (float(c) for c in v)
    return x, y, z
