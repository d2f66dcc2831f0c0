"""What a viewer shows of the running nodes: every answer, and twin, pictures and diagnostics while somebody looks.

Messages come in the client's thread and are handed to the event loop that the feed was made in, so that everything else
here is read and changed in that loop only and needs no lock.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from sensor_msgs.msg import CompressedImage, Image

from fastreasonseg_ros.msg import Answer, SceneGraph

from .client import AsyncReasonSegClient, UnreachableError
from .images import stamp_ns
from .qos import latched, reliable
from .rgbd_subscriber import ImageSubscription, image_topic
from .rgbd_synchronizer import COLOR
from .stamped_buffer import StampedBuffer

KEPT = 30  # pictures that wait for their twin: two seconds at 15 Hz
PAIR_S = 1.0  # without a twin for so long the newest picture is shown as it is
PARTS = 64  # of diagnostics


@dataclass(frozen=True)
class SceneFrame:
    """A picture, with the twin that was made from it where it is known."""

    picture: Image | CompressedImage
    twin: SceneGraph | None

    @property
    def key(self) -> tuple[int, bool]:
        """Equal for the same picture with, or without, its twin."""
        return stamp_ns(self.picture.header), self.twin is not None


@dataclass(frozen=True)
class HealthReport:
    """The newest diagnostics of one part of a node, and when they came (monotonic seconds)."""

    status: DiagnosticStatus
    came_s: float


class SceneFeed:
    """Subscribes for viewers. `look` and `look_away` count them; while nobody looks only answers are received.

    Made, and used, in one running event loop. on_answer is called in it with every answer. color_transport: raw or
    compressed, as image_transport names it; raises ConfigError for another. twin: the newest message of that topic,
    also one with a status that says why a picture could not be used. twin_came_s, picture_came_s: when the newest one
    came (monotonic seconds); None: none since somebody looks, which began at looked_at_s.
    """

    def __init__(
        self, client: AsyncReasonSegClient, on_answer: Callable[[Answer], object], color_transport: str = "raw"
    ) -> None:
        self._client, self._node = client, client.node
        self._loop = asyncio.get_running_loop()
        self._kind, self._topic = image_topic(COLOR, color_transport)
        self._viewers: set[str] = set()
        self._subscriptions: list[Any] = []
        self._changed = asyncio.Event()
        self._clear()
        self._in_client_thread(lambda: client.on_answer(self._posting(on_answer)))

    @property
    def namespace(self) -> str:
        """That the names of the nodes are relative to; "/" or without a slash at the end."""
        return self._node.get_namespace()

    @property
    def picture_topic(self) -> str:
        """Full name of the topic of pictures, after remapping."""
        return self._node.resolve_topic_name(self._topic)

    def reasoning_is_there(self) -> bool:
        """Whether a reasoning node can be asked now."""
        with contextlib.suppress(UnreachableError):  # the client is closed
            return self._client.connection.action[1]()
        return False

    def look(self, viewer: str) -> None:
        """A viewer, by any name of its own, looks from now on."""
        if not self._viewers:
            self._clear()
            self._in_client_thread(self._subscribe)
        self._viewers.add(viewer)

    def look_away(self, viewer: str) -> None:
        """A viewer does not look any more. With the last one pictures, twin and diagnostics are let go."""
        if viewer in self._viewers:
            self._viewers.remove(viewer)
            if not self._viewers:
                self._in_client_thread(self._unsubscribe)
                self._clear()

    def frame(self, paired: bool) -> SceneFrame | None:
        """The newest picture; paired: the newest one whose twin is there, if twins come at all."""
        if paired and self._pair is not None and time.monotonic() - self._pair_came_s < PAIR_S:
            return self._pair
        newest = self._pictures.newest
        return None if newest is None else SceneFrame(newest, None)

    async def change(self, timeout_s: float) -> None:
        """Waits until a picture or a twin came, at most timeout_s."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), timeout_s)

    def _clear(self) -> None:
        self._pictures: StampedBuffer[Image | CompressedImage] = StampedBuffer(KEPT)
        self._pair: SceneFrame | None = None
        self._pair_came_s = 0.0
        self.twin: SceneGraph | None = None
        self.twin_came_s: float | None = None
        self.picture_came_s: float | None = None
        self.health: dict[str, HealthReport] = {}  # by the name of the part: "twin_node: inputs"
        self.looked_at_s = time.monotonic()

    def _picture_came(self, msg: Image | CompressedImage) -> None:
        self._pictures.add(msg)
        self.picture_came_s = time.monotonic()
        self._join()

    def _twin_came(self, msg: SceneGraph) -> None:
        self.twin, self.twin_came_s = msg, time.monotonic()
        self._join()

    def _join(self) -> None:
        if self.twin is not None and self.twin.status == Answer.OK:
            picture = self._pictures.at(self.twin.header)
            if picture is not None and (self._pair is None or self._pair.twin is not self.twin):
                self._pair, self._pair_came_s = SceneFrame(picture, self.twin), time.monotonic()
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def _diagnostics_came(self, msg: DiagnosticArray) -> None:
        for status in msg.status:
            node, separator, part = status.name.partition(": ")
            place, _, name = f"/{node.lstrip('/')}".rpartition("/")
            shown = f"{name}{separator}{part}"
            if (place or "/") == self.namespace and (shown in self.health or len(self.health) < PARTS):
                self.health[shown] = HealthReport(status, time.monotonic())

    def _subscribe(self) -> None:
        pictures = ImageSubscription(self._node, self._kind, self._topic, self._while_looking(self._picture_came))
        health = self._while_looking(self._diagnostics_came)
        self._subscriptions = [
            pictures,
            self._node.create_subscription(SceneGraph, "twin", self._while_looking(self._twin_came), latched()),
            self._node.create_subscription(DiagnosticArray, "/diagnostics", health, reliable(20)),
        ]

    def _unsubscribe(self) -> None:
        pictures, *others = self._subscriptions or [None]
        self._subscriptions = []
        if pictures is not None:
            pictures.close()
        for one in others:
            self._node.destroy_subscription(one)

    def _while_looking(self, function: Callable[[Any], object]) -> Callable[[Any], None]:
        """What was received, and comes to the loop when nobody looks any more, is dropped."""
        return self._posting(lambda msg: function(msg) if self._viewers else None)

    def _posting(self, function: Callable[[Any], object]) -> Callable[[Any], None]:
        """The function, called in the loop."""

        def post(msg: Any) -> None:
            with contextlib.suppress(RuntimeError):  # the loop was closed at this moment
                self._loop.call_soon_threadsafe(function, msg)

        return post

    def _in_client_thread(self, function: Callable[[], object]) -> None:
        """Subscriptions come and go between two waits of the executor, in the order in which this was called."""
        executor = self._node.executor
        assert executor is not None
        executor.create_task(function)
