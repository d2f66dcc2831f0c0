"""Masks, targets and markers say which question they belong to; the plain topics are of the selected question."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
from geometry_msgs.msg import PoseStamped
from in_process import node_and_user
from processes import wait_for
from rclpy.node import Node
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from visualization_msgs.msg import MarkerArray

from fastreasonseg_ros.errors import Status
from fastreasonseg_ros.msg import Answer as AnswerMsg
from fastreasonseg_ros.msg import AnswerMask, AnswerTarget, SceneGraph
from fastreasonseg_ros.ros.conversions import answer_to_msg, twin_to_msg
from fastreasonseg_ros.ros.images import image_to_msg, time_from_s
from fastreasonseg_ros.ros.nodes.mask_node import MaskNode
from fastreasonseg_ros.ros.outputs.answer_outputs import TargetSelection, target_of
from fastreasonseg_ros.ros.qos import latched, reliable
from fastreasonseg_ros.srv import Select
from fastreasonseg_ros.twin.types import Answer, Command, DigitalTwin, Instance, Query

OK = AnswerMsg.OK
IDS = np.zeros((48, 64), np.uint16)
IDS[10:20, 5:15], IDS[10:20, 30:50] = 1, 2
PLATE = Instance(2, "plate", center_m=(0.3, 0.1, 0.9), size_m=(0.2, 0.02, 0.2))
THINGS = (Instance(1, "mug", center_m=(0.0, 0.1, 0.8)), PLATE)
HEADER = Header(stamp=time_from_s(5.0), frame_id="camera")
TWIN = DigitalTwin(THINGS, (), 5.0, "camera", (64, 48), None, IDS, 7)


@pytest.fixture
def world():
    with node_and_user(MaskNode, "mask", threads=4) as world:
        yield world


class Planner:
    """Publishes answers and twins, and keeps what mask_node publishes of them."""

    KINDS = {  # noqa: RUF012
        "mask": Image, "answer_mask": AnswerMask, "target": PoseStamped, "place": PoseStamped,
        "answer_target": AnswerTarget,
    }  # fmt: skip

    def __init__(self, node: MaskNode, user: Node, *topics: str) -> None:
        self.node, self.user, self.sequence = node, user, 0
        self.got: dict[str, list] = {topic: [] for topic in topics}
        for topic in topics:
            kind = self.KINDS.get(topic, MarkerArray)
            user.create_subscription(kind, topic, self.got[topic].append, reliable(64))
        self.answers = user.create_publisher(AnswerMsg, "answer", reliable(64))
        self.twins = user.create_publisher(SceneGraph, "twin", latched())
        self.choose = user.create_client(Select, "select")
        wait_for(
            lambda: self.answers.get_subscription_count() and self.twins.get_subscription_count(), what="mask_node"
        )
        wait_for(lambda: all(node.count_subscribers(topic) for topic in topics), what="subscriptions")
        wait_for(self.choose.service_is_ready, what="the service select")

    def twin(self, stamp_s: float, ids: np.ndarray = IDS) -> Header:
        """Publishes a twin; its header."""
        self.sequence += 1
        header = Header(stamp=time_from_s(stamp_s), frame_id="camera")
        self.twins.publish(
            twin_to_msg(DigitalTwin(THINGS, (), stamp_s, "camera", (64, 48), None, ids, self.sequence), header)
        )
        wait_for(lambda: self.node._twins.at(header) is not None, what="the twin to come")  # the topic keeps one only
        return header

    def answer(
        self, query_id: str, ids: tuple[int, ...], header: Header, standing: bool = False,
        things: tuple[Instance, ...] = THINGS, status: Status = Status.OK, commands: tuple[Command, ...] = (),
    ) -> None:  # fmt: skip
        twin = DigitalTwin(things, (), 0.0, "camera", (64, 48))
        answer = Answer(Query(f"text of {query_id}", query_id), status, "found", ids, commands=commands)
        msg = answer_to_msg(answer, twin, header)
        msg.standing = standing
        self.answers.publish(msg)

    def select(self, query_id: str) -> Select.Response:
        return wait_for(self.choose.call_async(Select.Request(query_id=query_id)).result, what="a reply of select")


def pixels(image: Image) -> np.ndarray:
    return np.frombuffer(bytes(image.data), np.uint8).reshape(image.height, -1)


def test_an_answer_becomes_a_mask_of_its_twin_and_follows_into_further_ones(world) -> None:
    planner = Planner(*world, "mask", "target")
    masks, targets = planner.got["mask"], planner.got["target"]
    header = planner.twin(5.0)
    planner.answer("q1", (1,), header)
    wait_for(lambda: masks and targets, what="a mask and a target")
    assert np.array_equal(pixels(masks[0]) > 0, IDS == 1)
    assert (masks[0].header, targets[0].pose.position.z) == (header, 0.8)
    later = planner.twin(6.0, np.roll(IDS, 5, axis=1))
    wait_for(lambda: len(masks) > 1, what="a mask of the next twin")
    assert masks[-1].header == later
    assert np.array_equal(pixels(masks[-1]) > 0, np.roll(IDS == 1, 5, axis=1))


def test_a_target_needs_no_twin_and_a_mask_waits_for_the_one_of_its_stamp(world) -> None:
    planner = Planner(*world, "mask", "target")
    planner.answer("w", (2,), HEADER, standing=True)
    wait_for(lambda: planner.got["target"], what="a target of an answer whose twin has not come")
    assert planner.got["mask"] == []
    planner.twin(5.0)
    wait_for(lambda: planner.got["mask"], what="its mask")
    assert planner.got["mask"][0].header == HEADER
    assert np.array_equal(pixels(planner.got["mask"][0]) > 0, IDS == 2)


def test_answers_of_two_standing_questions_do_not_alternate_on_target_and_mask(world) -> None:
    planner = Planner(*world, "mask", "target", "answer_mask", "answer_target")
    for n in range(6):
        header = planner.twin(5.0 + n)
        planner.answer("a", (1,), header, standing=True)
        planner.answer("b", (2,), header, standing=True)
    got = planner.got  # every answer by its id
    wait_for(lambda: len(got["answer_mask"]) == 12 and len(got["answer_target"]) == 12, what="every answer by its id")
    assert [t.query_id for t in got["answer_target"]] == ["a", "b"] * 6
    assert {t.query_id: t.pose.position.z for t in got["answer_target"]} == {"a": 0.8, "b": 0.9}
    for msg in got["answer_mask"]:
        assert np.array_equal(pixels(msg.mask) > 0, {"a": 1, "b": 2}[msg.query_id] == IDS)
    # "b" was asked last: from its first answer on, the plain topics are of it alone.
    wait_for(lambda: len(got["target"]) >= 7 and len(got["mask"]) >= 7, what="targets and masks")
    assert [p.pose.position.z for p in got["target"]] == [0.8] + [0.9] * 6
    assert all(np.array_equal(pixels(m) > 0, IDS == 2) for m in got["mask"][1:])
    assert [t.selected for t in got["answer_target"]] == [True, True] + [False, True] * 5


def test_target_and_mask_are_of_the_question_that_was_chosen(world) -> None:
    planner = Planner(*world, "mask", "target")
    header = planner.twin(5.0)
    planner.answer("a", (1,), header, standing=True)
    planner.answer("b", (2,), header, standing=True)
    wait_for(lambda: len(planner.got["target"]) == 2, what="both first answers")
    reply = planner.select("a")
    assert (reply.status, reply.selected) == (OK, "a")
    planner.answer("one-off", (2,), header)
    for n in range(3):
        header = planner.twin(6.0 + n)
        planner.answer("a", (1,), header, standing=True)
        planner.answer("b", (2,), header, standing=True)
    wait_for(lambda: len(planner.got["target"]) >= 5 and len(planner.got["mask"]) >= 5, what="three further answers")
    assert [p.pose.position.z for p in planner.got["target"][2:]] == [0.8] * 3
    assert all(np.array_equal(pixels(m) > 0, IDS == 1) for m in planner.got["mask"][2:])
    assert planner.select("").selected == "one-off"  # again the one that was asked last


def test_a_one_off_answer_stays_when_answers_to_standing_questions_come(world) -> None:
    planner = Planner(*world, "target")
    targets = planner.got["target"]
    header = planner.twin(5.0)
    planner.answer("stands", (2,), header, standing=True)
    wait_for(lambda: targets, what="the standing answer")
    planner.answer("one-off", (1,), header)
    wait_for(lambda: len(targets) == 2, what="the one-off answer")
    for n in range(4):
        header = planner.twin(6.0 + n)
        planner.answer("stands", (2,), header, standing=True)
    wait_for(lambda: len(targets) == 6, what="the one-off answer in every further twin")
    assert [t.pose.position.z for t in targets] == [0.9] + [0.8] * 5
    planner.answer("another", (2,), header)
    wait_for(lambda: len(targets) == 7, what="the next question")
    assert targets[-1].pose.position.z == 0.9


def test_a_question_that_was_ended_gives_its_place_back_and_its_markers_go(world) -> None:
    planner = Planner(*world, "target", "markers")
    header = planner.twin(5.0)
    planner.answer("a", (1,), header, standing=True)
    planner.answer("b", (2,), header, standing=True)
    wait_for(lambda: len(planner.got["markers"]) == 2, what="markers of both")
    assert [{m.ns for m in array.markers} for array in planner.got["markers"]] == [
        {"a/box", "a/text"},
        {"b/box", "b/text"},
    ]
    planner.answer("b", (), header, status=Status.CANCELLED)
    wait_for(lambda: len(planner.got["markers"]) == 3, what="the end of b")
    assert {(m.ns, m.action) for m in planner.got["markers"][-1].markers} == {("b/box", 2), ("b/text", 2)}
    planner.answer("a", (1,), planner.twin(6.0), standing=True)
    wait_for(lambda: len(planner.got["target"]) == 3, what="a target of the question that is left")
    assert planner.got["target"][-1].pose.position.z == 0.8


def test_a_command_has_a_place_to_put_things_and_a_mask_of_the_destination(world) -> None:
    planner = Planner(*world, "place", "answer_mask", "target")
    places, masks = planner.got["place"], planner.got["answer_mask"]
    header = planner.twin(5.0)
    planner.answer("put", (1,), header, commands=(Command((1,), "on", (2,)),))
    wait_for(lambda: places and masks, what="a place and masks")
    at = places[0].pose.position
    assert (at.x, at.y, at.z) == pytest.approx((0.3, 0.09, 0.9))  # on the plate, which is 2 cm high; y points down
    assert places[0].header == header
    assert np.array_equal(pixels(masks[0].mask) > 0, IDS == 1)
    assert np.array_equal(pixels(masks[0].destination_mask) > 0, IDS == 2)
    planner.answer("what", (2,), header)
    wait_for(lambda: len(masks) == 2, what="the mask of a question")
    assert not masks[1].destination_mask.data
    assert len(places) == 1


def test_of_several_found_things_the_target_is_the_first_one_in_view(world) -> None:
    hidden, shown = replace(THINGS[0], visible=False), THINGS[1]
    assert target_of((hidden, shown)) is shown
    assert (target_of((hidden,)), target_of((Instance(3, "fog"),))) == (hidden, None)
    planner = Planner(*world, "target", "answer_target")
    planner.answer("q", (1, 2), HEADER, things=(hidden, shown))
    wait_for(lambda: planner.got["target"], what="a target")
    assert planner.got["target"][0].pose.position.z == 0.9
    planner.answer("r", (1,), HEADER, things=(hidden, shown))  # the last known place, which nobody should grasp at
    wait_for(lambda: len(planner.got["answer_target"]) == 2, what="the place by its id")
    last = planner.got["answer_target"][-1]
    assert (last.query_id, last.id, last.label, last.visible, last.pose.position.z) == ("r", 1, "mug", False, 0.8)
    planner.answer("s", (2,), HEADER)
    wait_for(lambda: len(planner.got["target"]) == 2, what="the next target")  # none of "r" came between


@pytest.mark.parametrize("status", [Status.NO_MATCH, Status.TIMED_OUT])
def test_a_question_that_found_nothing_leaves_no_target_of_an_older_one(world, status: Status) -> None:
    planner = Planner(*world, "target")
    header = planner.twin(5.0)
    planner.answer("old", (1,), header)
    wait_for(lambda: planner.got["target"], what="a target")
    planner.answer("new", (), header, status=status)
    wait_for(lambda: planner.node._selection.selected == "new", what="the new question")  # topics have no order
    planner.answer("stands", (2,), planner.twin(6.0), standing=True)
    wait_for(lambda: planner.got["target"][-1].pose.position.z == 0.9, what="the target of a later question")
    assert [t.pose.position.z for t in planner.got["target"]] == [0.8, 0.9]


def test_masks_are_made_only_while_somebody_subscribes_to_them(world) -> None:
    node, user = world
    planner = Planner(node, user, "target")
    for n in range(5):
        planner.answer("w", (1,), planner.twin(5.0 + n), standing=True)
    wait_for(lambda: len(planner.got["target"]) == 5, what="the answers")
    assert "mask p50 (ms)" not in node.meter.values()


def test_the_rule_of_selection() -> None:
    selection = TargetSelection()
    assert selection.selected == ""
    for query_id, standing, expected in (
        ("a", True, "a"), ("b", True, "b"), ("a", True, "b"), ("q1", False, "q1"), ("a", True, "q1"),
        ("q2", False, "q2"), ("c", True, "c"), ("b", True, "c"),
    ):  # fmt: skip
        selection.answered(query_id, query_id, standing)
        assert selection.selected == expected, query_id
    selection.answered("a", "another text under the same id", True)
    assert selection.selected == "a"
    for query_id, left in (("a", "c"), ("c", "b"), ("b", "")):
        assert selection.ended(query_id)
        assert selection.selected in (left, "q2")
    selection.chosen = "x"
    assert selection.selected == "x"
    for n in range(1000):
        selection.answered(f"w{n}", "", True)
    assert len(selection._asked) <= 64


def test_pictures_are_subscribed_to_only_while_somebody_looks_at_the_overlay(world) -> None:
    node, user = world
    answers = user.create_publisher(AnswerMsg, "answer", reliable())
    twins = user.create_publisher(SceneGraph, "twin", latched())
    pictures = user.create_publisher(Image, "color/image_raw", reliable())
    wait_for(lambda: answers.get_subscription_count() and twins.get_subscription_count(), what="mask_node")
    assert pictures.get_subscription_count() == 0

    overlays: list[Image] = []
    view = user.create_subscription(Image, "overlay", overlays.append, reliable())
    wait_for(lambda: pictures.get_subscription_count() == 1, what="a subscription to pictures")
    answer = answer_to_msg(Answer(Query("the mug"), Status.OK, "1 object: 1", (1,)), TWIN, HEADER)
    answers.publish(answer)
    twins.publish(twin_to_msg(TWIN, HEADER))
    wait_for(lambda: "without overlay: picture was missed" in node.meter.values(), what="a miss that is counted")
    pictures.publish(image_to_msg(np.zeros((48, 64, 3), np.uint8), "rgb8", HEADER))
    twins.publish(twin_to_msg(TWIN, HEADER))
    answer.standing = True

    def drawn() -> bool:
        answers.publish(answer)  # until its picture and its twin have come: topics have no order among them
        return bool(overlays)

    wait_for(drawn, what="an overlay")
    assert overlays[0].header == HEADER
    assert pixels(overlays[0]).reshape(48, 64, 3)[IDS == 1].any(), "the mug is not painted"

    user.destroy_subscription(view)
    wait_for(lambda: pictures.get_subscription_count() == 0, what="the end of the subscription to pictures")
