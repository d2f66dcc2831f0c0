"""Batched evaluation: replies of a language model are decoded in batches and cached on disk.

The evaluation runs with a model that replays cached replies. Calls that are not cached are collected and decoded in
batches, and the evaluation runs again until no reply is missing. So the pipeline itself decides which calls a question
needs (one, or two where the model sees its results), and an interrupted run resumes from the cache.
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
from .scene_state import Ask

T = TypeVar("T")
Progress = Callable[[int, int], None]


class BatchModel(LanguageModel, Protocol):
    """A language model that can also decode a batch of replies, such as OpenVinoModel."""

    def generate_batch(self, prompts: Sequence[str], grammars: Sequence[str]) -> list[str]: ...

    def count_tokens(self, text: str) -> int: ...


@dataclass(frozen=True)
class Reply:
    """A reply and its number of tokens; problem: the error message if the model failed."""

    text: str
    tokens: int
    problem: str = ""


class Replies:
    """Cache of replies by model, prompt and grammar, one JSON line each, appended to the file at once."""

    def __init__(self, path: Path, model: str, plan_language: int = 1) -> None:
        """Reads an existing file; an incomplete last line is cut off. Raises DatasetError for an invalid file."""
        self.path, self.model, self.plan_language = path, model, plan_language
        self._kept: dict[str, Reply] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            data = path.read_bytes() if path.exists() else b""
            complete = data[: data.rfind(b"\n") + 1]
            if len(complete) != len(data):
                path.write_bytes(complete)
            for line in complete.decode().splitlines():
                row = json.loads(line)
                self._kept[row["key"]] = Reply(row["text"], row["tokens"], row["problem"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise DatasetError(f"{path}: holds no kept replies ({error}); delete it, they are made anew") from error

    def get(self, prompt: str, grammar: str) -> Reply | None:
        return self._kept.get(self._key(prompt, grammar))

    def add(self, calls: Sequence[tuple[str, str]], replies: Sequence[Reply]) -> None:
        """Appends replies. Raises DatasetError if they cannot be written (disk full); earlier ones stay."""
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


class MissingReply(Exception):
    """A reply that is not cached yet; not a ReasonSegError, so that the pipeline does not catch it."""


class CachedModel:
    """A `LanguageModel` that returns cached replies and records missing ones. tokens: of all replies returned."""

    def __init__(self, replies: Replies) -> None:
        self.name, self.plan_language = replies.model, replies.plan_language
        self.tokens = 0
        self.missing: dict[tuple[str, str], None] = {}
        self._replies = replies

    def generate(self, prompt: str, grammar: str, on_text: Callable[[str], bool] | None = None) -> str:
        reply = self._replies.get(prompt, grammar)
        if reply is None:
            self.missing[prompt, grammar] = None
            raise MissingReply
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
    """The result of `evaluation(ask)` with every reply cached, and the number of tokens of all replies.

    `evaluation` runs again for each round of model calls. asker: makes `ask` from a language model. load: loads the
    model, called only if a reply is missing.
    """
    model: BatchModel | None = None
    while True:
        cached = CachedModel(replies)
        answer = asker(cached)

        def ask(twin: DigitalTwin, query: Query, answer: Ask = answer) -> Answer:
            try:
                return answer(twin, query)
            except MissingReply:
                return Answer(query, Status.NOT_READY, "its reply is decoded with others")

        result = evaluation(ask)
        if not cached.missing:
            return result, cached.tokens
        model = model or load()
        calls = list(cached.missing)
        for start in range(0, len(calls), size):
            progress(start, len(calls))
            part = calls[start : start + size]
            replies.add(part, list(_decode(model, part)))
        progress(len(calls), len(calls))


def _decode(model: BatchModel, calls: Sequence[tuple[str, str]]) -> Iterator[Reply]:
    """One reply per call; if a batch fails, calls are decoded singly, so that only the failing one has no reply."""
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
