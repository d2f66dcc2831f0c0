"""Benchmarks as they are published are read: questions, targets to the pixel, and every flaw with its file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import benchmarks
import numpy as np
import pytest
from benchmarks import ALL, BLUE, RED, H, W, break_png, dump, ids, lines, picture, save

from fastreasonseg_ros.errors import DatasetError
from fastreasonseg_ros.io.datasets import FORMATS, READERS, open_dataset
from fastreasonseg_ros.io.datasets.reasonseg import draw_polygons

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # inside pycocotools


def only(values):
    [value] = values
    return value


@pytest.mark.parametrize("make", ALL, ids=lambda make: make.__name__)
def test_every_format_is_found_by_its_files_and_streams_frames(make: Callable[[Path], Path], tmp_path: Path) -> None:
    dataset = open_dataset(make(tmp_path / "data"))
    assert dataset.format == make.__name__
    assert dataset.questions
    assert open_dataset(tmp_path / "data", dataset.format).questions == dataset.questions
    for name, asked in dataset.by_scene().items():
        scene = dataset.scene(name)
        frames = list(scene.frames())
        assert [number for number, _ in frames] == list(scene.numbers)
        for number, frame in frames:
            assert frame.color.shape == (H, W, 3)
            assert np.abs(frame.color.astype(int) - picture()).mean() < 8  # JPEG
            assert (frame.depth_m is not None) == dataset.has_depth
            for _, question in asked:
                target = scene.target(question, number)
                assert target is None or target.shape == (H, W)


def test_reasonseg_targets_are_drawn_as_lisa_draws_them(tmp_path: Path) -> None:
    dataset = open_dataset(benchmarks.reasonseg(tmp_path))
    one, two = dataset.questions
    assert (one.text, one.category, two.text, two.category) == (
        "What could stop a car?", "long", "the café sign", "short",
    )  # fmt: skip
    scene = dataset.scene("one")
    ignored = np.zeros((H, W), bool)
    ignored[4:7, 8:11] = True
    assert (scene.ignore(0) == ignored).all()
    assert (scene.target(one, 0) == (RED & ~ignored)).all()
    assert (dataset.scene("two").target(two, 0) == BLUE).all()
    assert open_dataset(tmp_path / "val").questions == dataset.questions


def test_smaller_polygons_lie_over_larger_ones_whatever_their_order() -> None:
    small, large = benchmarks.square(5, 5, 3), benchmarks.square(2, 2, 10)
    for shapes in ([("ignore", small), ("target", large)], [("target", large), ("IGNORE this", small)]):
        values = draw_polygons([{"label": label, "points": points} for label, points in shapes], (20, 20))
        assert np.count_nonzero(values == 255) == 9
        assert np.count_nonzero(values == 1) == 91


def test_llmseg40k_masks_are_found_whatever_folder_their_path_begins_with(tmp_path: Path) -> None:
    dataset = open_dataset(benchmarks.llmseg40k(tmp_path))
    assert [(q.scene, q.category) for q in dataset.questions] == [
        ("coco/000000000009.jpg", "coco"),
        ("coco/000000000009.jpg", "coco"),
        ("ego_objects/E1.jpg", "ego_objects"),
    ]
    scene = dataset.scene("coco/000000000009.jpg")
    assert (scene.target(dataset.questions[0], 0) == RED).all()
    assert (scene.target(dataset.questions[1], 0) == BLUE).all()


def test_revos_masks_are_run_lengths_of_every_frame(tmp_path: Path) -> None:
    dataset = open_dataset(benchmarks.revos(tmp_path))
    referring, reasoning, absent = dataset.questions
    assert [q.category for q in dataset.questions] == ["referring", "reasoning", "absent"]
    assert referring.frames == (0, 2)
    scene = dataset.scene("v1")
    assert (scene.target(referring, 0) == RED).all()
    assert not scene.target(referring, 1).any()  # null: not in view
    assert (scene.target(reasoning, 1) == (RED | BLUE)).all()  # the whole masks, though the second covers the first
    assert not scene.target(absent, 0).any()


def test_reasonvos_frames_without_a_mask_do_not_count(tmp_path: Path) -> None:
    dataset = open_dataset(benchmarks.reasonvos(tmp_path))
    question = only(dataset.questions)
    assert (question.category, question.frames) == ("long", (0, 2))
    scene = dataset.scene("v1")
    assert (scene.target(question, 0) == RED).all()
    assert scene.target(question, 1) is None
    with pytest.raises(DatasetError, match="no splits"):
        open_dataset(tmp_path, split="val")


def test_osd_has_depth_in_millimetres_and_every_object(tmp_path: Path) -> None:
    dataset = open_dataset(benchmarks.osd(tmp_path))
    frame = dataset.scene("learn0").frame(0)
    assert frame.depth_m[5, 5] == pytest.approx(0.7)
    assert (frame.truth.ids == ids()).all()
    assert (frame.truth.labels, frame.truth.colors) == ({1: "box", 2: "mug"}, {1: "red", 2: "blue"})
    assert frame.intrinsics.fx == 40.0
    (tmp_path / "queries.jsonl").unlink()
    assert list(open_dataset(tmp_path).by_scene()) == ["learn0"]  # perception alone
    assert open_dataset(tmp_path, split="learn").scene_names == ("learn0",)
    with pytest.raises(DatasetError, match="no pictures in image_color begin with 'test'"):
        open_dataset(tmp_path, split="test")


def test_davis_palettes_are_ids_and_void_pixels_do_not_count(tmp_path: Path) -> None:
    dataset = open_dataset(benchmarks.davis(tmp_path))
    question = only(dataset.questions)
    assert (question.scene, question.text, question.target_ids, question.frames) == (
        "swan",
        "a red square",
        (1,),
        (0, 1),
    )
    scene = dataset.scene("swan")
    void = np.zeros((H, W), bool)
    void[4, 4] = True
    assert (scene.target(question, 1) == (RED & ~void)).all()
    assert (scene.ignore(1) == void).all()
    assert only(open_dataset(tmp_path, split="train").questions).target_ids == (2,)
    lines(tmp_path / "queries.jsonl", {"scene": "swan", "text": "what?", "target_ids": [2], "frames": [0, 0]})
    assert only(open_dataset(tmp_path).questions).text == "what?"
    with pytest.raises(DatasetError, match="split 'test-dev' is not here; choose --split train or val"):
        open_dataset(tmp_path, split="test-dev")


def test_ade20k_things_of_one_class_are_told_apart_and_asked_for_by_their_attributes(tmp_path: Path) -> None:
    dataset = open_dataset(benchmarks.ade20k(tmp_path))
    asked = {q.text: (q.category, q.target_ids) for q in dataset.questions}
    assert asked == {
        "the traffic light": ("semantic", (1, 2)),
        "the red traffic light": ("attribute", (1,)),
        "the turned on traffic light": ("attribute", (1,)),
        "the blue traffic light": ("attribute", (2,)),
    }
    frame = dataset.scene("ADE_val_1").frame(0)
    assert (frame.truth.ids == ids()).all()
    assert frame.truth.colors == {1: "red", 2: "blue"}
    assert dataset.split == "validation"


@pytest.mark.parametrize("reader", READERS, ids=FORMATS)
def test_what_to_download_and_where_to_put_it_is_told(reader, tmp_path: Path) -> None:
    with pytest.raises(DatasetError) as error:
        open_dataset(tmp_path / "nothing", reader.NAME)
    assert reader.WHERE in str(error.value)
    with pytest.raises(DatasetError, match="--format NAME tells what to download"):
        open_dataset(tmp_path / "nothing")


def test_an_unknown_format_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="unknown format 'resonseg', did you mean 'reasonseg'"):
        open_dataset(tmp_path, "resonseg")


def changed(path: Path, change: Callable[[dict], None]) -> None:
    data = json.loads(path.read_text())
    change(data)
    dump(path, data)


FLAWS: dict[str, tuple[Callable[[Path], Path], Callable[[Path], object], str]] = {
    "reasonseg without a picture": (
        benchmarks.reasonseg, lambda r: (r / "val/two.jpg").unlink(), "val/two.jpg: picture is missing; two.json asks",
    ),
    "reasonseg without points": (
        benchmarks.reasonseg,
        lambda r: changed(r / "val/one.json", lambda d: d["shapes"][1].pop("points")),
        "val/one.json: shapes[1]: expected a label and points",
    ),
    "reasonseg cut off": (
        benchmarks.reasonseg, lambda r: break_png(r / "val/one.json"), "val/one.json:1: is not JSON",
    ),
    "llmseg40k without a mask": (
        benchmarks.llmseg40k,
        lambda r: (r / "masks/a.png").unlink(),
        "split/validation.json: 000000000009.jpg: qa_pairs[0]: mask '/home/x/data/masks/a.png' was found neither",
    ),
    "llmseg40k of mixed sizes": (
        benchmarks.llmseg40k,
        lambda r: save(r / "masks/a.png", np.ones((H, W + 1), np.uint8)),
        "masks/a.png: is 41x32 but its picture",
    ),
    "llmseg40k with broken run lengths": (
        benchmarks.llmseg40k,
        lambda r: changed(
            r / "split/validation.json", lambda d: d["E1.jpg"]["qa_pairs"][0].update(rle_seg={"size": [H, W]})
        ),
        "split/validation.json: E1.jpg: qa_pairs[0]: rle_seg is not a run-length mask",
    ),
    "reasonvos with expressions by key": (
        benchmarks.reasonvos,
        lambda r: changed(r / "meta_expressions.json", lambda d: d["videos"]["v1"].update(expressions={})),
        "meta_expressions.json: v1: expected source and a list of expressions",
    ),
    "revos with an unknown annotation": (
        benchmarks.revos,
        lambda r: changed(r / "mask_dict.json", lambda d: d.pop("71")),
        "meta_expressions_valid_.json: v1: expression 1: annotation 71 has no list of 3 masks in",
    ),
    "revos with a broken mask": (
        benchmarks.revos,
        lambda r: changed(r / "mask_dict.json", lambda d: d["70"].__setitem__(0, {"size": [H, W]})),
        "mask_dict.json: frame 0 of an annotation of v1 is not a run-length mask",
    ),
    "revos without pictures": (
        benchmarks.revos, lambda r: (r / "JPEGImages").rename(r / "Pictures"), "00000.jpg: is missing. Download ReVOS",
    ),
    "reasonvos without masks": (
        benchmarks.reasonvos,
        lambda r: (r / "Annotations/mevis_v1_4").rename(r / "Annotations/other"),
        "meta_expressions.json: v1: expression 0: has no mask pictures in",
    ),
    "osd with an unknown scene": (
        benchmarks.osd,
        lambda r: lines(r / "queries.jsonl", {"scene": "learn9", "text": "x", "target_ids": []}),
        "queries.jsonl:1: unknown scene 'learn9'",
    ),
    "osd with an unknown id": (
        benchmarks.osd,
        lambda r: lines(r / "queries.jsonl", {"scene": "learn0", "text": "x", "target_ids": [3]}),
        "queries.jsonl:1: target id 3 is in no annotation of learn0",
    ),
    "osd with a truncated picture": (
        benchmarks.osd, lambda r: break_png(r / "image_color/learn0.png"), "learn0.png: is not a picture",
    ),
    "osd of mixed sizes": (
        benchmarks.osd,
        lambda r: save(r / "disparity/learn0.png", np.ones((H, W - 1), np.uint16)),
        "disparity/learn0.png: is 39x32 but its picture",
    ),
    "davis with a strange line": (
        benchmarks.davis,
        lambda r: (r / "davis_text_annotations/Davis17_annot1.txt").write_text('swan 1 "x"\nnonsense\n'),
        "Davis17_annot1.txt:2: expected SEQUENCE ID",
    ),
    "davis with an unknown object": (
        benchmarks.davis,
        lambda r: (r / "davis_text_annotations/Davis17_annot1.txt").write_text('swan 7 "x"\n'),
        "Davis17_annot1.txt:1: target id 7 is in no annotation of swan",
    ),
    "davis without questions": (
        benchmarks.davis, lambda r: (r / "davis_text_annotations").rename(r / "t"), "no questions of its own about val",
    ),
    "ade20k of another year": (
        benchmarks.ade20k,
        lambda r: dump(next(r.rglob("ADE_val_1.json")), {"annotation": {}}),
        "ADE_val_1.json: is not an ADE20K annotation of 2021",
    ),
    "folder with a truncated picture": (
        benchmarks.folder, lambda r: break_png(r / "table/000000/rgb.png"), "rgb.png: is not a picture",
    ),
}  # fmt: skip


def read_everything(root: Path, format: str) -> None:
    dataset = open_dataset(root, format)
    for question in dataset.questions:
        scene = dataset.scene(question.scene)
        for number, _ in scene.frames():
            scene.target(question, number)


@pytest.mark.parametrize("flaw", FLAWS)
def test_every_flaw_is_named_with_its_file(flaw: str, tmp_path: Path) -> None:
    make, damage, message = FLAWS[flaw]
    make(tmp_path)
    damage(tmp_path)
    with pytest.raises(DatasetError) as error:
        read_everything(tmp_path, make.__name__)
    assert message in str(error.value)
    assert str(tmp_path) in str(error.value)


@pytest.mark.parametrize("make", ALL, ids=lambda make: make.__name__)
def test_pictures_without_depth_are_refused_for_the_table_top_perceiver(make, tmp_path: Path) -> None:
    dataset = open_dataset(make(tmp_path))
    dataset.check_perceiver("oracle")
    if dataset.has_depth:
        dataset.check_perceiver("tabletop")
        return
    with pytest.raises(DatasetError, match="needs depth; use --perception foundation, or --perception oracle"):
        dataset.check_perceiver("tabletop")
