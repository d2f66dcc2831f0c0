"""Questions for training: each comes with a plan whose executed answer is known to be right."""

import json
from random import Random

import pytest

from fastreasonseg_ros.plan.executor import execute
from fastreasonseg_ros.plan.grammar import vocabulary
from fastreasonseg_ros.plan.parser import parse_rollout
from fastreasonseg_ros.reasoning import make_word_meaning
from fastreasonseg_ros.reasoning.general_words import with_kinds
from fastreasonseg_ros.reasoning.word_meaning.grounding import Grounder
from fastreasonseg_ros.reasoning.word_meaning.nouns import load_nouns
from fastreasonseg_ros.reasoning.word_meaning.paraphrases import TAGS
from fastreasonseg_ros.reasoning.word_meaning.word_forms import quotable
from fastreasonseg_ros.training.student.corpus import data
from fastreasonseg_ros.training.student.corpus.hints import hint_of
from fastreasonseg_ros.training.student.questions import english
from fastreasonseg_ros.training.student.questions import objects as object_questions
from fastreasonseg_ros.training.student.questions.draw import make_question
from fastreasonseg_ros.training.student.questions.families import FAMILIES
from fastreasonseg_ros.training.student.questions.scenes import packaging, places, random_twin

NOUNS = load_nouns()


def questions(seed: int, scenes: int):
    rng = Random(seed)
    by_place = places(NOUNS)
    boxes = packaging(NOUNS)
    for _ in range(scenes):
        twin = random_twin(rng, by_place[rng.choice(list(by_place))], boxes)
        for _ in range(6):
            if question := make_question(rng, twin, NOUNS):
                yield twin, question


@pytest.fixture(scope="module")
def made():
    return list(questions(3, 600))


def test_every_rollout_executes_to_the_answer_it_claims(made):
    for twin, question in made:
        again = execute(parse_rollout(question.rollout.short()).plan, twin, question.meaning)
        assert again.ids == question.target_ids, question
        assert tuple(step.ids for step in again.trace) == question.steps


class WordLists:
    """Word meaning by the word lists alone, as `with_kinds` asks for it."""

    def __init__(self) -> None:
        self._grounder = Grounder()

    def matching(self, text, labels):
        return self._grounder.ground(text, labels).labels


def test_no_answer_that_is_trained_on_leaves_out_kinds_of_a_general_word():
    rng, lists = Random(5), WordLists()
    nouns = [NOUNS[name] for name in ("mug", "beer mug", "knife", "bread knife", "plate", "kettle", "towel")]
    asked = 0
    for _ in range(80):
        twin = random_twin(rng, nouns, ())
        for question in filter(None, (make_question(rng, twin, NOUNS) for _ in range(6))):
            plan = question.rollout.plan
            wider = with_kinds(plan, question.text, vocabulary(twin)[0], lists)
            assert execute(wider, twin, question.meaning).ids == question.target_ids, (question.text, str(wider))
            asked += "label=" in str(plan)
    assert asked > 50


def test_words_that_are_no_label_in_view_are_left_to_the_operator_like(made):
    named = [(twin, s) for twin, q in made for s in q.rollout.plan.steps if s.operator == "like"]
    assert len(named) > 100
    for twin, step in named:
        assert step.args[1].strip('"') not in {i.label for i in twin.instances if i.visible or step.args[0] == "gone"}


def test_what_a_plan_quotes_stands_in_the_question(made):
    for _, question in made:
        words = quotable(question.text)
        for step in question.rollout.plan.steps:
            if step.operator == "like":
                assert set(step.args[1].strip('"').split()) <= set(words), question


def test_properties_are_said_as_their_meaning_knows_them():
    assert all(set(phrases) <= set(TAGS[tag]) for tag, phrases in object_questions._TAGS.items())


def test_every_family_speaks(made):
    silent = set(FAMILIES) - {question.family for _, question in made}
    assert not silent


def test_all_six_categories_and_three_levels_are_there_and_some_answers_are_empty(made):
    categories = {"attribute", "spatial", "semantic", "affordance", "temporal", "compositional"}
    assert {q.category for _, q in made} == categories
    assert {q.level for _, q in made} == {1, 2, 3}
    share_of_none = sum(not q.target_ids for _, q in made) / len(made)
    assert 0.03 < share_of_none < 0.2


def test_the_same_seed_makes_the_same_questions():
    first = [q for _, q in questions(7, 10)]
    assert first == [q for _, q in questions(7, 10)]
    assert first != [q for _, q in questions(8, 10)]


def test_nouns_and_forms_held_out_are_not_in_training():
    train, unseen = data.split(NOUNS, held_out=False), data.split(NOUNS, held_out=True)
    assert len(unseen) >= 100
    assert not set(train) & set(unseen)
    everything = [(section, line) for section, lines in english.forms().items() for line in lines]
    assert len(everything) >= 600
    assert sum(english.is_held_out(section + line) for section, line in everything) >= 60


@pytest.mark.parametrize(
    ("phrase", "gerund"),
    [("grate cheese", "grating cheese"), ("cut bread", "cutting bread"), ("sit on", "sitting on")],
)
def test_verbs_take_their_ing_form(phrase, gerund):
    assert english.gerund(phrase) == gerund


def test_a_half_written_file_goes_on_where_it_stopped(tmp_path):
    complete, cut = tmp_path / "complete.jsonl", tmp_path / "cut.jsonl"
    assert data.main(["--out", str(complete), "--scenes", "4", "--per-scene", "2"]) == 0
    lines = complete.read_bytes().splitlines(keepends=True)
    cut.write_bytes(lines[0] + lines[1] + lines[2][:50])
    data.main(["--out", str(cut), "--scenes", "4", "--per-scene", "2", "--dataset", str(tmp_path / "set")])
    assert cut.read_bytes() == complete.read_bytes()
    asked = [json.loads(line) for line in (tmp_path / "set" / "queries.jsonl").read_text().splitlines()]
    assert {q["scene"] for q in asked} <= {"s0", "s1", "s2", "s3"}
    assert all(q["text"] for q in asked)


def test_run_time_hints_are_those_that_the_reasoner_gives(tmp_path):
    usual, asked = tmp_path / "usual.jsonl", tmp_path / "asked.jsonl"
    data.main(["--out", str(usual), "--scenes", "6", "--per-scene", "3"])
    data.main(["--out", str(asked), "--scenes", "6", "--per-scene", "3", "--run-time-hints"])
    meaning, equal = make_word_meaning(), []
    for a, b in zip(usual.read_text().splitlines(), asked.read_text().splitlines(), strict=True):
        before, row = json.loads(a), json.loads(b)
        labels = list(dict.fromkeys(i["label"] for i in row["twin"]["instances"]))
        for old, question in zip(before["questions"], row["questions"], strict=True):
            assert old["text"] == question["text"]
            assert hint_of(question) == meaning.hint(question["text"], labels)
            equal.append(hint_of(old) == hint_of(question))
    assert not all(equal)
