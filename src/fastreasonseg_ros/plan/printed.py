"""Which things a phrase names by what is printed on them, by exact rules that forgive misread letters.

"The Weetabix box" names what has Weetabix printed on it and may be a box. Every word of the phrase counts: it is
printed on the thing, or is a word for the thing, or only joins the others. A word that is a label in view is that
label's: "cup" means the cups, not the noodles that say "cup" on their box.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA

from ..twin.types import COLORS, Instance
from .run import Ids, Meaning

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Letters and digits that recognisers take for each other, in words of letters only.
_ALIKE = str.maketrans("015|8", "olslb")
JOINING = _words(
    "a an the any some all every each my your our his her their its this that these those which what who whose where "
    "of for from by with without about on in to and is are was were be it i we you me us please "
    "says say saying reads reading called named titled labelled labeled marked printed written says writing text words "
    "word name brand kind"
)
# What anything that is printed on may be called, also where perception calls it otherwise.
GENERAL = _words(
    "thing object item one ones stuff product box packet pack package parcel carton container bottle can tin jar bag "
    "tube pouch sachet cup book magazine letter envelope card case"
)
LEAST_LETTERS = 3  # printed, of the whole phrase
LONG = 6  # letters from which a word is also found within others: recognisers lose spaces


def words_of(phrase: str) -> tuple[str, ...]:
    """Words of a phrase that say something, in lower case.

    >>> words_of("the parcel for Room 12")
    ('parcel', 'room', '12')
    """
    words = (word.replace("’", "'").removesuffix("'s") for word in _WORD.findall(phrase.lower()))
    return tuple(word for word in words if word not in JOINING)


@lru_cache(16384)
def is_printed(word: str, text: str) -> bool:
    """Whether the word stands in the text, also in the plural or singular, and with some letters misread.

    Words with digits and those of up to 3 letters have to be the same; up to 5 letters one may be wrong, but not the
    first; from 6 letters on one in 6, with 2 at most, also within a longer word.

    >>> is_printed("weetabix", "WEETABlX original"), is_printed("12", "Room 17"), is_printed("vision", "COMPUTERVISION")
    (True, False, True)
    """
    words = [w.lower() for w in _WORD.findall(text)]
    forms = {word, word.removesuffix("s")} if len(word) > 3 and not word.endswith("ss") else {word}
    return any(_is_printed(form, words) for form in forms)


def _is_printed(word: str, words: list[str]) -> bool:
    if len(word) <= 3 or any(c.isdigit() for c in word):
        return any(word in (w, *re.split(r"['’-]", w)) for w in words)
    word = _folded(word)
    folded = [_folded(w) for w in words]
    parts = [*folded, *(w.removesuffix("s") for w in folded)]
    if len(word) < LONG:
        return any(w[:1] == word[0] and OSA.distance(w, word, score_cutoff=1) <= 1 for w in parts)
    wrong = min(2, len(word) // 6)
    if any(OSA.distance(w, word, score_cutoff=wrong) <= wrong for w in parts):
        return True
    joined = "".join(folded)
    # One letter for another is two steps of the 2 n that partial_ratio counts in.
    return len(joined) >= len(word) and fuzz.partial_ratio(word, joined) >= 100.0 * (1.0 - 1.0 / len(word)) - 1e-6


def _folded(word: str) -> str:
    return re.sub(r"['’-]", "", word.lower()).translate(_ALIKE)


def named_by_text(phrase: str, members: Iterable[Instance], meaning: Meaning | None) -> Ids:
    """Ids of the members that the phrase names by their text, those with most of its words on them; else nothing.

    meaning: tells whether the other words mean the thing. Where they mean none, general words ("box", "one") may.
    """
    members = list(members)
    words = words_of(phrase)
    if not words or phrase.lower().startswith("not ") or not any(i.text for i in members):
        return ()
    labels = {part for i in members for part in words_of(i.label)}
    tiers: list[dict[int, int]] = [{}, {}]
    for i in (i for i in members if i.text):
        found = [word for word in words if is_printed(word, i.text)]
        own = [word for word in found if word not in labels and word.removesuffix("s") not in labels]
        rest = [word for word in words if word not in found and not (word in COLORS and word == i.color)]
        if sum(map(len, own)) < LEAST_LETTERS or any(c.isdigit() for word in rest for c in word):
            continue
        if not rest or _means(" ".join(rest), i, meaning):
            tiers[0][i.id] = len(found)
        elif all(word in GENERAL or word.removesuffix("s") in GENERAL for word in rest):
            tiers[1][i.id] = len(found)
    tier = tiers[0] or tiers[1]
    return tuple(id for id, count in tier.items() if count == max(tier.values()))


def _means(rest: str, i: Instance, meaning: Meaning | None) -> bool:
    if rest == i.label:
        return True
    return meaning is not None and bool(meaning.matching(rest, (i.label, *i.alternative_labels)))
