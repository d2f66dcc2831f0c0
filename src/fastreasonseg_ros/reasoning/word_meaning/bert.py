"""BERT (Devlin et al., arXiv 1810.04805) as OpenVINO operations, from weights under the names of Hugging Face."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from openvino import opset13 as op

SCALE = ".scale"  # of an int8 matrix, one number a row: its name with this at the end


class Bert:
    """Builds layers of one model. weights: float arrays, or int8 matrices with their scales."""

    def __init__(self, weights: Mapping[str, np.ndarray], config: Mapping[str, Any]) -> None:
        self._weights, self.config = weights, config
        self.hidden, self._heads = config["hidden_size"], config["num_attention_heads"]

    def constant(self, name: str):
        """A float32 constant; an int8 matrix is kept as it is and multiplied where it is used."""
        values = self._weights[name]
        if values.dtype != np.int8:
            return op.constant(values.astype(np.float32))
        scale = op.constant(self._weights[name + SCALE].astype(np.float32)[:, None])
        return op.multiply(op.convert(op.constant(values), "f32"), scale)

    def embedded(self, words, positions):
        """words: (n, t, hidden), embeddings of tokens; positions: (t) or (n, t) -> (n, t, hidden)."""
        axis = op.constant(np.int64(0))
        kind = self._weights["embeddings.token_type_embeddings.weight"][0].astype(np.float32)
        x = op.add(words, op.gather(self.constant("embeddings.position_embeddings.weight"), positions, axis))
        return self._norm(op.add(x, op.constant(kind)), "embeddings.LayerNorm")

    def layers(self, x, hide):
        """All layers. hide: added to the attention scores, broadcast to (n, heads, t, t); large and negative hides."""
        for n in range(self.config["num_hidden_layers"]):
            layer = f"encoder.layer.{n}"
            q, k, v = (
                self._split(self._linear(x, f"{layer}.attention.self.{part}")) for part in ("query", "key", "value")
            )
            mixed = op.scaled_dot_product_attention(q, k, v, hide)
            mixed = op.transpose(mixed, op.constant(np.array([0, 2, 1, 3], np.int64)))
            mixed = op.reshape(mixed, op.constant(np.array([0, 0, self.hidden], np.int64)), True)
            mixed = self._linear(mixed, f"{layer}.attention.output.dense")
            x = self._norm(op.add(x, mixed), f"{layer}.attention.output.LayerNorm")
            wide = op.gelu(self._linear(x, f"{layer}.intermediate.dense"), "erf")
            x = self._norm(op.add(x, self._linear(wide, f"{layer}.output.dense")), f"{layer}.output.LayerNorm")
        return x

    def _linear(self, x, name: str):
        return op.add(op.matmul(x, self.constant(f"{name}.weight"), False, True), self.constant(f"{name}.bias"))

    def _norm(self, x, name: str):
        epsilon = float(self.config["layer_norm_eps"])
        centred = op.mvn(x, op.constant(np.array([-1], np.int64)), True, epsilon, "inside_sqrt")
        return op.add(op.multiply(centred, self.constant(f"{name}.weight")), self.constant(f"{name}.bias"))

    def _split(self, x):  # n t h -> n heads t d
        shape = np.array([0, 0, self._heads, self.hidden // self._heads], np.int64)
        shaped = op.reshape(x, op.constant(shape), True)
        return op.transpose(shaped, op.constant(np.array([0, 2, 1, 3], np.int64)))
