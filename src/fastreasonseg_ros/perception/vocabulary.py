"""Run-time vocabulary of an open-vocabulary perceiver: configured labels, and labels of the most recent questions."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import ConfigError
from .protocol import Perceiver

MOST_SET = 400
MOST_ASKED = 32
LONGEST_WORD = 60


class Vocabulary:
    """Labels of one perceiver in addition to its defaults. Not thread-safe; state is unchanged when a call raises.

    At most MOST_ASKED labels of questions are kept, oldest dropped first, so that the cost per frame is bounded.
    """

    def __init__(self, perceiver: Perceiver) -> None:
        """Clears the perceiver's additional labels; `closed` holds the reason if its vocabulary is fixed."""
        self._perceiver = perceiver
        self._set: tuple[str, ...] = ()
        self._asked: tuple[str, ...] = ()
        self.closed = ""  # why labels cannot be set; empty if they can
        try:
            perceiver.set_vocabulary(())
        except ConfigError as error:
            self.closed = str(error)

    @property
    def words(self) -> tuple[str, ...]:
        """Configured labels, then labels of questions."""
        return tuple(dict.fromkeys((*self._set, *self._asked)))

    def set(self, words: Sequence[str], add: bool = False) -> tuple[str, ...]:
        """Replaces the configured labels, or adds to them; returns the new ones. Raises ConfigError."""
        labels = tuple(dict.fromkeys((*(self._set if add else ()), *map(checked_label, words))))
        if not labels:
            raise ConfigError("set_vocabulary got no words; give the nouns to look for, for example ['mug']")
        if len(labels) > MOST_SET:
            raise ConfigError(f"{len(labels)} words are too many, at most {MOST_SET} are looked for; set fewer")
        return self._use(labels, self._asked)

    def ask(self, words: Sequence[str]) -> tuple[str, ...]:
        """Adds the labels of a question; returns the new ones. Raises ConfigError."""
        new = tuple(dict.fromkeys(map(checked_label, words[:MOST_ASKED])))
        old = tuple(w for w in self._asked if w not in new)
        while True:
            try:
                return self._use(self._set, (*old, *new)[-MOST_ASKED:])
            except ConfigError:
                if not old or self.closed:
                    raise
                old = old[len(old) // 2 + 1 :]  # for detectors with a token limit, such as Grounding DINO

    def forget_asked(self) -> None:
        """Drops the labels of questions."""
        if self._asked:
            self._use(self._set, ())

    def _use(self, set_: tuple[str, ...], asked: tuple[str, ...]) -> tuple[str, ...]:
        before, words = self._active(), tuple(dict.fromkeys((*set_, *asked)))
        if self.closed or set(words) != set(self.words):
            self._perceiver.set_vocabulary(words)
        self._set, self._asked = set_, asked
        return tuple(w for w in words if w not in before)

    def _active(self) -> frozenset[str]:
        """All active labels, including the perceiver's defaults."""
        return frozenset(self.words) | frozenset(getattr(self._perceiver, "words", ()))


def checked_label(word: str) -> str:
    """The label in lower case with letters, digits, - and ' only. Raises ConfigError if it is empty or too long."""
    plain = " ".join("".join(c if c.isalnum() or c in "-'" else " " for c in word).split()).lower()
    if not plain or len(plain) > LONGEST_WORD:
        raise ConfigError(f"{word[:80]!r} is no word to look for; give a noun of at most {LONGEST_WORD} letters")
    return plain
