"""The exported encoders, run by OpenVINO: pictures and texts to unit vectors whose dot product says how they fit."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32, UInt8
from PIL import Image

from ..cache import cache_dir, is_cached, known_sha256
from ..errors import ModelError
from ..weights import find_weights

INSTALLED = "google/siglip2-base-patch16-224"  # the one that the documentation recommends; Apache-2.0
IMAGE, TEXT, TOKENIZER, SETTINGS, WORDS = "image.xml", "text.xml", "tokenizer.json", "settings.json", "words.npz"
_FORMAT = 1  # of the files; another number makes them anew
PROMPT = "This is a photo of {}."  # of SigLIP 2's model card
_GRAY = 127  # what the pixels of other things become: the middle of the network's input


@dataclass(frozen=True)
class Settings:
    """What goes with an exported model.

    model: what it was made from. side_px: of the square input picture. length: tokens of a text. scale, bias: of the
    logit of a picture and a text that fit each other. mean, std: of the RGB values 0 to 1. resample: Pillow's filter.
    """

    model: str
    side_px: int
    length: int
    scale: float
    bias: float
    mean: tuple[float, ...] = (0.5, 0.5, 0.5)
    std: tuple[float, ...] = (0.5, 0.5, 0.5)
    resample: int = 2

    @staticmethod
    def read(folder: Path) -> Settings:
        """Raises ModelError naming the file."""
        try:
            data = json.loads((folder / SETTINGS).read_text())
            return Settings(**{f.name: data[f.name] for f in fields(Settings)})
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{folder / SETTINGS}: is missing or corrupt ({error}); {_get(str(folder))}") from error


def model_type(folder: Path) -> str:
    """`model_type` of a checkpoint's config.json; empty where there is none."""
    try:
        return str(json.loads((folder / "config.json").read_text()).get("model_type", ""))
    except (OSError, ValueError, AttributeError):
        return ""


def entry_name(folder: Path, model: str) -> str:
    """Name in the cache of what is made from a checkpoint: another for other weights. Raises ModelError."""
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise ModelError(f"{folder}: has no weights (*.safetensors); {_get(model)}")
    parts = (str(_FORMAT), *(known_sha256(file) for file in files))
    return f"pictures-{hashlib.sha256(' '.join(parts).encode()).hexdigest()[:16]}"


def words_entry(name: str, words: str) -> str:
    """Name in the cache of a vocabulary's embeddings by a model."""
    return f"{name}-words-{words}"


def find_exported(model: str) -> Path:
    """The folder of a model that was exported, by hub id, checkpoint folder or its own path.

    Raises ModelError with the command that makes it.
    """
    path = Path(model).expanduser()
    if (path / SETTINGS).is_file():
        return path
    name = entry_name(find_weights(model), model)
    if not is_cached(name):
        raise ModelError(f"{model}: is not prepared on this machine; {_get(model)}")
    return cache_dir() / name


def find_words(exported: Path) -> Path:
    """The newest vocabulary of an exported model: in its folder, or beside it. Raises ModelError."""
    beside = exported.parent.glob(f"{words_entry(exported.name, '*')}/{WORDS}")
    found = [p for p in (exported / WORDS, *beside) if p.is_file()]
    if not found:
        raise ModelError(f"{exported}: has no vocabulary; {_get(Settings.read(exported).model)}")
    return max(found, key=lambda p: p.stat().st_mtime)


def _get(model: str) -> str:
    return f"make it with `fastreasonseg models install {model}` (needs `pip install 'fastreasonseg_ros[names]'`)"


class ImageEncoder:
    """Pictures to unit vectors. Not thread-safe."""

    def __init__(self, exported: Path, threads: int = 1) -> None:
        """Loads it: seconds. Raises ModelError."""
        self.settings = Settings.read(exported)
        self._request = _request(exported / IMAGE, threads, self.settings)

    def embed(self, picture: UInt8[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "k"]:
        """The vector of an RGB picture of any size."""
        return self._request.infer([self.pixels(picture)])[0][0].astype(np.float32)

    def pixels(self, picture: UInt8[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "1 3 s s"]:
        """The network's input, as transformers' SiglipImageProcessor makes it (with Pillow)."""
        s = self.settings
        resized = Image.fromarray(picture).resize((s.side_px, s.side_px), Image.Resampling(s.resample))
        scaled = (np.asarray(resized, np.float32) / 255 - np.array(s.mean, np.float32)) / np.array(s.std, np.float32)
        return np.ascontiguousarray(scaled.transpose(2, 0, 1)[None], np.float32)


class TextEncoder:
    """Texts to unit vectors. Thread-safe: one call at a time."""

    def __init__(self, exported: Path, threads: int = 2) -> None:
        """Loads it: seconds. Raises ModelError."""
        from tokenizers import Tokenizer

        self.settings = Settings.read(exported)
        try:
            self._tokenizer = Tokenizer.from_file(str(exported / TOKENIZER))
        except Exception as error:  # tokenizers raises plain Exception
            get = _get(self.settings.model)
            raise ModelError(f"{exported / TOKENIZER}: is missing or corrupt ({error}); {get}") from error
        self._request = _request(exported / TEXT, threads, self.settings)
        self._lock = threading.Lock()

    def embed(self, texts: Sequence[str]) -> Float32[np.ndarray, "n k"]:
        """The vectors of one or more texts, in lower case, cut after the model's number of tokens."""
        ids = np.array([e.ids for e in self._tokenizer.encode_batch([t.lower() for t in texts])], np.int64)
        with self._lock:
            return self._request.infer([ids])[0].astype(np.float32)


class LazyTextEncoder:
    """A text encoder that is loaded when the first text comes, for questions that may never need it."""

    def __init__(self, exported: Path) -> None:
        self._exported = exported
        self.embed = lru_cache(1024)(self._embed)

    def _embed(self, text: str) -> Float32[np.ndarray, "k"]:
        return self._encoder.embed([text])[0]

    @cached_property
    def _encoder(self) -> TextEncoder:
        return TextEncoder(self._exported)


def thing_in_square(color: UInt8[np.ndarray, "h w 3"], others: Bool[np.ndarray, "h w"]) -> UInt8[np.ndarray, "s s 3"]:
    """A thing's crop as a square, so that it keeps its proportions, without the pixels of other things."""
    height, width = others.shape
    side = max(height, width)
    square = np.full((side, side, 3), _GRAY, np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = np.where(others[..., None], np.uint8(_GRAY), color)
    return square


def _request(path: Path, threads: int, made_as: Settings):
    import openvino as ov

    settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1}
    try:
        return ov.Core().compile_model(path, "CPU", settings).create_infer_request()
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"{path}: is missing or corrupt ({reason}); {_get(made_as.model)}") from error
