"""Scenes from written layouts: each is held to its own relations; the checker finds what is broken on purpose."""

import json
import math
from dataclasses import replace
from random import Random

import pytest

from fastreasonseg_ros.errors import DatasetError
from fastreasonseg_ros.reasoning.word_meaning.nouns import load_nouns
from fastreasonseg_ros.training.student.corpus import data
from fastreasonseg_ros.training.student.questions import english
from fastreasonseg_ros.training.student.questions.draw import make_question
from fastreasonseg_ros.training.student.questions.families import FAMILIES
from fastreasonseg_ros.training.student.scenes.consistency import faults
from fastreasonseg_ros.training.student.scenes.generate import layout_scene, random_scene
from fastreasonseg_ros.training.student.scenes.kinds import is_person, kind_of
from fastreasonseg_ros.training.student.scenes.loading import load_layouts, load_splits
from fastreasonseg_ros.twin.types import Relation

LAYOUTS = load_layouts()
SEEDS = (0, 1)


def scene_of(name: str, seed: int = 0):
    return layout_scene(Random(f"{name} {seed}"), LAYOUTS[name])


@pytest.fixture(scope="module")
def scenes():
    return {(name, seed): scene_of(name, seed) for name in LAYOUTS for seed in SEEDS}


def test_every_scene_agrees_with_itself(scenes):
    found = {at: f for at, s in scenes.items() if (f := faults(s.twin, s.fixed, s.poses))}
    assert not found


def test_there_are_at_least_150_layouts_and_scenes_of_5_to_30_things(scenes):
    assert len(LAYOUTS) >= 150
    counts = sorted(len(s.twin.instances) for s in scenes.values())
    assert counts[0] >= 4
    assert counts[-1] <= 32
    assert 8 <= counts[len(counts) // 2] <= 16
    assert sum(5 <= c <= 14 for c in counts) > 0.6 * len(counts)


def test_scenes_have_piles_contents_duplicates_motion_arrivals_and_departures(scenes):
    twins = [s.twin for s in scenes.values()]
    share = {
        "on": sum(any(r.predicate == "on" for r in t.relations) for t in twins),
        "inside": sum(any(r.predicate == "inside" for r in t.relations) for t in twins),
        "pile": sum(bool({r.object for r in t.relations} & {r.subject for r in t.relations}) for t in twins),
        "duplicate": sum(len({i.label for i in t.instances}) < len(t.instances) for t in twins),
        "moving": sum(any(i.velocity and any(i.velocity) for i in t.instances) for t in twins),
        "came": sum(any(i.first_seen_s for i in t.instances) for t in twins),
        "gone": sum(any(not i.visible for i in t.instances) for t in twins),
    }
    least = {"on": 0.6, "inside": 0.3, "pile": 0.2, "duplicate": 0.8, "moving": 0.2, "came": 0.3, "gone": 0.2}
    assert {k: n / len(twins) > least[k] for k, n in share.items()} == dict.fromkeys(least, True), share


def test_every_label_of_a_slot_has_a_real_size():
    for layout in LAYOUTS.values():
        for slot in layout.slots:
            for label in slot.of:
                size = kind_of(label).size
                assert 0.001 <= max(size) <= 11.0, label


def test_the_same_seed_makes_the_same_scene_and_another_seed_another():
    assert scene_of("kitchen_sink_washing_up", 3) == scene_of("kitchen_sink_washing_up", 3)
    assert scene_of("kitchen_sink_washing_up", 3) != scene_of("kitchen_sink_washing_up", 4)


def test_every_layout_has_one_split_and_training_scenes_hold_no_held_out_noun():
    splits = load_splits()
    assert set(splits) == set(LAYOUTS)
    assert {split: sum(s == split for s in splits.values()) >= 15 for split in set(splits.values())} == {
        "train": True, "validation": True, "held_out": True,
    }  # fmt: skip
    rng = Random(5)
    slots = {label for layout in LAYOUTS.values() for slot in layout.slots for label in slot.of}
    furniture = {label for layout in LAYOUTS.values() for _, s in layout.surfaces for label in s.label}
    unseen = {label for label in slots - furniture if english.is_held_out("noun " + label)}
    assert len(unseen) > 80
    for split in ("train", "validation"):
        for _ in range(25):
            scene = random_scene(rng, split)
            assert splits[scene.layout] == split
            assert not {i.label for i in scene.twin.instances} & unseen
    seen = {i.label for _ in range(40) for i in random_scene(rng, "held_out").twin.instances}
    assert seen & unseen


def test_parcels_on_a_belt_have_one_speed_and_what_lies_in_a_moving_tray_moves_with_it():
    riding = 0
    for seed in range(6):
        parcels, trays = scene_of("conveyor_parcels", seed).twin, scene_of("security_check", seed).twin
        belt = next(i.id for i in parcels.instances if i.label.startswith("conveyor"))
        on_it = [parcels.instance(r.subject) for r in parcels.relations if r.object == belt]
        assert len({i.velocity for i in on_it}) == 1
        assert math.hypot(*on_it[0].velocity) > 0.05
        for r in trays.relations:
            tray = trays.instance(r.object)
            if tray.label == "security tray" and any(tray.velocity):
                riding += 1
                assert trays.instance(r.subject).velocity == tray.velocity
    assert riding >= 5


def test_people_stand_or_sit_unless_they_lie_on_something(scenes):
    people = [(s, i) for s in scenes.values() for i in s.twin.instances if is_person(i.label)]
    assert len(people) > 80
    for scene, i in people:
        assert scene.poses[i.id] in ("upright", "lying")
        if scene.poses[i.id] == "lying":
            assert any(r.subject == i.id for r in scene.twin.relations) or not i.visible


BASE = scene_of("dining_table_for_four")
PLATE = next(i for i in BASE.twin.instances if "plate" in i.label and i.visible)
OTHER = next(i for i in BASE.twin.instances if i.visible and i.id != PLATE.id and "plate" in i.label)


def changed(**values):
    twin = BASE.twin
    return replace(twin, instances=tuple(replace(i, **values) if i.id == PLATE.id else i for i in twin.instances))


def moved(offset):
    x, y, z = PLATE.center_m
    return changed(center_m=(x + offset[0], y + offset[1], z + offset[2]))


def test_the_scene_that_is_broken_below_is_whole():
    assert faults(BASE.twin, BASE.fixed, BASE.poses) == []


@pytest.mark.parametrize(
    ("twin", "said"),
    [
        (replace(BASE.twin, plane=None), "no supporting plane"),
        (changed(center_m=None), "unknown"),
        (moved((0.0, -0.2, 0.0)), "above the plane, not the middle"),
        (changed(depth_mean_m=PLATE.depth_mean_m + 0.4), "depth"),
        (changed(size_m=(0.25, 0.9, 0.2)), "size along y"),
        (changed(size_m=(90.0, *PLATE.size_m[1:])), "not plausible"),
        (changed(elevation_m=(-0.2, 0.1)), "below the plane"),
        (changed(box_xyxy=(1.0, 1.0, 9.0, 9.0)), "beyond its projection"),
        (changed(box_xyxy=(-5.0, 0.0, 700.0, 480.0)), "not in the picture"),
        (changed(center_m=OTHER.center_m, box_xyxy=OTHER.box_xyxy, depth_mean_m=OTHER.depth_mean_m), "share"),
        (changed(first_seen_s=-1.0), "first seen"),
        (changed(last_seen_s=0.5), "seen before now"),
        (changed(visible=False), "seen just now"),
        (changed(velocity=(0.5, 0.0, 0.0)), "travelled nothing"),
        (changed(path_length_m=1e6), "travelled"),
        (replace(BASE.twin, relations=(Relation(PLATE.id, "on", OTHER.id),)), "do not touch"),
        (replace(BASE.twin, relations=(Relation(PLATE.id, "inside", OTHER.id),)), "sticks out sideways"),
        (
            replace(changed(velocity=(0.2, 0.0, 0.0)), relations=(Relation(OTHER.id, "on", PLATE.id),)),
            "does not move with what carries it",
        ),
        (
            replace(BASE.twin, relations=(Relation(PLATE.id, "on", OTHER.id), Relation(OTHER.id, "on", PLATE.id))),
            "rests on itself",
        ),
    ],
)
def test_the_checker_finds(twin, said):
    assert any(said in fault for fault in faults(twin, BASE.fixed, BASE.poses)), faults(twin)


def test_the_checker_finds_what_floats_and_who_lies_where_nobody_should():
    scene = next(s for s in (scene_of("warehouse_rack", n) for n in range(9)) if s.twin.relations)
    bare = replace(scene.twin, relations=())
    assert any("on nothing" in fault for fault in faults(bare, scene.fixed))
    street = scene_of("zebra_crossing")
    person = next(i for i in street.twin.instances if is_person(i.label) and i.visible)
    low = person.elevation_m[0] + 0.3
    up, deep = street.twin.plane.normal, 1.8
    forward = abs(up[1])
    size = (0.5, 0.3 * abs(up[1]) + deep * abs(up[2]), 0.3 * abs(up[2]) + deep * forward)
    lying = replace(person, elevation_m=(0.0, low), size_m=size)
    twin = replace(street.twin, instances=tuple(lying if i.id == person.id else i for i in street.twin.instances))
    assert any(fault.endswith("lies") for fault in faults(twin, street.fixed))


def test_layout_files_are_checked_key_by_key(tmp_path):
    def broken(text):
        (tmp_path / "odd.yaml").write_text(text)
        load_layouts.cache_clear()
        with pytest.raises(DatasetError) as error:
            load_layouts(tmp_path)
        return str(error.value)

    head = "desk:\n  about: x\n  ground: [1, 1]\n  camera: {pitch: 3}\n  slots:\n"
    assert "unknown key colour" in broken(head + "  - {of: mug, colour: red}\n")
    assert "no earlier slot or surface" in broken(head + "  - {of: mug, on: shelf}\n")
    assert "is no region" in broken(head + "  - {of: mug, at: upstairs}\n")
    assert "odd.yaml: desk" in broken(head + "  - {of: mug, pose: dancing}\n")


def test_every_family_of_questions_finds_something_to_ask_about_layout_scenes(scenes):
    rng, nouns, spoken = Random(4), load_nouns(), set()
    for scene in scenes.values():
        for _ in range(12):
            question = make_question(rng, scene.twin, nouns)
            spoken |= {question.family} if question else set()
    assert len(set(FAMILIES) - spoken) <= 1, set(FAMILIES) - spoken


def test_train_data_writes_questions_about_layout_scenes(tmp_path):
    path = tmp_path / "rollouts.jsonl"
    assert data.main(["--out", str(path), "--scenes", "3", "--per-scene", "3", "--scene-source", "layouts"]) == 0
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(rows) == 3
    assert all(row["twin"]["plane"] for row in rows)
    assert sum(len(row["questions"]) for row in rows) >= 4
