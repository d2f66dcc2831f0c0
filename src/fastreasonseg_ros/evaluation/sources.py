"""Compatibility with version 0.1: re-exports frames_of of io/sources.py."""

from ..io.sources import frames_of

__all__ = ["frames_of"]
