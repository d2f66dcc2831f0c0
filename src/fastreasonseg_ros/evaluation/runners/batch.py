"""Thousands of questions in minutes: replies of a language model are decoded together and kept on disk.

An evaluation runs as it always does, with a model that answers from memory. What is not in memory is noted and decoded
in batches, and the evaluation runs again, until nothing is missing. So whatever path a question takes (one call, or
two where the model sees its results) is the pipeline's own, and a run that was stopped goes on where it was.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from ...errors import DatasetError, ModelError, Status
from ...reasoning.protocol import LanguageModel
from ...twin.types import Answer, DigitalTwin, Query
from .evaluate import Ask

T = TypeVar("T")
Progress = Callable[[int, int], None]


class BatchModel(LanguageModel, Protocol):
    """A language model that can also decode many replies at a time, as OpenVinoModel can."""

    def generate_batch(self, prompts: Sequence[str], grammars: Sequence[str]) -> list[str]: ...

    def count_tokens(self, text: str) -> int: ...


@dataclass(frozen=True)
class Reply:
    """What a model wrote, and how many tokens that is; problem: why it wrote nothing."""

    text: str
    tokens: int
    problem: str = ""


class Replies:
    """Replies by model, prompt and grammar, one JSON line each, on disk as soon as they are there."""

    def __init__(self, path: Path, model: str, plan_language: int = 1) -> None:
        """Reads what is there; a half-written last line is cut off. Raises DatasetError."""
        self.path, self.model, self.plan_language = path, model, plan_language
        self._kept: dict[str, Reply] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            data = path.read_bytes() if path.exists() else b""
            whole = data[: data.rfind(b"\n") + 1]
            if len(whole) != len(data):
                path.write_bytes(whole)
            for line in whole.decode().splitlines():
                row = json.loads(line)
                self._kept[row["key"]] = Reply(row["text"], row["tokens"], row["problem"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise DatasetError(f"{path}: holds no kept replies ({error}); delete it, they are made anew") from error

    def get(self, prompt: str, grammar: str) -> Reply | None:
        return self._kept.get(self._key(prompt, grammar))

    def add(self, calls: Sequence[tuple[str, str]], replies: Sequence[Reply]) -> None:
        """Raises DatasetError where they cannot be written (a full disk): what was there before stays."""
        try:
            with self.path.open("a", encoding="utf-8") as file:
                for (prompt, grammar), reply in zip(calls, replies, strict=True):
                    key = self._key(prompt, grammar)
                    self._kept[key] = reply
                    file.write(json.dumps({"key": key, **vars(reply)}, ensure_ascii=False) + "\n")
        except OSError as error:
            raise DatasetError(
                f"{self.path}: cannot be written ({error.strerror}); free some disk space and run the same command "
                "again, it goes on from here"
            ) from error

    def _key(self, prompt: str, grammar: str) -> str:
        return hashlib.sha256("\0".join((self.model, prompt, grammar)).encode()).hexdigest()[:32]


class Missing(Exception):
    """A reply that is not in memory yet; the pipeline catches no such thing."""


class FromMemory:
    """A `LanguageModel` that says again what was kept, and notes what was not. tokens: of all replies it gave."""

    def __init__(self, replies: Replies) -> None:
        self.name, self.plan_language = replies.model, replies.plan_language
        self.tokens = 0
        self.missing: dict[tuple[str, str], None] = {}
        self._replies = replies

    def generate(self, prompt: str, grammar: str, on_text: Callable[[str], bool] | None = None) -> str:
        reply = self._replies.get(prompt, grammar)
        if reply is None:
            self.missing[prompt, grammar] = None
            raise Missing
        self.tokens += reply.tokens
        if reply.problem:
            raise ModelError(reply.problem)
        return reply.text


def in_batches(
    evaluation: Callable[[Ask], T],
    asker: Callable[[LanguageModel], Ask],
    replies: Replies,
    load: Callable[[], BatchModel],
    size: int,
    progress: Progress = lambda done, total: None,
) -> tuple[T, int]:
    """What `evaluation(ask)` returns once every reply is there, and the tokens of all replies.

    It is run once more for each call of the model that a question may need. asker: from a language model to what
    answers. load: the model, called only if a reply is missing.
    """
    model: BatchModel | None = None
    while True:
        memory = FromMemory(replies)
        answer = asker(memory)

        def ask(twin: DigitalTwin, query: Query, answer: Ask = answer) -> Answer:
            try:
                return answer(twin, query)
            except Missing:
                return Answer(query, Status.NOT_READY, "its reply is decoded with others")

        result = evaluation(ask)
        if not memory.missing:
            return result, memory.tokens
        model = model or load()
        calls = list(memory.missing)
        for start in range(0, len(calls), size):
            progress(start, len(calls))
            part = calls[start : start + size]
            replies.add(part, list(_decode(model, part)))
        progress(len(calls), len(calls))


def _decode(model: BatchModel, calls: Sequence[tuple[str, str]]) -> Iterator[Reply]:
    """One reply a call; where a batch fails, each alone, so that one bad prompt costs one reply."""
    try:
        texts = model.generate_batch([prompt for prompt, _ in calls], [grammar for _, grammar in calls])
    except ModelError as error:
        if len(calls) == 1:
            yield Reply("", 0, str(error))
            return
        for call in calls:
            yield from _decode(model, [call])
        return
    for text in texts:
        yield Reply(text, model.count_tokens(text) + 1)
