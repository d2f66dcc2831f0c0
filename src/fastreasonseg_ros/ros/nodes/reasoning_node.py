"""reasoning_node: questions in, answers out: service, action, and standing questions that run at the rate of twins.

A question's way: QueryServer (executor thread), Reasoner.ask (event loop), the answer published from there. The model
generates in a thread of its own.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from fastreasonseg_ros.msg import Answer, SceneGraph

from ...errors import Status, TwinError
from ...reasoning import make_language_model, make_word_meaning
from ...reasoning.protocol import LanguageModel, WordMeaning
from ...serving.open_vocabulary_retry import OpenVocabularyRetry
from ...serving.reasoner import Reasoner
from ..diagnostics import Health
from ..executors import EventLoopThread, NewestPost, run
from ..lifecycle import ManagedNode
from ..qos import latched, reliable
from ..query_server import QueryServer, observation_from_msg
from ..settings import ReasoningSettings
from ..vocabulary_client import VocabularyClient


class ReasoningNode(ManagedNode[ReasoningSettings]):
    """Subscribes to twin; serves query, watch, unwatch and the action reason; publishes answer.

    Services and action are there in every state: a node that cannot answer says why.
    """

    def __init__(self) -> None:
        super().__init__("reasoning_node", ReasoningSettings)
        self._models: tuple[LanguageModel, WordMeaning] | None = None
        self._takes_twins = False
        self._loop = EventLoopThread("questions")
        self._reasoner = self._loop.call(Reasoner, self.settings.stale_after_s, self._seconds, self._unforeseen)
        self._reasoner.unsure_below = self.settings.unsure_below
        self._twins: NewestPost[SceneGraph] = NewestPost(self._loop, self._observe)
        self._vocabulary = VocabularyClient(self)
        self._set_retry(self.settings)
        self._idle("configure")
        publisher = self.publisher(Answer, "answer", reliable(64))
        self._server = QueryServer(self, self._loop, self._reasoner, publisher)

    def setup(self) -> None:
        self._loop.call(self._reasoner.without, None)  # questions wait for what is loading
        self._models = load_models(self.settings)
        self._idle("activate")

    def start(self) -> None:
        assert self._models is not None
        self._loop.call(self._reasoner.use, *self._models)
        if count := self._loop.call(self._server.restore_standing):
            self.get_logger().info(f"{count} standing questions of a process that was killed stand again")
        self._takes_twins = True
        self.subscribe(SceneGraph, "twin", self._twins.offer, latched())
        self.get_logger().info(f"{self._models[0].name} is ready")

    def stop(self) -> None:
        self._takes_twins = False
        self._idle("activate", wait=False)
        self._loop.call(self._reasoner.observe, None)

    def free(self) -> None:
        if self._models is not None:  # else nothing was loaded, and what the file holds must outlast that
            self._loop.call(self._reasoner.standing.clear)
            self._loop.call(self._server.write_standing)
        self._models = None
        self._idle("configure", wait=False)

    def failed(self, status: Status, reason: str) -> None:
        self._loop.call(self._reasoner.without, (status, reason))

    def ended(self) -> None:
        self._server.close()
        self._loop.call(self._reasoner.close)
        self._loop.close()

    def settings_changed(self, settings: ReasoningSettings) -> None:
        self._reasoner.stale_after_s = settings.stale_after_s
        self._reasoner.unsure_below = settings.unsure_below
        self._set_retry(settings)

    def clock_jumped(self, reason: str) -> None:
        self.get_logger().warning(f"{reason}: the last twin is forgotten")
        self._loop.post(self._reasoner.observe, None)

    def _set_retry(self, settings: ReasoningSettings) -> None:
        self._reasoner.retry = OpenVocabularyRetry(self._vocabulary.ask, settings.look_timeout_s)

    def _idle(self, step: str, wait: bool = True) -> None:
        """What questions are answered until the next transition; while the node brings itself up they wait."""
        if self.problem and not wait:
            return  # they are answered with the reason why a transition failed
        command = f"ros2 lifecycle set {self.get_fully_qualified_name()} {step}"
        reason = Status.NOT_READY, f"reasoning_node is not active; next: {command}"
        self._loop.call(self._reasoner.without, None if wait and self.settings.autostart else reason)

    def _seconds(self) -> float:
        clock: Any = self.get_clock()
        return clock.now().nanoseconds * 1e-9 if clock.ros_time_is_active else time.monotonic()

    def _unforeseen(self, error: BaseException) -> None:
        """An error that nothing raised on purpose: its traceback goes to the log."""
        self.meter.error("unforeseen", f"{type(error).__name__}: {error}")
        self.get_logger().error("".join(traceback.format_exception(error)), throttle_duration_sec=5.0)

    def _observe(self, msg: SceneGraph) -> None:
        """In the event loop: the newest twin for questions, and at once for those that stand."""
        if not self._takes_twins:
            return
        try:
            observation = observation_from_msg(msg)
        except TwinError as error:  # of another publisher than twin_node: the last good twin stays
            self.meter.error("invalid twin", f"twin {msg.sequence} is dropped: {error}")
            self.get_logger().error(f"twin {msg.sequence} is dropped: {error}", once=True)
            return
        self._vocabulary.twin_came(msg.sequence, self._reasoner.standing.words)
        self._reasoner.observe(observation)
        try:
            self._server.answer_standing(observation)
        except Exception as error:  # of publishing; twins go on
            self._unforeseen(error)

    def health(self) -> list[tuple[str, Health]]:
        models = self._models
        return [] if models is None else self._server.health(models[0].name, self._twins.dropped)


def load_models(settings: ReasoningSettings) -> tuple[LanguageModel, WordMeaning]:
    """Both, loaded side by side. Raises ConfigError, ModelError; at once where the language model is missing."""
    s, beside = settings, ThreadPoolExecutor(1)
    try:
        meaning = beside.submit(make_word_meaning)
        model = make_language_model(s.language_model, s.language_model_config or None, s.language_model_overrides)
        return model, meaning.result()
    finally:
        beside.shutdown(wait=False)


def main(argv: Sequence[str] | None = None) -> int:
    return run([ReasoningNode], argv)


if __name__ == "__main__":
    raise SystemExit(main())
