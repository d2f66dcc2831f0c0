"""Words by vote: every look at a thing votes for the words it gives, and old votes fade."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .types import NO_LABEL

OTHERS = 3  # words beside the first that a thing keeps
# Share of all evidence below which a word is no longer among the others. The least that one look can give a word of
# probability 0.05 (perception.labels) is 0.027; a single odd look among forty that agree is forgotten.
LEAST_SHARE = 0.025


def vote(votes: Mapping[str, float], word: str | None, weight: float, fade: float) -> dict[str, float]:
    """The votes after one more look that said `word`, or nothing."""
    result = _faded(votes, fade)
    if word is not None:
        result[word] = result.get(word, 0.0) + weight
    return result


def vote_others(votes: Mapping[str, float], words: Sequence[str], weight: float, fade: float) -> dict[str, float]:
    """The same for several words of one look, likeliest first: they share the weight as 1 : 1/2 : 1/3 ..."""
    result = _faded(votes, fade)
    whole = sum(1 / rank for rank in range(1, len(words) + 1))
    for rank, word in enumerate(words, 1):
        result[word] = result.get(word, 0.0) + weight / rank / whole
    return result


def winner(votes: Mapping[str, float]) -> str | None:
    return max(votes, key=votes.__getitem__) if votes else None


def others(first: Mapping[str, float], alternatives: Mapping[str, float], name: str) -> tuple[str, ...]:
    """The words with most evidence beside the name: what looks gave as their first word, or as another."""
    if not alternatives and len(first) < 2:
        return ()
    evidence = {word: first.get(word, 0.0) + alternatives.get(word, 0.0) for word in (*alternatives, *first)}
    least = LEAST_SHARE * sum(evidence.values())
    left = [word for word, value in evidence.items() if value >= least and word not in (name, NO_LABEL)]
    return tuple(sorted(left, key=lambda word: -evidence[word])[:OTHERS])


def _faded(votes: Mapping[str, float], fade: float) -> dict[str, float]:
    return {word: value * fade for word, value in votes.items() if value > 0.01}
