"""Where up is in the picture (Frame.up): from tf, where a frame is aligned with gravity, else from an IMU."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from sensor_msgs.msg import Imu
from std_msgs.msg import Header

from ..io.accelerometer import AccelerometerFilter
from ..twin.types import Vector
from .images import time_to_s
from .settings import TwinSettings
from .transforms import FrameLookupError, TransformLookup

OLDEST_S = 1.0  # an IMU that measured nothing at rest for longer says nothing about the picture


class UpDirection:
    """settings: gives the parameters gravity_frame, use_imu and tf_timeout_s as they are now.

    `imu_came` may be called in another thread than the rest. warning: why the newest picture's up is not known though
    it was asked for; else empty.
    """

    def __init__(
        self,
        settings: Callable[[], TwinSettings],
        transforms: TransformLookup,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._transforms, self._now = settings, transforms, now
        self._filter, self._imu_frame = AccelerometerFilter(), ""
        self._measured: tuple[str, Vector, float] | None = None  # IMU's frame, up in it, when it came
        self.warning = ""

    def imu_came(self, msg: Imu) -> None:
        """One message of the topic imu; one without acceleration, or not taken at rest, is passed over."""
        if msg.linear_acceleration_covariance[0] == -1:  # by definition of the message: no such estimate
            return
        if msg.header.frame_id != self._imu_frame:
            self._filter, self._imu_frame = AccelerometerFilter(), msg.header.frame_id
        a = msg.linear_acceleration
        if self._filter.add(time_to_s(msg.header.stamp), (a.x, a.y, a.z)) and (up := self._filter.up) is not None:
            self._measured = self._imu_frame, up, self._now()

    def of(self, header: Header) -> Vector | None:
        """Unit vector away from the earth in the frame of a picture's header, at its stamp; None where unknown."""
        s, self.warning = self._settings(), ""
        if s.gravity_frame:
            try:
                turn = self._transforms.transform(header, s.gravity_frame, s.tf_timeout_s).rotation
                return _vector(turn.inv().apply((0.0, 0.0, 1.0)))  # the z axis of a frame of REP-103 points up
            except FrameLookupError as error:
                self.warning = f"up is not known: {error}"
        return self._by_imu(header.frame_id) if s.use_imu else None

    def _by_imu(self, camera_frame: str) -> Vector | None:
        measured = self._measured
        if measured is None or self._now() - measured[2] > OLDEST_S:
            age = "nothing has come yet" if measured is None else f"nothing for {self._now() - measured[2]:.1f} s"
            self.warning = f"up is not known: {age} on imu that was measured at rest"
            return None
        imu_frame, up, _ = measured
        if imu_frame == camera_frame:
            self.warning = ""
            return up
        to_camera = self._transforms.between_cameras(camera_frame, imu_frame)
        if to_camera is None:
            self.warning = f"up is not known: imu is measured in {imu_frame}, and tf has no transform to {camera_frame}"
            return None
        self.warning = ""
        return _vector(to_camera.rotation @ np.asarray(up))


def _vector(values: np.ndarray) -> Vector:
    x, y, z = (float(v) for v in values)
    return x, y, z
