"""reasoning_node: questions in, answers out: service, action, and standing questions that run at the rate of twins."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from rclpy.callback_groups import ReentrantCallbackGroup

from fastreasonseg_ros.msg import Answer, SceneGraph

from ..errors import Status
from ..twin.types import DigitalTwin
from .answers import Answers, Remembered
from .conversions import twin_from_msg
from .diagnostics import Health
from .looking import Looking, Seen
from .models import LateModel, Models, late_models, load_models
from .node import ManagedNode
from .qos import latched, reliable
from .question_services import QuestionServices
from .reasoner import Reasoner
from .settings import ReasoningSettings
from .spinning import run
from .word_link import WordLink
from .worker import NewestWorker


class ReasoningNode(ManagedNode[ReasoningSettings]):
    """Subscribes to twin; serves query, watch, unwatch and the action reason; publishes answer.

    Services and action are there in every state: a node that cannot answer says why.
    """

    threads = 24  # a question that waits holds one; the pool makes them when they are needed

    def __init__(self) -> None:
        super().__init__("reasoning_node", ReasoningSettings)
        self._models: Models | None = None
        self._broken = False  # the model could not be loaded after all, while old plans were answering
        self._standing: NewestWorker | None = None
        self._reasoner = Reasoner(self.settings.stale_after_s, self._seconds)
        self._remembered = Remembered(self.get_fully_qualified_name(), self.meter)
        self._idle("configure")
        self._answers = Answers(self, self.publisher(Answer, "answer", reliable(64)), self.meter)
        many = ReentrantCallbackGroup()
        self._words = WordLink(self, many)
        self._reasoner.looking = Looking(self._words, self.settings.look_timeout_s)
        self._question_services = QuestionServices(self, self._reasoner, self._answers, self._remembered, many)

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
        self.listen(SceneGraph, "twin", self._twin_came, latched(), self.stream)
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
        self._question_services.close()

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
