"""A language model that is told what to write and when, and askers in threads of their own, for test_reasoner.py."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from processes import PATIENCE_S

from fastreasonseg_ros.serving.reasoner import Reasoner


class Dictated:
    """A language model that writes what it is told, piece by piece, when it may; `asked` holds prompts.

    deaf: it does not notice while it waits that it should stop."""

    name = "dictated"

    def __init__(self, text: str = "It is a mug.\na = find(label=mug)") -> None:
        self.text, self.asked, self.deaf = text, [], False
        self.may = threading.Event()
        self.may.set()

    @property
    def called(self) -> int:
        return len(self.asked)

    def generate(self, prompt: str, grammar: str, on_text: Callable[[str], bool] | None = None) -> str:
        self.asked.append(prompt)
        for piece in self.text.splitlines(keepends=True):
            while not self.may.wait(0.01):
                if on_text and not self.deaf and on_text(""):
                    return ""
            if on_text and on_text(piece):
                return ""
        return self.text


def reasoner_with(model: Dictated, stale_after_s: float = 60.0) -> Reasoner:
    made = Reasoner(stale_after_s)
    made.use(model, None)
    return made


def until(ready: Callable[[], object], what: str, timeout_s: float = PATIENCE_S) -> None:
    end = time.monotonic() + timeout_s
    while not ready():
        assert time.monotonic() < end, what
        time.sleep(0.005)


class Asked(threading.Thread):
    """A question in a thread of its own."""

    def __init__(self, reasoner: Reasoner, text: str, query_id: str = "", **more) -> None:
        super().__init__(daemon=True)
        self.ask = lambda: reasoner.ask(text, query_id, PATIENCE_S, **more)[0]
        self.start()

    def run(self) -> None:
        self.answer = self.ask()

    def done(self):
        self.join(PATIENCE_S)
        return self.answer
