"""Which labels are meant: the reader's chances and embeddings weighed, on the weights that ship."""

from __future__ import annotations

import numpy as np
import pytest

from fastreasonseg_ros.errors import ModelError
from fastreasonseg_ros.reasoning.calibration import Calibration
from fastreasonseg_ros.reasoning.word_meaning.decision import (
    EVIDENCE,
    FILE,
    evidence,
    read_decision,
    write_decision,
)
from fastreasonseg_ros.reasoning.word_meaning.reader import reader_file


def test_evidence_is_log_odds_and_cosines_with_their_distance_to_the_best():
    found = evidence(np.array([0.5, 0.9, 0.0], np.float32), np.array([0.2, 0.1, 0.6], np.float32))
    assert found.shape == (3, len(EVIDENCE))
    assert found[0, 0] == pytest.approx(0.0)
    assert found[1, :2].tolist() == pytest.approx([np.log(9), 0.0], abs=1e-5)
    assert np.isfinite(found).all()  # a chance of 0 is no infinite doubt
    assert found[:, 3].tolist() == pytest.approx([-0.4, -0.5, 0.0])


def test_of_two_labels_with_one_chance_the_one_that_is_the_best_in_view_is_likelier():
    shipped = read_decision(reader_file().parent)
    alone = shipped.chances(evidence(np.array([0.4], np.float32), np.array([0.3], np.float32)), EVIDENCE)
    beside = shipped.chances(evidence(np.array([0.4, 0.95], np.float32), np.array([0.3, 0.6], np.float32)), EVIDENCE)
    assert alone[0] > beside[0]
    assert beside[1] > 0.5


def test_a_decision_is_written_and_read(tmp_path):
    decision = Calibration(-0.5, dict.fromkeys(EVIDENCE, 1.25), "a test")
    write_decision(decision, tmp_path)
    assert read_decision(tmp_path) == decision


@pytest.mark.parametrize("text", [None, "{", '{"intercept": 1, "weights": {"reader": 1}}', '{"weights": []}', "[]"])
def test_a_decision_that_is_missing_or_damaged_is_named_with_what_to_do(tmp_path, text):
    if text is not None:
        (tmp_path / FILE).write_text(text)
    with pytest.raises(ModelError, match=r"decision\.json: is missing or damaged .*fastreasonseg train meaning"):
        read_decision(tmp_path)
