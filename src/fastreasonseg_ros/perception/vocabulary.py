"""What perception is told to look for: words that were set, which stay, and words of questions, the newest of them."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import ConfigError
from .protocol import Perceiver

MOST_SET = 400
MOST_ASKED = 32
LONGEST_WORD = 60


class Vocabulary:
    """The words of one perceiver beside its own. Not thread-safe; nothing changes where a call raises.

    However many questions come, and whatever they say, at most MOST_ASKED of their words are looked for, the oldest
    forgotten first, so that a frame's cost is bounded.
    """

    def __init__(self, perceiver: Perceiver) -> None:
        """Takes back what the perceiver was told before; one with fixed words is told nothing (`closed`)."""
        self._perceiver = perceiver
        self._set: tuple[str, ...] = ()
        self._asked: tuple[str, ...] = ()
        self.closed = ""  # why the perceiver takes no words
        try:
            perceiver.set_vocabulary(())
        except ConfigError as error:
            self.closed = str(error)

    @property
    def words(self) -> tuple[str, ...]:
        """Set and asked for, in that order."""
        return tuple(dict.fromkeys((*self._set, *self._asked)))

    def set(self, words: Sequence[str], add: bool = False) -> tuple[str, ...]:
        """Looks for these, or for these too; those that were not looked for before. Raises ConfigError."""
        wanted = tuple(dict.fromkeys((*(self._set if add else ()), *map(checked_word, words))))
        if not wanted:
            raise ConfigError("set_vocabulary got no words; give the nouns to look for, for example ['mug']")
        if len(wanted) > MOST_SET:
            raise ConfigError(f"{len(wanted)} words are too many, at most {MOST_SET} are looked for; set fewer")
        return self._use(wanted, self._asked)

    def ask(self, words: Sequence[str]) -> tuple[str, ...]:
        """Looks for the words of a question too; those that were not looked for before. Raises ConfigError."""
        new = tuple(dict.fromkeys(map(checked_word, words[:MOST_ASKED])))
        old = tuple(w for w in self._asked if w not in new)
        while True:
            try:
                return self._use(self._set, (*old, *new)[-MOST_ASKED:])
            except ConfigError:
                if not old or self.closed:
                    raise
                old = old[len(old) // 2 + 1 :]  # a detector that reads fewer, as Grounding DINO

    def forget_asked(self) -> None:
        """Looks for the words of questions no more."""
        if self._asked:
            self._use(self._set, ())

    def _use(self, set_: tuple[str, ...], asked: tuple[str, ...]) -> tuple[str, ...]:
        before, words = self._known(), tuple(dict.fromkeys((*set_, *asked)))
        if self.closed or set(words) != set(self.words):
            self._perceiver.set_vocabulary(words)
        self._set, self._asked = set_, asked
        return tuple(w for w in words if w not in before)

    def _known(self) -> frozenset[str]:
        """All that is looked for, the perceiver's own words too."""
        return frozenset(self.words) | frozenset(getattr(self._perceiver, "words", ()))


def checked_word(word: str) -> str:
    """A noun as detectors read it. Raises ConfigError for what is too long, or no word."""
    plain = " ".join("".join(c if c.isalnum() or c in "-'" else " " for c in word).split()).lower()
    if not plain or len(plain) > LONGEST_WORD:
        raise ConfigError(f"{word[:80]!r} is no word to look for; give a noun of at most {LONGEST_WORD} letters")
    return plain
