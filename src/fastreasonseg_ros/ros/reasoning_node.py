"""reasoning_node: questions in, answers out: service, action, and standing questions that run at the rate of twins."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any

from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
from std_msgs.msg import Header

from fastreasonseg_ros.action import ReasonSegment
from fastreasonseg_ros.msg import Answer as AnswerMsg
from fastreasonseg_ros.msg import SceneGraph
from fastreasonseg_ros.srv import QueryScene, Unwatch, Watch

from ..errors import Status
from ..reasoning import make_language_model, make_word_meaning
from ..twin.types import Answer, DigitalTwin
from .conversions import answer_to_msg, twin_from_msg
from .diagnostics import OK, WARN, Health
from .meter import Meter
from .node import ManagedNode, run
from .qos import latched, reliable, services
from .reasoner import Reasoner, Seen
from .settings import ReasoningSettings
from .standing_file import StandingFile
from .worker import NewestWorker

RESULT_KEPT_S = 30  # of a goal, for a client that asks late; each holds a mask


class ReasoningNode(ManagedNode[ReasoningSettings]):
    """Subscribes to twin; serves query, watch, unwatch and the action reason; publishes answer.

    Services and action are there in every state: a node that cannot answer says why.
    """

    def __init__(self) -> None:
        super().__init__("reasoning_node", ReasoningSettings)
        self._models: tuple[Any, Any] | None = None
        self._action: ActionServer | None = None
        self._standing: NewestWorker | None = None
        self._followed = Meter()
        self._reasoner = Reasoner(self.settings.stale_after_s, self._seconds)
        self._writing = Lock()
        self._file = StandingFile(self.get_fully_qualified_name())
        self._idle("configure")
        self._answers = self.publisher(AnswerMsg, "answer", reliable(64))
        # A question that takes long holds up neither twins, nor parameters, nor `unwatch`.
        many = ReentrantCallbackGroup()
        self.create_service(Unwatch, "unwatch", self._unwatch, callback_group=MutuallyExclusiveCallbackGroup())
        self.create_service(QueryScene, "query", self._query, qos_profile=services(), callback_group=many)
        self.create_service(Watch, "watch", self._watch, qos_profile=services(), callback_group=many)
        self._action = ActionServer(
            self,
            ReasonSegment,
            "reason",
            self._execute,
            callback_group=many,
            goal_callback=lambda _: GoalResponse.ACCEPT,
            cancel_callback=lambda _: CancelResponse.ACCEPT,
            result_timeout=RESULT_KEPT_S,
            result_service_qos_profile=services(),
        )

    def setup(self) -> None:
        s = self.settings
        self._reasoner.without(None)  # questions wait for what is loading
        beside = ThreadPoolExecutor(1)  # a node that was killed is back a second earlier
        try:
            meaning = beside.submit(make_word_meaning)
            model = make_language_model(s.language_model, s.language_model_config or None, s.language_model_overrides)
            self._models = model, meaning.result()
        finally:
            beside.shutdown(wait=False)  # where the model is missing, nobody waits to be told
        self._idle("activate")

    def start(self) -> None:
        assert self._models is not None
        self._standing = NewestWorker(self._update, self._failed, "standing")
        self.listen(SceneGraph, "twin", self._twin_came, latched(), MutuallyExclusiveCallbackGroup())
        self._reasoner.use(*self._models)
        if not self._reasoner.standing and (kept := self._file.read()):
            self._reasoner.restore(kept)
            self.get_logger().info(f"{len(kept)} standing questions of a process that was killed stand again")
        self.get_logger().info(f"{self._models[0].name} is ready")

    def stop(self) -> None:
        self._idle("activate", wait=False)
        self._reasoner.see(None)
        if self._standing is not None:
            self._standing.close()
        self._standing = None

    def free(self) -> None:
        self._reasoner.standing.clear()
        if self._models is not None:  # else configure failed, and what is kept must outlast that
            self._remember()
        self._models = None
        self._idle("configure", wait=False)

    def failed(self, status: Status, reason: str) -> None:
        self._reasoner.without((status, reason))

    def ended(self) -> None:
        self._reasoner.close()
        if self._action is not None:
            self._action.destroy()

    def settings_changed(self, settings: ReasoningSettings) -> None:
        self._reasoner.stale_after_s = settings.stale_after_s

    def clock_jumped(self, reason: str) -> None:
        self.get_logger().warning(f"{reason}: the last twin is forgotten")
        self._reasoner.see(None)

    def _idle(self, step: str, wait: bool = True) -> None:
        """What questions are told until the next step; while the node brings itself up they wait."""
        command = f"ros2 lifecycle set {self.get_fully_qualified_name()} {step}"
        reason = Status.NOT_READY, f"reasoning_node is not active; next: {command}"
        self._reasoner.without(None if wait and self.settings.autostart else reason)

    def _seconds(self) -> float:
        clock: Any = self.get_clock()
        return clock.now().nanoseconds * 1e-9 if clock.ros_time_is_active else time.monotonic()

    def _twin_came(self, msg: SceneGraph) -> None:
        status, standing = Status(msg.status), self._standing
        twin = twin_from_msg(msg) if status is Status.OK else DigitalTwin(sequence=msg.sequence)
        seen = Seen(twin, status, msg.message, msg.header)
        self._reasoner.see(seen)
        if self._reasoner.standing and standing is not None:
            standing.offer(seen)

    def _query(self, request: QueryScene.Request, response: QueryScene.Response) -> QueryScene.Response:
        timeout_s = request.timeout if request.timeout > 0 else self.settings.query_timeout_s
        response.answer = self._publish(*self._reasoner.ask(request.text, request.query_id, timeout_s))
        return response

    def _watch(self, request: Watch.Request, response: Watch.Response) -> Watch.Response:
        answer, seen = self._reasoner.ask(request.text, request.query_id, self.settings.query_timeout_s, standing=True)
        response.answer = self._publish(answer, seen, standing=answer.query.id in self._reasoner.standing)
        self._remember()
        return response

    def _unwatch(self, request: Unwatch.Request, response: Unwatch.Response) -> Unwatch.Response:
        wanted = [request.query_id] if request.query_id else list(self._reasoner.standing)
        response.stopped = [i for i in wanted if self._reasoner.standing.pop(i, None)]
        self._remember()
        if request.query_id and not response.stopped:
            known = ", ".join(self._reasoner.standing) or "none"
            response.status = int(Status.BAD_INPUT)
            response.message = f"no standing question has the id {request.query_id!r}; there are: {known}"
        else:
            response.message = f"{len(response.stopped)} standing questions stopped"
        return response

    def _execute(self, goal: Any) -> ReasonSegment.Result:
        def progress(stage: str, text: str) -> None:
            goal.publish_feedback(ReasonSegment.Feedback(stage=stage, text=text))

        answer, seen = self._reasoner.ask(
            goal.request.text,
            goal.request.query_id,
            self.settings.query_timeout_s,
            progress,
            lambda: goal.is_cancel_requested,
        )
        progress("done", answer.reason)
        if answer.status is Status.CANCELLED:
            goal.canceled()
        else:
            goal.succeed()  # also with a status that is not OK: the answer says what happened
        return ReasonSegment.Result(answer=self._publish(answer, seen))

    def _update(self, seen: Seen) -> None:
        for answer in self._reasoner.update(seen):
            self._publish(answer, seen, standing=True)
        self._remember()

    def _remember(self) -> None:
        """A question that is not on disk stands all the same, until the process ends."""
        try:
            with self._writing:
                self._file.write(self._reasoner.kept())
        except OSError as error:
            self.meter.error("standing file", f"standing questions are not kept: {error}")

    def _publish(self, answer: Answer, seen: Seen | None, standing: bool = False) -> AnswerMsg:
        header = seen.meta if seen and seen.meta else Header(stamp=self.get_clock().now().to_msg())
        good = seen is not None and seen.status is Status.OK
        msg = answer_to_msg(answer, seen.twin if seen and good else None, header)
        msg.standing = standing
        self._answers.publish(msg)
        meter = self._followed if standing else self.meter
        meter.done(answer.latency_ms)
        meter.count(f"status {answer.status.name}")
        # What the asker did is counted by its status above; it says nothing about the node's health.
        if answer.status not in (Status.OK, Status.NO_MATCH, Status.CANCELLED, Status.BAD_QUESTION):
            meter.error(answer.status.name.lower(), answer.message)
        return msg

    def _failed(self, error: Exception) -> None:
        self.get_logger().error(f"standing question: {type(error).__name__}: {error}", throttle_duration_sec=5.0)

    def health(self) -> list[tuple[str, Health]]:
        standing, models, r = self._standing, self._models, self._reasoner
        if standing is None or models is None:
            return []
        stale = r.age_s > self.settings.stale_after_s
        twin = {"twin age (s)": f"{r.age_s:.2f}", "model": models[0].name}
        level = WARN if stale or self.meter.recent_error() else OK
        message = self.meter.recent_error() or ("no twin comes" if stale else f"{r.waiting} questions wait")
        followed = {"standing": str(len(r.standing)), "dropped": str(standing.dropped), **self._followed.values()}
        return [
            ("questions", Health(level, message, {**twin, **self.meter.values()}, models[0].name)),
            ("standing questions", Health(OK, f"{len(r.standing)} stand", followed, "none")),
        ]


def main(argv: Sequence[str] | None = None) -> int:
    return run([ReasoningNode], argv)


if __name__ == "__main__":
    raise SystemExit(main())
