"""Image preprocessing on the device: resizing, scaling and normalisation as the models' reference processors.

Compared numerically to the processors of transformers and sam2 in test/perception/foundation/test_pictures.py.
"""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
CLIP = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))


class Normalizer:
    """(x / 255 - mean) / std for RGB 0..255, into a buffer that is reused for images of the same size."""

    def __init__(self, mean_std: tuple[tuple[float, ...], tuple[float, ...]], device: str, dtype: torch.dtype) -> None:
        mean, std = (torch.tensor(v, device=device).view(1, 3, 1, 1) for v in mean_std)
        self._scale, self._shift = 1 / (255 * std), -mean / std
        self._dtype, self._buffer = dtype, torch.empty(0, device=device, dtype=dtype)

    def __call__(self, picture: Float[Tensor, "1 3 h w"]) -> Float[Tensor, "1 3 h w"]:
        """Returns the buffer itself; the next call overwrites it."""
        if self._buffer.shape != picture.shape:
            self._buffer = torch.empty(picture.shape, device=self._scale.device, dtype=self._dtype)
        return self._buffer.copy_(torch.addcmul(self._shift, picture.float(), self._scale))


def to_device(color: UInt8[torch.Tensor, "h w 3"], device: str) -> UInt8[Tensor, "1 3 h w"]:
    """Copies to the device, channels first; asynchronous from pinned memory."""
    return color.to(device, non_blocking=True).permute(2, 0, 1)[None]


def resize_as_pillow(picture: UInt8[Tensor, "1 3 h w"], size: tuple[int, int], mode: str) -> Tensor:
    """Pillow's antialiased resize to (height, width), within 2 of 255 levels; mode: bilinear or bicubic.

    Pillow rounds to bytes after each of its two passes, as torch does for bytes on the CPU. Other devices do not resize
    bytes, so the two passes are separate. Pillow 13 does the cheaper pass first, which differs only where the filter
    overshoots black or white.
    """
    if picture.shape[-2:] == size:
        return picture
    if picture.device.type in ("cpu", "mps"):  # MPS has no antialiased resize
        return F.interpolate(picture.cpu(), size, mode=mode, antialias=True, align_corners=False).to(picture.device)
    resized_width = F.interpolate(
        picture.float(), (picture.shape[2], size[1]), mode=mode, antialias=True, align_corners=False
    )
    resized_width = resized_width.round_().clamp_(0, 255)
    resized = F.interpolate(resized_width, size, mode=mode, antialias=True, align_corners=False)
    return resized.round_().clamp_(0, 255)


def square_as_owlv2(picture: UInt8[Tensor, "1 3 h w"], side: int) -> Float[Tensor, "1 3 s s"]:
    """Pads with black to a square at the lower right, smooths when downsampling, resizes linearly; 0..255.

    As Owlv2ImageProcessor with SciPy: a Gaussian of sigma (factor - 1) / 2 cut at 4 sigma, then linear interpolation
    between pixel centres, both mirrored at the border pixel. Only pixels that contribute to the result are smoothed.
    """
    height, width = picture.shape[-2:]
    longest = max(height, width)
    taps = _taps(longest, side, picture.device)
    rows = _filtered(picture.contiguous().float(), 2, *taps)
    return _filtered(rows, 3, *taps)


@lru_cache(4)
def _taps(longest: int, side: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Input indices (taps, side) of each output pixel, and their weights."""
    sigma = max(longest / side - 1, 0) / 2
    radius = int(4 * sigma + 0.5)
    steps = torch.arange(-radius, radius + 1, dtype=torch.float64)
    gaussian = torch.exp(-0.5 * (steps / sigma) ** 2) if radius else torch.ones(1, dtype=torch.float64)
    centres = (torch.arange(side, dtype=torch.float64) + 0.5) * (longest / side) - 0.5
    low = torch.floor(centres)
    pixels, weights = [], []
    for neighbour, share in ((low, 1 - (centres - low)), (low + 1, centres - low)):
        pixels.append(_mirrored(_mirrored(neighbour, longest) + steps[:, None], longest))
        weights.append(share * (gaussian / gaussian.sum())[:, None])
    return torch.cat(pixels).long().to(device), torch.cat(weights).float().to(device)


def _mirrored(index: Tensor, count: int) -> Tensor:
    """Reflects indices beyond the border at the border pixel."""
    return index * 0 if count == 1 else (count - 1) - ((count - 1) - index.abs()).abs()


def _filtered(picture: Tensor, axis: int, pixels: Tensor, weights: Tensor) -> Tensor:
    count = picture.shape[axis]
    shape = (-1, 1) if axis == 2 else (-1,)
    result = None
    for index, weight in zip(pixels, weights * (pixels < count), strict=True):  # zero beyond the image
        part = picture.index_select(axis, index.clamp(max=count - 1)).mul_(weight.view(shape))
        result = part if result is None else result.add_(part)
    return result


def dpt_size(height: int, width: int, side: int = 518, multiple: int = 14) -> tuple[int, int]:
    """(height, width) that DPTImageProcessor resizes to: aspect kept, scaled as little as possible, multiples of 14."""
    scale_height, scale_width = side / height, side / width
    scale = scale_width if abs(1 - scale_width) < abs(1 - scale_height) else scale_height
    return _multiple(scale * height, multiple), _multiple(scale * width, multiple)


def _multiple(value: float, multiple: int) -> int:
    return max(round(value / multiple), 0) * multiple
