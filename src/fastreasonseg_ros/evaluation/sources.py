"""The name under which scripts of version 0.1 import what `io/sources.py` reads."""

from ..io.sources import frames_of

__all__ = ["frames_of"]
