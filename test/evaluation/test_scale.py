"""A run shared over two workers of a Ray cluster on this machine: the same figures, and dead workers are replaced."""

from __future__ import annotations

import json
import os
from argparse import Namespace
from pathlib import Path

import pytest
from bag_fixtures import frames
from benchmarks import folder, lines

ray = pytest.importorskip("ray", reason="Ray is not installed (extra scale)")

from fastreasonseg_ros.cli import main
from fastreasonseg_ros.errors import DatasetError, ReasonSegError
from fastreasonseg_ros.evaluation.runners.ray_cluster import _connect, share
from fastreasonseg_ros.evaluation.runners.ray_workers import BagWorker
from fastreasonseg_ros.io.bags.writer import write_bag

TIMINGS = ("latency_ms", "timed", "peak_rss_mb", "machine", "made")
LOCAL = Namespace(ray="local", workers=2)


@pytest.fixture(scope="module", autouse=True)
def cluster():
    """One for all tests, with the command's own settings: it takes seconds to come up."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_worker_niceness", "0")  # else all other work of the machine comes first
        for attempt in range(4):  # Ray gives its own processes 30 s to come up, whatever the machine
            try:
                _connect(ray, LOCAL)
                break
            except Exception as error:
                if "timed out during startup" not in str(error) or attempt == 3:
                    raise
                ray.shutdown()
        yield
        ray.shutdown()


def test_two_workers_with_the_real_model_give_the_figures_of_one_machine(tmp_path: Path, one_model) -> None:
    root = tmp_path / "data"
    for name in "ab":
        made = folder(root / name)
        (made / "table").rename(root / f"scene_{name}")
    asked = [("a", "the red box"), ("b", "the blue one"), ("b", "the red box")]
    lines(root / "queries.jsonl", *({"scene": f"scene_{s}", "text": t, "target_ids": [1]} for s, t in asked))
    results = []
    for more in ([], ["--ray"]):
        out, rows = tmp_path / f"{len(more)}.json", tmp_path / f"{len(more)}.jsonl"
        command = ["eval", str(root), "--perception", "oracle", "--json", str(out), "--rows", str(rows)]
        assert main([*command, *more]) == 0
        results.append({k: v for k, v in json.loads(out.read_text()).items() if k not in TIMINGS})
        assert json.loads(out.read_text())["timed"] == {"frames": 2, "questions": 3}
        assert len(rows.read_text().splitlines()) == 5
    assert results[0] == results[1]


def test_bags_over_two_workers_give_the_figures_of_one_machine_though_a_worker_dies(
    tmp_path: Path, real_asker, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    for name in "abc":
        write_bag(tmp_path / "bags" / name, frames(5))
    asked = [
        {"text": "Keep an eye on the mug.", "at": 0.1, "target_ids": [1], "standing": True},
        {"text": "the book", "target_ids": [2], "scene": "b"},
    ]
    died = tmp_path / "died"

    class Mortal(BagWorker):
        """Dies in the middle of the first bag b; in here, so that it is sent to the workers as it is."""

        def run(self, path: str, name: str, items):
            if name == "b" and not died.exists():
                died.touch()
                os._exit(1)
            return super().run(path, name, items)

    monkeypatch.setattr("fastreasonseg_ros.cli.bag.asker_of", lambda args: real_asker)
    monkeypatch.setattr("fastreasonseg_ros.evaluation.runners.ray_workers.BagWorker", Mortal)
    results = []
    for more in ([], ["--ray", "--workers", "2"]):
        out, rows = tmp_path / f"{len(more)}.json", tmp_path / f"{len(more)}.jsonl"
        command = ["bag", "eval", str(tmp_path / "bags"), "--queries", str(lines(tmp_path / "q.jsonl", *asked))]
        assert main([*command, "--perception", "oracle", "--json", str(out), "--rows", str(rows), *more]) == 0
        results.append({k: v for k, v in json.loads(out.read_text()).items() if k not in TIMINGS})
        assert json.loads(out.read_text())["timed"]["frames"] == 15
        assert len(rows.read_text().splitlines()) == 7  # three standing, one question, three bags
    assert died.exists()
    assert results[0] == results[1]
    stderr = capsys.readouterr().err
    assert "b: its worker died, another one tries again (1 of 3)" in stderr
    assert "100%|" in stderr.rpartition("tries again")[2]  # the progress bar was shown


def test_the_shard_of_a_worker_that_died_is_tried_again_by_another(tmp_path: Path, monkeypatch, capsys) -> None:
    # In here, so that it is sent to the workers as it is: they cannot import this file.
    class Mortal:
        """A worker that dies on its first try of shard 1, always on shard 2, and refuses shard 3."""

        def __init__(self, args: Namespace) -> None:
            pass

        def run(self, folder: str, shard: int):
            tries = Path(folder, str(shard))
            tries.write_text(tries.read_text() + "x" if tries.exists() else "x")
            if shard == 2 or (shard == 1 and tries.read_text() == "x"):
                os._exit(1)
            if shard == 3:
                raise DatasetError("shard 3: its picture is broken")
            return [{"n": shard, "text": "t"}], ([1.0], [2.0], [])

    rows: list[dict] = []
    times = share(Mortal, LOCAL, {str(k): (str(tmp_path), k) for k in (0, 1, 4)}, rows.append)
    assert sorted(row["n"] for row in rows) == [0, 1, 4]
    assert (len(times.perception), sum(times.reasoning)) == (3, 6.0)
    assert (tmp_path / "1").read_text() == "xx"
    assert "1: its worker died, another one tries again (1 of 3)" in capsys.readouterr().err
    monkeypatch.setattr("fastreasonseg_ros.evaluation.runners.ray_cluster.ATTEMPTS", 1)
    with pytest.raises(ReasonSegError, match=r"2: its worker died 1 times.*go on with --resume"):
        share(Mortal, LOCAL, {"2": (str(tmp_path), 2)}, rows.append)
    with pytest.raises(DatasetError, match="shard 3: its picture is broken"):
        share(Mortal, LOCAL, {"3": (str(tmp_path), 3)}, rows.append)
    assert (tmp_path / "3").read_text() == "x"
