"""Open-vocabulary detection: words and a picture to boxes, by OWLv2 or Grounding DINO (transformers)."""

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

    kind: owlv2 or grounding_dino. model: folder or hub id. threshold: least score of a box. text_threshold: least score
    of a word's token (Grounding DINO). nms_iou: of two boxes that overlap more, the better stays, whatever their words.
    prompt: what OWLv2 is asked for each word. shortest_px, longest_px: sides of the picture for Grounding DINO.
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
class Found:
    """One box, pixels of the picture, with the word that it was found by and its score, 0..1."""

    box_xyxy: Box
    label: str
    score: float


@runtime_checkable
class Detector(Protocol):
    """Finds words in pictures. `set_words` comes first."""

    def set_words(self, words: Sequence[str]) -> None: ...

    def detect(self, picture: UInt8[Tensor, "1 3 h w"]) -> list[Found]:
        """Boxes inside the picture, best first, at most max_boxes."""
        ...


def make_detector(config: DetectorConfig, device: Device = "auto", precision: Precision = "auto") -> Detector:
    """Loads the weights. Raises ModelError where they are missing or too large, ConfigError for an absent device."""
    place = pick_device(device)
    dtype = pick_dtype(precision, place)
    kind = Owlv2 if config.kind == "owlv2" else GroundingDino
    folder = find_weights(config.model)
    check_memory(config.model, folder, place)
    with loading(config.model):
        return kind.load(config, str(folder), place, dtype)


class Owlv2:
    """OWLv2: the words pass the text tower when they change, each picture only the image tower."""

    TEXT_BATCH = 64

    def __init__(self, model, tokenizer, config: DetectorConfig) -> None:
        """model: Owlv2ForObjectDetection on its device; tokenizer: its CLIPTokenizer."""
        self.config, self._model, self._tokenizer = config, model.eval(), tokenizer
        self._side = model.config.vision_config.image_size
        self._normalise = Normalizer(CLIP, model.device, model.dtype)
        self._words: tuple[str, ...] = ()
        self._queries: Tensor | None = None
        self._read: dict[str, Tensor] = {}  # what the text tower said of the words at hand

    @staticmethod
    def load(config: DetectorConfig, folder: str, device: str, dtype: torch.dtype) -> Owlv2:
        from transformers import CLIPTokenizer, Owlv2ForObjectDetection

        model = Owlv2ForObjectDetection.from_pretrained(folder, dtype=dtype, local_files_only=True).to(device)
        return Owlv2(model, CLIPTokenizer.from_pretrained(folder, local_files_only=True), config)

    @torch.inference_mode()
    def set_words(self, words: Sequence[str]) -> None:
        """Only words that are new pass the text tower. Raises ConfigError for no words."""
        _check_words(words)
        length = self._model.config.text_config.max_position_embeddings
        new = [word for word in dict.fromkeys(words) if word not in self._read]
        for n in range(0, len(new), self.TEXT_BATCH):
            part = new[n : n + self.TEXT_BATCH]
            asked = [self.config.prompt.format(word) for word in part]
            tokens = self._tokenizer(
                asked, padding="max_length", truncation=True, max_length=length, return_tensors="pt"
            )
            ids, seen = (tokens[k].to(self._model.device) for k in ("input_ids", "attention_mask"))
            features = self._model.owlv2.get_text_features(input_ids=ids, attention_mask=seen).pooler_output
            self._read |= zip(part, features / features.norm(dim=-1, keepdim=True), strict=True)
        self._read = {word: self._read[word] for word in words}
        self._words, self._queries = tuple(words), torch.stack(list(map(self._read.__getitem__, words)))[None]

    @torch.inference_mode()
    def detect(self, picture: UInt8[Tensor, "1 3 h w"]) -> list[Found]:
        logits, boxes = self.raw(picture)
        best = logits[0].float().max(dim=-1)
        longest = max(picture.shape[-2:])  # the picture was padded to a square
        corners = _corners(boxes[0].float()) * longest
        labels = [self._words[n] for n in best.indices.tolist()]
        return _select(corners, torch.sigmoid(best.values), labels, picture.shape[-2:], self.config)

    def raw(self, picture: UInt8[Tensor, "1 3 h w"]) -> tuple[Float[Tensor, "1 p q"], Float[Tensor, "1 p 4"]]:
        """Logits of every patch and word, and boxes (centre and size, as shares of the padded square)."""
        if self._queries is None:
            raise ConfigError("the detector has no words; give it some with set_words")
        features = self._model.image_embedder(self._normalise(square_as_owlv2(picture, self._side)))[0]
        flat = features.flatten(1, 2)
        logits, _ = self._model.class_predictor(flat, self._queries)
        return logits, self._model.box_predictor(flat, features)


class GroundingDino:
    """Grounding DINO: all words in one text, at most 256 tokens; words that find no place are refused."""

    def __init__(self, model, tokenizer, config: DetectorConfig) -> None:
        """model: GroundingDinoForObjectDetection on its device; tokenizer: its BertTokenizer."""
        self.config, self._model, self._tokenizer = config, model.eval(), tokenizer
        self._normalise = Normalizer(IMAGENET, model.device, model.dtype)
        self._words: tuple[str, ...] = ()
        self._tokens: dict[str, Tensor] = {}
        self._spans: Tensor | None = None

    @staticmethod
    def load(config: DetectorConfig, folder: str, device: str, dtype: torch.dtype) -> GroundingDino:
        from transformers import AutoTokenizer, GroundingDinoForObjectDetection

        model = GroundingDinoForObjectDetection.from_pretrained(folder, dtype=dtype, local_files_only=True).to(device)
        return GroundingDino(model, AutoTokenizer.from_pretrained(folder, local_files_only=True), config)

    def set_words(self, words: Sequence[str]) -> None:
        """Raises ConfigError for no words, or more than the text encoder takes."""
        _check_words(words)
        text, starts = "", []
        for word in words:
            starts.append((len(text), len(text) + len(word)))
            text += f"{word.lower()}. "
        tokens = self._tokenizer(text.strip(), return_tensors="pt", return_offsets_mapping=True)
        count, most = tokens["input_ids"].shape[1], self._model.config.max_text_len
        if count > most:
            raise ConfigError(
                f"{len(words)} words make {count} tokens and Grounding DINO reads {most}: give fewer, or use owlv2"
            )
        offsets = tokens.pop("offset_mapping")[0]
        spans = torch.zeros(len(words), most, dtype=torch.bool)
        for n, (start, end) in enumerate(starts):
            spans[n, :count] = (offsets[:, 0] >= start) & (offsets[:, 1] <= end) & (offsets[:, 1] > offsets[:, 0])
        self._words, self._spans = tuple(words), spans.to(self._model.device)
        self._tokens = {k: v.to(self._model.device) for k, v in tokens.items()}

    @torch.inference_mode()
    def detect(self, picture: UInt8[Tensor, "1 3 h w"]) -> list[Found]:
        probabilities, boxes = self.raw(picture)
        scores = probabilities[0].max(dim=-1).values
        # The word of a box is the one whose tokens fit best; the reference joins all tokens above the threshold,
        # which can be parts of several words.
        fits = torch.where(self._spans, probabilities[0][:, None], 0.0).max(dim=-1).values.max(dim=-1)
        height, width = picture.shape[-2:]
        corners = _corners(boxes[0].float()) * torch.tensor([width, height, width, height], device=boxes.device)
        scores = torch.where(fits.values > self.config.text_threshold, scores, 0.0)
        return _select(corners, scores, [self._words[n] for n in fits.indices.tolist()], (height, width), self.config)

    def raw(self, picture: UInt8[Tensor, "1 3 h w"]) -> tuple[Float[Tensor, "1 b t"], Float[Tensor, "1 b 4"]]:
        """Probability of every box and token, and boxes (centre and size, as shares of the picture)."""
        from transformers.image_transforms import get_size_with_aspect_ratio

        if self._spans is None:
            raise ConfigError("the detector has no words; give it some with set_words")
        size = get_size_with_aspect_ratio(picture.shape[-2:], self.config.shortest_px, self.config.longest_px)
        pixels = self._normalise(resize_as_pillow(picture, (max(size[0], 1), max(size[1], 1)), "bilinear"))
        out = self._model(pixel_values=pixels, **self._tokens)
        return torch.sigmoid(out.logits.float()), out.pred_boxes


def suppress(boxes: Float[Tensor, "n 4"], scores: Float[Tensor, "n"], most_iou: float) -> Tensor:
    """Indices that non-maximum suppression keeps, best first: no two overlap by more than most_iou (IoU)."""
    order = torch.argsort(scores, descending=True, stable=True)
    boxes = boxes[order].double()
    low = torch.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = torch.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    both = (high - low).clamp(min=0).prod(-1)
    area = (boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(-1)
    over = (both > most_iou * (area[:, None] + area[None] - both)).cpu().numpy()
    kept: list[int] = []
    for n in range(len(order)):
        if not over[n, kept].any():
            kept.append(n)
    return order[torch.tensor(kept, dtype=torch.long, device=order.device)]


def _select(
    corners: Tensor, scores: Tensor, labels: Sequence[str], size: tuple[int, int], config: DetectorConfig
) -> list[Found]:
    """Boxes above the threshold, cut at the picture's border, without doubles."""
    corners, scores = corners.cpu(), scores.cpu()  # a few thousand numbers, one wait for the device; MPS has no float64
    if not torch.isfinite(scores).all():
        raise ModelError(f"{config.model}: gave numbers that are none; set half precision off (precision: float32)")
    limit = torch.tensor([size[1], size[0]] * 2, device=corners.device, dtype=corners.dtype)
    corners = torch.minimum(corners.clamp(min=0), limit)
    good = (scores > config.threshold) & ((corners[:, 2:] - corners[:, :2]) > 0.5).all(-1)
    index = good.nonzero()[:, 0]
    index = index[torch.argsort(scores[index], descending=True)[:1000]]
    kept = index[suppress(corners[index], scores[index], config.nms_iou)][: config.max_boxes]
    rows = zip(kept.tolist(), corners[kept].tolist(), scores[kept].tolist(), strict=True)
    return [Found(tuple(box), labels[n], score) for n, box, score in rows]  # type: ignore[arg-type]


def _corners(boxes: Float[Tensor, "n 4"]) -> Float[Tensor, "n 4"]:
    centre, half = boxes[:, :2], boxes[:, 2:] / 2
    return torch.cat([centre - half, centre + half], dim=-1)


def _check_words(words: Sequence[str]) -> None:
    if not words:
        raise ConfigError("the detector needs words to look for; set_vocabulary gives some, or setting `vocabulary`")
