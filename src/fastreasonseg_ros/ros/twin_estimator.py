"""The twin over time: one perceiver, the newest twin, and when a new one begins. No subscription, no publisher."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from ..io.depth_units import depth_range_warning
from ..io.registration import DepthAligner, Lookup
from ..perception.protocol import Perceiver, WarmsUp
from ..perception.vocabulary import Vocabulary
from ..pipeline import observe
from ..twin.pose import Pose
from ..twin.tracking import with_new_words
from ..twin.types import DigitalTwin, Frame, Vector
from .conversions import frame_from_msgs
from .rgbd_synchronizer import SET_BACK_S, RgbdMessages

RANGE_CHECK_S = 1.0  # depth is checked for a plausible range so often; a check takes about a millisecond


@dataclass(frozen=True)
class Estimate:
    """twin: after one more frame; None: the frame was older than the newest twin and was dropped.

    frame: the one that the twin was made from. warnings: what is wrong with the input though the frame was used.
    begun_anew: why a new twin was begun, or empty.
    """

    twin: DigitalTwin | None
    frame: Frame | None = None
    latency_ms: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    begun_anew: str = ""


class TwinEstimator:
    """Not thread-safe: everything but `age_s`, `objects` and `words` is for one thread, the perception worker's.

    Sequence numbers go on for as long as it lives, and ids are not given twice. depth_unit_m: metres of one step of
    16-bit depth. lookup: the transform between two camera frames, where it is known, to register depth.
    """

    def __init__(
        self,
        perceiver: Perceiver,
        depth_unit_m: float = 0.001,
        lookup: Lookup = lambda target, source: None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._perceiver, self._unit_m, self._now = perceiver, depth_unit_m, now
        self._aligner = DepthAligner(lookup)
        self._vocabulary = Vocabulary(perceiver)
        self._twin: DigitalTwin | None = None
        self._made_at = self._range_checked_at = -float("inf")
        self._range_warning = ""
        self._sequence, self._last_id = 0, 0

    def observe(self, messages: RgbdMessages, pose: Pose | None = None, up: Vector | None = None) -> Estimate:
        """The twin after these pictures. Raises FrameError for pictures that cannot be used.

        pose, up: see Frame; None where they are not known. A picture of another size, or one from long before the last
        (over 0.5 s), begins a new twin.
        """
        start = time.perf_counter()
        frame = replace(frame_from_msgs(messages, self._unit_m, self._aligner), pose=pose, up=up)
        ready = time.perf_counter()
        before, begun_anew = self._twin, ""
        if before is not None:
            back_s = before.stamp_s - frame.stamp_s
            if 0 < back_s <= SET_BACK_S:
                return Estimate(None)
            if back_s > 0:
                begun_anew = f"stamps of the pictures went back by {back_s:.1f} s (a recording that began again?)"
            elif before.image_size != frame.image_size:
                begun_anew = "the pictures have another size"
        if before is None or begun_anew:
            before = DigitalTwin(image_size=frame.image_size, frame_id=frame.frame_id, last_id=self._last_id)
        twin = observe(before, frame, self._perceiver)
        twin = self._twin = replace(twin, sequence=self.next_sequence())
        self._last_id, self._made_at = twin.last_id, self._now()
        spent = {"decoding": (ready - start) * 1e3, "perception": (time.perf_counter() - ready) * 1e3}
        return Estimate(twin, frame, spent, self._warnings(frame), begun_anew)

    def warm_up(self) -> None:
        """Loads what the first picture would wait for, where the perceiver can."""
        if isinstance(self._perceiver, WarmsUp):
            self._perceiver.warm_up()

    def next_sequence(self) -> int:
        self._sequence += 1
        return self._sequence

    def forget(self) -> bool:
        """The next picture begins a new twin; whether there was one."""
        had, self._twin = self._twin is not None, None
        return had

    @property
    def words(self) -> tuple[str, ...]:
        """What perception was asked to look for, beside its own words."""
        return self._vocabulary.words

    @property
    def score_threshold(self) -> float:
        """The score from which on perception reports a thing; 0: it holds nothing back."""
        return float(getattr(self._perceiver, "score_threshold", 0.0))

    @property
    def takes_words(self) -> bool:
        """Whether perception can be asked to look for words."""
        return not self._vocabulary.closed

    def set_vocabulary(
        self, words: Sequence[str], add: bool = False, asked: bool = False
    ) -> tuple[tuple[str, ...], int]:
        """Words to look for; those that are new, and the number of the newest twin: later ones are made with them.

        asked: they are words of a question. Raises ConfigError.
        """
        given = [word for word in words if word.strip()]
        new = self._vocabulary.ask(given) if asked else self._vocabulary.set(given, add)
        if new and self._twin is not None:
            self._twin = with_new_words(self._twin)
        return new, self._sequence

    def age_s(self) -> float:
        """Seconds since the newest twin was made; infinite before the first."""
        return self._now() - self._made_at

    @property
    def newest(self) -> DigitalTwin | None:
        """The twin of the last picture that could be used."""
        return self._twin

    @property
    def objects(self) -> int:
        """Instances in the newest twin, also those out of view."""
        twin = self._twin
        return len(twin.instances) if twin is not None else 0

    def _warnings(self, frame: Frame) -> tuple[str, ...]:
        if frame.depth_m is not None and self._now() - self._range_checked_at >= RANGE_CHECK_S:
            self._range_checked_at = self._now()
            self._range_warning = depth_range_warning(frame.depth_m, self._unit_m)
        alignment = self._aligner.warning if frame.depth_m is not None else ""
        return tuple(w for w in (alignment, self._range_warning) if w)
