"""What the segmenter's network sees, and how its word on pairs of pixels becomes evidence about patches."""

from __future__ import annotations

import json

import numpy as np
import pytest
from rays import ABOVE, CAMERA, TILT, Ball, Box, picture

from fastreasonseg_ros.errors import ModelError
from fastreasonseg_ros.perception.tabletop import TabletopConfig, TabletopPerceiver
from fastreasonseg_ros.perception.tabletop.affinity import CHANNELS, OFFSETS, network_input
from fastreasonseg_ros.perception.tabletop.network import Affinities, AffinityNetwork
from fastreasonseg_ros.twin.types import Plane

TABLE = Plane((0.0, -float(np.cos(TILT)), -float(np.sin(TILT))), -ABOVE)


def test_the_table_is_flat_and_at_height_nought_to_the_network():
    frame = picture(Box((0.0, 0.0), (0.1, 0.1, 0.15)))
    seen = network_input(frame.depth_m, CAMERA, TABLE)
    assert seen.shape == (CHANNELS, CAMERA.height, CAMERA.width)
    height, up, _, _, _, _, known = seen
    table = np.zeros(height.shape, bool)
    table[200:235, 40:280] = True
    assert np.abs(height[table]).max() < 0.02
    assert up[table].min() > 0.97
    top = (frame.truth.ids == 1) & (height > 0.97)
    assert top.any()
    assert np.median(height[top]) == pytest.approx(1.0, abs=0.02)  # 0.15 m
    assert np.array_equal(known > 0, np.isfinite(frame.depth_m))


def test_unknown_depth_is_nought_in_every_channel():
    depth = picture().depth_m.copy()
    depth[100:120, 100:140] = np.nan
    seen = network_input(depth, CAMERA, TABLE)
    assert not seen[:, 100:120, 100:140].any()
    assert np.isfinite(seen).all()


def test_a_mirrored_scene_is_seen_mirrored_with_the_normal_to_the_right_turned_round():
    frame = picture(Ball((0.1, 0.05), 0.06))
    seen, mirrored = (
        network_input(frame.depth_m, CAMERA, TABLE),
        network_input(frame.depth_m[:, ::-1].copy(), CAMERA, TABLE),
    )
    expected = mirrored[..., ::-1].copy()
    expected[2] *= -1
    assert np.abs(seen - expected).max() < 1e-3


def affinities(together: float, apart: float, patches: np.ndarray, owner: dict[int, int]) -> Affinities:
    """A network that knows which patch belongs to which thing."""
    thing = np.vectorize(lambda p: owner.get(int(p), 0))(patches)
    logits = np.full((1 + len(OFFSETS), *patches.shape), -4.0, np.float32)
    h, w = patches.shape
    for k, (dy, dx) in enumerate(OFFSETS, 1):
        for y in range(max(0, -dy), h - max(0, dy)):
            for x in range(max(0, -dx), w - max(0, dx)):
                logits[k, y, x] = together if thing[y, x] == thing[y + dy, x + dx] else apart
    return Affinities(logits, 1)


def test_evidence_is_for_patches_of_one_thing_and_against_those_of_two():
    patches = np.zeros((24, 36), np.int32)
    patches[4:20, 4:12], patches[4:20, 12:20], patches[4:20, 20:28] = 1, 2, 3
    evidence = affinities(2.0, -2.0, patches, {1: 1, 2: 1, 3: 2}).evidence(patches)
    assert evidence[1, 2] > 10
    assert evidence[2, 3] < -10
    assert set(evidence) == {(1, 2), (1, 3), (2, 3)}  # 1 and 3 are 16 pixels apart: the longest offsets see both


def test_a_bias_moves_every_pair():
    patches = np.zeros((24, 36), np.int32)
    patches[4:20, 4:12], patches[4:20, 12:20] = 1, 2
    said = affinities(0.5, -0.5, patches, {1: 1, 2: 2})
    assert said.evidence(patches)[1, 2] < 0 < said.evidence(patches, bias=1.0)[1, 2]


def test_no_patches_or_one_give_no_evidence():
    patches = np.zeros((24, 36), np.int32)
    said = affinities(2.0, -2.0, patches, {})
    assert said.evidence(patches) == {}
    patches[3:9, 3:9] = 1
    assert said.evidence(patches) == {}


def test_a_missing_or_torn_model_says_what_to_do(tmp_path):
    with pytest.raises(ModelError, match="segmenter=planes"):
        AffinityNetwork(tmp_path / "segmenter.xml")
    (tmp_path / "segmenter.xml").write_text("<net")
    (tmp_path / "segmenter.json").write_text(json.dumps({"channels": CHANNELS, "offsets": OFFSETS}))
    with pytest.raises(ModelError, match="no usable segmenter"):
        AffinityNetwork(tmp_path / "segmenter.xml")
    (tmp_path / "segmenter.json").write_text(json.dumps({"channels": 3, "offsets": OFFSETS}))
    with pytest.raises(ModelError, match="other inputs"):
        AffinityNetwork(tmp_path / "segmenter.xml")


def shipped() -> TabletopPerceiver:
    return TabletopPerceiver(TabletopConfig(segmenter="both", names=False))


def test_the_shipped_network_tells_things_apart_that_touch_and_lean():
    touching = picture(
        Box((-0.06, 0.0), (0.1, 0.1, 0.12)), Box((0.05, -0.01), (0.1, 0.12, 0.09)), Ball((0.2, 0.1), 0.05), noise=5e-4
    )
    assert len(shipped().perceive(touching).detections) == 3


def test_the_network_is_not_asked_where_nothing_stands(monkeypatch):
    perceiver = shipped()

    def asked(*_):
        raise AssertionError("the network was asked about an empty table")

    monkeypatch.setattr(AffinityNetwork, "start", asked)
    assert perceiver.perceive(picture()).detections == ()


def test_a_model_that_is_named_and_missing_is_an_error_at_the_start(tmp_path):
    with pytest.raises(ModelError, match="nowhere"):
        TabletopPerceiver(TabletopConfig(segmenter="network", segmenter_model=str(tmp_path / "nowhere.xml")))


def test_without_any_model_folder_the_message_names_the_setting_that_needs_none(tmp_path, monkeypatch):
    monkeypatch.setattr("fastreasonseg_ros.perception.tabletop.perceiver.find_segmenter", lambda: None)
    with pytest.raises(ModelError, match="segmenter=planes"):
        TabletopPerceiver(TabletopConfig(segmenter="both", names=False))
    assert TabletopPerceiver(TabletopConfig(segmenter="planes", names=False)).perceive(picture()).detections == ()
