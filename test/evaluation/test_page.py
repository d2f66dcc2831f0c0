"""The page about a run in a real browser: nothing is fetched, nothing sticks out on a phone, all parts are there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from benchmarks import folder, lines
from scripted import Scripted

from fastreasonseg_ros.cli import main
from fastreasonseg_ros.evaluation.reports.compare import compare
from fastreasonseg_ros.evaluation.reports.gallery import BEST, WORST, Gallery
from fastreasonseg_ros.evaluation.reports.page import confusion, html_page, markdown, outcome
from fastreasonseg_ros.visualization.svg_charts import curve

CHROMIUM = next((p for name in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(name))), None)
RIGHT = {"the red box": (1,), "the other one": (1, 2), "<script>alert(1)</script> anything?": (2,)}


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Made by the command, of a data set of eight questions in four categories, one in each of eight scenes."""
    root = tmp_path / "data"
    asked = []
    for k in range(8):
        made = folder(root / str(k))
        (made / "table").rename(root / f"scene_{k}")
        text = [*RIGHT, "something that is not there and has a name that does not end for quite some while"][k % 4]
        target = [[1], [2], [1], []][k % 4]
        category = ["attribute", "semantic", "compositional", "none"][k % 4]
        asked.append({"scene": f"scene_{k}", "text": text, "target_ids": target, "category": category, "level": k % 3})
    lines(root / "queries.jsonl", *asked)
    monkeypatch.setattr("fastreasonseg_ros.cli.eval.asker_of", lambda args: Scripted(RIGHT))
    command = ["eval", str(root), "--perception", "oracle", "--html", str(tmp_path / "page.html")]
    assert main([*command, "--json", str(tmp_path / "r.json"), "--rows", str(tmp_path / "rows.jsonl")]) == 0
    return tmp_path / "page.html"


def test_a_browser_shows_the_page_on_a_phone_and_a_desk_without_fetching_anything(page: Path, tmp_path: Path) -> None:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed; on Debian: apt-get install chromium")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"], timeout=300_000)
        pictures = {}
        for name, size, scheme in (("phone", (390, 844), "dark"), ("desk", (1280, 900), "light")):
            tab = browser.new_page(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
            fetched: list[str] = []
            trouble: list[str] = []
            tab.on("request", lambda request, fetched=fetched: fetched.append(request.url))
            tab.on("console", lambda message, trouble=trouble: trouble.append(message.text))
            tab.on("dialog", lambda dialog, trouble=trouble: trouble.append(dialog.message) or dialog.dismiss())
            tab.set_default_timeout(300_000)  # ms, on a machine that does other work
            tab.goto(page.as_uri())
            assert [url for url in fetched if not url.startswith("data:")] == [page.as_uri()]
            assert trouble == []
            assert tab.evaluate("document.documentElement.scrollWidth") <= size[0]
            wide = "e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.scroll')"
            assert (
                tab.evaluate(f"[...document.querySelectorAll('*')].filter({wide}).map(e => e.outerHTML.slice(0, 80))")
                == []
            )
            assert cut_tables(tab) == 0
            loaded = tab.evaluate("[...document.images].map(i => i.complete && i.naturalWidth)")
            assert len(loaded) >= 6
            assert all(width == 40 for width in loaded)  # the pictures' own size
            heads = tab.eval_on_selector_all("h2", "all => all.map(e => e.textContent)")
            wanted = [
                "By category and level",
                "What came of the questions",
                "Worst answers",
                "Best answers",
                "Perception",
            ]
            assert heads == [*wanted, "Cost per stage", "How it was made"]
            shot = tab.screenshot(path=tmp_path / f"{name}.png")
            assert len(shot) > 10_000
            pictures[name] = tab.evaluate("getComputedStyle(document.body).backgroundColor")
        tab = browser.new_page(viewport={"width": 390, "height": 844})
        tab.set_default_timeout(300_000)
        tab.goto(compared(tmp_path).as_uri())
        assert tab.evaluate("document.documentElement.scrollWidth") <= 390
        assert cut_tables(tab) == 0
        assert tab.eval_on_selector_all("h1", "all => all.map(e => e.textContent)")[0] == "Side by side"
        assert "Against the first" in tab.eval_on_selector_all("h2", "all => all.map(e => e.textContent)")
        browser.close()
    assert pictures["desk"] == "rgb(255, 255, 255)"
    assert pictures["phone"] != pictures["desk"]


def cut_tables(tab) -> int:
    """Tables of which a phone shows the left part only."""
    cut = "e => e.scrollWidth > e.clientWidth + 1"
    return tab.evaluate(f"[...document.querySelectorAll('.scroll')].filter({cut}).length")


def compared(tmp_path: Path) -> Path:
    """A page of two configurations, the second against the first, as `eval --also` writes it."""
    result = json.loads((tmp_path / "r.json").read_text())
    against = {"file": "the first", **compare(result["questions"], result["questions"])}
    second = result | {"against": against}
    path = tmp_path / "compared.html"
    title = "data --perception-set segmenter=network"
    path.write_text(html_page([("data", result, [], {}), (title, second, [], {})]))
    return path


def test_what_a_question_says_is_text_and_never_markup(page: Path) -> None:
    text = page.read_text()
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; anything?" in text
    assert "Asked for &lt;it&gt;." in text


def test_a_report_is_made_of_results_that_were_kept(page: Path, tmp_path: Path, capsys) -> None:
    out, summary = tmp_path / "later.html", tmp_path / "summary.md"
    command = ["report", str(tmp_path / "r.json"), "--html", str(out), "--markdown", str(summary)]
    assert main([*command, "--rows", str(tmp_path / "rows.jsonl")]) == 0
    assert "find(label=mug)" in out.read_text()
    result = json.loads((tmp_path / "r.json").read_text())
    low, high = result["intervals"]["giou"]
    assert f"| all | {result['giou']:.3f} ({low:.3f} to {high:.3f}) |" in summary.read_text()
    assert "- command: fastreasonseg" in summary.read_text()
    assert main(["report", str(tmp_path / "rows.jsonl"), "--html", str(out)]) == 2
    assert "rows.jsonl:2: is not JSON" in capsys.readouterr().err
    assert main(["report", str(tmp_path / "r.json")]) == 2
    assert "give --html FILE or --markdown FILE" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"iou": 0.5, "status": "OK"}, "right"),
        ({"iou": 1.0, "status": "NO_MATCH"}, "right"),
        ({"iou": 0.49, "status": "OK"}, "partly"),
        ({"iou": 0.0, "status": "OK", "target_ids": [1]}, "wrong"),
        ({"iou": 0.0, "status": "OK", "target_ids": []}, "invented"),
        ({"iou": 0.0, "status": "NO_MATCH", "target_ids": [1]}, "missed"),
        ({"iou": 0.0, "status": "MODEL_FAILED"}, "failed"),
        ({"exact": True, "status": "OK"}, "right"),
        ({"status": "OK"}, None),
    ],
)
def test_what_came_of_a_question(row: dict, expected: str | None) -> None:
    assert outcome(row) == expected


def test_questions_are_counted_by_category() -> None:
    rows = [
        {"iou": 1.0, "status": "OK", "category": "a"},
        {"iou": 0.0, "status": "OK", "category": "a"},
        {"iou": 0.2, "status": "OK"},
    ]
    table = confusion(rows)
    assert (table["a"]["right"], table["a"]["wrong"], table["all others"]["partly"]) == (1, 1, 1)


def test_of_many_answers_only_the_best_and_the_worst_are_kept() -> None:
    gallery = Gallery()
    color, ids = np.zeros((20, 30, 3), np.uint8), np.ones((20, 30), np.uint16)
    for n in range(100):
        gallery.offer({"n": n, "text": "x", "iou": n / 100, "predicted_ids": [1]}, color, ids, None, {1: "mug"})
    cases = gallery.cases()
    assert [c["n"] for c in cases["worst"]] == list(range(WORST))
    assert [c["n"] for c in cases["best"]] == list(range(99, 99 - BEST, -1))
    assert all(c["picture"].startswith("data:image/jpeg;base64,") for kind in cases.values() for c in kind)


def test_a_curve_goes_through_its_points() -> None:
    drawn = curve([[0.0, 0.0], [5.0, 1.0], [10.0, 0.5]], "IoU & more", top=1.0)
    points = [tuple(map(float, p.split(","))) for p in drawn.split('points="')[1].split('"')[0].split()]
    (x0, y0), (x1, y1), (x2, y2) = points
    assert x1 - x0 == pytest.approx(x2 - x1)
    assert y0 - y1 == pytest.approx(2 * (y2 - y1), abs=0.2)
    assert "IoU &amp; more" in drawn


def test_a_result_without_measured_questions_makes_a_page_all_the_same() -> None:
    result = {"n": 0, "latency_ms": {}, "questions": [], "statuses": {}}
    assert "0 measured questions" in html_page([("empty", result, [], {})])
    assert markdown("empty", result).startswith("# empty")
