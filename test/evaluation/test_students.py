"""Students against each other: settings, sentence embeddings alone, the table, and the command on the real models."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from fastreasonseg_ros.cli import main
from fastreasonseg_ros.cli.eval_students import spread
from fastreasonseg_ros.errors import ConfigError, Status
from fastreasonseg_ros.evaluation.students.configuration import by_meaning, read_comparison
from fastreasonseg_ros.evaluation.students.few_shot import EXAMPLES, few_shot, zero_shot
from fastreasonseg_ros.evaluation.students.table import difference, markdown, table
from fastreasonseg_ros.plan.parser import parse_rollout
from fastreasonseg_ros.reasoning.protocol import Hint
from fastreasonseg_ros.twin.serialization import twin_to_dict
from fastreasonseg_ros.twin.types import DigitalTwin, Instance, Query

ROOT = Path(__file__).resolve().parents[2]
TWIN = DigitalTwin((Instance(1, "mug"), Instance(2, "plate"), Instance(3, "mug"), Instance(4, "mug", visible=False)))


class Near:
    """Word meaning by hand: the mug is nearest, and nothing fits well."""

    def nearest(self, text, labels, count=3):
        return tuple(sorted(labels))[:count]

    def hint(self, text, labels):
        return Hint(tuple(sorted(labels)))

    def matching(self, text, labels):
        return frozenset()

    def similarity(self, text, labels):
        return np.ones(len(labels), np.float32)


def test_the_settings_of_the_project_are_whole():
    comparison = read_comparison(ROOT / "config/eval/students.yaml")
    assert {
        "zero-shot",
        "few-shot",
        "nearest",
        "sft",
        "sft-without-like",
        "sft-grpo",
        "grpo-only",
        "two-phase",
        "ids",
    } <= (set(comparison.variants))
    assert all(v.train for v in comparison.variants.values() if v.adapter)
    assert comparison.variants["sft-without-like"].without == ("like",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("variants: {a: {title: A}}", "expected the two groups"),
        ("variants: {a: {title: A, adaptr: x}}\nsets: {s: {title: S, dataset: d}}", "did you mean adapter"),
        ("variants: {a: {title: A, against: b}}\nsets: {s: {title: S, dataset: d}}", "no variant 'b'"),
        ("variants: {a: {title: A}}\nsets: {s: {title: S, scenes: x}}", "either dataset, or scenes and queries"),
    ],
)
def test_settings_that_are_wrong_are_named(tmp_path, text, message):
    (tmp_path / "students.yaml").write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_comparison(tmp_path / "students.yaml")


def test_embeddings_alone_take_all_instances_in_view_of_what_they_choose():
    answer = by_meaning(TWIN, Query("something"), Near(), "nearest")
    assert (answer.status, answer.ids) == (Status.OK, (1, 3))
    assert by_meaning(TWIN, Query("something"), Near(), "matching").status == Status.NO_MATCH


def test_the_examples_of_a_prompt_are_rollouts_of_the_language():
    for *_, reply in EXAMPLES:
        parse_rollout(reply)
    assert few_shot().startswith(zero_shot())
    assert few_shot().count("<|im_start|>assistant") == len(EXAMPLES)
    assert "nearest(" in zero_shot()
    assert "Q:" not in zero_shot()


def test_questions_that_are_timed_are_spread_over_all():
    assert spread(range(10), 3) == [0, 3, 6]
    assert spread(range(2), 3) == [0, 1]


def test_a_difference_is_taken_question_by_question():
    one = [{"n": n, "scene": f"s{n}", "exact": n < 8} for n in range(10)]
    other = [{"n": n, "scene": f"s{n}", "exact": n < 5} for n in range(10)]
    value, interval = difference(one, other)
    assert value == pytest.approx(0.3)
    assert interval is not None
    assert 0 <= interval[0] < 0.3 < interval[1] <= 0.7


def test_a_student_that_was_not_trained_has_no_number_but_the_command_that_trains_it(tmp_path, capsys):
    write_set(tmp_path)
    (tmp_path / "c.yaml").write_text(
        "variants:\n  near: {title: Nearest, method: nearest}\n"
        "  later: {title: Later, adapter: /nowhere, train: fastreasonseg train grpo}\n"
        f"sets:\n  mine: {{title: Mine, scenes: {tmp_path}/scenes.jsonl, queries: {tmp_path}/queries.jsonl}}\n"
        "  gone: {title: Gone, dataset: /nowhere/set, make: download it}\n"
    )
    assert main(["eval-students", "--config", str(tmp_path / "c.yaml"), "--out", str(tmp_path / "out")]) == 0
    out = capsys.readouterr().out
    assert "| Later | not trained |" in out
    assert "Later: not trained; `fastreasonseg train grpo`" in out
    assert "Gone: not measured; `download it`" in out
    assert "| Nearest | 1.000" in out
    assert "Mine, exact set (n = 2)" in out


def test_a_student_is_measured_once_and_then_read_from_disk(tmp_path, capsys, monkeypatch):
    write_set(tmp_path)
    (tmp_path / "c.yaml").write_text(
        f"variants:\n  base: {{title: Base}}\n"
        f"sets:\n  mine: {{title: Mine, scenes: {tmp_path}/scenes.jsonl, queries: {tmp_path}/queries.jsonl}}\n"
    )
    command = ["eval-students", "--config", str(tmp_path / "c.yaml"), "--out", str(tmp_path / "out"), "--threads", "1"]
    command += ["--latency", "1", "--latency-threads", "1"]
    assert main(command) == 0
    first = json.loads((tmp_path / "out/students.json").read_text())["results"]["base"]
    assert first["sets"]["mine"]["tokens"] > 1
    assert first["cost"]["new_question"]["p50"] > first["cost"]["kept_plan"]["p50"]
    assert 100 < first["cost"]["peak_rss_mb"] < 2000
    assert len((tmp_path / "out/base/mine.rows.jsonl").read_text().splitlines()) == 2

    def measured_again(*_):
        raise AssertionError

    monkeypatch.setattr("fastreasonseg_ros.cli.eval_students.in_batches", measured_again)
    monkeypatch.setattr("fastreasonseg_ros.cli.eval_students.reasoner_cost", measured_again)
    assert main(command) == 0
    assert json.loads((tmp_path / "out/students.json").read_text())["results"]["base"] == first


def test_a_table_is_markdown():
    assert table(["a", "b"], [["x", "1"]]) == "| a | b |\n| --- | --: |\n| x | 1 |"
    report = {"variants": {}, "sets": {}, "results": {}, "date": "d", "commit": "", "command": "c"}
    report["machine"] = {"cores": 2, "cpu": "x", "memory_gb": 1, "system": "s", "python": "3"}
    assert markdown(report).startswith("# Students compared\n\nMade on d")


def write_set(folder: Path) -> None:
    (folder / "scenes.jsonl").write_text(json.dumps({"scene": "s", "twin": twin_to_dict(TWIN)}) + "\n")
    rows = [{"scene": "s", "text": text, "target_ids": ids} for text, ids in (("a mug", [1, 3]), ("a plate", [2]))]
    (folder / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
