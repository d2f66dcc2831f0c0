"""Questions about order: superlatives, comparatives, sides, ordinals."""

from __future__ import annotations

from .composer import Composer, Unsuitable
from .families import KEY_WORDS, ComposedQuestion, extreme, family

_ADJECTIVES = {
    "height": ("tall", "high"),
    "-height": ("low", "short"),
    "volume": ("big", "large"),
    "-volume": ("small", "little", "tiny"),
    "length": ("long",),
    "width": ("wide",),
    "-width": ("thin", "slim", "narrow"),
}
_ORDINALS = ("first", "second", "third", "fourth")
_NUMBERS = {2: "two", 3: "three"}


@family("attribute", 7)
def superlative(c: Composer) -> ComposedQuestion:
    key = c.rng.choice(list(KEY_WORDS))
    sup = c.rng.choice(KEY_WORDS[key][0])
    if c.rng.random() < 0.3:
        return ComposedQuestion(c.form("sup_all", sup=sup), extreme(c, "all", key), f"of all, the {sup}", 1)
    x = c.phrase("many")
    if key in _ADJECTIVES and c.rng.random() < 0.4:
        words = f"{c.rng.choice(_ADJECTIVES[key])} {x.words}"
        return ComposedQuestion(c.form("one", words), extreme(c, x.name, key), f"of the {x.plural}, the {sup}", 2)
    text = c.form("sup", x, sup=sup)
    return ComposedQuestion(text, extreme(c, x.name, key), f"of the {x.plural}, the {sup}", 1 if not x.implied else 2)


@family("attribute", 6)
def comparative(c: Composer) -> ComposedQuestion:
    key = c.rng.choice(list(KEY_WORDS))
    cmp = c.rng.choice(KEY_WORDS[key][1])
    if c.rng.random() < 0.2:
        x = c.phrase("one", kinds=("label", "color_label", "class"))
        y = c.phrase("one", kinds=("label", "color_label", "class"), avoid=x.ids)
        both = c.step(f"union({x.name}, {y.name})")
        text = c.form("which_of_two", x=x.words, y=y.words, cmp=cmp)
        return ComposedQuestion(text, extreme(c, both, key), f"of the {x.words} and the {y.words}, the {cmp} one", 3)
    x = c.phrase("many", kinds=("label", "class", "head", "color", "thing"))
    if len(x.ids) != 2:
        raise Unsuitable("not two")
    return ComposedQuestion(c.form("cmp2", x, cmp=cmp), extreme(c, x.name, key), f"of the two, the {cmp} one", 2)


@family("spatial", 7)
def side(c: Composer) -> ComposedQuestion:
    section, key = c.rng.choice([("side_left", "-x"), ("side_right", "x"), ("front", "-depth"), ("back", "depth")])
    x = c.phrase("many")
    words = {"-x": "leftmost", "x": "rightmost", "-depth": "nearest", "depth": "farthest"}[key]
    return ComposedQuestion(c.form(section, x), extreme(c, x.name, key), f"of the {x.plural}, the {words}", 1)


@family("spatial", 4)
def ordinal(c: Composer) -> ComposedQuestion:
    keys = {"nth_left": "x", "nth_right": "-x", "nth_near": "depth", "nth_tall": "-height", "nth_big": "-volume"}
    section = c.rng.choice(list(keys))
    x = c.phrase("many")
    k = c.rng.randrange(2, min(4, len(x.ids)) + 1)
    name = c.step(f"nth({x.name}, {k}, {keys[section]})")
    text = c.form(section, x, nth=_ORDINALS[k - 1])
    return ComposedQuestion(text, name, f"order the {x.plural}, take number {k}", 2)


@family("attribute", 3)
def top_k(c: Composer) -> ComposedQuestion:
    keys = {"top_big": "volume", "top_small": "-volume", "top_tall": "height", "top_near": "-depth", "top_left": "-x"}
    section = c.rng.choice(list(keys))
    x = c.phrase("many")
    k = c.rng.choice([2, 2, 3])
    if len(x.ids) <= k:
        raise Unsuitable("too few")
    name = c.step(f"top({x.name}, {k}, {keys[section]})")
    return ComposedQuestion(
        c.form(section, x, k=_NUMBERS[k]), name, f"the {_NUMBERS[k]} of the {x.plural} asked for", 2
    )
