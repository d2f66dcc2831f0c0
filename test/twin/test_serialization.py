"""A twin survives JSON unchanged, and a broken one is refused with the name of the field."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastreasonseg_ros.errors import DatasetError
from fastreasonseg_ros.twin.serialization import twin_from_dict, twin_from_json, twin_to_dict, twin_to_json
from fastreasonseg_ros.twin.types import COLORS, SHAPES, DigitalTwin, Instance, Plane, Relation

FROM_THE_DESIGN = """
{"version": 1, "stamp": 12.3, "frame_id": "camera_color_optical_frame", "image_size": [640, 480], "instances": [
  {"id": 3, "label": "mug", "score": 0.83, "color": "red", "shape": "cylinder", "box": [310, 205, 362, 270],
   "depth": {"mean": 0.82, "std": 0.01}, "center": [0.03, 0.02, 0.82], "size": [0.08, 0.10, 0.08],
   "velocity": [0, 0, 0], "path_length": 0.0, "first_seen": 0.0, "last_seen": 12.3, "visible": true},
  {"id": 1, "label": "tray"}],
 "relations": [{"subject": 3, "predicate": "on", "object": 1, "score": 0.9}]}
"""

number = st.floats(-1e6, 1e6)
length = st.floats(0, 1e6)
vector = st.tuples(number, number, number)
rising = st.tuples(number, length).map(lambda pair: (pair[0], pair[0] + pair[1]))
word = st.text(min_size=1, max_size=12)
# Inside the smallest picture, or over its edge.
boxes = st.builds(lambda x, y: (x[0], y[0], x[1], y[1]), *[st.tuples(st.floats(-9, 1), st.floats(1, 4000))] * 2)


def optional(strategy: st.SearchStrategy) -> st.SearchStrategy:
    return st.none() | strategy


instances = st.builds(
    Instance,
    id=st.integers(1, 65535),
    label=word,
    score=st.floats(0, 1),
    color=optional(st.sampled_from(COLORS)),
    shape=optional(st.sampled_from(SHAPES)),
    box_xyxy=optional(boxes),
    depth_mean_m=optional(length),
    depth_std_m=optional(length),
    center_m=optional(vector),
    size_m=optional(st.tuples(length, length, length)),
    elevation_m=optional(rising),
    nearness=optional(st.floats(0, 1)),
    velocity=optional(vector),
    path_length_m=optional(length),
    first_seen_s=optional(st.floats(-1e6, 0)),
    last_seen_s=optional(length),
    visible=st.booleans(),
    alternative_labels=st.lists(word, max_size=3).map(tuple),
)


@st.composite
def scenes(draw: st.DrawFn) -> dict:
    """Instances, and relations between two of them."""
    drawn = draw(st.lists(instances, max_size=4, unique_by=lambda i: i.id).map(tuple))
    pairs = [(a.id, b.id) for a in drawn for b in drawn if a is not b]
    relation = st.builds(
        lambda pair, predicate, score: Relation(pair[0], predicate, pair[1], score),
        st.sampled_from(pairs or [(1, 2)]),
        st.sampled_from(["on", "inside"]),
        st.floats(0, 1),
    )
    return {"instances": drawn, "relations": draw(st.lists(relation, max_size=3 if pairs else 0).map(tuple))}


twins = st.builds(
    lambda scene, **values: DigitalTwin(**scene, **values),
    scenes(),
    stamp_s=number,
    frame_id=word,
    image_size=st.tuples(st.integers(1, 4000), st.integers(1, 4000)),
    plane=optional(st.builds(Plane, vector, number)),
    sequence=st.integers(0, 2**31),
    begun_s=optional(number),
)


@settings(max_examples=60, deadline=None)
@given(twins)
def test_every_twin_survives_json_unchanged(twin: DigitalTwin) -> None:
    assert twin_from_json(twin_to_json(twin)) == twin


def test_the_example_of_the_design_is_read_as_it_means() -> None:
    twin = twin_from_json(FROM_THE_DESIGN)
    mug = twin.instance(3)
    assert (twin.stamp_s, twin.image_size) == (12.3, (640, 480))
    assert (mug.label, mug.color, mug.shape, mug.box_xyxy) == ("mug", "red", "cylinder", (310, 205, 362, 270))
    assert (mug.depth_mean_m, mug.depth_std_m, mug.center_m) == (0.82, 0.01, (0.03, 0.02, 0.82))
    assert twin.relations == (Relation(3, "on", 1, 0.9),)


def test_what_is_unknown_is_neither_written_nor_invented() -> None:
    written = twin_to_dict(DigitalTwin(instances=(Instance(id=1, label="cup"),)))
    assert written["instances"] == [{"id": 1, "label": "cup", "score": 1.0, "visible": True}]
    assert not {"plane", "begun"} & set(written)
    assert twin_from_dict(written | {"begun": None}).begun_s is None
    nulls = {
        "id": 1,
        "label": "cup",
        "alternative_labels": None,
        "also": None,
        "depth": None,
        "center": None,
        "color": None,
        "visible": None,
    }
    assert twin_from_dict({"instances": [nulls], "relations": None}).instances == (Instance(id=1, label="cup"),)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, "version: is 2, this software reads version 1"),
        ({"image_size": [640]}, "image_size: expected 2 finite numbers, got [640]"),
        ({"image_size": [0, 480]}, "image_size: must be [width, height] in whole pixels"),
        ({"stamp": "now"}, "stamp: expected a finite number, got 'now'"),
        ({"instances": None}, "instances: expected a list, got nothing"),
        ({"instances": [3]}, "instances[0]: expected a JSON object, got 3"),
        ({"instances": [{"label": "mug"}]}, "instances[0].id: expected a whole number, got nothing"),
        ({"instances": [{"id": 0, "label": "mug"}]}, "instances[0].id: must be 1 or more, got 0"),
        ({"instances": [{"id": 1, "label": ""}]}, "instances[0].label: expected text, got ''"),
        ({"instances": [{"id": 1, "label": "a"}, {"id": 1, "label": "b"}]}, "instances[1].id: 1 is used twice"),
        ({"instances": [{"id": 1, "label": "a", "box": [0, 0, 1]}]}, "instances[0].box: expected 4 finite numbers"),
        ({"instances": [{"id": 1, "label": "a", "depth": {"mean": True}}]}, "instances[0].depth.mean: expected"),
        (
            {"instances": [{"id": 1, "label": "a", "alternative_labels": "mug"}]},
            "instances[0].alternative_labels: expected a list of words, got 'mug'",
        ),
        (
            {"instances": [{"id": 1, "label": "a", "alternative_labels": [1]}]},
            "instances[0].alternative_labels: expected a list of words, got [1]",
        ),
        ({"instances": [{"id": 1, "label": "a", "visible": 1}]}, "instances[0].visible: must be true or false"),
        ({"relations": [{"subject": 1}]}, "relations[0].predicate: expected text, got nothing"),
    ],
)
def test_a_broken_twin_is_refused_with_the_name_of_the_field(change: dict, message: str) -> None:
    with pytest.raises(DatasetError) as error:
        twin_from_dict(json.loads(FROM_THE_DESIGN) | change, "scenes.jsonl:3")
    assert str(error.value).startswith(f"scenes.jsonl:3: {message}")


def test_text_that_is_not_json_or_not_finite_is_refused() -> None:
    with pytest.raises(DatasetError, match="scenes.jsonl: is not JSON"):
        twin_from_json('{"instances": [', "scenes.jsonl")
    with pytest.raises(DatasetError, match=r"instances\[0\]\.center: expected 3 finite numbers"):
        twin_from_json('{"instances": [{"id": 1, "label": "a", "center": [0, NaN, 1]}]}')
