"""Commands have two ends: what is to be taken, and where it goes. Plans are written by hand here."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from fastreasonseg_ros.errors import Status
from fastreasonseg_ros.evaluation.reports.outputs import answer_as_dict
from fastreasonseg_ros.evaluation.runners.evaluate import evaluate_twins
from fastreasonseg_ros.io.datasets.base import read_questions, read_twin_scenes
from fastreasonseg_ros.pipeline import StandingQuestion, reason
from fastreasonseg_ros.plan.parser import parse_plan
from fastreasonseg_ros.reasoning.commands.grammar import read_commands
from fastreasonseg_ros.twin.placement import place_of
from fastreasonseg_ros.twin.resting import RestingPlace
from fastreasonseg_ros.twin.types import Answer, Command, DigitalTwin, Instance, Query, Relation

DATA = Path(__file__).parents[1] / "data" / "commands"


def first(text: str) -> list[tuple[str, str, str]]:
    """Of each command its likeliest reading: what, relation, where."""
    readings = [command[0] for command in read_commands(text)]
    return [
        (r.take + (f" @ {r.source}" if r.source else ""), r.relation, r.destination or r.reference) for r in readings
    ]


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        (
            "put the jam that stands in front into the lower basket",
            [("the jam that stands in front", "inside", "the lower basket")],
        ),
        ("set the small plate on the big one", [("the small plate", "on", "the big plate")]),
        ("Move everything off the bench onto the trolley.", [("everything @ the bench", "on", "the trolley")]),
        ("Take the cup and bring it to me, please.", [("the cup", "near", "camera")]),
        ("hang the coat on the third hook", [("the coat", "on", "the third hook")]),
        ("pick up the red ball, then place it to the left of the box", [("the red ball", "left_of", "the box")]),
        ("would you mind putting the keys back in the bowl?", [("the keys", "inside", "the bowl")]),
        ("hang on, put the lid next to the pot", [("the lid", "near", "the pot")]),
        ("the blue mug, put it in the sink", [("the blue mug", "inside", "the sink")]),
        ("The plates belong on the upper shelf.", [("The plates", "on", "the upper shelf")]),
        ("In the basket, put the two apples", [("the two apples", "inside", "the basket")]),
        ("bring the bucket over here", [("the bucket", "near", "camera")]),
        ("give the girl the doll", [("the doll", "near", "the girl")]),
        ("cover the pot with the lid", [("the lid", "on", "the pot")]),
        ("put the cup back", [("the cup", "on", "before")]),
        ("Put back the green jar, please.", [("the green jar", "on", "before")]),
        ("please return the scissors to where they came from", [("the scissors", "on", "before")]),
        ("put the left book back where it was", [("the left book", "on", "before")]),
        ("take the cup and put it back in its place", [("the cup", "on", "before")]),
        ("put the cup back on the tray", [("the cup", "on", "the tray")]),
        ("hang the saw on the middle hook", [("the saw", "on", "the middle hook")]),
        (
            "first put the fork in the box and then the spoon in the drawer",
            [("the fork", "inside", "the box"), ("the spoon", "inside", "the drawer")],
        ),
        (
            "put the cup on the tray and the spoon in the drawer",
            [("the cup", "on", "the tray"), ("the spoon", "inside", "the drawer")],
        ),
    ],
)
def test_a_command_is_split_into_what_is_taken_and_where_it_goes(text, commands):
    assert first(text) == commands


@pytest.mark.parametrize(
    "text",
    [
        "show me the cup on the tray",
        "take the cup on the tray",
        "pick up the cup",
        "What was put into the bowl?",
        "something to put the flowers in",
        "hand over the carrot that is further from you",
        "put the mug on the left",
        "Set the chair that has fallen over upright again.",
        "Hold that ladder still, I want to reach the lamp",
        "Bring the wagon farthest to the right",
        "Tip out the pail: what falls on the floor?",
        "put the stool that tipped over back on its feet",
    ],
)
def test_what_names_no_destination_is_no_command(text):
    assert read_commands(text) == ()


def thing(id: int, label: str, x_m: float, **more) -> Instance:
    return Instance(id, label, center_m=(x_m, 0.0, 1.0), size_m=(0.1, 0.1, 0.1), **more)


TWIN = DigitalTwin(
    (
        thing(1, "book", -0.5),
        thing(2, "book", 0.5),
        thing(3, "shelf", -0.5),
        thing(4, "lamp", 0.8),
        thing(5, "tray", 0.0),
    ),
    (Relation(1, "on", 3),),
)


class Knows:
    """A language model that plans `find` for the label at the end of a short question, and remembers questions."""

    name = "by hand"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def generate(self, prompt, grammar, on_text=None):
        question = prompt.split("Q: ")[1].split("\n")[0].removesuffix("<|im_end|>")
        self.asked.append(question)
        label = next(word for word in ("book", "shelf", "lamp", "tray") if word in question.lower())
        return f"a {label}\na = find(label={label})"


def test_both_ends_are_in_answer_plan_and_trace():
    answer = reason(TWIN, Query("put the lamp on the tray"), Knows())
    assert answer.status is Status.OK
    assert (answer.ids, answer.relation, answer.destination_ids) == ((4,), "on", (5,))
    assert answer.plan.splitlines()[-1] == "place(a, on, b)"
    assert [step.ids for step in answer.trace] == [(4,), (5,)]
    data = answer_as_dict(answer)
    assert (data["ids"], data["relation"], data["destination_ids"]) == ([4], "on", [5])


def test_a_preposition_that_describes_what_is_taken_is_not_the_destination():
    """One of two books is on the shelf: "the book on the shelf" is one, and there it is already."""
    answer = reason(TWIN, Query("put the book on the shelf next to the lamp"), Knows())
    assert (answer.ids, answer.relation, answer.destination_ids) == ((1,), "near", (4,))


def test_two_commands_give_two_in_order():
    answer = reason(TWIN, Query("Put the lamp on the shelf, then put the tray behind the lamp."), Knows())
    assert answer.commands == (Command((4,), "on", (3,)), Command((5,), "behind", (4,)))
    assert answer.plan.splitlines()[-2:] == ["place(a, on, b)", "place(c, behind, a)"]


def test_a_destination_that_is_not_there_is_no_match_and_says_so():
    class NoTray(Knows):
        def generate(self, prompt, grammar, on_text=None):
            return "no tray\nnone" if "Q: the tray" in prompt else super().generate(prompt, grammar, on_text)

    answer = reason(TWIN, Query("put the lamp on the tray"), NoTray())
    assert answer.status is Status.NO_MATCH
    assert answer.plan.splitlines()[-1] == "place(a, on, none)"
    assert "destination" in answer.message


def test_the_table_that_is_no_object_is_the_reference_table():
    answer = reason(TWIN, Query("put the lamp on the table"), Knows())
    assert (answer.status, answer.reference, answer.destination_ids) == (Status.OK, "table", ())


def test_what_is_put_back_goes_to_where_it_rested_before():
    places = (RestingPlace(0.0, (-0.4, 0.0, 1.0), 3), RestingPlace(2.0, (0.8, 0.0, 1.0)))
    twin = replace(TWIN, instances=(*TWIN.instances[:3], replace(TWIN.instances[3], past=places), TWIN.instances[4]))
    answer = reason(twin, Query("put the lamp back"), Knows())
    assert (answer.status, answer.ids, answer.relation, answer.reference) == (Status.OK, (4,), "on", "before")
    assert place_of(answer.commands[0], twin) == (-0.4, 0.0, 1.0)
    unknown = reason(TWIN, Query("put the lamp back where it was"), Knows())
    assert unknown.status is Status.CANNOT_ANSWER
    assert "no earlier resting place" in unknown.message


def test_a_request_for_oneself_is_one_question_with_its_own_words():
    model = Knows()
    answer = reason(TWIN, Query("bring me the lamp"), model)
    assert model.asked == ["bring me the lamp"]
    assert (answer.ids, answer.relation, answer.reference) == ((4,), "near", "camera")


def test_everything_that_is_moved_leaves_out_the_destination():
    answer = reason(TWIN, Query("put everything on the tray"), Knows())
    assert (answer.ids, answer.destination_ids) == ((1, 2, 3, 4), (5,))


def test_a_standing_command_costs_the_model_once():
    model = Knows()
    standing = StandingQuestion(Query("put the lamp on the tray"), model)
    answers = [standing.answer(TWIN) for _ in range(3)]
    assert len(model.asked) == 2  # one an end
    assert {a.destination_ids for a in answers} == {(5,)}


@pytest.mark.parametrize(
    "text", ["a = find(label=book)\nplace(a, on, none)", "a = find(label=book)\ntake(a)\nplace(a, near, camera)"]
)
def test_a_plan_of_commands_survives_a_round_trip(text):
    assert str(parse_plan(text)) == text


def test_eval_twins_reports_the_destination_beside_the_set_to_be_taken():
    twins = read_twin_scenes(DATA / "scenes.jsonl")
    questions = [
        q for q in read_questions(DATA / "development.jsonl") if q.text.startswith("Can you put the cup behind")
    ]

    def ask(twin, query):
        return Answer(query, Status.OK, "", ids=(13,), commands=(Command((13,), "behind", (1,)),))

    result = evaluate_twins(twins, questions, ask, lambda row: None)
    assert (result["exact"], result["destination_exact"]) == (1.0, 0.0)


def test_every_command_of_the_development_set_names_ids_of_its_scene():
    twins = read_twin_scenes(DATA / "scenes.jsonl")
    for name in ("development", "held_out"):
        for line in (DATA / f"{name}.jsonl").read_text().splitlines():
            row = json.loads(line)
            assert {*row["target_ids"], *row["destination_ids"]} <= {i.id for i in twins[row["scene"]].instances}
