"""A plan while it is executed: what its steps gave so far, and what they may ask."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, runtime_checkable

from ..errors import MissingDataError
from ..twin.types import DigitalTwin, Instance, PictureEmbedding
from .space import View

Ids = tuple[int, ...]


@runtime_checkable
class Meaning(Protocol):
    """What `like` asks: which of the labels fit the text (see reasoning.meaning)."""

    def matching(self, text: str, labels: tuple[str, ...]) -> frozenset[str]: ...


@runtime_checkable
class SeesPictures(Protocol):
    """A meaning that also compares a text with pictures of things (see reasoning.word_meaning.picture_words)."""

    def pictured(self, text: str, pictures: Sequence[PictureEmbedding | None]) -> tuple[bool, ...]: ...


def fits_picture(meaning: Meaning | None, text: str, members: Sequence[Instance]) -> Ids:
    """Ids of the members whose picture fits the text; none without pictures, or a meaning that sees none."""
    if not isinstance(meaning, SeesPictures) or not any(i.picture is not None for i in members):
        return ()
    fits = meaning.pictured(text, [i.picture for i in members])
    return tuple(i.id for i, fit in zip(members, fits, strict=True) if fit)


class Run:
    """A plan being executed: the view of the twin, the values so far, and the remark of the current step.

    alternative_labels: `like` also takes instances by their alternative labels, where no label fits. wide: the current
    step takes `behind` and `in_front_of` without regard to the line of sight.
    """

    def __init__(self, twin: DigitalTwin, meaning: Meaning | None, alternative_labels: bool = False) -> None:
        self.view = View(twin)
        self.meaning = meaning
        self.alternative_labels = alternative_labels
        self.values: dict[str, Ids] = {
            "all": tuple(i.id for i in twin.instances if i.visible),
            "gone": tuple(i.id for i in twin.instances if not i.visible),
        }
        self.look_for: list[str] = []
        self.referred: dict[str, str] = {}  # names of steps that look for the camera or the table itself
        self.note = ""
        self.wide = False

    def placed(self, ids: Iterable[int]) -> Ids:
        """Those whose place is known; how many are not is the step's remark."""
        ids = tuple(ids)
        known = tuple(k for k in ids if self.view.is_placed(k))
        if ids and not known:
            raise MissingDataError("no place is known for any of them; it needs a depth camera")
        if len(known) < len(ids):
            self.note = f"{len(ids) - len(known)} without a known place left out"
        return known

    def instances(self, ids: Iterable[int]) -> list[Instance]:
        return [self.view.by_id[k] for k in ids]
