"""`fastreasonseg eval` on every format, with the real model; interrupted, resumed, repeated, compared."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from benchmarks import ALL, break_png, folder, lines, osd, revos, save

from fastreasonseg_ros.cli import main
from fastreasonseg_ros.errors import Status
from fastreasonseg_ros.twin.types import Answer, DigitalTwin, Query

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # inside pycocotools
TIMINGS = ("latency_ms", "timed", "peak_rss_mb", "machine", "made")  # made: when, and by which command


def rows_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("make", ALL, ids=lambda make: make.__name__)
def test_every_format_is_evaluated_by_the_command(make, tmp_path: Path, one_model) -> None:
    root, out = make(tmp_path / "data"), tmp_path / "out.json"
    assert main(["eval", str(root), "--perception", "oracle", "--limit", "1", "--json", str(out)]) == 0
    result = json.loads(out.read_text())
    assert result["format"] == make.__name__
    assert result["n"] == len(result["questions"]) == result["timed"]["questions"] > 0
    assert 0 <= result["giou"] <= 1
    assert sum(result["statuses"].values()) == result["n"]
    assert not {"BAD_INPUT", "MODEL_FAILED", "NOT_READY"} & result["statuses"].keys()
    assert ("caution" in result) == (make.__name__ not in ("osd", "ade20k", "folder"))
    if make.__name__ in ("revos", "reasonvos", "rvtbench", "jitbench", "davis"):
        assert set(result["video"]) >= {"j", "f", "j_and_f"}
    if make.__name__ in ("osd", "folder"):  # named things with depth: the student knows these
        assert result["giou"] == 1.0
        assert result["perception"]["overlap_f"] == 1.0


def test_perception_alone_is_measured_where_there_are_no_questions(tmp_path: Path, capsys) -> None:
    root, out = osd(tmp_path / "data"), tmp_path / "out.json"
    (root / "queries.jsonl").unlink()
    assert main(["eval", str(root), "--perception", "oracle", "--json", str(out)]) == 0
    result = json.loads(out.read_text())
    assert (result["n"], result["perception"]["pictures"], result["perception"]["overlap_f"]) == (0, 1, 1.0)
    assert "perception overlap_f: 1.000" in capsys.readouterr().out


class Scripted:
    """Answers as a table says, so that a run can be stopped at will and needs no seconds."""

    def __init__(self, answers: dict[str, tuple[int, ...]], stop_at: str | None = None) -> None:
        self.answers, self.stop_at, self.asked = answers, stop_at, []

    def __call__(self, twin: DigitalTwin, query: Query) -> Answer:
        if query.text == self.stop_at:
            raise KeyboardInterrupt
        self.asked.append(query.text)
        ids = self.answers.get(query.text, ())
        return Answer(query, Status.OK if ids else Status.NO_MATCH, "", ids=ids, latency_ms={"model": 1.0})


def three_scenes(root: Path) -> Path:
    """Scenes a, b, c of the folder form, each with one or two questions."""
    for name in "abc":
        made = folder(root / name)
        (made / "table").rename(root / f"scene_{name}")
    rows = [("a", "one"), ("a", "two"), ("b", "three"), ("c", "four")]
    lines(root / "queries.jsonl", *({"scene": f"scene_{s}", "text": t, "target_ids": [1]} for s, t in rows))
    return root


RIGHT = {"one": (1,), "two": (2,), "three": (1,), "four": (1, 2)}


def test_an_interrupted_run_goes_on_where_it_was_and_ends_with_the_same_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    root, rows, out = three_scenes(tmp_path / "data"), tmp_path / "rows.jsonl", tmp_path / "out.json"
    command = ["eval", str(root), "--perception", "oracle", "--rows", str(rows), "--json", str(out)]

    def use(asker: Scripted) -> Scripted:
        monkeypatch.setattr("fastreasonseg_ros.cli.eval.asker_of", lambda args: asker)
        return asker

    use(Scripted(RIGHT))
    assert main(command) == 0
    complete, complete_rows = json.loads(out.read_text()), rows_of(rows)

    use(Scripted(RIGHT, stop_at="two"))  # in the middle of a scene
    assert main(command) == 130
    assert f"1 rows are in {rows}; --resume goes on there" in capsys.readouterr().err
    with rows.open("a") as file:
        file.write('{"n": 1, "scene": "sce')  # power was lost
    second = use(Scripted(RIGHT))
    assert main([*command, "--resume"]) == 0
    assert second.asked == ["two", "three", "four"]
    resumed = json.loads(out.read_text())
    assert {k: v for k, v in resumed.items() if k not in TIMINGS} == {
        k: v for k, v in complete.items() if k not in TIMINGS
    }
    assert sorted(map(str, rows_of(rows))) == sorted(map(str, complete_rows))
    third = use(Scripted(RIGHT))
    assert main([*command, "--resume"]) == 0
    assert third.asked == []

    assert main([*command, "--resume", "--perception-set", "min_area_px=2"]) == 2
    assert f"{rows}:1: was written with other settings" in capsys.readouterr().err
    lines(root / "queries.jsonl", {"scene": "scene_a", "text": "another", "target_ids": [1]})
    assert main([*command, "--resume"]) == 2
    assert f"{rows}:1: answers a question that this run does not ask ('one')" in capsys.readouterr().err


def test_a_broken_picture_ends_the_run_by_name_and_keeps_what_was_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    root, rows = three_scenes(tmp_path / "data"), tmp_path / "rows.jsonl"
    broken = root / "scene_b/000000/rgb.png"
    good = broken.read_bytes()
    break_png(broken)
    monkeypatch.setattr("fastreasonseg_ros.cli.eval.asker_of", lambda args: Scripted(RIGHT))
    command = ["eval", str(root), "--perception", "oracle", "--rows", str(rows)]
    assert main(command) == 2
    assert f"{broken}: is not a picture that can be read" in capsys.readouterr().err
    assert [row.get("text") for row in rows_of(rows)] == ["one", "two", None]
    broken.write_bytes(good)
    assert main([*command, "--resume"]) == 0
    assert len(rows_of(rows)) == 7


def test_frames_of_mixed_sizes_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr("fastreasonseg_ros.cli.eval.asker_of", lambda args: Scripted({}))
    video = revos(tmp_path / "video")
    save(video / "JPEGImages/v1/00005.jpg", np.zeros((10, 12, 3), np.uint8))
    assert main(["eval", str(video), "--perception", "oracle"]) == 2
    stderr = capsys.readouterr().err
    assert "mask_dict.json: frame 1" in stderr
    assert "00005.jpg is 12x10; both must have one size" in stderr


def test_two_runs_give_identical_json_but_for_timings(tmp_path: Path, one_model) -> None:
    root = osd(tmp_path / "data")
    results = []
    for name in ("first.json", "second.json"):
        out = tmp_path / name
        assert main(["eval", str(root), "--perception", "oracle", "--json", str(out)]) == 0
        result = json.loads(out.read_text())
        results.append(json.dumps({k: v for k, v in result.items() if k not in TIMINGS}))
    assert results[0] == results[1]


def test_a_run_stands_beside_an_earlier_one_with_paired_intervals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    root = three_scenes(tmp_path / "data")
    first, second, rows = tmp_path / "first.json", tmp_path / "second.json", tmp_path / "first.jsonl"
    command = ["eval", str(root), "--perception", "oracle"]
    monkeypatch.setattr("fastreasonseg_ros.cli.eval.asker_of", lambda args: Scripted(RIGHT))
    assert main([*command, "--json", str(first), "--rows", str(rows)]) == 0
    better = Scripted(RIGHT | {"two": (1,), "four": (1,)})
    monkeypatch.setattr("fastreasonseg_ros.cli.eval.asker_of", lambda args: better)
    assert main([*command, "--json", str(second), "--against", str(first)]) == 0
    against = json.loads(second.read_text())["against"]
    giou = against["measures"]["giou"]
    assert (giou["here"], giou["there"], giou["difference"]) == (1.0, 0.625, 0.375)  # 1, 0, 1, 0.5
    assert giou["interval"] is None  # three scenes are too few
    assert (against["n"], against["better"], against["worse"]) == (4, 2, 0)
    assert [c["text"] for c in against["changed"]] == ["two", "four"]
    capsys.readouterr()
    assert main(["compare", str(second), str(first), str(rows)]) == 0
    printed = capsys.readouterr().out
    assert printed.count("+0.375") == 2  # rows and result say the same
    assert "4 questions in both: 2 better here, 0 worse" in printed


def test_several_configurations_are_measured_in_one_run_and_stand_side_by_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    root = three_scenes(tmp_path / "data")
    better = Scripted(RIGHT | {"two": (1,), "four": (1,)})

    def use(of_second: Scripted) -> Scripted:
        askers = {"openvino": Scripted(RIGHT), "remote": of_second}
        monkeypatch.setattr("fastreasonseg_ros.cli.eval.asker_of", lambda args: askers[args.model])
        return of_second

    use(better)
    out, page, rows = (tmp_path / name for name in ("out.json", "page.html", "rows.jsonl"))
    command = ["eval", str(root), "--perception", "oracle", "--rows", str(rows), "--json", str(out)]
    command += ["--html", str(page), "--also", "--model remote --model-set timeout_s=5"]
    assert main(command) == 0
    result = json.loads(out.read_text())
    [also] = result["also"]
    assert (result["giou"], also["giou"], also["perceiver"], also["model"]) == (0.625, 1.0, "oracle", "remote")
    giou = also["against"]["measures"]["giou"]
    assert (giou["here"], giou["there"], giou["difference"]) == (1.0, 0.625, 0.375)
    assert (also["options"], also["against"]["better"]) == ("--model remote --model-set timeout_s=5", 2)
    assert "there: the first" in capsys.readouterr().out
    html = page.read_text()
    assert "Side by side" in html
    assert "2 better here, 0 worse" in html
    assert "+0.375" in html

    second = tmp_path / "rows.1.jsonl"  # every configuration has rows of its own, and goes on where it was
    assert len(rows_of(rows)) == len(rows_of(second)) == 7
    second.write_text("".join(second.read_text().splitlines(keepends=True)[:2]))
    again = use(Scripted(RIGHT | {"two": (1,), "four": (1,)}))
    assert main([*command, "--resume"]) == 0
    assert again.asked == ["three", "four"]
    resumed = json.loads(out.read_text())
    timed = {*TIMINGS, "also"}
    for a, b in ((result, resumed), (also, resumed["also"][0])):
        assert {k: v for k, v in a.items() if k not in timed} == {k: v for k, v in b.items() if k not in timed}


def test_options_of_a_further_configuration_that_are_wrong_are_named_before_the_work(tmp_path: Path, capsys) -> None:
    root = three_scenes(tmp_path / "data")
    assert main(["eval", str(root), "--also", "--perceptoin oracle"]) == 2
    assert "--also '--perceptoin oracle': unrecognized arguments: --perceptoin" in capsys.readouterr().err
    assert main(["eval", str(root), "--also", "--model 'remote"]) == 2
    assert "No closing quotation" in capsys.readouterr().err


def test_results_that_cannot_be_compared_say_why(tmp_path: Path, capsys) -> None:
    nothing = tmp_path / "nothing.json"
    nothing.write_text('{"giou": 1}')
    assert main(["compare", str(nothing), str(nothing)]) == 2
    assert f"{nothing}: holds no answered questions" in capsys.readouterr().err
    for name in "ab":
        question = {"n": 0, "scene": name, "text": "x", "iou": 1.0, "intersection": 1, "union": 1}
        (tmp_path / f"{name}.json").write_text(json.dumps({"questions": [question]}))
    assert main(["compare", str(tmp_path / "a.json"), str(tmp_path / "b.json")]) == 2
    assert "no question in common" in capsys.readouterr().err
    assert main(["compare", str(nothing)]) == 2
    assert "needs two results or more" in capsys.readouterr().err
    assert main(["eval", str(tmp_path), "--against", str(tmp_path / "no.json")]) == 2
    assert "no.json: cannot be read" in capsys.readouterr().err
