"""What an answer is given under: a twin that is old, a plan that is not sure. No ROS in here."""

from __future__ import annotations

from dataclasses import replace

from ..errors import Status
from ..reasoning.question_back import question_back
from ..twin.types import Answer, DigitalTwin

FOUND = (Status.OK, Status.NO_MATCH)


def with_reservations(
    answer: Answer, twin: DigitalTwin | None, age_s: float, stale_after_s: float, unsure_below: float
) -> Answer:
    """The answer, with the status STALE where the twin is older than that, or UNSURE where it is less sure than that.

    age_s: of the newest twin.
    """
    if answer.status not in FOUND:
        return answer
    if age_s > stale_after_s:
        message = f"the newest twin is {age_s:.0f} s old, perception has stopped; {answer.message}"
        return replace(answer, status=Status.STALE, message=message)
    if answer.confidence is not None and answer.confidence < unsure_below and twin is not None:
        doubt = f"not sure ({answer.confidence:.0%}): {question_back(answer.ids, twin)}"
        return replace(answer, status=Status.UNSURE, message=f"{doubt} Ask again with this query_id to answer.")
    return answer
