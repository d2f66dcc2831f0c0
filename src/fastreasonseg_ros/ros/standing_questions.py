"""Standing questions on disk, so that they come back when the process that answers them was killed. No ROS in here.

A file in ROS_HOME (~/.ros) for each node name and domain. It holds what the question is and its plan as text: the plan
is parsed again when it is read, and nothing in it is ever evaluated.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ..errors import PlanError
from ..plan.language import Rollout
from ..plan.parser import parse_rollout


@dataclass(frozen=True)
class KeptQuestion:
    """rollout: reasoning and plan in the form of DESIGN 4, empty where there is none yet. model: who made them, having
    seen these labels.
    """

    id: str
    text: str
    rollout: str = ""
    model: str = ""
    labels: tuple[str, ...] = ()

    def plan(self) -> Rollout | None:
        """None where there is none, or none that this version can read: it is made anew then."""
        try:
            return parse_rollout(self.rollout) if self.rollout else None
        except PlanError:
            return None


class StandingFile:
    """node: its fully qualified name. Only one thread may write at a time."""

    def __init__(self, node: str) -> None:
        home = Path(os.environ.get("ROS_HOME") or Path.home() / ".ros")
        domain = os.environ.get("ROS_DOMAIN_ID") or "0"
        self.path = home / "fastreasonseg_ros" / f"standing_{domain}{node.replace('/', '.')}.json"
        self._written: tuple[KeptQuestion, ...] | None = None

    def read(self) -> tuple[KeptQuestion, ...]:
        """What stood when the process ended; nothing where the file is missing or damaged."""
        try:
            rows = json.loads(self.path.read_text(encoding="utf-8"))
            return tuple(_question(**row) for row in rows)
        except (OSError, ValueError, TypeError, AttributeError):
            return ()

    def write(self, questions: Sequence[KeptQuestion]) -> None:
        """Replaces the file in one step, where something changed; no file where nothing stands. Raises OSError."""
        if tuple(questions) == self._written:
            return
        self._written = tuple(questions)
        if not questions:
            with contextlib.suppress(FileNotFoundError):
                self.path.unlink()
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_suffix(f".{os.getpid()}.part")
        part.write_text(json.dumps([asdict(q) for q in questions], ensure_ascii=False), encoding="utf-8")
        os.replace(part, self.path)


def _question(labels: Sequence[str] = (), **texts: str) -> KeptQuestion:
    """Raises TypeError for what is no text, and for a name that is unknown."""
    kept = KeptQuestion(**texts, labels=tuple(labels))
    if not all(isinstance(value, str) for value in (*texts.values(), *kept.labels)):
        raise TypeError("not text")
    return kept
