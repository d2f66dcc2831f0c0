"""Words and a picture to boxes: the tiny random OWLv2 and Grounding DINO give what transformers gives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from tiny import picture, save_grounding_dino, save_owlv2

from fastreasonseg_ros.errors import ConfigError, ModelError
from fastreasonseg_ros.perception.foundation.detector import DetectorConfig, make_detector, suppress
from fastreasonseg_ros.perception.foundation.pictures import to_device

WORDS = ("mug", "red plate", "fork")
SIZES = [(48, 64), (1, 1), (90, 31)]


@pytest.fixture(scope="module")
def owlv2(tmp_path_factory):
    return make_detector(save_owlv2(tmp_path_factory.mktemp("owl")), "cpu")


def tensor(color: np.ndarray) -> torch.Tensor:
    return to_device(torch.from_numpy(color), "cpu")


@pytest.mark.parametrize("size", SIZES)
def test_owlv2_gives_the_boxes_of_transformers(owlv2, size) -> None:
    from transformers.models.owlv2.image_processing_pil_owlv2 import Owlv2ImageProcessorPil

    color = picture(*size)
    model, side = owlv2._model, owlv2._side
    processor = Owlv2ImageProcessorPil(size={"height": side, "width": side})
    pixels = processor(color, return_tensors="pt", input_data_format="channels_last").pixel_values.float()
    asked = [f"a photo of a {word}" for word in WORDS]
    tokens = owlv2._tokenizer(asked, padding="max_length", truncation=True, max_length=64, return_tensors="pt")
    with torch.inference_mode():
        out = model(pixel_values=pixels, **tokens)
    owlv2.set_labels(WORDS)
    logits, boxes = owlv2.raw(tensor(color))
    torch.testing.assert_close(logits, out.logits, atol=2e-3, rtol=0)
    torch.testing.assert_close(boxes, out.pred_boxes, atol=1e-4, rtol=0)

    reference = processor.post_process_object_detection(out, threshold=owlv2.config.threshold, target_sizes=[size])[0]
    found = owlv2.detect(tensor(color))
    assert found or size == (1, 1)  # boxes under half a pixel are none
    height, width = size
    expected = {
        (round(score, 3), WORDS[label])
        for score, label in zip(reference["scores"].tolist(), reference["labels"].tolist(), strict=True)
    }
    for one in found:
        assert any(abs(one.score - score) < 2e-3 and one.label == label for score, label in expected)
        x0, y0, x1, y1 = one.box_xyxy
        assert 0 <= x0 < x1 <= width
        assert 0 <= y0 < y1 <= height
        cut = reference["boxes"].clamp(min=0).minimum(torch.tensor([width, height] * 2))
        assert (cut - torch.tensor(one.box_xyxy)).abs().max(dim=1).values.min() < 0.02


def test_words_are_read_once_and_can_be_changed(owlv2) -> None:
    owlv2.set_labels(["mug"])
    one = owlv2.detect(tensor(picture(48, 64)))
    owlv2.set_labels(["hammer"])
    other = owlv2.detect(tensor(picture(48, 64)))
    assert {f.label for f in one} == {"mug"}
    assert {f.label for f in other} == {"hammer"}
    assert [f.score for f in one] != [f.score for f in other]
    with pytest.raises(ConfigError, match="words to look for"):
        owlv2.set_labels([])


def test_many_words_pass_the_text_tower_in_batches(owlv2) -> None:
    words = [f"thing {n}" for n in range(owlv2.TEXT_BATCH + 3)]
    owlv2.set_labels(words)
    together = owlv2._queries[0, -1]
    owlv2.set_labels(words[-1:])
    torch.testing.assert_close(together, owlv2._queries[0, 0], atol=1e-5, rtol=0)


def test_grounding_dino_gives_the_boxes_and_scores_of_transformers(tmp_path) -> None:
    from transformers.models.grounding_dino.image_processing_pil_grounding_dino import GroundingDinoImageProcessorPil

    config = save_grounding_dino(tmp_path)
    detector = make_detector(config, "cpu")
    detector.set_labels(WORDS)
    color = picture(48, 64)
    processor = GroundingDinoImageProcessorPil(
        size={"shortest_edge": config.shortest_px, "longest_edge": config.longest_px}
    )
    inputs = processor(color, return_tensors="pt", input_data_format="channels_last")
    tokens = detector._tokenizer("mug. red plate. fork.", return_tensors="pt")
    with torch.inference_mode():
        out = detector._model(pixel_values=inputs.pixel_values.float(), pixel_mask=inputs.pixel_mask, **tokens)
    probabilities, boxes = detector.raw(tensor(color))
    torch.testing.assert_close(probabilities, torch.sigmoid(out.logits), atol=5e-3, rtol=0)
    torch.testing.assert_close(boxes, out.pred_boxes, atol=5e-3, rtol=0)
    found = detector.detect(tensor(color))
    assert found
    assert {f.label for f in found} <= set(WORDS)
    count = detector._spans.sum(dim=1).tolist()
    assert count[1] > count[2] > 0  # "red plate" has more tokens than "fork"
    with pytest.raises(ConfigError, match=r"tokens and Grounding DINO reads"):
        detector.set_labels([f"thing {n}" for n in range(200)])


def test_suppression_equals_the_definition_on_random_boxes() -> None:
    random = torch.Generator().manual_seed(0)
    for count in (0, 1, 2, 60):
        corner = torch.rand(count, 2, generator=random) * 50
        boxes = torch.cat([corner, corner + torch.rand(count, 2, generator=random) * 40], dim=1)
        scores = torch.rand(count, generator=random)
        left, expected = sorted(range(count), key=lambda n: -scores[n]), []
        while left:
            best = left.pop(0)
            expected.append(best)
            left = [n for n in left if _iou(boxes[best], boxes[n]) <= 0.5]
        assert suppress(boxes, scores, 0.5).tolist() == expected


def _iou(a, b) -> float:
    both = max(0.0, float(min(a[2], b[2]) - max(a[0], b[0]))) * max(0.0, float(min(a[3], b[3]) - max(a[1], b[1])))
    return both / (float((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])) - both)


def test_missing_damaged_or_too_large_weights_are_named_with_the_way_to_get_them(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    with pytest.raises(ModelError, match=r"nobody/nothing: .*`fastreasonseg models install nobody/nothing`"):
        make_detector(DetectorConfig(model="nobody/nothing"), "cpu")
    with pytest.raises(ModelError, match=r"/no/such/folder: no such file or folder"):
        make_detector(DetectorConfig(model="/no/such/folder"), "cpu")
    config = save_owlv2(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(ModelError, match=rf"{tmp_path}: cannot be loaded \("):
        make_detector(config, "cpu")
    with open(tmp_path / "model.safetensors", "wb") as file:
        file.truncate(1 << 42)  # a sparse file of 4 TB
    with pytest.raises(ModelError, match=r"too little memory, it needs \d+\.\d GB"):
        make_detector(config, "cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match=r"device is 'cuda', but torch sees none"):
        make_detector(replace(config, model=str(tmp_path)), "cuda")
