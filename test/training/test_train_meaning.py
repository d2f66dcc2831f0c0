"""The reader of word meaning: trains, goes on, exports; the graph that the robot runs gives what torch gives."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from fastreasonseg_ros.errors import DatasetError, ModelError
from fastreasonseg_ros.reasoning.word_meaning.reader import Reader
from fastreasonseg_ros.training.word_meaning.export import calibrate, export, logits_of
from fastreasonseg_ros.training.word_meaning.judgements import Judgement, read_judgements, scene_judgements
from fastreasonseg_ros.training.word_meaning.measure import measure
from fastreasonseg_ros.training.word_meaning.reader import Packer, ReaderNet
from fastreasonseg_ros.training.word_meaning.train import main

JUDGED = (
    Judgement("something to drink from", ("mug", "tin cup", "glass"), ("plate", "cup holder", "kettle lid"), "use"),
    Judgement("cutlery", ("fork", "soup spoon"), ("plate", "fork lift"), "category"),
    Judgement("it is dark in here", ("torch", "floor lamp", "candle"), ("dark chocolate", "curtain"), "need"),
)


def lines(file: Path, judgements=JUDGED) -> Path:
    rows = (
        {"phrase": j.phrase, "yes": j.yes, "no": j.no, "kind": j.kind, "split": split}
        for j, split in zip(judgements, ("train", "validation", "held_out"), strict=True)
    )
    file.write_text("\n".join(map(json.dumps, rows)))
    return file


def test_the_command_trains_exports_and_goes_on(tmp_path, capsys):
    file, model = lines(tmp_path / "judgements.jsonl"), tmp_path / "reader.safetensors"
    settings = [
        f"judgements={file}",
        f"out={tmp_path / 'run'}",
        f"model={model}",
        "batch=1",
        "threads=1",
        "questions=''",
    ]
    assert main([*settings, "max_steps=1"]) == 0
    measures = json.loads((tmp_path / "run" / "measures.json").read_text())
    assert measures["held_out"]["judgements"] == 5
    assert model.stat().st_size < 15e6
    assert main([*settings, "max_steps=2"]) == 0  # from the checkpoint of the first
    steps = [
        json.loads(p.read_text())["global_step"] for p in (tmp_path / "run").glob("checkpoint-*/trainer_state.json")
    ]
    assert max(steps) == 2


def test_the_exported_reader_gives_what_torch_gives_whatever_else_is_read_with_a_label(tmp_path):
    net = ReaderNet().eval()
    torch.manual_seed(0)
    torch.nn.init.normal_(net.head.weight, std=0.2)
    export(net, tmp_path / "reader.safetensors")
    reader = Reader(tmp_path / "reader.safetensors", threads=1)
    logits = np.concatenate([part for part, _ in logits_of(net, JUDGED, batch=2)])  # padded to the longest
    wanted = 1 / (1 + np.exp(-logits))
    together = np.concatenate([reader.chances(j.phrase, (*j.yes, *j.no)) for j in JUDGED])
    assert np.abs(together - wanted).max() < 0.03  # of 8 bits
    alone = Reader(tmp_path / "reader.safetensors", threads=1)
    for j in JUDGED:
        for label in (*j.yes, *j.no):
            both = alone.chances(j.phrase, [label, label.upper()])
            assert both[0] == both[1] == pytest.approx(float(reader.chances(j.phrase, [label])[0]), abs=1e-4)


def test_calibration_lessens_the_cross_entropy():
    net = ReaderNet().eval()
    before = _cross_entropy(net)
    calibrate(net, JUDGED)
    assert _cross_entropy(net) < before


def _cross_entropy(net: ReaderNet) -> float:
    pairs = list(logits_of(net, JUDGED))
    logits, targets = (torch.tensor(np.concatenate([p[k] for p in pairs])) for k in (0, 1))
    return float(torch.nn.functional.binary_cross_entropy_with_logits(logits, targets))


def test_a_label_looks_at_the_phrase_and_itself_only():
    from fastreasonseg_ros.training.word_meaning.reader import attends

    owner = Packer()([("a cup", [("mug", 1.0), ("red jar", 0.0)])])["owner"]
    seen = attends(owner)[0, 0]
    of = owner[0].tolist()
    for a, row in zip(of, seen.tolist(), strict=True):
        assert {b for b, looks in zip(of, row, strict=True) if looks} == {0, a}


def test_words_that_questions_quote_are_judged_against_the_labels_of_their_scene():
    found = scene_judgements(Path(__file__).parents[2] / "corpus" / "questions", "validation")
    assert len(found) > 200
    assert all(j.yes or j.no for j in found)
    assert sum(len(j.no) for j in found) > 3 * sum(len(j.yes) for j in found)


def test_measures_of_chances_that_are_known():
    class Knows:
        def chances(self, phrase, labels):
            return np.array([0.9 if label in JUDGED[0].yes else 0.2 for label in labels], np.float32)

    found = measure(Knows(), JUDGED[:1])
    assert (found["accuracy"], found["recall_at_precision_0.9"], found["precision"], found["recall"]) == (1, 1, 1, 1)


def test_what_is_missing_or_no_judgement_is_told(tmp_path):
    (tmp_path / "bad.jsonl").write_text('{"phrase": "x"}\n')
    with pytest.raises(DatasetError, match="no judgements of word meaning"):
        read_judgements(tmp_path / "bad.jsonl")
    (tmp_path / "reader.safetensors").write_bytes(b"no weights")
    with pytest.raises(ModelError, match="is missing or corrupt"):
        Reader(tmp_path / "reader.safetensors")
