"""People's questions about other things of the same kind: nouns and colours of a scene are exchanged, for training.

A sentence is so learnt apart from the things that its writer saw, without a template. A line is kept only where text
and plan name what was exchanged in full, and where the plan finds the same things when the robot executes it.
Places stay as they are: neither prompt nor plan has any.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from ....errors import MissingDataError, PlanError
from ....plan.executor import execute
from ....plan.language import plan_word
from ....plan.parser import parse_plan
from ....plan.run import Meaning
from ....reasoning.word_meaning.nouns import Noun
from ....twin.types import COLORS, DigitalTwin, Instance
from ..questions import english

_SHARE = 0.8  # of the nouns that can be exchanged
_SIZES = (0.5, 2.0)  # of the new thing's largest extent against the old one's
_FILTER = re.compile(r"\b(label|color|accent)=([^,()]+)")
_QUOTED = re.compile(r'"([^"]*)"')
_SMALL = 3  # letters of a word that says nothing by itself


@dataclass(frozen=True)
class Exchange:
    """What stands for what, in one scene: labels, and two colours for each other."""

    nouns: Mapping[str, str]
    colors: Mapping[str, str]

    def words(self) -> Mapping[str, str]:
        """Of texts: singulars, plurals and colours, by what was there."""
        plurals = {english.plural(old): english.plural(new) for old, new in self.nouns.items()}
        return {**plurals, **self.nouns, **self.colors}

    def text(self, text: str) -> str:
        """With the exchanged words, and the articles that they need."""
        words = self.words()
        if not words:
            return text
        longest_first = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
        pattern = re.compile(rf"\b(an? )?({longest_first})\b(?!-)", re.I)

        def new(found: re.Match[str]) -> str:
            word = words[found[2].lower()]
            word = word[0].upper() + word[1:] if found[2][0].isupper() else word
            if not found[1]:
                return word
            with_article = english.a(word)
            return with_article[0].upper() + with_article[1:] if found[1][0].isupper() else with_article

        return pattern.sub(new, text)

    def step(self, step: str) -> str:
        """A step of a plan: its filters, and the words that it quotes."""
        nouns = {plan_word(old): plan_word(new) for old, new in self.nouns.items()}

        def values(found: re.Match[str]) -> str:
            known = nouns if found[1] == "label" else self.colors
            return f"{found[1]}={'|'.join(known.get(value, value) for value in found[2].split('|'))}"

        step = _FILTER.sub(values, step)
        return _QUOTED.sub(lambda found: f'"{self.text(found[1])}"', step)

    def twin(self, twin: DigitalTwin) -> DigitalTwin:
        """The same things in the same places, by their new names and colours."""
        return replace(twin, instances=tuple(self._instance(i) for i in twin.instances))

    def _instance(self, i: Instance) -> Instance:
        colors = tuple(replace(c, term=self.colors.get(c.term, c.term)) for c in i.colors)
        color = self.colors.get(i.color, i.color) if i.color else i.color
        return replace(i, label=self.nouns.get(i.label, i.label), color=color, colors=colors, alternative_labels=())


def alike(table: Mapping[str, Noun], usable: Mapping[str, Noun]) -> Mapping[str, tuple[str, ...]]:
    """For each noun of the table the usable ones of the same category, hypernyms and about the same size."""
    kinds: dict[tuple[object, ...], list[Noun]] = {}
    for noun in usable.values():
        if noun.size:
            kinds.setdefault((noun.category, noun.is_a[:2]), []).append(noun)

    def fits(own: Noun, other: Noun) -> bool:
        if other.noun == own.noun or _is_plural(own.noun) != _is_plural(other.noun):
            return False
        return _SIZES[0] <= max(other.size) / max(own.size) <= _SIZES[1]

    return {
        own.noun: tuple(n.noun for n in kinds.get((own.category, own.is_a[:2]), ()) if fits(own, n))
        for own in table.values()
        if own.size
    }


def _is_plural(noun: str) -> bool:
    """Scissors, grapes."""
    return english.plural(noun) == noun


def exchange(
    twin: DigitalTwin, table: Mapping[str, Noun], others: Mapping[str, tuple[str, ...]], rng: Random
) -> Exchange:
    """Other nouns for most things, and two colours for each other where all things that have them come in many colours.

    others: of `alike`.
    """
    labels = tuple(dict.fromkeys(i.label for i in twin.instances))
    taken, chosen = set(labels), {}
    for label in labels:
        fitting = [noun for noun in others.get(label, ()) if noun not in taken]
        part = any(f" {label} " in f" {other} " for other in labels if other != label)  # cheese, beside a cheese board
        if fitting and not part and rng.random() < _SHARE:
            chosen[label] = rng.choice(fitting)
            taken.add(chosen[label])
    seen = {c.term for i in twin.instances for c in i.colors} | {i.color for i in twin.instances if i.color}
    named = " ".join((*labels, *chosen.values())).split()
    there = Exchange(chosen, {}).twin(twin)
    free = [
        c for c in COLORS if c in seen and c not in named and _is_paint(c, (*twin.instances, *there.instances), table)
    ]
    if len(free) < 2:
        return Exchange(chosen, {})
    one, other = rng.sample(free, 2)
    return Exchange(chosen, {one: other, other: one})


def _is_paint(color: str, things: Sequence[Instance], nouns: Mapping[str, Noun]) -> bool:
    """Whether all things of this colour come in several."""
    having = [i for i in things if i.color == color or color in {c.term for c in i.colors}]
    return all((noun := nouns.get(i.label)) is not None and len(noun.colors) > 2 for i in having)


def widened(
    twin: DigitalTwin, lines: Sequence[Mapping[str, Any]], new: Exchange, meaning: Meaning
) -> tuple[DigitalTwin, list[dict[str, Any]]]:
    """The scene with other nouns and colours, and those of its questions that speak of what was exchanged."""
    there = new.twin(twin)
    return there, list(_kept(new, there, lines, meaning))


def _kept(
    new: Exchange, there: DigitalTwin, lines: Sequence[Mapping[str, Any]], meaning: Meaning
) -> Iterator[dict[str, Any]]:
    for line in lines:
        text = new.text(line["text"])
        plan = [new.step(step) for step in line["plan"]]
        if text == line["text"] or not line["ids"] or not _says_all(new, line, text):
            continue
        means = {new.text(words): [new.nouns.get(x, x) for x in fit] for words, fit in line.get("means", {}).items()}
        if any(words in means and set(fit) & set(new.nouns) for words, fit in line.get("means", {}).items()):
            continue  # whether such words fit the new thing, too, nobody has said
        try:
            found = execute(parse_plan("\n".join(plan), None), there, meaning)
        except (PlanError, MissingDataError):
            continue
        if set(found.ids) == set(line["ids"]):  # also where quoted words are taken by the robot's own word meaning
            yield {**line, "text": text, "reason": new.text(line["reason"]), "plan": plan, "means": means}


def _says_all(new: Exchange, line: Mapping[str, Any], text: str) -> bool:
    """Whether the text names in full all that the plan names and that was exchanged, and nothing is left of it."""
    said, now = _words(line["text"]), _words(text)
    for step in line["plan"]:
        for kind, values in _FILTER.findall(step):
            for value in values.split("|"):
                old = next((o for o in new.nouns if plan_word(o) == value), None) if kind == "label" else value
                if old in (new.nouns if kind == "label" else new.colors) and not _names(said, old):
                    return False
    for old, exchanged in new.nouns.items():
        left = {w for w in old.split() if len(w) > _SMALL} - set(exchanged.split())
        if any(f" {word} " in now or f" {english.plural(word)} " in now for word in left):
            return False
    return True


def _names(said: str, word: str) -> bool:
    return f" {word} " in said or f" {english.plural(word)} " in said


def _words(text: str) -> str:
    return f" {' '.join(re.findall(r'[a-z0-9-]+', text.lower()))} "
