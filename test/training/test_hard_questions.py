"""scripts/hard_questions.py: what a student gets wrong, and some of what it gets right."""

import json
import runpy
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts/hard_questions.py"


@pytest.fixture
def files(tmp_path):
    """Ten scenes of two questions; the first of scenes 0 to 2 is wrong, and scene 9 was not asked."""
    rollouts = [{"scene": f"s{n}", "text": "mug", "questions": [{"text": "a"}, {"text": "b"}]} for n in range(10)]
    rows = [
        {"scene": f"s{n}", "text": text, "exact": not (n < 3 and text == "a")} for n in range(9) for text in ("a", "b")
    ]
    paths = [tmp_path / "rollouts.jsonl", tmp_path / "rows.jsonl"]
    for path, lines in zip(paths, (rollouts, rows), strict=True):
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return paths


@pytest.mark.parametrize(("right", "count"), [("0", 3), ("1", 6), ("2.5", 3 + 8), ("9", 18)])
def test_every_wrong_question_is_kept_and_as_many_right_ones_as_asked(right, count, files, tmp_path, monkeypatch):
    out = tmp_path / "out.jsonl"
    monkeypatch.setattr(sys, "argv", ["hard_questions", *map(str, files), str(out), "--right", right])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    kept = {(line["scene"], question["text"]) for line in lines for question in line["questions"]}
    assert len(kept) == count
    assert {("s0", "a"), ("s1", "a"), ("s2", "a")} <= kept
    assert "s9" not in {scene for scene, _ in kept}
    assert all(line["questions"] and line["text"] == "mug" for line in lines)
