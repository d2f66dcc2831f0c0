"""A domain of our own before any test makes a node, and time for nodes to come up on a busy machine."""

from __future__ import annotations

import importlib.util

import pytest
from processes import PATIENCE_S


@pytest.fixture(scope="session", autouse=True)
def _patience():
    with pytest.MonkeyPatch.context() as patch:
        if importlib.util.find_spec("rclpy") is not None:
            for module in ("client", "client_async"):
                patch.setattr(f"fastreasonseg_ros.ros.{module}.START_S", PATIENCE_S)
        yield
