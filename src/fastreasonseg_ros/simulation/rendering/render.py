"""Offscreen rendering of a MuJoCo model with EGL: colour, depth and geom ids."""

from __future__ import annotations

import os
import threading
from typing import Any

os.environ.setdefault("MUJOCO_GL", "egl")  # read when mujoco is loaded; there is no display on a robot

import numpy as np
from jaxtyping import Float32, Int32, UInt8

from ...errors import ConfigError
from ...weights import needs_extra

with needs_extra("simulation", "the simulator"):
    import mujoco

COLLISION_GROUP = 3
_local = threading.local()


class Camera:
    """Renders one model through its first camera. To be used from one thread; close() frees the GPU's memory."""

    def __init__(self, model: mujoco.MjModel, width: int, height: int, shadows: bool = True) -> None:
        _make_current(width, height)
        self._model, self._width, self._height = model, width, height
        self._context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_100.value)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN.value, self._context)
        self._context.readDepthMap = mujoco.mjtDepthMap.mjDEPTH_ZEROFAR
        self._scene = mujoco.MjvScene(model, maxgeom=2 * model.ngeom + 100)
        self._scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = shadows  # rendering time of three small images
        self._option = mujoco.MjvOption()
        self._option.geomgroup[COLLISION_GROUP] = 0
        self._view = mujoco.MjvCamera()
        self._view.type = mujoco.mjtCamera.mjCAMERA_FIXED
        self._view.fixedcamid = 0
        self._rect = mujoco.MjrRect(0, 0, width, height)

    def take(
        self, data: mujoco.MjData
    ) -> tuple[UInt8[np.ndarray, "h w 3"], Float32[np.ndarray, "h w"], Int32[np.ndarray, "h w"]]:
        """RGB, exact depth along z in metres (NaN where nothing is), and the geom of each pixel (-1 = none)."""
        _make_current(self._width, self._height)
        scene, shape = self._scene, (self._height, self._width)
        mujoco.mjv_updateScene(
            self._model, data, self._option, None, self._view, mujoco.mjtCatBit.mjCAT_ALL.value, scene
        )
        color, coded = np.empty((*shape, 3), np.uint8), np.empty((*shape, 3), np.uint8)
        raw = np.empty(shape, np.float32)
        # Another camera's context, freed meanwhile, leaves OpenGL without a frame buffer.
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN.value, self._context)
        mujoco.mjr_render(self._rect, scene, self._context)
        mujoco.mjr_readPixels(color, None, self._rect, self._context)
        # Depth comes with the second pass, which has no antialiasing, so that depth and ids agree at every pixel.
        flags = (mujoco.mjtRndFlag.mjRND_SEGMENT, mujoco.mjtRndFlag.mjRND_IDCOLOR)
        for flag in flags:
            scene.flags[flag] = True
        mujoco.mjr_render(self._rect, scene, self._context)
        mujoco.mjr_readPixels(coded, raw, self._rect, self._context)
        for flag in flags:
            scene.flags[flag] = False
        return color[::-1].copy(), self._metres(raw[::-1]), self._geoms(coded[::-1])

    def close(self) -> None:
        """Frees the context; the camera cannot be used after it."""
        if self._context is not None:
            _make_current(self._width, self._height)
            self._context.free()
            self._context = None

    def _metres(self, raw: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w"]:
        """Undoes OpenGL's projection with reversed z: raw is 1 at the near plane and 0 at the far one."""
        near = self._model.vis.map.znear * self._model.stat.extent
        far = self._model.vis.map.zfar * self._model.stat.extent
        depth_m = near * far / (near + raw.astype(np.float64) * (far - near))
        return np.where(raw > 0, depth_m, np.nan).astype(np.float32)

    def _geoms(self, coded: UInt8[np.ndarray, "h w 3"]) -> Int32[np.ndarray, "h w"]:
        wide = coded.astype(np.int32)
        numbers = wide[..., 0] | (wide[..., 1] << 8) | (wide[..., 2] << 16)
        table = np.full(self._scene.ngeom + 1, -1, np.int32)
        for geom in self._scene.geoms[: self._scene.ngeom]:
            if geom.segid >= 0 and geom.objtype == mujoco.mjtObj.mjOBJ_GEOM:
                table[geom.segid + 1] = geom.objid
        return table[np.minimum(numbers, len(table) - 1)]


def _make_current(width: int, height: int) -> None:
    """One OpenGL context a thread, kept: making one costs more than a picture."""
    if getattr(_local, "gl", None) is None:
        _local.gl = _gl_context(width, height)
    _local.gl.make_current()


def _gl_context(width: int, height: int) -> Any:
    try:
        from mujoco.egl import GLContext

        return GLContext(width, height)
    except (ImportError, AttributeError, RuntimeError, OSError) as error:
        raise ConfigError(
            "the simulation cannot draw without a display: EGL is missing. Install the Debian packages "
            f"libegl1 and libgl1-mesa-dri (apt-get install libegl1 libgl1-mesa-dri). EGL said: {error}"
        ) from error
