"""Random walks through a grammar in the EBNF dialect of xgrammar: sentences that a model could write inside it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from random import Random

Writer = Callable[[Random], str]

_TOKEN = re.compile(r'\s*("(?:\\.|[^"\\])*"|\[(?:\\.|[^\]\\])*\]|\{\d+,\d+\}|[A-Za-z_]\w*|[()|?*+])')
_MOST_REPEATS = 3  # of * and +
# Candidates for negated character classes: letters, blanks, marks of the plan language and of its tags.
_CHARACTERS = "ab Z9éß .,;:'!?()|=<>/\"\\\n\t\r\u00a0\u2028\u3000\x00\x7f²"


class Walker:
    """Writes random sentences of one grammar.

    Rules are likelier than literals beside them, and few repeats likelier than many: so more steps find something.
    """

    def __init__(self, grammar: str) -> None:
        self._rules: dict[str, Writer] = {}
        for line in grammar.splitlines():
            name, _, body = line.partition(" ::= ")
            self._rules[name] = self._compiled(_tokens(body))

    def sentence(self, random: Random) -> str:
        return self._rules["root"](random)

    def _compiled(self, tokens: list[str]) -> Writer:
        writer = self._alternatives(tokens)
        assert not tokens, f"not understood: {tokens}"
        return writer

    def _alternatives(self, tokens: list[str]) -> Writer:
        choices: list[Writer] = []
        while not choices or tokens[:1] == ["|"]:
            if choices:
                tokens.pop(0)
            is_rule = tokens[0].isidentifier()
            choices += [self._sequence(tokens)] * (8 if is_rule else 1)
        return choices[0] if len(choices) == 1 else lambda random: random.choice(choices)(random)

    def _sequence(self, tokens: list[str]) -> Writer:
        parts: list[Writer] = []
        while tokens and tokens[0] not in "|)":
            parts.append(self._repeated(self._single(tokens), tokens))
        return lambda random: "".join([part(random) for part in parts])

    def _single(self, tokens: list[str]) -> Writer:
        token = tokens.pop(0)
        if token == "(":
            writer = self._alternatives(tokens)
            assert tokens.pop(0) == ")"
            return writer
        if token[0] == '"':
            text = json.loads(token)
            return lambda random: text
        if token[0] == "[":
            allowed = re.compile(token)
            characters = [c for c in _CHARACTERS + "cdefghijklmnopqrstuvwxy12345678" if allowed.fullmatch(c)]
            return lambda random: random.choice(characters)
        return lambda random: self._rules[token](random)

    def _repeated(self, writer: Writer, tokens: list[str]) -> Writer:
        token = tokens[0] if tokens else ""
        if token == "?":  # mostly taken: a plan is a chain of optional steps
            tokens.pop(0)
            return lambda random: writer(random) if random.random() < 0.75 else ""
        limits = {"*": (0, _MOST_REPEATS), "+": (1, _MOST_REPEATS)}
        if token in limits:
            least, most = limits[tokens.pop(0)]
        elif token[:1] == "{":
            least, most = map(int, tokens.pop(0)[1:-1].split(","))
        else:
            return writer
        span = most + 1 - least
        return lambda random: "".join([writer(random) for _ in range(least + int(span * random.random() ** 3))])


def _tokens(body: str) -> list[str]:
    found, at = [], 0
    while at < len(body.rstrip()):
        match = _TOKEN.match(body, at)
        assert match, f"not understood: {body[at:]!r}"
        found.append(match.group(1))
        at = match.end()
    return found
