"""Reads files of data sets: images, depth, id images, JSON. Invalid files raise DatasetError naming the file.

Images are decoded completely, so that a truncated one is an error.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float32, UInt8, UInt16
from PIL import Image, ImageOps

from ..errors import DatasetError

DEFAULT_FPS = 10.0
BROKEN = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)  # what Pillow raises for damaged files


def read_color(path: Path) -> UInt8[np.ndarray, "h w 3"]:
    """RGB of an image file, rotated by its EXIF orientation."""
    with _opened(path) as image:
        return np.asarray(_decoded(path, lambda: ImageOps.exif_transpose(image).convert("RGB")))


def read_depth(path: Path, unit_m: float) -> Float32[np.ndarray, "h w"]:
    """Metres from a 16-bit image; NaN where it is 0. Raises DatasetError for 8 bits."""
    raw = _one_channel(path)
    if raw.dtype != np.uint16:
        raise DatasetError(
            f"{path}: has 8 bits a pixel, which cannot hold depth; it may be a picture of it for viewing: give the "
            "depth itself, 16 bits in millimetres or in depth_unit_m of the camera"
        )
    depth_m = raw.astype(np.float32) * np.float32(unit_m)
    depth_m[raw == 0] = np.nan
    return depth_m


def read_ids(path: Path) -> UInt16[np.ndarray, "h w"]:
    """An id image of 8 or 16 bits; with a palette, its indices."""
    return _one_channel(path).astype(np.uint16)


def read_mask(path: Path) -> Bool[np.ndarray, "h w"]:
    """A mask image of any mode: True where its grey value is not 0."""
    with _opened(path) as image:
        return np.asarray(_decoded(path, lambda: image.convert("L"))) > 0


def picture_size(path: Path) -> tuple[int, int]:
    """(width, height) of read_color's result, from the header only."""
    with _opened(path) as image:
        rotated = _decoded(path, image.getexif).get(0x0112, 1) in (5, 6, 7, 8)
        return (image.height, image.width) if rotated else image.size


def check_size(path: Path, array: np.ndarray, size: tuple[int, int], of: Path) -> None:
    """Raises DatasetError unless the array (h, w) read from `path` has the size (width, height) of the image `of`."""
    height, width = array.shape[:2]
    if (width, height) != size:
        raise DatasetError(
            f"{path}: is {width}x{height} but its picture {of} is {size[0]}x{size[1]}; both must have one size"
        )


def read_json(path: str | Path, encodings: tuple[str, ...] = ("utf-8",)) -> Any:
    """The value in a JSON file; encodings are tried in turn."""
    try:
        raw = Path(path).read_bytes()
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    for encoding in encodings:
        try:
            return json.loads(raw.decode(encoding))
        except UnicodeDecodeError:
            continue
        except json.JSONDecodeError as error:
            raise DatasetError(f"{path}:{error.lineno}: is not JSON: {error.msg} at column {error.colno}") from error
    raise DatasetError(f"{path}: is not text in {' or '.join(encodings)}")


def json_object(text: str, where: str) -> dict[str, Any]:
    """Parses a JSON object. Raises DatasetError beginning with `where`."""
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise DatasetError(f"{where}: is not JSON: {error.msg} at column {error.colno}") from error
    if not isinstance(data, dict):
        raise DatasetError(f"{where}: expected a JSON object, got {type(data).__name__}")
    return data


def read_jsonl(path: str | Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """("FILE:LINE", object) for every line that is not empty. Raises DatasetError naming file and line."""
    try:
        with open(path, encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                yield f"{path}:{number}", json_object(line, f"{path}:{number}")
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path}: is not UTF-8 text") from error
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror}); check the path") from error


def read_camera(path: Path) -> dict[str, float]:
    """width height fx fy cx cy depth_unit_m fps of a camera.json."""
    try:
        data = json.loads(path.read_text())
        camera = {k: float(data[k]) for k in ("width", "height", "fx", "fy", "cx", "cy")}
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror}); every scene needs its camera") from error
    except (ValueError, TypeError, KeyError) as error:
        raise DatasetError(f"{path}: needs numbers width height fx fy cx cy: {error!r}") from error
    unit, fps = data.get("depth_unit_m", 0.001), data.get("fps", DEFAULT_FPS)
    if not isinstance(unit, int | float) or not isinstance(fps, int | float) or unit <= 0 or fps <= 0:
        raise DatasetError(f"{path}: depth_unit_m and fps must be positive numbers, got {unit!r} and {fps!r}")
    return camera | {"depth_unit_m": float(unit), "fps": float(fps)}


def _one_channel(path: Path) -> np.ndarray:
    with _opened(path) as image:
        if image.mode not in ("1", "L", "P", "I", "I;16", "I;16B"):
            raise DatasetError(f"{path}: expected one channel of 8 or 16 bits, got {image.mode}")
        return np.asarray(_decoded(path, image.copy)).astype(np.uint16 if image.mode.startswith("I") else np.uint8)


def _opened(path: Path) -> Image.Image:
    if not Path(path).is_file():
        raise DatasetError(f"{path}: picture is missing")
    return _decoded(path, lambda: Image.open(path))


def _decoded(path: Path, work: Any) -> Any:
    try:
        return work()
    except BROKEN as error:
        raise DatasetError(f"{path}: is not a picture that can be read ({error}); copy or download it again") from error
