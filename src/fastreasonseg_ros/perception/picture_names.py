"""Names things from their pictures by an image-text model, beside the frame's path: when new and at growing intervals.

A thing's vector is the mean of its pictures' vectors, so that one odd look changes little. It stays with the instance
(`Instance.picture`), for questions whose words are no label.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from jaxtyping import Float32

from ..image_text.model import (
    PROMPT,
    ImageEncoder,
    LazyTextEncoder,
    Settings,
    find_exported,
    find_words,
    thing_in_square,
)
from ..image_text.vocabulary import UNSURE, Names, Vocabulary
from ..twin.types import DigitalTwin, Frame, Instance, PictureEmbedding
from .attributes.names import SHAPE_LABELS
from .background.desk import Crop
from .background.schedule import BackgroundWork, ScheduleConfig, Task

MARGIN = 0.1  # around a thing's box, as a share of its longer side: networks know things with some surroundings
MOST_LOOKS = 8  # from which on the newest picture counts as an eighth


@dataclass(frozen=True)
class NamingConfig(ScheduleConfig):
    """How things are named from their pictures, and how often. min_score: least probability of a label."""

    min_side_px: int = 16
    min_score: float = 0.5


@dataclass(frozen=True, eq=False)
class _Look:
    """The mean vector of a thing's pictures, and of how many it is."""

    picture: PictureEmbedding
    count: int = 1


class PictureNamer:
    """Names of a twin's instances. Called by one thread; the image encoder is loaded by its own, at the first crop."""

    def __init__(self, model: str, config: NamingConfig = NamingConfig()) -> None:
        """model: hub id or folder. Raises ModelError with the command where it was not prepared."""
        exported = find_exported(model)
        self.config = config
        self._scale = Settings.read(exported).scale
        self._all_words = self._vocabulary = Vocabulary.load(find_words(exported))
        self._texts = LazyTextEncoder(exported)
        self._named = lru_cache(512)(self._names)

        def load() -> Callable[[Crop], _Look]:
            encoder = ImageEncoder(exported)

            def look(crop: Crop) -> _Look:
                vector = encoder.embed(thing_in_square(crop.color, crop.others))
                return _Look(PictureEmbedding(vector, str(exported)))

            return look

        task = Task[_Look](
            "picture names",
            load,
            known=lambda i: None if i.picture is None else _Look(i.picture),
            joined=_joined,
            enough=lambda look: False,
        )
        self._work = BackgroundWork(task, config, MARGIN)

    @property
    def words(self) -> tuple[str, ...]:
        """All labels that things may get."""
        return self._vocabulary.labels

    @property
    def durations_ms(self) -> list[float]:
        """What each of the newest pictures took."""
        return self._work.durations_ms

    def close(self) -> None:
        """Ends the thread, after the picture that it looks at."""
        self._work.close()

    def set_words(self, words: Sequence[str]) -> None:
        """Labels beside the vocabulary, from the next twin on. Loads the text encoder once (seconds)."""
        vectors = {word: self._texts.embed(PROMPT.format(word)) for word in words}
        self._vocabulary = self._all_words.with_words(vectors)
        self._named.cache_clear()

    def with_names(self, twin: DigitalTwin, frame: Frame, wait: bool = False) -> DigitalTwin:
        """The twin with the names that are known so far; what is due in its frame waits to be looked at.

        wait: until that was done, for single pictures.
        """
        looks = self._work.found(twin, frame, wait)
        if not looks:
            return twin
        return replace(twin, instances=tuple(self._with_name(i, looks) for i in twin.instances))

    def _with_name(self, instance: Instance, looks: Mapping[int, _Look]) -> Instance:
        if (look := looks.get(instance.id)) is None:
            return instance
        names = self._named(look)
        return replace(
            instance,
            label=SHAPE_LABELS.get(instance.shape or "", UNSURE) if names.label == UNSURE else names.label,
            score=names.score,
            alternative_labels=names.others,
            alternative_scores=names.other_scores,
            picture=look.picture,
        )

    def _names(self, look: _Look) -> Names:
        return self._vocabulary.names(look.picture.vector, self._scale, self.config.min_score)


def _joined(before: _Look | None, new: _Look) -> _Look:
    if before is None or before.picture.model != new.picture.model:
        return new
    count = min(before.count + 1, MOST_LOOKS)
    vector = _mean(before.picture.vector, new.picture.vector, 1 / count)
    return _Look(PictureEmbedding(vector, new.picture.model), count)


def _mean(old: Float32[np.ndarray, "k"], new: Float32[np.ndarray, "k"], share: float) -> Float32[np.ndarray, "k"]:
    mixed = (1 - share) * old + share * new
    return (mixed / np.linalg.norm(mixed)).astype(np.float32)
