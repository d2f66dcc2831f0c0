"""A plan as data: steps that name sets of instances, and the value that is the answer."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

NOT = "not "  # before a value of a filter: color=not red|not blue
_NOT_WORD = re.compile(r"[^\w' .&/+-]+")


def plan_word(text: str) -> str:
    """A label as plans write it: lower case, no characters of the language itself, at most 40 characters.

    Labels come from perception models and so, in the end, from anybody; nothing in one can end a step.
    """
    return " ".join(_NOT_WORD.sub(" ", text.lower()).split())[:40].strip()


@dataclass(frozen=True)
class Step:
    """`name = operator(args, filters)`; args are already text: set names, references, keys, counts or quoted words."""

    name: str
    operator: str
    args: tuple[str, ...] = ()
    filters: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def expression(self) -> str:
        """The step without its name, as the language writes it."""
        parts = list(self.args) + [f"{key}={'|'.join(values)}" for key, values in self.filters]
        return f"{self.operator}({', '.join(parts)})"

    def __str__(self) -> str:
        return f"{self.name} = {self.expression}"


@dataclass(frozen=True)
class Placement:
    """One command: the value to be taken, and where it goes. Written `place(a, inside, b)`.

    placed, destination: names of values; empty (written `none`) where nothing in the scene fits; the destination may
    also be `camera`, `table` or `before` (where it rested before). relation: one of operators.RELATIONS; empty, as is
    the destination, for a command that only takes (written `take(a)`).
    """

    placed: str
    relation: str = ""
    destination: str = ""

    def __str__(self) -> str:
        if not self.relation:
            return f"take({self.placed or 'none'})"
        return f"place({self.placed or 'none'}, {self.relation}, {self.destination or 'none'})"


@dataclass(frozen=True)
class Plan:
    """Steps in order, and the answer: the name of a value, ids, or nothing at all (`none`).

    A command to put things somewhere names a second value: `destination`, an earlier value, `camera`, `table` or
    `before`, and `relation`, one of operators.RELATIONS, in which the things of the answer are to stand to it. Both are
    empty for a question. Written as a last line: `place(a, inside, b)`. further: the second and later commands of a
    sentence, one more line each.
    """

    steps: tuple[Step, ...] = ()
    answer: str = ""
    answer_ids: tuple[int, ...] = ()
    destination: str = ""
    relation: str = ""
    further: tuple[Placement, ...] = ()

    @property
    def is_none(self) -> bool:
        """True for the answer that nothing in the scene fits."""
        return not self.answer and not self.answer_ids

    @property
    def placements(self) -> tuple[Placement, ...]:
        """The commands in their order; empty for a question."""
        if not self.relation and not self.further:
            return ()
        return (Placement(self.answer, self.relation, self.destination), *self.further)

    @property
    def answer_text(self) -> str:
        """What stands between <answer> and </answer>, and on the last line of the short form; a line a command."""
        if self.placements:
            return "\n".join(map(str, self.placements))
        return self.answer or ", ".join(map(str, self.answer_ids)) or "none"

    @property
    def steps_text(self) -> str:
        """The steps alone, one a line."""
        return "\n".join(map(str, self.steps))

    def __str__(self) -> str:
        """The steps, and the lines of the commands."""
        return "\n".join(map(str, (*self.steps, *self.placements)))


@dataclass(frozen=True)
class Rollout:
    """What a language model wrote: its reasoning in words and its plan.

    log_probability: natural logarithm of the model's chance for this text; None: not known. chance: that it answers
    the question, where it was chosen among several (reasoning/choosing.py); None where it was not. first: the likeliest
    one, where another was chosen.
    """

    reason: str
    plan: Plan
    log_probability: float | None = field(default=None, compare=False)
    chance: float | None = field(default=None, compare=False)
    first: Rollout | None = field(default=None, compare=False)

    def tagged(self) -> str:
        """The form of DESIGN 4: <reason>, <plan>, <answer>."""
        steps, answer = self.plan.steps_text, self.plan.answer_text
        return f"<reason>{self.reason}</reason>\n<plan>\n{steps}\n</plan>\n<answer>{answer}</answer>"

    def short(self) -> str:
        """The form the student writes: the reason, then one step a line; the last value is the answer.

        22 tokens less than the tagged form for a plan of three steps: a quarter of a second at 12.5 ms a token.
        """
        plan = self.plan
        lines = [" ".join(self.reason.split()), *map(str, plan.steps)]
        if plan.placements or not plan.steps or plan.answer != plan.steps[-1].name:
            lines.append(plan.answer_text)
        return "\n".join(lines)
