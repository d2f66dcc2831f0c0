"""A twin with a value that cannot be is refused where it is made, and a twin file with the name of the field."""

from __future__ import annotations

import json
import math
import pickle

import pytest
from development_data import DATA, needs_data

from fastreasonseg_ros.errors import DatasetError, TwinError
from fastreasonseg_ros.twin.serialization import twin_from_dict, twin_from_json, twin_to_json
from fastreasonseg_ros.twin.types import DigitalTwin, Instance, Relation

MUG = Instance(3, "mug", box_xyxy=(10.0, 10.0, 50.0, 60.0), size_m=(0.08, 0.1, 0.08))
TRAY = Instance(1, "tray")


def refused(**change) -> dict:
    """The twin JSON of a mug on a tray with these fields of the mug changed."""
    mug = {"id": 3, "label": "mug", "box": [10, 10, 50, 60], "size": [0.08, 0.1, 0.08]} | change
    return {"image_size": [640, 480], "instances": [{"id": 1, "label": "tray"}, mug], "relations": []}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": [0.1, -0.1, 0.1]}, "size: sides must be finite and not negative, got [0.1, -0.1, 0.1]"),
        ({"box": [50, 10, 10, 60]}, "box: must be finite x0, y0, x1, y1 with x0 <= x1 and y0 <= y1, got [50, 10, 10,"),
        ({"box": [700, 10, 720, 60]}, "box: [700, 10, 720, 60] of instance 3 lies outside the picture of 640 x 480"),
        ({"box": [-90, -80, -10, -20]}, "box: [-90, -80, -10, -20] of instance 3 lies outside the picture"),
        ({"depth": {"mean": -0.5}}, "depth.mean: must be a finite number of metres, not negative, got -0.5"),
        ({"depth": {"relative": 1.5}}, "depth.relative: must be from 0 to 1, got 1.5"),
        ({"score": -0.1}, "score: must be from 0 to 1, got -0.1"),
        ({"path_length": -1}, "path_length: must be a finite number of metres, not negative, got -1.0"),
        ({"elevation": [0.2, 0.1]}, "elevation: must be finite heights of the lowest and highest point"),
        ({"first_seen": 9, "last_seen": 8}, "last_seen: 8.0 lies before first_seen_s, 9.0"),
        ({"id": 1}, "id: 1 is used twice; ids must be unique"),
        ({"id": 0}, "id: must be 1 or more, got 0"),
        ({"label": "mug " * 1025}, "label: has 4100 characters, 4096 at most"),
        ({"text": "x" * 5000}, "text: has 5000 characters, 4096 at most: 'xxx"),
        ({"alternative_labels": ["cup", "y" * 4097]}, "alternative_labels: has 4097 characters, 4096 at most: 'yyy"),
        ({"center": [0, math.inf, 1]}, "center: expected 3 finite numbers"),
    ],
)
def test_an_instance_with_a_value_that_cannot_be_is_refused_with_the_name_of_the_field(change, message):
    assert twin_from_dict(refused()).instance(3).label == "mug"
    with pytest.raises(DatasetError) as error:
        twin_from_dict(refused(**change), "scenes.jsonl:3")
    assert str(error.value).startswith(f"scenes.jsonl:3: instances[1].{message}")


@pytest.mark.parametrize(
    ("relation", "message"),
    [
        ({"subject": 3, "predicate": "on", "object": 9}, "object: no instance has id 9"),
        ({"subject": 9, "predicate": "on", "object": 3}, "subject: no instance has id 9"),
        ({"subject": 3, "predicate": "on", "object": 3}, "object: instance 3 is related to itself"),
        ({"subject": 3, "predicate": "eats", "object": 1}, "predicate: must be one of on, inside, got 'eats'"),
        ({"subject": 3, "predicate": "on", "object": 1, "score": 2}, "score: must be from 0 to 1, got 2.0"),
    ],
)
def test_a_relation_that_cannot_be_is_refused_with_the_name_of_the_field(relation, message):
    right = {"subject": 3, "predicate": "on", "object": 1}
    assert twin_from_dict(refused() | {"relations": [right]}).relations == (Relation(3, "on", 1),)
    with pytest.raises(DatasetError) as error:
        twin_from_dict(refused() | {"relations": [right, relation]}, "scenes.jsonl:3")
    assert str(error.value).startswith(f"scenes.jsonl:3: relations[1].{message}")


@pytest.mark.parametrize("field", ["score", "depth_mean_m", "depth_std_m", "nearness", "path_length_m", "last_seen_s"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_number_that_is_not_finite_is_refused_where_the_instance_is_made(field, value):
    with pytest.raises(TwinError, match=rf"instance 3 \(mug\): {field}: must be .*, got {value}"):
        Instance(3, "mug", **{field: value})


@pytest.mark.parametrize(
    ("field", "count"), [("center_m", 3), ("velocity", 3), ("size_m", 3), ("box_xyxy", 4), ("elevation_m", 2)]
)
def test_a_vector_that_is_not_finite_is_refused_where_the_instance_is_made(field, count):
    assert Instance(3, "mug", **{field: (0.0,) * count})
    with pytest.raises(TwinError, match=rf"instance 3 \(mug\): {field}: .*finite.*, got \[0, .*nan"):
        Instance(3, "mug", **{field: (*(0.0,) * (count - 1), math.nan)})


def test_a_twin_checks_ids_and_relations_where_it_is_made():
    assert DigitalTwin((MUG, TRAY), (Relation(3, "on", 1),)).instance(1) is TRAY
    with pytest.raises(TwinError, match=r"instances\[1\]: id: 3 is used twice"):
        DigitalTwin((MUG, MUG))
    with pytest.raises(TwinError, match=r"relations\[0\]: object: no instance has id 1"):
        DigitalTwin((MUG,), (Relation(3, "on", 1),))


def test_what_is_odd_but_possible_is_read():
    over_the_edge = twin_from_dict(refused(box=[-5.5, 10, 700, 500], size=[0, 0, 0], depth={"mean": 0}))
    assert over_the_edge.instance(3).box_xyxy == (-5.5, 10, 700, 500)
    out_of_view = twin_from_dict(refused(box=[700, 10, 720, 60], visible=False, center=[0, 0, -2]))
    assert out_of_view.instance(3).center_m == (0, 0, -2)


def test_an_error_of_the_twin_survives_being_sent_to_another_process():
    error = pickle.loads(pickle.dumps(TwinError("instance 3 (mug)", "size_m", "is negative")))
    assert (str(error), error.field) == ("instance 3 (mug): size_m: is negative", "size_m")


@needs_data
@pytest.mark.parametrize("name", ["twins/scenes.jsonl", "teacher/scenes.jsonl"])
def test_every_twin_of_the_development_data_is_read_and_written_unchanged(name):
    rows = [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]
    twins = [twin_from_dict(row["twin"], f"{name}: {row['scene']}") for row in rows]
    assert len(twins) >= 8
    assert all(twin_from_json(twin_to_json(twin)) == twin for twin in twins)
