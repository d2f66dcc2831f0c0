"""Colour, depth and camera model that belong together, matched by their stamps, and what is missing where none match.

message_filters is not used: it matches all streams in one way, while a camera_info is latched or nearly constant, waits
for ever for a depth picture that never comes, and keeps old pictures when stamps go back.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from fastreasonseg_ros.msg import SceneGraph

from ..io.stamp_offset import stamp_offset
from .images import time_to_s

COLOR, DEPTH, TRUTH = "color/image_raw", "depth/image_raw", "truth"
INFO, DEPTH_INFO = "color/camera_info", "depth/camera_info"
SET_BACK_S = 0.5  # stamps that go back by more mean that time began anew; less is a picture that came late
OTHER_CLOCK_S = 5.0  # stamps that are further apart come from different clocks
RATE_S = 5.0  # a rate is that of the last seconds
STAMPS = 30  # of a stream that offsets are computed from: two seconds at 15 Hz
FRAMES = 8  # of a topic's camera_info that are remembered
ALONE = 3  # colour pictures in a row without depth, or sets without camera_info, before they are taken without


@dataclass(frozen=True)
class RgbdMessages:
    """Messages of one moment; what did not come is None.

    depth_info: the depth camera's own model, where it has one. lacking: why depth did not come, where it did not.
    """

    color: Image | CompressedImage
    depth: Image | CompressedImage | None
    info: CameraInfo | None
    truth: SceneGraph | None = None
    depth_info: CameraInfo | None = None
    lacking: str = ""


@dataclass(frozen=True)
class SyncReport:
    """complaint: empty where all is well. missing: whether a topic does not come at all. values: for /diagnostics."""

    complaint: str
    missing: bool
    values: Mapping[str, str]


class RgbdSynchronizer:
    """Call `add` with every message; it gives a set when that message completes one. For callbacks of one thread.

    slop_s: largest difference of the stamps of colour and depth, 0 for equal stamps only. queue: messages of a stream
    that wait for partners. timeout_s: how long depth or camera_info may be missing before pictures are taken without.
    with_truth: ground truth (topic truth) belongs to a set. with_depth: depth does, and a camera_info is waited for;
    without, every colour picture is a set.
    """

    def __init__(
        self,
        slop_s: float,
        queue: int,
        timeout_s: float,
        with_truth: bool = False,
        now: Callable[[], float] = time.monotonic,
        with_depth: bool = True,
    ) -> None:
        self.slop_s, self.timeout_s = slop_s, timeout_s
        self._queue, self._now, self._with_depth = queue, now, with_depth
        matched = (COLOR, *([DEPTH] if with_depth else []), *([TRUTH] if with_truth else []))
        self._waiting: dict[str, OrderedDict[float, Any]] = {name: OrderedDict() for name in matched}
        self._infos = {INFO: CameraModels(queue), DEPTH_INFO: CameraModels(queue)}
        self._streams = {name: _Stream() for name in (*matched, *([INFO] if with_depth else []))}
        self._sets = self._alone = self._without_info = 0
        self._first_color: float | None = None
        self._started = self._last_set = now()
        self._newest: RgbdMessages | None = None  # the last matched set that was given

    def add(self, name: str, msg: Any) -> RgbdMessages | None:
        """One message of the stream COLOR, DEPTH, INFO, DEPTH_INFO or TRUTH; the set that it completes, if any."""
        if name in self._infos:
            self._infos[name].add(msg)
        if name not in self._streams:
            return None
        stamp_s = time_to_s(msg.header.stamp)
        if self._streams[name].went_back(stamp_s, self._now()) and name in self._waiting:
            self._forget_after(stamp_s)
        if name == INFO:
            return None
        waiting = self._waiting[name]
        waiting[stamp_s] = msg
        while len(waiting) > self._queue:
            del waiting[min(waiting)]
        if name == COLOR:
            self._alone += 1
            self._first_color = self._now() if self._first_color is None else self._first_color
        stamps = self._match(name, stamp_s) if stamp_s in waiting else None
        if stamps is not None:
            return self._take(stamps)
        if name == COLOR and self._newest is not None and stamp_s == time_to_s(self._newest.color.header.stamp):
            # A picture that is published again, as the last one of a recording is: its depth came with the first.
            self._waiting[COLOR].pop(stamp_s, None)
            self._last_set, self._alone = self._now(), 0
            return replace(self._newest, color=msg)
        if name == COLOR and self._patience_ends(self._alone, self._last_set if self._sets else self._first_color):
            return self._set({COLOR: msg})
        return None

    def clear(self) -> None:
        """Forgets pictures that wait for a partner; camera models stay, for a latched camera_info comes only once."""
        self._newest = None
        for waiting in self._waiting.values():
            waiting.clear()

    def report(self) -> SyncReport:
        """Which stream is missing or out of step, and by how much. A stream is not missing while sets match."""
        now = self._now()
        in_step = bool(self._sets) and now - self._last_set <= self.timeout_s
        silent = {n: now - (s.last_s if s.count else self._started) for n, s in self._streams.items()}
        missing = [
            n for n, seconds in silent.items() if seconds > self.timeout_s and not (in_step and self._streams[n].count)
        ]
        values = {"sets": str(self._sets), "slop (s)": f"{self.slop_s:.3f}"}
        for name, stream in self._streams.items():
            values[f"{name} rate (Hz)"] = f"{stream.rate_hz(now):.1f}"
            if name != COLOR and (offset := stamp_offset(self._streams[COLOR].stamps, stream.stamps)) is not None:
                values[f"{name} offset (s)"] = f"{offset.median_s:+.4f}"
        if missing:
            parts = [
                f"{n}: nothing for {silent[n]:.1f} s" if self._streams[n].count else f"{n}: nothing has come yet"
                for n in missing
            ]
            hint = "is it published, under this name, with a compatible QoS?"
            return SyncReport(f"{'; '.join(parts)}: {hint}", True, values)
        if now - self._last_set > self.timeout_s:
            return SyncReport(self._out_of_step(), False, values)
        return SyncReport("", False, values)

    def _match(self, name: str, stamp_s: float) -> dict[str, float] | None:
        """The nearest stamp of every other stream, if all are within the slop."""
        stamps = {n: min(w, key=lambda s: abs(s - stamp_s), default=None) for n, w in self._waiting.items()}
        known = [s for s in stamps.values() if s is not None]
        if len(known) < len(stamps) or max(known) - min(known) > self.slop_s:
            return None
        return {**stamps, name: stamp_s}  # type: ignore[dict-item]

    def _take(self, stamps: Mapping[str, float]) -> RgbdMessages | None:
        """The matched messages; older ones are dropped, so that sets come in the order of time."""
        messages = {name: self._waiting[name].pop(stamp_s) for name, stamp_s in stamps.items()}
        for name, stamp_s in stamps.items():
            for old in [s for s in self._waiting[name] if s < stamp_s]:
                del self._waiting[name][old]
        self._sets, self._last_set, self._alone = self._sets + 1, self._now(), 0
        taken = self._set(messages)
        if taken.info is not None or not self._with_depth:
            self._without_info = 0
        else:
            self._without_info += 1  # at the start pictures may come before the first camera_info
            if not self._patience_ends(self._without_info, self._first_color):
                return None
        self._newest = taken
        return taken

    def _set(self, messages: Mapping[str, Any]) -> RgbdMessages:
        color, depth = messages[COLOR], messages.get(DEPTH)
        depth_info = None if depth is None else self._infos[DEPTH_INFO].of(depth)
        lacking = self.report().complaint if depth is None and self._with_depth else ""
        return RgbdMessages(color, depth, self._infos[INFO].of(color), messages.get(TRUTH), depth_info, lacking)

    def _patience_ends(self, count: int, since: float | None) -> bool:
        """By count and by time: a slow camera's colour picture comes a little before its depth."""
        return count > ALONE and since is not None and self._now() - since > self.timeout_s

    def _forget_after(self, stamp_s: float) -> None:
        """Drops what is from before time began anew: pictures with later stamps than the new one."""
        for waiting in self._waiting.values():
            for stamp in [s for s in waiting if s > stamp_s + SET_BACK_S]:
                del waiting[stamp]

    def _out_of_step(self) -> str:
        color = self._streams[COLOR].stamps
        offsets = {n: stamp_offset(color, s.stamps) for n, s in self._streams.items() if n not in (COLOR, INFO)}
        known = {n: o for n, o in offsets.items() if o is not None}
        if not known:
            return f"no set of pictures for {self.timeout_s:.1f} s"
        name, worst = max(known.items(), key=lambda item: abs(item[1].median_s))
        if worst.largest_s <= self.slop_s:
            return f"no set of pictures for {self.timeout_s:.1f} s though stamps agree: raise sync_queue"
        side = "older" if worst.median_s < 0 else "newer"
        message = f"{name} is {abs(worst.median_s):.3f} s {side} than {COLOR}, allowed are {self.slop_s:.3f} s"
        if abs(worst.median_s) > OTHER_CLOCK_S:
            return f"{message}: they are stamped by different clocks (use_sim_time?)"
        return f"{message}: raise sync_slop_s to {worst.needed_slop_s:.2f}, or correct the driver's stamps"


class CameraModels:
    """The newest camera_info messages of one topic, by the frame that they are for."""

    def __init__(self, queue: int) -> None:
        self._queue, self._newest = queue, ""
        self._by_frame: dict[str, deque[CameraInfo]] = {}

    def add(self, msg: CameraInfo) -> None:
        self._newest = msg.header.frame_id
        self._by_frame.setdefault(self._newest, deque(maxlen=self._queue)).append(msg)
        while len(self._by_frame) > FRAMES:
            del self._by_frame[next(iter(self._by_frame))]

    def of(self, picture: Any) -> CameraInfo | None:
        """The one nearest in time: of the picture's frame, else of the frame that came last; None before the first."""
        known = self._by_frame.get(picture.header.frame_id) or self._by_frame.get(self._newest, ())
        stamp_s = time_to_s(picture.header.stamp)
        # Of several at one distance, as of a latched one that is published again, the newest holds.
        return min(reversed(known), key=lambda info: abs(time_to_s(info.header.stamp) - stamp_s), default=None)


class _Stream:
    """Stamps in seconds, and when each message came (monotonic seconds)."""

    def __init__(self) -> None:
        self.stamps: deque[float] = deque(maxlen=STAMPS)
        self._arrivals: deque[float] = deque(maxlen=1000)
        self.count, self.last_s = 0, 0.0

    def went_back(self, stamp_s: float, now_s: float) -> bool:
        """Takes one message; whether its stamp is from long before the last one."""
        back = bool(self.stamps) and self.stamps[-1] - stamp_s > SET_BACK_S
        if back:
            self.stamps.clear()
        self.stamps.append(stamp_s)
        self._arrivals.append(now_s)
        self.count, self.last_s = self.count + 1, now_s
        return back

    def rate_hz(self, now_s: float) -> float:
        return sum(t > now_s - RATE_S for t in self._arrivals) / RATE_S
