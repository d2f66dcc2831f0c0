"""What is printed on things is read beside the frame's path, or not said at all."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from development_data import DATA, needs_data
from printed_cards import card, frame_of

from fastreasonseg_ros.perception import make_perceiver
from fastreasonseg_ros.perception.reading.agreement import agreed, joined
from fastreasonseg_ros.perception.reading.background import BackgroundReader, ReadingConfig, read_crop
from fastreasonseg_ros.perception.reading.ocr import Line, LineReader, find_models
from fastreasonseg_ros.pipeline import observe, read_now
from fastreasonseg_ros.plan.printed import is_printed
from fastreasonseg_ros.twin.types import DigitalTwin

MODELS = find_models()
needs_models = pytest.mark.skipif(MODELS is None, reason="the wheel rapidocr is not installed")


@pytest.fixture(scope="module")
def reader():
    assert MODELS is not None
    return LineReader(MODELS)


@pytest.fixture
def perceiver():
    """The oracle, which has the things' masks, with the real reader."""
    assert MODELS is not None
    perceiver = make_perceiver("oracle")
    perceiver.reader = BackgroundReader(MODELS)
    yield perceiver
    perceiver.reader.close()


def read(reader: LineReader, frame, id: int = 1) -> str:
    mask = frame.truth.ids == id
    rows, columns = (slice(max(0, v.min() - 4), v.max() + 5) for v in np.nonzero(mask))
    return read_crop(reader, frame.color[rows, columns].copy(), mask[rows, columns], 20.0)


@needs_models
@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
@pytest.mark.parametrize(("size", "side_px"), [((640, 480), 110), ((1280, 720), 220)])
def test_a_word_is_read_in_every_direction(reader, quarters: int, size: tuple[int, int], side_px: int):
    text = read(reader, frame_of(card("Weetabix", quarters=quarters), size=size, side_px=side_px))
    assert is_printed("weetabix", text)


@needs_models
def test_all_lines_are_read_in_their_order(reader):
    text = read(reader, frame_of(card("Computer", "Vision", "Room 12"), side_px=200))
    assert text == "Computer Vision Room 12"


@needs_models
def test_what_is_too_small_or_no_text_says_nothing(reader):
    assert read(reader, frame_of(card("terms and conditions apply", letters_px=20), side_px=60)) == ""
    stripes = np.zeros((160, 160, 3), np.uint8)
    stripes[:, ::20], stripes[::32] = (200, 80, 40), (250, 250, 250)
    assert read(reader, frame_of(stripes)) == ""
    noise = np.random.default_rng(1).integers(0, 255, (160, 160, 3)).astype(np.uint8)
    assert read(reader, frame_of(noise)) == ""


@needs_models
def test_a_blurred_picture_is_not_read(reader):
    frame = frame_of(card("Weetabix"), side_px=150)
    smeared = cv2.GaussianBlur(frame.color, (0, 0), 6)
    mask = frame.truth.ids == 1
    assert read_crop(reader, smeared, mask, 20.0) == ""


@needs_models
def test_text_of_a_neighbour_in_the_same_box_is_not_taken(reader):
    frame = frame_of(card("Weetabix"), side_px=150)
    beside = np.zeros_like(frame.truth.ids, bool)
    beside[:60] = True
    assert read_crop(reader, frame.color, beside) == ""


def line(text: str, score: float = 0.95) -> Line:
    return Line(text, score, np.zeros((4, 2), np.float32))


@pytest.mark.parametrize(
    ("first", "second", "text"),
    [
        ([line("gittls", 0.97)], [line("gittis", 0.89)], "gittls"),
        ([line("gittls")], [line("mit")], ""),
        ([line("ROOM 12")], [line("ROOM 17")], "ROOM"),  # the number is not sure
        ([line("COMPUTERVISION")], [line("COMPUTER VISION", 0.9)], "COMPUTER VISION"),
        ([line("Corn Flakes")], [line("Corn"), line("Flakes")], "Corn Flakes"),
        ([line("12")], [line("12")], ""),  # too short to stand alone
        ([line("VITALIS", 0.7)], [line("VITALIS", 0.75)], ""),  # neither is sure
        ([line("CHEEZIT"), line("CHEEZ1T")], [line("CHEEZIT"), line("CHEEZIT")], "CHEEZIT"),
    ],
)
def test_only_what_two_readings_agree_on_counts(first: list[Line], second: list[Line], text: str):
    assert agreed(first, second) == text


def test_another_side_of_a_thing_adds_its_words():
    assert joined("Corn Flakes", "Cornflakes 500 g FLAKES") == "Corn Flakes Cornflakes 500 g"


@needs_models
def test_texts_come_into_the_twin_and_stay_while_the_thing_is_turned_away(perceiver):
    first = frame_of(card("Weetabix"), card("ROOM 12"))
    twin = observe(DigitalTwin(image_size=first.image_size), first, perceiver)
    twin = read_now(twin, first, perceiver)
    assert [is_printed(w, i.text) for w, i in zip(("weetabix", "12"), twin.instances, strict=True)] == [True, True]
    turned = frame_of(card(" " * 8), card(" " * 7), stamp_s=0.1)
    twin = observe(twin, turned, perceiver)
    assert is_printed("weetabix", twin.instances[0].text)


@needs_models
def test_a_thing_on_which_nothing_was_read_is_tried_again_at_growing_intervals(perceiver):
    printed = card("Weetabix")
    blank = np.full_like(printed, printed[0, 0])
    blank[10:20] = 90  # sharp enough to be tried
    shown = [(0.0, blank), (0.9, printed), (1.1, blank), (2.9, printed), (3.2, printed)]
    twin, texts = DigitalTwin(image_size=(640, 480)), []
    for stamp_s, picture in shown:
        frame = frame_of(picture, stamp_s=stamp_s)
        twin = read_now(observe(twin, frame, perceiver), frame, perceiver)
        texts.append(bool(twin.instances[0].text))
    assert texts == [False, False, False, False, True]


@needs_models
def test_another_scene_has_none_of_the_texts_of_the_last(perceiver):
    frame = frame_of(card("Weetabix"))
    read_now(observe(DigitalTwin(image_size=frame.image_size), frame, perceiver), frame, perceiver)
    other = frame_of(card("  " * 6))
    twin = read_now(observe(DigitalTwin(image_size=other.image_size), other, perceiver), other, perceiver)
    assert twin.instances[0].text == ""


@needs_models
def test_more_things_than_wait_at_once_are_all_read_in_a_picture(perceiver):
    frame = frame_of(*[card(f"Number {n}") for n in range(10, 20)], size=(1280, 240), side_px=90)
    twin = read_now(observe(DigitalTwin(image_size=frame.image_size), frame, perceiver), frame, perceiver)
    assert sum("umber" in i.text for i in twin.instances) >= 9


@needs_models
def test_new_things_come_before_those_that_were_tried_where_many_wait():
    assert MODELS is not None
    perceiver = make_perceiver("oracle")
    perceiver.reader = BackgroundReader(MODELS, ReadingConfig(queue=2))
    blank = np.full_like(card("Weetabix"), 200)
    blank[10:20] = 90
    twin = DigitalTwin(image_size=(1280, 240))
    for stamp_s in np.arange(0, 8, 1.0):
        cards = [blank] * 5 if stamp_s < 7 else [blank] * 5 + [card("Weetabix")]
        frame = frame_of(*cards, size=(1280, 240), side_px=120, stamp_s=float(stamp_s))
        twin = observe(twin, frame, perceiver)
    twin = read_now(twin, frame, perceiver)
    assert is_printed("weetabix", twin.instances[-1].text)


@needs_models
def test_a_thing_that_becomes_due_while_it_waits_is_read_from_its_newest_picture():
    assert MODELS is not None
    perceiver = make_perceiver("oracle")
    perceiver.reader = BackgroundReader(MODELS, ReadingConfig(queue=4))
    printed = card("Weetabix")
    blank = np.full_like(printed, 200)
    blank[10:20] = 90
    twin, shown = DigitalTwin(image_size=(1280, 240)), [[blank, blank]] * 3 + [[printed, blank, card("Toffifee")]]
    for stamp_s, cards in zip((0.0, 1.1, 3.2, 7.3), shown, strict=True):  # all before the networks are loaded
        frame = frame_of(*cards, size=(1280, 240), side_px=120, stamp_s=stamp_s)
        twin = observe(twin, frame, perceiver)
    texts = [i.text for i in read_now(twin, frame, perceiver).instances]
    assert is_printed("weetabix", texts[0])
    assert is_printed("toffifee", texts[2])


def test_without_the_networks_the_tabletop_perceiver_says_so_once_and_works(monkeypatch, caplog):
    monkeypatch.setattr("fastreasonseg_ros.perception.tabletop.perceiver.find_models", lambda: None)
    with caplog.at_level(logging.INFO):
        perceiver = make_perceiver("tabletop", overrides=["read=true"])
    assert perceiver.reader is None
    assert [r.message for r in caplog.records if "not read" in r.message and "pip install" in r.message]
    assert make_perceiver("tabletop").reader is None


@needs_models
def test_a_damaged_network_is_named_in_the_log_and_nothing_waits_for_it(tmp_path: Path, caplog):
    assert MODELS is not None
    for file in MODELS.glob("PP-OCR*.onnx"):
        shutil.copyfile(file, tmp_path / file.name)
    (tmp_path / "PP-OCRv6_det_small.onnx").write_bytes(b"broken")
    perceiver = make_perceiver("oracle")
    perceiver.reader = BackgroundReader(tmp_path)
    frame = frame_of(card("Weetabix"))
    twin = read_now(observe(DigitalTwin(image_size=frame.image_size), frame, perceiver), frame, perceiver)
    assert twin.instances[0].text == ""
    assert any("PP-OCRv6_det_small.onnx: is corrupt or missing" in r.message for r in caplog.records)


@needs_data
@needs_models
@pytest.mark.parametrize(
    ("scene", "id", "word"), [("learn10", 2, "toppas"), ("learn05", 2, "toffifee"), ("learn12", 1, "gittis")]
)
def test_packages_before_a_kinect_are_read(reader, scene: str, id: int, word: str):
    folder = DATA / "osd" / scene / "000000"
    color = cv2.cvtColor(cv2.imread(str(folder / "rgb.png")), cv2.COLOR_BGR2RGB)
    mask = cv2.imread(str(folder / "ids.png"), -1) == id
    rows, columns = (slice(v.min() - 4, v.max() + 5) for v in np.nonzero(mask))
    assert is_printed(word, read_crop(reader, color[rows, columns].copy(), mask[rows, columns], 20.0))
