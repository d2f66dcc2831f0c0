"""rviz and Foxglove show what the nodes publish: every topic and service in the views is one of theirs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
from geometry_msgs.msg import Point
from std_msgs.msg import Header

from fastreasonseg_ros.msg import Answer, Instance, SceneGraph, TraceStep
from fastreasonseg_ros.ros.outputs.rviz_markers import AnswerMarkers, as_text
from fastreasonseg_ros.srv import QueryScene, Watch
from fastreasonseg_ros.twin.types import Instance as TwinInstance

ROOT = Path(__file__).parents[2]
SOURCES = "\n".join(p.read_text() for p in (ROOT / "src/fastreasonseg_ros/ros").rglob("*.py"))
TOPICS = {*re.findall(r'(?:self|node)\.publisher\(\s*\w+, "([^"]+)"', SOURCES), "diagnostics"}


def leaves(value, key: str) -> list:
    """Values under that key, at any depth."""
    if isinstance(value, dict):
        return [v for k, v in value.items() if k == key] + [x for v in value.values() for x in leaves(v, key)]
    return [x for v in value for x in leaves(v, key)] if isinstance(value, list) else []


def panels(node) -> list[str]:
    return [node] if isinstance(node, str) else [p for side in ("first", "second") for p in panels(node[side])]


def test_rviz_shows_topics_that_the_nodes_publish() -> None:
    view = yaml.safe_load((ROOT / "rviz/fastreasonseg.rviz").read_text())
    topics = {t["Value"] for t in leaves(view, "Topic")}
    assert {"overlay", "mask", "markers", "target"} <= topics
    assert topics <= TOPICS


def test_foxglove_shows_topics_that_the_nodes_publish_and_each_panel_once() -> None:
    layout = json.loads((ROOT / "foxglove/fastreasonseg.json").read_text())
    config = layout["configById"]
    shown = {p.split(".")[0] for key in ("imageTopic", "calibrationTopic", "topicPath", "topicToRender")
             for p in leaves(config, key)}  # fmt: skip
    shown |= set(config["3D!scene"]["topics"])
    shown |= {p["value"].split(".")[0] for p in config["Plot!latency"]["paths"]}
    topics = {t.removeprefix("/").removeprefix("reasonseg/") for t in shown}
    assert {t for t in shown if not t.startswith("/reasonseg/")} == {"/diagnostics"}
    assert {"overlay", "markers", "answer_text", "diagnostics"} <= topics
    assert topics <= TOPICS
    placed = panels(layout["layout"]) + [p for tab in config["Tab!details"]["tabs"] for p in panels(tab["layout"])]
    assert sorted(placed) == sorted(config)


@pytest.mark.parametrize(("panel", "kind"), [("query", QueryScene), ("watch", Watch)])
def test_what_foxglove_asks_is_a_request_of_the_service(panel: str, kind: type) -> None:
    config = json.loads((ROOT / "foxglove/fastreasonseg.json").read_text())["configById"][f"CallService!{panel}"]
    assert config["serviceName"] == f"/reasonseg/{panel}"
    assert set(json.loads(config["requestPayload"])) == set(kind.Request.get_fields_and_field_types())


def test_foxglove_plots_fields_that_the_messages_have() -> None:
    assert "latency" in Answer.get_fields_and_field_types()
    assert {"latency", "instances"} <= set(SceneGraph.get_fields_and_field_types())


def test_an_answer_reads_as_text() -> None:
    answer = Answer(text="the mug", status=Answer.OK, message="1 object: 3", ids=[3], reason="It is a mug.")
    answer.instances = [Instance(id=3, label="mug", color="red", center=Point())]
    answer.steps = [
        TraceStep(name="a", expression="find(label=mug)", ids=[3]),
        TraceStep(name="b", expression="left_of(a, a)"),
    ]
    assert as_text(answer).splitlines() == [
        "Q: the mug",
        "OK: 3 red mug",
        "because: It is a mug.",
        "  a = find(label=mug): 3 red mug",
        "  b = left_of(a, a): nothing",
    ]


def test_an_answer_of_nothing_says_why_in_text_and_clears_the_markers_of_its_question() -> None:
    none = Answer(text="the cat", status=Answer.NO_MATCH, message="nothing in the scene fits")
    assert as_text(none).splitlines()[1] == "NO_MATCH: nothing in the scene fits"
    markers = AnswerMarkers()
    markers.update("q1", [TwinInstance(1, "mug", center_m=(0.0, 0.1, 0.8))], Header())
    markers.update("q2", [TwinInstance(1, "mug", center_m=(0.0, 0.1, 0.8))], Header())
    gone = markers.update("q1", [], Header()).markers
    assert [(m.ns, m.id, m.action) for m in gone] == [("q1/box", 1, 2), ("q1/text", 1, 2)]  # DELETE: q2's stay
    assert markers.update("q1", [], Header()).markers == []


def test_an_object_without_a_known_place_has_no_marker() -> None:
    placed = TwinInstance(1, "mug", center_m=(0.0, 0.1, 0.8), size_m=(0.08, 0.1, 0.08))
    shown = AnswerMarkers().update("q1", [TwinInstance(2, "cup"), placed], Header(frame_id="camera")).markers
    assert [(m.ns, m.id) for m in shown] == [("q1/box", 1), ("q1/text", 1)]
    assert shown[1].text == "1 mug"
    assert (shown[0].scale.y, shown[0].pose.position.z) == (0.1, 0.8)
