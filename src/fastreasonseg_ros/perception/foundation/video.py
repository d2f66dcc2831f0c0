"""Streaming SAM 2 video tracking with bounded memory.

The official predictor loads a complete clip and keeps the results of every frame. Here each frame is processed once,
and only the inputs of the memory attention are kept: the prompted frame, the last six memories and the last fifteen
object pointers. Masks equal those of the official predictor (test/perception/foundation/test_video.py) for clips of at
least 16 frames; for shorter ones, the official predictor scales pointer times by the length, which is unknown here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ...twin.types import Box
from .segmenter import Features, Segmenter

_UNBOUNDED = 1 << 30  # num_frames of an unbounded stream


@dataclass(frozen=True)
class Tracked:
    """One object in the current frame. logits: at SAM 2's low resolution; presence: logit, above 0 if in view."""

    logits: Float[Tensor, "1 1 l l"]
    presence: float


@dataclass
class _Group:
    """Objects prompted on the same frame, which share the shape of their memory."""

    ids: list[int]
    memory: dict[str, dict[int, dict[str, Any]]] = field(
        default_factory=lambda: {"cond_frame_outputs": {}, "non_cond_frame_outputs": {}}
    )

    def outputs(self) -> Iterable[dict[str, Any]]:
        for outputs in self.memory.values():
            yield from outputs.values()


class VideoMemory:
    """Tracks objects from frame to frame: one `advance` per frame, then `prompt` and `forget` as needed."""

    def __init__(self, segmenter: Segmenter) -> None:
        self._segmenter, self._model = segmenter, segmenter.model
        self._groups: list[_Group] = []
        self._index = -1
        self._features: Features | None = None

    @property
    def ids(self) -> list[int]:
        """Ids of all tracked objects."""
        return [id for group in self._groups for id in group.ids]

    @property
    def bytes(self) -> int:
        """Device memory of the kept outputs, bytes."""
        storages: dict[int, int] = {}
        for group in self._groups:
            for out in group.outputs():
                for value in (out["maskmem_features"], out["obj_ptr"]):
                    if value is not None:
                        storage = value.untyped_storage()
                        storages[storage.data_ptr()] = storage.nbytes()
        return sum(storages.values())

    def clear(self) -> None:
        """Deletes all objects, for another image size or a jump in time."""
        self._groups, self._features = [], None

    @torch.inference_mode()
    def advance(self, features: Features) -> dict[int, Tracked]:
        """Processes the next frame; returns all tracked objects by id."""
        self._index += 1
        self._features = features
        tracked: dict[int, Tracked] = {}
        for group in self._groups:
            out = self._step(group, None)
            group.memory["non_cond_frame_outputs"][self._index] = self._kept(out)
            self._prune(group)
            tracked |= _rows(group.ids, out)
        return tracked

    @torch.inference_mode()
    def prompt(self, ids: Sequence[int], boxes: Sequence[Box]) -> dict[int, Tracked]:
        """Starts tracking objects from boxes (pixels) on the current frame; replaces existing ids.

        Raises ValueError before the first `advance`.
        """
        if self._features is None:
            raise ValueError("prompt comes after advance")
        self.forget(ids)
        tracked: dict[int, Tracked] = {}
        batch = self._segmenter.config.batch
        for n in range(0, len(ids), batch):
            group = _Group(list(ids[n : n + batch]))
            out = self._step(group, self._segmenter.box_prompt(boxes[n : n + batch], self._features.picture_size))
            group.memory["cond_frame_outputs"][self._index] = self._kept(out)
            self._groups.append(group)
            tracked |= _rows(group.ids, out)
        return tracked

    @torch.inference_mode()
    def forget(self, ids: Iterable[int]) -> None:
        deleted = set(ids)
        for group in self._groups:
            kept = [n for n, id in enumerate(group.ids) if id not in deleted]
            if len(kept) == len(group.ids):
                continue
            rows = torch.tensor(kept, dtype=torch.long, device=self._segmenter.device)
            group.ids = [group.ids[n] for n in kept]
            for out in group.outputs():
                for key in ("maskmem_features", "obj_ptr"):
                    if out[key] is not None:
                        out[key] = out[key].index_select(0, rows)
                out["maskmem_pos_enc"] = [x[: len(kept)] for x in out["maskmem_pos_enc"]]
        self._groups = [group for group in self._groups if group.ids]

    def _step(self, group: _Group, prompt: dict[str, Tensor] | None) -> dict[str, Any]:
        assert self._features is not None
        with self._segmenter.half():
            return self._model.track_step(
                frame_idx=self._index,
                is_init_cond_frame=prompt is not None,
                **self._features.repeated(len(group.ids)),
                point_inputs=prompt,
                mask_inputs=None,
                output_dict=group.memory,
                num_frames=_UNBOUNDED,
            )

    def _kept(self, out: dict[str, Any]) -> dict[str, Any]:
        """Outputs needed by later frames; memories in bfloat16, as in the official predictor."""
        return {
            "maskmem_features": out["maskmem_features"].to(torch.bfloat16),
            # Identical for every frame and object: one row, expanded to all objects.
            "maskmem_pos_enc": [x[:1].expand(len(x), *x.shape[1:]) for x in out["maskmem_pos_enc"]],
            "obj_ptr": out["obj_ptr"],
        }

    def _prune(self, group: _Group) -> None:
        outputs = group.memory["non_cond_frame_outputs"]
        for index in [k for k in outputs if k <= self._index - self._model.max_obj_ptrs_in_encoder + 1]:
            del outputs[index]
        stride = self._model.memory_temporal_stride_for_eval
        for index, out in outputs.items():
            if index <= self._index - stride * (self._model.num_maskmem - 1):
                out["maskmem_features"] = None


def _rows(ids: Sequence[int], out: dict[str, Any]) -> dict[int, Tracked]:
    presence = out["object_score_logits"].float().flatten().tolist()
    return {id: Tracked(out["pred_masks"][n : n + 1], presence[n]) for n, id in enumerate(ids)}
