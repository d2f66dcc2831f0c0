"""The two verbs that everything is built on, and questions that stand.

    twin = observe(twin, frame, perceiver)                   once a frame
    answer = reason(twin, query, language_model, meaning)    once a question
    standing = StandingQuestion(query, language_model, meaning)
    answer = standing.answer(twin)                           every frame: the kept plan, no language model

Perception and reasoning meet only in the digital twin.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace

from .errors import FrameError, MissingDataError, ModelError, PlanError, QuestionError, Status
from .perception.protocol import Perceiver
from .plan.executor import MIGHT_BE, NOT_TO_THE_LETTER, PASSED_OVER, Execution, execute, execute_closest
from .plan.grammar import vocabulary
from .plan.language import Plan, Rollout
from .plan.parser import parse_rollout
from .reasoning.prompting.prompt import prompt
from .reasoning.prompting.reply_forms import (
    Form,
    answer_grammar,
    answered,
    ids_grammar,
    ids_prompt,
    plan_grammar,
    results_turn,
)
from .reasoning.protocol import Hint, LanguageModel, WordMeaning
from .twin.tracking import update
from .twin.types import Answer, DigitalTwin, Frame, Query

MAX_QUESTION_CHARACTERS = 2000

# Similarity (cosine 0.2) below which a label is a guess: of 271 generated needs 4 % are less like what meets them, and
# of 78 that nothing in view meets, 35 % less like everything. A small model names some label for any need.
GUESSED = 0.007

OnText = Callable[[str], bool]
_LOOK_FOR = re.compile(r"look_for\((.+)\)")
_WHETHER = re.compile(r"\b(?:(?:is|are|was|were) there|there (?:is|are)|any|if so|see (?:one|any)|you see)\b", re.I)


def observe(twin: DigitalTwin, frame: Frame, perceiver: Perceiver) -> DigitalTwin:
    """The twin after one more frame. Begin with `DigitalTwin()`.

    Raises FrameError for a frame that cannot be used, also one from before the twin; the twin is then as it was.
    """
    if twin.sequence and frame.stamp_s < twin.stamp_s:
        raise FrameError(
            f"the frame is {twin.stamp_s - frame.stamp_s:.3f} s older than the twin: give frames in the order of their "
            "stamps, or begin anew with DigitalTwin()"
        )
    return update(twin, perceiver.perceive(frame), frame)


def check_question(text: object) -> None:
    """Raises QuestionError for what is not text, is empty, or has over 2,000 characters."""
    if not isinstance(text, str):
        raise QuestionError(f"a question is text, got {type(text).__name__}")
    if len(text) > MAX_QUESTION_CHARACTERS:
        raise QuestionError(
            f"the question has {len(text)} characters, at most {MAX_QUESTION_CHARACTERS} are read; ask more briefly"
        )
    if not any(character.isalnum() for character in text):
        raise QuestionError('the question is empty; write what to look for, for example "the red mug"')


def reason(
    twin: DigitalTwin,
    query: Query,
    language_model: LanguageModel,
    meaning: WordMeaning | None = None,
    *,
    instructions: bool = False,
    look_for: bool = False,
    form: Form = "plan",
    without: tuple[str, ...] = (),
    on_text: OnText | None = None,
) -> Answer:
    """Answers one question about one twin.

    instructions: put the plan language into the prompt, for models that were not trained on it. look_for: let plans
    ask perception for words it does not know (see `wanted_words`). form: what the model writes (reasoning/prompting/reply_forms.py).
    without: operators that plans may not use; `like` is left out where there is no word meaning. on_text gets the
    model's text as it comes, and returns True to cancel. Where nothing fits every measured condition of a description,
    the answer is what comes closest (`execute_closest`), and says so. Whatever goes wrong with the question, the model
    or its plan is a status in the answer.
    """
    question = StandingQuestion(query, language_model, meaning, instructions, look_for, form, without)
    return question.answer(twin, on_text, closest=True)


def asks_whether(question: str) -> bool:
    """Whether it asks if there is such a thing, to which no is an answer.

    >>> asks_whether("Is there a mug on the box?"), asks_whether("Hand me the mug on the box.")
    (True, False)
    """
    return bool(_WHETHER.search(question))


def is_closest(answer: Answer) -> bool:
    """Whether nothing fitted all of the description, and the answer is what came closest, or might be it."""
    return any(step.note in NOT_TO_THE_LETTER for step in answer.trace)


def wanted_words(answer: Answer) -> tuple[str, ...]:
    """Words that the answer's plan asked perception to look for, and that are not in view."""
    matches = (_LOOK_FOR.fullmatch(step.expression) for step in answer.trace if not step.ids)
    return tuple(dict.fromkeys(match.group(1) for match in matches if match))


class StandingQuestion:
    """A question whose plan is kept: asking it again of a further twin costs no language model.

    The model is called for the first twin, and again when a label appears that it has not seen, if that can change the
    plan. Not thread-safe.
    """

    def __init__(
        self,
        query: Query,
        language_model: LanguageModel,
        meaning: WordMeaning | None = None,
        instructions: bool = False,
        look_for: bool = False,
        form: Form = "plan",
        without: tuple[str, ...] = (),
    ) -> None:
        self.query = query
        self.rollout: Rollout | None = None
        self._model, self._meaning = language_model, meaning
        self._instructions, self._look_for, self._form = instructions, look_for, form
        self._without = without if meaning else (*without, "like")
        self.labels: frozenset[str] = frozenset()  # that the model saw when it made the plan

    def needs_plan(self, twin: DigitalTwin) -> bool:
        """Whether `answer` of this twin would call the language model."""
        if self.rollout is None:
            return bool(twin.instances)
        return depends_on_labels(self.rollout.plan) and not self.labels.issuperset(vocabulary(twin)[0])

    def answer(
        self, twin: DigitalTwin, on_text: OnText | None = None, *, keep_plan: bool = False, closest: bool = False
    ) -> Answer:
        """The answer for this twin; see `reason`. `latency_ms` has prompt and model only where the model was called.

        keep_plan: a plan that is there is executed also where `needs_plan` would have it made anew. closest: for a
        question asked once, which takes for granted that there is such a thing; one that stands waits until it fits.
        """
        start, spent = time.perf_counter(), {}

        def reply(status: Status, message: str, **more: object) -> Answer:
            rollout = self.rollout or Rollout("", Plan())
            total = {**spent, "total": _since_ms(start)}
            answer = Answer(self.query, status, message, reason=rollout.reason, plan=str(rollout.plan))
            return replace(
                answer,
                stamp_s=twin.stamp_s,
                sequence=twin.sequence,
                model=self._model.name,
                latency_ms=total,
                **more,
            )

        try:
            check_question(self.query.text)
            if not twin.instances:
                note = f": {twin.note}" if twin.note else ""
                return reply(Status.NO_MATCH, f"no object is in view, and none was before{note}")
            planned = keep_plan and self.rollout is not None
            if not planned and self.needs_plan(twin) and not self._plan(twin, on_text, spent):
                return reply(Status.CANCELLED, "the question was cancelled")
            assert self.rollout is not None
            done = time.perf_counter()
            run = execute_closest if closest and not asks_whether(self.query.text) else execute
            execution = run(self.rollout.plan, twin, self._meaning)
            spent["plan"] = _since_ms(done)
        except (QuestionError, ModelError, PlanError, MissingDataError) as error:
            return reply(error.status, str(error))
        status, message = _outcome(self.rollout, execution)
        message = f"{message}; {twin.note}" if twin.note else message
        return reply(status, message, ids=execution.ids, trace=execution.trace)

    def _plan(self, twin: DigitalTwin, on_text: OnText | None, spent: dict[str, float]) -> bool:
        """Lets the model write the plan; False if it was cancelled. Raises ModelError, PlanError."""
        start = time.perf_counter()
        labels = vocabulary(twin)[0]
        hint = self._meaning.hint(self.query.text, labels) if self._meaning else Hint()
        if self._form == "ids":
            text, rules = ids_prompt(twin, self.query.text, hint), ids_grammar(twin)
        else:
            text = prompt(twin, self.query.text, hint, self._instructions)
            # The student quotes the question; a model with the language's description may find words of its own.
            quoted = "" if self._instructions else self.query.text
            rules = plan_grammar(twin, quoted, self._look_for, self._without)
        spent["prompt"] = _since_ms(start)
        start, cancelled = time.perf_counter(), False

        def heard(piece: str) -> bool:
            nonlocal cancelled
            cancelled = bool(on_text and on_text(piece))
            return cancelled

        written = self._model.generate(text, rules, heard if on_text else None)
        spent["model"] = _since_ms(start)
        if cancelled:
            return False
        try:
            rollout = parse_rollout(written)
        except PlanError as error:
            raise PlanError(f"{error}; the model wrote {written[:300]!r}") from error
        if self._form == "results" and rollout.plan.steps:
            start = time.perf_counter()
            trace = execute(rollout.plan, twin, self._meaning).trace
            reply = self._model.generate(text + written.rstrip() + results_turn(trace, twin), answer_grammar(trace))
            rollout = replace(rollout, plan=answered(rollout.plan, trace, reply))
            spent["model"] += _since_ms(start)
        self.rollout = self._doubted(rollout)
        self.labels |= frozenset(labels)
        return True

    def _doubted(self, rollout: Rollout) -> Rollout:
        """The rollout, or none where all it says is a label that has nothing to do with the question."""
        filters = rollout.plan.steps[0].filters if len(rollout.plan.steps) == 1 else ()
        words = tuple(word for key, values in filters if key == "label" for word in values)
        if self._meaning is None or not words:
            return rollout
        if self._meaning.similarity(self.query.text, words).max() >= GUESSED:
            return rollout
        return Rollout(f"Nothing in view seems to serve this; {' and '.join(words)} would be a guess.", Plan())


def depends_on_labels(plan: Plan) -> bool:
    """Whether a label that the model has not seen could have changed the plan.

    It could where the plan picks by label or found nothing to pick; not where it only measures, compares or asks for
    a meaning: those steps are done anew on every twin.
    """
    return not plan.steps or any(key == "label" for step in plan.steps for key, _ in step.filters)


def _outcome(rollout: Rollout, execution: Execution) -> tuple[Status, str]:
    if execution.ids:
        count = len(execution.ids)
        message = f"{count} object{'s' if count > 1 else ''}: {', '.join(map(str, execution.ids))}"
        if steps := _noted(execution, MIGHT_BE):
            message += f"; it might be this, for nothing fits {steps} by its name"
        if steps := _noted(execution, PASSED_OVER):
            message += f"; the closest, for nothing fits {steps}"
        return Status.OK, message
    if execution.look_for:
        return Status.NO_MATCH, f"not in view; perception is asked to look for {', '.join(execution.look_for)}"
    if rollout.plan.is_none:
        return Status.NO_MATCH, f"nothing in the scene fits: {rollout.reason or 'the model found no way to it'}"
    empty = [f"`{step.name} = {step.expression}` gave nothing" for step in execution.trace if not step.ids]
    return Status.NO_MATCH, ": ".join(["nothing in the scene fits", *empty[:1]])


def _noted(execution: Execution, note: str) -> str:
    return " and ".join(f"`{step.name} = {step.expression}`" for step in execution.trace if step.note == note)


def _since_ms(start: float) -> float:
    return (time.perf_counter() - start) * 1e3
