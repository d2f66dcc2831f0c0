"""Builds frames from messages of an RGB-D camera: colour, depth aligned to colour, and the camera model.

Works with messages of rclpy and of rosbags.
"""

from __future__ import annotations

from typing import Any

from ..twin.types import CameraIntrinsics, Frame, GroundTruth
from .camera_info import camera_from_info
from .depth_units import FLOAT_UNIT_M, INTEGER_UNIT_M, check_depth_unit
from .image_messages import color_of, depth_of, is_compressed, stamp_s
from .input_report import InputReport
from .registration import CameraView, DepthAligner, Lookup
from .transforms import plain_frame


class RgbdFrameBuilder:
    """Makes a Frame from each set of synchronized messages.

    lookup: (target frame, source frame) -> transform, None if unknown. depth_unit_m: metres per count; None: by the
    encoding (REP-118). rectified: colour images are rectified, so that P of the camera_info is used. report: gets
    warnings. Raises ConfigError for a unit that is not positive.
    """

    def __init__(
        self,
        lookup: Lookup,
        depth_unit_m: float | None = None,
        rectified: bool = False,
        report: InputReport | None = None,
    ) -> None:
        self._unit_m, self._rectified = check_depth_unit(depth_unit_m), rectified
        self._report = InputReport() if report is None else report
        self._aligner = DepthAligner(lookup)
        self._unit_named = False

    def frame(
        self, color: Any, depth: Any | None, info: Any | None, depth_info: Any | None, truth: GroundTruth | None = None
    ) -> Frame:
        """The frame. info, depth_info: camera_infos of the two images, None if unknown; a depth_info of another frame
        or size is not used. Raises FrameError for broken or inconsistent messages.
        """
        rgb = color_of(color)
        size = rgb.shape[1], rgb.shape[0]
        camera = None if info is None else camera_from_info(info, size, self._rectified)
        frame_id = color.header.frame_id
        depth_m = None
        if depth is not None:
            raw_m = depth_of(depth, self._unit_m)
            self._check_range(depth, raw_m)
            view = CameraView(
                raw_m.shape[1], raw_m.shape[0], depth.header.frame_id, _depth_camera(depth, depth_info, raw_m)
            )
            depth_m = self._aligner.align(raw_m, CameraView(*size, frame_id, camera), view)
            self._report.warn("registration", self._aligner.warning)
        return Frame(
            color=rgb,
            depth_m=depth_m,
            intrinsics=camera,
            stamp_s=stamp_s(color),
            frame_id=frame_id or Frame.frame_id,
            truth=truth,
        )

    def _check_range(self, depth: Any, depth_m: Any) -> None:
        if not self._unit_named:
            encoding = depth.format if is_compressed(depth) else depth.encoding
            by_encoding = FLOAT_UNIT_M if encoding.startswith("32FC1") else INTEGER_UNIT_M
            self._report.depth_unit(self._unit_m or by_encoding)
            self._unit_named = True
        self._report.add_depth(depth_m)


def _depth_camera(depth: Any, info: Any | None, depth_m: Any) -> CameraIntrinsics | None:
    """The camera model of depth; None unless the camera_info has its frame, and its full or reduced size."""
    if info is None or plain_frame(info.header.frame_id) != plain_frame(depth.header.frame_id):
        return None
    camera, size = camera_from_info(info), (depth_m.shape[1], depth_m.shape[0])
    if size not in ((camera.width, camera.height), (int(info.width), int(info.height))):
        return None
    return camera_from_info(info, size)
