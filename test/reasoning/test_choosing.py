"""The choice among plans: when further ones are drawn, which is taken, and what the answer's confidence is."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fastreasonseg_ros.errors import ModelError, Status
from fastreasonseg_ros.pipeline import StandingQuestion, reason
from fastreasonseg_ros.plan.executor import execute
from fastreasonseg_ros.plan.language import Rollout
from fastreasonseg_ros.plan.parser import parse_plan
from fastreasonseg_ros.reasoning.calibration import Calibration
from fastreasonseg_ros.reasoning.choosing import Candidate, Choice, answers, read_choice, write_choice
from fastreasonseg_ros.reasoning.confidence import NAMES_DOUBT
from fastreasonseg_ros.reasoning.protocol import Scored
from fastreasonseg_ros.twin.types import DigitalTwin, Instance, Query

SCORE = 1 - NAMES_DOUBT  # so that names leave the chance as it is
TWIN = DigitalTwin(
    (
        Instance(1, "mug", SCORE, color="red", center_m=(-0.2, 0.0, 1.0)),
        Instance(2, "mug", SCORE, color="white", center_m=(0.2, 0.0, 1.0)),
        Instance(3, "plate", SCORE, color="white", center_m=(0.3, 0.0, 1.0)),
    ),
    sequence=1,
)
GREEN, MUGS, PLATE, NONE = "a = find(label=mug, color=green)", "a = find(label=mug)", "a = find(label=plate)", "none"
SURE_OF_THINGS = Calibration(1.0, {"nothing": -3.0})  # 0.73 where something is found, else 0.12
BY_AGREEMENT = Choice(Calibration(-2.0, {"agreement": 4.0, "nothing": -1.0}), below=0.5, draws=4)


@dataclass
class Draws:
    """A language model that writes one plan, and draws others."""

    writes: str = GREEN
    drawn: tuple[str, ...] = (PLATE, MUGS, PLATE, "a = find(label=")
    choice: Choice | None = BY_AGREEMENT
    calibration: Calibration | None = SURE_OF_THINGS
    name: str = "draws"
    seeds: list[int] = field(default_factory=list)

    def generate(self, prompt, grammar, on_text=None):
        return self.generate_scored(prompt, grammar, on_text).text

    def generate_scored(self, prompt, grammar, on_text=None):
        return Scored(f"First.\n{self.writes}", -1.0)

    def sample_batch(self, prompts, grammars, count, temperature, seed=0):
        self.seeds.append(seed)
        return [[Scored(f"Drawn.\n{plan}", -5.0) for plan in self.drawn[:count]] for _ in prompts]


def asked(model: Draws, text: str = "what do I drink from"):
    return reason(TWIN, Query(text), model)


def test_a_plan_that_is_likely_to_be_right_is_taken_as_it_is() -> None:
    model = Draws(MUGS)
    answer = asked(model)
    assert (answer.ids, model.seeds) == ((1, 2), [])
    assert answer.confidence == pytest.approx(0.73, abs=0.01)  # of the calibration
    assert "choice" not in answer.latency_ms


def test_where_the_first_is_doubtful_the_answer_that_most_plans_give_is_taken_with_its_chance() -> None:
    model = Draws()
    answer = asked(model)
    assert (answer.status, answer.ids, answer.reason) == (Status.OK, (3,), "Drawn.")
    assert answer.confidence == pytest.approx(0.5)  # 2 of 4: the broken one is none
    assert answer.latency_ms["choice"] > 0
    asked(model)
    assert model.seeds[0] == model.seeds[1]  # the same question about the same twin draws the same plans


def test_nothing_stays_nothing_where_plans_agree_on_it_and_has_the_chance_too() -> None:
    answer = asked(Draws(drawn=(NONE, GREEN, PLATE, NONE)))
    assert (answer.status, answer.reason) == (Status.NO_MATCH, "First.")
    assert answer.confidence == pytest.approx(1 / (1 + 2.718281828 ** -(-2 + 4 * 0.8 - 1)))


def test_what_a_doubtful_plan_finds_is_given_up_where_plans_agree_that_nothing_fits() -> None:
    doubts_all = Calibration(-3.0, {"nothing": 0.0})
    answer = asked(Draws(MUGS, drawn=(NONE, GREEN, NONE, NONE), calibration=doubts_all))
    assert (answer.status, answer.ids, answer.reason) == (Status.NO_MATCH, (), "Drawn.")
    assert answer.confidence == pytest.approx(1 / (1 + 2.718281828 ** -(-2 + 4 * 0.8 - 1)))


@pytest.mark.parametrize("text", ["Is there a green mug?", "what do I drink from"])
def test_no_is_an_answer_to_whether_there_is_one_and_a_model_that_does_not_choose_draws_nothing(text: str) -> None:
    model = Draws(choice=None if text.startswith("what") else BY_AGREEMENT)
    assert asked(model, text).status is Status.NO_MATCH
    assert model.seeds == []


def test_a_question_that_stands_waits_for_what_it_asked_and_not_for_what_was_chosen() -> None:
    question = StandingQuestion(Query("what do I drink from"), Draws())
    assert question.answer(TWIN, closest=True).ids == (3,)
    assert question.is_chosen
    assert question.answer(TWIN, keep_plan=True).status is Status.NO_MATCH
    green = DigitalTwin((*TWIN.instances[1:], Instance(1, "mug", color="green", center_m=(0.0, 0.0, 1.0))))
    assert question.answer(green, keep_plan=True).ids == (1,)


def test_a_question_that_is_cancelled_while_plans_are_drawn_has_no_answer() -> None:
    model = Draws()
    answer = reason(TWIN, Query("the cup"), model, on_text=lambda _: bool(model.seeds))
    assert answer.status is Status.CANCELLED


def test_plans_that_give_the_same_are_one_answer_shown_by_the_likeliest() -> None:
    plans = {MUGS: -3.0, "a = find(label=mug, color=red|white)": -1.0, PLATE: -2.0}
    found = answers(
        [
            Candidate(Rollout("", plan, log_probability=chance), execute(plan, TWIN))
            for plan, chance in ((parse_plan(text), chance) for text, chance in plans.items())
        ]
    )
    assert [(row["agreement"], row["surprise"]) for row, _ in found] == [(2 / 3, 1.0), (1 / 3, 2.0)]
    assert found[0][1].rollout.plan == parse_plan("a = find(label=mug, color=red|white)")


def test_the_choice_is_read_as_it_was_written_and_a_damaged_one_says_what_to_do(tmp_path: Path) -> None:
    assert read_choice(tmp_path) is None
    choice = Choice(Calibration(-2.0, {"agreement": 4.0}, "by hand"), 0.5, 6)
    write_choice(choice, tmp_path)
    assert read_choice(tmp_path) == choice
    file = tmp_path / "choice.json"
    for broken in (
        "",
        json.dumps({"draws": 6, "below": 0.5}),
        file.read_text().replace("6", "0"),
        file.read_text().replace("0.5", "2"),
        file.read_text().replace("agr", "x"),
        json.dumps({"draws": float("inf"), "below": 0.5}),
        "[" * 100_000,
    ):
        file.write_text(broken)
        with pytest.raises(ModelError, match=r"choice\.json: is missing or damaged .*fastreasonseg train choice"):
            read_choice(tmp_path)
        write_choice(choice, tmp_path)


def test_of_a_command_only_the_end_that_finds_nothing_is_read_otherwise() -> None:
    @dataclass
    class TwoEnds(Draws):
        def generate_scored(self, prompt, grammar, on_text=None):
            return Scored(f"First.\n{GREEN if 'saucer' in prompt else MUGS}", -1.0)

    model = TwoEnds()
    answer = asked(model, "put the cup on the saucer")
    assert len(model.seeds) == 1
    assert (answer.ids, answer.destination_ids) == ((1, 2), (3,))
