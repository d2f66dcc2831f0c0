"""From commands to one plan: each end is planned as a question of its own, and executed to decide between readings.

"put the book on the shelf next to the lamp"  ->  a = find(label=book)
                                                  b = find(label=shelf)
                                                  c = find(label=lamp)
                                                  d = near(b, c)
                                                  place(a, on, d)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ...errors import MissingDataError
from ...plan.executor import execute
from ...plan.language import Placement, Plan, Rollout, Step, plan_word
from ...plan.operators import REFERENCES, RESERVED, SETS
from ...plan.run import Meaning
from ...twin.types import DigitalTwin
from .grammar import TABLE, Command, Reading
from .noun_phrases import is_singular, names_support
from .words import EVERYTHING, SUPPORT

PlanPhrase = Callable[[str], Rollout | None]  # the plan of a noun phrase; None where it was cancelled
OtherPlan = Callable[[str, Rollout], Rollout | None]  # another one where that is doubtful (choosing.py), or the same
SURE = 4  # score of a reading both of whose ends are found in the number that they are spoken of


class CancelledError(Exception):
    """The asker cancelled while an end was planned."""


@dataclass(frozen=True)
class End:
    """One end of a reading: its rollout, and what it gives on the twin that it was made for."""

    rollout: Rollout
    ids: tuple[int, ...]
    singular: bool

    @property
    def score(self) -> int:
        """2: found in the number that was spoken of; 1: found; 0: not."""
        return 0 if not self.ids else 1 if self.singular and len(self.ids) > 1 else 2


@dataclass(frozen=True)
class Ends:
    """A reading with both of its ends planned; destination None where it is a reference, or there is none."""

    reading: Reading
    take: End
    destination: End | None


class CommandPlanner:
    """For one sentence about one twin."""

    def __init__(
        self, plan_phrase: PlanPhrase, other_plan: OtherPlan, twin: DigitalTwin, meaning: Meaning | None
    ) -> None:
        self._plan_phrase, self._other_plan, self._twin, self._meaning = plan_phrase, other_plan, twin, meaning
        self._planned: dict[str, End] = {}

    def rollout(self, commands: tuple[Command, ...]) -> Rollout | None:
        """The plan of all commands in their order; None where it was cancelled. Raises ModelError, PlanError."""
        try:
            decided = [self._decided(command) for command in commands]
            likeliest = _joined(decided)
            found = [self._found(ends) for ends in decided]
            return likeliest if found == decided else replace(_joined(found), first=likeliest)
        except CancelledError:
            return None

    def _decided(self, command: Command) -> Ends:
        """The reading with the best score, the likeliest of those that are equal."""
        best, score = None, -1
        for reading in command:
            ends = self._ends(reading)
            found = self._score(ends)
            if found > score:
                best, score = ends, found
            if score >= SURE:
                break
        assert best is not None
        return best

    def _found(self, ends: Ends) -> Ends:
        """The same; where an end finds nothing, by another plan of it."""
        take, destination = ends.take, ends.destination
        if not ends.reading.source:
            take = self._other_end(ends.reading.take, take)
        if destination is not None:
            destination = self._other_end(ends.reading.destination, destination)
        return replace(ends, take=take, destination=destination)

    def _other_end(self, phrase: str, end: End) -> End:
        if end.ids:
            return end
        rollout = self._other_plan(phrase, end.rollout)
        if rollout is None:
            raise CancelledError
        return end if rollout is end.rollout else replace(end, rollout=rollout, ids=self._executed(rollout))

    def _ends(self, reading: Reading) -> Ends:
        take = self._end(reading.take)
        if reading.source:
            take = self._from(take, reading)
        if not reading.relation or reading.reference:
            return Ends(reading, take, None)
        if names_support(reading.destination) and not self._has_support():
            return Ends(replace(reading, reference=TABLE), take, None)
        return Ends(reading, take, self._end(reading.destination))

    def _from(self, take: End, reading: Reading) -> End:
        """Those that are where the reading says: the first relation that holds for any, else the first."""
        source = self._end(reading.source)
        found: list[End] = []
        for relation in reading.source_relations:
            steps: list[Step] = []
            names = [_append(steps, end.rollout.plan) for end in (take, source)]
            if not all(names):
                return replace(take, ids=(), rollout=Rollout(source.rollout.reason, Plan()))
            steps.append(Step(_free(steps), relation, (names[0], names[1])))
            reason = f"{take.rollout.reason} {source.rollout.reason}"
            chance = _together([take.rollout, source.rollout])
            rollout = Rollout(reason, Plan(tuple(steps), steps[-1].name), chance)
            found.append(End(rollout, self._executed(rollout), take.singular))
        return next((end for end in found if end.ids), found[0])

    def _executed(self, rollout: Rollout) -> tuple[int, ...]:
        try:
            return execute(rollout.plan, self._twin, self._meaning).ids
        except MissingDataError:
            return ()

    def _has_support(self) -> bool:
        """Whether a table or the like is one of the twin's objects."""
        return any(SUPPORT & set(plan_word(i.label).split()) for i in self._twin.instances)

    def _end(self, phrase: str) -> End:
        if phrase not in self._planned:
            everything = EVERYTHING.fullmatch(phrase) is not None
            rollout = Rollout("", Plan((), "all")) if everything else self._plan_phrase(phrase)
            if rollout is None:
                raise CancelledError
            self._planned[phrase] = End(rollout, self._executed(rollout), is_singular(phrase))
        return self._planned[phrase]

    def _score(self, ends: Ends) -> int:
        take, destination = ends.take, ends.destination
        if destination is None:
            return take.score + (2 if ends.reading.relation else 0)
        ids = tuple(k for k in destination.ids if not ends.reading.other or k not in take.ids)
        score = take.score + replace(destination, ids=ids).score
        if take.ids and set(take.ids) <= set(ids):
            return 0  # nothing is put on itself
        return score - 2 if self._holds_already(ends) else score

    def _holds_already(self, ends: Ends) -> bool:
        """Whether everything is there already: who says "put the book on the shelf near the lamp" means another book or
        another place.
        """
        assert ends.destination is not None
        held = {(r.subject, r.object) for r in self._twin.relations if r.predicate == ends.reading.relation}
        there = ends.destination.ids
        return bool(ends.take.ids) and all(any((k, d) in held for d in there) for k in ends.take.ids)


def _joined(all_ends: list[Ends]) -> Rollout:
    """One plan: the steps of all ends under names of their own, and a placement for each command."""
    steps: list[Step] = []
    placements: list[Placement] = []
    written: list[Rollout] = []
    for ends in all_ends:
        placed = _append(steps, ends.take.rollout.plan)
        destination = ends.reading.reference
        written.append(ends.take.rollout)
        if ends.destination is not None:
            destination = _append(steps, ends.destination.rollout.plan)
            written.append(ends.destination.rollout)
            if ends.reading.other and placed and destination:
                steps.append(Step(_free(steps), "minus", (destination, placed)))
                destination = steps[-1].name
        placements.append(Placement(placed, ends.reading.relation, destination))
    first, *further = placements
    plan = Plan(tuple(steps), first.placed, (), first.destination, first.relation, tuple(further))
    reasons = dict.fromkeys(rollout.reason for rollout in written if rollout.reason)
    chances = [rollout.chance for rollout in written if rollout.chance is not None]
    return Rollout(" ".join(reasons), plan, _together(written), min(chances, default=None))


def _together(rollouts: list[Rollout]) -> float | None:
    """The chance of all texts; one that no model wrote ("everything") is sure."""
    chances = [rollout.log_probability for rollout in rollouts if rollout.reason]
    known = [chance for chance in chances if chance is not None]
    return sum(known) if len(known) == len(chances) else None


def _append(steps: list[Step], plan: Plan) -> str:
    """Adds a plan's steps under new names; the name of its answer, empty for none. Equal steps are not repeated."""
    names: dict[str, str] = {}
    for step in plan.steps:
        args = tuple(names.get(arg, arg) for arg in step.args)
        same = next((s for s in steps if (s.operator, s.args, s.filters) == (step.operator, args, step.filters)), None)
        if same is None:
            same = Step(_free(steps), step.operator, args, step.filters)
            steps.append(same)
        names[step.name] = same.name
    return names.get(plan.answer, plan.answer if plan.answer in SETS else "")


def _free(steps: list[Step]) -> str:
    """The next name: a ... z, a2 ... z2, and so on."""
    used = {step.name for step in steps} | RESERVED | set(REFERENCES)
    rounds = (f"{letter}{n if n > 1 else ''}" for n in range(1, 100) for letter in "abcdefghijklmnopqrstuvwxyz")
    return next(name for name in rounds if name not in used)
