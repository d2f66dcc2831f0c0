"""The launch files bring the nodes up, and their settings exist. launch itself comes with a ROS 2 distribution."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import psutil
import pytest
import yaml

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
from browser import Tab, chromium, free_port  # noqa: F401
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from processes import CAMERA, NAMESPACE, PATIENCE_S, red_box, wait_for
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header
from written_scene import write_scene

from fastreasonseg_ros.config import from_mapping
from fastreasonseg_ros.msg import Answer
from fastreasonseg_ros.ros.client import ReasonSegClient
from fastreasonseg_ros.ros.images import image_to_msg, intrinsics_to_msg
from fastreasonseg_ros.ros.settings import CameraSettings, MaskSettings, ReasoningSettings, TwinSettings

ROOT = Path(__file__).parents[2]
SETTINGS = {
    "camera_node": CameraSettings,
    "twin_node": TwinSettings,
    "reasoning_node": ReasoningSettings,
    "mask_node": MaskSettings,
}
needs_launch = pytest.mark.skipif(
    importlib.util.find_spec("launch_ros") is None or shutil.which("ros2") is None,
    reason="launch and ros2 are not among the ROS 2 wheels on PyPI; they come with a ROS 2 distribution",
)


PARAMETER_FILES = [p for p in sorted((ROOT / "config").glob("*.yaml")) if "ros__parameters" in p.read_text()]


@pytest.mark.parametrize("file", PARAMETER_FILES, ids=lambda p: p.name)
def test_every_parameter_in_config_is_one_of_its_node_and_has_a_good_value(file: Path) -> None:
    nodes = {k.split("/")[-1]: v["ros__parameters"] for k, v in yaml.safe_load(file.read_text()).items()}
    for node, parameters in nodes.items():
        own = {k: v for k, v in parameters.items() if k != "use_sim_time"}  # every ROS 2 node has that
        from_mapping(SETTINGS[node], own, file.name)


def test_the_defaults_in_config_are_those_of_the_code() -> None:
    for name, content in yaml.safe_load((ROOT / "config/fastreasonseg.yaml").read_text()).items():
        defaults = dataclasses.asdict(SETTINGS[name.split("/")[-1]]())
        assert content["ros__parameters"] == {k: v for k, v in defaults.items() if v != []}  # YAML has no typed []


@pytest.fixture
def launched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Runs `ros2 launch` in the background; ends it, and all that it started, after the test."""
    # On a machine that does other things too.
    monkeypatch.setattr("fastreasonseg_ros.ros.client.asynchronous.START_S", 120.0)
    running = []

    def launch(file: str, **arguments: object) -> Path:
        log = tmp_path / "launch.log"
        plain = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")}  # NiceGUI is otherwise under test
        command = ["ros2", "launch", "fastreasonseg_ros", file, *(f"{k}:={v}" for k, v in arguments.items())]
        with open(log, "w") as output:
            running.append(
                subprocess.Popen(
                    command,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    env=plain | {"ROS_LOG_DIR": str(tmp_path)},
                )
            )
        return log

    yield launch
    for process in running:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise


def answers(namespace: str, log: Path) -> Answer:
    with ReasonSegClient(namespace) as robot:
        try:
            return robot.ask("Which object is nearest to the camera?", timeout_s=120.0)
        except TimeoutError as error:
            raise AssertionError(log.read_text()[-3000:]) from error


@needs_launch
@pytest.mark.parametrize("composed", [False, True])
def test_everything_comes_up_in_a_namespace_and_answers(launched, tmp_path: Path, composed: bool) -> None:
    space = f"{NAMESPACE}/launch{int(composed)}"
    scene = write_scene(tmp_path / "data")
    log = launched(
        "fastreasonseg.launch.py",
        namespace=space.lstrip("/"),
        source="scene",
        path=scene,
        perceiver="oracle",
        composed=str(composed).lower(),
    )
    answer = answers(space, log)
    assert answer.status in (Answer.OK, Answer.NO_MATCH), answer.message
    assert answer.twin_sequence > 0
    assert log.read_text().count("process started") == (1 if composed else 4)


@needs_launch
def test_a_lifecycle_manager_may_bring_the_nodes_up(launched, tmp_path: Path) -> None:
    space = f"{NAMESPACE}/managed"
    log = launched(
        "fastreasonseg.launch.py",
        namespace=space.lstrip("/"),
        params_file=ROOT / "config/managed.yaml",
        source="scene",
        path=write_scene(tmp_path / "data"),
        perceiver="oracle",
    )
    early = answers(space, log)
    assert early.status == Answer.NOT_READY
    assert f"ros2 lifecycle set {space}/reasoning_node configure" in early.message
    with ReasonSegClient(space) as robot:
        for transition in (Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE):
            for node in ("twin_node", "reasoning_node", "mask_node", "camera_node"):
                client = robot.node.create_client(ChangeState, f"{node}/change_state")
                assert client.wait_for_service(PATIENCE_S)
                request = ChangeState.Request(transition=Transition(id=transition))
                assert wait_for(client.call_async(request).result, what=f"{node} to change").success, log.read_text()
        assert robot.ask("the mug", 90.0).status == Answer.OK


@needs_launch
def test_a_node_that_is_killed_is_started_again_and_answers(launched, tmp_path: Path) -> None:
    space, scene = f"{NAMESPACE}/respawn", write_scene(tmp_path / "data")
    log = launched(
        "fastreasonseg.launch.py",
        namespace=space.lstrip("/"),
        source="scene",
        path=scene,
        perceiver="oracle",
        respawn="true",
    )
    with ReasonSegClient(space) as robot:
        assert robot.watch("the mug", 120.0, "keep").standing, log.read_text()
        for name in ("twin_node", "reasoning_node"):
            (process,) = (p for p in psutil.process_iter(["cmdline"]) if is_node(p, name, space))
            took_s = seconds_until_answers_after(robot, process.kill)
            print(f"{name}: {took_s:.1f} s from the kill to a standing answer about a newer picture")


def seconds_until_answers_after(robot: ReasonSegClient, happens) -> float:
    """Until a standing answer about a picture that was taken a second later, or more."""
    heard: list[Answer] = []
    listening = robot.on_answer(heard.append)
    start, start_s = time.monotonic(), time.time()
    happens()
    wait_for(lambda: [a for a in heard if a.standing and a.header.stamp.sec > start_s + 1], what="a standing answer")
    robot.node.destroy_subscription(listening)
    return time.monotonic() - start


def is_node(process: psutil.Process, name: str, space: str) -> bool:
    """Whether that process runs the node of that namespace."""
    words = process.info["cmdline"] or []
    return any(w.endswith(f"/{name}") for w in words) and f"__ns:={space}" in words


@needs_launch
def test_without_a_camera_node_the_topics_of_a_driver_are_taken_and_answered(launched) -> None:
    space = f"{NAMESPACE}/driver"
    log = launched(
        "fastreasonseg.launch.py",
        namespace=space.lstrip("/"),
        camera="false",
        params_file=ROOT / "config/realsense.yaml",
        color_topic="/camera/camera/color/image_raw",
        depth_topic="/camera/camera/aligned_depth_to_color/image_raw",
        info_topic="/camera/camera/color/camera_info",
    )
    # What realsense2_camera sends: rgb8 and 16UC1 in mm, by best effort, the depth on the colour picture's grid.
    best_effort = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
    rgb, depth_mm = red_box()
    with ReasonSegClient(space) as robot:
        color, depth, info = (
            robot.node.create_publisher(kind, f"/camera/camera/{topic}", best_effort)
            for kind, topic in (
                (Image, "color/image_raw"),
                (Image, "aligned_depth_to_color/image_raw"),
                (CameraInfo, "color/camera_info"),
            )
        )

        def send() -> None:
            frame = Header(stamp=robot.node.get_clock().now().to_msg(), frame_id="camera_color_optical_frame")
            info.publish(intrinsics_to_msg(CAMERA, frame))
            color.publish(image_to_msg(rgb, "rgb8", frame))
            depth.publish(image_to_msg(depth_mm, "16UC1", frame))

        robot.node.create_timer(0.2, send)
        answer = robot.ask("the red thing", timeout_s=PATIENCE_S)
    assert answer.status == Answer.OK, f"{answer.message}; {log}"
    [thing] = answer.instances
    assert thing.center.z == pytest.approx(1.0, abs=0.15)
    assert answer.header.frame_id == "camera_color_optical_frame"


@needs_launch
def test_the_page_is_launched_beside_the_nodes(launched, browser) -> None:
    pytest.importorskip("nicegui", reason="the extra view is not installed")
    space, port = f"{NAMESPACE}/paged", free_port()
    launched(
        "fastreasonseg.launch.py",
        namespace=space.lstrip("/"),
        source="simulation",
        path=3,
        view="true",
        view_port=port,
    )
    wait_for(lambda: listens(port), what="the page")
    tab = Tab(browser, f"http://127.0.0.1:{port}")
    tab.wait(".state", "live")
    tab.ask("Which object is nearest to the camera?")
    tab.wait(".answer .tag", "OK")
    tab.until(lambda: tab.page.locator(".picture img").get_attribute("src"), "a picture")
    tab.close()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@needs_launch
def test_a_bag_is_replayed(launched) -> None:
    bag = ROOT / "demo/table"
    if not bag.exists():
        pytest.skip("demo/table is not in this checkout")
    answer = answers("/reasonseg", launched("replay.launch.py", bag=bag))
    assert answer.status in (Answer.OK, Answer.NO_MATCH), answer.message


@needs_launch
def test_the_demo_simulates_a_table(launched) -> None:
    answer = answers("/reasonseg", launched("demo.launch.py", seed=3))
    assert answer.status in (Answer.OK, Answer.NO_MATCH), answer.message
    assert answer.twin_sequence > 0


@needs_launch
@pytest.mark.parametrize("given", ["/", "''"])
def test_the_namespace_can_be_taken_away(launched, given: str) -> None:
    log = launched("demo.launch.py", seed=3, namespace=given, composed="true")
    answer = answers("/", log)
    assert answer.status in (Answer.OK, Answer.NO_MATCH), answer.message
