"""From a SigLIP checkpoint of transformers to OpenVINO, weights as 8-bit integers, and the vocabulary's embeddings.

Done once, by `fastreasonseg models install`; a robot needs neither torch nor transformers afterwards. Texts were lower
case, ended by the end token and padded on the right in training (big_vision, `lower|tok(bos="no", eos="sticky")`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..cache import cached
from ..errors import ModelError
from ..weights import check_memory, find_weights, loading, needs_extra
from .model import (
    IMAGE,
    INSTALLED,
    PROMPT,
    SETTINGS,
    TEXT,
    TOKENIZER,
    WORDS,
    Settings,
    TextEncoder,
    entry_name,
    model_type,
    words_entry,
)
from .vocabulary import Entry, save_vocabulary

EXTRA = "names"
BATCH = 32


def prepare(model: str, entries: tuple[Entry, ...], progress: Callable[[int, int], object] | None = None) -> Path:
    """The folder of the exported model in the cache; what is there and undamaged is not made again.

    model: folder or hub id. entries: the vocabulary. progress: is told how many of how many texts are embedded. Takes
    minutes the first time. Raises ModelError, and ConfigError where torch, transformers or nncf is missing.
    """
    folder = find_weights(model)
    if model_type(folder) != "siglip":
        raise ModelError(
            f"{model}: is no image-text model with pictures of one size ({model_type(folder) or 'no config.json'}); "
            f"give a SigLIP or SigLIP 2 checkpoint such as {INSTALLED}, not one of those called naflex"
        )
    name = entry_name(folder, model)
    exported = cached(name, lambda target: _export(model, folder, target))
    cached(words_entry(name, _digest(entries)), lambda target: _embed_words(exported, entries, target, progress))
    return exported


def _export(model: str, folder: Path, target: Path) -> None:
    with needs_extra(EXTRA, f"installing {model}"):
        import nncf
        import openvino as ov
        import torch
        from transformers import AutoTokenizer, SiglipModel
    check_memory(model, folder, "cpu")
    with loading(model), torch.inference_mode():
        tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        net: Any = SiglipModel.from_pretrained(folder, dtype=torch.float32, local_files_only=True).eval()
        config, length = net.config, net.config.text_config.max_position_embeddings
        side = config.vision_config.image_size
        torch.backends.mha.set_fastpath_enabled(False)  # an operator that OpenVINO does not read
        pictures, ids = torch.zeros(1, 3, side, side), torch.ones(2, length, dtype=torch.int64)
        for file, tower, example, shape in (
            (IMAGE, _Tower(net.vision_model, "pixel_values"), pictures, [1, 3, side, side]),
            (TEXT, _Tower(net.text_model, "input_ids"), ids, [-1, length]),
        ):
            graph = ov.convert_model(tower.eval(), example_input=example, input=ov.PartialShape(shape))
            ov.save_model(nncf.compress_weights(graph, mode=nncf.CompressWeightsMode.INT8_ASYM), target / file)
        _save_tokenizer(tokenizer, length, target / TOKENIZER)
        settings = Settings(
            model=model,
            side_px=side,
            length=length,
            scale=float(net.logit_scale.exp()),
            bias=float(net.logit_bias),
            **_picture_settings(folder),
        )
    (target / SETTINGS).write_text(json.dumps(vars(settings), indent=1))


def _Tower(part: Any, argument: str) -> Any:  # a class below the import of torch, which takes seconds
    import torch

    class Tower(torch.nn.Module):
        """One half of the model: its input to unit vectors."""

        def __init__(self) -> None:
            super().__init__()
            self.part = part

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.nn.functional.normalize(self.part(**{argument: x}).pooler_output, dim=-1)

    return Tower()


def _save_tokenizer(tokenizer: Any, length: int, path: Path) -> None:
    """With padding and end token as in training, whatever the checkpoint's own settings."""
    from tokenizers.processors import TemplateProcessing

    fast, end, pad = tokenizer.backend_tokenizer, tokenizer.eos_token, tokenizer.pad_token
    if end is None or pad is None:
        raise ModelError(f"{path.parent}: its tokenizer has no end token or no padding token; fetch it again")
    fast.post_processor = TemplateProcessing(single=f"$A {end}", special_tokens=[(end, tokenizer.eos_token_id)])
    fast.enable_truncation(length)
    fast.enable_padding(direction="right", pad_id=tokenizer.pad_token_id, pad_token=pad, length=length)
    fast.save(str(path))


def _picture_settings(folder: Path) -> dict[str, Any]:
    """mean, std and resample of preprocessor_config.json, where it is there: else those of SigLIP 2."""
    try:
        found = json.loads((folder / "preprocessor_config.json").read_text())
    except FileNotFoundError:
        return {}
    values = {"mean": found.get("image_mean"), "std": found.get("image_std"), "resample": found.get("resample")}
    return {name: value for name, value in values.items() if value is not None}


def _embed_words(
    exported: Path, entries: tuple[Entry, ...], target: Path, progress: Callable[[int, int], object] | None
) -> None:
    encoder = TextEncoder(exported)
    texts = sorted({PROMPT.format(word) for entry in entries for word in entry.words})
    vectors = []
    for start in range(0, len(texts), BATCH):
        vectors.append(encoder.embed(texts[start : start + BATCH]))
        if progress is not None:
            progress(min(start + BATCH, len(texts)), len(texts))
    rows = dict(zip(texts, np.concatenate(vectors), strict=True))
    save_vocabulary(target / WORDS, entries, lambda word: rows[PROMPT.format(word)])


def _digest(entries: tuple[Entry, ...]) -> str:
    return hashlib.sha256(repr((PROMPT, entries)).encode()).hexdigest()[:8]
