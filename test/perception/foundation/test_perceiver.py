"""From a camera frame to the twin, through the real classes with tiny random networks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("sam2", reason="sam2 is not installed: SAM2_BUILD_CUDA=0 pip install --no-build-isolation sam2")
from tiny import clip, save_depth, save_owlv2, save_sam2

from fastreasonseg_ros.config import load_config
from fastreasonseg_ros.errors import ConfigError, ModelError
from fastreasonseg_ros.perception import make_perceiver
from fastreasonseg_ros.perception.foundation.detector import DetectedBox
from fastreasonseg_ros.perception.foundation.perceiver import FoundationConfig, FoundationPerceiver
from fastreasonseg_ros.perception.foundation.tracks import TrackConfig
from fastreasonseg_ros.pipeline import observe
from fastreasonseg_ros.twin.types import CameraIntrinsics, DigitalTwin, Frame

CAMERA = CameraIntrinsics(120, 90, 100.0, 100.0, 60.0, 45.0)
CONFIGS = sorted((Path(__file__).parents[3] / "config").glob("foundation_*.yaml"))


@pytest.fixture(scope="module")
def config(tmp_path_factory) -> FoundationConfig:
    folders = {name: tmp_path_factory.mktemp(name) for name in ("owlv2", "sam2", "depth")}
    return FoundationConfig(
        device="cpu",
        detector=replace(save_owlv2(folders["owlv2"]), max_boxes=6, nms_iou=0.3),
        segmenter=save_sam2(folders["sam2"]),
        depth=save_depth(folders["depth"], metric=True),
        tracks=TrackConfig(merge_iou=0.97),  # masks of random weights resemble each other
        warm_up=(64, 64),
    )


@pytest.fixture(scope="module")
def perceiver(config) -> FoundationPerceiver:
    return FoundationPerceiver(config)


def frames(count: int, seed: int = 0, start_s: float = 0.0, **more) -> list[Frame]:
    return [
        Frame(color, intrinsics=CAMERA, stamp_s=start_s + n * 0.1, **more)
        for n, color in enumerate(clip(count, 90, 120, seed))
    ]


def test_a_camera_without_depth_becomes_a_twin_in_metres_with_ids_that_stay(perceiver) -> None:
    twin, seen, reasons = DigitalTwin(), [], []
    for frame in frames(14):
        twin = observe(twin, frame, perceiver)
        reasons.append(perceiver.keyframe)
        seen.append({i.id for i in twin.instances if i.visible})
    assert reasons[:2] == ["first", ""]
    assert "time" in reasons[9:12]
    assert len(seen[0]) >= 2
    assert seen[0] <= {i.id for i in twin.instances}
    for n in range(1, 9):  # between key frames nothing new appears
        assert seen[n] <= seen[0]
    for i in twin.instances:
        assert i.label in perceiver.words
        assert 0 <= i.score <= 1
        if i.visible:
            assert np.any(twin.ids == i.id)
            assert i.depth_mean_m is not None
            assert 0 < i.depth_mean_m < 21
            assert i.center_m is not None
            assert i.nearness is None
    assert {"encode", "track", "depth", "describe"} <= set(perceiver.latency_ms)


def test_the_cameras_own_depth_is_taken_where_there_is_one(perceiver) -> None:
    depth = np.full((90, 120), 1.5, np.float32)
    twin = observe(DigitalTwin(), frames(1, depth_m=depth)[0], perceiver)
    assert {round(i.depth_mean_m, 3) for i in twin.instances} == {1.5}
    assert "depth" not in perceiver.latency_ms


def test_relative_depth_is_marked_and_gives_no_metres(config, tmp_path) -> None:
    perceiver = FoundationPerceiver(replace(config, depth=save_depth(tmp_path, metric=False), warm_up=None))
    twin = observe(DigitalTwin(), frames(1)[0], perceiver)
    assert twin.instances
    for i in twin.instances:
        assert (i.center_m, i.size_m, i.depth_mean_m) == (None, None, None)
        assert 0 <= i.nearness <= 1


def test_half_precision_runs_through_every_network_and_the_warm_up(config) -> None:
    perceiver = FoundationPerceiver(replace(config, precision="bfloat16", warm_up=(90, 120)))
    assert perceiver._detector._model.dtype == torch.bfloat16
    assert perceiver._depth._model.dtype == torch.bfloat16
    assert perceiver.words
    for frame in frames(3):
        found = perceiver.perceive(frame).detections
    assert found
    assert all(d.center_m is not None for d in found)


def test_words_of_a_question_are_looked_for_from_the_next_frame_on(perceiver) -> None:
    first, second = frames(2, seed=4, start_s=50.0)
    perceiver.perceive(first)
    perceiver.set_vocabulary(["Wooden  Duck!", "mug"])
    assert perceiver.words[-1] == "wooden duck"
    assert perceiver.words.count("mug") == 1
    perceiver.perceive(second)
    assert perceiver.keyframe == "vocabulary"
    with pytest.raises(ConfigError, match="is no word to look for"):
        perceiver.set_vocabulary(["?!"])
    perceiver.set_vocabulary([])
    assert "wooden duck" not in perceiver.words


def test_another_picture_size_or_time_that_goes_back_starts_anew(perceiver) -> None:
    perceiver.perceive(frames(1, start_s=100.0)[0])
    small = Frame(clip(1, 50, 60)[0], stamp_s=100.1)
    assert all(d.mask.shape == (50, 60) for d in perceiver.perceive(small).detections)
    assert perceiver.keyframe == "first"
    perceiver.perceive(replace(small, stamp_s=99.0))
    assert perceiver.keyframe == "first"


@pytest.mark.parametrize("size", [(1, 1), (7, 300), (2160, 3840)])
def test_odd_pictures_are_seen(perceiver, size) -> None:
    color = np.full((*size, 3), 128, np.uint8)
    for detection in perceiver.perceive(Frame(color, stamp_s=200.0)).detections:
        assert detection.mask.shape == size


def test_two_boxes_of_one_thing_become_one_object(perceiver, monkeypatch) -> None:
    box = (20.0, 20.0, 80.0, 70.0)
    monkeypatch.setattr(
        perceiver._detector, "detect", lambda _: [DetectedBox(box, "mug", 0.9), DetectedBox(box, "cup", 0.8)]
    )
    found = perceiver.perceive(frames(1, start_s=300.0)[0]).detections
    assert [d.label for d in found] == ["mug"]


def test_without_words_nothing_is_found_and_with_missing_weights_nothing_is_claimed(config, tmp_path) -> None:
    silent = FoundationPerceiver(replace(config, default_words=False, warm_up=None))
    first, second = frames(2)
    assert silent.perceive(first).detections == ()  # nothing to look for yet: questions bring words
    silent.set_vocabulary(["corkscrew"])
    assert {d.label for d in silent.perceive(second).detections} == {"corkscrew"}
    with pytest.raises(ModelError, match=r"facebook/sam2.1-hiera-nano: the weights are not on this machine"):
        FoundationPerceiver(replace(config, segmenter=replace(config.segmenter, model="facebook/sam2.1-hiera-nano")))
    broken = tmp_path / "tiny.pt"
    broken.write_bytes(b"broken")
    with pytest.raises(ModelError, match=rf"{broken}: .*models install"):
        FoundationPerceiver(replace(config, segmenter=replace(config.segmenter, model=str(broken))))
    (tmp_path / "words.txt").write_text("# none\n")
    with pytest.raises(ConfigError, match=r"words.txt: holds no words"):
        FoundationPerceiver(replace(config, vocabulary=str(tmp_path / "words.txt")))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.stem)
def test_the_settings_that_come_with_the_package_are_read_and_name_what_is_missing(path, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    assert load_config(FoundationConfig, path).detector.kind == "owlv2"
    with pytest.raises(ModelError, match=r"`fastreasonseg models install google/owlv2-base-patch16-ensemble`"):
        make_perceiver("foundation", path, ["device=cpu"])


def test_there_is_a_file_of_settings_for_each_class_of_machine() -> None:
    assert [p.stem for p in CONFIGS] == ["foundation_cpu", "foundation_jetson", "foundation_workstation"]
