"""The foundation perceiver in its node: settings of each class of machine, and words that come with a question."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import yaml

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
torch = pytest.importorskip("torch")
pytest.importorskip("sam2", reason="sam2 is not installed: SAM2_BUILD_CUDA=0 pip install --no-build-isolation sam2")
import rclpy
from processes import NAMESPACE, PATIENCE_S, Nodes, wait_for
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from fastreasonseg_ros.msg import Answer, SceneGraph
from fastreasonseg_ros.perception.vocabulary import MOST_ASKED
from fastreasonseg_ros.ros.client import ReasonSegClient
from fastreasonseg_ros.ros.images import image_to_msg, intrinsics_to_msg
from fastreasonseg_ros.ros.nodes.twin_node import TwinNode
from fastreasonseg_ros.ros.qos import reliable
from fastreasonseg_ros.srv import SetVocabulary
from fastreasonseg_ros.twin.types import CameraIntrinsics

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "test/perception/foundation"))
from tiny import clip, save_owlv2, save_sam2

SPACE = f"{NAMESPACE}/words"
CAMERA = CameraIntrinsics(120, 90, 100.0, 100.0, 60.0, 45.0)
START_S = 240.0  # torch, transformers and sam2 are imported by a process of its own, on a machine that does other work


@pytest.mark.parametrize("machine", ["workstation", "jetson", "cpu"])
def test_the_settings_of_each_machine_pass_the_nodes_parameters_and_name_what_is_missing(machine, monkeypatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    arguments = ["perceiver:=foundation", f"perceiver_config:={ROOT}/config/foundation_{machine}.yaml"]
    if machine != "cpu":
        assert "device is 'cuda', but torch sees none here; usable:" in configured(*arguments)
        arguments.append('perceiver_overrides:=["device=cpu"]')
    assert "`fastreasonseg models install google/owlv2-base-patch16-ensemble`" in configured(*arguments)


def configured(*parameters: str) -> str:
    """Why the node cannot be configured with these parameters; it is not ready then."""
    flat = [part for parameter in (*parameters, "autostart:=false") for part in ("-p", parameter)]
    rclpy.init(args=["--ros-args", "-r", f"__ns:={SPACE}/settings", *flat])
    node = TwinNode()
    try:
        node.trigger_configure()
        assert node.phase == "unconfigured"
        return node.problem
    finally:
        node.destroy_node()
        rclpy.shutdown()


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """Tiny random networks that look for nothing until a question brings words."""
    for name in ("owlv2", "sam2"):
        (tmp_path / name).mkdir()
    detector, segmenter = save_owlv2(tmp_path / "owlv2"), save_sam2(tmp_path / "sam2")
    content = {
        "device": "cpu",
        "default_words": False,
        "detector": {"model": detector.model, "threshold": detector.threshold, "max_boxes": 4, "nms_iou": 0.3},
        "segmenter": {k: getattr(segmenter, k) for k in ("model", "structure", "image_px")}
        | {"overrides": list(segmenter.overrides)},
        "depth": None,
        "tracks": {"merge_iou": 0.97},
        "keyframes": {"interval_s": 1000.0, "motion": 1.0},  # nothing but words makes a key frame
        "warm_up": None,
    }
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(content))
    return tmp_path / "tiny.yaml"


class Camera:
    """Publishes a clip over and over, five pictures a second."""

    def __init__(self, robot: ReasonSegClient) -> None:
        self._node, self._count, self._clip = robot.node, 0, clip(40, CAMERA.height, CAMERA.width)
        self._color = robot.node.create_publisher(Image, "color/image_raw", reliable(5))
        self._info = robot.node.create_publisher(CameraInfo, "color/camera_info", reliable(5))
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._ending.wait(0.2):
            header = Header(stamp=self._node.get_clock().now().to_msg(), frame_id="camera")
            self._info.publish(intrinsics_to_msg(CAMERA, header))
            self._color.publish(image_to_msg(self._clip[self._count % len(self._clip)], "rgb8", header))
            self._count += 1

    def close(self) -> None:
        self._ending.set()
        self._thread.join(PATIENCE_S)


def test_a_question_brings_its_words_to_perception_in_another_process_and_is_answered(settings: Path) -> None:
    nodes, camera = Nodes(settings.parent, SPACE), None
    nodes.start("twin_node", perceiver="foundation", perceiver_config=settings, depth_timeout_s=0.2)
    nodes.start("reasoning_node", look_timeout_s=START_S, query_timeout_s=2.0 * START_S, stale_after_s=START_S)
    try:
        with ReasonSegClient(SPACE) as robot:
            camera, twins = Camera(robot), []
            robot.on_twin(twins.append)

            def newest() -> SceneGraph | None:
                return twins[-1] if twins and twins[-1].status == Answer.OK else None

            wait_for(newest, START_S, f"a twin; {nodes.dead()}")
            assert (newest().open_vocabulary, list(newest().instances)) == (True, [])
            before, stages = newest().sequence, []
            answer = robot.reason("the corkscrew", lambda *stage: stages.append(stage), timeout_s=2 * START_S)
            assert answer.status == Answer.OK, answer.message
            assert answer.message.endswith("perception looked for corkscrew")
            assert ("looking", "corkscrew") in stages
            assert answer.twin_sequence > before
            assert {i.label for i in answer.instances} == {"corkscrew"}
            mask, _ = robot.mask(answer)
            assert 0 < np.count_nonzero(mask) < mask.size
            assert "looking" in {stage.stage for stage in answer.latency}

            # A client that stuffs perception with words: 32 are kept, what was set stays, and questions go on.
            assert list(robot.set_vocabulary(["wooden duck"]).added) == ["wooden duck"]
            many = SetVocabulary.Request(words=[f"thing {n}" for n in range(3000)], add=True, asked=True)
            reply = robot._run(robot._client.call(SetVocabulary, many, START_S))
            assert reply.status == Answer.OK
            assert len(reply.words) == MOST_ASKED + 1
            assert reply.words[0] == "wooden duck"
            wrong = SetVocabulary.Request(words=["?!"], asked=True)
            bad = robot._run(robot._client.call(SetVocabulary, wrong, START_S))
            assert (bad.status, list(bad.words)) == (Answer.BAD_INPUT, list(reply.words))
            again = robot.ask("the corkscrew", timeout_s=START_S)
            assert again.status in (Answer.OK, Answer.NO_MATCH), again.message
            assert not nodes.dead()
    finally:
        if camera is not None:
            camera.close()
        nodes.stop()
