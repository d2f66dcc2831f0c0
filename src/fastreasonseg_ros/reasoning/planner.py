"""From a question to a plan: the language model writes inside a grammar, and its reply is checked against the question.

prompt -> language model -> parse -> contradictions -> corrections -> general words -> printed words -> plan
Where the plan of a question that is asked once is doubtful, others are drawn and the best is chosen (choosing.py).

A command with a destination is planned as one question an end (commands/).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from ..errors import PlanError
from ..plan.corrections import corrected
from ..plan.executor import execute
from ..plan.grammar import NOT_NARROWED, Narrowed, vocabulary
from ..plan.language import Plan, Rollout
from ..plan.operators import LANGUAGE_VERSION
from ..plan.parser import parse_rollout
from ..twin.types import DigitalTwin
from .choosing import can_draw, chosen
from .commands.grammar import Command, only_takes, read_commands
from .commands.planner import CommandPlanner
from .contradictions import contradiction
from .general_words import with_kinds
from .printed_words import with_printed
from .prompting.prompt import prompt
from .prompting.reply_forms import Form, answer_grammar, answered, ids_grammar, ids_prompt, plan_grammar, results_turn
from .protocol import Hint, LanguageModel, WordMeaning, generate_scored, plan_language

# Similarity (cosine 0.2) below which a label is a guess: of 271 generated needs 4 % are less like what meets them, and
# of 78 that nothing in view meets, 35 % less like everything. A small model names some label for any need.
GUESSED = 0.007

OnText = Callable[[str], bool]  # takes the model's text as it comes; returns True to cancel


@dataclass(frozen=True)
class Planner:
    """A language model with what it may write; see `pipeline.reason` for the settings."""

    model: LanguageModel
    meaning: WordMeaning | None = None
    instructions: bool = False
    look_for: bool = False
    form: Form = "plan"
    without: tuple[str, ...] = ()

    def rollout(
        self, question: str, twin: DigitalTwin, on_text: OnText | None, spent: dict[str, float], choose: bool = False
    ) -> Rollout | None:
        """The plan for a question or command about this twin; None if on_text cancelled it.

        spent: gets the milliseconds of `prompt`, `model`, and `choice` where plans were drawn. choose: among several,
        where the first is doubtful and the model can. Raises ModelError, PlanError.
        """
        commands = read_commands(question) if self.form == "plan" else ()
        can_choose = choose and self.form == "plan" and can_draw(self.model)

        def plan(phrase: str) -> Rollout | None:
            return self._question_rollout(phrase, twin, on_text, spent)

        def other(phrase: str, first: Rollout) -> Rollout | None:
            return self._chosen(phrase, first, twin, on_text, spent) if can_choose else first

        if commands and not only_takes(commands):
            return CommandPlanner(plan, other, twin, self.meaning).rollout(commands)
        rollout = plan(question)
        if rollout is not None:
            rollout = other(question, rollout)
        return _to_reference(rollout, commands[0]) if commands and rollout is not None else rollout

    def _chosen(
        self, question: str, first: Rollout, twin: DigitalTwin, on_text: OnText | None, spent: dict[str, float]
    ) -> Rollout | None:
        start = time.perf_counter()
        text, rules = self.prompt(question, twin), self.grammar(question, twin)
        read = partial(self.read, question=question, twin=twin)
        rollout = chosen(first, self.model, text, rules, twin, read, self.meaning)
        if rollout.chance is not None:
            spent["choice"] = spent.get("choice", 0.0) + _since_ms(start)
        return None if rollout.chance is not None and on_text and on_text("") else rollout  # cancelled meanwhile

    def _question_rollout(
        self, question: str, twin: DigitalTwin, on_text: OnText | None, spent: dict[str, float]
    ) -> Rollout | None:
        start = time.perf_counter()
        text, rules = self.prompt(question, twin), self.grammar(question, twin)
        spent["prompt"] = spent.get("prompt", 0.0) + _since_ms(start)
        start, cancelled = time.perf_counter(), False

        def heard(piece: str) -> bool:
            nonlocal cancelled
            cancelled = bool(on_text and on_text(piece))
            return cancelled

        listener = heard if on_text else None
        written = generate_scored(self.model, text, rules, listener)
        if not cancelled and (problem := contradiction(question, _parsed(written.text).plan, twin)):
            narrowed = self.grammar(question, twin, problem.narrowed)
            written = generate_scored(self.model, text, narrowed, listener)
        spent["model"] = spent.get("model", 0.0) + _since_ms(start)
        if cancelled:
            return None
        rollout = replace(self.read(written.text, question, twin), log_probability=written.log_probability)
        if self.form == "results" and rollout.plan.steps:
            start = time.perf_counter()
            trace = execute(rollout.plan, twin, self.meaning).trace
            reply = self.model.generate(text + written.text.rstrip() + results_turn(trace, twin), answer_grammar(trace))
            rollout = replace(rollout, plan=answered(rollout.plan, trace, reply))
            spent["model"] += _since_ms(start)
        return rollout

    def prompt(self, question: str, twin: DigitalTwin) -> str:
        """What the model continues with its reply to a question."""
        hint = self.meaning.hint(question, vocabulary(twin)[0]) if self.meaning else Hint()
        if self.form == "ids":
            return ids_prompt(twin, question, hint)
        return prompt(twin, question, hint, self.instructions)

    def read(self, written: str, question: str, twin: DigitalTwin) -> Rollout:
        """What the model wrote, checked against the question and completed from it. Raises PlanError."""
        rollout = _parsed(written)
        if problem := contradiction(question, rollout.plan, twin):
            rollout = Rollout(f"The plan contradicts the question: {problem.message}.", Plan())
        plan = with_kinds(corrected(rollout.plan, question), question, vocabulary(twin)[0], self.meaning)
        plan = with_printed(plan, question, twin, self.meaning) if self.meaning else plan
        return self._doubted(replace(rollout, plan=plan), question)

    def grammar(self, question: str, twin: DigitalTwin, narrowed: Narrowed = NOT_NARROWED) -> str:
        """What the model may write about this twin, EBNF."""
        if self.form == "ids":
            return ids_grammar(twin)
        # The student quotes the question; a model with the language's description may find words of its own.
        quoted = "" if self.instructions else question
        without = self.without if self.meaning else (*self.without, "like")
        language = LANGUAGE_VERSION if self.instructions else plan_language(self.model)
        return plan_grammar(twin, quoted, self.look_for, without, narrowed, language)

    def _doubted(self, rollout: Rollout, question: str) -> Rollout:
        """The rollout, or none where all it says is a label that has nothing to do with the question."""
        filters = rollout.plan.steps[0].filters if len(rollout.plan.steps) == 1 else ()
        words = tuple(word for key, values in filters if key == "label" for word in values)
        if self.meaning is None or not words:
            return rollout
        if self.meaning.similarity(question, words).max() >= GUESSED:
            return rollout
        return Rollout(f"Nothing in view seems to serve this; {' and '.join(words)} would be a guess.", Plan())


def _to_reference(rollout: Rollout, command: Command) -> Rollout:
    plan = rollout.plan
    first = rollout.first and _to_reference(rollout.first, command)
    if plan.answer:
        plan = replace(plan, destination=command[0].reference, relation=command[0].relation)
    return replace(rollout, plan=plan, first=first)


def _parsed(written: str) -> Rollout:
    """As `parse_rollout`; the PlanError also shows what the model wrote."""
    try:
        return parse_rollout(written)
    except PlanError as error:
        raise PlanError(f"{error}; the model wrote {written[:300]!r}") from error


def _since_ms(start: float) -> float:
    return (time.perf_counter() - start) * 1e3
