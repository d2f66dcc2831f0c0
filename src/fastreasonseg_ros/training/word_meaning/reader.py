"""The reader of word meaning in torch: a BERT that reads a phrase once, and every label with the phrase before it.

Phrase and labels are one sequence. Tokens of the phrase attend to the phrase only, tokens of a label to the phrase and
to their own label, at positions that count on from the phrase. A label's score so depends on phrase and label alone,
and n labels cost one pass over phrase and labels together instead of n passes over pairs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from transformers import AutoTokenizer, BertModel

from ...reasoning.word_meaning.minilm import minilm_folder
from ...reasoning.word_meaning.reader import LABEL_TOKENS, PHRASE_TOKENS

PADDING = -1  # as the owner of a token, and as the target of a label that a row does not have
Row = tuple[str, Sequence[tuple[str, float]]]  # a phrase, and labels that fit (1) or not (0)


class Packer:
    """Turns rows into one batch: tokens, positions, owner (0 phrase, k the k-th label), targets (rows, labels)."""

    def __init__(self) -> None:
        self._tokenizer = AutoTokenizer.from_pretrained(minilm_folder())

    def __call__(self, rows: Sequence[Row]) -> dict[str, Tensor]:
        packed = [self._packed(phrase, [label for label, _ in labels]) for phrase, labels in rows]
        targets = [[fits for _, fits in labels] for _, labels in rows]
        return {
            "tokens": _padded([tokens for tokens, _, _ in packed], 0),
            "positions": _padded([positions for _, positions, _ in packed], 0),
            "owner": _padded([owner for _, _, owner in packed], PADDING),
            "targets": _padded(targets, float(PADDING)),
        }

    def _packed(self, phrase: str, labels: Sequence[str]) -> tuple[list[int], list[int], list[int]]:
        start, end = self._tokenizer.cls_token_id, self._tokenizer.sep_token_id
        tokens = [start, *self._ids(phrase)[: PHRASE_TOKENS - 2], end]
        begin = len(tokens)
        positions, owner = list(range(begin)), [0] * begin
        for k, label in enumerate(labels, 1):
            ids = [*self._ids(label)[: LABEL_TOKENS - 1], end]
            tokens += ids
            positions += range(begin, begin + len(ids))
            owner += [k] * len(ids)
        return tokens, positions, owner

    def _ids(self, text: str) -> list[int]:
        return self._tokenizer(text.lower(), add_special_tokens=False)["input_ids"]


def _padded(rows: Sequence[Sequence[Any]], fill: float) -> Tensor:
    width = max(map(len, rows))
    return torch.tensor([[*row, *[fill] * (width - len(row))] for row in rows])


def attends(owner: Int[Tensor, "rows tokens"]) -> Bool[Tensor, "rows 1 tokens tokens"]:
    """Which token (column) a token (row) looks at; padding looks at itself."""
    a, b = owner[:, :, None], owner[:, None, :]
    own = torch.eye(owner.shape[1], dtype=torch.bool, device=owner.device)
    return ((((b == 0) | (a == b)) & (a != PADDING)) | own).unsqueeze(1)


class ReaderNet(nn.Module):
    """The score of a label: w . m + s cos(m, p) + b, of the means m over its tokens and p over those of the phrase.

    Embeddings of words stay those of all-MiniLM-L6-v2, so that the product reads them from its wheel.
    """

    def __init__(self, dropout: float = 0.1, smoothing: float = 0.02) -> None:
        super().__init__()
        self.bert = BertModel.from_pretrained(minilm_folder(), add_pooling_layer=False, attn_implementation="sdpa")
        self.drop = nn.Dropout(dropout)
        self.head = nn.Linear(self.bert.config.hidden_size, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.constant_(self.head.bias, -2.0)
        self.scale = nn.Parameter(torch.tensor(6.0))
        self.smoothing = smoothing
        self.bert.embeddings.requires_grad_(False)

    def forward(self, tokens: Tensor, positions: Tensor, owner: Tensor, targets: Tensor) -> Mapping[str, Tensor]:
        """loss: mean over rows of the cross-entropy of their labels, targets drawn in by `smoothing`; logits."""
        logits = self.logits(tokens, positions, owner, targets.shape[1])
        known = targets != PADDING
        drawn = targets.clamp(0, 1) * (1 - 2 * self.smoothing) + self.smoothing
        losses = nn.functional.binary_cross_entropy_with_logits(logits, drawn, reduction="none") * known
        return {"loss": (losses.sum(1) / known.sum(1).clamp(min=1)).mean(), "logits": logits}

    def logits(self, tokens: Tensor, positions: Tensor, owner: Tensor, labels: int) -> Float[Tensor, "rows labels"]:
        """Scores; those of labels that a row does not have mean nothing."""
        mask = torch.where(attends(owner), 0.0, torch.finfo(torch.float32).min)
        states = self.bert(input_ids=tokens, position_ids=positions, attention_mask=mask).last_hidden_state
        member = (owner[:, None, :] == torch.arange(labels + 1, device=owner.device)[None, :, None]).float()
        means = member @ states / member.sum(-1, keepdim=True).clamp(min=1)
        cosine = nn.functional.cosine_similarity(means[:, 1:], means[:, :1], dim=-1)
        return self.head(self.drop(means[:, 1:])).squeeze(-1) + self.scale * cosine
