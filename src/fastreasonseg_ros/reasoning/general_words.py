"""General words: "the box" means every label that is a kind of box, also where something is labelled just "box".

A plan picks by labels, and the one that reads like the question's word is picked alone. Here the kinds of a label that
the question uses as a general word are added to the plan, so that the trace shows them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..plan.language import Plan, Step
from ..twin.types import COLORS
from .protocol import WordMeaning
from .word_meaning import lexicon
from .word_meaning.word_forms import WEAK, clean, singulars, word_set

# Words that may stand before a noun and leave it as general as it is; "-est" and numbers in figures do so too.
PLAIN_WORDS = word_set(
    "left right upper lower top bottom front back rear middle center centre central near far other another same first "
    "second third last next big small large little tall short long wide narrow thick thin old new nice empty full open "
    "closed upright standing lying flat heavy light dark bright whole single only both two three four five six seven "
    "eight nine ten many several more most and or with without from on in into onto at off under behind beside between "
    "above below near by to than not but against across around inside outside over through toward towards "
    "take pick grab give show find bring hand pass fetch point mark select see"
)


@dataclass(frozen=True)
class Named:
    """A label that the question names. phrase: the label with the word that stands before it, where that may narrow it
    ("tea box"), else the label alone.
    """

    label: str
    phrase: str


def named_labels(question: str, labels: Sequence[str]) -> tuple[Named, ...]:
    """The labels that stand in the question, in singular or plural, the longest first: "cereal boxes" names the cereal
    box, not the box.

    >>> [n.label for n in named_labels("the red box on the cereal boxes", ("box", "cereal box", "mug"))]
    ['cereal box', 'box']
    """
    words = clean(question).split()
    free = [True] * len(words)
    found: dict[Named, None] = {}
    for label in sorted(labels, key=lambda label: -len(label.split())):
        length = len(clean(label).split())
        for start in range(len(words) - length + 1):
            part = slice(start, start + length)
            if all(free[part]) and clean(label) in singulars(" ".join(words[part])):
                free[part] = [False] * length
                before = words[start - 1] if start and free[start - 1] else ""
                found[Named(label, label if _is_plain(before) else f"{before} {label}")] = None
    return tuple(found)


def with_kinds(plan: Plan, question: str, labels: Sequence[str], meaning: WordMeaning | None) -> Plan:
    """The plan with all kinds in view of each label that it picks by and that the question uses as a general word.

    Labels that the question names by their own name are not added: "the box beside the cereal box" tells them apart.
    meaning: which labels a phrase means; without it a label's last words count ("cereal box" is a box).
    """
    named = named_labels(question, labels)
    own = {n.label for n in named}
    kinds: dict[str, list[str]] = {}
    for one in named:
        meant = _meant(one, labels, meaning)
        if one.label in meant:
            kinds.setdefault(one.label, []).extend(k for k in labels if k in meant and k not in own)
    steps = tuple(_with_kinds(step, kinds) for step in plan.steps)
    return plan if steps == plan.steps else replace(plan, steps=steps)


def _with_kinds(step: Step, kinds: dict[str, list[str]]) -> Step:
    filters = tuple(
        (key, tuple(dict.fromkeys(word for value in values for word in (value, *kinds.get(value, ())))))
        if key == "label"
        else (key, values)
        for key, values in step.filters
    )
    return replace(step, filters=filters)


def _meant(named: Named, labels: Sequence[str], meaning: WordMeaning | None) -> frozenset[str]:
    """The named label and its kinds, as far as the word before it ("tea box", "dented box") lets them be meant."""
    if meaning is not None:
        kinds = meaning.matching(named.label, labels)
        before = named.phrase.removesuffix(named.label).strip()
        if not before or lexicon.known_form(before) is None:  # what names no thing makes no compound
            return kinds
        return kinds & meaning.matching(named.phrase, labels)
    if named.phrase != named.label:  # no means to tell a tea box from a dented box
        return frozenset({named.label})
    return frozenset(k for k in labels if k == named.label or k.endswith(f" {named.label}"))


def _is_plain(word: str) -> bool:
    """Whether a word before a noun leaves it general: "the red box", "the largest box"; not "tea box"."""
    return not word or word in WEAK or word in PLAIN_WORDS or word in COLORS or word.endswith("est") or word.isdigit()
