"""What networks are fed equals what the models' own processors feed them, whatever the size of the picture."""

from __future__ import annotations

import functools

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from PIL import Image
from transformers.image_transforms import get_size_with_aspect_ratio
from transformers.models.dpt.image_processing_pil_dpt import DPTImageProcessorPil
from transformers.models.grounding_dino.image_processing_pil_grounding_dino import GroundingDinoImageProcessorPil
from transformers.models.owlv2.image_processing_pil_owlv2 import Owlv2ImageProcessorPil

from fastreasonseg_ros.perception.foundation.pictures import (
    CLIP,
    IMAGENET,
    Normalizer,
    dpt_size,
    resize_as_pillow,
    square_as_owlv2,
    to_device,
)

SIZES = [(1, 1), (480, 640), (91, 37), (640, 360), (2160, 3840), (2, 700)]
LEVEL = 1 / 255 / min(IMAGENET[1])  # one of 255 levels after normalisation


@functools.lru_cache
def picture(height: int, width: int) -> np.ndarray:
    """Noise on shapes, away from black and white, where the order of Pillow's passes would show."""
    random = np.random.default_rng(height * 10000 + width)
    y, x = np.mgrid[:height, :width]
    shapes = np.stack([x * 100 // max(width - 1, 1), y * 100 // max(height - 1, 1), (x // 7 + y // 5) % 2 * 100], -1)
    return (shapes + random.integers(50, 100, (height, width, 3))).astype(np.uint8)


def ours(color: np.ndarray) -> torch.Tensor:
    return to_device(torch.from_numpy(color), "cpu")


@pytest.mark.parametrize("size", SIZES)
def test_owlv2_sees_what_its_processor_makes(size) -> None:
    color, side = picture(*size), 960 if size[1] > 3000 else 96
    reference = Owlv2ImageProcessorPil(size={"height": side, "width": side})(
        color, return_tensors="pt", input_data_format="channels_last"
    ).pixel_values
    made = Normalizer(CLIP, "cpu", torch.float32)(square_as_owlv2(ours(color), side))
    torch.testing.assert_close(made, reference.float(), atol=2e-4, rtol=0)


@pytest.mark.parametrize("size", SIZES)
def test_depth_anything_sees_what_its_processor_makes(size) -> None:
    color, side = picture(*size), 126
    processor = DPTImageProcessorPil(
        size={"height": side, "width": side},
        keep_aspect_ratio=True,
        ensure_multiple_of=14,
        image_mean=IMAGENET[0],
        image_std=IMAGENET[1],
    )
    target = dpt_size(*size, side)
    if min(target) == 0:
        with pytest.raises(ValueError, match="Got SizeDict"):
            processor(color, return_tensors="pt", input_data_format="channels_last")
        return
    reference = processor(color, return_tensors="pt", input_data_format="channels_last").pixel_values
    made = Normalizer(IMAGENET, "cpu", torch.float32)(resize_as_pillow(ours(color), target, "bicubic"))
    assert made.shape == reference.shape
    torch.testing.assert_close(made, reference.float(), atol=2 * LEVEL, rtol=0)


@pytest.mark.parametrize("size", SIZES)
def test_grounding_dino_sees_what_its_processor_makes(size) -> None:
    color, shortest, longest = picture(*size), 80, 133
    processor = GroundingDinoImageProcessorPil(size={"shortest_edge": shortest, "longest_edge": longest}, do_pad=False)
    target = get_size_with_aspect_ratio(size, shortest, longest)
    if min(target) == 0:
        return
    reference = processor(color, return_tensors="pt", input_data_format="channels_last").pixel_values
    made = Normalizer(IMAGENET, "cpu", torch.float32)(resize_as_pillow(ours(color), target, "bilinear"))
    torch.testing.assert_close(made, reference.float(), atol=2 * LEVEL, rtol=0)


@pytest.mark.parametrize("size", SIZES)
def test_sam2_sees_what_its_video_loader_makes(size, tmp_path) -> None:
    misc = pytest.importorskip("sam2.utils.misc", reason="sam2 is not installed: pip install sam2")
    color, side = picture(*size), 128
    Image.fromarray(color).save(tmp_path / "0.png")
    tensor, height, width = misc._load_img_as_tensor(str(tmp_path / "0.png"), side)
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in IMAGENET)
    made = Normalizer(IMAGENET, "cpu", torch.float32)(resize_as_pillow(ours(color), (side, side), "bicubic"))
    assert (height, width) == size
    torch.testing.assert_close(made[0], ((tensor - mean) / std).float(), atol=2 * LEVEL, rtol=0)


def test_devices_that_resize_no_bytes_get_the_same_levels() -> None:
    """The other branch of resize_as_pillow, made to run here by a device that is named differently."""
    color = picture(333, 222)
    bytes_first = resize_as_pillow(ours(color), (128, 128), "bicubic").float()

    class Elsewhere(torch.Tensor):
        device = torch.device("meta")

    passes = resize_as_pillow(ours(color).as_subclass(Elsewhere), (128, 128), "bicubic").as_subclass(torch.Tensor)
    assert (passes - bytes_first).abs().max() <= 2


def test_a_normaliser_reuses_its_buffer() -> None:
    normalise = Normalizer(IMAGENET, "cpu", torch.float32)
    one = normalise(ours(picture(8, 8)))
    where, before = one.data_ptr(), one.clone()
    two = normalise(ours(255 - picture(8, 8)))
    assert two.data_ptr() == where
    assert not torch.equal(two, before)
