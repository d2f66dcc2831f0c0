"""Knowledge about the concept of a label: from the knowledge table, WordNet, or the label's last words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, replace
from functools import lru_cache

from . import lexicon
from .likeness import MATERIAL, TAG
from .nouns import Noun, class_words, load_nouns, other_class_words, wider_classes
from .paraphrases import PACKAGING, has_material, material_of_word
from .word_forms import ALL_WORDS, clean, content, singulars

# Tags of the members of a class, for concepts that are not in the table.
_TAGS_OF_KINDS = {
    "food": ("edible",), "animal": ("alive", "animal"), "plant": ("alive",), "person": ("alive", "person"),
    "drink": ("drinkable",), "electronic device": ("electronic",), "electronic equipment": ("electronic",),
    "electrical appliance": ("electronic",), "home appliance": ("electronic",), "clothing": ("wearable",),
    "footwear": ("wearable",), "headdress": ("wearable",), "container": ("container",), "seat": ("sit_on",),
    "vessel": ("holds_liquid",), "toy": ("toy",), "plaything": ("toy",), "vehicle": ("vehicle",), "book": ("read",),
    "cutting implement": ("sharp",), "edge tool": ("sharp",), "lamp": ("light_source",), "jewelry": ("wearable",),
    "source of illumination": ("light_source",), "writing implement": ("write_with",), "glassware": ("fragile",),
    "ball": ("rolls", "round"), "wheeled vehicle": ("rolls",), "cleaning implement": ("clean_with",),
}  # fmt: skip
_NEAR_STEPS = 2
_NOT_INHERITED = {"heavy", "graspable", "cold"}


# Classes whose words are used figuratively for others: rubber duck, computer mouse, hot dog, toy car, desk organizer.
FIGURATIVE_KINDS = ("animal", "person", "food", "vehicle", "musical instrument", "plant", "living thing")
Guess = Callable[[str, bool], Set[str]]


@dataclass(frozen=True)
class Concept:
    """The concept of a label. names: its synonyms. kinds: its hypernyms. heads: last words of the label.

    inside: contents of a packaging. stated_material: as in the table. uses: word stems of each use. known: whether it
    was found in the table or WordNet, so that kinds are valid.
    """

    label: str
    names: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    heads: frozenset[str] = frozenset()
    inside: frozenset[str] = frozenset()
    stated_material: str = ""
    tags: frozenset[str] = frozenset()
    uses: tuple[frozenset[str], ...] = ()
    known: bool = False

    def is_of(self, material: str) -> bool:
        return has_material(material, self.stated_material)


class KnowledgeBase:
    """Concepts by label, from a table of nouns."""

    def __init__(self, nouns: Mapping[str, Noun] | None = None, guess: Guess | None = None) -> None:
        """guess: predicts attributes of a label that is not in the table (likeness.py)."""
        self.nouns = load_nouns() if nouns is None else nouns
        self._guess = guess
        self._index: dict[str, Noun] = {}
        for noun in reversed(list(self.nouns.values())):
            self._index |= {clean(s): noun for s in noun.synonyms}
        self._index |= {clean(name): noun for name, noun in self.nouns.items()}
        self.of = lru_cache(2048)(self._of)
        used = {w for noun in self.nouns.values() for w in (noun.category, *noun.is_a)}
        self.class_words = used | class_words()

    def noun(self, text: str) -> Noun | None:
        """The noun of the table by name or synonym, in singular or plural; not by last words only."""
        for form in (text, *singulars(text)):
            if form in self._index:
                return self._index[form]
        return None

    def known_words(self, text: str) -> frozenset[str] | None:
        """Synonyms and hypernyms of a clean text, itself included; None if it is unknown."""
        concept = self.of(text)
        return concept.kinds | concept.names if concept.known else None

    def _of(self, label: str) -> Concept:
        text = clean(label)
        if text in ALL_WORDS:  # "object", perception's label for unknown objects: no attributes
            return Concept(text)
        before, of, after = text.partition(" of ")
        if of and self.noun(text) is None:  # 'box of tea' -> 'tea box'
            text = f"{singulars(after)[0]} {before}"
        words = singulars(text)[0].split() or [""]
        heads = frozenset(form for k in range(1, len(words)) for form in singulars(" ".join(words[k:])))
        noun = self.noun(text)
        concept = self._from_table(noun) if noun else self._from_wordnet(text) or self._from_tail(words)
        guessed = self._guess(text, False) if self._guess and not noun and text else frozenset()
        if self._guess and not noun and text:
            concept = self._without_figurative_kinds(concept, text)
        materials = " ".join(g.removeprefix(MATERIAL) for g in guessed if g.startswith(MATERIAL))
        return Concept(
            text,
            concept.names | set(singulars(text)) | {text},
            concept.kinds
            | {w for g in guessed if not g.startswith((TAG, MATERIAL)) for w in (g, *other_class_words(g))},
            heads,
            concept.inside | _inside(words),
            concept.stated_material if noun else _stated_materials(words) or concept.stated_material or materials,
            concept.tags | {g.removeprefix(TAG) for g in guessed if g.startswith(TAG)},
            concept.uses,
            concept.known,
        )

    def _without_figurative_kinds(self, concept: Concept, text: str) -> Concept:
        """Removes wrong classes: WordNet's organizer is a person, but `guess` excludes it for a desk organizer."""
        doubtful = [kind for kind in FIGURATIVE_KINDS if kind in concept.kinds]
        if not doubtful or not self._guess:
            return concept
        possible = self._guess(text, True)
        wrong = [kind for kind in doubtful if kind not in possible]
        if not wrong or (concept.label and "person" not in wrong):
            return concept
        return replace(concept, kinds=frozenset(), names=frozenset(), tags=frozenset(), uses=(), known=False)

    def _from_table(self, noun: Noun) -> Concept:
        names = {clean(w) for w in (noun.noun, *noun.synonyms)}
        kinds = {*noun.is_a, noun.category}
        kinds |= {w for kind in tuple(kinds) for w in other_class_words(kind)}
        inside = frozenset(w for name in names for w in _inside(name.split())) if "packaging" in kinds else frozenset()
        return Concept(
            noun.noun,
            frozenset(names),
            frozenset(kinds),
            inside=inside,
            stated_material=noun.material,
            tags=frozenset(noun.tags),
            uses=tuple(content(use) for use in noun.uses),
            known=True,
        )

    def _from_wordnet(self, text: str) -> Concept | None:
        form = lexicon.known_form(text)
        if form is None:
            return None
        sense = lexicon.senses(form)[0]
        kinds: set[str] = set()
        tags: set[str] = set()
        material, uses = "", ()
        for number, steps in sorted(lexicon.wider(sense).items(), key=lambda item: item[1]):
            words = [w for w in lexicon.synset(number)[0] if w not in lexicon.TOO_WIDE]
            kinds |= {k for w in words for k in (w, *wider_classes(w))}
            for noun in (self._index[w] for w in words if w in self._index and number in lexicon.senses(w)[:1]):
                if noun.category == "person" and steps:  # in WordNet 'boy' is a hyponym of 'man'
                    continue
                kinds |= {noun.noun, *noun.is_a, noun.category} if steps <= _NEAR_STEPS else set()
                if steps <= _NEAR_STEPS and not uses:
                    tags |= set(noun.tags) - _NOT_INHERITED
                    material, uses = material or noun.material, tuple(content(use) for use in noun.uses)
        tags |= {tag for kind in kinds for tag in _TAGS_OF_KINDS.get(kind, ())}
        names = frozenset(w for w in lexicon.synset(sense)[0])
        return Concept(
            text, names, frozenset(kinds), stated_material=material, tags=frozenset(tags), uses=uses, known=True
        )

    def _from_tail(self, words: list[str]) -> Concept:
        """By the longest known suffix: an unknown 'olive oil bottle' as 'oil bottle', then as 'bottle'."""
        for start in range(1, len(words)):
            tail = " ".join(words[start:])
            noun = self.noun(tail)
            found = self._from_table(noun) if noun else self._from_wordnet(tail)
            if found:
                return Concept(
                    "",
                    frozenset(),
                    found.kinds | found.names,
                    stated_material=found.stated_material,
                    tags=found.tags,
                    uses=found.uses,
                    known=True,
                )
        return Concept("")


def _inside(words: list[str]) -> frozenset[str]:
    """'potato crisps tube' -> {'potato crisps', 'crisps', and their singulars}; empty if it is not a packaging."""
    if len(words) < 2 or singulars(words[-1])[0] not in PACKAGING:
        return frozenset()
    return frozenset(form for k in range(len(words) - 1) for form in singulars(" ".join(words[k:-1])))


def _stated_materials(words: list[str]) -> str:
    """The materials named in a label: 'wood' of 'wooden bowl'."""
    return " ".join(material_of_word()[w] for w in words[:-1] if w in material_of_word())
