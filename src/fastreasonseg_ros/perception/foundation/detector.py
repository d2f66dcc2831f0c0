"""Open-vocabulary detection of labels in an image by OWLv2 or Grounding DINO (transformers)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from ...errors import ConfigError, ModelError
from ...twin.types import Box
from ...weights import Device, Precision, check_memory, find_weights, loading, pick_device, pick_dtype
from .pictures import CLIP, IMAGENET, Normalizer, resize_as_pillow, square_as_owlv2


@dataclass(frozen=True)
class DetectorConfig:
    """Settings of the detector.

    kind: owlv2 or grounding_dino. model: folder or hub id. threshold: minimum score of a box. text_threshold: minimum
    score of a label's token (Grounding DINO). nms_iou: IoU threshold of class-agnostic non-maximum suppression. prompt:
    template of OWLv2's text query. shortest_px, longest_px: sides of the input image for Grounding DINO.
    """

    kind: Literal["owlv2", "grounding_dino"] = "owlv2"
    model: str = "google/owlv2-base-patch16-ensemble"
    threshold: float = 0.2
    text_threshold: float = 0.25
    nms_iou: float = 0.6
    max_boxes: int = 32
    prompt: str = "a photo of a {}"
    shortest_px: int = 800
    longest_px: int = 1333


@dataclass(frozen=True)
class DetectedBox:
    """One detected box in pixels of the image, with its label and score (0..1)."""

    box_xyxy: Box
    label: str
    score: float


@runtime_checkable
class Detector(Protocol):
    """Detects labels in images; `set_labels` must be called first."""

    def set_labels(self, labels: Sequence[str]) -> None: ...

    def detect(self, picture: UInt8[Tensor, "1 3 h w"]) -> list[DetectedBox]:
        """Boxes clipped to the image, by decreasing score, at most max_boxes."""
        ...


def make_detector(config: DetectorConfig, device: Device = "auto", precision: Precision = "auto") -> Detector:
    """Loads the weights. Raises ModelError if they are missing or too large, ConfigError for an absent device."""
    place = pick_device(device)
    dtype = pick_dtype(precision, place)
    kind = Owlv2 if config.kind == "owlv2" else GroundingDino
    folder = find_weights(config.model)
    check_memory(config.model, folder, place)
    with loading(config.model):
        return kind.load(config, str(folder), place, dtype)


class Owlv2:
    """OWLv2: labels are encoded by the text tower when they change, images by the image tower."""

    TEXT_BATCH = 64

    def __init__(self, model, tokenizer, config: DetectorConfig) -> None:
        """model: Owlv2ForObjectDetection on its device; tokenizer: its CLIPTokenizer."""
        self.config, self._model, self._tokenizer = config, model.eval(), tokenizer
        self._side = model.config.vision_config.image_size
        self._normalise = Normalizer(CLIP, model.device, model.dtype)
        self._labels: tuple[str, ...] = ()
        self._queries: Tensor | None = None
        self._embeddings: dict[str, Tensor] = {}  # text embeddings of the current labels

    @staticmethod
    def load(config: DetectorConfig, folder: str, device: str, dtype: torch.dtype) -> Owlv2:
        from transformers import CLIPTokenizer, Owlv2ForObjectDetection

        model = Owlv2ForObjectDetection.from_pretrained(folder, dtype=dtype, local_files_only=True).to(device)
        return Owlv2(model, CLIPTokenizer.from_pretrained(folder, local_files_only=True), config)

    @torch.inference_mode()
    def set_labels(self, labels: Sequence[str]) -> None:
        """Encodes new labels only. Raises ConfigError for an empty list."""
        _check_labels(labels)
        length = self._model.config.text_config.max_position_embeddings
        new = [label for label in dict.fromkeys(labels) if label not in self._embeddings]
        for n in range(0, len(new), self.TEXT_BATCH):
            part = new[n : n + self.TEXT_BATCH]
            prompts = [self.config.prompt.format(label) for label in part]
            tokens = self._tokenizer(
                prompts, padding="max_length", truncation=True, max_length=length, return_tensors="pt"
            )
            ids, attention_mask = (tokens[k].to(self._model.device) for k in ("input_ids", "attention_mask"))
            features = self._model.owlv2.get_text_features(input_ids=ids, attention_mask=attention_mask).pooler_output
            self._embeddings |= zip(part, features / features.norm(dim=-1, keepdim=True), strict=True)
        self._embeddings = {label: self._embeddings[label] for label in labels}
        self._labels, self._queries = tuple(labels), torch.stack(list(map(self._embeddings.__getitem__, labels)))[None]

    @torch.inference_mode()
    def detect(self, picture: UInt8[Tensor, "1 3 h w"]) -> list[DetectedBox]:
        logits, boxes = self.raw(picture)
        best = logits[0].float().max(dim=-1)
        longest = max(picture.shape[-2:])  # the image is padded to a square
        corners = _corners(boxes[0].float()) * longest
        labels = [self._labels[n] for n in best.indices.tolist()]
        return _select(corners, torch.sigmoid(best.values), labels, picture.shape[-2:], self.config)

    def raw(self, picture: UInt8[Tensor, "1 3 h w"]) -> tuple[Float[Tensor, "1 p q"], Float[Tensor, "1 p 4"]]:
        """Logits of every patch and label, and boxes (centre and size, as shares of the padded square)."""
        if self._queries is None:
            raise ConfigError("the detector has no words; give it some with set_labels")
        features = self._model.image_embedder(self._normalise(square_as_owlv2(picture, self._side)))[0]
        flat = features.flatten(1, 2)
        logits, _ = self._model.class_predictor(flat, self._queries)
        return logits, self._model.box_predictor(flat, features)


class GroundingDino:
    """Grounding DINO: all labels in one text of at most 256 tokens; more raise ConfigError."""

    def __init__(self, model, tokenizer, config: DetectorConfig) -> None:
        """model: GroundingDinoForObjectDetection on its device; tokenizer: its BertTokenizer."""
        self.config, self._model, self._tokenizer = config, model.eval(), tokenizer
        self._normalise = Normalizer(IMAGENET, model.device, model.dtype)
        self._labels: tuple[str, ...] = ()
        self._tokens: dict[str, Tensor] = {}
        self._spans: Tensor | None = None

    @staticmethod
    def load(config: DetectorConfig, folder: str, device: str, dtype: torch.dtype) -> GroundingDino:
        from transformers import AutoTokenizer, GroundingDinoForObjectDetection

        model = GroundingDinoForObjectDetection.from_pretrained(folder, dtype=dtype, local_files_only=True).to(device)
        return GroundingDino(model, AutoTokenizer.from_pretrained(folder, local_files_only=True), config)

    def set_labels(self, labels: Sequence[str]) -> None:
        """Raises ConfigError for an empty list, or more tokens than the text encoder accepts."""
        _check_labels(labels)
        text, starts = "", []
        for label in labels:
            starts.append((len(text), len(text) + len(label)))
            text += f"{label.lower()}. "
        tokens = self._tokenizer(text.strip(), return_tensors="pt", return_offsets_mapping=True)
        count, max_tokens = tokens["input_ids"].shape[1], self._model.config.max_text_len
        if count > max_tokens:
            raise ConfigError(
                f"{len(labels)} words make {count} tokens and Grounding DINO reads {max_tokens}: "
                "give fewer, or use owlv2"
            )
        offsets = tokens.pop("offset_mapping")[0]
        spans = torch.zeros(len(labels), max_tokens, dtype=torch.bool)
        for n, (start, end) in enumerate(starts):
            spans[n, :count] = (offsets[:, 0] >= start) & (offsets[:, 1] <= end) & (offsets[:, 1] > offsets[:, 0])
        self._labels, self._spans = tuple(labels), spans.to(self._model.device)
        self._tokens = {k: v.to(self._model.device) for k, v in tokens.items()}

    @torch.inference_mode()
    def detect(self, picture: UInt8[Tensor, "1 3 h w"]) -> list[DetectedBox]:
        probabilities, boxes = self.raw(picture)
        scores = probabilities[0].max(dim=-1).values
        # The label of a box is the one with the best token; the reference joins all tokens above the threshold,
        # which can be parts of several labels.
        label_scores = torch.where(self._spans, probabilities[0][:, None], 0.0).max(dim=-1).values.max(dim=-1)
        height, width = picture.shape[-2:]
        corners = _corners(boxes[0].float()) * torch.tensor([width, height, width, height], device=boxes.device)
        scores = torch.where(label_scores.values > self.config.text_threshold, scores, 0.0)
        return _select(
            corners, scores, [self._labels[n] for n in label_scores.indices.tolist()], (height, width), self.config
        )

    def raw(self, picture: UInt8[Tensor, "1 3 h w"]) -> tuple[Float[Tensor, "1 b t"], Float[Tensor, "1 b 4"]]:
        """Probability of every box and token, and boxes (centre and size, as shares of the image)."""
        from transformers.image_transforms import get_size_with_aspect_ratio

        if self._spans is None:
            raise ConfigError("the detector has no words; give it some with set_labels")
        size = get_size_with_aspect_ratio(picture.shape[-2:], self.config.shortest_px, self.config.longest_px)
        pixels = self._normalise(resize_as_pillow(picture, (max(size[0], 1), max(size[1], 1)), "bilinear"))
        out = self._model(pixel_values=pixels, **self._tokens)
        return torch.sigmoid(out.logits.float()), out.pred_boxes


def suppress(boxes: Float[Tensor, "n 4"], scores: Float[Tensor, "n"], max_iou: float) -> Tensor:
    """Non-maximum suppression: kept indices by decreasing score, no pair with an IoU above max_iou."""
    order = torch.argsort(scores, descending=True, stable=True)
    boxes = boxes[order].double()
    low = torch.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = torch.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    intersection = (high - low).clamp(min=0).prod(-1)
    area = (boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(-1)
    overlaps = (intersection > max_iou * (area[:, None] + area[None] - intersection)).cpu().numpy()
    kept: list[int] = []
    for n in range(len(order)):
        if not overlaps[n, kept].any():
            kept.append(n)
    return order[torch.tensor(kept, dtype=torch.long, device=order.device)]


def _select(
    corners: Tensor, scores: Tensor, labels: Sequence[str], size: tuple[int, int], config: DetectorConfig
) -> list[DetectedBox]:
    """Boxes above the threshold, clipped to the image, after non-maximum suppression."""
    corners, scores = corners.cpu(), scores.cpu()  # one synchronisation for a few thousand numbers; MPS has no float64
    if not torch.isfinite(scores).all():
        raise ModelError(f"{config.model}: gave numbers that are none; set half precision off (precision: float32)")
    limit = torch.tensor([size[1], size[0]] * 2, device=corners.device, dtype=corners.dtype)
    corners = torch.minimum(corners.clamp(min=0), limit)
    above_threshold = (scores > config.threshold) & ((corners[:, 2:] - corners[:, :2]) > 0.5).all(-1)
    index = above_threshold.nonzero()[:, 0]
    index = index[torch.argsort(scores[index], descending=True)[:1000]]
    kept = index[suppress(corners[index], scores[index], config.nms_iou)][: config.max_boxes]
    rows = zip(kept.tolist(), corners[kept].tolist(), scores[kept].tolist(), strict=True)
    return [DetectedBox(tuple(box), labels[n], score) for n, box, score in rows]  # type: ignore[arg-type]


def _corners(boxes: Float[Tensor, "n 4"]) -> Float[Tensor, "n 4"]:
    centre, half = boxes[:, :2], boxes[:, 2:] / 2
    return torch.cat([centre - half, centre + half], dim=-1)


def _check_labels(labels: Sequence[str]) -> None:
    if not labels:
        raise ConfigError("the detector needs words to look for; set_vocabulary gives some, or setting `vocabulary`")
