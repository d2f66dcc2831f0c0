"""RVTBench and JiTBench: questions about videos of DAVIS 2017 and SA-V, in fields that can be named anew."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from benchmarks import BLUE, RED, dump, jitbench, packed, rvtbench

from fastreasonseg_ros.errors import DatasetError
from fastreasonseg_ros.io.datasets import open_dataset

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # inside pycocotools


def test_segmentation_questions_are_read_with_task_category_and_level_of_record_or_path(tmp_path: Path) -> None:
    dataset = open_dataset(rvtbench(tmp_path))
    assert [(q.scene, q.text, q.category, q.level) for q in dataset.questions] == [
        ("swan", "Which square is red?", "semantic", 1),
        ("swan", "What is right of it?", "spatial", 4),
        ("sav_000001", "What stays?", "temporal", 2),
    ]  # the question of the task VQA is left out
    assert [q.frames for q in dataset.questions] == [(0, 1), (0, 1), (0, 4)]
    swan = dataset.scene("swan")
    assert (swan.target(dataset.questions[0], 1) == RED).all()
    assert (swan.target(dataset.questions[1], 1) == BLUE).all()


def test_objects_of_sav_count_from_0_may_overlap_and_are_annotated_on_every_fourth_frame(tmp_path: Path) -> None:
    dataset = open_dataset(rvtbench(tmp_path))
    video, question = dataset.scene("sav_000001"), dataset.questions[2]
    assert question.target_ids == (1,)
    assert (video.target(question, 4) == RED).all()  # whole, though the other object lies over it
    assert video.target(question, 3) is None
    assert (np.unique(video.truth_ids(0)) == [0, 2]).all()


def test_run_lengths_of_the_questions_are_their_targets_frame_by_frame(tmp_path: Path) -> None:
    dataset = open_dataset(jitbench(tmp_path))
    red, both = dataset.questions
    video = dataset.scene("swan")
    assert [int(video.target(red, k).sum()) for k in (0, 1)] == [64, 0]
    assert (video.target(both, 1) == (RED | BLUE)).all()
    assert (red.level, red.category, red.where.rsplit("/", 1)[1]) == (3, "semantic", "jitbench.jsonl:1")


def test_fields_json_says_what_the_fields_are_called(tmp_path: Path) -> None:
    root = rvtbench(tmp_path)
    dump(root / "rvtbench/davis.json", [{"clip": "swan", "prompt": "red", "gt": 1}])
    with pytest.raises(DatasetError) as error:
        open_dataset(root)
    message = str(error.value)
    assert "davis.json: record 0: video: expected text under video or video_id" in message
    assert 'its keys are clip, prompt, gt. If it has another name, write {"video": NAME} into fields.json' in message
    dump(root / "fields.json", {"video": "clip", "text": "prompt", "objects": "gt"})
    (root / "rvtbench/segmentation/temporal_L2.json").unlink()
    [question] = open_dataset(root).questions
    assert (question.text, question.target_ids) == ("red", (1,))
    dump(root / "fields.json", {"txt": "prompt"})
    with pytest.raises(DatasetError, match=r'fields.json: txt: expected \{"text": NAME\}'):
        open_dataset(root)


def edited(path: str, change: Callable[[list], object]) -> Callable[[Path], object]:
    def edit(root: Path) -> None:
        data = json.loads((root / path).read_text())
        change(data)
        dump(root / path, data)

    return edit


DAVIS = "rvtbench/davis.json"
FLAWS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no questions": (lambda r: (r / "rvtbench").rename(r / "other"), "is not rvtbench as it is published"),
    "unknown video": (edited(DAVIS, lambda d: d[0].update(video="crow")), "record 0: video: unknown scene 'crow'"),
    "unknown id": (edited(DAVIS, lambda d: d[1].update(object_ids=[7])), "record 1: target id 7 is in no annotation"),
    "unknown object": (
        edited("rvtbench/segmentation/temporal_L2.json", lambda d: d["sav_000001"][0].update(object_ids=[5])),
        "record 0 of sav_000001: target id 5 is in no annotation of sav_000001; there are 0, 1",
    ),
    "frame beyond the end": (edited(DAVIS, lambda d: d[0].update(frames=[0, 9])), "record 0: frame 9 is not in swan"),
    "frames backwards": (edited(DAVIS, lambda d: d[0].update(frames=[1, 0])), "record 0: frames: expected [first,"),
    "ids as words": (edited(DAVIS, lambda d: d[0].update(object_ids=["a"])), "record 0: objects: expected a list of"),
    "level": (edited(DAVIS, lambda d: d[0].update(level="hard")), "record 0: level: expected a number or L1 to L4"),
    "number for a record": (edited(DAVIS, lambda d: d.append(3)), "davis.json: record 3: expected an object, got 3"),
    "one number": (lambda r: dump(r / DAVIS, 3), "davis.json: expected a list of questions, or one a video"),
    "no segmentation": (
        lambda r: [dump(p, [{"video": "swan", "query": "x", "task": "VQA"}]) for p in (r / "rvtbench").rglob("*.json")],
        "no question of the task segmentation",
    ),
    "masks for one only": (
        edited(DAVIS, lambda d: d[0].update(masks=[packed(RED)] * 2)), "record 1: masks: expected 2 run lengths",
    ),
    "too few masks": (edited(DAVIS, lambda d: [r.update(masks=[None]) for r in d]), "one a frame, as other questions"),
    "no masks": (lambda r: (r / "DAVIS/Annotations").rename(r / "gone"), "Annotations/480p/swan: is missing"),
}  # fmt: skip


@pytest.mark.parametrize("flaw", FLAWS)
def test_a_flaw_is_named_with_its_file_and_record(flaw: str, tmp_path: Path) -> None:
    root = rvtbench(tmp_path)
    spoil, expected = FLAWS[flaw]
    spoil(root)
    with pytest.raises(DatasetError) as error:
        open_dataset(root, "rvtbench")
    assert expected in str(error.value)
