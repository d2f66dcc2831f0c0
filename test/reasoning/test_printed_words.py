"""Questions that name a thing by what is printed on it, which the model's prompt does not show."""

from __future__ import annotations

import pytest

from fastreasonseg_ros.errors import Status
from fastreasonseg_ros.pipeline import StandingQuestion
from fastreasonseg_ros.plan.language import Plan
from fastreasonseg_ros.plan.parser import parse_rollout
from fastreasonseg_ros.reasoning import make_language_model, make_word_meaning
from fastreasonseg_ros.reasoning.printed_words import with_printed
from fastreasonseg_ros.twin.types import DigitalTwin, Instance, Query


@pytest.fixture(scope="module")
def meaning():
    return make_word_meaning()


def shelf(*texts: str) -> DigitalTwin:
    labels = ("cereal box", "cereal box", "book", "book", "mug")
    return DigitalTwin(
        instances=tuple(
            Instance(id=n, label=label, text=text, color="blue", center_m=(0.2 * n, 0.0, 1.0), size_m=(0.1, 0.2, 0.1))
            for n, (label, text) in enumerate(zip(labels, (*texts, *[""] * 5), strict=False), 1)
        ),
        sequence=1,
    )


READ = shelf("Corn Flakes", "Weetablx", "Computer Vision", "Bread and salt", "OPEN DAY")


@pytest.mark.parametrize(
    ("question", "written", "expected"),
    [
        ("which one is the Weetabix?", "a = find(label=cereal box)", 'a = like(all, "weetabix")'),
        ("which one is the Weetabix?", "none", 'a = like(all, "weetabix")'),
        ("the book about computer vision", "a = find(label=book)", 'a = like(all, "book computer vision")'),
        (
            "the mug to the left of the Weetabix",
            "a = find(label=mug)\nb = find(label=cereal box)\nc = left_of(a, b)",
            'a = find(label=mug)\nb = like(all, "weetabix")\nc = left_of(a, b)',
        ),
        ("the largest blue book", "a = find(label=book)\nb = max(a, volume)", None),
        ("something to open", "a = find(label=book)", None),  # though a mug says OPEN
        ("hand me the mug", "a = find(label=mug)", None),
    ],
)
def test_a_plan_picks_by_text_where_the_question_has_the_words(question, written, expected, meaning):
    plan = parse_rollout(f"Because.\n{written}").plan
    assert str(with_printed(plan, question, READ, meaning)) == (expected or str(plan))


def test_a_plan_stays_where_nothing_was_read(meaning):
    plan = parse_rollout("Because.\na = find(label=cereal box)").plan
    assert with_printed(plan, "the Weetabix", shelf(), meaning) is plan
    assert with_printed(Plan(), "the Weetabix", shelf(), meaning).is_none


def test_the_student_answers_by_text_and_a_standing_question_follows_what_is_read_later(meaning):
    model = make_language_model("openvino")
    standing = StandingQuestion(Query("which one is the Weetabix?"), model, meaning)
    standing.answer(shelf())
    read = shelf("Corn Flakes", "Weetablx")
    answer = standing.answer(read)
    assert (answer.status, answer.ids) == (Status.OK, (2,)), answer
    assert not standing.needs_plan(read)


def test_the_grammar_lets_a_plan_ask_for_the_printed_word():
    from fastreasonseg_ros.reasoning.prompting.reply_forms import plan_grammar

    rules = plan_grammar(READ, "which one is the Weetabix?")
    assert '"weetabix"' in next(line for line in rules.splitlines() if line.startswith("word ::="))
