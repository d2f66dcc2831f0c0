"""The twin and the answer survive the way through their messages; the numbers of both sides agree."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
from rclpy.serialization import deserialize_message, serialize_message
from std_msgs.msg import Header

from fastreasonseg_ros.errors import MissingDataError, Status
from fastreasonseg_ros.msg import Answer as AnswerMsg
from fastreasonseg_ros.msg import SceneGraph
from fastreasonseg_ros.plan.executor import execute
from fastreasonseg_ros.plan.parser import parse_plan
from fastreasonseg_ros.ros.conversions import (
    answer_from_msg,
    answer_to_msg,
    mask_from_twin,
    refusal_to_msg,
    twin_from_msg,
    twin_to_msg,
)
from fastreasonseg_ros.twin.resting import RestingPlace
from fastreasonseg_ros.twin.types import (
    Answer,
    ColorShare,
    Command,
    DigitalTwin,
    Instance,
    Plane,
    Query,
    Relation,
    TraceStep,
)

IDS = np.array([[0, 3, 3], [0, 0, 7]], np.uint16)
MUG = Instance(
    3, "mug", 0.75, "red", "cylinder", (1, 0, 3, 1), 0.5, 0.25, (0.5, 0.25, 1.0), (0.25, 0.125, 0.5), (0.0, 0.125),
    (0.0, 0.5, 0.0), 1.5, 1.0, 2.5, True, alternative_labels=("cup", "jar"),
    colors=(ColorShare("red", 0.75, "dark"), ColorShare("white", 0.25)), pose="leaning",
    past=(RestingPlace(1.0, (0.25, 0.5, 1.0), 7, "upright"), RestingPlace(2.0, (0.5, 0.25, 1.0))),
)  # fmt: skip
BARE = Instance(7, "plate", first_seen_s=0.0, last_seen_s=0.0, visible=False)
TWIN = DigitalTwin(
    (MUG, BARE), (Relation(3, "on", 7, 0.5),), 2.5, "camera", (3, 2), Plane((0.0, -1.0, 0.0), -0.5), IDS, 9
)


def over_the_wire(msg: AnswerMsg | SceneGraph):
    return deserialize_message(serialize_message(msg), type(msg))


def test_the_constants_of_the_message_equal_the_status_codes() -> None:
    constants = {
        n: getattr(AnswerMsg, n) for n in dir(AnswerMsg) if n.isupper() and isinstance(getattr(AnswerMsg, n), int)
    }
    assert constants == {s.name: int(s) for s in Status}


def test_a_twin_survives_its_message() -> None:
    back = twin_from_msg(over_the_wire(twin_to_msg(TWIN)))
    assert np.array_equal(back.ids, IDS)
    assert back.instances == TWIN.instances
    assert back.relations == TWIN.relations
    assert (back.stamp_s, back.frame_id, back.image_size, back.plane, back.sequence) == (
        TWIN.stamp_s, TWIN.frame_id, TWIN.image_size, TWIN.plane, TWIN.sequence,
    )  # fmt: skip


def test_a_refused_picture_brings_the_objects_as_they_were_marked_by_its_status() -> None:
    header = Header(frame_id="camera")
    msg = refusal_to_msg(TWIN, header, 8, Status.BAD_INPUT, "no depth")
    assert (msg.status, msg.message, msg.sequence, msg.header) == (Status.BAD_INPUT, "no depth", 8, header)
    assert [i.id for i in msg.instances] == [i.id for i in TWIN.instances]
    assert not msg.instance_ids.data
    assert len(refusal_to_msg(None, header, 1, Status.BAD_INPUT, "no depth").instances) == 0


def test_relative_depth_survives_and_orders_things_but_measures_none() -> None:
    near, far = (
        Instance(n, "mug", box_xyxy=(n, 0, n + 9, 9), nearness=value, first_seen_s=0.0, last_seen_s=0.0)
        for n, value in ((1, 0.875), (2, 0.25))
    )
    msg = over_the_wire(twin_to_msg(DigitalTwin((far, near))))
    assert [i.nearness for i in msg.instances] == [0.25, 0.875]
    assert all(math.isnan(i.depth_mean) and math.isnan(i.center.z) for i in msg.instances)
    back = twin_from_msg(msg)
    assert back.instances == (far, near)
    result = execute(parse_plan("a = nearest(all, camera)"), back)
    assert result.ids == (1,)
    assert "depth is relative, without metres" in result.trace[0].note
    with pytest.raises(MissingDataError, match="use a depth camera or a metric depth model"):
        execute(parse_plan("a = approaching(all, camera)"), back)
    assert math.isnan(twin_to_msg(TWIN).instances[0].nearness)


def test_a_twin_without_masks_and_plane_stays_without() -> None:
    back = twin_from_msg(over_the_wire(twin_to_msg(DigitalTwin((BARE,)))))
    assert back.ids is None
    assert back.plane is None
    assert back.begun_s is None


def test_the_beginning_of_a_twin_survives_its_message() -> None:
    back = twin_from_msg(over_the_wire(twin_to_msg(replace(TWIN, begun_s=1.25))))
    assert back.begun_s == pytest.approx(1.25, abs=1e-9)


def test_what_perception_did_without_survives_its_message_and_a_refusal_is_none_of_it() -> None:
    noted = replace(TWIN, note="the picture has no depth")
    assert twin_from_msg(over_the_wire(twin_to_msg(noted))).note == "the picture has no depth"
    refused = refusal_to_msg(TWIN, Header(), 8, Status.STALE, "the camera is covered")
    assert twin_from_msg(over_the_wire(refused)).note == ""


def test_what_is_unknown_is_nan_or_empty_in_the_message() -> None:
    msg = twin_to_msg(TWIN).instances[1]
    assert msg.color == ""
    assert msg.box.width == 0
    assert all(math.isnan(v) for v in (msg.depth_mean, msg.center.x, msg.size.z, msg.velocity.y, msg.elevation_top))


def test_an_answer_survives_its_message_and_brings_its_objects_but_no_mask() -> None:
    answer = Answer(
        Query("the mug", "q1"), Status.OK, "1 object", (3,), "It is a mug.", "a = find(label=mug)",
        (TraceStep("a", "find(label=mug)", (3,), "note"),), 2.5, 9, "student", {"reasoning": 12.5},
    )  # fmt: skip
    msg = over_the_wire(answer_to_msg(answer, TWIN))
    assert answer_from_msg(msg) == answer
    assert [i.label for i in msg.instances] == ["mug"]
    assert "mask" not in AnswerMsg.get_fields_and_field_types()


def test_the_mask_of_an_answer_is_made_from_its_twin() -> None:
    msg = over_the_wire(twin_to_msg(TWIN))
    assert np.array_equal(mask_from_twin(msg, (3,)), np.where(IDS == 3, 255, 0))
    assert np.array_equal(mask_from_twin(msg, ()), np.zeros((2, 3), np.uint8))
    assert mask_from_twin(over_the_wire(twin_to_msg(DigitalTwin((BARE,)))), (7,)) is None


def test_an_answer_is_small_whatever_the_size_of_the_picture() -> None:
    large = replace(TWIN, image_size=(640, 480), ids=np.full((480, 640), 3, np.uint16))
    for status, ids in ((Status.OK, (3,)), (Status.NO_MATCH, ())):
        answer = Answer(Query("the mug", "q1"), status, "1 object", ids, plan="a = find(label=mug)")
        assert len(serialize_message(answer_to_msg(answer, large))) < 2000


def test_plans_need_no_id_image_and_it_is_left_out_on_request() -> None:
    back = twin_from_msg(over_the_wire(twin_to_msg(TWIN)), with_ids=False)
    assert back.ids is None
    assert back.instances == TWIN.instances


def test_an_answer_to_commands_survives_the_message_with_both_ends():
    commands = (Command((1,), "on", (2,)), Command((2,), "near", (), "camera"))
    answer = Answer(Query("put it there"), Status.OK, "1 on 2", ids=(1,), commands=commands)
    twin = DigitalTwin((Instance(1, "cup"), Instance(2, "tray")))
    msg = answer_to_msg(answer, twin)
    assert (list(msg.destination_ids), msg.relation, msg.commands[1].reference) == ([2], "on", "camera")
    assert [i.label for i in msg.destinations] == ["tray"]
    assert answer_from_msg(msg).commands == commands
