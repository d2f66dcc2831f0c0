"""Questions and answers: what is asked, the executed steps, commands, and the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..errors import Status


@dataclass(frozen=True)
class Query:
    """A question in plain words. Ids are chosen by the asker; empty ones are filled in by the node."""

    text: str
    id: str = ""


@dataclass(frozen=True)
class TraceStep:
    """One executed step: its source line, the ids it gave, and a remark where it had to do without something."""

    name: str
    expression: str
    ids: tuple[int, ...]
    note: str = ""

    def __str__(self) -> str:
        ids = ", ".join(map(str, self.ids)) or "nothing"
        return f"{self.name} = {self.expression}  ->  {ids}" + (f"  ({self.note})" if self.note else "")


@dataclass(frozen=True)
class Command:
    """What is to be taken (ids), and where it goes: in which relation to which objects (destination_ids).

    relation: on, inside, left_of, right_of, in_front_of, behind, near or under; empty for a command that only takes.
    reference: `camera` (to the asker), `table` (the supporting plane) or `before` (where each of them
    rested before it was moved), where the destination is no object.
    """

    ids: tuple[int, ...]
    relation: str = ""
    destination_ids: tuple[int, ...] = ()
    reference: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether what is to be taken was found, and the destination where there is to be one."""
        return bool(self.ids) and bool(not self.relation or self.destination_ids or self.reference)


@dataclass(frozen=True)
class Answer:
    """What a question got: ids in the plan's order, the reasoning, the plan, its executed trace, and the cost.

    commands: where it is a command to put things somewhere, one for each in the sentence, in its order; ids are those
    of the first, and so are relation, destination_ids and reference. confidence: the chance that it is right, 0 to 1;
    None: not known.
    """

    query: Query
    status: Status
    message: str
    ids: tuple[int, ...] = ()
    reason: str = ""
    plan: str = ""
    trace: tuple[TraceStep, ...] = ()
    stamp_s: float = 0.0
    sequence: int = 0
    model: str = ""
    latency_ms: Mapping[str, float] = field(default_factory=dict)
    commands: tuple[Command, ...] = ()
    confidence: float | None = None

    @property
    def relation(self) -> str:
        """Of the first command; empty for a question."""
        return self.commands[0].relation if self.commands else ""

    @property
    def destination_ids(self) -> tuple[int, ...]:
        """Of the first command; empty for a question, and where the destination is a reference."""
        return self.commands[0].destination_ids if self.commands else ()

    @property
    def reference(self) -> str:
        """Of the first command: `camera`, `table` or `before`; else empty."""
        return self.commands[0].reference if self.commands else ""
