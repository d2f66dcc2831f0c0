"""Things are named from their pictures by an image-text model, or called object: random weights, real export."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("transformers")
pytest.importorskip("nncf")

import torch
from printed_cards import frame_of
from tiny_siglip import WORDS, make_checkpoint, prepared
from transformers import SiglipModel
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

from fastreasonseg_ros.errors import ConfigError, ModelError
from fastreasonseg_ros.image_text.export import prepare
from fastreasonseg_ros.image_text.model import (
    SETTINGS,
    ImageEncoder,
    TextEncoder,
    find_exported,
    find_words,
    thing_in_square,
)
from fastreasonseg_ros.image_text.vocabulary import Entry, Vocabulary, save_vocabulary, shares_word
from fastreasonseg_ros.perception import make_perceiver
from fastreasonseg_ros.perception.picture_names import NamingConfig, PictureNamer
from fastreasonseg_ros.perception.vocabulary import Vocabulary as RunTimeVocabulary
from fastreasonseg_ros.pipeline import observe, read_now
from fastreasonseg_ros.simulation.scenes.scene import make_scene
from fastreasonseg_ros.twin.types import DigitalTwin, Frame

RED, BLUE, STRIPED = (np.zeros((120, 90, 3), np.uint8) for _ in range(3))
RED[:], BLUE[:], STRIPED[:] = (200, 30, 30), (30, 30, 200), (240, 240, 240)
STRIPED[::12] = STRIPED[1::12] = (0, 90, 0)


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> tuple[Path, Path]:
    return prepared(tmp_path_factory.mktemp("siglip"))


@pytest.fixture(scope="module")
def checkpoint(models) -> Path:
    return models[0]


@pytest.fixture
def exported(models, tmp_path) -> Path:
    """A copy with its words, to change."""
    copy = Path(shutil.copytree(models[1], tmp_path / "exported"))
    shutil.copy(find_words(models[1]), copy)
    return copy


def crop_of(frame: Frame, id: int) -> np.ndarray:
    """As the namer sees it: with a margin, the other things blanked out."""
    ids = frame.truth.ids
    rows, columns = (slice(v.min(), v.max() + 1) for v in np.nonzero(ids == id))
    margin = 4 + round(0.1 * max(rows.stop - rows.start, columns.stop - columns.start))
    rows, columns = (slice(max(0, s.start - margin), s.stop + margin) for s in (rows, columns))
    return thing_in_square(frame.color[rows, columns], (ids[rows, columns] > 0) & (ids[rows, columns] != id))


def give_words(exported: Path, frame: Frame, **ids: int) -> None:
    """A vocabulary whose words fit the pictures of these things."""
    encoder = ImageEncoder(exported)
    vectors = {label: encoder.embed(crop_of(frame, id)) for label, id in ids.items()}
    save_vocabulary(exported / "words.npz", [Entry(label) for label in ids], vectors.__getitem__)


def named(exported: Path, frame: Frame, min_score: float = 0.5) -> DigitalTwin:
    perceiver = make_perceiver("oracle")
    perceiver.picture_namer = PictureNamer(str(exported), NamingConfig(min_score=min_score))
    try:
        return read_now(observe(DigitalTwin(image_size=frame.image_size), frame, perceiver), frame, perceiver)
    finally:
        perceiver.picture_namer.close()


def test_the_exported_encoders_give_what_the_checkpoint_gives(checkpoint: Path, models):
    net = SiglipModel.from_pretrained(checkpoint).eval()
    images, texts = ImageEncoder(models[1]), TextEncoder(models[1])
    picture = np.random.default_rng(2).integers(0, 255, (50, 80, 3)).astype(np.uint8)
    pixels = SiglipImageProcessorPil.from_pretrained(checkpoint)(picture, return_tensors="np")["pixel_values"]
    np.testing.assert_allclose(images.pixels(picture), pixels, atol=1e-5)
    encoded = [texts._tokenizer.encode(text).ids for text in ("the mug", "a book")]
    assert encoded[1][8 - 2 : 8] == [1, 0]  # after six letters, as in training: the end token, then padding
    with torch.no_grad():
        image = net.get_image_features(pixel_values=torch.tensor(pixels)).pooler_output[0]
        words = net.get_text_features(input_ids=torch.tensor(encoded)).pooler_output
    assert images.embed(picture) @ torch.nn.functional.normalize(image, dim=0).numpy() > 0.998
    reference = torch.nn.functional.normalize(words, dim=1).numpy()
    assert ((texts.embed(["The MUG", "a book"]) * reference).sum(axis=1) > 0.995).all()
    assert reference[0] @ reference[1] < 0.99  # or the line above would say nothing


def test_things_are_named_by_the_words_that_fit_their_pictures(exported: Path):
    frame = frame_of(RED, BLUE, STRIPED)
    give_words(exported, frame, rose=1, cornflower=2, grass=3)
    twin = named(exported, frame)
    assert [i.label for i in twin.instances] == ["rose", "cornflower", "grass"]
    assert all(0.5 <= i.score <= 1 and i.picture is not None for i in twin.instances)
    assert all(len(i.alternative_labels) == len(i.alternative_scores) for i in twin.instances)


def test_where_two_words_fit_alike_it_is_an_object_with_both_as_alternatives(exported: Path):
    frame = frame_of(RED, BLUE)
    give_words(exported, frame, rose=1, tulip=1, cornflower=2)
    red, blue = named(exported, frame, min_score=0.6).instances
    assert (red.label, blue.label) == ("box" if red.shape == "box" else "object", "cornflower")
    assert set(red.alternative_labels) == {"rose", "tulip"}
    assert red.alternative_scores == pytest.approx((0.5, 0.5), abs=0.02)


def test_a_neighbour_in_the_same_box_has_no_part_in_the_name():
    color, others = np.zeros((40, 60, 3), np.uint8), np.zeros((40, 60), bool)
    color[:, 30:], others[:, 30:] = 255, True
    square = thing_in_square(color, others)
    assert square.shape == (60, 60, 3)
    assert set(np.unique(square)) == {0, 127}


def test_names_come_beside_the_frames_and_again_at_growing_intervals(exported: Path):
    first = frame_of(RED, stamp_s=0.0)
    give_words(exported, frame_of(RED, BLUE), rose=1, cornflower=2)
    perceiver = make_perceiver("oracle")
    namer = perceiver.picture_namer = PictureNamer(str(exported))
    twin = observe(DigitalTwin(image_size=first.image_size), first, perceiver)
    assert twin.instances[0].label == "box"  # the oracle's; its picture still waits
    counts = []
    for stamp_s in (0.1, 0.9, 1.1, 2.9, 3.2):
        frame = frame_of(RED, stamp_s=stamp_s)
        twin = read_now(observe(twin, frame, perceiver), frame, perceiver)
        counts.append(len(namer.durations_ms))
    namer.close()
    assert counts == [1, 1, 2, 2, 3]
    assert twin.instances[0].label == "rose"


def test_an_id_stays_though_the_detector_has_another_word_than_the_picture(exported: Path):
    frame = frame_of(RED, BLUE)
    give_words(exported, frame, rose=1, cornflower=2)
    perceiver = make_perceiver("oracle")
    perceiver.picture_namer = PictureNamer(str(exported))
    twin = DigitalTwin(image_size=frame.image_size)
    for n in range(4):
        frame = frame_of(RED, BLUE, stamp_s=0.1 * n)
        twin = read_now(observe(twin, frame, perceiver), frame, perceiver)
    perceiver.picture_namer.close()
    assert [(i.id, i.label) for i in twin.instances] == [(1, "rose"), (2, "cornflower")]


def test_the_tabletop_perceiver_names_what_it_finds_and_takes_words_at_run_time(exported: Path):
    with make_scene(5) as scene:
        frame = scene.render()
    perceiver = make_perceiver("tabletop", overrides=[f"picture_names={exported}", "naming.min_score=0.0"])
    twin = read_now(observe(DigitalTwin(image_size=frame.image_size), frame, perceiver), frame, perceiver)
    assert twin.instances
    assert {i.label for i in twin.instances} <= {"mug", "bowl", "book"}
    words = RunTimeVocabulary(perceiver)
    assert not words.closed
    assert words.ask(["mugs", "peanuts"]) == ("mugs", "peanuts")
    assert set(perceiver.words) == {"bowl", "book", "mugs", "peanuts"}
    perceiver.picture_namer.close()


def test_without_picture_names_the_tabletop_perceiver_says_which_setting_takes_words():
    with pytest.raises(ConfigError, match="set picture_names"):
        make_perceiver("tabletop").set_vocabulary(["peanuts"])


def test_what_is_not_prepared_names_the_command(checkpoint: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(ModelError, match=f"fastreasonseg models install {checkpoint}"):
        find_exported(str(checkpoint))
    with pytest.raises(ModelError, match="fastreasonseg models install nobody/nothing"):
        make_perceiver("tabletop", overrides=["picture_names=nobody/nothing"])


def test_without_the_packages_for_export_the_error_names_what_brings_them(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setitem(sys.modules, "nncf", None)
    with pytest.raises(ConfigError, match=r"pip install 'fastreasonseg_ros\[names\]'"):
        prepare(str(make_checkpoint(tmp_path / "model")), (Entry("mug"),))


def test_a_model_of_pictures_of_any_size_is_refused(tmp_path: Path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "siglip2"}))
    with pytest.raises(ModelError, match="naflex"):
        prepare(str(tmp_path), (Entry("mug"),))


def test_damaged_files_are_named(exported: Path):
    (exported / "image.xml").write_text("broken")
    with pytest.raises(ModelError, match=r"image\.xml: is missing or corrupt"):
        ImageEncoder(exported)
    (exported / "words.npz").write_text("broken")
    with pytest.raises(ModelError, match=r"words\.npz: is missing or corrupt"):
        Vocabulary.load(find_words(exported))
    (exported / SETTINGS).write_text("{}")
    with pytest.raises(ModelError, match=r"settings\.json: is missing or corrupt"):
        TextEncoder(exported)


def test_it_is_exported_once(checkpoint: Path, models, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(models[1].parents[1]))
    monkeypatch.setitem(sys.modules, "nncf", None)  # would be an error where it is made again
    assert prepare(str(checkpoint), WORDS) == models[1]
    assert find_exported(str(checkpoint)) == models[1]


def vocabulary(tmp_path: Path, **vectors: tuple[tuple[float, ...], tuple[str, ...]]) -> Vocabulary:
    entries = [Entry(label, (), wider) for label, (_, wider) in vectors.items()]
    save_vocabulary(tmp_path / "words.npz", entries, lambda word: np.float32(vectors[word][0]))
    return Vocabulary.load(tmp_path / "words.npz")


def test_the_narrowest_wider_word_that_is_sure_is_said(tmp_path: Path):
    kinds = {f"other{n}": ((0.0, 0.0, 0.0, 1.0), ("tool",)) for n in range(30)}
    words = vocabulary(
        tmp_path,
        carving=((1.0, 0.1, 0.0, 0.0), ("knife", "tool")),
        bread=((1.0, 0.0, 0.1, 0.0), ("knife", "tool")),
        knife=((1.0, 0.0, 0.0, 0.0), ("tool",)),
        **kinds,
    )
    names = words.names(np.float32([1, 0, 0, 0]), scale=20.0, min_score=0.5)
    assert names.label == "knife"
    assert names.score > 0.95
    assert words.names(np.float32([0, 0, 1, 0]), scale=0.0, min_score=0.5).label == "object"
    assert "tool" not in words.wide  # it would say nothing


def test_a_word_of_a_question_takes_the_place_of_the_same_word(tmp_path: Path):
    words = vocabulary(tmp_path, peanut=((1.0, 0.0), ()), mug=((0.0, 1.0), ()))
    more = words.with_words({"peanuts": np.float32([1, 0])})
    assert more.labels == ("mug", "peanuts")
    assert more.names(np.float32([1, 0]), 50.0, 0.5).label == "peanuts"
    assert words.with_words({}) is words


@pytest.mark.parametrize(
    ("label", "phrase", "shares"),
    [
        ("peanut", "the peanuts", True),
        ("bottle", "wine bottle", True),
        ("wine", "red wine", True),
        ("nut", "peanut", False),
    ],
)
def test_a_phrase_does_not_compete_with_its_own_words(label: str, phrase: str, shares: bool):
    assert shares_word(label, phrase) is shares
