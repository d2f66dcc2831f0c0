"""Rerun (rerun.io): images, masks, 3-D boxes and reasoning text on the bag's timeline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ConfigError
from .cached_overlay import CachedOverlay
from .overlay import PALETTE


class RerunView:
    """A viewer that logs to Rerun. path: the .rrd file; None opens Rerun. Raises ConfigError without rerun-sdk."""

    def __init__(self, name: str, path: Path | None) -> None:
        try:
            import rerun as rr
        except ImportError as error:
            raise ConfigError("--viz rerun needs Rerun; `pip install rerun-sdk` (extra viz)") from error
        self._rr: Any = rr
        self._stream: Any = rr.RecordingStream("fastreasonseg_ros", recording_id=name)
        if path is None:
            self._stream.spawn()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._stream.save(path)
        self._stream.log("world", rr.ViewCoordinates.RDF, static=True)
        self._camera: Any = None

    def __call__(self, drawn: CachedOverlay) -> None:
        annotated, chosen = drawn.annotated, drawn.chosen
        rr, stream, frame = self._rr, self._stream, annotated.frame
        stream.set_time("bag", duration=annotated.t_s)
        k = frame.intrinsics
        if k is not None and k != self._camera:
            self._camera = k
            pinhole = rr.Pinhole(
                focal_length=(k.fx, k.fy), principal_point=(k.cx, k.cy), width=k.width, height=k.height
            )
            stream.log("world/camera", pinhole)
        stream.log("world/camera/color", rr.EncodedImage(contents=drawn.color.tobytes(), media_type="image/jpeg"))
        stream.log("perception/ms", rr.Scalars(annotated.perception_ms))
        if annotated.problem:
            stream.log("log", rr.TextLog(annotated.problem, level=rr.TextLogLevel.WARN))
        if annotated.twin is None:
            return
        if annotated.ids is not None:
            stream.log("world/camera/objects", rr.SegmentationImage(annotated.ids))
        located = [i for i in annotated.twin.instances if i.visible and i.center_m and i.size_m]
        colors = [PALETTE[chosen.index(i.id) % len(PALETTE)] if i.id in chosen else (150, 150, 150) for i in located]
        boxes = rr.Boxes3D(
            centers=[i.center_m for i in located],
            half_sizes=[tuple(v / 2 for v in i.size_m or ()) for i in located],
            labels=[f"{i.id} {i.label}" for i in located],
            colors=colors,
        )
        stream.log("world/objects", boxes)
        for s in annotated.shown:
            if s.iou is not None:
                stream.log(f"iou/{s.n}", rr.Scalars(s.iou))
            if not s.question.standing:
                steps = "\n".join(f"    {step}" for step in s.answer.trace)
                text = f"### {s.question.text}\n\n{s.answer.reason}\n\n{steps}\n\n**{s.answer.message}**"
                stream.log("reasoning", rr.TextDocument(text, media_type=rr.MediaType.MARKDOWN))
                stream.log("log", rr.TextLog(f"{s.question.text}: {s.answer.message}"))
        if annotated.shown and drawn.mask is not None:
            stream.log("world/camera/answer", rr.SegmentationImage(drawn.mask.view(np.uint8)))

    def close(self) -> None:
        self._stream.flush()
        self._stream.disconnect()
