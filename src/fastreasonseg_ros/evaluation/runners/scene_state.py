"""A scene while it is run: its twin, the id images of its frames, and questions about it, each timed."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import UInt16

from ...errors import ReasonSegError
from ...io.datasets.base import PackedIds
from ...just_in_time import look_again
from ...perception.protocol import Perceiver
from ...perception.vocabulary import Vocabulary
from ...pipeline import observe, read_now
from ...twin.types import Answer, DigitalTwin, Frame, Query
from ..benchmark.machine import machine, peak_rss_mb
from ..metrics.masks import percentiles

Ask = Callable[[DigitalTwin, Query], Answer]


@dataclass
class Times:
    """Latencies in milliseconds, as arrays of 8 bytes a value, since a bag may be long."""

    perception: array = field(default_factory=lambda: array("d"))
    reasoning: array = field(default_factory=lambda: array("d"))
    kept: array = field(default_factory=lambda: array("d"))  # kept plans, executed without the model

    def report(self) -> dict[str, Any]:
        """latency_ms, timed, peak_rss_mb and machine of this process; part of every result."""
        return {
            "latency_ms": {"perception": percentiles(self.perception), "reasoning": percentiles(self.reasoning)}
            | ({"kept plan": percentiles(self.kept)} if self.kept else {}),
            "timed": {"frames": len(self.perception), "questions": len(self.reasoning)},
            "peak_rss_mb": peak_rss_mb(),
            "machine": machine(),
        }


class SceneState:
    """The current twin of a scene, and the compressed id image of each frame. problem: error of the last frame."""

    def __init__(self) -> None:
        self.twin: DigitalTwin | None = None
        self.problem: ReasonSegError | None = None
        self._ids = PackedIds()
        self._last: tuple[int, Frame, Perceiver, bool] | None = None
        self._vocabulary: Vocabulary | None = None

    def observe(self, number: int, frame: Frame, perceiver: Perceiver, times: Times, keep: bool = True) -> None:
        """Updates the twin. If perception raises an error, the twin stays and ids(number) is None. keep: store ids."""
        if self._vocabulary is None:
            self._vocabulary = Vocabulary(perceiver)  # resets words of another scene's questions
        before = self.twin or DigitalTwin(image_size=frame.image_size, frame_id=frame.frame_id)
        twin, self.problem = _timed(lambda: observe(before, frame, perceiver), times.perception)
        if twin is not None:
            self._last = number, frame, perceiver, keep
            self._take(twin)

    def answer(self, query: Query, ask: Ask) -> Answer:
        """The answer about the current twin; asked again after looking for words that it lacks in the last frame."""
        assert self.twin is not None
        assert self._last is not None
        assert self._vocabulary is not None
        answer, (_, frame, perceiver, _) = ask(self.twin, query), self._last
        twin = look_again(answer, self.twin, frame, perceiver, self._vocabulary, getattr(ask, "meaning", None))
        if twin is None:
            return answer
        self._take(twin)
        return ask(twin, query)

    def _take(self, twin: DigitalTwin) -> None:
        self.twin = twin
        if self._last is not None and self._last[3] and twin.ids is not None:
            self._ids.put(self._last[0], twin.ids)

    def ids(self, number: int) -> UInt16[np.ndarray, "h w"] | None:
        return self._ids.get(number)


def ask_about(state: SceneState, text: str, ask: Ask, times: Times) -> tuple[Answer | None, ReasonSegError | None]:
    """The answer about the current twin, or the error."""
    if state.twin is None:
        return None, state.problem
    if state._last is not None:
        state.twin = read_now(state.twin, *state._last[1:3])
    return _timed(lambda: state.answer(Query(text), ask), times.reasoning)


def ask_timed(twin: DigitalTwin, text: str, ask: Ask, times: Times) -> tuple[Answer | None, ReasonSegError | None]:
    return _timed(lambda: ask(twin, Query(text)), times.reasoning)


def _timed(work: Callable[[], Any], times: array) -> tuple[Any, ReasonSegError | None]:
    start = time.perf_counter()
    try:
        return work(), None
    except ReasonSegError as error:
        return None, error
    finally:
        times.append((time.perf_counter() - start) * 1000)
