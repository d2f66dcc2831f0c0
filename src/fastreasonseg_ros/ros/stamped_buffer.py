"""Messages of the last seconds by their stamps, so that an answer is shown in the very picture that it speaks of."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Generic, TypeVar

from std_msgs.msg import Header

from .images import stamp_ns

M = TypeVar("M")
KEPT = 60  # messages: four seconds at 15 Hz


class StampedBuffer(Generic[M]):
    """The newest messages by the stamp of their header."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._by_stamp: OrderedDict[int, M] = OrderedDict()

    def add(self, msg: Any) -> None:
        """msg: of the type M, which has a header."""
        self._by_stamp[stamp_ns(msg.header)] = msg
        while len(self._by_stamp) > self._kept:
            self._by_stamp.popitem(last=False)

    def at(self, header: Header) -> M | None:
        """The message with exactly this stamp."""
        return self._by_stamp.get(stamp_ns(header))

    @property
    def newest(self) -> M | None:
        """The message that was added last."""
        return next(reversed(self._by_stamp.values()), None)

    def clear(self) -> None:
        self._by_stamp.clear()
