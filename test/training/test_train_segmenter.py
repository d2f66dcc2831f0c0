"""The segmenter's command: frames are simulated once, training goes on where it stopped, the result runs."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("mujoco")
torch = pytest.importorskip("torch")

from fastreasonseg_ros.errors import ConfigError, DatasetError, ModelError
from fastreasonseg_ros.perception.tabletop.affinity import OFFSETS
from fastreasonseg_ros.perception.tabletop.network import AffinityNetwork
from fastreasonseg_ros.training.perception.segmenter import frames as segmenter_frames
from fastreasonseg_ros.training.perception.segmenter import train as segmenter
from fastreasonseg_ros.training.perception.segmenter.batches import pool, split
from fastreasonseg_ros.training.perception.segmenter.frames import make_frames, read_shard, shards_in
from fastreasonseg_ros.training.perception.segmenter.network import AffinityNet, affinity_loss

TINY = ["width=4", "batch=4", "pool_files=1", "steps=2", "threads=1", "workers=1", "frames=6", "views=3", "seed=200"]


@pytest.fixture(scope="module")
def frames(tmp_path_factory):
    """Two files of three frames: number 200 is measured with, 201 learnt from."""
    folder = tmp_path_factory.mktemp("segmenter") / "frames"
    assert make_frames(folder, frames=6, views=3, seed=200, workers=1) == 6
    return folder


def settings(frames, tmp_path, *more):
    return [*TINY, f"frames_dir={frames}", f"out={tmp_path / 'run'}", f"models={tmp_path / 'models'}", *more]


def test_a_file_of_frames_holds_what_a_camera_sees_and_the_truth_about_it(frames):
    files = list(shards_in(frames))
    shard = read_shard(files[0])
    assert shard.depth.shape == shard.ids.shape == (3, 240, 320)
    depth_m, ids = shard.depth_m(0), shard.ids[0]
    assert 0.2 < np.nanmedian(depth_m) < 3.0
    assert ids.any()
    # The table's plane in the file is where the depth says that it is.
    from fastreasonseg_ros.twin.geometry import back_project

    height = shard.support(0).height_m(back_project(depth_m, shard.intrinsics(0)))
    assert np.nanpercentile(np.abs(height[ids == 0]), 30) < 0.02
    assert np.nanmedian(height[ids > 0]) > 0.002


def test_frames_that_are_there_are_not_simulated_again(frames, monkeypatch):
    def again(job):
        raise AssertionError(f"{job} was simulated again")

    monkeypatch.setattr(segmenter_frames, "_make", again)
    assert make_frames(frames, frames=6, views=3, seed=200, workers=1) == 6


def test_frames_that_are_measured_with_are_never_learnt_from(frames):
    learn, held_out = split(frames)
    assert [int(f.stem.partition("-")[0]) for f in held_out] == [200]
    assert not set(learn) & set(held_out)


def test_the_command_trains_exports_and_what_it_exports_runs(frames, tmp_path, capsys):
    assert segmenter.main(settings(frames, tmp_path)) == 0
    assert "held out" in capsys.readouterr().out
    assert len((tmp_path / "run" / "log.jsonl").read_text().splitlines()) == 0  # a line every ten steps
    about = json.loads((tmp_path / "models" / "segmenter.json").read_text())
    assert about["samples"] == 8
    assert about["bits"] == 8
    assert about["decisions_as_before"] > 0.9
    network = AffinityNetwork(tmp_path / "models" / "segmenter.xml")
    shard = read_shard(split(frames)[1][0])
    output = network(shard.depth_m(0), shard.intrinsics(0), shard.support(0))
    assert output.logits.shape == (1 + len(OFFSETS), 120, 160)
    assert np.isfinite(output.logits).all()


def test_without_calibration_weights_are_halves(frames, tmp_path):
    segmenter.main(settings(frames, tmp_path, "calibration=0"))
    assert json.loads((tmp_path / "models" / "segmenter.json").read_text())["bits"] == 16


def test_a_run_goes_on_from_its_checkpoint_and_refuses_other_settings(frames, tmp_path):
    segmenter.main(settings(frames, tmp_path, "stage=train"))
    run = segmenter.Run(segmenter.load_config(segmenter.SegmenterConfig, None, settings(frames, tmp_path, "steps=3")))
    assert run.resume()
    before = run.net.head[0].weight.detach().clone()
    segmenter.main(settings(frames, tmp_path, "stage=train", "steps=3"))
    after = segmenter.Run(run.config)
    assert after.resume()
    assert (after.step, after.samples) == (3, 12)
    assert not torch.equal(after.net.head[0].weight, before)
    with pytest.raises(ModelError, match="width=4, and width is 8"):
        segmenter.main(settings(frames, tmp_path, "stage=train", "width=8"))


def test_a_torn_checkpoint_is_named(frames, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "checkpoint.pt").write_bytes(b"half a file")
    with pytest.raises(ModelError, match=r"checkpoint\.pt cannot be read"):
        segmenter.main(settings(frames, tmp_path, "stage=train"))


def test_export_without_a_training_says_what_to_do(frames, tmp_path):
    with pytest.raises(ModelError, match="train first"):
        segmenter.main(settings(frames, tmp_path, "stage=export"))


def test_a_torn_file_of_frames_is_named_and_an_empty_folder_too(frames, tmp_path):
    for file in shards_in(frames):
        (tmp_path / file.name).write_bytes(file.read_bytes()[:1000])
    with pytest.raises(DatasetError, match="0000201-.*delete it"):
        pool(tmp_path, 0, 0, 1)
    with pytest.raises(DatasetError, match="has 0 files"):
        split(tmp_path / "nothing")


def test_unknown_settings_are_refused_with_the_nearest_name():
    with pytest.raises(ConfigError, match="minutes"):
        segmenter.main(["minute=3"])


def test_the_loss_learns_to_tell_two_touching_things_apart():
    torch.manual_seed(0)
    net = AffinityNet(width=8)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    ids = torch.zeros(1, 32, 32, dtype=torch.int64)
    ids[:, 8:24, 6:16], ids[:, 8:24, 16:26] = 1, 2
    inputs = torch.zeros(1, 7, 32, 32)
    inputs[:, 0] = (ids > 0) * 0.5
    inputs[:, 2] = (ids == 1) * 0.7 - (ids == 2) * 0.7
    inputs[:, 6] = 1
    figures = {}
    for _ in range(60):
        loss, figures = affinity_loss(net(inputs), ids, inputs[:, 6] > 0, apart=4.0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert figures["foreground"] > 0.97
    assert figures["one"] > 0.95
    assert figures["two"] > 0.9
