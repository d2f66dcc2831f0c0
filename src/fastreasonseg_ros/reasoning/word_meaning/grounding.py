"""Grounds a phrase in the labels in view by word lists: exact and explainable, without a model."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ...twin.types import COLORS
from . import lexicon
from .knowledge_base import FIGURATIVE_KINDS, Concept, Guess, KnowledgeBase
from .nouns import Noun, other_class_words
from .paraphrases import LOOSE_WORDS, PACKAGING, class_of_phrase, has_material, material_of_word, tag_of_phrase
from .word_forms import ALL_WORDS, WEAK, clean, content, corrected, is_plural, key, singulars, without_article, word_set

_NEED = re.compile(
    r"^((some|any)?(thing|things|object|objects|item|items|stuff|one|ones|everything) )?"
    r"(to|for|that|which|who|i|you|we|one|can|could|must|should|is|are|has|have|used|made|with|where|in which|"
    r"needs|needing|good|suitable|useful|able|meant|people) "
)
_MADE_OF = re.compile(r"\b(?:(?:made|built|consists?|consisting|formed) (?:out )?(?:of|from)|of) ([a-z ]+)$")
_LOOSE_HEADS = frozenset(LOOSE_WORDS) | {w for words in LOOSE_WORDS.values() for w in words}
_CLAUSE = re.compile(r" (?:if|when|unless|because|once) .*$")
# Tags of activities, which adjectives do not express: a clean knife is not for cleaning.
_ACTIVITIES = frozenset(("clean_with", "write_with", "sit_on", "read"))
_PLAIN = word_set(
    "big small large little tall short long old new nice empty full whole single other same clean dirty dusty shiny "
    "open closed opened unopened broken used worn folded"
)
_ANY_DEVICE = word_set("device devices equipment gear product products")


def is_need(words: str) -> bool:
    """Whether a clean phrase says what something is needed for ("to cut bread"), not what it is."""
    return bool(_NEED.match(words + " "))


@dataclass(frozen=True)
class Grounding:
    """labels: the meant labels. why: the rule's name."""

    labels: frozenset[str]
    why: str


class Grounder:
    """Grounds phrases in labels by a knowledge base and WordNet."""

    def __init__(self, nouns: Mapping[str, Noun] | None = None, guess: Guess | None = None) -> None:
        """guess: predicts attributes of a label that is not in the table (likeness.py)."""
        self.knowledge = KnowledgeBase(nouns, guess)

    def ground(self, text: str, labels: Sequence[str]) -> Grounding:
        """The labels that a phrase means."""
        words = _CLAUSE.sub("", without_article(clean(text)))
        if not words or not labels:
            return Grounding(frozenset(), "nothing")
        if all(w in ALL_WORDS for w in words.split()):
            return Grounding(frozenset(labels), "everything")
        concepts = {label: self.knowledge.of(label) for label in labels}
        found = self._ground(words, concepts)
        if found.labels or found.why == "property":
            return found
        corrected_words = self._corrected(words, concepts)
        if corrected_words != words:
            again = self._ground(corrected_words, concepts)
            if again.labels:
                return Grounding(again.labels, "spelling, " + again.why)
        return found

    def serving(self, text: str, labels: Sequence[str]) -> frozenset[str]:
        """The labels that serve a need ("something to open wine") by uses or properties; empty for other phrases."""
        words = without_article(clean(text))
        if not is_need(words):
            return frozenset()
        concepts = {label: self.knowledge.of(label) for label in labels}
        found = self._property(words, concepts) or self._use(words, concepts)
        return found.labels if found else frozenset()

    def _ground(self, words: str, concepts: Mapping[str, Concept]) -> Grounding:
        negated = re.match(
            r"^(?:(?:things?|objects?|something|everything) )?(?:that (?:is|are) )?not (?:made of )?(.+)$", words
        )
        if negated:
            inner = self._ground(negated[1], concepts)
            return Grounding(frozenset(concepts) - inner.labels, "not")
        need = is_need(words)
        named = self.knowledge.noun(words) or any(words in t.names for t in concepts.values())
        for joint in (j for j in (" or ", " and ") if j in words and not need and not named):
            parts = [self._ground(without_article(part), concepts) for part in words.split(joint)]
            if any(p.labels for p in parts):
                return Grounding(frozenset().union(*(p.labels for p in parts)), "either")
        can = words.endswith((" can", " cans"))  # the noun, not the verb
        adjective = (
            key(words) in tag_of_phrase() and not can and not named and words not in self.knowledge.class_words
        )  # "edible"
        by_property = need or adjective
        ways = [self._property, self._use, self._noun] if by_property else [self._noun, self._property, self._use]
        for way in ways:
            found = way(words, concepts)
            if found:
                return found
        known = not need and self._is_known(words)
        return Grounding(frozenset(), "absent" if known else "unknown")

    # --- nouns -------------------------------------------------------------------------------------------------

    def _noun(self, words: str, concepts: Mapping[str, Concept]) -> Grounding | None:
        """By exact label and its hyponyms; else by name, last words and class; else by contents; else loosely."""
        forms = set(singulars(words))
        exact = {label for label, t in concepts.items() if t.label in (words, *forms) or words in singulars(t.label)}
        if exact and not is_plural(words):
            kinds = {label for label, concept in concepts.items() if self._is_narrower(concept, words, forms)}
            return Grounding(frozenset(exact | kinds), "label")
        first, _, rest = words.partition(" ")
        if rest and (first in COLORS or first in _PLAIN) and not self._is_known(words):  # "red box", but not "red wine"
            return self._noun(rest, concepts)
        for why, test in (
            ("name", self._name_test(words, forms)),
            ("material and noun", self._material_test(words, concepts)),
            ("inside", self._inside_test(words, forms)),
            ("contents", self._contents_test(words)),
            ("loosely", _loose_test(forms)),
            ("narrower", self._narrower_test(words)),
            ("borrowed", self._figurative_test(forms)),
        ):
            found = {label for label, concept in concepts.items() if test(concept)} if test else set()
            if found or exact:
                if why == "name" and forms & _LOOSE_HEADS:  # "box": labels that contain "box" before hyponyms
                    found = {x for x in found if forms & (concepts[x].heads | concepts[x].names)} or found
                return Grounding(frozenset(found | exact), why)
        return self._noun(rest, concepts) if rest and (first in COLORS or first in _PLAIN) else None

    def _name_test(self, words: str, forms: set[str]) -> Callable[[Concept], bool]:
        wanted = forms | {w for form in forms for w in other_class_words(form)} | {words}
        in_classes = any(form in self.knowledge.class_words for form in wanted)

        def test(concept: Concept) -> bool:
            if wanted & concept.names or wanted & concept.kinds:
                return True
            if wanted & concept.heads:
                return not self._is_figurative(concept, wanted)
            if self.knowledge.noun(concept.label) and in_classes:
                return False  # classes of the table's nouns are complete
            return any(lexicon.is_kind(concept.label, form) for form in forms)

        return test

    def _is_narrower(self, concept: Concept, words: str, forms: set[str]) -> bool:
        """Whether the concept is a hyponym of the words: a cereal box is a box, a sparrow is a bird.

        For a concept of the table its classes decide: a magnifying glass is not a glass. Words for vessels and packages
        are interchangeable (LOOSE_WORDS), so if a cup is in view, "cup" does not mean a mug; a teacup it does.
        """
        wanted = forms | {words}
        if wanted & concept.heads:
            if self.knowledge.noun(concept.label):
                return bool(wanted & (concept.kinds | concept.names))
            return not self._is_figurative(concept, wanted)
        if concept.label.endswith(tuple(forms)) and any(lexicon.is_kind(concept.label, form) for form in forms):
            return True
        return bool(wanted & concept.kinds) and not wanted & concept.names and not forms & _LOOSE_HEADS

    def _is_figurative(self, concept: Concept, wanted: set[str]) -> bool:
        """Whether the head word is figurative: a hot dog is not a dog, since not an animal; a tea towel is one."""
        if not concept.known:
            return False
        meant = frozenset(k for head in wanted & concept.heads for k in self.knowledge.known_words(head) or ())
        return any(kind in meant and kind not in concept.kinds for kind in FIGURATIVE_KINDS)

    def _figurative_test(self, forms: set[str]) -> Callable[[Concept], bool]:
        """'duck' if only a rubber duck is in view; not for food."""
        return lambda t: bool(forms & t.heads) and "food" not in t.kinds

    def _material_test(self, words: str, concepts: Mapping[str, Concept]) -> Callable[[Concept], bool] | None:
        """'metal spoon': matches the noun and the material."""
        first, _, rest = words.partition(" ")
        material = material_of_word().get(first)
        if not material or not rest or all(w in ALL_WORDS for w in rest.split()):
            return None
        inner = self._noun(rest, concepts)
        return (lambda t: t.label in {concepts[x].label for x in inner.labels} and t.is_of(material)) if inner else None

    def _inside_test(self, words: str, forms: set[str]) -> Callable[[Concept], bool]:
        """'tea' for a tea box and a tea tin, 'medicine' for an aspirin bottle."""
        concept = self.knowledge.of(words)
        contents = forms | {words} | (concept.names if concept.known else set())
        contents |= {f for w in tuple(contents) for f in _OTHER_CONTENTS.get(w, ())}

        def test(t: Concept) -> bool:
            return bool(contents & t.inside) or any(
                contents & (self.knowledge.known_words(w) or set()) for w in t.inside
            )

        return test

    def _contents_test(self, words: str) -> Callable[[Concept], bool] | None:
        """'packet of tea', 'tin with biscuits': matches the contents, independent of the word for the package."""
        match = _PACKAGE_OF.match(words)
        if not match or not PACKAGING & {match[1], *singulars(match[1])}:
            return None
        return self._inside_test(match[2], set(singulars(match[2])))

    def _narrower_test(self, words: str) -> Callable[[Concept], bool]:
        """'labrador' if only a dog is in view, 'coffee mug' if only a mug is."""
        concept = self.knowledge.of(words)
        return lambda t: t.known and t.label in concept.kinds | concept.heads and self._agrees(concept, t)

    def _agrees(self, query: Concept, visible: Concept) -> bool:
        if visible.label in query.kinds or not query.known:
            return True
        return bool((query.kinds | query.names) & (visible.kinds | visible.names))

    # --- properties, materials, uses ---------------------------------------------------------------------------

    def _property(self, words: str, concepts: Mapping[str, Concept]) -> Grounding | None:
        made = _MADE_OF.search(words)
        plain = " ".join(w for w in words.split() if w not in ALL_WORDS and w not in _ANY_DEVICE)
        phrase = without_article(made[1]) if made else plain
        material = material_of_word().get(phrase) or material_of_word().get(phrase.removeprefix("the "))
        if material:
            exact_words = phrase if phrase in material_of_word() else material
            found = {
                x for x, t in concepts.items() if t.is_of(material) or has_material(exact_words, t.stated_material)
            }
            return Grounding(frozenset(found), "property")
        phrase = key(plain)
        if phrase in tag_of_phrase():
            tag = tag_of_phrase()[phrase]
            found = {x for x, t in concepts.items() if tag in t.tags}
            return Grounding(frozenset(found), "property")
        if phrase in class_of_phrase():
            kind = class_of_phrase()[phrase]
            found = {x for x, t in concepts.items() if kind in t.kinds or kind in t.names}
            return Grounding(frozenset(found), "property")
        first, _, rest = plain.partition(" ")
        tag = tag_of_phrase().get(key(first))
        if rest and tag and tag not in _ACTIVITIES and self._is_known(rest):
            inner = self._ground(rest, concepts)
            found = frozenset(x for x in inner.labels if tag in concepts[x].tags)
            by_use = None if found else self._use(words, concepts)  # "cut paper" is a use, not paper that is sharp
            return by_use or Grounding(found, "property")
        return None

    def _use(self, words: str, concepts: Mapping[str, Concept]) -> Grounding | None:
        """The labels with exactly this use; else those with a use that contains all of these words."""
        stems = content(words)
        if not stems:
            return None
        exact = {x for x, t in concepts.items() if stems in t.uses}
        if exact:
            return Grounding(frozenset(exact), "use")
        if len(stems) > 1:
            part = {x for x, t in concepts.items() if any(stems < use for use in t.uses)}
            if part:
                return Grounding(frozenset(part), "use")
        return None

    # --- spelling ----------------------------------------------------------------------------------------------

    def _is_known(self, words: str) -> bool:
        forms = singulars(words)
        if any(f in self.knowledge.class_words for f in (words, *forms)) or self.knowledge.noun(words):
            return True
        form = lexicon.known_form(words)
        return form is not None and not lexicon.is_mostly_abstract(form)

    def _corrected(self, words: str, concepts: Mapping[str, Concept]) -> str:
        near = {w for t in concepts.values() for name in (t.label, *t.names) for w in name.split()}
        near |= {w + "s" for w in near}
        return " ".join(
            w if w in WEAK or lexicon.known_form(w) else corrected(w, near, self._vocabulary) for w in words.split()
        )

    @cached_property
    def _vocabulary(self) -> frozenset[str]:
        """All words of the table and of the word lists, for the correction of spelling."""
        phrases = [*self.knowledge.class_words, *tag_of_phrase(), *material_of_word()]
        for noun in self.knowledge.nouns.values():
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


def _loose_test(forms: set[str]) -> Callable[[Concept], bool]:
    """'carton' for a label that ends in "box" (LOOSE_WORDS)."""
    heads = {head for head, others in LOOSE_WORDS.items() if forms & set(others)}
    return lambda t: bool(heads & (t.heads | {t.label}))
