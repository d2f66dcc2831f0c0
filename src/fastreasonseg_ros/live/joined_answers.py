"""Answers joined with the twins that they speak of: the two come on topics of their own, in any order."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

import numpy as np
from jaxtyping import Bool

from fastreasonseg_ros.msg import Answer, SceneGraph

from ..ros.conversions import mask_from_twin
from ..ros.images import stamp_ns

KEPT = 300  # twins, and stamps whose twin has not come


class JoinedAnswers:
    """Calls back with every answer once its twin has come. Thread-safe; the callback runs in the thread that joins."""

    def __init__(self, callback: Callable[[Answer], None]) -> None:
        self._callback, self._lock = callback, Lock()
        self._twins: OrderedDict[int, SceneGraph] = OrderedDict()
        self._early: OrderedDict[int, list[Answer]] = OrderedDict()

    def twin_came(self, msg: SceneGraph) -> None:
        with self._lock:
            self._twins[stamp_ns(msg.header)] = msg
            while len(self._twins) > KEPT:
                self._twins.popitem(last=False)
            answers = self._early.pop(stamp_ns(msg.header), [])
        for answer in answers:
            self._callback(answer)

    def answer_came(self, msg: Answer) -> None:
        with self._lock:
            waits = bool(msg.ids) and stamp_ns(msg.header) not in self._twins
            if waits:
                self._early.setdefault(stamp_ns(msg.header), []).append(msg)
                while len(self._early) > KEPT:
                    self._early.popitem(last=False)
        if not waits:
            self._callback(msg)

    def twin(self, answer: Answer) -> SceneGraph | None:
        """The twin that the answer speaks of, if it has come."""
        with self._lock:
            return self._twins.get(stamp_ns(answer.header))

    def mask(self, answer: Answer, shape: tuple[int, int]) -> Bool[np.ndarray, "h w"]:
        """The answer's objects in its twin; all False where that has not come or has no id image."""
        twin = self.twin(answer)
        mask = None if twin is None else mask_from_twin(twin, answer.ids)
        return np.zeros(shape, bool) if mask is None else mask > 0
