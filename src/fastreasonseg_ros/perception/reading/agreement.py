"""What counts as read: words in which two readings of a thing agree, and which are long and sure enough.

A network that reads letters finds some in every pattern. Of 167 things in the Kinect scenes of OSD, two readings at
different scales agreed on 19, which all have these words on them (some misread). Digits have to be the same
in both, for "room 12" is not "room 17".
"""

from __future__ import annotations

from collections.abc import Sequence

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA

from .ocr import Line

MIN_SCORE = 0.6  # of both readings, and MIN_BEST of one of them
MIN_BEST = 0.8
MIN_LETTERS = 3  # of a word that stands alone
SAME_LINE, SAME_WORD = 82.0, 0.75  # likeness, percent and share
MAX_CHARACTERS = 200


def agreed(first: Sequence[Line], second: Sequence[Line]) -> str:
    """The text on which two readings agree, line after line; empty where there is none."""
    one, other = ([line for line in lines if line.score >= MIN_SCORE] for lines in (first, second))
    words = [(word, line.score) for line in other for word in line.text.split()]
    found = (_agreed_line(line, other) or _agreed_words(line, words) for line in one)
    return joined("", " ".join(text for text in found if text))


def joined(before: str, new: str) -> str:
    """Both texts, words that are in the first already only once: another side of a thing says more of it."""
    words = before.split()
    for word in new.split():
        if not any(_same_word(word, other) for other in words):
            words.append(word)
    return " ".join(words)[:MAX_CHARACTERS].strip()


def _agreed_line(line: Line, others: Sequence[Line]) -> str:
    """The better reading of a line as a whole, spaces aside: recognisers lose them."""
    closed = _closed(line.text)
    same = [o for o in others if max(o.score, line.score) >= MIN_BEST and _same_closed(closed, _closed(o.text))]
    best = max([line, *same], key=lambda o: (len(o.text.split()) if _closed(o.text) == closed else 0, o.score))
    return best.text if same and _letters(best.text) >= MIN_LETTERS else ""


def _agreed_words(line: Line, others: Sequence[tuple[str, float]]) -> str:
    """The words of a line that the other reading has too; short ones beside a longer one only."""
    kept = [
        word
        for word in line.text.split()
        if any(max(score, line.score) >= MIN_BEST and _same_word(word, other) for other, score in others)
    ]
    return " ".join(kept) if any(_letters(word) >= MIN_LETTERS for word in kept) else ""


def _same_closed(a: str, b: str) -> bool:
    return _digits(a) == _digits(b) and fuzz.ratio(a, b) >= SAME_LINE


def _same_word(a: str, b: str) -> bool:
    a, b = a.casefold(), b.casefold()
    if min(len(a), len(b)) < MIN_LETTERS or _digits(a) or _digits(b):
        return a == b
    return OSA.normalized_similarity(a, b) >= SAME_WORD


def _closed(text: str) -> str:
    return "".join(text.casefold().split())


def _digits(text: str) -> str:
    return "".join(c for c in text if c.isdigit())


def _letters(text: str) -> int:
    return sum(c.isalnum() for c in text)
