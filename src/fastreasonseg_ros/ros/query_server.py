"""The services query, watch and unwatch and the action reason: each hands its question to the reasoner."""

from __future__ import annotations

from typing import Any

from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import CallbackGroup, MutuallyExclusiveCallbackGroup

from fastreasonseg_ros.action import ReasonSegment
from fastreasonseg_ros.srv import QueryScene, Unwatch, Watch

from ..errors import Status
from .answers import Answers, Remembered
from .node import ManagedNode
from .qos import services
from .reasoner import Reasoner
from .settings import ReasoningSettings

RESULT_KEPT_S = 30  # of a goal, for a client that asks late; each holds a mask


class QuestionServices:
    """There in every state of the node: one that cannot answer says why.

    many: a reentrant group. A question that takes long holds up neither twins, nor parameters, nor `unwatch`.
    """

    def __init__(
        self,
        node: ManagedNode[ReasoningSettings],
        reasoner: Reasoner,
        answers: Answers,
        remembered: Remembered,
        many: CallbackGroup,
    ) -> None:
        self._node, self._reasoner, self._answers, self._remembered = node, reasoner, answers, remembered
        node.create_service(Unwatch, "unwatch", self._unwatch, callback_group=MutuallyExclusiveCallbackGroup())
        node.create_service(QueryScene, "query", self._query, qos_profile=services(), callback_group=many)
        node.create_service(Watch, "watch", self._watch, qos_profile=services(), callback_group=many)
        self._action = ActionServer(
            node,
            ReasonSegment,
            "reason",
            self._execute,
            callback_group=many,
            goal_callback=lambda _: GoalResponse.ACCEPT,
            cancel_callback=lambda _: CancelResponse.ACCEPT,
            result_timeout=RESULT_KEPT_S,
            result_service_qos_profile=services(),
        )

    def close(self) -> None:
        self._action.destroy()

    def _query(self, request: QueryScene.Request, response: QueryScene.Response) -> QueryScene.Response:
        timeout_s = request.timeout if request.timeout > 0 else self._node.settings.query_timeout_s
        response.answer = self._answers.publish(*self._reasoner.ask(request.text, request.query_id, timeout_s))
        return response

    def _watch(self, request: Watch.Request, response: Watch.Response) -> Watch.Response:
        answer, seen = self._reasoner.ask(
            request.text, request.query_id, self._node.settings.query_timeout_s, standing=True
        )
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
            self._node.settings.query_timeout_s,
            progress,
            lambda: goal.is_cancel_requested,
        )
        progress("done", answer.reason)
        if answer.status is Status.CANCELLED:
            goal.canceled()
        else:
            goal.succeed()  # also with a status that is not OK: the answer says what happened
        return ReasonSegment.Result(answer=self._answers.publish(answer, seen))
