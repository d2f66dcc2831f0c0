"""Batches for SFTTrainer: all questions about a scene packed into one sequence, or each in its own row.

Both give the same loss. Packed, the scene is processed once, and each question with its completion is a branch that
attends to the scene and itself only: a 4-D block mask, with positions that restart after the scene. With five questions
per scene this takes about a third of the tokens. Attention without 4-D masks (flash attention, sliding windows) needs
plain rows of prompt and completion.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Bool, Int64
from torch.nn.utils.rnn import pad_sequence

from ....errors import DatasetError, PlanError
from ....plan.parser import parse_rollout
from ....plan.versions import language_of
from ....reasoning.prompting.prompt import question_turn, scene_turn
from ..corpus.hints import hint_of

IGNORED = -100  # label that the loss ignores
_END = "<|im_end|>"

Row = Mapping[str, list]  # "scene": token ids; "questions", "replies": a list of token ids a question


def language_of_rollouts(rows: Sequence[tuple[str, Sequence[tuple[str, str]]]]) -> int:
    """The version of the plan language that the completions are written in; those in another form than a plan count
    as version 1.
    """
    version = 1
    for completion in (text for _, branches in rows for _, text in branches):
        with suppress(PlanError):
            version = max(version, language_of(parse_rollout(completion).plan))
    return version


def read_rollouts(path: Path) -> list[tuple[str, list[tuple[str, str]]]]:
    """(scene text, [(question turn, completion)]) a line of `train data` or `train teach`.

    Raises DatasetError that names the line.
    """
    if not path.exists():
        raise DatasetError(f"{path} is not there: make it with `fastreasonseg train data --out {path}`")
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
            branches = [
                (question_turn(q["text"], hint_of(q)) + q.get("after", ""), str(q["completion"]))
                for q in row["questions"]
            ]
            text = str(row["text"])
        except (ValueError, KeyError, TypeError) as error:
            raise DatasetError(
                f"{path}:{number} is no rollout line ({error}); delete it and run `train data` again"
            ) from error
        if branches:
            rows.append((text, branches))
    if not rows:
        raise DatasetError(f"{path} is empty: run `fastreasonseg train data --out {path}` again")
    return rows


def tokenise(tokenizer, rows: Sequence[tuple[str, list[tuple[str, str]]]]) -> list[Row]:
    """Token ids of every scene, question and completion; a completion includes the end of its turn."""

    def ids(text: str) -> list[int]:
        return tokenizer.encode(text, add_special_tokens=False)

    return [
        {
            "scene": ids(scene_turn(scene)),
            "questions": [ids(question) for question, _ in branches],
            "replies": [ids(completion + _END) for _, completion in branches],
        }
        for scene, branches in rows
    ]


@dataclass(frozen=True)
class ScenePacker:
    """A data collator: one sequence per scene.

    Returns input_ids, labels and position_ids (B, T), and attention_mask (B, 1, T, T), True where a row attends to a
    column.
    """

    pad_id: int

    def __call__(self, rows: Sequence[Row]) -> dict[str, torch.Tensor]:
        packed = [self.pack(row) for row in rows]
        ids, labels, positions, _ = zip(*packed, strict=True)
        length = max(len(i) for i in ids)
        # Padding attends to itself, since the softmax of an empty row is undefined.
        mask = torch.eye(length, dtype=torch.bool).repeat(len(rows), 1, 1, 1)
        for n, (i, _, _, attends) in enumerate(packed):
            mask[n, 0, : len(i), : len(i)] = attends
        return {
            "input_ids": pad_sequence(ids, batch_first=True, padding_value=self.pad_id),
            "labels": pad_sequence(labels, batch_first=True, padding_value=IGNORED),
            "position_ids": pad_sequence(positions, batch_first=True),
            "attention_mask": mask,
        }

    @staticmethod
    def pack(
        row: Row,
    ) -> tuple[Int64[torch.Tensor, "t"], Int64[torch.Tensor, "t"], Int64[torch.Tensor, "t"], Bool[torch.Tensor, "t t"]]:
        """Token ids, labels, positions and mask of one scene with its branches."""
        scene = row["scene"]
        ids, labels, positions = list(scene), [IGNORED] * len(scene), list(range(len(scene)))
        branch = [0] * len(scene)
        for n, (question, reply) in enumerate(zip(row["questions"], row["replies"], strict=True), 1):
            size = len(question) + len(reply)
            ids += question + reply
            labels += [IGNORED] * len(question) + reply
            positions += range(len(scene), len(scene) + size)
            branch += [n] * size
        owner = torch.tensor(branch)
        causal = torch.ones(len(ids), len(ids), dtype=torch.bool).tril()
        mask = causal & ((owner[:, None] == owner[None, :]) | (owner[None, :] == 0))
        return torch.tensor(ids), torch.tensor(labels), torch.tensor(positions), mask


@dataclass(frozen=True)
class QuestionRows:
    """A data collator: one padded row per question of the given scenes.

    Returns input_ids, labels and attention_mask, all (B, T).
    """

    pad_id: int

    def __call__(self, rows: Sequence[Row]) -> dict[str, torch.Tensor]:
        ids, labels = [], []
        for row in rows:
            for question, reply in zip(row["questions"], row["replies"], strict=True):
                prompt = row["scene"] + question
                ids.append(torch.tensor(prompt + reply))
                labels.append(torch.tensor([IGNORED] * len(prompt) + reply))
        return {
            "input_ids": pad_sequence(ids, batch_first=True, padding_value=self.pad_id),
            "labels": pad_sequence(labels, batch_first=True, padding_value=IGNORED),
            "attention_mask": pad_sequence([torch.ones_like(i) for i in ids], batch_first=True),
        }
