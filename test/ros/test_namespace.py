"""Names are in the namespace `reasonseg` unless somebody says otherwise, and who looks in the wrong one is told so."""

from __future__ import annotations

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
from planner import ROBOT, SPACE, SilentServer, spinning
from processes import wait_for
from rclpy.executors import SingleThreadedExecutor

from fastreasonseg_ros.ros.client import AsyncReasonSegClient, ReasonSegClient, UnreachableError


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ({}, f"{ROBOT}/reasonseg/query"),
        ({"namespace": ""}, f"{ROBOT}/query"),
        ({"namespace": "left/arm"}, f"{ROBOT}/left/arm/query"),
        ({"namespace": "/other"}, "/other/query"),
        ({"namespace": "/"}, "/query"),
    ],
)
def test_with_a_node_the_namespace_is_below_that_of_the_node(given: dict[str, str], asked: str) -> None:
    with spinning(SingleThreadedExecutor) as node, ReasonSegClient(node=node, **given) as own:
        assert own.node.resolve_service_name("query") == asked


@pytest.mark.parametrize(
    ("given", "asked"), [({}, "/reasonseg/query"), ({"namespace": ""}, "/query"), ({"namespace": "a"}, "/a/query")]
)
def test_without_a_node_it_is_that_of_the_launch_files_or_the_one_that_is_given(
    given: dict[str, str], asked: str
) -> None:
    with ReasonSegClient(**given) as own:
        assert own.node.resolve_service_name("query") == asked


def test_who_asks_in_the_wrong_namespace_is_told_where_the_nodes_are(monkeypatch: pytest.MonkeyPatch) -> None:
    server = SilentServer(SPACE)
    with ReasonSegClient(f"{SPACE}/nobody") as own:
        for kind in own._connection._names:  # discovery takes its time; then the message is at once the full one
            if kind.__name__ in ("QueryScene", "ReasonSegment"):
                wait_for(lambda kind=kind: SPACE in own._connection.missing(kind), what=f"discovery of {kind}")
        monkeypatch.setattr("fastreasonseg_ros.ros.client.asynchronous.START_S", 0.2)
        with pytest.raises(UnreachableError, match=rf"ROS_DOMAIN_ID\? Such nodes are in the namespace .*{SPACE}"):
            own.ask("the mug")
        with pytest.raises(
            UnreachableError, match=rf"action .*/nobody/reason .*Such nodes are in the namespace .*{SPACE}"
        ):
            own.start("the mug")
    server.close()


def test_the_default_of_both_clients_is_the_namespace_of_the_launch_files() -> None:
    from pathlib import Path

    launch = Path(__file__).parents[2] / "launch"
    for kind in (ReasonSegClient, AsyncReasonSegClient):
        assert kind.__init__.__defaults__[0] == "reasonseg"
    assert '"namespace": ("reasonseg",' in (launch / "fastreasonseg.launch.py").read_text()
    for name in ("demo", "replay"):
        assert (
            'DeclareLaunchArgument("namespace", default_value="reasonseg"' in (launch / f"{name}.launch.py").read_text()
        )
