"""Two other forms of a rollout, to be measured against the plan that is executed.

`results` is the paper's order (DESIGN 4): generation pauses after the plan, what its steps gave is put in, and the
model then answers. `ids` has no plan: the model reads places and sizes off the prompt and names ids itself.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Literal

from ...errors import PlanError
from ...plan.grammar import NOT_NARROWED, Narrowed, grammar
from ...plan.language import Plan, plan_word
from ...plan.numbers import quantities
from ...plan.operators import LANGUAGE_VERSION
from ...twin.types import DigitalTwin, Instance, TraceStep
from ..protocol import NO_HINT, Hint
from ..word_meaning.word_forms import quotable
from .prompt import question_turn, scene_turn

Form = Literal["plan", "results", "ids"]
MAX_SHOWN = 8  # members of a result that the model is shown


def plan_grammar(
    twin: DigitalTwin,
    question: str = "",
    look_for: bool = False,
    without: Collection[str] = (),
    narrowed: Narrowed = NOT_NARROWED,
    language: int = LANGUAGE_VERSION,
) -> str:
    """The grammar of a plan over this twin, in that version of the plan language.

    Words that are no label in view, and quantities, are those of the question, if given.
    """
    quoted, amounts = (quotable(question), quantities(question)) if question else ((), None)
    return grammar(twin, look_for, without, quoted, narrowed, language, amounts)


def results_turn(trace: Sequence[TraceStep], twin: DigitalTwin) -> str:
    """What the steps gave, as it stands between plan and answer."""
    words = {i.id: _named(i) for i in twin.instances}
    lines = [f"{s.name}: {', '.join(words[k] for k in s.ids[:MAX_SHOWN]) or 'nothing'}" for s in trace]
    return "\n".join(["", "<results>", *lines, "</results>", ""])


def answer_grammar(trace: Sequence[TraceStep]) -> str:
    """Ids that some step gave and the prompt showed, or none."""
    return _ids_grammar(sorted({k for step in trace for k in step.ids[:MAX_SHOWN]}), "root ::= answer")


def answered(plan: Plan, trace: Sequence[TraceStep], reply: str) -> Plan:
    """The plan with the answer that the model gave after it saw the results.

    Ids that a step gave stand for that step, the last such one, so that the plan can be kept for further twins.
    """
    ids = () if reply.strip() == "none" else _ids(reply)
    same = [step.name for step in trace if set(step.ids[:MAX_SHOWN]) == set(ids)]
    return replace(plan, answer=same[-1] if same else "", answer_ids=() if same else ids)


def ids_prompt(twin: DigitalTwin, question: str, hint: Hint = NO_HINT) -> str:
    """ChatML prompt whose continuation is a line of reasoning and then ids, or none."""
    return scene_turn(ids_scene_text(twin)) + question_turn(question, hint)


def ids_scene_text(twin: DigitalTwin) -> str:
    """One line an instance: id, colour, label, shape; centre and size as three whole centimetres; path if it moved."""
    return "\n".join(_described(i) for i in twin.instances) or "nothing"


def ids_grammar(twin: DigitalTwin) -> str:
    """A line of reasoning, then ids of this twin or none."""
    return _ids_grammar([i.id for i in twin.instances], 'root ::= [^\\n=<>]+ "\\n" answer')


def _ids_grammar(ids: Sequence[int], root: str) -> str:
    if not ids:
        return f'{root}\nanswer ::= "none"'
    numbers = " | ".join(f'"{k}"' for k in ids)
    return f'{root}\nanswer ::= id (", " id)* | "none"\nid ::= {numbers}'


def _ids(reply: str) -> tuple[int, ...]:
    try:
        return tuple(dict.fromkeys(int(word) for word in reply.split(",")))
    except ValueError as error:
        raise PlanError(f"after the results the model wrote {reply[:60]!r}; expected ids or none") from error


def _named(i: Instance) -> str:
    return " ".join(word for word in (str(i.id), i.color, plan_word(i.label)) if word)


def _described(i: Instance) -> str:
    parts = [_named(i) if i.visible else f"gone {_named(i)}", i.shape or ""]
    if i.center_m:
        parts.append("at " + " ".join(str(round(100 * v)) for v in i.center_m))
    if i.size_m:
        parts.append("size " + " ".join(str(round(100 * v)) for v in i.size_m))
    if (i.path_length_m or 0.0) > 0.02:
        parts.append(f"moved {round(100 * i.path_length_m)}")
    return ", ".join(part for part in parts if part)
