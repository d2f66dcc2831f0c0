"""A language model that writes what it is told, and askers in threads of their own, for the reasoner's tests."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

from fastreasonseg_ros.serving.open_vocabulary_retry import Observation, OpenVocabularyRetry
from fastreasonseg_ros.serving.reasoner import Reasoner
from fastreasonseg_ros.twin.types import Answer, DigitalTwin, Instance

TWIN = DigitalTwin((Instance(1, "mug"), Instance(2, "plate")), sequence=7)

PATIENCE_S = 240.0  # costs time only where what is waited for never comes


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


class Serving:
    """A reasoner in an event loop of its own, asked from the thread of the test."""

    def __init__(self, stale_after_s: float = 60.0) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self.reasoner: Reasoner = self.call(Reasoner, stale_after_s)

    def call(self, function, *arguments):
        """Calls the function in the loop."""

        async def called():
            return function(*arguments)

        return asyncio.run_coroutine_threadsafe(called(), self.loop).result(PATIENCE_S)

    def start(self, text: str, query_id: str = "", timeout_s: float = PATIENCE_S, **more) -> Asked:
        return Asked(self, self.reasoner.ask(text, query_id, timeout_s, **more))

    def ask(self, text: str, query_id: str = "", timeout_s: float = PATIENCE_S, **more):
        """The answer, and the observation that it speaks of."""
        return self.start(text, query_id, timeout_s, **more).both()

    def observe(self, observation: Observation | None) -> None:
        self.call(self.reasoner.observe, observation)

    def use(self, model: Dictated) -> None:
        self.call(self.reasoner.use, model, None)

    def without(self, reason) -> None:
        self.call(self.reasoner.without, reason)

    def update(self, observation: Observation) -> list[Answer]:
        return self.call(self.reasoner.update, observation)

    def retry_with(self, retry: OpenVocabularyRetry) -> None:
        self.reasoner.retry = retry

    def close(self) -> None:
        self.call(self.reasoner.close)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10.0)


class Asked:
    """A question on its way."""

    def __init__(self, serving: Serving, coroutine) -> None:
        self._loop, self._done = serving.loop, Future()
        self._task = serving.call(lambda: asyncio.get_running_loop().create_task(coroutine))
        self._loop.call_soon_threadsafe(self._task.add_done_callback, lambda task: self._done.set_result(task.result()))

    def cancel(self) -> None:
        self._loop.call_soon_threadsafe(self._task.cancel)

    def both(self):
        return self._done.result(PATIENCE_S)

    def done(self) -> Answer:
        return self.both()[0]

    def is_alive(self) -> bool:
        return not self._done.done()


def serving_with(model: Dictated, stale_after_s: float = 60.0) -> Serving:
    made = Serving(stale_after_s)
    made.use(model)
    return made


def until(ready: Callable[[], object], what: str, timeout_s: float = PATIENCE_S) -> None:
    end = time.monotonic() + timeout_s
    while not ready():
        assert time.monotonic() < end, what
        time.sleep(0.005)
