"""Measures word meaning on random scenes of the knowledge table, with its entries for the labels in view and without.

    python scripts/eval_grounding.py --seed 1 --count 200

Rows: kinds of phrases; columns: the trained reader alone, word lists without WordNet, all of it. (a) The table
knows the labels. (b) Its entries for all labels in view are hidden, as for labels that nobody wrote an entry for.
"""

from __future__ import annotations

import argparse
import random
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from unittest import mock

import numpy as np

from fastreasonseg_ros.reasoning.word_meaning import lexicon, likeness, meaning
from fastreasonseg_ros.reasoning.word_meaning import paraphrases as sayings
from fastreasonseg_ros.reasoning.word_meaning.grounding import Grounder
from fastreasonseg_ros.reasoning.word_meaning.nouns import Noun, load_nouns, other_class_words
from fastreasonseg_ros.training.student.questions import english
from fastreasonseg_ros.training.student.questions.scenes import places

Case = tuple[str, frozenset[str]]


class Unsuitable(Exception):
    """The scene does not allow the phrase that was tried."""


def kinds(noun: Noun) -> set[str]:
    """All wider words of a noun."""
    words = {*noun.is_a, noun.category}
    return words | {other for word in words for other in other_class_words(word)}


def names(noun: Noun) -> set[str]:
    return {noun.noun, *noun.synonyms}


def number(rng: random.Random, words: str) -> str:
    return english.plural(words) if rng.random() < 0.5 else words


def by_class(rng: random.Random, scene: list[Noun], _: Mapping[str, Noun]) -> Case:
    word = rng.choice(sorted(kinds(rng.choice(scene)) - set(sayings.LOOSE_WORDS) - sayings.PACKAGING))
    if any(word in names(n) or (word == n.noun.split()[-1] and word not in kinds(n)) for n in scene):
        raise Unsuitable
    return number(rng, word), frozenset(n.noun for n in scene if word in kinds(n))


def by_synonym(rng: random.Random, scene: list[Noun], _: Mapping[str, Noun]) -> Case:
    noun = rng.choice([n for n in scene if n.synonyms] or [_unsuitable()])
    word = rng.choice(noun.synonyms)
    if any(n is not noun and (word in names(n) | kinds(n) or word == n.noun.split()[-1]) for n in scene):
        raise Unsuitable
    return number(rng, word), frozenset({noun.noun})


def by_head(rng: random.Random, scene: list[Noun], _: Mapping[str, Noun]) -> Case:
    word = rng.choice([n.noun.split()[-1] for n in scene if " " in n.noun] or [_unsuitable()])
    others = [n for n in scene if n.noun.split()[-1] != word]
    if any(word in kinds(n) | names(n) for n in others) or any(n.noun == word for n in scene):
        raise Unsuitable
    return number(rng, word), frozenset(n.noun for n in scene if n.noun.split()[-1] == word)


def by_loose_word(rng: random.Random, scene: list[Noun], _: Mapping[str, Noun]) -> Case:
    head = rng.choice([h for n in scene if (h := n.noun.split()[-1]) in sayings.LOOSE_WORDS] or [_unsuitable()])
    word = rng.choice(sayings.LOOSE_WORDS[head])
    if any(word in kinds(n) | names(n) or n.noun.split()[-1] == word for n in scene):
        raise Unsuitable
    heads = {h for h, others in sayings.LOOSE_WORDS.items() if word in others}
    return word, frozenset(n.noun for n in scene if n.noun.split()[-1] in heads)


def by_use(rng: random.Random, scene: list[Noun], _: Mapping[str, Noun]) -> Case:
    use = rng.choice(rng.choice(scene).uses)
    form = rng.choice(["something to {u}", "to {u}", "thing you {u} with", "for {g}", "{g}", "thing for {g}"])
    return form.format(u=use, g=english.gerund(use)), frozenset(n.noun for n in scene if use in n.uses)


def by_need(rng: random.Random, scene: list[Noun], _: Mapping[str, Noun]) -> Case:
    noun = rng.choice(scene)
    return rng.choice(noun.needs), frozenset({noun.noun})


def by_material(rng: random.Random, scene: list[Noun], _: Mapping[str, Noun]) -> Case:
    material = rng.choice(["metal", "plastic", "wood", "glass", "paper", "ceramic", "leather", "rubber", "cotton"])
    form = rng.choice(["made of {}", "things made of {}", "{} things", "thing made from {}", "{} object", "of {}"])
    fitting = frozenset(n.noun for n in scene if sayings.has_material(material, n.material))
    if not fitting:
        raise Unsuitable
    return form.format(material), fitting


def by_property(rng: random.Random, scene: list[Noun], _: Mapping[str, Noun]) -> Case:
    tag = rng.choice(sorted({t for n in scene for t in n.tags} & set(sayings.TAGS)) or [_unsuitable()])
    form = rng.choice(["{}", "something that {}", "things that {}"])
    said = rng.choice(sayings.TAGS[tag])
    return (said if said.startswith(("to ", "for ")) else form.format(said)), frozenset(
        n.noun for n in scene if tag in n.tags
    )


def absent_thing(rng: random.Random, scene: list[Noun], table: Mapping[str, Noun]) -> Case:
    noun = rng.choice(list(table.values()))
    word = rng.choice([noun.noun, noun.noun, *noun.synonyms])
    _must_not_be_there(noun, word, scene)
    return number(rng, word), frozenset()


def absent_class(rng: random.Random, scene: list[Noun], table: Mapping[str, Noun]) -> Case:
    noun = rng.choice(list(table.values()))
    word = rng.choice(noun.is_a)
    _must_not_be_there(noun, word, scene)
    if any(word.split()[-1] in names(n) | kinds(n) for n in scene):
        raise Unsuitable
    return number(rng, word), frozenset()


def misspelt(rng: random.Random, scene: list[Noun], _: Mapping[str, Noun]) -> Case:
    noun = rng.choice(scene)
    wrong = english._typo(rng, noun.noun)
    if wrong == noun.noun:
        raise Unsuitable
    return wrong, frozenset({noun.noun})


def _must_not_be_there(noun: Noun, word: str, scene: list[Noun]) -> None:
    """Nothing in view is called so, is one, has its last word, or is called by what it is one of."""
    loose = {h for h, others in sayings.LOOSE_WORDS.items() if word in others or word.split()[-1] in others}
    for n in scene:
        heads = {w.split()[-1] for w in names(n)} | {w.split()[0] for w in names(n)}
        if word in names(n) | kinds(n) or word.split()[-1] in heads | loose & heads or heads & loose:
            raise Unsuitable
        if names(n) & (names(noun) | set(noun.is_a)) or n.noun in kinds(noun):
            raise Unsuitable


def _unsuitable() -> None:
    raise Unsuitable


KINDS: dict[str, Callable[[random.Random, list[Noun], Mapping[str, Noun]], Case]] = {
    "class": by_class, "synonym": by_synonym, "head": by_head, "loose word": by_loose_word, "use": by_use,
    "material": by_material, "property": by_property, "absent thing": absent_thing, "absent class": absent_class,
    "misspelt": misspelt, "need": by_need,
}  # fmt: skip


def cases(rng: random.Random, kind: str, count: int) -> list[tuple[str, list[str], frozenset[str]]]:
    """Phrases of one kind over random scenes: words, labels in view, the right ones."""
    table = load_nouns()
    by_place = places(table)
    found = []
    while len(found) < count:
        pool = by_place[rng.choice(sorted(by_place))] if rng.random() < 0.7 else list(table.values())
        scene = rng.sample(pool, min(len(pool), rng.randint(4, 12)))
        try:
            words, right = KINDS[kind](rng, scene, table)
        except Unsuitable:
            continue
        found.append((words, [n.noun for n in scene], right))
    return found


class Hidden:
    """Grounders from which entries of the table are hidden; what is learnt is learnt without them."""

    def __init__(self, model: meaning.SentenceMeaning) -> None:
        self._table, self._likely = load_nouns(), model.config.likely
        learnt = likeness.fit(self._table, lambda names: np.concatenate([model._embedded((n,)) for n in names]))
        rows = np.stack([learnt.row(n, model._embedded((n,))[0]) for n in self._table]).astype(np.float64)
        has = np.array(
            [[o in s for o in learnt.outputs] for s in map(likeness.outputs_of, self._table.values())], float
        )
        self._inverse = np.linalg.inv(rows @ rows.T + likeness._RIDGE * np.eye(len(rows)))
        self._alpha, self._has = self._inverse @ has, has
        self._row = {name: k for k, name in enumerate(self._table)}
        self._outputs = learnt.outputs

    def grounder(self, labels: list[str]) -> Grounder:
        """As if the table had never held these labels (exact leave-several-out of ridge regression)."""
        out = [self._row[x] for x in labels]
        scores = self._has[out] - np.linalg.solve(self._inverse[np.ix_(out, out)], self._alpha[out])
        of = dict(zip(labels, scores, strict=True))

        def guess(label: str, perhaps: bool) -> frozenset[str]:
            least = self._likely / 2 if perhaps else self._likely
            return (
                frozenset(self._outputs[k] for k in np.flatnonzero(of[label] >= least)) if label in of else frozenset()
            )

        return Grounder({name: noun for name, noun in self._table.items() if name not in of}, guess)


def main() -> None:
    """Prints exact-set accuracy, and of the answers 'none' the share that is right."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=100, help="phrases of each kind")
    parser.add_argument("--kinds", nargs="*", default=list(KINDS))
    parser.add_argument("--systems", nargs="*", default=["reader", "lists", "all"])
    parser.add_argument("--likely", type=float, default=meaning.MeaningConfig().likely)
    parser.add_argument("--show", type=int, default=0, help="failures shown a cell")
    args = parser.parse_args()
    model = meaning.SentenceMeaning(replace(meaning.MeaningConfig(), likely=args.likely))
    full = Grounder()
    hidden = Hidden(model)
    score: dict[tuple[str, str, str], list[bool]] = defaultdict(list)
    none: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for kind in args.kinds:
        for words, labels, right in cases(random.Random(f"{args.seed} {kind}"), kind, args.count):
            for view in ("a", "b"):
                grounder = full if view == "a" else hidden.grounder(labels)
                hide = {} if view == "a" else {"phrases": lambda x: (x,), "wider_words": lambda x: ()}
                with mock.patch.multiple(meaning, **hide) if hide else mock.MagicMock():
                    for system in args.systems:
                        said = answer(model, grounder, system, words, labels)
                        score[kind, view, system].append(said == right)
                        if not said:
                            none[view, system].append(not right)
                        if said != right and sum(not x for x in score[kind, view, system]) <= args.show:
                            print(
                                f"  {kind}/{view}/{system}: {words!r} -> {sorted(said)}, right {sorted(right)}", end=" "
                            )
                            print("of", labels)
    columns = [(view, system) for view in ("a", "b") for system in args.systems]
    print("| phrases | " + " | ".join(f"({v}) {s}" for v, s in columns) + " |")
    print("|---" * (len(columns) + 1) + "|")
    for kind in args.kinds:
        row = [score[kind, v, s] for v, s in columns]
        print(f"| {kind} | " + " | ".join(f"{sum(x) / len(x):.2f}" for x in row) + " |")
    row = [none[c] for c in columns]
    print("| right where it says none | " + " | ".join(f"{sum(x) / max(len(x), 1):.2f}" for x in row) + " |")


def answer(model: meaning.SentenceMeaning, grounder: Grounder, system: str, words: str, labels: list[str]):
    """What one of the systems says."""
    if system == "reader":
        return model.read(words, labels)
    nothing = (
        mock.patch.object(lexicon, "_line", mock.Mock(return_value=b"")) if system == "lists" else mock.MagicMock()
    )
    with nothing:
        if system == "lists":
            for cached in (lexicon.senses, lexicon.known_form, lexicon.is_mostly_abstract):
                cached.cache_clear()
            grounder = Grounder(grounder.knowledge.nouns)  # nor guesses, which know WordNet
        model._grounder = grounder
        said = model._match(words, labels)
    if system == "lists":
        for cached in (lexicon.senses, lexicon.known_form, lexicon.is_mostly_abstract):
            cached.cache_clear()
    return said


if __name__ == "__main__":
    main()
