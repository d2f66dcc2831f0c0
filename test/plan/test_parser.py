"""What counts as a plan, and what each mistake is told."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastreasonseg_ros.errors import PlanError
from fastreasonseg_ros.plan.language import plan_word
from fastreasonseg_ros.plan.operators import OPERATORS
from fastreasonseg_ros.plan.parser import parse_plan, parse_rollout

RESERVED_EXAMPLES = ("all", "gone", "camera", "table", "none", "nearest", "middle", "color", "depth", "size")
TAGGED = "<reason>Two of them.</reason>\n<plan>\na = find(color=grey)\n</plan>\n<answer>{}</answer>"


@pytest.mark.parametrize(("answer", "name", "ids"), [("a", "a", ()), ("3, 5, 3", "", (3, 5)), ("none", "", ())])
def test_an_answer_is_a_value_ids_or_none(answer, name, ids):
    plan = parse_rollout(TAGGED.format(answer)).plan
    assert (plan.answer, plan.answer_ids, plan.is_none) == (name, ids, answer == "none")
    assert str(plan) == "a = find(color=gray)"


@pytest.mark.parametrize(
    "text",
    [
        "Why.\na = find(label=tea box|mug, pose=lying)\nb = nth(a, 2, -height)",
        'Why.\na = like(all, "beat eggs, fast")',
        "Nothing fits.\nnone",
        "Why.\na = nearest(all, camera)\nb = on(all, table)\nc = union(a, b)",
        "Put it there.\na = find(label=jam)\nb = find(label=basket)\nplace(a, inside, b)",
    ],
)
def test_the_short_form_survives_a_round_trip(text):
    assert parse_rollout(text).short() == text


@pytest.mark.parametrize("row", OPERATORS.values(), ids=lambda row: row.name)
def test_every_example_of_the_operator_table_parses(row):
    earlier = "a = find(color=red)\nb = find(color=blue)\n"
    assert parse_plan(f"{earlier}c = {row.example}").steps[-1].expression == row.example


@pytest.mark.parametrize(
    ("plan", "complaint"),
    [
        ("a = find(label=)", "empty"),
        ("a = find(size=big)", "no filter 'size'"),
        ("a = find(color=teal)", "color= knows"),
        ("a = nearest(b, camera)", "no earlier value"),
        ("a = nearest(all)", "takes 2 arguments"),
        ("a = max(all, beauty)", "no key 'beauty'"),
        ("a = nth(all, 0, x)", "not a number from 1 to 99"),
        ("a = nth(all, 00, x)", "not a number from 1 to 99"),
        ("a = nth(all, ², x)", "not a number from 1 to 99"),
        ("a = nth(all, ٣, x)", "not a number from 1 to 99"),
        (f"a = nth(all, {'9' * 5000}, x)", "not a number from 1 to 99"),
        ("a = look_for(!)", "no word to look for"),
        ("a = like(all, eggs)", "double quotes"),
        ('a = like(all, "eggs)', "quote is not closed"),
        ("a = import(os)", "no operator 'import'"),
        *((f"{word} = find(color=red)", "built in") for word in RESERVED_EXAMPLES),
        ("hello", "expected `name = operator(arguments)`"),
        ("\n".join(f"s{n} = moving(all)" for n in range(13)), "more than 12 steps"),
    ],
)
def test_a_mistake_is_named_with_its_line(plan, complaint):
    with pytest.raises(PlanError, match="plan") as error:
        parse_plan(plan)
    assert complaint in str(error.value)


@pytest.mark.parametrize("text", ["", "   \n ", "only a reason"])
def test_a_reply_without_a_plan_is_an_error(text):
    with pytest.raises(PlanError, match="max_tokens"):
        parse_rollout(text)


@pytest.mark.parametrize("answer", ["9" * 5000, "²", "1, ²", "-1", "1;2"])
def test_an_answer_that_is_neither_a_value_nor_ids_is_an_error(answer):
    with pytest.raises(PlanError, match="neither the name of a value, nor ids, nor none"):
        parse_rollout(TAGGED.format(answer))


def test_the_keys_of_one_letter_may_name_steps():
    assert parse_plan("x = find(color=red)\ny = max(x, y)").answer == "y"


@pytest.mark.parametrize("text", ["none", " \nnone"])
def test_none_without_a_reason_is_a_plan(text):
    assert parse_rollout(text).plan.is_none


@given(st.text())
def test_any_text_parses_or_is_a_plan_error(text):
    with contextlib.suppress(PlanError):
        parse_rollout(text)


@given(st.text())
def test_no_label_can_hold_characters_of_the_language(label):
    word = plan_word(label)
    assert not set(word) & set('|,()="\n\r<>')
    assert len(word) <= 40
    assert plan_word(word) == word


@pytest.mark.parametrize("character", ["\r", "\x0b", "\x1c", "\x85", "\u2028"])
def test_only_a_newline_ends_a_line(character):
    assert len(parse_rollout(f"One{character}line.\na = find(label=mug)").plan.steps) == 1


@pytest.mark.parametrize(
    ("last", "relation", "destination"),
    [
        ("place(a, inside, b)", "inside", "b"),
        (" place( b,on ,table )", "on", "table"),
        ("place(a, near, camera)", "near", "camera"),
    ],
)
def test_a_command_names_what_is_taken_and_where_it_goes(last, relation, destination):
    steps = "a = find(color=red)\nb = find(color=blue)"
    taken = "b" if "b," in last.replace(" ", "") else "a"
    for plan in (parse_plan(f"{steps}\n{last}"), parse_plan(steps, last), parse_rollout(f"Why.\n{steps}\n{last}").plan):
        assert (plan.answer, plan.relation, plan.destination) == (taken, relation, destination)
        assert [step.name for step in plan.steps] == ["a", "b"]


@pytest.mark.parametrize(
    ("last", "complaint"),
    [
        ("place(a, beside, a)", "no relation 'beside'"),
        ("place(c, on, a)", "'c' names no value"),
        ("place(a, on, c)", "'c' names no value"),
        ("place(camera, on, a)", "'camera' names no value"),
    ],
)
def test_a_command_without_a_known_relation_or_value_is_an_error(last, complaint):
    with pytest.raises(PlanError, match=complaint):
        parse_plan("a = find(color=red)", last)
