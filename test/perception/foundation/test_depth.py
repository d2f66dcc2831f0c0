"""Depth from one picture: what transformers makes of it, in metres or as nearness, never one for the other."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from tiny import picture, save_depth

from fastreasonseg_ros.errors import ModelError
from fastreasonseg_ros.perception.foundation.depth import DepthConfig, DepthEstimator
from fastreasonseg_ros.perception.foundation.pictures import IMAGENET, to_device


def tensor(color: np.ndarray) -> torch.Tensor:
    return to_device(torch.from_numpy(color), "cpu")


@pytest.mark.parametrize("size", [(48, 64), (70, 33), (1, 1), (2160, 3840)])
def test_metric_checkpoints_give_the_metres_of_transformers(tmp_path, size) -> None:
    from transformers.models.dpt.image_processing_pil_dpt import DPTImageProcessorPil

    estimator = DepthEstimator.load(save_depth(tmp_path, metric=True), "cpu")
    color, side = picture(*size), estimator.config.side_px
    processor = DPTImageProcessorPil(
        size={"height": side, "width": side},
        keep_aspect_ratio=True,
        ensure_multiple_of=14,
        image_mean=IMAGENET[0],
        image_std=IMAGENET[1],
    )
    pixels = processor(color, return_tensors="pt", input_data_format="channels_last").pixel_values.float()
    with torch.inference_mode():
        out = estimator._model(pixels)
    reference = processor.post_process_depth_estimation(out, target_sizes=[size])[0]["predicted_depth"]
    depth = estimator.estimate(tensor(color))
    assert estimator.metric
    assert depth.shape == size
    assert 0 < np.nanmin(depth) <= np.nanmax(depth) <= 20.5
    np.testing.assert_allclose(depth, reference.reshape(size).numpy(), atol=0.02)


def test_relative_checkpoints_give_nearness_between_0_and_1(tmp_path) -> None:
    estimator = DepthEstimator.load(save_depth(tmp_path, metric=False), "cpu")
    near = estimator.estimate(tensor(picture(48, 64)))
    assert not estimator.metric
    assert near.dtype == np.float32
    assert (near.min(), near.max()) == (0.0, 1.0)


def test_settings_and_weights_that_cannot_be_are_named(tmp_path) -> None:
    with pytest.raises(ValueError, match=r"side_px must be a multiple of 14, got 500"):
        DepthConfig(side_px=500)
    with pytest.raises(ModelError, match=r"models install"):
        DepthEstimator.load(DepthConfig(model="nobody/depth"), "cpu")
