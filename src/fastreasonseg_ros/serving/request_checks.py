"""Bounds of what a request may hold besides its question. No ROS in here."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterator

from ..errors import ReasonSegError

LONGEST_TIMEOUT_S = 3600.0
LONGEST_ID = 128  # characters


class InvalidRequestError(ReasonSegError):
    """A request whose id or timeout cannot be used."""


def check_request(query_id: str, timeout_s: float) -> None:
    """Raises InvalidRequestError."""
    if len(query_id) > LONGEST_ID:
        raise InvalidRequestError(f"query_id has {len(query_id)} characters, at most {LONGEST_ID} are kept; shorten it")
    if not 0 < timeout_s <= LONGEST_TIMEOUT_S:  # false for NaN
        raise InvalidRequestError(
            f"timeout is {timeout_s} s, expected 0 to {LONGEST_TIMEOUT_S:.0f}; 0 takes the parameter query_timeout_s"
        )


def new_ids() -> Iterator[str]:
    """For questions without an id: none of a run before comes again, and none that an asker would choose."""
    run = secrets.token_hex(2)
    return (f"q{n}-{run}" for n in itertools.count(1))
