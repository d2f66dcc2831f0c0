"""Builds one question with its plan: noun phrases in many wordings, each with the plan steps that resolve it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from ....errors import MissingDataError
from ....plan.executor import execute
from ....plan.grammar import NAMES, vocabulary
from ....plan.language import plan_word
from ....plan.parser import parse_plan
from ....reasoning.word_meaning.nouns import Noun
from ....reasoning.word_meaning.paraphrases import LOOSE_WORDS
from ....twin.types import DigitalTwin, Instance
from . import english

_SHAPE_WORDS = {
    "sphere": ("round", "ball-shaped", "spherical"),
    "cylinder": ("cylindrical", "tube-shaped"),
    "box": ("box-shaped", "rectangular"),
    "flat": ("flat", "thin and flat"),
    "elongated": ("long and thin", "elongated"),
    "bowl": ("bowl-shaped",),
}


# Adjectives for properties that are not in a twin; plans ignore them.
_PASSED_OVER = (
    "old", "new", "nice", "plain", "empty", "half-empty", "full", "open", "closed", "clean", "dirty", "dusty", "shiny",
    "printed", "patterned", "striped", "spotted", "worn", "broken", "expensive", "cheap", "lovely", "ugly", "simple",
    "opened", "unopened", "fancy", "cute", "modern", "used", "colourful", "smooth", "rough", "folded", "crumpled",
)  # fmt: skip
_COLOR_WORDS = {
    "gray": ("grey", "silver", "silvery", "greyish"),
    "red": ("crimson", "reddish", "scarlet", "dark red"),
    "blue": ("navy", "light blue", "dark blue", "bluish", "sky-blue"),
    "green": ("olive", "dark green", "light green", "greenish", "lime"),
    "yellow": ("golden", "yellowish", "lemon-coloured"),
    "brown": ("beige", "tan", "brownish", "chestnut"),
    "white": ("snow-white", "cream", "whitish"),
    "black": ("jet-black", "pitch-black", "dark"),
    "purple": ("violet", "lilac"),
    "pink": ("rosy", "magenta"),
    "orange": ("orange-coloured",),
}
_PACKAGES = ("box", "tin", "can", "carton", "package", "pack", "packet", "bag", "jar", "canister", "bottle", "tube")


class Unsuitable(Exception):
    """The scene does not allow this question; the caller tries another."""


@dataclass(frozen=True)
class NounPhrase:
    """Words without article, their plural, and the name of the plan value of their referents.

    implied: the words are not a label in view, so that the operator `like` has to resolve them.
    """

    words: str
    plural: str
    name: str
    ids: tuple[int, ...]
    implied: bool = False


class KnownMeaning:
    """Word meaning while composing: the labels that the composer recorded from the knowledge table."""

    def __init__(self) -> None:
        self.labels: dict[str, frozenset[str]] = {}

    def matching(self, text: str, labels: Sequence[str]) -> frozenset[str]:
        """See `plan.operations.Meaning`."""
        return self.labels[text] & frozenset(labels)


class Composer:
    """State of one question about a twin: the plan steps so far, and the reason's first parts."""

    def __init__(self, rng: Random, twin: DigitalTwin, nouns: Mapping[str, Noun], held_out: bool) -> None:
        self.rng, self.twin, self.nouns, self.held_out = rng, twin, nouns, held_out
        self.steps: dict[str, str] = {}  # expression -> name
        self.visible = [i for i in twin.instances if i.visible]
        self.labels, self.colors, _ = vocabulary(twin)
        self.meaning = KnownMeaning()
        self.first: list[str] = []  # steps before the requested objects, for the reason

    def noun(self, label: str) -> Noun:
        if label not in self.nouns:
            raise Unsuitable(f"{label} is not in the knowledge table")
        return self.nouns[label]

    def form(self, section: str, x: NounPhrase | str | None = None, **slots: str) -> str:
        """A random form of the section, filled in; the form must contain x unless x means all objects."""
        form = english.pick_form(self.rng, section, self.held_out, isinstance(x, NounPhrase) and x.name != "all")
        if form is None:
            raise Unsuitable(f"no form of {section} names what is asked for")
        if x is not None:
            words = x if isinstance(x, str) else x.words
            slots |= {"x": words, "xs": english.plural(words), "a_x": english.a(words)}
        return form.format(**slots)

    def step(self, expression: str) -> str:
        """Adds a step and returns its name; an existing step is reused."""
        if expression not in self.steps:
            if len(self.steps) == len(NAMES):
                raise Unsuitable("too many steps")
            self.steps[expression] = NAMES[len(self.steps)]
        return self.steps[expression]

    def plan_text(self) -> str:
        return "\n".join(f"{name} = {expression}" for expression, name in self.steps.items())

    def ids(self, name: str) -> tuple[int, ...]:
        """The ids of a value, by executing the plan so far."""
        if name in ("all", "gone"):
            return tuple(i.id for i in self.twin.instances if i.visible == (name == "all"))
        try:
            return execute(parse_plan(self.plan_text(), name), self.twin, self.meaning).ids
        except MissingDataError as error:
            raise Unsuitable(str(error)) from error

    def phrase(self, size: str = "any", kinds: Sequence[str] = (), avoid: Sequence[int] = ()) -> NounPhrase:
        """A noun phrase for one object ('one'), several ('many') or either, none of them in `avoid`."""
        weights = {
            "label": 40, "color_label": 16, "class": 14, "use": 8, "color": 10, "thing": 10, "head": 12, "content": 6,
        }  # fmt: skip
        chosen = {k: w for k, w in weights.items() if not kinds or k in kinds}
        for _ in range(12):
            kind = self.rng.choices(list(chosen), list(chosen.values()))[0]
            before = dict(self.steps)
            try:
                made = getattr(self, f"_{kind}")()
                fits = {"one": len(made.ids) == 1, "many": len(made.ids) > 1, "any": bool(made.ids)}[size]
                if fits and not set(made.ids) & set(avoid):
                    return made
            except Unsuitable:
                pass
            self.steps = before
        raise Unsuitable("no noun phrase fits")

    def _some(self) -> Instance:
        if not self.visible:
            raise Unsuitable("nothing in view")
        return self.rng.choice(self.visible)

    def _made(self, words: str, expression: str) -> NounPhrase:
        name = "all" if expression == "all" else self.step(expression)
        return NounPhrase(words, english.plural(words), name, self.ids(name), expression.startswith("like("))

    def like(self, words: str, fitting: Sequence[str], color: str | None = None, among: str = "all") -> str:
        """Adds a `like` step for the words, whose matching labels are `fitting`."""
        self.meaning.labels[words] = frozenset(fitting)
        return f'like({among}, "{words}"' + (f", color={color})" if color else ")")

    def _label(self) -> NounPhrase:
        label = self._some().label
        noun = self.nouns.get(label)
        if noun and noun.synonyms and self.rng.random() < 0.25:
            return self._called(self.rng.choice(noun.synonyms))
        return self._made(self._adorned(label), f"find({self._labelled(label)})")

    def _labelled(self, label: str) -> str:
        """The filter for a label. Raises Unsuitable if the label is a hypernym of another one in view: "the box" means
        the cereal box too (reasoning/general_words.py), unlike the filter.
        """
        kinds = (x for x in self.labels if x in self.nouns and label in self.nouns[x].is_a)
        if any(x.endswith(f" {plan_word(label)}") for x in self.labels) or any(kinds):
            raise Unsuitable("other labels are kinds of it")
        return f"label={plan_word(label)}"

    def _called(self, word: str) -> NounPhrase:
        """A phrase by a synonym."""
        if plan_word(word) in self.labels:
            raise Unsuitable("that word is a label of its own")
        fitting = [x for x in self.labels if x in self.nouns and word in self.nouns[x].synonyms]
        return self._colored(word, fitting, 0.25)

    def _adorned(self, words: str) -> str:
        """The words, sometimes with an adjective that is not in a twin and that plans ignore."""
        return f"{self.rng.choice(_PASSED_OVER)} {words}" if self.rng.random() < 0.06 else words

    def _color_label(self) -> NounPhrase:
        i = self._some()
        if not i.color:
            raise Unsuitable("no colour")
        color = self.rng.choice(_COLOR_WORDS.get(i.color, ())) if self.rng.random() < 0.15 else i.color
        return self._made(f"{color} {i.label}", f"find({self._labelled(i.label)}, color={i.color})")

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
        head = words[-1]
        if head in LOOSE_WORDS and self.rng.random() < 0.35:
            head = self.rng.choice(LOOSE_WORDS[head])
        if head in self.labels or (head != words[-1] and any(x.split()[-1] == head for x in self.labels)):
            raise Unsuitable("that word is another label")
        return self._colored(head, [x for x in self.labels if x.split()[-1] == words[-1]], 0.5)

    def _content(self) -> NounPhrase:
        """'tea', 'pack of tea' for a tea box."""
        what, _, head = self._some().label.rpartition(" ")
        if head not in _PACKAGES or not what or what in self.labels:
            raise Unsuitable("no package of something")
        if sum(x.rpartition(" ")[0] == what for x in self.labels) > 1:
            raise Unsuitable("several packages of it")
        loose = self.rng.choice([head, *LOOSE_WORDS.get(head, ())])
        words = self.rng.choice([what, f"{loose} of {what}", f"{loose} with {what}", f"{what} {loose}"])
        if words in self.labels:
            raise Unsuitable("the words are the label")
        return self._colored(words, [f"{what} {head}"], 0.2)

    def _colored(self, words: str, fitting: Sequence[str], chance: float) -> NounPhrase:
        """A phrase resolved by meaning; with the given chance restricted to the colour of one of its objects."""
        found = [i for i in self.visible if plan_word(i.label) in fitting]
        if not found:
            raise Unsuitable("none in view")
        color = self.rng.choice(found).color if self.rng.random() < chance else None
        return self._made(f"{color} {words}" if color else self._adorned(words), self.like(words, fitting, color))

    def _class(self) -> NounPhrase:
        return self.of_class(self.rng.choice(self.noun(self._some().label).is_a))

    def of_class(self, word: str) -> NounPhrase:
        """A phrase for all visible objects of a class."""
        if word in self.labels:
            return self._made(word, f"find({self._labelled(word)})")
        return self.of_kind(word, lambda n: word in n.is_a or word == n.category, 0.25)

    def of_kind(self, words: str, test: Callable[[Noun], bool], color_chance: float = 0.0) -> NounPhrase:
        """A phrase for the labels whose noun passes the test."""
        labels = dict.fromkeys(plan_word(i.label) for i in self.visible)
        return self._colored(words, [x for x in labels if x in self.nouns and test(self.nouns[x])], color_chance)

    def _use(self) -> NounPhrase:
        use = self.rng.choice(self.noun(self._some().label).uses)
        what = self.rng.choice(["thing", "thing", "object", "item", "one"])
        phrase, words = self.rng.choice(
            [
                (english.gerund(use), f"{what} for {english.gerund(use)}"),
                (use, f"{what} you {use} with"),
                (use, f"{what} to {use} with"),
            ]
        )
        return self._made(words, self.like(phrase, self.serving(use)))

    def serving(self, use: str) -> list[str]:
        """The labels in view that the knowledge table lists with this use."""
        return [x for x in self.labels if x in self.nouns and use in self.nouns[x].uses]

    def shape_word(self, shape: str) -> str:
        if shape not in _SHAPE_WORDS:
            raise Unsuitable("no word for that shape")
        return self.rng.choice(_SHAPE_WORDS[shape])
