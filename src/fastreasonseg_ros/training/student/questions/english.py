"""English surface forms: phrases/, articles, plurals, -ing forms, spelling errors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from random import Random
from zlib import crc32

import inflect

_engine = inflect.engine()
_NAMES_X = re.compile(r"\{(a_x|xs?)\}")
_POLITE = ("please ", "hey, ", "robot, ", "ok, ", "could you help? ", "excuse me, ", "quick: ", "now ", "so, ", "um, ")
_TAIL = (" please", ", thanks", " if you can", ", would you?", " right now", ", ok?", " for me", "!")
_CONTEXT = (
    "I'm in a hurry.", "Guests are coming.", "We're tidying up.", "I've just come home.", "Let's get started.",
    "Have a look around.", "I can't reach it.", "My hands are full.", "Here is the next job.", "It's getting late.",
    "There's a lot of stuff here.", "I'm not sure what we have.", "One more thing.", "Look at the table.",
    "We are packing.", "It's for a friend.", "Don't touch the rest.", "My glasses are gone.", "Careful now.",
)  # fmt: skip
_HELD_OUT_SHARE = 8


@cache
def forms(folder: str = "phrases") -> Mapping[str, tuple[str, ...]]:
    """Every section of the folder's *.txt with its forms.

    phrases/more has forms for training only, so that the held-out questions do not change when forms are added.
    """
    found: dict[str, list[str]] = {}
    section: list[str] = []
    paths = [p for p in files(__package__).joinpath(folder).iterdir() if p.name.endswith(".txt")]
    for path in sorted(paths, key=lambda p: p.name):
        for line in path.read_text(encoding="utf-8").splitlines():
            line = line.strip()
            if line.startswith("[") and line.endswith("]"):
                section = found.setdefault(line[1:-1], [])
            elif line and not line.startswith("#"):
                section.append(line)
    return {name: tuple(lines) for name, lines in found.items()}


def is_held_out(text: str) -> bool:
    """Whether a form or noun belongs to the held-out eighth; stable across machines and versions."""
    return crc32(text.encode()) % _HELD_OUT_SHARE == 0


def pick_form(rng: Random, section: str, held_out: bool, naming: bool = False) -> str | None:
    """A random form of the section from its training or its held-out share (from all if the share is empty).

    naming: only forms with {x}; None if the section has none.
    """
    lines = forms()[section]
    share = [line for line in lines if is_held_out(section + line) == held_out]
    more = () if held_out else forms("phrases/more").get(section, ())

    def fitting(lines: Iterable[str]) -> list[str]:
        return [line for line in lines if not naming or _NAMES_X.search(line)]

    choice = fitting([*share, *more]) or fitting(lines)
    return rng.choice(choice) if choice else None


def a(words: str) -> str:
    """'apple' -> 'an apple'."""
    return _engine.a(words)


@cache
def plural(words: str) -> str:
    """'tea box' -> 'tea boxes'; plurals are unchanged."""
    head = words.split()[-1]
    if head.endswith("s") and not head.endswith(("ss", "us")) and _engine.singular_noun(head):
        return words
    return _engine.plural_noun(words) or words


@cache
def gerund(phrase: str) -> str:
    """'grate cheese' -> 'grating cheese'."""
    verb, _, rest = phrase.partition(" ")
    return f"{_engine.present_participle(verb)} {rest}".strip()


def rough(rng: Random, text: str) -> str:
    """Varies a text: spelling errors, missing punctuation, politeness."""
    if rng.random() < 0.12:
        text = rng.choice(_POLITE) + text[0].lower() + text[1:]
    elif rng.random() < 0.05:
        text = f"{rng.choice(_CONTEXT)} {text[0].upper()}{text[1:]}"
    if rng.random() < 0.06:
        text = text.rstrip("?.!") + rng.choice(_TAIL)
    if rng.random() < 0.35:
        text = text.rstrip("?.!")
    if rng.random() < 0.5:
        text = text[0].upper() + text[1:]
    elif rng.random() < 0.3:
        text = text.lower()
    if text[-1].isalnum() and rng.random() < 0.3:
        text += "?" if re.match(r"(?i)(which|what|where|who|is|are|any|has|did|do|can|could|how)\b", text) else "."
    if rng.random() < 0.05:
        text = _typo(rng, text)
    return text


def _typo(rng: Random, text: str) -> str:
    long_words = [w for w in text.split() if len(w) > 4 and w.isalpha()]
    if not long_words:
        return text
    word = rng.choice(long_words)
    k = rng.randrange(1, len(word) - 2)
    wrong = rng.choice(
        [
            word[:k] + word[k + 1 :],
            word[:k] + word[k + 1] + word[k] + word[k + 2 :],
            word[:k] + word[k : k + 1] + word[k:],
        ]
    )
    return text.replace(word, wrong, 1)
