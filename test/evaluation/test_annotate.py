"""`fastreasonseg annotate`: points clicked in a real browser are on disk at once, in the form that `eval` reads."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fastreasonseg_ros.cli import main
from fastreasonseg_ros.errors import DatasetError
from fastreasonseg_ros.evaluation.annotation.annotations import Annotation, open_annotations
from fastreasonseg_ros.io.datasets.marks import Asked, Marks, Thing, read_marks, write_marks

CHROMIUM = next((p for name in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(name))), None)
PATIENCE_S = 300


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a_table", "b_shelf"):
        (tmp_path / name).mkdir()
        pixels = np.random.default_rng(3).integers(0, 255, (120, 160, 3)).astype(np.uint8)
        Image.fromarray(pixels).resize((640, 480)).save(tmp_path / name / "rgb.png")
    return tmp_path


def until(check, what: str):
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        with contextlib.suppress(OSError, json.JSONDecodeError, IndexError, KeyError):
            if found := check():
                return found
        time.sleep(0.1)
    raise AssertionError(f"{what} did not come")


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / "log.txt"
    command = [sys.executable, "-m", "fastreasonseg_ros.cli", "annotate", str(folder), "--port", str(port)]
    own = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")}  # NiceGUI would take it for its own test
    with open(log, "w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=own)
    try:
        until(lambda: "http://" in log.read_text() or process.poll() is not None, "the page")
        assert process.poll() is None, log.read_text()
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE_S)
    assert "Traceback" not in log.read_text(), log.read_text()


@pytest.fixture
def tab():
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed; on Debian: apt-get install chromium")
    pytest.importorskip("nicegui", reason="the extra view is not installed")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"], timeout=1000 * PATIENCE_S)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(1000 * PATIENCE_S)
        yield page
        browser.close()


def click_pixel(tab, x: int, y: int) -> None:
    box = tab.locator(".picture img").bounding_box()
    tab.mouse.click(box["x"] + x * box["width"] / 640, box["y"] + y * box["height"] / 480)


def test_points_labels_background_and_questions_are_on_disk_after_every_click(folder: Path, tab):
    table = folder / "a_table"
    with served(folder) as address:
        tab.goto(address)
        tab.wait_for_function("() => document.querySelector('.picture img')?.naturalWidth === 640")
        tab.get_by_label("Label").fill("white mug")
        tab.get_by_label("Other words").fill("mug, cup")
        click_pixel(tab, 100, 200)
        until(lambda: json.loads((table / "objects.json").read_text()), "the first point")
        click_pixel(tab, 120, 210)
        one = until(lambda: (o := json.loads((table / "objects.json").read_text())[0])["points"][1] and o, "the second")
        assert (one["id"], one["label"], one["also"]) == (1, "white mug", ["mug", "cup"])
        assert np.abs(np.array(one["points"]) - [[100, 200], [120, 210]]).max() <= 2
        tab.get_by_role("button", name="New thing").click()
        until(lambda: tab.get_by_label("Label").input_value() == "", "an empty label")
        click_pixel(tab, 300, 300)  # without a label: refused
        tab.get_by_text("Type the thing's label first").wait_for()
        tab.get_by_label("Label").fill("bowl")
        click_pixel(tab, 300, 300)
        until(lambda: len(json.loads((table / "objects.json").read_text())) == 2, "the second thing")
        tab.get_by_role("button", name="Background").click()
        tab.locator(".things .chosen", has_text="Background").wait_for()
        click_pixel(tab, 20, 20)
        click_pixel(tab, 600, 20)
        until(lambda: len(json.loads((table / "background.json").read_text())) == 2, "the background")
        tab.get_by_role("button", name="Undo").click()
        until(lambda: len(json.loads((table / "background.json").read_text())) == 1, "undo")
        tab.get_by_label("Question").fill("the cup")
        tab.get_by_role("button", name="Add question").click()
        asked = until(lambda: json.loads((table / "questions.jsonl").read_text()), "the question")
        assert asked == {"text": "the cup", "target_ids": [], "category": "semantic", "level": 1}
        assert tab.locator(".picture circle").count() == 3
        if shots := os.environ.get("ANNOTATE_SHOT"):
            tab.screenshot(path=shots)
        tab.reload()  # nothing is in the browser alone
        tab.locator(".thing", has_text="2 bowl: 1 points").wait_for()
        tab.get_by_role("button", name="Next").click()
        tab.locator(".state", has_text="0 things").wait_for()
        request = urllib.request.Request(address, headers={"Host": "evil.example"})
        with pytest.raises(urllib.error.HTTPError, match="400"):
            urllib.request.urlopen(request)
    assert sorted(p.name for p in table.iterdir()) == ["background.json", "objects.json", "questions.jsonl", "rgb.png"]


def test_what_was_clicked_before_is_read_and_keys_of_others_are_kept(folder: Path):
    table = folder / "a_table"
    (table / "objects.json").write_text('[{"id": 4, "label": "cup", "points": [[1, 2]], "checked_by": "Ada"}]')
    annotation = Annotation(table)
    cup = annotation.marks.thing(4)
    assert cup is not None
    annotation.change(annotation.marks.with_thing(Thing(4, "mug", points=(*cup.points, (3, 4)), more=cup.more)))
    written = json.loads((table / "objects.json").read_text())
    assert written == [{"id": 4, "label": "mug", "also": [], "points": [[1, 2], [3, 4]], "checked_by": "Ada"}]
    assert annotation.undo()
    assert read_marks(table).thing(4) == cup
    assert not annotation.undo()


def test_a_thing_that_is_removed_leaves_the_questions_too(folder: Path):
    marks = Marks((Thing(1, "cup", points=((1, 1),)),), questions=(Asked("the cup", (1,)),))
    assert marks.without_thing(1).questions[0].target_ids == ()
    assert marks.free_id == 2


def test_files_are_written_as_people_wrote_them(folder: Path):
    marks = Marks((Thing(1, "müsli", ("box",), "red", ((1, 2),)), Thing(2, "no point yet")), ((5, 6),))
    write_marks(folder, marks)
    assert (folder / "objects.json").read_text(encoding="utf-8") == (
        '[{"id": 1, "label": "müsli", "also": ["box"], "color": "red", "points": [[1, 2]]}]\n'
    )
    assert (folder / "background.json").read_text() == "[[5, 6]]\n"


@pytest.mark.parametrize(
    ("file", "text", "problem"),
    [
        ("objects.json", "{}", "expected a list"),
        ("objects.json", '[{"id": 1}]', "entry 1: expected an object with a whole id and a label"),
        ("objects.json", '[{"id": 1, "label": "a", "points": [[1]]}]', "expected a point"),
        ("background.json", "[1", "is not JSON"),
    ],
)
def test_a_damaged_file_is_named_and_not_overwritten(folder: Path, file: str, text: str, problem: str, capsys):
    (folder / "a_table" / file).write_text(text)
    assert main(["annotate", str(folder)]) == 2
    assert f"{folder / 'a_table' / file}" in (said := capsys.readouterr().err)
    assert problem in said
    assert (folder / "a_table" / file).read_text() == text


def test_a_folder_without_pictures_says_what_to_do(tmp_path: Path):
    with pytest.raises(DatasetError, match=r"put each picture as rgb\.png into a folder of its own"):
        open_annotations(tmp_path)
    with pytest.raises(DatasetError, match="no such folder"):
        open_annotations(tmp_path / "nowhere")
