"""One robot as the tools see it: questions by the asynchronous client, the newest twin and its picture on demand.

Twins and pictures are subscribed to only while a tool waits for them: an agent that says nothing for hours costs the
robot and its network nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from fastreasonseg_ros.msg import Answer, SceneGraph

from ..errors import ConfigError, ReasonSegError, Status
from ..ros import transforms
from ..ros.client import AsyncReasonSegClient, UnreachableError
from ..ros.rgbd_subscriber import ImageSubscription, image_topic
from ..ros.rgbd_synchronizer import COLOR
from ..ros.stamped_buffer import StampedBuffer
from .sensor_text import shown

T = TypeVar("T")
REMEMBERED = 64  # answers that `where` and `picture` may speak of
COMES_S = 10.0  # a topic that is there brings its first message sooner
CLOSE_S = 1.5  # for standing questions to be ended; who started the server may kill it after 2 s
TF_S = 1.0


class SceneError(ReasonSegError):
    """There is no scene to speak of now: perception stands still, or cannot use its pictures."""

    def __init__(self, status: Status, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class RobotSettings:
    """stale_after_s: perception that gives no twin for so long is said to stand still. color_topic: of the pictures
    that the twin is made from, relative to the namespace; color_transport: raw or compressed.
    """

    stale_after_s: float = 5.0
    color_topic: str = COLOR
    color_transport: str = "raw"


@dataclass(frozen=True)
class Followed:
    """An answer to a standing question. t_s: seconds after the first one."""

    t_s: float
    answer: Answer


class Robot:
    """name: by which an agent names it; namespace: of its nodes. Raises UnreachableError where a node is not there."""

    def __init__(self, name: str, namespace: str, settings: RobotSettings) -> None:
        self.name, self.settings = name, settings
        self.client = AsyncReasonSegClient(namespace, "reasonseg_mcp")
        self._answers: OrderedDict[str, Answer] = OrderedDict()
        self._transforms = transforms.TransformLookup(self.client.node, needed=False)
        self._apart: set[asyncio.Task[Any]] = set()
        self._closing: asyncio.Task[None] | None = None

    async def ask(self, question: str, timeout_s: float, on_stage: Callable[[str], None]) -> Answer:
        """on_stage: called with waiting, thinking, looking, done. Cancelling the task stops the model."""
        return self._remember(await self.client.reason(question, lambda stage, _: on_stage(stage), timeout_s))

    async def follow(
        self, question: str, seconds: float, most: int, interval_s: float, on_answer: Callable[[int], None]
    ) -> list[Followed]:
        """Answers to a standing question, the first and then one every interval_s, until `seconds` or `most` are over.

        The question is ended then, also where the task is cancelled.
        """
        followed: list[Followed] = []
        await self._run_apart(self._follow(question, seconds, most, interval_s, followed, on_answer))
        return followed

    async def twin(self) -> SceneGraph:
        """A twin that was made after the call. Raises SceneError where perception stands still, UnreachableError."""
        with self._listening() as (twins, _):
            topic = self.client.node.resolve_topic_name("twin")
            try:
                await asyncio.wait_for(twins.get(), COMES_S)
            except TimeoutError:
                raise UnreachableError(
                    f"no twin came on {topic} within {COMES_S:.0f} s: are camera and twin_node running, in this "
                    "namespace, on this ROS_DOMAIN_ID?"
                ) from None
            # The topic is latched: the first one may have been published at any time before.
            try:
                newest = await asyncio.wait_for(twins.get(), self.settings.stale_after_s)
            except TimeoutError:
                raise self._stale(topic) from None
        if newest.status != Answer.OK:
            raise SceneError(_status(newest.status), newest.message or "the camera's pictures cannot be used")
        return newest

    async def picture(self) -> tuple[Any, SceneGraph]:
        """A colour picture that came after the call (Image or CompressedImage), and the twin that was made from it."""
        seen, patience_s = 0, COMES_S + self.settings.stale_after_s
        with self._listening(pictures=True) as (twins, pictures):
            try:
                async with asyncio.timeout(patience_s):
                    while True:
                        twin, seen = await twins.get(), seen + 1
                        if twin.status == Answer.OK and (picture := pictures.at(twin.header)) is not None:
                            return picture, twin
                        if twin.status != Answer.OK and pictures.newest is not None:
                            raise SceneError(_status(twin.status), twin.message)
            except TimeoutError:
                pass
            topic = self.client.node.resolve_topic_name(self._image_topic[1])
            if pictures.newest is None:
                raise UnreachableError(
                    f"no picture came on {topic}: does the camera run? Where its topic has another name, start the "
                    "server with --color-topic (and --color-transport compressed)"
                )
        if seen < 2:
            raise self._stale(self.client.node.resolve_topic_name("twin"))
        raise SceneError(Status.NOT_READY, f"no twin was made from the pictures on {topic}: is it twin_node's camera?")

    def answer(self, answer_id: str) -> Answer:
        """One of the last answers. Raises ConfigError naming those that there are."""
        if (answer := self._answers.get(answer_id)) is None:
            known = ", ".join(shown(k, 32) for k in self._answers) or "none yet"  # a node chose them
            raise ConfigError(f"no answer has the id {shown(answer_id, 32)!r}; there are: {known}. Call ask first")
        return answer

    async def transform(self, twin: SceneGraph, frame: str) -> transforms.Transform:
        """Of the twin's points to that frame, at its stamp. Raises FrameLookupError; ConfigError without tf2."""
        try:
            return await asyncio.to_thread(self._transforms.transform, twin.header, frame, TF_S)
        except ConfigError:
            raise ConfigError(
                "another frame needs tf2_ros, which is not installed where this server runs: install "
                "ros-DISTRO-tf2-ros-py, or leave `frame` out for the camera's own frame"
            ) from None

    async def close(self) -> None:
        """Ends what is followed. May be called again, as by a signal while it runs."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        for task in self._apart:
            if not task.cancelling():
                task.cancel()
        if self._apart:
            await asyncio.wait(self._apart, timeout=CLOSE_S)
        self._transforms.close()
        await self.client.close()

    @property
    def _image_topic(self) -> tuple[type, str]:
        return image_topic(self.settings.color_topic, self.settings.color_transport)

    def _stale(self, topic: str) -> SceneError:
        return SceneError(
            Status.STALE,
            f"no new twin came on {topic} within {self.settings.stale_after_s:g} s: perception stands still, and "
            "things may have moved since. Look at the camera and at twin_node (/diagnostics), then call again",
        )

    def _remember(self, answer: Answer) -> Answer:
        self._answers.pop(answer.query_id, None)
        self._answers[answer.query_id] = answer
        while len(self._answers) > REMEMBERED:
            self._answers.popitem(last=False)
        return answer

    async def _follow(
        self, question: str, seconds: float, most: int, interval_s: float, followed: list[Followed],
        on_answer: Callable[[int], None],
    ) -> None:  # fmt: skip
        loop = asyncio.get_running_loop()
        async with contextlib.aclosing(self.client.follow(question)) as answers:
            watching = asyncio.ensure_future(anext(answers))
            try:
                first = await asyncio.shield(watching)
            except asyncio.CancelledError:
                # The question may stand before the reply is here that says so: only then can it be ended.
                await asyncio.wait([watching])
                raise
            start = last = loop.time()
            followed.append(Followed(0.0, self._remember(first)))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(start + seconds):
                    while first.standing and len(followed) < most:
                        on_answer(len(followed))
                        answer = await anext(answers)
                        if loop.time() - last >= interval_s:
                            last = loop.time()
                            followed.append(Followed(last - start, self._remember(answer)))

    async def _run_apart(self, work: Coroutine[Any, Any, T]) -> T:
        """In a task of its own, which `close` ends, and waits for: a request to end a question that is sent just before
        DDS is shut down may be lost. A cancelled call could not wait, since it is cancelled again at each `await`.
        """
        task = asyncio.create_task(work)
        self._apart.add(task)
        task.add_done_callback(self._apart.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.cancel()
            task.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody waits for it any more
            raise

    @contextlib.contextmanager
    def _listening(self, pictures: bool = False) -> Iterator[tuple[asyncio.Queue[SceneGraph], StampedBuffer[Any]]]:
        """The twins that come from now on, the last one before at once; and the newest pictures."""
        loop, twins, buffer = asyncio.get_running_loop(), asyncio.Queue[SceneGraph](), StampedBuffer[Any]()
        images = None
        if pictures:
            kind, topic = self._image_topic
            images = ImageSubscription(self.client.node, kind, topic, buffer.add)

        def twin_came(twin: SceneGraph) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(twins.put_nowait, twin)

        subscription = self.client.on_twin(twin_came)
        try:
            yield twins, buffer
        finally:
            self.client.node.destroy_subscription(subscription)
            if images is not None:
                images.close()


def _status(number: int) -> Status:
    """NOT_READY for a number that is none."""
    try:
        return Status(number)
    except ValueError:
        return Status.NOT_READY
