"""reasoning_node: questions in, answers out: service, action, and standing questions that run at the rate of twins."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup

from fastreasonseg_ros.action import ReasonSegment
from fastreasonseg_ros.msg import Answer, SceneGraph
from fastreasonseg_ros.srv import QueryScene, Unwatch, Watch

from ..errors import Status
from ..twin.types import DigitalTwin
from .answers import Answers, Remembered
from .conversions import twin_from_msg
from .diagnostics import Health
from .looking import Looking, Seen
from .models import LateModel, Models, late_models, load_models
from .node import ManagedNode, run
from .qos import latched, reliable, services
from .reasoner import Reasoner
from .settings import ReasoningSettings
from .word_link import WordLink
from .worker import NewestWorker

RESULT_KEPT_S = 30  # of a goal, for a client that asks late; each holds a mask


class ReasoningNode(ManagedNode[ReasoningSettings]):
    """Subscribes to twin; serves query, watch, unwatch and the action reason; publishes answer.

    Services and action are there in every state: a node that cannot answer says why.
    """

    def __init__(self) -> None:
        super().__init__("reasoning_node", ReasoningSettings)
        self._models: Models | None = None
        self._broken = False  # the model could not be loaded after all, while old plans were answering
        self._action: ActionServer | None = None
        self._standing: NewestWorker | None = None
        self._reasoner = Reasoner(self.settings.stale_after_s, self._seconds)
        self._remembered = Remembered(self.get_fully_qualified_name(), self.meter)
        self._idle("configure")
        self._answers = Answers(self, self.publisher(Answer, "answer", reliable(64)), self.meter)
        # A question that takes long holds up neither twins, nor parameters, nor `unwatch`.
        many = ReentrantCallbackGroup()
        self._words = WordLink(self, many)
        self._reasoner.looking = Looking(self._words, self.settings.look_timeout_s)
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
        self._reasoner.without(None)  # questions wait for what is loading
        wanted = () if self._broken else self._remembered.models(self._reasoner)
        self._models = late_models(self.settings, wanted, self._load_failed) or load_models(self.settings)
        self._broken = False
        self._idle("activate")

    def start(self) -> None:
        assert self._models is not None
        if count := self._remembered.restore(self._reasoner, self._models):
            self.get_logger().info(f"{count} standing questions of a process that was killed stand again")
        self._reasoner.use(*self._models)
        self._standing = NewestWorker(self._update, self._failed, "standing")
        self.listen(SceneGraph, "twin", self._twin_came, latched(), MutuallyExclusiveCallbackGroup())
        late = isinstance(self._models[0], LateModel)
        self.get_logger().info(f"{self._models[0].name} {'still loads, new questions wait' if late else 'is ready'}")

    def stop(self) -> None:
        self._idle("activate", wait=False)
        self._reasoner.see(None)
        if self._standing is not None:
            self._standing.close()
        self._standing = None

    def free(self) -> None:
        self._reasoner.standing.clear()
        if self._models is not None and not self._broken:  # else what is kept must outlast what failed
            self._remembered.write(self._reasoner)
        self._models = None
        self._idle("configure", wait=False)

    def _load_failed(self, error: Exception) -> None:
        self._broken = True  # the next configure waits for the model, and fails with the reason
        self.fall_back(error)

    def failed(self, status: Status, reason: str) -> None:
        self._reasoner.without((status, reason))

    def ended(self) -> None:
        self._reasoner.close()
        if self._action is not None:
            self._action.destroy()

    def settings_changed(self, settings: ReasoningSettings) -> None:
        self._reasoner.stale_after_s = settings.stale_after_s
        self._reasoner.looking = Looking(self._words, settings.look_timeout_s)

    def clock_jumped(self, reason: str) -> None:
        self.get_logger().warning(f"{reason}: the last twin is forgotten")
        self._reasoner.see(None)

    def _idle(self, step: str, wait: bool = True) -> None:
        """What questions are told until the next step; while the node brings itself up they wait."""
        if self.problem and not wait:
            return  # what failed was told, and is the reason
        command = f"ros2 lifecycle set {self.get_fully_qualified_name()} {step}"
        reason = Status.NOT_READY, f"reasoning_node is not active; next: {command}"
        self._reasoner.without(None if wait and self.settings.autostart else reason)

    def _seconds(self) -> float:
        clock: Any = self.get_clock()
        return clock.now().nanoseconds * 1e-9 if clock.ros_time_is_active else time.monotonic()

    def _twin_came(self, msg: SceneGraph) -> None:
        status, standing = Status(msg.status), self._standing
        twin = twin_from_msg(msg) if status is Status.OK else DigitalTwin(sequence=msg.sequence)
        seen = Seen(twin, status, msg.message, msg.header, msg.open_vocabulary)
        self._words.heard(msg.sequence, self._reasoner.standing_words)
        self._reasoner.see(seen)
        if self._reasoner.standing and standing is not None:
            standing.offer(seen)

    def _query(self, request: QueryScene.Request, response: QueryScene.Response) -> QueryScene.Response:
        timeout_s = request.timeout if request.timeout > 0 else self.settings.query_timeout_s
        response.answer = self._answers.publish(*self._reasoner.ask(request.text, request.query_id, timeout_s))
        return response

    def _watch(self, request: Watch.Request, response: Watch.Response) -> Watch.Response:
        answer, seen = self._reasoner.ask(request.text, request.query_id, self.settings.query_timeout_s, standing=True)
        response.answer = self._answers.publish(answer, seen, standing=answer.query.id in self._reasoner.standing)
        self._remembered.write(self._reasoner)
        return response

    def _unwatch(self, request: Unwatch.Request, response: Unwatch.Response) -> Unwatch.Response:
        wanted = [request.query_id] if request.query_id else list(self._reasoner.standing)
        response.stopped = [i for i in wanted if self._reasoner.standing.pop(i, None)]
        self._remembered.write(self._reasoner)
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
        return ReasonSegment.Result(answer=self._answers.publish(answer, seen))

    def _update(self, seen: Seen) -> None:
        for answer in self._reasoner.update(seen):
            self._answers.publish(answer, seen, standing=True)
        self._remembered.write(self._reasoner)

    def _failed(self, error: Exception) -> None:
        self.get_logger().error(f"standing question: {type(error).__name__}: {error}", throttle_duration_sec=5.0)

    def health(self) -> list[tuple[str, Health]]:
        standing, models = self._standing, self._models
        if standing is None or models is None:
            return []
        return self._answers.health(self._reasoner, models[0].name, self.settings.stale_after_s, standing.dropped)


def main(argv: Sequence[str] | None = None) -> int:
    return run([ReasoningNode], argv)


if __name__ == "__main__":
    raise SystemExit(main())
