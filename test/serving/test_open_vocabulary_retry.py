"""A question that lacks words: perception is asked for them, once, within the question's time; no ROS in here."""

from __future__ import annotations

import threading

import pytest
from askers import PATIENCE_S, Dictated, Serving, serving_with, until

from fastreasonseg_ros.errors import Status
from fastreasonseg_ros.serving.open_vocabulary_retry import Observation, OpenVocabularyRetry, VocabularyReply
from fastreasonseg_ros.twin.types import DigitalTwin, Instance

BEFORE = DigitalTwin((Instance(1, "mug"),), sequence=7)
AFTER = DigitalTwin((Instance(1, "mug"), Instance(2, "corkscrew")), sequence=8)
QUESTION = "the corkscrew"


class Finds(Dictated):
    """Finds the corkscrew once there is one."""

    def generate(self, prompt: str, grammar: str, on_text=None) -> str:
        self.text = "There.\na = find(label=corkscrew)" if '"corkscrew"' in grammar else "None.\nnone"
        self.grammar = grammar
        return super().generate(prompt, grammar, on_text)


class Perception:
    """Takes words and makes the next twin soon; `known` are not new to it."""

    def __init__(self, serving: Serving, known=(), delay_s: float = 0.05, twin: DigitalTwin | None = AFTER) -> None:
        self.serving, self.known, self.delay_s, self.twin = serving, set(known), delay_s, twin
        self.asked: list[list[str]] = []

    async def __call__(self, words, end) -> VocabularyReply:
        self.asked.append(list(words))
        if self.twin is not None:
            threading.Timer(self.delay_s, self.serving.observe, [Observation(self.twin, open_vocabulary=True)]).start()
        new = tuple(w for w in words if w not in self.known)
        self.known |= set(words)
        return VocabularyReply(new, 7, "" if new else "these are looked for already")


@pytest.fixture
def model() -> Finds:
    return Finds()


@pytest.fixture
def serving(model: Finds):
    made = serving_with(model)
    made.observe(Observation(BEFORE, open_vocabulary=True))
    yield made
    made.close()


def test_it_is_answered_again_on_the_twin_that_was_made_with_its_words(serving: Serving, model: Finds) -> None:
    perception = Perception(serving)
    serving.retry_with(OpenVocabularyRetry(perception))
    stages: list[tuple[str, str]] = []
    answer, seen = serving.ask(QUESTION, progress=lambda *stage: stages.append(stage))
    assert (answer.status, answer.ids, answer.sequence) == (Status.OK, (2,), 8)
    assert seen is not None
    assert seen.twin is AFTER
    assert answer.message == "1 object: 2; perception looked for corkscrew"
    assert answer.latency_ms["looking"] > 30
    assert ("looking", "corkscrew") in stages
    assert stages[-1][0] == "thinking"
    assert perception.asked == [["corkscrew"]]
    assert "look_for(" in model.grammar  # plans may ask for words where perception takes some
    serving.ask(QUESTION, "", PATIENCE_S)
    assert len(perception.asked) == 1  # it is in view now


def test_fixed_words_are_told_and_nothing_is_asked(serving: Serving, model: Finds) -> None:
    perception = Perception(serving)
    serving.retry_with(OpenVocabularyRetry(perception))
    serving.observe(Observation(BEFORE))
    answer, _ = serving.ask(QUESTION, "", PATIENCE_S)
    assert answer.status is Status.NO_MATCH
    assert answer.message.endswith("perception has a fixed list of words and cannot look for corkscrew")
    assert perception.asked == []
    assert "look_for(" not in model.grammar


def test_words_that_are_looked_for_already_are_not_waited_for(serving: Serving) -> None:
    serving.retry_with(OpenVocabularyRetry(Perception(serving, known=["corkscrew"], twin=None), seconds=600.0))
    answer, _ = serving.ask(QUESTION, "", PATIENCE_S)
    assert answer.status is Status.NO_MATCH
    assert answer.message.endswith("these are looked for already")


def test_perception_that_is_too_slow_leaves_the_first_answer_with_a_note(serving: Serving) -> None:
    serving.retry_with(OpenVocabularyRetry(Perception(serving, twin=None), seconds=0.2))
    answer, _ = serving.ask(QUESTION, "", PATIENCE_S)
    assert answer.status is Status.NO_MATCH
    assert answer.message.endswith("perception was asked for corkscrew, but made no twin in time; ask again")
    serving.retry_with(OpenVocabularyRetry(Perception(serving, twin=None), seconds=600.0))
    for timeout_s in (0.5, 5.0, 50.0):  # the question's own time ends it too, once the model has written in it
        answer, _ = serving.ask(QUESTION, "", timeout_s)
        if answer.status not in (Status.BUSY, Status.TIMED_OUT):
            break
    assert answer.status is Status.NO_MATCH
    assert "no twin in time" in answer.message


def test_a_twin_from_before_is_not_taken_for_the_new_one(serving: Serving) -> None:
    old = DigitalTwin(AFTER.instances, sequence=7)
    serving.retry_with(OpenVocabularyRetry(Perception(serving, twin=old), seconds=0.3))
    assert serving.ask(QUESTION, "", PATIENCE_S)[0].status is Status.NO_MATCH


def test_it_can_be_cancelled_while_perception_looks(serving: Serving) -> None:
    serving.retry_with(OpenVocabularyRetry(Perception(serving, twin=None), seconds=600.0))
    stages: list[str] = []
    asked = serving.start(QUESTION, progress=lambda stage, _: stages.append(stage))
    until(lambda: "looking" in stages, "perception looks")
    asked.cancel()
    assert asked.done().status is Status.CANCELLED


def test_zero_seconds_turn_it_off(serving: Serving) -> None:
    perception = Perception(serving)
    serving.retry_with(OpenVocabularyRetry(perception, seconds=0.0))
    answer, _ = serving.ask(QUESTION, "", PATIENCE_S)
    assert (answer.status, perception.asked) == (Status.NO_MATCH, [])
    assert "perception" not in answer.message


def test_words_of_a_standing_question_are_told_again_so_that_they_are_not_the_oldest(serving: Serving) -> None:
    perception = Perception(serving)
    serving.retry_with(OpenVocabularyRetry(perception))
    answer, _ = serving.ask(QUESTION, "stands", PATIENCE_S, standing=True)
    assert answer.ids == (2,)
    assert serving.reasoner.standing.words == ("corkscrew",)
    serving.observe(Observation(BEFORE, open_vocabulary=True))
    perception.twin = DigitalTwin((Instance(3, "stapler"),), sequence=9)
    serving.ask("the stapler", "", PATIENCE_S)
    assert perception.asked[-1] == ["corkscrew", "stapler"]
