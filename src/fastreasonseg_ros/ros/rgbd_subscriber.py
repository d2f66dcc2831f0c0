"""The twin node's pictures: subscribed, matched by stamp, watched; handed on also where depth never comes."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from fastreasonseg_ros.msg import SceneGraph

from .images import time_to_s
from .sync import ApproximateTimeSynchronizer, PictureInput, topic_of
from .sync_monitor import SyncMonitor, SyncReport

if TYPE_CHECKING:
    from .node import ManagedNode
    from .settings import TwinSettings

PATIENCE = 3  # pictures
COLOR, DEPTH, INFO, TRUTH = "color/image_raw", "depth/image_raw", "color/camera_info", "truth"


@dataclass(frozen=True)
class Taken:
    """Pictures that belong together, as messages; what did not come is None."""

    color: Image | CompressedImage
    depth: Image | CompressedImage | None
    info: CameraInfo | None
    truth: SceneGraph | None = None


class SceneInputs:
    """take: given each set of pictures. began_anew: told why, when stamps go back."""

    def __init__(
        self,
        node: ManagedNode,
        settings: TwinSettings,
        take: Callable[[Taken], None],
        began_anew: Callable[[str], None],
    ) -> None:
        self.settings = settings
        self._node, self._take, self._began_anew = node, take, began_anew
        self._inputs: list[PictureInput] = []
        self._names = (COLOR, DEPTH, INFO, *((TRUTH,) if settings.perceiver == "oracle" else ()))
        self._monitor = SyncMonitor(self._names, settings.sync_slop_s, settings.depth_timeout_s)
        self._infos: OrderedDict[float, CameraInfo] = OrderedDict()
        self._last_set = self._first_picture = 0.0
        self._alone = self._without_info = 0
        self._match()
        self._subscribe()

    def report(self) -> SyncReport:
        self._monitor.patience_s = self.settings.depth_timeout_s
        return self._monitor.report()

    def restart(self) -> None:
        """Forgets pictures that wait for a partner."""
        self._infos.clear()
        self._match()

    def close(self) -> None:
        for one in self._inputs:
            one.close()

    def _subscribe(self) -> None:
        s = self.settings
        kinds = {COLOR: topic_of(COLOR, s.color_transport), DEPTH: topic_of(DEPTH, s.depth_transport)}
        kinds |= {INFO: (CameraInfo, INFO), TRUTH: (SceneGraph, TRUTH)}
        for name in self._names:
            kind, topic = kinds[name]
            one = PictureInput(self._node, kind, topic, s.picture_qos, callback_group=self._node.stream)
            self._inputs.append(one)
            one.registerCallback(self._came, name)

    def _match(self) -> None:
        """A synchroniser with empty queues between the subscriptions and `_pair`."""
        self._passes = {name: _Pass() for name in self._names}
        fs = [p for name, p in self._passes.items() if name != INFO]
        self._sync = ApproximateTimeSynchronizer(fs, self.settings.sync_queue, self.settings.sync_slop_s)
        self._sync.registerCallback(self._pair)
        self._passes[INFO].registerCallback(self._info_came)
        self._passes[COLOR].registerCallback(self._color_came)

    def _came(self, msg: Any, name: str) -> None:
        back_s = self._monitor.came(name, time_to_s(msg.header.stamp))
        if back_s and name == COLOR:
            self.restart()
            self._began_anew(f"stamps of {name} went back by {back_s:.1f} s (a recording that began again?)")
        self._passes[name].pass_on(msg)

    def _info_came(self, msg: CameraInfo) -> None:
        self._infos[time_to_s(msg.header.stamp)] = msg
        while len(self._infos) > self.settings.sync_queue:
            self._infos.popitem(last=False)

    def _info_at(self, stamp_s: float) -> CameraInfo | None:
        """The camera model nearest in time: it changes with zoom and resolution only."""
        nearest = min(self._infos, key=lambda s: abs(s - stamp_s), default=None)
        return None if nearest is None else self._infos[nearest]

    def _pair(self, color: Any, depth: Any, truth: SceneGraph | None = None) -> None:
        self._monitor.matched()
        self._last_set, self._alone = time.monotonic(), 0
        info = self._info_at(time_to_s(color.header.stamp))
        if info is None:
            self._without_info += 1
        # At the start pictures come before the first camera_info.
        if info is not None or self._patience_ends(self._without_info, self._first_picture):
            self._take(Taken(color, depth, info, truth))

    def _color_came(self, msg: Any) -> None:
        """A picture whose depth never comes must not wait silently: perception says what it lacks."""
        self._first_picture = self._first_picture or time.monotonic()
        self._alone += 1
        if self._patience_ends(self._alone, self._last_set or self._first_picture):
            self._take(Taken(msg, None, self._info_at(time_to_s(msg.header.stamp))))

    def _patience_ends(self, pictures: int, since: float) -> bool:
        """Both by number and by time: a slow camera's picture comes a little before its partner."""
        return pictures > PATIENCE and time.monotonic() - since > self.settings.depth_timeout_s


class _Pass:
    """What message_filters calls a filter: hands on what it is given."""

    def __init__(self) -> None:
        self._callbacks: list[tuple[Callable, tuple]] = []

    def registerCallback(self, callback: Callable, *args: Any) -> None:
        self._callbacks.append((callback, args))

    def pass_on(self, msg: Any) -> None:
        for callback, args in self._callbacks:
            callback(msg, *args)
