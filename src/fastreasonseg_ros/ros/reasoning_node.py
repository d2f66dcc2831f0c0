"""reasoning_node: questions in, answers out: service, action, and standing questions that run at the rate of twins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
from rclpy.node import Node
from std_msgs.msg import Header

from fastreasonseg_ros.action import ReasonSegment
from fastreasonseg_ros.msg import Answer as AnswerMsg
from fastreasonseg_ros.msg import SceneGraph
from fastreasonseg_ros.srv import QueryScene, Unwatch, Watch

from ..errors import ConfigError, Status
from ..reasoning import make_language_model, make_word_meaning
from ..twin.types import Answer, DigitalTwin
from .conversions import answer_to_msg, twin_from_msg
from .node import LATCHED, RELIABLE, declare, run, setting
from .reasoner import Reasoner, Seen
from .worker import NewestWorker


@dataclass(frozen=True)
class ReasoningSettings:
    language_model: str = setting("openvino", "which backend runs it: openvino")
    language_model_config: str = setting("", "YAML file with the model's settings; empty: its defaults")
    language_model_overrides: list[str] = setting([], "single settings of the model, as a.b=c")
    query_timeout_s: float = setting(30.0, "time for a question that names none")
    stale_after_s: float = setting(10.0, "an answer about an older twin has the status STALE")

    def __post_init__(self) -> None:
        if self.query_timeout_s <= 0 or self.stale_after_s <= 0:
            raise ConfigError("query_timeout_s and stale_after_s must be positive")


class ReasoningNode(Node):
    """Subscribes to twin; serves query, watch, unwatch and the action reason; publishes answer."""

    def __init__(self) -> None:
        super().__init__("reasoning_node")
        s = self.settings = declare(self, ReasoningSettings)

        def load():
            model = make_language_model(s.language_model, s.language_model_config or None, s.language_model_overrides)
            loaded = model, make_word_meaning()
            self.get_logger().info(f"{model.name} is ready")
            return loaded

        self._reasoner = Reasoner(load, s.stale_after_s, self.get_logger().error)
        self._standing = NewestWorker(self._update, self._failed, "standing")
        self._publisher = self.create_publisher(AnswerMsg, "answer", RELIABLE)
        # Each in a group of its own: a question that takes long holds up neither twins, nor parameters, nor `unwatch`.
        groups = [MutuallyExclusiveCallbackGroup() for _ in range(2)]
        self.create_subscription(SceneGraph, "twin", self._twin_came, LATCHED, callback_group=groups[0])
        self.create_service(Unwatch, "unwatch", self._unwatch, callback_group=groups[1])
        many = ReentrantCallbackGroup()
        self.create_service(QueryScene, "query", self._query, callback_group=many)
        self.create_service(Watch, "watch", self._watch, callback_group=many)
        self._action = ActionServer(
            self,
            ReasonSegment,
            "reason",
            self._execute,
            callback_group=many,
            goal_callback=lambda _: GoalResponse.ACCEPT,
            cancel_callback=lambda _: CancelResponse.ACCEPT,
        )

    def destroy_node(self) -> None:
        self._standing.close()
        self._action.destroy()
        super().destroy_node()

    def _twin_came(self, msg: SceneGraph) -> None:
        status = Status(msg.status)
        twin = twin_from_msg(msg) if status is Status.OK else DigitalTwin(sequence=msg.sequence)
        seen = Seen(twin, status, msg.message, msg.header)
        self._reasoner.see(seen)
        if self._reasoner.standing:
            self._standing.offer(seen)

    def _query(self, request: QueryScene.Request, response: QueryScene.Response) -> QueryScene.Response:
        timeout_s = request.timeout if request.timeout > 0 else self.settings.query_timeout_s
        response.answer = self._publish(*self._reasoner.ask(request.text, request.query_id, timeout_s))
        return response

    def _watch(self, request: Watch.Request, response: Watch.Response) -> Watch.Response:
        answer, seen = self._reasoner.ask(request.text, request.query_id, self.settings.query_timeout_s, standing=True)
        response.answer = self._publish(answer, seen, standing=answer.query.id in self._reasoner.standing)
        return response

    def _unwatch(self, request: Unwatch.Request, response: Unwatch.Response) -> Unwatch.Response:
        wanted = [request.query_id] if request.query_id else list(self._reasoner.standing)
        response.stopped = [i for i in wanted if self._reasoner.standing.pop(i, None)]
        if request.query_id and not response.stopped:
            known = ", ".join(self._reasoner.standing) or "none"
            response.status = int(Status.BAD_INPUT)
            response.message = f"no standing question has the id {request.query_id!r}; there are: {known}"
        else:
            response.message = f"{len(response.stopped)} standing questions stopped"
        return response

    def _execute(self, goal) -> ReasonSegment.Result:
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

    def _publish(self, answer: Answer, seen: Seen | None, standing: bool = False) -> AnswerMsg:
        header = seen.meta if seen else Header(stamp=self.get_clock().now().to_msg())
        good = seen is not None and seen.status is Status.OK
        msg = answer_to_msg(answer, seen.twin if seen and good else None, header)
        msg.standing = standing
        self._publisher.publish(msg)
        return msg

    def _failed(self, error: Exception) -> None:
        self.get_logger().error(f"standing question: {type(error).__name__}: {error}", throttle_duration_sec=5.0)


def main(argv: Sequence[str] | None = None) -> int:
    return run([ReasoningNode], argv)


if __name__ == "__main__":
    raise SystemExit(main())
