"""Standing questions: which there are, and a file that brings them back when their process was killed. No ROS in here.

The file lies in ROS_HOME (~/.ros), one for each node name and domain. It holds ids and texts; plans are made again.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import ReasonSegError, Status
from ..pipeline import StandingQuestion
from ..twin.types import Query

LIMIT = 32  # standing questions; each is answered for every twin


class TooManyError(ReasonSegError):
    """As many questions as are allowed stand already."""

    status = Status.BUSY


@dataclass
class Standing:
    """A question that is answered for every twin; its plan is replaced when a new one is made.

    words: what perception was asked to look for because of it.
    """

    query: Query
    question: StandingQuestion
    words: tuple[str, ...] = ()


class StandingQuestions:
    """By id, at most LIMIT. Owned by the event loop of the questions: all methods are called there.

    A place is reserved before a question is answered for the first time, so that the limit holds however many are asked
    at a time.
    """

    def __init__(self) -> None:
        self._by_id: dict[str, Standing] = {}
        self._reserved: list[str] = []

    def __len__(self) -> int:
        return len(self._by_id)

    def __contains__(self, query_id: object) -> bool:
        return query_id in self._by_id

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._by_id))

    def values(self) -> tuple[Standing, ...]:
        return tuple(self._by_id.values())

    @contextlib.contextmanager
    def reserved(self, query_id: str) -> Iterator[None]:
        """A place for that id while the block runs. Raises TooManyError."""
        if len({*self._by_id, *self._reserved, query_id}) > LIMIT:
            raise TooManyError(f"{LIMIT} questions stand already; unwatch one")
        self._reserved.append(query_id)
        try:
            yield
        finally:
            self._reserved.remove(query_id)

    def put(self, stands: Standing) -> None:
        """Replaces the one with the same id."""
        self._by_id[stands.query.id] = stands

    def pop(self, query_id: str) -> Standing | None:
        """Takes it out; None if there is none with that id."""
        return self._by_id.pop(query_id, None)

    def clear(self) -> None:
        self._by_id.clear()

    @property
    def words(self) -> tuple[str, ...]:
        """What perception was asked to look for because of questions that stand."""
        return tuple(word for stands in self._by_id.values() for word in stands.words)

    @property
    def queries(self) -> tuple[Query, ...]:
        return tuple(stands.query for stands in self._by_id.values())


class StandingFile:
    """node: its fully qualified name. For one thread."""

    def __init__(self, node: str) -> None:
        home = Path(os.environ.get("ROS_HOME") or Path.home() / ".ros")
        domain = os.environ.get("ROS_DOMAIN_ID") or "0"
        self.path = home / "fastreasonseg_ros" / f"standing_{domain}{node.replace('/', '.')}.json"
        self._written: tuple[Query, ...] | None = None

    def read(self) -> tuple[Query, ...]:
        """What stood when the process ended; nothing where the file is missing or damaged."""
        try:
            rows = json.loads(self.path.read_text(encoding="utf-8"))
            return tuple(_query(row["id"], row["text"]) for row in rows)[:LIMIT]
        except (OSError, ValueError, TypeError, KeyError):
            return ()

    def write(self, queries: Sequence[Query]) -> None:
        """Replaces the file in one step, where something changed; no file where nothing stands. Raises OSError."""
        if tuple(queries) == self._written:
            return
        self._written = tuple(queries)
        if not queries:
            with contextlib.suppress(FileNotFoundError):
                self.path.unlink()
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_suffix(f".{os.getpid()}.part")
        part.write_text(json.dumps([{"id": q.id, "text": q.text} for q in queries], ensure_ascii=False), "utf-8")
        os.replace(part, self.path)


def _query(id: object, text: object) -> Query:
    """Raises TypeError for what is not text."""
    if not isinstance(id, str) or not isinstance(text, str):
        raise TypeError("not text")
    return Query(text, id)
