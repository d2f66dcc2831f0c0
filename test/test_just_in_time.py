"""A question about what perception was not looking for: its words are looked for, and it is asked again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fastreasonseg_ros.errors import ConfigError, Status
from fastreasonseg_ros.just_in_time import look_again, missing_words
from fastreasonseg_ros.perception.vocabulary import Vocabulary
from fastreasonseg_ros.pipeline import observe, reason
from fastreasonseg_ros.twin.types import Answer, Detection, DigitalTwin, Frame, Perceived, Query, TraceStep

THINGS = {"mug": (2, 2, 10, 10), "corkscrew": (20, 5, 30, 20), "bottle opener": (20, 5, 30, 20)}


class Shelf:
    """Sees a mug, and of the other things those that it was told to look for; the corkscrew passes for an opener."""

    def __init__(self) -> None:
        self.words: tuple[str, ...] = ()
        self.looks = 0

    def set_vocabulary(self, words) -> None:
        self.words = tuple(words)

    def perceive(self, frame: Frame) -> Perceived:
        self.looks += 1
        seen = {THINGS[w]: w for w in ("bottle opener", *self.words) if w in THINGS} | {THINGS["mug"]: "mug"}
        found = []
        for n, (box, word) in enumerate(sorted(seen.items()), 1):
            mask = np.zeros(frame.color.shape[:2], bool)
            mask[box[1] : box[3], box[0] : box[2]] = True
            found.append(Detection(mask, word, 0.9, tuple(map(float, box)), track_hint=n))
        return Perceived(tuple(found))


class Writes:
    """A language model that finds the corkscrew where there is one, and asks for it otherwise."""

    name = "writes"

    def __init__(self, otherwise: str) -> None:
        self.otherwise = otherwise

    def generate(self, prompt: str, grammar: str, on_text=None) -> str:
        return "There.\na = find(label=corkscrew)" if '"corkscrew"' in grammar else self.otherwise


FRAME = Frame(np.zeros((30, 40, 3), np.uint8), stamp_s=1.0)
QUERY = Query("hand me the corkscrew")


@pytest.mark.parametrize("plan", ["None here.\nnone", "Look.\na = look_for(corkscrew)"])
def test_the_question_is_answered_on_the_twin_that_was_made_with_its_words(plan) -> None:
    shelf, model = Shelf(), Writes(plan)
    vocabulary, twin = Vocabulary(shelf), DigitalTwin()
    for n in range(20):  # the corkscrew has long been voted to be an opener
        twin = observe(twin, replace(FRAME, stamp_s=n * 0.05), shelf)
    answer = reason(twin, QUERY, model, look_for=True)
    assert (answer.status, answer.ids) == (Status.NO_MATCH, ())
    assert missing_words(answer, twin) == ("corkscrew",)
    again = look_again(answer, twin, FRAME, shelf, vocabulary)
    assert again is not None
    assert [i.label for i in again.instances] == ["mug", "corkscrew"]
    better = reason(again, QUERY, model, look_for=True)
    assert (better.status, better.ids) == (Status.OK, (2,))
    assert [i.id for i in again.instances] == [i.id for i in twin.instances]  # the same thing under another name


def test_nothing_is_looked_for_twice_or_where_nothing_lacks_or_where_words_are_fixed() -> None:
    shelf = Shelf()
    vocabulary = Vocabulary(shelf)
    twin = observe(DigitalTwin(), FRAME, shelf)
    none = Answer(QUERY, Status.NO_MATCH, "nothing")
    assert look_again(none, twin, FRAME, shelf, vocabulary) is not None
    assert look_again(none, twin, FRAME, shelf, vocabulary) is None
    assert look_again(Answer(Query("the mug"), Status.NO_MATCH, ""), twin, FRAME, shelf, vocabulary) is None
    assert look_again(replace(none, status=Status.OK), twin, FRAME, shelf, vocabulary) is None
    assert look_again(replace(none, status=Status.MODEL_FAILED), twin, FRAME, shelf, vocabulary) is None
    looks = shelf.looks

    class Fixed(Shelf):
        def set_vocabulary(self, words) -> None:
            raise ConfigError("fixed")

    fixed = Fixed()
    assert look_again(none, twin, FRAME, fixed, Vocabulary(fixed)) is None
    assert (fixed.looks, shelf.looks) == (0, looks)


def test_words_of_an_empty_like_step_are_looked_for_and_of_a_step_that_gave_something_not() -> None:
    twin = observe(DigitalTwin(), FRAME, Shelf())
    steps = (TraceStep("a", 'like(all, "open wine")', ()), TraceStep("b", "nearest(all, a)", ()))
    answer = Answer(Query("what is it?"), Status.NO_MATCH, "", trace=steps)
    assert missing_words(answer, twin) == ("corkscrew",)
    assert missing_words(replace(answer, trace=(replace(steps[0], ids=(1,)),)), twin) == ()


def test_asking_and_evaluating_without_ros_look_again_too() -> None:
    from fastreasonseg_ros.evaluation.runners.scene_state import SceneState, Times, ask_about

    shelf, times = Shelf(), Times()
    seen = SceneState()
    seen.observe(0, FRAME, shelf, times)
    model = Writes("None here.\nnone")
    answer, problem = ask_about(seen, QUERY.text, lambda twin, query: reason(twin, query, model), times)
    assert problem is None
    assert (answer.status, answer.ids) == (Status.OK, (2,))
    assert set(np.unique(seen.ids(0))) == {0, 1, 2}
    assert (len(times.perception), len(times.reasoning)) == (1, 1)
    SceneState().observe(0, FRAME, shelf, times)  # another scene begins without the words
    assert shelf.words == ()
