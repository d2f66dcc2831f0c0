"""Normalisation of words: plurals, -ing forms, filler words, spelling errors.

The rules for plurals are written here because a plural may have several singulars ("dies") and all are tried, which
inflect does not give; of the knowledge table's 1,258 nouns both miss about 40 (test/reasoning/test_lexicon.py).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache

from rapidfuzz.distance import OSA

_WORD = re.compile(r"[a-z0-9]+(?:['’-][a-z0-9]+)*")
_IRREGULAR = {
    "children": "child", "mice": "mouse", "geese": "goose", "men": "man", "women": "woman", "feet": "foot",
    "teeth": "tooth", "oxen": "ox", "dice": "die", "cacti": "cactus", "fungi": "fungus", "loaves": "loaf",
    "leaves": "leaf", "knives": "knife", "shelves": "shelf", "scarves": "scarf", "wolves": "wolf", "calves": "calf",
    "halves": "half", "lives": "life", "wives": "wife", "gloves": "glove", "sleeves": "sleeve", "valves": "valve",
    "olives": "olive", "stoves": "stove", "doves": "dove", "hives": "hive", "shoes": "shoe", "potatoes": "potato",
    "tomatoes": "tomato", "mangoes": "mango", "axes": "axe", "policemen": "policeman", "firemen": "fireman",
    "buses": "bus", "gases": "gas", "lenses": "lens", "vases": "vase", "cases": "case", "suitcases": "suitcase",
    "people": "person", "persons": "person", "toothpicks": "toothpick", "clothes": "clothes", "cookies": "cookie",
    "pies": "pie", "ties": "tie", "hoodies": "hoodie", "smoothies": "smoothie", "brownies": "brownie",
    "tvs": "tv", "pcs": "pc", "cds": "cd", "lps": "lp", "acs": "ac", "ojs": "oj", "wcs": "wc",
    "beanies": "beanie", "movies": "movie", "selfies": "selfie", "walkie-talkies": "walkie-talkie",
}  # fmt: skip
_ALWAYS_PLURAL_FORM = ("glass", "gas", "bus", "lens", "dress", "grass", "moss", "compass", "mattress", "cactus", "iris")


def word_set(words: str, separator: str | None = None) -> frozenset[str]:
    """The words of a text, separated by white space or by the separator."""
    return frozenset(words.split(separator))


# Filler words, such as in "the things that I could use to ..."
WEAK = word_set(
    "a an the some any all every each no my your our his her their its this that these those which what who whose "
    "thing things something anything everything object objects item items stuff one ones kind kinds sort type types "
    "i you we they he she it people somebody someone person's me us them "
    "can could would will shall should may might do does did must be is are am was were been being has have had "
    "of for to use used using usable useful good suitable meant help helps need needs needed want let lets get gets "
    "please here there just really very quite also when while so then able works work if"
)
ALL_WORDS = word_set(
    "thing things object objects item items stuff everything one ones anything something "
    "arrival arrivals newcomer newcomers"
)


@lru_cache(8192)
def clean(text: str) -> str:
    """The words in lower case, separated by one space; hyphens and apostrophes within words are kept."""
    return " ".join(_WORD.findall(text.lower().replace("_", " ").replace("’", "'")))


def without_article(text: str) -> str:
    """'all of the mugs' -> 'mugs'; the text must be clean."""
    words = text.split()
    while len(words) > 1 and words[0] in (
        "a", "an", "the", "some", "any", "all", "every", "each", "my", "your", "our", "his", "her", "their", "this",
        "that", "these", "those", "of", "other", "another", "both", "kind", "kinds", "sort", "sorts", "type", "types",
    ):  # fmt: skip
        words = words[1:]
    return " ".join(words)


@lru_cache(8192)
def singulars(text: str) -> tuple[str, ...]:
    """Possible singulars of the last word of a clean text, then the text itself: 'tea boxes' -> 'tea box', ..."""
    *before, last = text.split(" ")
    found: list[str] = []
    if last in _IRREGULAR:
        found = [_IRREGULAR[last]]
    elif last.endswith("s") and len(last) > 3 and not last.endswith("ss") and last not in _ALWAYS_PLURAL_FORM:
        if last.endswith("ies"):
            found = [last[:-3] + "y", last[:-1]]
        elif last.endswith("ves"):
            found = [last[:-3] + "f", last[:-3] + "fe", last[:-1]]
        elif last.endswith(("ches", "shes", "xes", "sses", "zes", "oes", "uses")):
            found = [last[:-2], last[:-1]]
        elif last.endswith("ses"):
            found = [last[:-1], last[:-2]]
        else:
            found = [last[:-1]]
    return tuple(dict.fromkeys(" ".join([*before, form]) for form in [*found, last]))


def is_plural(text: str) -> bool:
    """Whether the last word looks like a plural."""
    return len(singulars(text)) > 1


_QUOTED = re.compile(r"[^\W_]+(?:['’.&/+-][^\W_]+)*")
_GLUE = ("made", "of", "is", "can", "be", "to", "for", "with")
MAX_QUOTABLE = 60


def quotable(question: str) -> tuple[str, ...]:
    """The words that a plan may quote from a question: each unchanged, in lower case, and in its base form.

    Function words of the plan language come last; only the last 60 words of a question are used.
    """
    found: dict[str, None] = {}
    for word in _QUOTED.findall(question)[-MAX_QUOTABLE:]:
        lower = word.lower()
        found.update(dict.fromkeys((word, lower, *singulars(lower))))
        for ending in ("ing", "ed"):
            rest = lower[: -len(ending)]
            if lower.endswith(ending) and len(rest) > 1:
                found.update(dict.fromkeys((rest, rest + "e", *([rest[:-1]] if rest[-1:] == rest[-2:-1] else []))))
    return (*found, *(word for word in _GLUE if word not in found))


@lru_cache(16384)
def stem(word: str) -> str:
    """Stem for comparisons: equal for 'serving', 'serves', 'served' and 'serve'; not necessarily a word."""
    word = _IRREGULAR.get(word, word)
    for ending in ("ing", "ed"):
        rest = word[: -len(ending)]
        if word.endswith(ending) and len(rest) > 2 and re.search("[aeiouy]", rest):
            word = rest[:-1] if rest[-1] == rest[-2] and rest[-1] not in "lsz" else rest
            break
    if word.endswith("ies") and len(word) > 4:
        word = word[:-3] + "y"
    elif word.endswith(("ches", "shes", "xes", "sses", "oes")):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us")) and len(word) > 3:
        word = word[:-1]
    if word.endswith("e") and len(word) > 3:
        word = word[:-1]
    return word[:-1] + "i" if word.endswith("y") and len(word) > 3 else word


@lru_cache(8192)
def key(text: str) -> str:
    """The stems of a phrase without filler words: 'things that I could drink from' -> 'drink from'."""
    return " ".join(stem(w) for w in clean(text).split() if w not in WEAK)


_PREPOSITIONS = word_set("with from on in into onto at out off up over by as and or not")


@lru_cache(16384)
def content(text: str) -> frozenset[str]:
    """The stems of content words: 'for serving soup' -> {'serv', 'soup'}."""
    return frozenset(stem(w) for w in clean(text).split() if w not in WEAK and w not in _PREPOSITIONS)


def edit_distance(a: str, b: str, limit: int = 2) -> int:
    """Damerau-Levenshtein distance (optimal string alignment); limit + 1 if it is larger than the limit."""
    return OSA.distance(a, b, score_cutoff=limit)


def corrected(word: str, near: Collection[str], known: Collection[str]) -> str:
    """Corrects a misspelt word to the nearest of `near` (1 edit, 2 from 7 letters), else of `known` (1 edit)."""
    if len(word) < 4 or word in near or word in known:
        return word
    limit = 1 if len(word) < 7 else 2
    ranked = sorted((edit_distance(word, w, limit), w) for w in near if len(w) > 3 and w[0] == word[0])
    if ranked and ranked[0][0] <= limit:
        return ranked[0][1]
    candidates = _single_edits(word) & known if isinstance(known, set | frozenset) else set()
    return min(candidates) if candidates else word


def _single_edits(word: str) -> set[str]:
    """All words at one deletion, transposition, substitution or insertion."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    cuts = [(word[:k], word[k:]) for k in range(len(word) + 1)]
    return {
        *(a + b[1:] for a, b in cuts if b),
        *(a + b[1] + b[0] + b[2:] for a, b in cuts if len(b) > 1),
        *(a + c + b[1:] for a, b in cuts if b for c in letters),
        *(a + c + b for a, b in cuts for c in letters),
    }
