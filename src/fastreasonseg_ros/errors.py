"""The project's errors, and the status codes that every reply carries.

Each message says what was wrong and what to do. Bad user input raises one of these; bad model output is data
(an `Answer` with a status); anything else propagates.
"""

from __future__ import annotations

from enum import IntEnum


class Status(IntEnum):
    """Outcome of a question; the numbers equal the constants in msg/Answer.msg."""

    OK = 0
    NO_MATCH = 1  # an answer, not an error: nothing in the scene fits
    NOT_READY = 2  # no twin yet, or the model is still loading
    BAD_QUESTION = 3  # empty, too long, or not text
    CANNOT_ANSWER = 4  # the twin lacks what the plan needs (depth, history, ...)
    MODEL_FAILED = 5  # missing, corrupt, or it gave nothing usable
    BUSY = 6
    CANCELLED = 7
    TIMED_OUT = 8
    BAD_INPUT = 9  # frame, bag, data set or setting that cannot be used
    STALE = 10  # perception stopped; the answer speaks of an old twin
    UNSURE = 11  # the confidence is below what is asked for: the message asks back, ids are a guess


def status_name(number: int) -> str:
    """OK, NO_MATCH, ...; of a number that this version does not know, say of a newer node, the number."""
    return Status(number).name if number in Status.__members__.values() else f"status {number}"


class ReasonSegError(Exception):
    """Base of every error raised on purpose; `status` is the code that a reply carries for it."""

    status = Status.BAD_INPUT


class FrameError(ReasonSegError):
    """A picture, depth image or camera model that cannot be used."""


class DatasetError(ReasonSegError):
    """A data set, bag or questions file that cannot be read; names the file and the line."""


class TwinError(ReasonSegError):
    """An instance, a relation or a twin with a value that cannot be; `where` and `field` name it."""

    def __init__(self, where: str, field: str, problem: str) -> None:
        super().__init__(where, field, problem)
        self.where, self.field, self.problem = where, field, problem

    def __str__(self) -> str:
        return f"{self.where}: {self.field}: {self.problem}"


class ConfigError(ReasonSegError):
    """An unknown or invalid setting; names the file, the key and the nearest known name."""


class QuestionError(ReasonSegError):
    """A question that is empty, too long or not text."""

    status = Status.BAD_QUESTION


class PlanError(ReasonSegError):
    """A plan that does not parse; names the line and what was expected."""

    status = Status.MODEL_FAILED


class MissingDataError(ReasonSegError):
    """The twin lacks what an operator needs (depth, history, an image)."""

    status = Status.CANNOT_ANSWER


class ModelError(ReasonSegError):
    """A model file that is missing, corrupt or of another base; names it and the way to get it."""

    status = Status.MODEL_FAILED
