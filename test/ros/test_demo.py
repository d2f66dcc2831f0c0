"""The demo's nodes are processes that are watched and always ended, and its questions come from the right place."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy")
from processes import PATIENCE_S, wait_for
from std_msgs.msg import Header

from fastreasonseg_ros.errors import DatasetError
from fastreasonseg_ros.io.bags.questions import TimedQuestion
from fastreasonseg_ros.live.demo_questions import GENERAL, OF_COLOR, camera_parameters, questions_for
from fastreasonseg_ros.live.joined_answers import JoinedAnswers
from fastreasonseg_ros.live.node_processes import NodeDiedError, NodeProcesses
from fastreasonseg_ros.msg import Answer, SceneGraph
from fastreasonseg_ros.ros.conversions import twin_to_msg
from fastreasonseg_ros.twin.types import DigitalTwin


def arguments(**given: object) -> Namespace:
    return Namespace(
        **{"ask": None, "questions": None, "scene": None, "bag": None, "sim": False, "camera": None} | given
    )


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_node_that_ends_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    with NodeProcesses("/t", tmp_path) as nodes:
        nodes.start("no_such_node")
        with pytest.raises(NodeDiedError, match=r"no_such_node ended with status 1.*no_such_node\.log"):
            nodes.wait_for("anything", "no_such_node", lambda: False, timeout_s=PATIENCE_S)
        assert "No module named fastreasonseg_ros.ros.nodes.no_such_node" in nodes.log("no_such_node")


def test_waiting_in_vain_ends_with_the_log_of_the_node(tmp_path: Path) -> None:
    with NodeProcesses(f"/t{os.getpid()}", tmp_path) as nodes:
        nodes.start("camera_node", source="scene", path="/nowhere", loop=False)
        with pytest.raises(NodeDiedError, match=r"a picture did not come within 0 s"):
            nodes.wait_for("a picture", "camera_node", lambda: False, timeout_s=0.0)


def test_nodes_end_with_the_block_and_with_a_killed_parent(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from fastreasonseg_ros.live.node_processes import NodeProcesses\n"
        "with NodeProcesses(f'/t', Path(sys.argv[1])) as nodes:\n"
        "    nodes.start('camera_node', source='scene', path='/nowhere', loop=False)\n"
        "    print(nodes._processes['camera_node'].pid, flush=True)\n"
        "    sys.stdin.readline()\n"
    )
    for killed in (False, True):
        command = [sys.executable, "-c", code, str(tmp_path)]
        parent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert parent.stdout is not None
        assert parent.stdin is not None
        node = int(parent.stdout.readline())
        assert alive(node)
        if killed:
            parent.kill()
        else:
            parent.stdin.close()
        parent.wait(PATIENCE_S)
        wait_for(lambda node=node: not alive(node), what="the end of the node")


def test_parameters_keep_their_types(tmp_path: Path) -> None:
    """A seed is text to the camera node: `path:=0` would be a whole number, and refused."""
    with NodeProcesses(f"/t{os.getpid()}", tmp_path) as nodes:
        nodes.start("camera_node", source="folder", path="0", loop=False, rate_hz=2.5)
        nodes.wait_for("its settings", "camera_node", lambda: "settings:" in nodes.log("camera_node"), PATIENCE_S)
        log = nodes.log("camera_node")
    assert "path='0'" in log
    assert "rate_hz=2.5" in log
    assert "loop=False" in log


def test_questions_come_from_the_command_line_or_lie_beside_the_source(tmp_path: Path) -> None:
    bag, scene = tmp_path / "bag", tmp_path / "set" / "a"
    bag.mkdir()
    scene.mkdir(parents=True)
    assert questions_for(arguments(ask=["the mug", "the cup"])) == (
        TimedQuestion("the mug", 1.0),
        TimedQuestion("the cup", 2.0),
    )
    assert questions_for(arguments(bag=str(bag))) == GENERAL
    line = {"text": "the mug", "at": 2.5, "target_ids": [3], "standing": True}
    (tmp_path / "questions.jsonl").write_text(json.dumps(line) + "\n")
    assert questions_for(arguments(bag=str(bag))) == (TimedQuestion("the mug", 2.5, (3,), standing=True),)
    assert questions_for(arguments(scene=str(scene))) == GENERAL
    lines = [{"scene": s, "text": f"the mug of {s}", "target_ids": [1]} for s in ("a", "b")]
    (scene.parent / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in lines))
    assert questions_for(arguments(scene=str(scene))) == (TimedQuestion("the mug of a", 1.0, (1,)),)
    (tmp_path / "questions.jsonl").write_text('{"text": "x", "at": "soon"}\n')
    with pytest.raises(DatasetError, match=r"questions\.jsonl:1: at: expected seconds"):
        questions_for(arguments(questions=str(tmp_path / "questions.jsonl")))


def test_the_camera_plays_once_what_is_there_and_names_what_is_not(tmp_path: Path) -> None:
    assert camera_parameters(arguments(sim=True)) == {"source": "simulation", "path": "", "loop": True}
    assert camera_parameters(arguments(bag=str(tmp_path))) == {"source": "bag", "path": str(tmp_path), "loop": False}
    assert camera_parameters(arguments(scene=str(tmp_path)))["source"] == "scene"
    with pytest.raises(DatasetError, match="nowhere: there is nothing here"):
        camera_parameters(arguments(bag=str(tmp_path / "nowhere")))


def test_a_colour_camera_is_a_device_or_a_video_and_is_asked_for_no_distance(tmp_path: Path) -> None:
    assert camera_parameters(arguments(camera="0")) == {"source": "device", "path": "0", "loop": True}
    video = tmp_path / "clip.mp4"
    video.write_bytes(b"")
    assert camera_parameters(arguments(camera=str(video))) == {"source": "video", "path": str(video), "loop": True}
    assert questions_for(arguments(camera="0")) == OF_COLOR
    assert questions_for(arguments(camera="0", ask=["the cup"])) == (TimedQuestion("the cup", 1.0),)


def twin(sec: int, ids: np.ndarray) -> SceneGraph:
    header = Header(frame_id="camera")
    header.stamp.sec = sec
    return twin_to_msg(DigitalTwin(image_size=(3, 2), ids=ids), header)


def test_the_mask_of_an_answer_is_boolean_and_empty_without_its_twin() -> None:
    joined = JoinedAnswers(lambda _: None)
    answer = Answer(ids=[3])
    answer.header.stamp.sec = 5
    assert not joined.mask(answer, (2, 3)).any()
    joined.twin_came(twin(5, np.array([[0, 3, 0], [0, 0, 3]], np.uint16)))
    assert np.array_equal(joined.mask(answer, (2, 3)), [[False, True, False], [False, False, True]])


def test_an_answer_that_comes_before_its_twin_is_joined_when_that_comes() -> None:
    called: list[str] = []
    joined = JoinedAnswers(lambda a: called.append(a.query_id))
    early, none = Answer(query_id="early", ids=[3]), Answer(query_id="none")
    early.header.stamp.sec = 5
    joined.answer_came(early)
    joined.answer_came(none)  # nothing was found: no twin is needed
    assert called == ["none"]
    joined.twin_came(twin(4, np.zeros((2, 3), np.uint16)))
    assert called == ["none"]
    joined.twin_came(twin(5, np.zeros((2, 3), np.uint16)))
    assert called == ["none", "early"]
