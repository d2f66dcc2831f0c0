"""Where nothing is called so, what perception might have called so: other words of things, only where no name fits."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fastreasonseg_ros.errors import MissingDataError
from fastreasonseg_ros.plan.executor import MIGHT_BE, PASSED_OVER, execute, execute_closest
from fastreasonseg_ros.plan.parser import parse_plan
from fastreasonseg_ros.twin.types import DigitalTwin, Instance


def thing(id, label, *others, x=0.0, color="red", **more):
    more |= {"alternative_labels": others}
    return Instance(id, label, color=color, center_m=(x, 0.0, 1.0), size_m=(0.1, 0.1, 0.1), **more)


# What is called a bowl might be a pot or a mug; a tin might be a mug sooner; neither is called a mug.
SCENE = DigitalTwin(
    instances=(
        thing(1, "bowl", "pot", "mug", x=-0.4),
        thing(2, "tin", "mug", "jar", x=-0.2),
        thing(3, "can", "mug", x=0.0, color="blue"),
        thing(4, "plate", x=0.2),
        thing(5, "cup", "glass", x=0.4, visible=False),
    )
)


class Words:
    """A meaning that knows names only, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, tuple[str, ...]]] = []

    def matching(self, text, labels):
        self.asked.append((text, tuple(labels)))
        return frozenset(labels) & set(text.split(" or "))


def closest(plan, twin=SCENE):
    return execute_closest(parse_plan(plan), twin, Words())


@pytest.mark.parametrize(
    ("plan", "ids", "guessed"),
    [
        ('a = like(all, "mug")', (2, 3), "a"),  # the second word of two; the third one of the bowl counts less
        ('a = like(all, "mug", color=blue)', (3,), "a"),
        ('a = like(all, "jar")', (2,), "a"),
        ('a = like(all, "mug or pot")', (1, 2, 3), "a"),
        ('a = like(gone, "glass")', (5,), "a"),
        ('a = like(all, "glass")', (), ""),  # only what is out of view might be one
        ('a = like(all, "mug", color=green)', (), ""),
        ('a = like(all, "whisk")', (), ""),
        ('a = like(all, "mug")\nb = find(label=plate)\nc = nearest(a, b)', (3,), "a"),
        ('a = like(all, "mug")\nb = like(all, "pot")\nc = nearest(a, b)', (2,), "ab"),
        ('a = like(all, "mug")\nb = like(all, "plate")\nc = left_of(b, a)', (4,), "ac"),  # c is passed over
    ],
)
def test_what_nothing_is_called_is_looked_for_by_other_words_likelier_ones_first(plan, ids, guessed):
    done = closest(plan)
    assert done.ids == ids
    noted = {step.name: step.note for step in done.trace if step.note}
    assert noted == {name: PASSED_OVER if name == "c" else MIGHT_BE for name in guessed}
    assert guessed or done == execute(parse_plan(plan), SCENE, Words())


@pytest.mark.parametrize(
    "plan",
    [
        'a = like(all, "can")',
        'a = like(all, "can")\nb = like(all, "mug")\nc = union(a, b)',  # something is left without the mug
        'a = like(all, "mug")\nb = minus(all, a)',
    ],
)
def test_other_words_are_never_asked_for_where_an_answer_is_found_without(plan):
    meaning = Words()
    done = execute_closest(parse_plan(plan), SCENE, meaning)
    assert done.ids
    assert not any(step.note for step in done.trace)
    assert {labels for _, labels in meaning.asked} == {("bowl", "tin", "can", "plate")}


def test_things_without_other_words_cost_no_second_run():
    meaning = Words()
    plain = DigitalTwin(tuple(replace(i, alternative_labels=()) for i in SCENE.instances))
    assert not execute_closest(parse_plan('a = like(all, "mug")'), plain, meaning).ids
    assert len(meaning.asked) == 1


def test_to_the_letter_only_names_count():
    assert execute(parse_plan('a = like(all, "mug")'), SCENE, Words()).ids == ()


def test_the_camera_and_the_table_are_no_things_that_something_might_be():
    table = DigitalTwin((thing(1, "box", "table"), thing(2, "book")))
    done = closest('a = like(all, "table")\nb = like(all, "pot")\nc = on(b, a)', table)
    assert done.ids == ()
    assert closest('a = like(all, "table")\nb = like(all, "book")\nc = on(b, a)', table).ids == (2,)


def test_what_is_asked_of_a_guess_must_be_known_as_of_a_name():
    with pytest.raises(MissingDataError, match="moving.*no velocity is known"):
        closest('a = like(all, "mug")\nb = moving(a)')
