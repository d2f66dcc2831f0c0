"""Twins of another publisher whose values cannot be: dropped and reported, and nothing else is lost."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import Vector3
from in_process import node_and_user
from processes import wait_for
from rclpy.node import Node
from rclpy.publisher import Publisher
from sensor_msgs.msg import Image
from std_msgs.msg import Header, String

from fastreasonseg_ros.errors import Status
from fastreasonseg_ros.msg import Answer, Command, Relation, SceneGraph
from fastreasonseg_ros.msg import Instance as InstanceMsg
from fastreasonseg_ros.ros.conversions import answer_to_msg, twin_from_msg, twin_to_msg
from fastreasonseg_ros.ros.images import time_from_s
from fastreasonseg_ros.ros.nodes import reasoning_node
from fastreasonseg_ros.ros.nodes.mask_node import MaskNode
from fastreasonseg_ros.ros.qos import latched, reliable
from fastreasonseg_ros.srv import Watch
from fastreasonseg_ros.twin.types import Answer as CoreAnswer
from fastreasonseg_ros.twin.types import DigitalTwin, Instance, Query

IDS = np.zeros((48, 64), np.uint16)
IDS[10:20, 5:15] = 1


class Dictated:
    """A language model that always finds the mug."""

    name = "dictated"

    def generate(self, prompt, grammar, on_text=None) -> str:
        return "A mug.\na = find(label=mug)"


def good(sequence: int) -> SceneGraph:
    header = Header(stamp=time_from_s(float(sequence)), frame_id="camera")
    return twin_to_msg(DigitalTwin((Instance(1, "mug"),), (), 0.0, "camera", (64, 48), None, IDS, sequence), header)


def negative_size(msg: SceneGraph) -> None:
    msg.instances[0].size = Vector3(x=-0.1, y=0.1, z=0.1)


def infinite_place(msg: SceneGraph) -> None:
    msg.instances[0].center.x, msg.instances[0].center.y, msg.instances[0].center.z = float("inf"), 0.0, 1.0


def same_id_twice(msg: SceneGraph) -> None:
    msg.instances = [msg.instances[0], msg.instances[0]]


def relation_to_nothing(msg: SceneGraph) -> None:
    msg.relations = [Relation(subject=1, predicate="on", object=9, score=1.0)]


def status_that_is_none(msg: SceneGraph) -> None:
    msg.status = 200


@dataclass
class World:
    node: Node
    user: Node
    statuses: dict[str, DiagnosticStatus] = field(default_factory=dict)

    def diagnosed(self, array: DiagnosticArray) -> None:
        for status in array.status:
            self.statuses[status.name.split(": ")[-1]] = status

    def values(self, part: str) -> dict[str, str]:
        status = self.statuses.get(part)
        return {} if status is None else {v.key: v.value for v in status.values}


@contextlib.contextmanager
def spinning(make: Callable[[], Node], space: str):
    with node_and_user(make, space, "-p", "diagnostics_period_s:=0.1") as (node, user):
        world = World(node, user)
        user.create_subscription(DiagnosticArray, "/diagnostics", world.diagnosed, 10)
        yield world


@pytest.fixture
def reasoning(monkeypatch: pytest.MonkeyPatch, tmp_path):
    monkeypatch.setenv("ROS_HOME", str(tmp_path))
    monkeypatch.setattr(reasoning_node, "load_models", lambda settings: (Dictated(), None))
    with spinning(reasoning_node.ReasoningNode, "foreign_reasoning") as world:
        yield world


@pytest.fixture
def masks():
    with spinning(MaskNode, "foreign_masks") as world:
        yield world


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (negative_size, "instance 1 (mug): size_m: sides must be finite and not negative"),
        (infinite_place, "center_m"),
        (same_id_twice, "1 is used twice"),
        (relation_to_nothing, "no instance has id 9"),
        (status_that_is_none, "SceneGraph: status: must be one of 0 (OK)"),
    ],
)
def test_reasoning_drops_a_twin_that_cannot_be_says_so_and_goes_on_with_the_next(
    reasoning: World, spoil: Callable[[SceneGraph], None], named: str
) -> None:
    answers: list[Answer] = []
    reasoning.user.create_subscription(Answer, "answer", answers.append, reliable(64))
    twins = reasoning.user.create_publisher(SceneGraph, "twin", latched(5))
    watch = reasoning.user.create_client(Watch, "watch")
    wait_for(lambda: twins.get_subscription_count() and watch.service_is_ready(), what="reasoning_node")
    twins.publish(good(1))
    first = wait_for(watch.call_async(Watch.Request(text="the mug", query_id="w")).result, what="an answer").answer
    assert (first.status, list(first.ids)) == (Answer.OK, [1])
    bad = good(2)
    spoil(bad)
    twins.publish(bad)
    wait_for(lambda: reasoning.values("questions").get("errors: invalid twin") == "1", what="a diagnostic")
    status = reasoning.statuses["questions"]
    assert status.level == DiagnosticStatus.WARN
    assert status.message.startswith("twin 2 is dropped: ")
    assert named in status.message
    twins.publish(good(3))
    wait_for(lambda: [a for a in answers if a.standing and a.twin_sequence == 3], what="an answer about the next twin")
    assert 2 not in {a.twin_sequence for a in answers}


def talking_to(masks: World) -> tuple[Publisher, Publisher, list[Image]]:
    """Publishers of twins and of answers that mask_node hears, and the masks that it makes of them."""
    shown: list[Image] = []
    masks.user.create_subscription(Image, "mask", shown.append, reliable(64))
    twins = masks.user.create_publisher(SceneGraph, "twin", latched(5))
    answers = masks.user.create_publisher(Answer, "answer", reliable(64))
    wait_for(lambda: twins.get_subscription_count() and answers.get_subscription_count(), what="mask_node")
    wait_for(lambda: masks.node.count_subscribers("mask"), what="a subscription to mask")
    return twins, answers, shown


def test_masks_are_made_of_the_twins_around_one_that_cannot_be(masks: World) -> None:
    twins, answers, shown = talking_to(masks)
    first = good(1)
    twins.publish(first)
    answers.publish(answer_to_msg(CoreAnswer(Query("the mug", "q"), Status.OK, "", (1,)), None, first.header))
    wait_for(lambda: shown, what="the first mask")
    bad = good(2)
    negative_size(bad)
    twins.publish(bad)
    wait_for(lambda: masks.values("masks").get("errors: invalid twin") == "1", what="a diagnostic")
    twins.publish(good(3))
    wait_for(lambda: [m for m in shown if m.header.stamp.sec == 3], what="a mask of the next twin")
    assert 2 not in {m.header.stamp.sec for m in shown}


def test_an_answer_that_cannot_be_is_dropped_and_one_of_a_status_to_come_is_shown(masks: World) -> None:
    texts: list[String] = []
    masks.user.create_subscription(String, "answer_text", texts.append, latched())
    answers = masks.user.create_publisher(Answer, "answer", reliable(64))
    wait_for(lambda: answers.get_subscription_count(), what="mask_node")
    answers.publish(Answer(query_id="bad", text="the mug", ids=[0], instances=[InstanceMsg()]))
    wait_for(lambda: masks.values("masks").get("errors: invalid answer") == "1", what="a diagnostic")
    assert masks.statuses["masks"].message.startswith("the answer to 'bad' is dropped: ")
    answers.publish(Answer(query_id="new", text="the mug", status=200))
    wait_for(lambda: texts and "status 200" in texts[-1].data, what="the text of the next answer")


def test_a_twin_that_cannot_be_takes_no_answer_with_it(masks: World) -> None:
    twins, answers, shown = talking_to(masks)
    bad, next_one = good(1), good(2)
    same_id_twice(bad)
    for twin in (bad, next_one):
        told = Answer(header=twin.header, query_id="q", text="put the mug there", ids=[1])
        told.commands = [Command(ids=[1], relation="on", destination_ids=[1])]
        answers.publish(told)
        twins.publish(twin)
    wait_for(lambda: shown, what="a mask of the good twin")
    assert {m.header.stamp.sec for m in shown} == {2}
    wait_for(lambda: masks.values("masks").get("errors: invalid twin") == "1", what="a diagnostic")


def test_what_was_found_in_a_twin_is_not_looked_for_in_one_that_began_anew(masks: World) -> None:
    twins, answers, shown = talking_to(masks)

    def found_in(twin: SceneGraph) -> None:
        twins.publish(twin)
        answers.publish(answer_to_msg(CoreAnswer(Query("the mug", "q"), Status.OK, "", (1,)), None, twin.header))
        wait_for(lambda: [m for m in shown if m.header.stamp == twin.header.stamp], what="a mask")

    found_in(good(1))
    anew = good(2)
    anew.begun = anew.header.stamp  # id 1 is another thing now
    twins.publish(anew)
    again = good(3)
    again.begun = anew.begun
    found_in(again)
    assert {m.header.stamp.sec for m in shown} == {1, 3}


def test_a_plane_of_numbers_that_are_not_known_is_no_plane() -> None:
    msg = good(1)
    msg.plane_normal = Vector3(x=float("nan"), y=float("nan"), z=float("nan"))
    assert twin_from_msg(msg).plane is None
