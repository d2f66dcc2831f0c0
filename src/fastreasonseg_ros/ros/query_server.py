"""The services query, watch and unwatch and the action reason: each awaits the reasoner and publishes its answer.

Callbacks are `async def`: they run in the node's one executor thread and hold none while the question is answered in
the event loop of the questions.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from std_msgs.msg import Header

from fastreasonseg_ros.action import ReasonSegment
from fastreasonseg_ros.msg import Answer as AnswerMsg
from fastreasonseg_ros.msg import SceneGraph
from fastreasonseg_ros.srv import QueryScene, Unwatch, Watch

from ..errors import Status, TwinError
from ..serving.open_vocabulary_retry import Observation, Progress
from ..serving.reasoner import Reasoner
from ..serving.standing_questions import StandingFile
from ..twin.types import Answer, DigitalTwin
from .conversions import answer_to_msg, twin_from_msg
from .diagnostics import OK, WARN, Health, Meter
from .executors import EventLoopThread, result_of
from .lifecycle import ManagedNode
from .qos import services
from .settings import ReasoningSettings

T = TypeVar("T")
RESULT_KEPT_S = 30  # of a goal, for a client that asks late
# What the asker did is counted by its status; it says nothing about the node's health.
NO_ERROR = (Status.OK, Status.NO_MATCH, Status.CANCELLED, Status.BAD_QUESTION)
ENDED = "the standing question was ended by unwatch"


def observation_from_msg(msg: SceneGraph) -> Observation:
    """What questions are asked of: the twin without its id image, which plans do not need.

    Raises TwinError for a status or a twin that cannot be.
    """
    try:
        status = Status(msg.status)
    except ValueError as error:
        known = ", ".join(f"{s.value} ({s.name})" for s in Status)
        raise TwinError("SceneGraph", "status", f"must be one of {known}, got {msg.status}") from error
    twin = twin_from_msg(msg, with_ids=False) if status is Status.OK else DigitalTwin(sequence=msg.sequence)
    return Observation(twin, status, msg.message, msg.header, msg.open_vocabulary)


class QueryServer:
    """There in every state of the node: one that cannot answer says why. Every answer goes to the topic answer, too."""

    def __init__(
        self, node: ManagedNode[ReasoningSettings], loop: EventLoopThread, reasoner: Reasoner, publisher: Any
    ) -> None:
        self._node, self._loop, self._reasoner, self._publisher = node, loop, reasoner, publisher
        self._standing_meter = Meter()  # counted apart: there is one answer for every twin
        self._file = StandingFile(node.get_fully_qualified_name())
        self._tasks: dict[bytes, asyncio.Task[Any]] = {}  # of goals
        group = ReentrantCallbackGroup()  # callbacks of a MutuallyExclusive one would await each other
        node.create_service(QueryScene, "query", self._query, qos_profile=services(), callback_group=group)
        node.create_service(Watch, "watch", self._watch, qos_profile=services(), callback_group=group)
        node.create_service(Unwatch, "unwatch", self._unwatch, qos_profile=services(), callback_group=group)
        self._action = ActionServer(
            node,
            ReasonSegment,
            "reason",
            self._execute,
            callback_group=group,
            goal_callback=lambda _: GoalResponse.ACCEPT,
            cancel_callback=self._cancel,
            result_timeout=RESULT_KEPT_S,
            result_service_qos_profile=services(),
        )

    def close(self) -> None:
        self._action.destroy()

    async def _query(self, request: QueryScene.Request, response: QueryScene.Response) -> QueryScene.Response:
        timeout_s = request.timeout.sec + request.timeout.nanosec * 1e-9 or self._node.settings.query_timeout_s
        response.answer = await self._in_loop(self._ask(request.text, request.query_id, timeout_s))
        return response

    async def _watch(self, request: Watch.Request, response: Watch.Response) -> Watch.Response:
        timeout_s = self._node.settings.query_timeout_s
        response.answer = await self._in_loop(self._ask(request.text, request.query_id, timeout_s, standing=True))
        return response

    async def _unwatch(self, request: Unwatch.Request, response: Unwatch.Response) -> Unwatch.Response:
        return await self._in_loop(self._end_standing(request.query_id, response))

    async def _execute(self, goal: Any) -> ReasonSegment.Result:
        def progress(stage: str, text: str) -> None:
            goal.publish_feedback(ReasonSegment.Feedback(stage=stage, text=text))

        answer = await self._in_loop(self._goal(goal, progress))
        progress("done", answer.reason)
        if answer.status == AnswerMsg.CANCELLED:
            goal.canceled()
        else:
            goal.succeed()  # also with a status that is not OK: the answer says what happened
        return ReasonSegment.Result(answer=answer)

    def _cancel(self, goal: Any) -> CancelResponse:
        self._loop.post(self._cancel_task, bytes(goal.goal_id.uuid))
        return CancelResponse.ACCEPT

    async def _in_loop(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return await result_of(self._loop.submit(coroutine), self._node)

    # From here on everything runs in the event loop.

    async def _ask(
        self, text: str, query_id: str, timeout_s: float, progress: Progress | None = None, standing: bool = False
    ) -> AnswerMsg:
        answer, observation = await self._reasoner.ask(text, query_id, timeout_s, progress, standing)
        msg = self.publish(answer, observation, standing and answer.query.id in self._reasoner.standing)
        if standing:
            self.write_standing()
        return msg

    async def _goal(self, goal: Any, progress: Progress) -> AnswerMsg:
        key, task = bytes(goal.goal_id.uuid), asyncio.current_task()
        assert task is not None
        self._tasks[key] = task
        if goal.is_cancel_requested:
            task.cancel()
        try:
            timeout_s = self._node.settings.query_timeout_s
            return await self._ask(goal.request.text, goal.request.query_id, timeout_s, progress)
        finally:
            del self._tasks[key]

    def _cancel_task(self, key: bytes) -> None:
        if (task := self._tasks.get(key)) is not None:
            task.cancel()

    async def _end_standing(self, query_id: str, response: Unwatch.Response) -> Unwatch.Response:
        standing = self._reasoner.standing
        ended = [s for i in ([query_id] if query_id else standing) if (s := standing.pop(i)) is not None]
        self.write_standing()
        for stands in ended:  # for mask_node and whoever else shows its answers
            self.publish(Answer(stands.query, Status.CANCELLED, ENDED), None)
        response.stopped = [stands.query.id for stands in ended]
        response.message = f"{len(ended)} standing questions stopped"
        if query_id and not ended:
            response.status = int(Status.BAD_INPUT)
            known = ", ".join(standing) or "none"
            response.message = f"no standing question has the id {query_id[:200]!r}; there are: {known}"
        return response

    def publish(self, answer: Answer, observation: Observation | None, standing: bool = False) -> AnswerMsg:
        """The message, with the header of the twin that the answer speaks of; published and counted."""
        header = observation.header if observation is not None else None
        twin = observation.twin if observation is not None and observation.status is Status.OK else None
        msg = answer_to_msg(answer, twin, header or Header(stamp=self._node.get_clock().now().to_msg()))
        msg.standing = standing
        self._publisher.publish(msg)
        meter = self._standing_meter if standing else self._node.meter
        meter.done(answer.latency_ms)
        meter.count(f"status {answer.status.name}")
        if answer.status not in NO_ERROR:
            meter.error(answer.status.name.lower(), answer.message)
        return msg

    def answer_standing(self, observation: Observation) -> None:
        """Publishes the answers to all standing questions about one twin."""
        for answer in self._reasoner.update(observation):
            self.publish(answer, observation, standing=True)

    def restore_standing(self) -> int:
        """Lets stand again what stood when the process was killed, unless something stands; how many."""
        queries = () if len(self._reasoner.standing) else self._file.read()
        self._reasoner.restore(queries)
        return len(queries)

    def write_standing(self) -> None:
        """A question that is not in the file stands all the same, until the process ends."""
        try:
            self._file.write(self._reasoner.standing.queries)
        except OSError as error:
            self._node.meter.error("standing file", f"standing questions are not kept: {error}")

    # For diagnostics, in any thread.

    def health(self, model: str, dropped: int) -> list[tuple[str, Health]]:
        """model: its name. dropped: twins that standing questions passed over."""
        reasoner, error = self._reasoner, self._node.meter.recent_error()
        stale = reasoner.age_s > reasoner.stale_after_s
        message = error or ("no twin comes" if stale else f"{reasoner.waiting} questions wait")
        values = {"twin age (s)": f"{reasoner.age_s:.2f}", "model": model, **self._node.meter.values()}
        count = len(reasoner.standing)
        followed = {"standing": str(count), "dropped": str(dropped), **self._standing_meter.values()}
        return [
            ("questions", Health(WARN if stale or error else OK, message, values, model)),
            ("standing questions", Health(OK, f"{count} stand", followed, "none")),
        ]
