"""What all pages share: the client that asks, the feed, the answers, the pictures. One event loop, many browsers."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from fastreasonseg_ros.msg import Answer

from ..errors import ReasonSegError, status_name
from ..ros.client import AsyncReasonSegClient
from ..ros.scene_feed import SceneFeed
from . import texts
from .answer_log import AnswerLog
from .live_picture import LivePictures

STALE_S = 5.0  # no twin, no picture, no answer to a standing question for so long is said on the page


@dataclass(frozen=True)
class ViewSettings:
    """Where the page is served, and what it shows. timeout_s: how long a question is waited for."""

    host: str = "127.0.0.1"
    port: int = 8080
    namespace: str = ""
    color_transport: str = "raw"
    timeout_s: float = 60.0


class Viewer:
    """Made in the running event loop of the pages; raises ConfigError for settings that cannot be."""

    def __init__(self, settings: ViewSettings) -> None:
        self.settings = settings
        self.client = AsyncReasonSegClient(settings.namespace, f"view_{os.getpid()}")
        self.log, self.pictures = AnswerLog(), LivePictures()
        self.feed = SceneFeed(self.client, self.log.add, settings.color_transport)

    async def close(self) -> None:
        await self.client.close()

    def look(self, viewer: str) -> None:
        """A browser shows its page."""
        self.feed.look(viewer)

    def look_away(self, viewer: str) -> None:
        """A browser went away, or shows another tab."""
        self.feed.look_away(viewer)
        self.pictures.clear()

    def problems(self) -> list[str]:
        """What keeps the page from being live, and what to do about it; as a rule nothing."""
        feed, now = self.feed, time.monotonic()
        waited_s = now - feed.looked_at_s
        found = []
        if not feed.reasoning_is_there():
            found.append(f"No reasoning_node is up: {self._where()}")
        if feed.twin is None or feed.twin_came_s is None:
            if waited_s > STALE_S:
                found.append(f"No twin has come: is twin_node up and active? {self._where()}")
        elif now - feed.twin_came_s > STALE_S:
            age = texts.seconds(now - feed.twin_came_s)
            found.append(f"The twin is stale: the last one came {age} ago. Are camera and twin_node still up?")
        elif feed.twin.status != Answer.OK:
            found.append(f"The picture cannot be used ({status_name(feed.twin.status)}): {feed.twin.message}")
        elif feed.twin.message:
            found.append(feed.twin.message)
        if feed.picture_came_s is None:
            if waited_s > STALE_S:
                found.append(f"No picture has come on {feed.picture_topic}: is a camera up, and is that its topic?")
        elif now - feed.picture_came_s > STALE_S:
            age = texts.seconds(now - feed.picture_came_s)
            found.append(f"The last picture came {age} ago on {feed.picture_topic}.")
        return found

    def _where(self) -> str:
        domain = os.environ.get("ROS_DOMAIN_ID", "0")
        return f"are the nodes running in the namespace {self.feed.namespace}, on ROS_DOMAIN_ID {domain}?"

    def unreached(self, text: str, error: Exception) -> Answer:
        """An answer that says why none came; it is shown like any other."""
        status = error.status if isinstance(error, ReasonSegError) else Answer.NOT_READY
        if isinstance(error, TimeoutError) and self.feed.reasoning_is_there():
            status = Answer.TIMED_OUT
        return Answer(text=text, status=int(status), message=str(error))

    def missing(self, text: str) -> Answer | None:
        """An answer that says so where nobody can be asked."""
        if self.feed.reasoning_is_there():
            return None
        return Answer(text=text, status=Answer.NOT_READY, message=f"No reasoning_node is up: {self._where()}")
