"""Text lines of a picture by PP-OCR (Du et al., 2020): a segmentation network finds lines, a CTC network reads them.

The networks are those in the wheel `rapidocr` (PP-OCRv6 small, Apache-2.0), run by OpenVINO on one thread, which is
the calling one. The post-processing follows Liao et al., "Real-time Scene Text Detection with Differentiable
Binarization", 2020: the shrunk kernel of a line is enlarged by area times a ratio over circumference.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from ...errors import ModelError

PACKAGE = "rapidocr"
GET = "`pip install --no-deps rapidocr`"
DETECTOR, RECOGNISER = "PP-OCRv6_det_small.onnx", "PP-OCRv6_rec_small.onnx"

LINE_HEIGHT = 48  # of the recogniser's input, pixels
WIDTH_STEP, MAX_WIDTH = 80, 800  # its width is rounded up to a multiple: fewer shapes for OpenVINO to prepare
KERNEL = 0.3  # probability from which a pixel is a line's kernel
MIN_LINE_SCORE = 0.5  # mean probability of a line's kernel
UNCLIP = 1.6  # the ratio by which a kernel is enlarged
MIN_KERNEL_PX = 3  # of the network's input
TALL = 1.5  # a line that is so much higher than wide runs up or down
SURE = 0.9  # a reading with this score is not tried upside down
UPRIGHT_BONUS = 0.15  # of text that runs right: blurred letters upside down resemble others ("gittis": "smit")


@dataclass(frozen=True)
class Line:
    """A line of text. score: mean probability of its letters. corners: 4 (x, y) in pixels, from the text's top left."""

    text: str
    score: float
    corners: Float32[np.ndarray, "4 2"]


def find_models() -> Path | None:
    """The folder of the networks in the wheel, found without importing it; None where it is not installed."""
    try:
        spec = importlib.util.find_spec(PACKAGE)
    except ImportError:  # a finder that refuses it
        return None
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if all((Path(folder) / "models" / name).is_file() for name in (DETECTOR, RECOGNISER)):
            return Path(folder) / "models"
    return None


class LineReader:
    """Both networks. Not thread-safe. One 320x320 picture takes 40 ms, a line 15 to 60 ms on one core."""

    def __init__(self, folder: Path) -> None:
        """Loads them: 1 s. Raises ModelError naming the file that is missing or corrupt."""
        import openvino as ov

        core = ov.Core()
        # Prepared networks of many picture sizes are kept otherwise, a few MB each.
        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": 1,
            "NUM_STREAMS": 1,
            "CPU_RUNTIME_CACHE_CAPACITY": 0,
        }
        compiled = []
        for name in (DETECTOR, RECOGNISER):
            try:
                model = core.read_model(folder / name)
                if name == RECOGNISER:
                    self._letters = ("", *model.get_rt_info()["framework"]["character"].value.splitlines(), " ")
                compiled.append(core.compile_model(model, "CPU", settings))
            except (RuntimeError, KeyError, AttributeError) as error:
                reason = " ".join(str(error).split())[:200]
                raise ModelError(f"{folder / name}: is corrupt or missing ({reason}); get it with {GET}") from error
        self._detector, self._recogniser = compiled

    def lines(self, picture: UInt8[np.ndarray, "h w 3"], scale: float) -> list[Line]:
        """The lines in an RGB picture, top to bottom. scale: of the detector's input to the picture."""
        corners = self._find(picture, scale)
        upright = [_straightened(picture, c) for c in corners]
        read = self._read(upright)
        unsure = [n for n, (_, score) in enumerate(read) if score < SURE]
        turned = self._read([cv2.rotate(upright[n], cv2.ROTATE_180) for n in unsure])
        found = []
        for n, (text, score) in enumerate(read):
            other = turned[unsure.index(n)] if n in unsure else ("", 0.0)
            runs_right = abs(corners[n][1, 0] - corners[n][0, 0]) > abs(corners[n][1, 1] - corners[n][0, 1])
            if other[1] > score + UPRIGHT_BONUS * runs_right:
                found.append(Line(*other, np.roll(corners[n], 2, axis=0)))
            elif text:
                found.append(Line(text, score, corners[n]))
        return found

    def _find(self, picture: UInt8[np.ndarray, "h w 3"], scale: float) -> list[Float32[np.ndarray, "4 2"]]:
        """Corners of the lines in the picture's pixels, as in Line for text that runs right, or up where it is tall."""
        height, width = (max(32, round(side * scale / 32) * 32) for side in picture.shape[:2])
        resized = cv2.resize(picture, (width, height), interpolation=cv2.INTER_CUBIC)
        found = np.asarray(self._detector([_blob(resized)])[0])[0, 0]
        kernels = cv2.dilate((found > KERNEL).astype(np.uint8), np.ones((2, 2), np.uint8))
        outlines, _ = cv2.findContours(kernels, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
        to_picture = np.array([picture.shape[1] / width, picture.shape[0] / height], np.float32)
        corners = []
        for outline in outlines:
            center, size, angle = cv2.minAreaRect(outline)
            if min(size) < MIN_KERNEL_PX or _mean_inside(found, outline) < MIN_LINE_SCORE:
                continue
            grown = 2 * size[0] * size[1] * UNCLIP / (2 * (size[0] + size[1]))
            rectangle = cv2.boxPoints((center, (size[0] + grown, size[1] + grown), angle))
            corners.append(_from_top_left(rectangle * to_picture))
        return sorted(corners, key=lambda c: (float(c[:, 1].mean()), float(c[:, 0].mean())))

    def _read(self, pictures: Sequence[UInt8[np.ndarray, "48 w 3"]]) -> list[tuple[str, float]]:
        """Text and score of each straightened line."""
        return [self._decoded(self._recogniser([_line_blob(picture)])[0][0]) for picture in pictures]

    def _decoded(self, probabilities: Float32[np.ndarray, "t letters"]) -> tuple[str, float]:
        """Greedy CTC decoding (Graves et al., 2006): repeats and blanks, which are letter 0, fall out."""
        best = probabilities.argmax(axis=1)
        kept = np.flatnonzero((best != 0) & (best != np.concatenate([[0], best[:-1]])))
        if not len(kept):
            return "", 0.0
        text = "".join(self._letters[k] if k < len(self._letters) else "" for k in best[kept])
        return text.strip(), float(probabilities[kept, best[kept]].mean())


def _blob(picture: UInt8[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "1 3 h w"]:
    """The networks' input: BGR, -1 to 1."""
    return np.ascontiguousarray(picture[..., ::-1].transpose(2, 0, 1)[None], np.float32) / 127.5 - 1.0


def _line_blob(picture: UInt8[np.ndarray, "48 w 3"]) -> Float32[np.ndarray, "1 3 48 w2"]:
    width = min(MAX_WIDTH, -(-picture.shape[1] // WIDTH_STEP) * WIDTH_STEP)
    blob = np.zeros((1, 3, LINE_HEIGHT, width), np.float32)
    blob[..., : picture.shape[1]] = _blob(picture[:, :width])
    return blob


def _mean_inside(values: Float32[np.ndarray, "h w"], outline: np.ndarray) -> float:
    x, y, width, height = cv2.boundingRect(outline)
    inside = np.zeros((height, width), np.uint8)
    cv2.fillPoly(inside, [outline - (x, y)], 1)
    return cv2.mean(values[y : y + height, x : x + width], inside)[0]


def _from_top_left(rectangle: Float32[np.ndarray, "4 2"]) -> Float32[np.ndarray, "4 2"]:
    """Corners clockwise as seen, such that the first side is the top of a text that runs right; of a tall one, up."""
    by_x = rectangle[np.argsort(rectangle[:, 0], kind="stable")]
    left, right = by_x[:2][np.argsort(by_x[:2, 1])], by_x[2:][np.argsort(by_x[2:, 1])]
    corners = np.array([left[0], right[0], right[1], left[1]], np.float32)
    width, height = np.linalg.norm(corners[1] - corners[0]), np.linalg.norm(corners[3] - corners[0])
    return np.roll(corners, 1, axis=0) if height > TALL * width else corners


def _straightened(picture: UInt8[np.ndarray, "h w 3"], corners: Float32[np.ndarray, "4 2"]) -> np.ndarray:
    """The line as a picture of LINE_HEIGHT, text running right."""
    width, height = np.linalg.norm(corners[1] - corners[0]), np.linalg.norm(corners[3] - corners[0])
    across = int(np.clip(np.ceil(LINE_HEIGHT * width / max(height, 1.0)), 8, MAX_WIDTH))
    target = np.array([[0, 0], [across, 0], [across, LINE_HEIGHT], [0, LINE_HEIGHT]], np.float32)
    matrix = cv2.getPerspectiveTransform(corners, target)
    return cv2.warpPerspective(
        picture, matrix, (across, LINE_HEIGHT), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
