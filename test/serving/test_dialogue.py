"""Follow-ups: what "the other one", "the left one" and "not that" mean after a question of the same id."""

from __future__ import annotations

from dataclasses import replace

import pytest
from askers import PATIENCE_S, Dictated, Serving

from fastreasonseg_ros.errors import Status
from fastreasonseg_ros.plan.parser import parse_plan
from fastreasonseg_ros.reasoning.calibration import Calibration
from fastreasonseg_ros.reasoning.protocol import Scored
from fastreasonseg_ros.serving.dialogue import KEPT, KEPT_S, Dialogues
from fastreasonseg_ros.serving.open_vocabulary_retry import Observation
from fastreasonseg_ros.twin.types import Answer, DigitalTwin, Instance, Query

MUGS = DigitalTwin(
    (Instance(1, "mug", color="red"), Instance(2, "mug", color="white"), Instance(3, "plate")), sequence=7
)
MUG = parse_plan("a = find(label=mug)\nb = find(label=plate)\nc = nearest(a, b)", None)
PUT = parse_plan("a = find(label=mug)\nb = find(label=plate)\nplace(a, on, b)", None)


def after(text: str, plan=MUG, ids=(1,), now=lambda: 0.0) -> Dialogues:
    dialogues = Dialogues(now)
    dialogues.put("d", text, plan, Answer(Query(text, "d"), Status.OK, "", ids), MUGS)
    return dialogues


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("the red one", "the red mug"),
        ("No, the left one!", "the left mug!"),
        ("the one on the shelf", "the mug on the shelf"),
        ("the red ones", "the red mugs"),
        ("left", "the left mug"),
        ("the biggest", "the biggest mug"),
        ("the plate", "the plate"),
        ("which one of all the things in this room can I eat my soup with", None),
    ],
)
def test_a_follow_up_gets_the_noun_that_it_leaves_out(text: str, means: str | None) -> None:
    assert after("the mug nearest the plate").rewritten(Query(text, "d"), MUGS) == (means or text)


def test_a_follow_up_of_a_command_keeps_its_other_end() -> None:
    dialogues = after("put the mug on the plate", PUT)
    assert dialogues.rewritten(Query("the white one", "d"), MUGS) == "put the white mug on the plate"


def test_the_noun_may_be_quoted_words() -> None:
    dialogues = after("something to drink from", parse_plan('a = like(all, "something to drink from")', None))
    assert dialogues.rewritten(Query("the red one", "d"), MUGS) == "the red something to drink from"


def test_another_id_or_a_long_pause_begins_anew() -> None:
    clock = [0.0]
    dialogues = after("the mug", now=lambda: clock[0])
    assert dialogues.rewritten(Query("the red one", "e"), MUGS) == "the red one"
    assert dialogues.rewritten(Query("the red one", "d"), MUGS) == "the red mug"
    clock[0] = KEPT_S + 1
    assert dialogues.rewritten(Query("the red one", "d"), MUGS) == "the red one"


def test_the_oldest_dialogue_is_forgotten_first() -> None:
    dialogues = after("the mug")
    for n in range(KEPT):
        dialogues.put(f"n{n}", "the mug", MUG, Answer(Query("the mug"), Status.OK, "", (1,)), MUGS)
    assert dialogues.rewritten(Query("the red one", "d"), MUGS) == "the red one"


@pytest.mark.parametrize("text", ["the other one", "not that one", "No, not that.", "another one", "other"])
def test_the_other_one_is_what_was_not_given_yet(text: str) -> None:
    dialogues = after("the mug nearest the plate")
    first = dialogues.other(Query(text, "d"), MUGS, None)
    assert first is not None
    assert (first.status, first.ids) == (Status.OK, (2,))
    again = dialogues.other(Query(text, "d"), MUGS, None)
    assert again is not None
    assert (again.status, again.message) == (Status.NO_MATCH, "there is no other mug")


BOWL = DigitalTwin(
    (
        Instance(1, "mug", color="white", center_m=(-0.4, 0.0, 1.0)),
        Instance(2, "mug", color="red", center_m=(-0.1, 0.0, 1.0)),
        Instance(5, "bowl", color="blue", center_m=(0.05, 0.0, 1.0)),
    ),
    sequence=7,
)


@pytest.mark.parametrize(
    ("plan", "given", "other"),
    [
        ("a = find(label=bowl)\nb = left_of(all, a)\nc = filter(b, label=mug)", (2,), (1,)),  # no bowl, which was named
        ("a = find(label=bowl)\nb = nearest(all, a)", (2,), (1,)),  # any thing, but not what it is near to
        ('a = find(label=bowl)\nb = left_of(all, a)\nc = like(b, "mug")', (1, 2), ()),
    ],
)
def test_the_other_one_is_of_the_kind_that_was_answered_not_of_the_reference(plan: str, given, other) -> None:
    dialogues = Dialogues()
    dialogues.put("d", "?", parse_plan(plan, None), Answer(Query("?", "d"), Status.OK, "", given), BOWL)
    answer = dialogues.other(Query("the other one", "d"), BOWL, Named())
    assert answer is not None
    assert answer.ids == other


class Named:
    """Word meaning by names alone."""

    def matching(self, text, labels):
        return frozenset({text}) & frozenset(labels)


def asked_back(plan: str, ids: tuple[int, ...]) -> Dialogues:
    dialogues = Dialogues()
    unsure = Answer(Query("?", "d"), Status.UNSURE, "which one?", ids)
    dialogues.put("d", "the mugs", parse_plan(plan, None), unsure, BOWL)
    return dialogues


@pytest.mark.parametrize(
    ("said", "ids"),
    [("yes", (1, 2)), ("Yes!", (1, 2)), ("2", (2,)), ("number 1", (1,)), ("not that", ()), ("no", ()), ("5", None)],
)
def test_what_was_asked_back_is_answered_by_yes_no_or_an_id(said: str, ids) -> None:
    answer = asked_back("a = find(label=mug)", (1, 2)).other(Query(said, "d"), BOWL, None)
    assert (answer and answer.ids) == ids


def test_yes_and_ids_mean_nothing_where_nothing_was_asked_back() -> None:
    for said in ("yes", "1", "no"):
        assert after("the mug").other(Query(said, "d"), MUGS, None) is None


def test_the_colour_that_was_asked_for_stays_where_the_reply_has_none() -> None:
    dialogues = asked_back("a = find(label=mug, color=red)", (1, 2))
    assert dialogues.rewritten(Query("the left one", "d"), BOWL) == "the left red mug"
    assert dialogues.rewritten(Query("left", "d"), BOWL) == "the left red mug"
    assert dialogues.rewritten(Query("the white one", "d"), BOWL) == "the white mug"


def test_one_of_several_others_is_as_sure_as_a_guess() -> None:
    three = DigitalTwin((*MUGS.instances, Instance(4, "mug")), sequence=8)
    one = after("the mug").other(Query("the other one", "d"), three, None)
    all_of_them = after("the mug").other(Query("the others", "d"), three, None)
    assert one is not None
    assert all_of_them is not None
    assert (one.ids, one.confidence) == ((2, 4), 0.5)
    assert (all_of_them.ids, all_of_them.confidence) == ((2, 4), None)


def test_of_a_twin_that_began_anew_nothing_is_remembered() -> None:
    dialogues = after("the mug")
    anew = replace(MUGS, begun_s=99.0)
    assert dialogues.other(Query("the other one", "d"), anew, None) is None
    assert dialogues.rewritten(Query("the red one", "d"), anew) == "the red one"


def test_a_question_that_came_to_nothing_leaves_no_other_one() -> None:
    dialogues = after("the mug")
    dialogues.put("d", "the bowl", None, Answer(Query("the bowl", "d"), Status.TIMED_OUT, "late"), MUGS)
    assert dialogues.other(Query("another one", "d"), MUGS, None) is None


def test_without_models_the_reasoner_forgets_what_was_said(model: Dictated, serving: Serving) -> None:
    serving.observe(Observation(MUGS))
    model.text = "The red mug.\na = find(label=mug, color=red)"
    serving.ask("the red mug", "d", PATIENCE_S)
    serving.call(serving.reasoner.without, None)
    serving.call(serving.reasoner.use, model, None)
    model.text = "Nothing.\nnone"
    assert serving.ask("the other one", "d", PATIENCE_S)[0].ids == ()


def test_ids_that_the_node_gives_are_no_others(model: Dictated, serving: Serving) -> None:
    serving.observe(Observation(MUGS))
    model.text = "The red mug.\na = find(label=mug, color=red)"
    first = serving.ask("the red mug", "", PATIENCE_S)[0].query.id
    number = int(first.removeprefix("q").partition("-")[0])
    serving.ask("the red mug", f"q{number + 1}", PATIENCE_S)
    assert serving.ask("the red mug", "", PATIENCE_S)[0].query.id not in (first, f"q{number + 1}")


def test_the_other_one_needs_an_earlier_question() -> None:
    assert Dialogues().other(Query("the other one", "d"), MUGS, None) is None
    assert after("the mug").other(Query("the other mug", "d"), MUGS, None) is None


def test_the_reasoner_goes_on_from_a_question_of_the_same_id(model: Dictated, serving: Serving) -> None:
    serving.observe(Observation(MUGS))
    model.text = "The red mug.\na = find(label=mug, color=red)"
    assert serving.ask("the red mug", "d", PATIENCE_S)[0].ids == (1,)
    model.text = "The white mug.\na = find(label=mug, color=white)"
    answer, _ = serving.ask("the white one", "d", PATIENCE_S)
    assert (answer.ids, answer.query.text) == ((2,), "the white one")
    assert "the white mug" in model.asked[-1]


def test_the_other_one_of_an_old_twin_is_stale(model: Dictated, serving: Serving) -> None:
    serving.observe(Observation(MUGS))
    model.text = "The red mug.\na = find(label=mug, color=red)\nb = find(label=mug)"
    serving.ask("the mug", "d", PATIENCE_S)
    serving.reasoner.stale_after_s = -1.0
    answer, _ = serving.ask("the other one", "d", PATIENCE_S)
    assert answer.status is Status.STALE


class Doubtful(Dictated):
    """Says that each of its texts was unlikely."""

    calibration = Calibration(0.0, {"surprise": -1.0})

    def generate_scored(self, prompt, grammar, on_text=None):
        return Scored(self.generate(prompt, grammar, on_text), -3.0)


def test_an_answer_of_little_confidence_asks_back_and_the_reply_is_understood() -> None:
    serving, model = Serving(), Doubtful("Mugs.\na = find(label=mug)")
    try:
        serving.call(serving.reasoner.use, model, None)
        serving.observe(Observation(MUGS))
        trusted, _ = serving.ask("my mug", "d", PATIENCE_S)
        assert trusted.status is Status.OK
        assert trusted.confidence == pytest.approx(0.087, abs=0.001)  # 0.047, of things that are named for sure
        serving.reasoner.unsure_below = 0.5
        unsure, _ = serving.ask("my mug", "d", PATIENCE_S)
        assert unsure.status is Status.UNSURE
        assert "the red mug (1) or the white mug (2)" in unsure.message
        serving.reasoner.unsure_below = 0.01
        model.text = "The red mug.\na = find(label=mug, color=red)"
        assert serving.ask("the red one", "d", PATIENCE_S)[0].ids == (1,)
    finally:
        serving.close()
