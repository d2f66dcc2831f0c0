"""What is known of the thing that a label names: by the knowledge table, by WordNet, by the label's last words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, replace
from functools import lru_cache

from . import lexicon
from .likeness import MATERIAL, TAG
from .nouns import Noun, class_words, load_nouns, other_class_words, wider_classes
from .paraphrases import PACKAGING, has_material, material_of_word
from .word_forms import ALL_WORDS, clean, content, singulars

# What follows for the members of a kind, for things that the table does not hold.
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
_NOT_HANDED_DOWN = {"heavy", "graspable", "cold"}


# Kinds whose names are lent to other things: a rubber duck, a computer mouse, a hot dog, a toy car, a desk organizer.
LENT = ("animal", "person", "food", "vehicle", "musical instrument", "plant", "living thing")
Guess = Callable[[str, bool], Set[str]]


@dataclass(frozen=True)
class Thing:
    """A label and what it is. names: words for just this thing. kinds: wider words. heads: its last words.

    inside: what a packaging holds. stated_material: as the table says it. uses: stems of each use. known: whether
    kinds are worth anything.
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


class Things:
    """Things by label, from one knowledge table."""

    def __init__(self, nouns: Mapping[str, Noun] | None = None, guess: Guess | None = None) -> None:
        """guess: what a label that is not in the table is probably like (likeness.py)."""
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
        """The noun of the table by name or synonym, in singular or plural, without its last words alone."""
        for form in (text, *singulars(text)):
            if form in self._index:
                return self._index[form]
        return None

    def known_words(self, text: str) -> frozenset[str] | None:
        """All wider words of what a clean text names, itself included; None where nobody knows it."""
        thing = self.of(text)
        return thing.kinds | thing.names if thing.known else None

    def _of(self, label: str) -> Thing:
        text = clean(label)
        if text in ALL_WORDS:  # "object", as perception calls what it cannot name: like nothing
            return Thing(text)
        before, of, after = text.partition(" of ")
        if of and self.noun(text) is None:  # 'box of tea' -> 'tea box'
            text = f"{singulars(after)[0]} {before}"
        words = singulars(text)[0].split() or [""]
        heads = frozenset(form for k in range(1, len(words)) for form in singulars(" ".join(words[k:])))
        noun = self.noun(text)
        thing = self._from_table(noun) if noun else self._from_wordnet(text) or self._from_tail(words)
        guessed = self._guess(text, False) if self._guess and not noun and text else frozenset()
        if self._guess and not noun and text:
            thing = self._without_lent(thing, text)
        materials = " ".join(g.removeprefix(MATERIAL) for g in guessed if g.startswith(MATERIAL))
        return Thing(
            text,
            thing.names | set(singulars(text)) | {text},
            thing.kinds | {w for g in guessed if not g.startswith((TAG, MATERIAL)) for w in (g, *other_class_words(g))},
            heads,
            thing.inside | _inside(words),
            thing.stated_material if noun else _materials_said(words) or thing.stated_material or materials,
            thing.tags | {g.removeprefix(TAG) for g in guessed if g.startswith(TAG)},
            thing.uses,
            thing.known,
        )

    def _without_lent(self, thing: Thing, text: str) -> Thing:
        """A desk organizer is no person, though WordNet's organizer is one: nothing else about it is like one."""
        doubtful = [kind for kind in LENT if kind in thing.kinds]
        if not doubtful or not self._guess:
            return thing
        possible = self._guess(text, True)
        wrong = [kind for kind in doubtful if kind not in possible]
        if not wrong or (thing.label and "person" not in wrong):
            return thing
        return replace(thing, kinds=frozenset(), names=frozenset(), tags=frozenset(), uses=(), known=False)

    def _from_table(self, noun: Noun) -> Thing:
        names = {clean(w) for w in (noun.noun, *noun.synonyms)}
        kinds = {*noun.is_a, noun.category}
        kinds |= {w for kind in tuple(kinds) for w in other_class_words(kind)}
        inside = frozenset(w for name in names for w in _inside(name.split())) if "packaging" in kinds else frozenset()
        return Thing(
            noun.noun,
            frozenset(names),
            frozenset(kinds),
            inside=inside,
            stated_material=noun.material,
            tags=frozenset(noun.tags),
            uses=tuple(content(use) for use in noun.uses),
            known=True,
        )

    def _from_wordnet(self, text: str) -> Thing | None:
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
                if noun.category == "person" and steps:  # 'boy' is below 'man' for WordNet
                    continue
                kinds |= {noun.noun, *noun.is_a, noun.category} if steps <= _NEAR_STEPS else set()
                if steps <= _NEAR_STEPS and not uses:
                    tags |= set(noun.tags) - _NOT_HANDED_DOWN
                    material, uses = material or noun.material, tuple(content(use) for use in noun.uses)
        tags |= {tag for kind in kinds for tag in _TAGS_OF_KINDS.get(kind, ())}
        names = frozenset(w for w in lexicon.synset(sense)[0])
        return Thing(
            text, names, frozenset(kinds), stated_material=material, tags=frozenset(tags), uses=uses, known=True
        )

    def _from_tail(self, words: list[str]) -> Thing:
        """An unknown 'olive oil bottle' is first an 'oil bottle', then a 'bottle'."""
        for start in range(1, len(words)):
            tail = " ".join(words[start:])
            noun = self.noun(tail)
            found = self._from_table(noun) if noun else self._from_wordnet(tail)
            if found:
                return Thing(
                    "",
                    frozenset(),
                    found.kinds | found.names,
                    stated_material=found.stated_material,
                    tags=found.tags,
                    uses=found.uses,
                    known=True,
                )
        return Thing("")


def _inside(words: list[str]) -> frozenset[str]:
    """'potato crisps tube' -> {'potato crisps', 'crisps', and their singulars}; nothing where it is no packaging."""
    if len(words) < 2 or singulars(words[-1])[0] not in PACKAGING:
        return frozenset()
    return frozenset(form for k in range(len(words) - 1) for form in singulars(" ".join(words[k:-1])))


def _materials_said(words: list[str]) -> str:
    """'wooden' of 'wooden bowl'."""
    said = [material_of_word()[w] for w in words[:-1] if w in material_of_word()]
    return " ".join(said)
