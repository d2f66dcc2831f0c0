"""The reader of word meaning in torch: a BERT that reads a phrase once, and every label with the phrase before it.

Phrase and labels are one sequence. Tokens of the phrase attend to the phrase only, tokens of a label to the phrase and
to their own label, at positions that count on from the phrase. A label's score so depends on phrase and label alone,
and n labels cost one pass over phrase and labels together instead of n passes over pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn


@dataclass(frozen=True)
class Batch:
    """Padded sequences. owner: -1 padding, 0 phrase, k the k-th label of the row."""

    tokens: Int[Tensor, "rows tokens"]
    positions: Int[Tensor, "rows tokens"]
    owner: Int[Tensor, "rows tokens"]
    labels: int  # most labels of a row

    def attends(self) -> Bool[Tensor, "rows 1 tokens tokens"]:
        """Which token (column) a token (row) may look at; padding looks at itself."""
        a, b = self.owner[:, :, None], self.owner[:, None, :]
        own = torch.eye(self.owner.shape[1], dtype=torch.bool)
        return (((b == 0) & (a >= 0)) | ((a == b) & (a >= 0)) | own).unsqueeze(1)


def pack(rows: Sequence[tuple[Sequence[int], Sequence[Sequence[int]]]]) -> Batch:
    """One batch of (tokens of the phrase, tokens of each label), both with their special tokens."""
    sequences = []
    for phrase, labels in rows:
        tokens, positions, owner = list(phrase), list(range(len(phrase))), [0] * len(phrase)
        for k, label in enumerate(labels, 1):
            tokens += label
            positions += range(len(phrase), len(phrase) + len(label))
            owner += [k] * len(label)
        sequences.append((tokens, positions, owner))
    width = max(len(tokens) for tokens, _, _ in sequences)

    def padded(k: int, fill: int) -> Tensor:
        return torch.tensor([s[k] + [fill] * (width - len(s[k])) for s in sequences])

    return Batch(padded(0, 0), padded(1, 0), padded(2, -1), max(len(labels) for _, labels in rows))


class Reader(nn.Module):
    """The score of a label: w . m + s cos(m, p) + b, of the means m over its tokens and p over those of the phrase."""

    def __init__(self, bert: nn.Module, hidden: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.bert = bert
        self.drop = nn.Dropout(dropout)
        self.head = nn.Linear(hidden, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.constant_(self.head.bias, -2.0)
        self.scale = nn.Parameter(torch.tensor(6.0))

    def forward(self, batch: Batch) -> Float[Tensor, "rows labels"]:
        """Logits; those of labels that a row does not have mean nothing."""
        mask = torch.where(batch.attends(), 0.0, torch.finfo(torch.float32).min)
        states = self.bert(input_ids=batch.tokens, position_ids=batch.positions, attention_mask=mask).last_hidden_state
        member = (batch.owner[:, None, :] == torch.arange(batch.labels + 1)[None, :, None]).float()
        means = member @ states / member.sum(-1, keepdim=True).clamp(min=1)
        phrase, labels = means[:, :1], means[:, 1:]
        cosine = nn.functional.cosine_similarity(labels, phrase, dim=-1)
        return self.head(self.drop(labels)).squeeze(-1) + self.scale * cosine
