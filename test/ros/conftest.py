"""A domain of our own before any test makes a node; and time for nodes to come up and to answer on a busy machine."""

from __future__ import annotations

import importlib.util

import pytest
from processes import PATIENCE_S


@pytest.fixture(scope="session", autouse=True)
def _patience():
    with pytest.MonkeyPatch.context() as patch:
        if importlib.util.find_spec("rclpy") is not None:
            from fastreasonseg_ros.ros.client import AsyncReasonSegClient, ReasonSegClient, asynchronous

            patch.setattr(asynchronous, "START_S", PATIENCE_S)
            for kind in (ReasonSegClient, AsyncReasonSegClient):
                calls = (kind.ask, kind.watch, kind.unwatch, kind.select, kind.mask, kind.set_vocabulary)
                for call in (*calls, kind.reason, kind.follow):
                    longer = tuple(PATIENCE_S if isinstance(d, float) else d for d in call.__defaults__)
                    patch.setattr(call, "__defaults__", longer)
        yield
