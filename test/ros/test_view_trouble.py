"""What the page says where nodes are missing, twins stop or an answer does not come; and that it shows text as text."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
pytest.importorskip("nicegui", reason="the extra view is not installed")
from browser import Tab, chromium, served  # noqa: F401
from planner import SilentServer
from processes import NAMESPACE, wait_for
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from fastreasonseg_ros.msg import Answer, Instance, SceneGraph, TraceStep
from fastreasonseg_ros.ros.client import ReasonSegClient
from fastreasonseg_ros.ros.images import image_to_msg, time_from_s
from fastreasonseg_ros.ros.qos import latched, reliable

SPACE = f"{NAMESPACE}/trouble"
HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>{{ 7*7 }} ${alert(3)}"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory):
    with served(tmp_path_factory.mktemp("view"), SPACE, "--timeout", "1") as address:
        yield address


@pytest.fixture
def tab(browser, address: str):
    tab = Tab(browser, address)
    yield tab
    tab.close()


def test_where_no_node_is_up_the_page_says_so_and_what_to_look_at(tab: Tab) -> None:
    for said in ("No reasoning_node is up", "No twin has come", "No picture has come on"):
        tab.wait(".problem", said)
    assert all(SPACE in text for text in tab.texts(".problem"))
    assert os.environ["ROS_DOMAIN_ID"] in tab.texts(".problem")[0]
    tab.ask("the mug")
    tab.wait(".answer .message", "No reasoning_node is up")
    assert tab.texts(".answer .tag") == ["NOT_READY"]


def unseen(tab: Tab) -> list[str]:
    """What the page says of a reasoning_node that is not there."""
    return [text for text in tab.texts(".problem") if "No reasoning_node" in text]


def test_a_node_that_does_not_answer_in_time_is_named(tab: Tab) -> None:
    silent = SilentServer(SPACE)
    try:
        tab.until(lambda: tab.texts(".state") != [""] and not unseen(tab), "the node to be seen")
        for button in ("Ask", "Follow"):
            tab.ask(f"the mug {button}", button)
            tab.wait(".answer .question", button)
            assert tab.texts(".answer .tag") == ["TIMED_OUT"]
            assert "did not reply within 1.0 s" in tab.texts(".answer .message")[0]
    finally:
        silent.close()


def test_hostile_texts_are_shown_as_they_are_and_a_twin_that_stops_is_stale(tab: Tab) -> None:
    header = Header(stamp=time_from_s(5.0), frame_id=HOSTILE)
    thing = Instance(id=7, label=HOSTILE, color="red", text=HOSTILE, visible=True, score=0.5)
    twin = SceneGraph(header=header, instances=[thing], message=HOSTILE)
    answer = Answer(header=header, query_id=HOSTILE, text=HOSTILE, message=HOSTILE, reason=HOSTILE, ids=[7])
    answer.instances, answer.steps = [thing], [TraceStep(name="a", expression=HOSTILE, ids=[7], note=HOSTILE)]
    answer.standing = True
    with ReasonSegClient(SPACE) as robot:
        node = robot.node
        topics = {
            node.create_publisher(Image, "color/image_raw", reliable()): image_to_msg(
                np.zeros((48, 64, 3), np.uint8), "rgb8", header
            ),
            node.create_publisher(SceneGraph, "twin", latched()): twin,
            node.create_publisher(Answer, "answer", reliable(64)): answer,
        }
        wait_for(lambda: all(p.get_subscription_count() for p in topics), what="the page's subscriptions")
        for publisher, message in topics.items():
            publisher.publish(message)
        places = (".problem", ".twin tbody", ".standing .row-text", ".history .row-text", ".twin .line")
        answered = (".question", ".message", ".found", ".reason", ".steps .call", ".steps .gave")
        for place in (*places, *(f".answer {part}" for part in answered)):
            tab.wait(place, HOSTILE)
        tab.until(
            lambda: tab.page.evaluate("document.querySelector('.picture img')?.naturalWidth") == 64, "the picture"
        )
        assert tab.page.evaluate("document.querySelectorAll('img:not(.picture img), .page script').length") == 0
        tab.wait(".problem", "The twin is stale: the last one came")
        tab.wait(".standing .age", "no answer for")
        tab.wait(".problem", "The last picture came")
        assert [t for t in tab.trouble if "alert" in t or t in "123"] == []
        tab.page.set_viewport_size({"width": 390, "height": 844})
        tab.wait(".twin .q-table__grid-item", HOSTILE)
        tab.pause()
        assert tab.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_on_loopback_a_foreign_host_name_is_refused(address: str) -> None:
    with pytest.raises(urllib.error.HTTPError, match="400"):
        urllib.request.urlopen(urllib.request.Request(address, headers={"Host": "evil.example"}))
    assert urllib.request.urlopen(address).status == 200


def view(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fastreasonseg_ros.cli", "view", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_an_address_that_cannot_be_served_is_an_error_that_says_what_to_give() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = view("--port", port)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"127.0.0.1 port {port} cannot be served" in done.stderr
    assert "--port" in done.stderr
    assert "--host" in view("--host", "192.0.2.1").stderr


def test_the_help_warns_of_serving_another_address() -> None:
    said = " ".join(view("--help").stdout.split())
    assert "127.0.0.1: this machine only" in said
    assert "anyone who reaches it may look and ask, without a password" in said


def test_the_launch_file_serves_the_page_on_request_only() -> None:
    launch = (Path(__file__).parents[2] / "launch/fastreasonseg.launch.py").read_text()
    assert re.search(r'"view": \(\s*"false"', launch)
    assert re.search(r'"view_host": \(\s*"127.0.0.1"', launch)


def test_the_executable_for_launch_leaves_ros_arguments_to_ros(monkeypatch: pytest.MonkeyPatch) -> None:
    from fastreasonseg_ros.cli import view as command

    asked: list[object] = []
    monkeypatch.setattr(command, "run", asked.append)
    command.main(
        ["--port", "9", "--ros-args", "-r", "__ns:=/robot", "--", "--host", "::1", "--ros-args", "--log-level"]
    )
    assert (asked[0].port, asked[0].host) == (9, "::1")
