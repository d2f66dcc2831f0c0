"""What reasoning_node says: every answer on its topic, counted for /diagnostics, and what stands on disk."""

from __future__ import annotations

from threading import Lock
from typing import Any

from rclpy.node import Node
from std_msgs.msg import Header

from fastreasonseg_ros.msg import Answer as AnswerMsg

from ..errors import Status
from ..twin.types import Answer
from .conversions import answer_to_msg
from .diagnostics import OK, WARN, Health
from .meter import Meter
from .models import Models
from .reasoner import Reasoner, Seen
from .standing_file import StandingFile

# What the asker did is counted by its status; it says nothing about the node's health.
NO_ERROR = (Status.OK, Status.NO_MATCH, Status.CANCELLED, Status.BAD_QUESTION)


class Answers:
    """meter: of questions; standing questions are counted apart, since there is one for every twin."""

    def __init__(self, node: Node, publisher: Any, meter: Meter) -> None:
        self._node, self._publisher = node, publisher
        self._questions, self._standing = meter, Meter()

    def publish(self, answer: Answer, seen: Seen | None, standing: bool = False) -> AnswerMsg:
        """The message, with the header of the twin that it speaks of."""
        header = seen.meta if seen and seen.meta else Header(stamp=self._node.get_clock().now().to_msg())
        good = seen is not None and seen.status is Status.OK
        msg = answer_to_msg(answer, seen.twin if seen and good else None, header)
        msg.standing = standing
        self._publisher.publish(msg)
        meter = self._standing if standing else self._questions
        meter.done(answer.latency_ms)
        meter.count(f"status {answer.status.name}")
        if answer.status not in NO_ERROR:
            meter.error(answer.status.name.lower(), answer.message)
        return msg

    def health(self, reasoner: Reasoner, model: str, stale_after_s: float, dropped: int) -> list[tuple[str, Health]]:
        """dropped: twins that standing questions passed over."""
        stale, error = reasoner.age_s > stale_after_s, self._questions.recent_error()
        message = error or ("no twin comes" if stale else f"{reasoner.waiting} questions wait")
        values = {"twin age (s)": f"{reasoner.age_s:.2f}", "model": model, **self._questions.values()}
        stand = len(reasoner.standing)
        followed = {"standing": str(stand), "dropped": str(dropped), **self._standing.values()}
        return [
            ("questions", Health(WARN if stale or error else OK, message, values, model)),
            ("standing questions", Health(OK, f"{stand} stand", followed, "none")),
        ]


class Remembered:
    """Standing questions on disk. Thread-safe."""

    def __init__(self, node: str, meter: Meter) -> None:
        self._file, self._meter, self._writing = StandingFile(node), meter, Lock()

    def models(self, reasoner: Reasoner) -> set[str]:
        """Who made the plans that `restore` would bring back."""
        return set() if reasoner.standing else {one.model for one in self._file.read() if one.rollout}

    def restore(self, reasoner: Reasoner, models: Models) -> int:
        """Lets stand again what stood when the process was killed, unless something stands; how many."""
        kept = () if reasoner.standing else self._file.read()
        reasoner.restore(kept, models)
        return len(kept)

    def write(self, reasoner: Reasoner) -> None:
        """A question that is not on disk stands all the same, until the process ends."""
        try:
            with self._writing:
                self._file.write(reasoner.kept())
        except OSError as error:
            self._meter.error("standing file", f"standing questions are not kept: {error}")
