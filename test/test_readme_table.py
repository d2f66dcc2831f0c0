"""The README's table of figures is what docs/benchmarks.json says, and is made from results of eval."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

from fastreasonseg_ros.evaluation.benchmark.reasoner_cost import measure

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = runpy.run_path(str(ROOT / "scripts/update_readme_table.py"))
MACHINE = {"cpu": "CPU", "cores": 2, "memory_gb": 8.0}


def result(**more: object) -> dict:
    latency = {"perception": {"p50": None, "p95": None}, "reasoning": {"p50": 640.2, "p95": 1200.0}}
    made = {"commit": "0123456789ab", "date": "2026-11-22", "command": "fastreasonseg eval X"}
    return {"n": 40, "latency_ms": latency, "machine": MACHINE, "made": made} | more


def test_the_readme_holds_the_table_that_the_figures_make() -> None:
    readme = (ROOT / "README.md").read_text()
    if SCRIPT["BEGIN"] not in readme:
        assert not (ROOT / "docs/benchmarks.json").exists(), "docs/benchmarks.json is there, but no table in README.md"
        pytest.skip("README.md has no table yet")
    figures = json.loads((ROOT / "docs/benchmarks.json").read_text())
    assert SCRIPT["filled"](readme, figures) == readme
    for row in figures["rows"]:
        assert row["command"]
        assert row["machine"]
        assert row["commit"]


def test_the_page_on_evaluating_holds_the_tables_of_cost_that_the_figures_make() -> None:
    docs, figures = (ROOT / "docs/evaluation.md").read_text(), json.loads((ROOT / "docs/benchmarks.json").read_text())
    assert SCRIPT["filled_docs"](docs, figures) == docs
    ms = {"p50": 200.4, "p95": 310.0}
    scaling = {
        "frame_size": [{"size": [640, 480], "frame": ms, "objects": 15, "rss_mb": 300.0}],
        "instances": [{"true": 5, "frame": ms, "new_question": ms, "kept_plan": {"p50": 0.21, "p95": 0.5}}],
        "standing_questions": [{"questions": 100, "frame": {"p50": None, "p95": None}, "rss_mb": 900.0}],
    }
    reasoning = measure(lambda: (SimpleNamespace(name="none"), None), [], {})  # as bench has it
    bench = {"scaling": scaling, "perceiver": "tabletop", "machine": MACHINE, "reasoning": reasoning}
    made = SCRIPT["filled_docs"](docs, {"scaling": SCRIPT["scaling_of"](bench)})
    assert "| 640 x 480 | 200 / 310 ms | 15 | 300 MiB |" in made
    assert "| 5 | 200 / 310 ms | 200 / 310 ms | 0.21 / 0.5 ms |" in made
    assert "| 100 | - | 900 MiB |" in made
    load = f"{reasoning['load_average']:.1f}"
    assert f"Perceiver tabletop; 2 cores of CPU, 8 GB; load average {load}." in made
    with pytest.raises(SystemExit, match="holds no scaling"):
        SCRIPT["scaling_of"](result())


def test_a_row_says_score_interval_time_and_commit() -> None:
    row = SCRIPT["row_of"]("twins", result(exact=0.7, intervals={"exact": [0.55, 0.85]}))
    table = SCRIPT["table"]({"rows": [row]})
    assert "| twins | 40 | exact set 0.70 (0.55 to 0.85) | 640 / 1200 ms | 0123456 |" in table
    assert "2 cores of CPU, 8 GB" in table


def test_only_what_stands_between_the_marks_is_changed() -> None:
    row = SCRIPT["row_of"]("osd", result(giou=0.44, ciou=0.36))
    readme = f"# head\n{SCRIPT['BEGIN']}\nold\n{SCRIPT['END']}\n\ntail\n"
    made = SCRIPT["filled"](readme, {"rows": [row]})
    assert made.startswith("# head\n")
    assert made.endswith(f"{SCRIPT['END']}\n\ntail\n")
    assert "old" not in made
    assert "gIoU 0.44, cIoU 0.36" in made
    assert SCRIPT["filled"](made, {"rows": [row]}) == made


def test_a_readme_without_marks_and_a_result_without_figures_are_refused() -> None:
    with pytest.raises(SystemExit, match="must hold each of these lines once"):
        SCRIPT["filled"]("# head", {"rows": []})
    with pytest.raises(SystemExit, match="holds none of"):
        SCRIPT["row_of"]("x", result())
