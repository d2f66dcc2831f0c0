"""Report of reading input: the chosen topics, and warnings."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from jaxtyping import Float32

from .depth_units import DepthRangeMonitor


class InputReport:
    """Filled by readers of bags and images. chosen: lines of text about the topics that are read."""

    def __init__(self) -> None:
        self.chosen: list[str] = []
        self._depth_range = DepthRangeMonitor()
        self._warnings: dict[str, str] = {}

    def choose(self, lines: Iterable[str]) -> None:
        """Sets the lines about chosen topics and alternatives."""
        self.chosen = list(lines)

    def depth_unit(self, depth_unit_m: float | None) -> None:
        """Sets the depth unit for messages, and restarts the check of the depth range."""
        self._depth_range = DepthRangeMonitor(depth_unit_m)

    def add_depth(self, depth_m: Float32[np.ndarray, "h w"]) -> None:
        """Checks the range of one depth image, metres."""
        self._depth_range.add(depth_m)

    def warn(self, kind: str, message: str) -> None:
        """Sets the warning of a kind, such as "registration"; an empty message removes it."""
        self._warnings[kind] = message

    @property
    def warnings(self) -> list[str]:
        """All current warnings."""
        return [w for w in (self._depth_range.warning, *self._warnings.values()) if w]
