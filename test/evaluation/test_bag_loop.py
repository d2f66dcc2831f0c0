"""A short recording becomes a long bag: the same pictures round after round, with stamps that go on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from bag_fixtures import frames

from fastreasonseg_ros.cli import main
from fastreasonseg_ros.io.bags.questions import questions_in
from fastreasonseg_ros.io.bags.reader import read_stamped
from fastreasonseg_ros.io.bags.writer import START_S, write_bag


def test_a_bag_is_played_round_after_round_until_it_is_as_long_as_asked_for(tmp_path: Path, capsys) -> None:
    write_bag(tmp_path / "clip", frames(4), questions=['{"text": "the mug", "at": 0.2}'])
    command = ["bag", "make", str(tmp_path / "clip"), str(tmp_path / "long"), "--seconds", "1.5", "--rate", "2"]
    assert main(command) == 0
    assert "long: 30 pictures" in capsys.readouterr().out
    clip, looped = list(read_stamped(tmp_path / "clip")), list(read_stamped(tmp_path / "long"))
    stamps = [stamp for stamp, _ in looped]
    assert stamps == pytest.approx([START_S * 10**9 + k * 50_000_000 for k in range(30)], abs=100)
    assert all(np.array_equal(frame.color, clip[k % 4][1].color) for k, (_, frame) in enumerate(looped))
    assert all(np.array_equal(f.truth.ids, clip[k % 4][1].truth.ids) for k, (_, f) in enumerate(looped))
    assert [(q.text, q.at_s) for q in questions_in(tmp_path / "long")] == [("the mug", 0.2)]
    assert main(command) == 2
    assert "is there already" in capsys.readouterr().err


def test_a_length_is_asked_for_where_a_bag_is_given_and_must_be_one(tmp_path: Path, capsys) -> None:
    write_bag(tmp_path / "clip", frames(2))
    command = ["bag", "make", str(tmp_path / "clip"), str(tmp_path / "long")]
    assert main(command) == 2
    assert "a longer one is made of it with --seconds S" in capsys.readouterr().err
    assert main([*command, "--seconds", "-1"]) == 2
    assert "must be greater than 0" in capsys.readouterr().err
    assert not (tmp_path / "long").exists()
