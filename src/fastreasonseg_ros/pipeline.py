"""The two verbs that everything is built on, and questions that stand.

    twin = observe(twin, frame, perceiver)                   once a frame
    answer = reason(twin, query, language_model, meaning)    once a question
    standing = StandingQuestion(query, language_model, meaning)
    answer = standing.answer(twin)                           every frame: the kept plan, no language model

Perception and reasoning meet only in the digital twin.
"""

from __future__ import annotations

import copy
import re
import time
from collections.abc import Sequence
from dataclasses import replace

from .errors import FrameError, MissingDataError, ModelError, PlanError, QuestionError, Status
from .perception.protocol import Perceiver, with_background_work
from .plan.executor import MIGHT_BE, NOT_TO_THE_LETTER, PASSED_OVER, Execution, execute, execute_closest
from .plan.grammar import vocabulary
from .plan.language import Plan, Rollout
from .plan.spatial import OFF_LINE_OF_SIGHT
from .reasoning.confidence import confidence
from .reasoning.kept_plans import PLANS_KEPT, MadePlan, holding
from .reasoning.planner import OnText, Planner
from .reasoning.printed_words import printed_in
from .reasoning.prompting.reply_forms import Form
from .reasoning.protocol import LanguageModel, WordMeaning
from .reasoning.sentences import sentence
from .twin.tracking import update
from .twin.types import Answer, Command, DigitalTwin, Frame, Query

MAX_QUESTION_CHARACTERS = 2000

_LOOK_FOR = re.compile(r"look_for\((.+)\)")
# A clause that begins with a verb before its subject, or with "any"; "there is"; "if there is one". In a request
# ("hand me any mug") "any" presupposes that there is one.
_WHETHER = re.compile(
    r"(?:^|[,.;:!?-]\s+)(?:(?:and|but|so|or|hey|ok|okay|well)\s+)*"
    r"(?:(?:is|are|was|were|did|does|got|any)\b|(?:do|has|have|had)\s+(?:you|we|i|they|the|these|those|any|some|one)\b)"
    r"|\bthere\s+(?:is|are)\b|(?<!that )(?<!which )\b(?:is|are|was|were)\s+there\b"
    r"|\bif (?:so|any)\b|\bsee (?:one|any)\b|\byou see\b",
    re.I,
)


def observe(twin: DigitalTwin, frame: Frame, perceiver: Perceiver) -> DigitalTwin:
    """The twin after one more frame. Begin with `DigitalTwin()`.

    Raises FrameError for a frame that cannot be used, also one from before the twin; the twin is then as it was.
    """
    if twin.sequence and frame.stamp_s < twin.stamp_s:
        raise FrameError(
            f"the frame is {twin.stamp_s - frame.stamp_s:.3f} s older than the twin: give frames in the order of their "
            "stamps, or begin anew with DigitalTwin()"
        )
    return with_background_work(perceiver, update(twin, perceiver.perceive(frame), frame), frame)


def read_now(twin: DigitalTwin, frame: Frame, perceiver: Perceiver) -> DigitalTwin:
    """The twin after its things were read and named from their pictures, which `observe` leaves to a further frame.

    frame: its last. For pictures, after which no frame comes: it takes up to 0.5 s a thing that is new.
    """
    return with_background_work(perceiver, twin, frame, wait=True)


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
    ask perception for words it does not know (see `wanted_words`). form: what the model writes
    (reasoning/prompting/reply_forms.py). without: operators that plans may not use; `like` is left out where there is
    no word meaning. on_text gets the model's text as it comes, and returns True to cancel. Where nothing fits every
    measured condition of a description, the answer is what comes closest (`execute_closest`), and says so. Whatever
    goes wrong with the question, the model or its plan is a status in the answer.
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

    The model is called for the first twin, and again when the labels in view change so that the plan may be another
    one (reasoning/kept_plans.py). Up to PLANS_KEPT plans are kept with the labels that they were made for, so that a
    label that flickers costs one call, not one each time. Not thread-safe; a copy (copy.copy) may be planned in another
    thread.
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
        self.query, self.look_for = query, look_for
        self.rollout: Rollout | None = None  # the newest
        self._model, self._meaning = language_model, meaning
        self._planner = Planner(language_model, meaning, instructions, look_for, form, without)
        self.labels: frozenset[str] = frozenset()  # words in view when the newest plan was made
        self._earlier: tuple[MadePlan, ...] = ()  # newest first

    @property
    def is_chosen(self) -> bool:
        """Whether the newest plan was chosen in place of the likeliest one, which was doubtful."""
        return self.rollout is not None and self.rollout.first is not None

    def needs_plan(self, twin: DigitalTwin) -> bool:
        """Whether `answer` of this twin would call the language model."""
        return bool(twin.instances) and self.plan_for(twin) is None

    def plan_for(self, twin: DigitalTwin) -> Rollout | None:
        """The kept plan that holds for the labels of this twin, best one that was made for just these; else None."""
        return holding(self._plans, self._words_in_view(twin), self.query.text)

    def without_plans_for(self, twin: DigitalTwin) -> StandingQuestion:
        """A copy that needs a plan for this twin: without the plans that hold for it, and with all others."""
        labels, again = self._words_in_view(twin), copy.copy(self)
        others = tuple(made for made in self._plans if not made.holds(labels, self.query.text))
        again.rollout, again.labels = (others[0].rollout, others[0].labels) if others else (None, frozenset())
        again._earlier = others[1:]
        return again

    def _words_in_view(self, twin: DigitalTwin) -> frozenset[str]:
        """Labels (as plan words), and what the question has of the words that are printed on things, in quotes."""
        return frozenset(vocabulary(twin)[0]) | printed_in(self.query.text, twin)

    @property
    def _plans(self) -> tuple[MadePlan, ...]:
        """All that are kept, newest first."""
        newest = (MadePlan(self.rollout, self.labels),) if self.rollout is not None else ()
        return (*newest, *self._earlier)

    def answer(
        self, twin: DigitalTwin, on_text: OnText | None = None, *, keep_plan: bool = False, closest: bool = False
    ) -> Answer:
        """The answer for this twin; see `reason`. `latency_ms` has prompt and model only where the model was called.

        keep_plan: where `needs_plan` would have a plan made, the newest one that is there is executed. closest: for a
        question asked once, which takes for granted that there is such a thing (another plan may be chosen where the
        likeliest is doubtful); one that stands waits until it fits.
        """
        start, spent = time.perf_counter(), {}
        chosen = self.rollout

        def reply(status: Status, message: str, **more: object) -> Answer:
            rollout = chosen or Rollout("", Plan())
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
            takes_for_granted = closest and not asks_whether(self.query.text)
            if not twin.instances:
                note = f": {twin.note}" if twin.note else ""
                return reply(Status.NO_MATCH, f"no object is in view, and none was before{note}")
            chosen = self.plan_for(twin) or (self.rollout if keep_plan else None)
            if chosen is None:
                if not self._plan(twin, on_text, spent, takes_for_granted):
                    return reply(Status.CANCELLED, "the question was cancelled")
                chosen = self.rollout
            assert chosen is not None
            if not takes_for_granted and chosen.first is not None:
                chosen = chosen.first
            done = time.perf_counter()
            run = execute_closest if takes_for_granted else execute
            execution = run(chosen.plan, twin, self._meaning)
            spent["plan"] = _since_ms(done)
        except (QuestionError, ModelError, PlanError, MissingDataError) as error:
            return reply(error.status, str(error))
        said = sentence(self.query.text, execution.ids, twin, asks_whether(self.query.text))
        status, message = _outcome(chosen, execution, said)
        if status is Status.NO_MATCH and said:
            message = f"{said}: {message}"
        message = f"{message}; {twin.note}" if twin.note else message
        chance = confidence(self._model, chosen, execution, twin)
        found = {"ids": execution.ids, "trace": execution.trace, "commands": execution.commands, "confidence": chance}
        return reply(status, message, **found)

    def _plan(self, twin: DigitalTwin, on_text: OnText | None, spent: dict[str, float], choose: bool) -> bool:
        """Has the plan made; False if it was cancelled. Raises ModelError, PlanError."""
        rollout = self._planner.rollout(self.query.text, twin, on_text, spent, choose)
        if rollout is None:
            return False
        if self.rollout is not None:
            before = [made for made in self._earlier if made.labels != self.labels]
            self._earlier = (MadePlan(self.rollout, self.labels), *before)[: PLANS_KEPT - 1]
        self.rollout, self.labels = rollout, self._words_in_view(twin)
        return True


def _outcome(rollout: Rollout, execution: Execution, said: str) -> tuple[Status, str]:
    """said: the answer in words, where there is one (reasoning/sentences.py)."""
    if execution.is_complete:
        count = len(execution.ids)
        message = f"{count} object{'s' if count > 1 else ''}: {', '.join(map(str, execution.ids))}"
        if said or execution.commands:
            message = said or "; ".join(map(_described, execution.commands))
        if steps := _noted(execution, MIGHT_BE):
            message += f"; it might be this, for nothing fits {steps} by its name"
        if steps := _noted(execution, OFF_LINE_OF_SIGHT):
            message += f"; nearer or farther, but not near the line of sight as {steps} asks"
        if steps := _noted(execution, PASSED_OVER):
            message += f"; the closest, for nothing fits {steps}"
        return Status.OK, message
    if execution.look_for:
        return Status.NO_MATCH, f"not in view; perception is asked to look for {', '.join(execution.look_for)}"
    if missing := next((c for c in execution.commands if c.ids and not c.is_complete), None):
        return (
            Status.NO_MATCH,
            f"nothing in the scene fits the destination; what is to be taken is {_listed(missing.ids)}",
        )
    if rollout.plan.is_none:
        return Status.NO_MATCH, f"nothing in the scene fits: {rollout.reason or 'the model found no way to it'}"
    empty = [f"`{step.name} = {step.expression}` gave nothing" for step in execution.trace if not step.ids]
    return Status.NO_MATCH, ": ".join(["nothing in the scene fits", *empty[:1]])


def _described(command: Command) -> str:
    """For example "3 inside 7"; what is handed to the asker is only counted: "1 object: 3"."""
    if command.reference == "camera":
        return f"{len(command.ids)} object{'s' if len(command.ids) > 1 else ''}: {_listed(command.ids)}"
    where = _listed(command.destination_ids) or command.reference
    return " ".join(filter(None, [_listed(command.ids), command.relation, where]))


def _listed(ids: Sequence[int]) -> str:
    return ", ".join(map(str, ids))


def _noted(execution: Execution, note: str) -> str:
    return " and ".join(f"`{step.name} = {step.expression}`" for step in execution.trace if step.note == note)


def _since_ms(start: float) -> float:
    return (time.perf_counter() - start) * 1e3
