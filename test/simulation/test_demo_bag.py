"""The demo's bag and questions: small, readable, and true in the scene that it was recorded from."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from fastreasonseg_ros.io.bags.questions import TimedQuestion, read_timed_questions
from fastreasonseg_ros.io.bags.reader import read_bag
from fastreasonseg_ros.simulation import play, true_twin
from fastreasonseg_ros.twin.types import DigitalTwin, Frame

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "demo"


@dataclass(frozen=True)
class Moment:
    at_s: float
    twin: DigitalTwin
    heights: dict[int, float]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("record_demo_bag", ROOT / "scripts" / "record_demo_bag.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def moments(script: ModuleType) -> list[Moment]:
    with script.demo_scene((160, 120)) as scene:
        found = []
        for frame in play(scene, script.EVENTS, script.DURATION_S, 5, "none"):
            twin = true_twin(scene, frame)
            heights = {i.id: i.elevation_m[1] - i.elevation_m[0] for i in twin.instances}
            found.append(Moment(frame.stamp_s, twin, heights))
        return found


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    return list(read_bag(DEMO / "table"))


@pytest.fixture(scope="module")
def questions() -> dict[str, TimedQuestion]:
    return {q.text: q for q in read_timed_questions(DEMO / "questions.jsonl")}


def after(moments: list[Moment], question: TimedQuestion) -> list[Moment]:
    """From when it is asked to the end: a slow computer asks late, and the answer must still be true."""
    return [m for m in moments if m.at_s >= question.at_s]


def test_the_bag_is_small_and_whole(frames: list[Frame], script: ModuleType) -> None:
    assert sum(f.stat().st_size for f in (DEMO / "table").iterdir()) <= 10_000_000
    assert len(frames) == round(script.DURATION_S * script.FPS)
    assert all(f.depth_m is not None and f.intrinsics is not None and f.truth.labels for f in frames)
    assert frames[-1].stamp_s - frames[0].stamp_s == pytest.approx(script.DURATION_S - 1 / script.FPS, abs=0.01)


def test_the_bag_shows_the_scene_of_the_script(frames: list[Frame], moments: list[Moment]) -> None:
    start_s = frames[0].stamp_s
    for frame in frames[::10]:
        moment = min(moments, key=lambda m: abs(m.at_s - (frame.stamp_s - start_s)))
        ids = frame.truth.ids[2::4, 2::4]
        assert np.mean(ids != moment.twin.ids) < 0.03
    assert set(frames[0].truth.labels) == set(range(1, 10))
    assert set(frames[-1].truth.labels) == {1, 2, 3, 4, 5, 6, 7, 8, 10}
    assert all(np.count_nonzero(frames[0].truth.ids == id) > 1000 for id in frames[0].truth.labels)


def test_there_are_at_least_ten_questions_of_all_kinds(questions: dict[str, TimedQuestion]) -> None:
    assert len(questions) >= 10
    kinds = {"attribute", "spatial", "semantic", "affordance", "temporal", "compositional", "none", "command"}
    assert {q.category for q in questions.values()} == kinds
    assert sum(q.standing for q in questions.values()) == 1


def test_what_is_asked_for_is_in_sight_from_then_on(moments: list[Moment], questions: dict[str, TimedQuestion]) -> None:
    for question in questions.values():
        for moment in after(moments, question):
            assert set(question.target_ids) <= {i.id for i in moment.twin.instances}


def test_attributes_are_true(moments: list[Moment], questions: dict[str, TimedQuestion]) -> None:
    twin = moments[0].twin
    mugs = {i.color: i.id for i in twin.instances if i.label == "mug"}
    assert questions["Keep an eye on the red mug."].target_ids == (mugs["red"],)
    assert questions["Show me the blue mug."].target_ids == (mugs["blue"],)
    tallest = questions["Which object here is the tallest?"]
    for moment in after(moments, tallest):
        assert (max(moment.heights, key=moment.heights.__getitem__),) == tallest.target_ids


def test_labels_fit_what_is_wanted(moments: list[Moment], questions: dict[str, TimedQuestion]) -> None:
    wanted = {
        "Hand me something to drink from.": {"mug"},
        "I would like to read something.": {"book"},
        "Point at all the fruit.": {"apple", "banana"},
        "I have to drive a nail into the wall. What do I need?": {"hammer"},
        "Give me the scissors.": {"scissors"},
    }
    for text, labels in wanted.items():
        for moment in after(moments, questions[text]):
            fitting = tuple(i.id for i in moment.twin.instances if i.label in labels)
            assert fitting == questions[text].target_ids, text


def test_places_are_true(moments: list[Moment], questions: dict[str, TimedQuestion]) -> None:
    for text, predicate, label in (
        ("What is inside the bowl?", "inside", "bowl"),
        ("What is standing on the book?", "on", "book"),
    ):
        for moment in after(moments, questions[text]):
            found = [
                r.subject
                for r in moment.twin.relations
                if r.predicate == predicate and moment.twin.instance(r.object).label == label
            ]
            assert tuple(found) == questions[text].target_ids, text
    nearer = questions["Which mug is closer to the cereal box?"]
    for moment in after(moments, nearer):
        box = np.asarray(moment.twin.instance(7).center_m)
        distance = {i: np.linalg.norm(np.asarray(moment.twin.instance(i).center_m) - box) for i in (1, 2)}
        assert (min(distance, key=distance.__getitem__),) == nearer.target_ids
        assert abs(distance[1] - distance[2]) > 0.05


def test_times_are_true(moments: list[Moment], questions: dict[str, TimedQuestion]) -> None:
    moving = questions["What is moving?"]
    then = [m for m in moments if moving.at_s <= m.at_s <= moving.at_s + 1.0]
    for moment in then:
        fast = tuple(i.id for i in moment.twin.instances if np.linalg.norm(i.velocity) > 0.02)
        assert fast == moving.target_ids
    last = questions["Which object came into view last?"]
    first_seen: dict[int, float] = {}
    for moment in moments:
        for instance in moment.twin.instances:
            first_seen.setdefault(instance.id, moment.at_s)
    assert (max(first_seen, key=first_seen.__getitem__),) == last.target_ids
