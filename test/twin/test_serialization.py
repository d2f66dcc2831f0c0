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
   "velocity": [0, 0, 0], "path_length": 0.0, "first_seen": 0.0, "last_seen": 12.3, "visible": true}],
 "relations": [{"subject": 3, "predicate": "on", "object": 1, "score": 0.9}]}
"""

number = st.floats(-1e6, 1e6)
vector = st.tuples(number, number, number)
word = st.text(min_size=1, max_size=12)


def optional(strategy: st.SearchStrategy) -> st.SearchStrategy:
    return st.none() | strategy


instances = st.builds(
    Instance,
    id=st.integers(1, 65535),
    label=word,
    score=st.floats(0, 1),
    color=optional(st.sampled_from(COLORS)),
    shape=optional(st.sampled_from(SHAPES)),
    box_xyxy=optional(st.tuples(number, number, number, number)),
    depth_mean_m=optional(number),
    depth_std_m=optional(number),
    center_m=optional(vector),
    size_m=optional(vector),
    elevation_m=optional(st.tuples(number, number)),
    nearness=optional(st.floats(0, 1)),
    velocity=optional(vector),
    path_length_m=optional(number),
    first_seen_s=optional(number),
    last_seen_s=optional(number),
    visible=st.booleans(),
    also=st.lists(word, max_size=3).map(tuple),
)
twins = st.builds(
    DigitalTwin,
    instances=st.lists(instances, max_size=4, unique_by=lambda i: i.id).map(tuple),
    relations=st.lists(
        st.builds(Relation, st.integers(1, 9), st.sampled_from(["on", "inside"]), st.integers(1, 9), st.floats(0, 1)),
        max_size=3,
    ).map(tuple),
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
    nulls = {"id": 1, "label": "cup", "also": None, "depth": None, "center": None, "color": None, "visible": None}
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
            {"instances": [{"id": 1, "label": "a", "also": "mug"}]},
            "instances[0].also: expected a list of words, got 'mug'",
        ),
        ({"instances": [{"id": 1, "label": "a", "also": [1]}]}, "instances[0].also: expected a list of words, got [1]"),
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
