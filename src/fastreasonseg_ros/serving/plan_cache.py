"""Plans that are kept for texts that are asked again, and texts whose planning just failed. No ROS in here."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from ..pipeline import StandingQuestion

PLANS = 64  # texts; the one that was planned longest ago goes first
PAUSE_S = 2.0  # before a plan that failed is tried again for a standing question


class PlanCache:
    """By the text of the question. Owned by the event loop of the questions: all methods are called there."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._questions: OrderedDict[str, StandingQuestion] = OrderedDict()
        self._failed_at: dict[str, float] = {}

    def get(self, text: str) -> StandingQuestion | None:
        return self._questions.get(text)

    def put(self, text: str, question: StandingQuestion) -> None:
        """Keeps the question with all of its plans; the oldest text beyond PLANS is dropped."""
        self._questions[text] = question
        self._questions.move_to_end(text)
        while len(self._questions) > PLANS:
            self._questions.popitem(last=False)

    def failed(self, text: str) -> None:
        """No plan came of that text."""
        now = self._now()
        self._failed_at = {t: at for t, at in self._failed_at.items() if now - at < PAUSE_S}
        self._failed_at[text] = now

    def failed_recently(self, text: str) -> bool:
        """Whether `failed` was called for that text less than PAUSE_S ago."""
        return self._now() - self._failed_at.get(text, -PAUSE_S) < PAUSE_S

    def clear(self) -> None:
        """Forgets the plans, for a model that is unloaded."""
        self._questions.clear()
