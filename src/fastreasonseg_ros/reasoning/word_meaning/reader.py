"""Reads which labels fit a phrase: a BERT trained on people's judgements (corpus/word_meaning), on the CPU.

Phrase and labels are one sequence. Tokens of the phrase attend to the phrase, tokens of a label to the phrase and to
their own label, at positions that count on from the phrase (training/word_meaning/reader.py), so that a label's chance
depends on phrase and label alone, and is kept. Ten new labels take one pass over about 50 tokens.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from ...errors import ModelError
from ..language_models.gguf import models_dirs
from .minilm import mapped_words, minilm_folder

FILE = "word_meaning/reader.safetensors"
PHRASE_TOKENS, LABEL_TOKENS = 62, 17  # with their special ones
LABELS = 24  # in one pass
_KEPT = 16384  # pairs


def reader_file() -> Path:
    """The weights that ship. Raises ModelError."""
    for folder in models_dirs():
        if (folder / FILE).is_file():
            return folder / FILE
    raise ModelError(f"the weights of word meaning are missing: no {FILE} in {', '.join(map(str, models_dirs()))}")


class Reader:
    """Thread-safe: one call at a time."""

    def __init__(self, file: Path | None = None, threads: int = 2) -> None:
        """Loads the model. Raises ModelError naming a missing or corrupt file."""
        import openvino as ov
        from safetensors import SafetensorError
        from safetensors.numpy import load_file
        from tokenizers import Tokenizer

        file, base = file or reader_file(), minilm_folder()
        try:
            config = json.loads((base / "config.json").read_text())
            self._tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
            self._words = mapped_words(base)
            graph = _graph(load_file(file), config)
        except (OSError, ValueError, KeyError, SafetensorError) as error:
            raise ModelError(f"{file}: is missing or corrupt ({error}); get it anew from the repository") from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._start, self._end = (self._tokenizer.token_to_id(t) for t in ("[CLS]", "[SEP]"))
        settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"}
        self._request = ov.Core().compile_model(graph, "CPU", settings).create_infer_request()
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str], float] = {}

    def chances(self, phrase: str, labels: Sequence[str]) -> Float32[np.ndarray, "labels"]:
        """The chance of each label to fit the phrase, 0 to 1."""
        phrase, names = phrase.lower(), [label.lower() for label in labels]
        with self._lock:
            if len(self._kept) + len(names) > _KEPT:
                self._kept.clear()
            new = [label for label in dict.fromkeys(names) if (phrase, label) not in self._kept]
            for start in range(0, len(new), LABELS):
                self._read(phrase, new[start : start + LABELS])
            return np.array([self._kept[phrase, label] for label in names], np.float32)

    def _read(self, phrase: str, labels: Sequence[str]) -> None:
        tokens = [self._start, *self._ids(phrase)[: PHRASE_TOKENS - 2], self._end]
        positions, owner = list(range(len(tokens))), [0] * len(tokens)
        begin = len(tokens)
        for k, label in enumerate(labels, 1):
            ids = [*self._ids(label)[: LABEL_TOKENS - 1], self._end]
            tokens += ids
            positions += range(begin, begin + len(ids))
            owner += [k] * len(ids)
        of = np.array(owner)
        hidden = np.where((of[None, :] == 0) | (of[:, None] == of[None, :]), 0.0, -1e4).astype(np.float32)
        member = (of[None, :] == np.arange(len(labels) + 1)[:, None]).astype(np.float32)
        inputs = {
            "words": self._words[tokens][None],
            "positions": np.array(positions, np.int64)[None],
            "hidden": hidden[None, None],
            "member": member / member.sum(1, keepdims=True),
        }
        logits = self._request.infer(inputs)[0].ravel()
        chances = 1.0 / (1.0 + np.exp(-logits.astype(np.float64)))
        self._kept |= {(phrase, label): float(p) for label, p in zip(labels, chances, strict=True)}

    def _ids(self, text: str) -> list[int]:
        return self._tokenizer.encode(text, add_special_tokens=False).ids


def _graph(weights: dict[str, np.ndarray], config: dict):
    """ov.Model: words (1, t, hidden), positions (1, t), hidden (1, 1, t, t), member (labels + 1, t), which averages the
    tokens of the phrase and of each label -> logits (labels, 1).
    """
    import openvino as ov
    from openvino import opset13 as op

    from .bert import Bert

    bert = Bert(weights, config)
    words = op.parameter([1, -1, bert.hidden], np.float32, name="words")
    positions = op.parameter([1, -1], np.int64, name="positions")
    hidden = op.parameter([1, 1, -1, -1], np.float32, name="hidden")
    member = op.parameter([-1, -1], np.float32, name="member")
    states = bert.layers(bert.embedded(words, positions), hidden)
    means = op.matmul(member, op.squeeze(states, op.constant(np.array([0], np.int64))), False, False)
    first, rest = (
        op.slice(means, op.constant([a]), op.constant([b]), op.constant([1]), op.constant([0]))
        for a, b in ((0, 1), (1, np.iinfo(np.int64).max))
    )
    axis = op.constant(np.array([1], np.int64))
    first, unit = (op.normalize_l2(x, axis, 1e-16, "max") for x in (first, rest))
    cosine = op.matmul(unit, first, False, True)
    score = op.add(op.matmul(rest, bert.constant("head.weight"), False, True), bert.constant("head.bias"))
    logits = op.add(score, op.multiply(cosine, bert.constant("scale")))
    return ov.Model([logits], [words, positions, hidden, member], "reader")
