"""Which labels in view some words mean, as far as word lists can tell: exact and explainable, without a model."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ...twin.types import COLORS
from . import lexicon
from .knowledge_base import LENT, Guess, Thing, Things
from .nouns import Noun, other_class_words
from .paraphrases import LOOSE_WORDS, PACKAGING, class_of_phrase, has_material, material_of_word, tag_of_phrase
from .word_forms import ALL_WORDS, WEAK, clean, content, corrected, is_plural, key, singulars, without_article, word_set

_SAYS_NEED = re.compile(
    r"^((some|any)?(thing|things|object|objects|item|items|stuff|one|ones|everything) )?"
    r"(to|for|that|which|who|i|you|we|one|can|could|must|should|is|are|has|have|used|made|with|where|in which|"
    r"needs|needing|good|suitable|useful|able|meant|people) "
)
_MADE_OF = re.compile(r"\b(?:(?:made|built|consists?|consisting|formed) (?:out )?(?:of|from)|of) ([a-z ]+)$")
_LOOSE_HEADS = frozenset(LOOSE_WORDS) | {w for words in LOOSE_WORDS.values() for w in words}
_CLAUSE = re.compile(r" (?:if|when|unless|because|once) .*$")
# No adjective says these: a clean knife wipes nothing.
_DEEDS = frozenset(("clean_with", "write_with", "sit_on", "read"))
_PLAIN = word_set(
    "big small large little tall short long old new nice empty full whole single other same clean dirty dusty shiny "
    "open closed opened unopened broken used worn folded"
)
_ANY_DEVICE = word_set("device devices equipment gear product products")


@dataclass(frozen=True)
class Grounding:
    """labels: those meant. sure: whether nothing else can be meant, also where `labels` is empty. why: in one word."""

    labels: frozenset[str]
    sure: bool
    why: str


class Grounder:
    """Words to labels by one knowledge table and WordNet."""

    def __init__(self, nouns: Mapping[str, Noun] | None = None, guess: Guess | None = None) -> None:
        """guess: what a label that is not in the table is probably like (likeness.py)."""
        self.things = Things(nouns, guess)

    def ground(self, text: str, labels: Sequence[str]) -> Grounding:
        """The labels that the words mean; not sure where word lists cannot tell."""
        words = _CLAUSE.sub("", without_article(clean(text)))
        if not words or not labels:
            return Grounding(frozenset(), True, "nothing")
        if all(w in ALL_WORDS for w in words.split()):
            return Grounding(frozenset(labels), True, "everything")
        things = {label: self.things.of(label) for label in labels}
        found = self._ground(words, things)
        if found.labels or found.why == "property":
            return found
        right = self._spelt_right(words, things)
        if right != words:
            again = self._ground(right, things)
            if again.labels:
                return Grounding(again.labels, again.sure, "spelling, " + again.why)
        return found

    def serving(self, text: str, labels: Sequence[str]) -> frozenset[str]:
        """The labels that serve a need ("something to open wine") by what they are used for or are like; else none."""
        words = without_article(clean(text))
        if not _SAYS_NEED.match(words + " "):
            return frozenset()
        things = {label: self.things.of(label) for label in labels}
        found = self._property(words, things) or self._use(words, things)
        return found.labels if found else frozenset()

    def _ground(self, words: str, things: Mapping[str, Thing]) -> Grounding:
        negated = re.match(
            r"^(?:(?:things?|objects?|something|everything) )?(?:that (?:is|are) )?not (?:made of )?(.+)$", words
        )
        if negated:
            inner = self._ground(negated[1], things)
            return Grounding(frozenset(things) - inner.labels, inner.sure, "not")
        need = bool(_SAYS_NEED.match(words + " "))
        named = self.things.noun(words) or any(words in t.names for t in things.values())
        for joint in (j for j in (" or ", " and ") if j in words and not need and not named):
            parts = [self._ground(without_article(part), things) for part in words.split(joint)]
            if any(p.labels for p in parts):
                return Grounding(frozenset().union(*(p.labels for p in parts)), all(p.sure for p in parts), "either")
        can = words.endswith((" can", " cans"))  # the noun: nothing that one can do ends so
        adjective = (
            key(words) in tag_of_phrase() and not can and not named and words not in self.things.class_words
        )  # "edible"
        by_property = need or adjective
        ways = [self._property, self._use, self._noun] if by_property else [self._noun, self._property, self._use]
        for way in ways:
            found = way(words, things)
            if found:
                return found
        known = not need and self._is_known(words)
        return Grounding(frozenset(), known, "absent" if known else "unknown")

    # --- nouns -------------------------------------------------------------------------------------------------

    def _noun(self, words: str, things: Mapping[str, Thing]) -> Grounding | None:
        """By exact label and its kinds; else by name, last words and kind; else by what is inside; else loosely."""
        forms = set(singulars(words))
        exact = {label for label, t in things.items() if t.label in (words, *forms) or words in singulars(t.label)}
        if exact and not is_plural(words):
            kinds = {label for label, thing in things.items() if self._is_narrower(thing, words, forms)}
            return Grounding(frozenset(exact | kinds), True, "label")
        first, _, rest = words.partition(" ")
        if rest and (first in COLORS or first in _PLAIN) and not self._is_known(words):  # "red box", but not "red wine"
            return self._noun(rest, things)
        for why, test in (
            ("name", self._name_test(words, forms)),
            ("material and noun", self._material_test(words, things)),
            ("inside", self._inside_test(words, forms)),
            ("contents", self._contents_test(words)),
            ("loosely", _loose_test(forms)),
            ("narrower", self._narrower_test(words)),
            ("borrowed", self._borrowed_test(forms)),
        ):
            found = {label for label, thing in things.items() if test(thing)} if test else set()
            if found or exact:
                if why == "name" and forms & _LOOSE_HEADS:  # "box": what is called a box before what is one
                    found = {x for x in found if forms & (things[x].heads | things[x].names)} or found
                return Grounding(frozenset(found | exact), True, why)
        return self._noun(rest, things) if rest and (first in COLORS or first in _PLAIN) else None

    def _name_test(self, words: str, forms: set[str]) -> Callable[[Thing], bool]:
        wanted = forms | {w for form in forms for w in other_class_words(form)} | {words}
        in_classes = any(form in self.things.class_words for form in wanted)

        def test(thing: Thing) -> bool:
            if wanted & thing.names or wanted & thing.kinds:
                return True
            if wanted & thing.heads:
                return not self._borrows_its_name(thing, wanted)
            if self.things.noun(thing.label) and in_classes:
                return False  # the table's kinds are complete for its own nouns
            return any(lexicon.is_kind(thing.label, form) for form in forms)

        return test

    def _is_narrower(self, thing: Thing, words: str, forms: set[str]) -> bool:
        """Whether the thing is one kind of what the words name: a cereal box is a box, a sparrow is a bird.

        For a thing of the table its kinds decide: a magnifying glass is no glass. Words for vessels and packages are
        used for each other (LOOSE_WORDS), so beside a cup a mug is not meant; a teacup is.
        """
        wanted = forms | {words}
        if wanted & thing.heads:
            if self.things.noun(thing.label):
                return bool(wanted & (thing.kinds | thing.names))
            return not self._borrows_its_name(thing, wanted)
        if thing.label.endswith(tuple(forms)) and any(lexicon.is_kind(thing.label, form) for form in forms):
            return True
        return bool(wanted & thing.kinds) and not wanted & thing.names and not forms & _LOOSE_HEADS

    def _borrows_its_name(self, thing: Thing, wanted: set[str]) -> bool:
        """A tea towel is a towel; a hot dog is no dog, for a dog is an animal, and a hot dog is none."""
        if not thing.known:
            return False
        meant = frozenset(k for head in wanted & thing.heads for k in self.things.known_words(head) or ())
        return any(kind in meant and kind not in thing.kinds for kind in LENT)

    def _borrowed_test(self, forms: set[str]) -> Callable[[Thing], bool]:
        """'duck' where only a rubber duck is in view; what is eaten is not called by the name of an animal."""
        return lambda t: bool(forms & t.heads) and "food" not in t.kinds

    def _material_test(self, words: str, things: Mapping[str, Thing]) -> Callable[[Thing], bool] | None:
        """'metal spoon': what is meant by the noun and is of the material."""
        first, _, rest = words.partition(" ")
        material = material_of_word().get(first)
        if not material or not rest or all(w in ALL_WORDS for w in rest.split()):
            return None
        inner = self._noun(rest, things)
        return (lambda t: t.label in {things[x].label for x in inner.labels} and t.is_of(material)) if inner else None

    def _inside_test(self, words: str, forms: set[str]) -> Callable[[Thing], bool]:
        """'tea' for a tea box and a tea tin, 'medicine' for an aspirin bottle."""
        thing = self.things.of(words)
        said = forms | {words} | (thing.names if thing.known else set())
        said |= {f for w in tuple(said) for f in _OTHER_CONTENTS.get(w, ())}

        def test(t: Thing) -> bool:
            return bool(said & t.inside) or any(said & (self.things.known_words(w) or set()) for w in t.inside)

        return test

    def _contents_test(self, words: str) -> Callable[[Thing], bool] | None:
        """'packet of tea', 'tin with biscuits': what has that inside, whatever the package is called."""
        match = _PACKAGE_OF.match(words)
        if not match or not PACKAGING & {match[1], *singulars(match[1])}:
            return None
        return self._inside_test(match[2], set(singulars(match[2])))

    def _narrower_test(self, words: str) -> Callable[[Thing], bool]:
        """'labrador' where only a dog is in view, 'coffee mug' where only a mug is."""
        thing = self.things.of(words)
        return lambda t: t.known and t.label in thing.kinds | thing.heads and self._agrees(thing, t)

    def _agrees(self, said: Thing, seen: Thing) -> bool:
        if seen.label in said.kinds or not said.known:
            return True
        return bool((said.kinds | said.names) & (seen.kinds | seen.names))

    # --- properties, materials, uses ---------------------------------------------------------------------------

    def _property(self, words: str, things: Mapping[str, Thing]) -> Grounding | None:
        made = _MADE_OF.search(words)
        plain = " ".join(w for w in words.split() if w not in ALL_WORDS and w not in _ANY_DEVICE)
        said = without_article(made[1]) if made else plain
        material = material_of_word().get(said) or material_of_word().get(said.removeprefix("the "))
        if material:
            exact_words = said if said in material_of_word() else material
            found = {x for x, t in things.items() if t.is_of(material) or has_material(exact_words, t.stated_material)}
            return Grounding(frozenset(found), True, "property")
        said = key(plain)
        if said in tag_of_phrase():
            tag = tag_of_phrase()[said]
            found = {x for x, t in things.items() if tag in t.tags}
            return Grounding(frozenset(found), True, "property")
        if said in class_of_phrase():
            kind = class_of_phrase()[said]
            found = {x for x, t in things.items() if kind in t.kinds or kind in t.names}
            return Grounding(frozenset(found), True, "property")
        first, _, rest = plain.partition(" ")
        tag = tag_of_phrase().get(key(first))
        if rest and tag and tag not in _DEEDS and self._is_known(rest):
            inner = self._ground(rest, things)
            found = frozenset(x for x in inner.labels if tag in things[x].tags)
            by_use = None if found else self._use(words, things)  # "cut paper" is no paper that cuts
            return by_use or Grounding(found, inner.sure, "property")
        return None

    def _use(self, words: str, things: Mapping[str, Thing]) -> Grounding | None:
        """The things in whose uses stands just this one; else those whose use holds all these words."""
        said = content(words)
        if not said:
            return None
        exact = {x for x, t in things.items() if said in t.uses}
        if exact:
            return Grounding(frozenset(exact), True, "use")
        if len(said) > 1:
            part = {x for x, t in things.items() if any(said < use for use in t.uses)}
            if part:
                return Grounding(frozenset(part), True, "use")
        return None

    # --- spelling ----------------------------------------------------------------------------------------------

    def _is_known(self, words: str) -> bool:
        forms = singulars(words)
        if any(f in self.things.class_words for f in (words, *forms)) or self.things.noun(words):
            return True
        form = lexicon.known_form(words)
        return form is not None and not lexicon.is_mostly_abstract(form)

    def _spelt_right(self, words: str, things: Mapping[str, Thing]) -> str:
        near = {w for t in things.values() for name in (t.label, *t.names) for w in name.split()}
        near |= {w + "s" for w in near}
        return " ".join(
            w if w in WEAK or lexicon.known_form(w) else corrected(w, near, self._vocabulary) for w in words.split()
        )

    @cached_property
    def _vocabulary(self) -> frozenset[str]:
        """Words of the table and of the lists."""
        phrases = [*self.things.class_words, *tag_of_phrase(), *material_of_word()]
        for noun in self.things.nouns.values():
            phrases += [noun.noun, noun.category, *noun.synonyms, *noun.is_a, *noun.uses]
        words = {w for phrase in phrases for w in clean(phrase).split() if len(w) > 2}
        return frozenset(words | {w + "s" for w in words})


_PACKAGE_OF = re.compile(r"(?:.* )?(\S+) (?:of|with|full of|for) (.+)$")
_CEREALS = ("cereal", "muesli", "granola", "cornflakes", "oats")
_OTHER_CONTENTS = {
    **dict.fromkeys(_CEREALS, _CEREALS),
    "crisp": ("chips", "chip"), "potato crisp": ("chips", "crisps"), "potato chip": ("chips", "crisps"),
    "biscuit": ("cookie",), "spaghetti": ("pasta",), "noodles": ("pasta",), "soda": ("cola", "lemonade"),
    "cat food": ("pet food",),
}  # fmt: skip


def _loose_test(forms: set[str]) -> Callable[[Thing], bool]:
    """'carton' for what is called a box."""
    heads = {head for head, others in LOOSE_WORDS.items() if forms & set(others)}
    return lambda t: bool(heads & (t.heads | {t.label}))
