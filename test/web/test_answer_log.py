"""Which answers the page lists, which one it shows, and how messages read there."""

from __future__ import annotations

import math

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
from fastreasonseg_ros.errors import status_name
from fastreasonseg_ros.msg import Answer, Command, Instance, SceneGraph, TraceStep
from fastreasonseg_ros.web import texts
from fastreasonseg_ros.web.answer_log import KEPT, KEPT_OF_ONE, AnswerLog


def answer(query_id: str, ids: tuple[int, ...] = (), standing: bool = False, status: int = Answer.OK) -> Answer:
    return Answer(query_id=query_id, text=f"text of {query_id}", ids=list(ids), standing=standing, status=status)


def test_of_a_standing_question_the_history_keeps_what_is_new() -> None:
    log = AnswerLog()
    for ids in ((1,), (1,), (2,), (2,), (1,)):
        entry = log.add(answer("w1", ids, standing=True))
    assert [list(e.answer.ids) for e in log.history] == [[1], [2], [1]]
    assert list(log.standing) == ["w1"]
    assert log.standing["w1"] is entry
    assert list(entry.answer.ids) == [1]


def test_a_standing_question_that_changes_all_the_time_does_not_displace_the_others() -> None:
    log = AnswerLog()
    log.add(answer("q1", (7,)))
    for n in range(2 * KEPT):
        log.add(answer("w1", (n % 2,), standing=True))
    assert [e.answer.query_id for e in log.history] == ["q1", *["w1"] * KEPT_OF_ONE]


def test_a_reply_and_the_same_answer_from_the_topic_are_one() -> None:
    log = AnswerLog()
    first = log.add(answer("q1", (1,)))
    assert log.add(answer("q1", (1,))) is first
    assert log.add(answer("q1", (1,), status=Answer.NO_MATCH)) is not first  # the node was started again
    assert len(log.history) == 2


def test_the_newest_question_is_the_one_that_was_asked_last() -> None:
    log = AnswerLog()
    assert log.newest is None
    one_off = log.add(answer("q1"))
    assert log.newest is one_off
    standing = log.add(answer("w1", (1,), standing=True))
    assert log.newest is standing
    second = log.add(answer("q2"))
    log.add(answer("w1", (2,), standing=True))  # a further answer is no new question
    assert log.newest is second
    log.add(answer("q3", status=Answer.CANCELLED))
    assert log.newest is second


def test_a_question_that_was_ended_stands_no_more() -> None:
    log = AnswerLog()
    log.add(answer("w1", (1,), standing=True))
    log.add(answer("w1", status=Answer.CANCELLED))
    assert log.standing == {}
    assert log.history[-1].answer.status == Answer.CANCELLED
    log.forget("never there")


def test_entries_are_found_by_number_while_they_are_listed() -> None:
    log = AnswerLog()
    first = log.add(answer("q0"))
    assert log.entry(first.number) is first
    for n in range(KEPT):
        log.add(answer(f"q{n + 1}"))
    assert log.entry(first.number) is None


def test_a_row_leaves_out_what_is_not_known() -> None:
    known = Instance(id=3, label="mug", color="red", score=0.876, visible=True)
    known.center.x, known.center.y, known.center.z = 0.1, -0.2, 0.85
    known.size.x, known.size.y, known.size.z = 0.08, 0.1, 0.081
    unknown = Instance(id=4, label="cup")
    unknown.center.x = unknown.size.z = math.nan
    rows = texts.rows(SceneGraph(instances=[known, unknown]), [3])
    assert (rows[0]["position"], rows[0]["size"], rows[0]["score"]) == ("0.10, -0.20, 0.85", "8 × 10 × 8", "0.88")
    assert (rows[1]["position"], rows[1]["size"], rows[1]["visible"]) == ("", "", "remembered")
    assert [r["found"] for r in rows] == [True, False]
    assert {c["field"] for c in texts.COLUMNS} == set(rows[0]) - {"found"}


def test_commands_and_steps_name_things() -> None:
    said = answer("q1", (3,))
    said.instances = [Instance(id=3, label="jam")]
    said.destinations = [Instance(id=5, label="basket", color="brown")]
    said.commands = [Command(ids=[3], relation="inside", destination_ids=[5])]
    said.steps = [TraceStep(name="a", expression="find(label=jam)", ids=[3, 9], note="by meaning"), TraceStep(name="b")]
    names = texts.names_of(said, SceneGraph(instances=[Instance(id=9, label="honey")]))
    assert texts.commands(said, names) == ["take 3 jam, put inside 5 brown basket"]
    assert texts.steps(said, names) == [
        ("a = find(label=jam)", "3 jam, 9 honey (by meaning)"),
        ("b = ", "nothing"),
    ]
    assert status_name(Answer.STALE) == "STALE"
    assert status_name(99) == "status 99"
