"""Plans that contradict exact words of their question: by another colour, shape or label than was asked for.

A false alarm loses a right answer, so only what can be decided without knowledge of the world counts:

- the plan filters by a colour that the question does not have, and not by one that it asks for;
- the question asks for "the black object", "something black", and the plan filters by no colour at all;
- the question says "spherical", "cylindrical" or the like, and the plan filters by other shapes only;
- the question is no more than a request for a label in view ("bring me the mug"), and the plan names other labels only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..plan.grammar import Narrowed, vocabulary
from ..plan.language import Plan
from ..twin.types import COLORS, DigitalTwin
from .word_meaning.word_forms import clean, singulars, word_set

_SPELLINGS = {"grey": "gray"}
# Words for colours outside the eleven terms: which terms they mean is a judgement, so no plan contradicts them.
_OTHER_COLORS = word_set(
    "amber aqua azure beige blond blonde bronze burgundy charcoal copper coral cream crimson cyan emerald fuchsia gold "
    "golden indigo ivory khaki lavender lemon lilac lime magenta maroon mauve mint mustard navy ochre olive peach plum "
    "rose rosy ruby rust salmon sand scarlet silver silvery tan teal turquoise violet wine "
    "dark bright pale light colored coloured colorful colourful color colour colors colours"
)
_NEGATIONS = word_set(
    "not no non without except excluding but besides nor neither never isn't aren't wasn't doesn't don't won't "
    "other rather instead apart"
)
_GENERIC = word_set("object objects thing things item items one ones stuff")
_PRONOUNS = word_set("something anything everything")
_COPULAS = word_set("is are")
_INTERROGATIVES = word_set("which what who is are")
_OF_PARTS = word_set("with whose has have having")  # "the can whose lid is red"
# Words that mean one shape; "round" means several, "flat" and "long" also how a thing lies.
_SHAPES = {
    "spherical": "sphere", "ball-shaped": "sphere", "cylindrical": "cylinder", "tube-shaped": "cylinder",
    "box-shaped": "box", "bowl-shaped": "bowl", "elongated": "elongated",
}  # fmt: skip
# All that may surround the label in a plain request for it.
_REQUEST = word_set(
    "a an the any some this that these those my your our all every each of me us i we you it to for from "
    "please can could would will may might want need like d i'd i'm looking have got there here where where's is are "
    "what which who hand give bring get fetch grab take pick pass show find point mark select locate look see tell "
    "over up out at"
)


@dataclass(frozen=True)
class Contradiction:
    """message: what the question asks for and the plan does not. narrowed: what a second plan may filter by."""

    message: str
    narrowed: Narrowed


def contradiction(question: str, plan: Plan, twin: DigitalTwin) -> Contradiction | None:
    """How the plan contradicts the question; None where it does not, or where that cannot be decided."""
    if plan.is_none or not plan.steps:
        return None
    words = clean(question).split()
    labels = vocabulary(twin)[0]
    return _other_color(words, plan, labels) or _other_shape(words, plan) or _other_label(words, plan, labels)


def _other_color(words: Sequence[str], plan: Plan, labels: Sequence[str]) -> Contradiction | None:
    parts = [part for word in words for part in word.split("-")]
    if _OTHER_COLORS & {*parts} or any(part.endswith("ish") for part in parts):
        return None
    in_labels = {word for label in labels for word in label.split()}  # "orange" where one is in view
    mentioned = tuple(dict.fromkeys(c for p in parts if p not in in_labels and (c := _color(p))))
    wanted = tuple(dict.fromkeys(c for c, negated in _colors(words) if c in mentioned and not negated))
    used = {value for step in plan.steps for key, values in step.filters if key == "color" for value in values}
    missing = [c for c in wanted if c not in used and not _is_quoted(c, plan)]
    stray = sorted(used - {*mentioned})
    described = [] if used else [c for c in missing if c in _of_generic_words(words)]
    if missing and stray:
        return Contradiction(
            f"the question says {' and '.join(missing)}, the plan {' and '.join(stray)}", Narrowed(colors=mentioned)
        )
    if described:
        return Contradiction(
            f"the question asks for what is {' and '.join(described)}, the plan does not", Narrowed(colors=mentioned)
        )
    return None


def _color(word: str) -> str | None:
    word = _SPELLINGS.get(word, word)
    return word if word in COLORS else None


def _colors(words: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """Colours in order, each with whether a negation stands up to four words before it."""
    for at, word in enumerate(words):
        if color := _color(word):
            yield color, bool(_NEGATIONS & {*words[max(0, at - 4) : at]})


def _of_generic_words(words: Sequence[str]) -> set[str]:
    """Colours that are all the question says of something: "the red one", "something red", "which is red"."""
    found = set()
    of_a_part = bool(_OF_PARTS & {*words}) or words[0] not in _INTERROGATIVES
    for at, word in enumerate(words):
        before, after = words[at - 1] if at else "", words[at + 1] if at + 1 < len(words) else ""
        is_red = before in _COPULAS and not after and not of_a_part
        if (color := _color(word)) and (after in _GENERIC or before in _PRONOUNS or is_red):
            found.add(color)
    return found


def _is_quoted(color: str, plan: Plan) -> bool:
    """Whether a text or a label of the plan has the colour beside a word that means something: "red wine"."""
    texts = [arg for step in plan.steps for arg in step.args if step.operator in ("like", "look_for")]
    texts += [value for step in plan.steps for key, values in step.filters if key == "label" for value in values]
    for words in ({*clean(text).split()} - _GENERIC - _PRONOUNS for text in texts):
        colors = {word for word in words if _color(word)}
        if words - colors and color in {_color(word) for word in colors}:
            return True
    return False


def _other_shape(words: Sequence[str], plan: Plan) -> Contradiction | None:
    wanted = tuple(dict.fromkeys(_SHAPES[word] for word in words if word in _SHAPES))
    used = {value for step in plan.steps for key, values in step.filters if key == "shape" for value in values}
    if not wanted or not used or used & {*wanted} or _NEGATIONS & {*words}:
        return None
    asked, written = " and ".join(wanted), " and ".join(sorted(used))
    return Contradiction(f"the question says {asked}, the plan {written}", Narrowed(shapes=wanted))


def _other_label(words: Sequence[str], plan: Plan, labels: Sequence[str]) -> Contradiction | None:
    content = " ".join(word for word in words if word not in _REQUEST and _color(word) is None)
    asked = next((label for form in singulars(content) for label in labels if clean(label) == form), None)
    named = _named(plan)
    if asked is None or not named or any(_share_a_word(asked, text) for text in named):
        return None
    return Contradiction(
        f"the question asks for {asked}, the plan for {' and '.join(named)}", Narrowed(labels=(asked,))
    )


def _named(plan: Plan) -> tuple[str, ...]:
    """Labels that the plan filters by and texts that it asks for the meaning of."""
    texts = [value for step in plan.steps for key, values in step.filters if key == "label" for value in values]
    texts += [step.args[1].strip('"') for step in plan.steps if step.operator == "like"]
    return tuple(dict.fromkeys(texts))


def _share_a_word(a: str, b: str) -> bool:
    one, other = ({form for word in clean(text).split() for form in singulars(word)} for text in (a, b))
    return bool(one & other)
