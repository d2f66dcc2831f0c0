"""Builds one question with its plan: noun phrases in many wordings, each with the steps that find what they mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from ..errors import MissingDataError
from ..plan.executor import execute
from ..plan.grammar import NAMES, vocabulary
from ..plan.language import plan_word
from ..plan.parser import parse_plan
from ..reasoning.nouns import Noun
from ..twin.types import DigitalTwin, Instance
from . import english

MATERIALS = (
    "metal",
    "plastic",
    "wood",
    "glass",
    "paper",
    "ceramic",
    "leather",
    "rubber",
    "wool",
    "cardboard",
    "cotton",
)
_SHAPE_WORDS = {
    "sphere": ("round", "ball-shaped", "spherical"),
    "cylinder": ("cylindrical", "tube-shaped"),
    "box": ("box-shaped", "rectangular"),
    "flat": ("flat", "thin and flat"),
    "elongated": ("long and thin", "elongated"),
    "bowl": ("bowl-shaped",),
}


# What people call things whose label ends like this, loosely.
_LOOSE_WORDS = {
    "box": ("carton", "package", "pack", "packet", "cardboard box"),
    "tin": ("can", "canister", "container", "metal box"),
    "can": ("tin", "tube", "container"),
    "canister": ("tin", "container", "jar"),
    "container": ("tub", "vessel", "dish"),
    "bowl": ("dish", "vessel"),
    "mug": ("cup", "drinking vessel"),
    "cup": ("mug", "beaker"),
    "carton": ("box", "pack"),
    "bottle": ("flask", "vessel"),
    "book": ("volume", "paperback"),
    "bag": ("sack", "pouch"),
    "jar": ("pot", "container"),
    "pot": ("pan", "saucepan"),
    "lamp": ("light",),
    "bin": ("container", "trash can"),
    "chair": ("seat",),
    "package": ("pack", "packet", "box"),
}


class Unsuitable(Exception):
    """This scene does not allow the question that was tried; try another."""


@dataclass(frozen=True)
class NounPhrase:
    """Words without article, their plural, the value that holds what they mean, and what was inferred to get there."""

    words: str
    plural: str
    name: str
    ids: tuple[int, ...]
    inferred: str = ""


class Composer:
    """One question in the making over one twin: a growing plan, and the words so far."""

    def __init__(self, rng: Random, twin: DigitalTwin, nouns: Mapping[str, Noun], held_out: bool) -> None:
        self.rng, self.twin, self.nouns, self.held_out = rng, twin, nouns, held_out
        self.steps: dict[str, str] = {}  # expression -> name
        self.visible = [i for i in twin.instances if i.visible]
        self.labels, self.colors, _ = vocabulary(twin)
        self.inferred: list[str] = []

    def noun(self, label: str) -> Noun:
        if label not in self.nouns:
            raise Unsuitable(f"{label} is not in the knowledge table")
        return self.nouns[label]

    def form(self, section: str, x: NounPhrase | str | None = None, **slots: str) -> str:
        """A form of the section filled in; where x means less than everything, the form must say so."""
        form = english.pick_form(self.rng, section, self.held_out, isinstance(x, NounPhrase) and x.name != "all")
        if form is None:
            raise Unsuitable(f"no form of {section} names what is asked for")
        if x is not None:
            words = x if isinstance(x, str) else x.words
            slots |= {"x": words, "xs": english.plural(words), "a_x": english.a(words)}
        return form.format(**slots)

    def step(self, expression: str) -> str:
        """Adds a step, or gives the name of the one that is there already."""
        if expression not in self.steps:
            if len(self.steps) == len(NAMES):
                raise Unsuitable("too many steps")
            self.steps[expression] = NAMES[len(self.steps)]
        return self.steps[expression]

    def plan_text(self) -> str:
        return "\n".join(f"{name} = {expression}" for expression, name in self.steps.items())

    def ids(self, name: str) -> tuple[int, ...]:
        """What a value holds, by executing the plan so far."""
        if name in ("all", "gone"):
            return tuple(i.id for i in self.twin.instances if i.visible == (name == "all"))
        try:
            return execute(parse_plan(self.plan_text(), name), self.twin).ids
        except MissingDataError as error:
            raise Unsuitable(str(error)) from error

    def phrase(self, size: str = "any", kinds: Sequence[str] = (), avoid: Sequence[int] = ()) -> NounPhrase:
        """A noun phrase that means one thing ('one'), several ('many') or either, none of them in `avoid`."""
        weights = {"label": 40, "color_label": 16, "class": 14, "use": 8, "color": 10, "thing": 10, "head": 12}
        chosen = {k: w for k, w in weights.items() if not kinds or k in kinds}
        for _ in range(12):
            kind = self.rng.choices(list(chosen), list(chosen.values()))[0]
            before = dict(self.steps)
            try:
                made = getattr(self, f"_{kind}")()
                fits = {"one": len(made.ids) == 1, "many": len(made.ids) > 1, "any": bool(made.ids)}[size]
                if fits and not set(made.ids) & set(avoid):
                    if made.inferred:
                        self.inferred.append(made.inferred)
                    return made
            except Unsuitable:
                pass
            self.steps = before
        raise Unsuitable("no noun phrase fits")

    def _some(self) -> Instance:
        if not self.visible:
            raise Unsuitable("nothing in view")
        return self.rng.choice(self.visible)

    def _made(self, words: str, expression: str, inferred: str = "") -> NounPhrase:
        name = "all" if expression == "all" else self.step(expression)
        return NounPhrase(words, english.plural(words), name, self.ids(name), inferred)

    def _label(self) -> NounPhrase:
        label = self._some().label
        noun = self.nouns.get(label)
        if noun and noun.synonyms and self.rng.random() < 0.25:
            synonym = self.rng.choice(noun.synonyms)
            return self._made(synonym, f"find(label={plan_word(label)})", f"{synonym} is {label}")
        return self._made(label, f"find(label={plan_word(label)})")

    def _color_label(self) -> NounPhrase:
        i = self._some()
        if not i.color:
            raise Unsuitable("no colour")
        return self._made(f"{i.color} {i.label}", f"find(label={plan_word(i.label)}, color={i.color})")

    def _color(self) -> NounPhrase:
        color = self._some().color
        return self._made(f"{color} {self.rng.choice(['thing', 'one', 'object', 'item'])}", f"find(color={color})")

    def _thing(self) -> NounPhrase:
        return self._made(self.rng.choice(["thing", "object", "item", "one"]), "all")

    def _head(self) -> NounPhrase:
        """'box' for tea boxes and cereal boxes."""
        words = self._some().label.split()
        if len(words) < 2:
            raise Unsuitable("one word only")
        fitting = [label for label in self.labels if label.split()[-1] == words[-1]]
        said = words[-1]
        if said in _LOOSE_WORDS and self.rng.random() < 0.35:
            said = self.rng.choice(_LOOSE_WORDS[said])
        inferred = f"{said}: {', '.join(fitting)}" if said != words[-1] or len(fitting) > 1 else ""
        return self._colored(said, f"find(label={'|'.join(fitting)})", inferred, 0.5)

    def _colored(self, words: str, find: str, inferred: str, chance: float) -> NounPhrase:
        """The same find, with the colour of one of its members put in by chance."""
        if self.rng.random() < chance:
            plain = execute(parse_plan(f"a = {find}"), self.twin).ids
            color = self.twin.instance(self.rng.choice(plain)).color if plain else None
            if color:
                return self._made(f"{color} {words}", f"{find[:-1]}, color={color})", inferred)
        return self._made(words, find, inferred)

    def _class(self) -> NounPhrase:
        noun = self.noun(self._some().label)
        word = self.rng.choice(noun.is_a)
        return self.of_class(word)

    def of_class(self, word: str) -> NounPhrase:
        """Everything in view that is a `word`."""
        return self.of_kind(word, lambda n: word in n.is_a or word == n.category, f"{word}: {{}}", 0.25)

    def of_kind(self, word: str, test: Callable[[Noun], bool], inferred: str, color_chance: float = 0.0) -> NounPhrase:
        """What passes the test of the knowledge table, found by naming its labels."""
        seen = dict.fromkeys(i.label for i in self.visible)
        fitting = [label for label in seen if label == word or (label in self.nouns and test(self.nouns[label]))]
        if not fitting or len(fitting) > 6:
            raise Unsuitable("none or too many of that kind")
        expression = f"find(label={'|'.join(plan_word(x) for x in fitting)})"
        return self._colored(word, expression, inferred.format(", ".join(fitting)), color_chance)

    def _use(self) -> NounPhrase:
        label = self._some().label
        use = self.rng.choice(self.noun(label).uses)
        words = self.rng.choice([f"thing for {english.gerund(use)}", f"thing you {use} with", f"thing to {use} with"])
        return self._made(words, f"find(label={plan_word(label)})", f"to {use}, a {label}")

    def shape_word(self, shape: str) -> str:
        if shape not in _SHAPE_WORDS:
            raise Unsuitable("no word for that shape")
        return self.rng.choice(_SHAPE_WORDS[shape])
