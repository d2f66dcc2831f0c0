"""Perception: frames to detections. `make_perceiver` is the one place where a backend is chosen."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path

from ..config import load_config
from ..errors import ConfigError
from ..weights import needs_extra
from .protocol import Perceiver

PERCEIVERS = ("tabletop", "monocular", "foundation", "oracle")
WITHOUT_DEPTH = ("monocular",)  # those that take colour pictures alone, and use no depth
OPEN_VOCABULARY = ("foundation",)  # those that accept additional labels at run time


def make_perceiver(
    kind: str = "tabletop", config: str | Path | None = None, overrides: Sequence[str] = ()
) -> Perceiver:
    """Creates a perceiver of the given kind, configured by a YAML file and `a.b=c` overrides.

    Raises ConfigError for an unknown kind or setting, ModelError if its model cannot be loaded.
    """
    if kind == "tabletop":
        from .tabletop import TabletopConfig, TabletopPerceiver

        return TabletopPerceiver(load_config(TabletopConfig, config, overrides))
    if kind == "monocular":
        from .monocular import MonocularConfig, MonocularPerceiver

        return MonocularPerceiver(load_config(MonocularConfig, config, overrides))
    if kind == "foundation":
        with needs_extra("foundation", "the perceiver foundation"):
            from .foundation.perceiver import FoundationConfig, FoundationPerceiver

        return FoundationPerceiver(load_config(FoundationConfig, config, overrides))
    if kind == "oracle":
        from .oracle import OracleConfig, OraclePerceiver

        return OraclePerceiver(load_config(OracleConfig, config, overrides))
    near = difflib.get_close_matches(str(kind), PERCEIVERS, n=1, cutoff=0.0)
    raise ConfigError(f"unknown perceiver {kind!r}, did you mean {near[0]!r}? There are: {', '.join(PERCEIVERS)}")
