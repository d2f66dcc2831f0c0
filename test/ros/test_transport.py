"""Messages between our processes go by UDP: a killed process leaves nothing behind for its successor to stumble on."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from processes import PATIENCE_S

from fastreasonseg_ros.ros.processes import NodeProcesses
from fastreasonseg_ros.ros.transport import PEERS, PROFILE, PROFILES, RANGE, UDP, VARIABLE, choose_transport


def test_udp_is_chosen_unless_the_user_chose() -> None:
    environment: dict[str, str] = {RANGE: "SUBNET"}
    choose_transport(environment)
    assert environment == {RANGE: "SUBNET", VARIABLE: UDP}

    for chosen in ({VARIABLE: "DEFAULT"}, *({profile: "robot.xml"} for profile in PROFILES)):
        environment = {RANGE: "LOCALHOST", **chosen}
        choose_transport(environment)
        assert environment == {RANGE: "LOCALHOST", **chosen}


def test_discovery_stays_on_this_machine_by_a_profile_where_it_has_to() -> None:
    environment = {RANGE: "LOCALHOST"}
    choose_transport(environment)
    assert (environment[RANGE], Path(environment[PROFILE]).is_file()) == ("SYSTEM_DEFAULT", True)

    environment = {RANGE: "LOCALHOST", PEERS: "10.0.0.2"}  # the profile knows no peers
    choose_transport(environment)
    assert (environment[RANGE], PROFILE in environment) == ("LOCALHOST", False)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_a_node_shares_no_memory_with_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rclpy", reason="ROS 2 is not installed")

    def shared(choice: str | None) -> bool:
        """Whether a node of its own process has a file of Fast DDS in memory."""
        monkeypatch.delenv(VARIABLE, raising=False)
        if choice is not None:
            monkeypatch.setenv(VARIABLE, choice)
        with NodeProcesses("/transport", tmp_path) as nodes:
            nodes.start("mask_node")
            nodes.wait_for("mask_node", "mask_node", lambda: "]: active" in nodes.log("mask_node"), PATIENCE_S)
            return "/dev/shm/fastdds" in Path(f"/proc/{nodes.pid('mask_node')}/maps").read_text()

    assert shared("DEFAULT"), "Fast DDS no longer shares memory by itself: the choice is not needed any more"
    assert not shared(None)
