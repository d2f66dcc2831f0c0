"""What was chosen, and what is doubtful, while pictures are read; for the one who asks or evaluates."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from jaxtyping import Float32

from .depth_units import DepthRangeMonitor


class InputReport:
    """Filled by readers of bags and pictures as they read. chosen: lines about the topics that are read."""

    def __init__(self) -> None:
        self.chosen: list[str] = []
        self._depth_range = DepthRangeMonitor()
        self._warnings: dict[str, str] = {}

    def choose(self, lines: Iterable[str]) -> None:
        """The topics that were chosen, and the alternatives."""
        self.chosen = list(lines)

    def depth_unit(self, depth_unit_m: float | None) -> None:
        """The unit that depth is read with, for messages; a new count of implausible pictures begins."""
        self._depth_range = DepthRangeMonitor(depth_unit_m)

    def add_depth(self, depth_m: Float32[np.ndarray, "h w"]) -> None:
        """Depth of one picture, metres, to be looked at for plausibility."""
        self._depth_range.add(depth_m)

    def warn(self, kind: str, message: str) -> None:
        """The newest warning of a kind, as "registration"; an empty message takes it back."""
        self._warnings[kind] = message

    @property
    def warnings(self) -> list[str]:
        """All that hold now."""
        return [w for w in (self._depth_range.warning, *self._warnings.values()) if w]
