"""Verifies a teacher's chains by execution: a chain is kept if it gives the right instances.

A chain is normalised to the student's format: a reason of one line, steps named a, b, c ..., the last one the answer.
Chains that the student's grammar for this twin does not allow (a label that is not in view, literal ids) are dropped.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from ....errors import MissingDataError, ModelError, PlanError
from ....plan.executor import execute
from ....plan.grammar import NAMES
from ....plan.language import Plan, Rollout, Step
from ....plan.operators import OPERATORS
from ....plan.parser import parse_rollout
from ....reasoning import make_word_meaning
from ....reasoning.prompting.reply_forms import plan_grammar
from ....twin.types import DigitalTwin

_STEP = re.compile(r"^\s*[a-z][a-z0-9_]*\s*=\s*[a-z_]+\s*\(")
_SENTENCE_END = re.compile(r"(?<=[.!?;])\s+")


@dataclass(frozen=True)
class Verdict:
    """Result of one reply. completion: the chain in the student's format; problem: why it was dropped."""

    completion: str = ""
    iou: float = 0.0
    problem: str = ""

    @property
    def parsed(self) -> bool:
        """Whether the reply could be parsed as a chain."""
        return self.problem != NOT_A_CHAIN


NOT_A_CHAIN = "no chain"
CANNOT_RUN = "cannot be executed"
NOT_STUDENTS = "outside the student's grammar"
WRONG = "wrong instances"


def iou(ids: Sequence[int], target: Sequence[int]) -> float:
    """Intersection over union of two sets of instances; 1 if both are empty. Instances have equal weight, since
    generated twins have no masks.
    """
    both = set(ids) | set(target)
    return len(set(ids) & set(target)) / len(both) if both else 1.0


class Judge:
    """Thread-safe. Keeps chains with an IoU above min_iou, their reasons cut to reason_characters."""

    def __init__(self, min_iou: float = 0.7, reason_characters: int = 200) -> None:
        self._min_iou, self._characters = min_iou, reason_characters
        self._lock = threading.Lock()  # one matcher and one embedding model serve all threads

    def __call__(self, text: str, twin: DigitalTwin, question: str, target_ids: Sequence[int]) -> Verdict:
        """Parses, executes and scores one reply to a question about one twin."""
        try:
            rollout = parse_rollout(tidy(text))
        except PlanError:
            return Verdict(problem=NOT_A_CHAIN)
        with self._lock:
            plan = canonical(rollout.plan)
            chain = Rollout(brief(rollout.reason, self._characters), plan).short()
            try:
                likes = any(step.operator == "like" for step in plan.steps)
                score = iou(execute(plan, twin, _meaning() if likes else None).ids, target_ids)
            except MissingDataError:
                return Verdict(chain, 0.0, CANNOT_RUN)
            if score <= self._min_iou:
                return Verdict(chain, score, WRONG)
            return Verdict(chain, score, "" if writable(chain, twin, question) else NOT_STUDENTS)


def tidy(text: str) -> str:
    """The reply without thoughts, code fences and line breaks in its reason, which large models often add."""
    text = text.rpartition("</think>")[2]
    if "<plan>" in text or "<answer>" in text:
        return text
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("```")]
    first = next((n for n, line in enumerate(lines) if _STEP.match(line)), len(lines))
    if first == len(lines) and lines and lines[-1].strip() == "none":
        first -= 1
    return "\n".join([" ".join(line.strip() for line in lines[:first]), *lines[first:]])


def brief(reason: str, characters: int) -> str:
    """The first sentences of a reason within `characters`, without invalid characters; at least some words."""
    sentences = _SENTENCE_END.split(" ".join(re.sub("[=<>]", " ", reason).split()))
    kept = ""
    for sentence in sentences:
        if len(longer := f"{kept} {sentence}".strip()) > characters:
            break
        kept = longer
    return kept or sentences[0][:characters].rpartition(" ")[0] or sentences[0][:characters]


def canonical(plan: Plan) -> Plan:
    """The plan with steps renamed to a, b, c ..., and without unused steps."""
    steps: list[Step] = []
    current: dict[str, str] = {}  # a name may be reassigned; later steps use the later value
    for number, step in enumerate(plan.steps):
        steps.append(_renamed(step, f"#{number}", current))
        current[step.name] = f"#{number}"
    destination = current.get(plan.destination, plan.destination)
    needed = {current.get(plan.answer, plan.answer), destination}
    used = []
    for step in reversed(steps):
        if step.name in needed:
            used.append(step)
            needed.update(step.args)
    names = {step.name: NAMES[n] if n < len(NAMES) else f"{NAMES[-1]}{n}" for n, step in enumerate(reversed(used))}
    answer = current.get(plan.answer, plan.answer)
    made = tuple(_renamed(step, names[step.name], names) for step in reversed(used))
    return Plan(made, names.get(answer, answer), plan.answer_ids, names.get(destination, destination), plan.relation)


def _renamed(step: Step, name: str, names: dict[str, str]) -> Step:
    row = OPERATORS[step.operator]
    args = tuple(
        names.get(arg, arg) if kind in ("set", "value") or (kind == "ref" and arg not in row.takes()) else arg
        for kind, arg in zip(row.args, step.args, strict=True)
    )
    return replace(step, name=name, args=args)


def writable(chain: str, twin: DigitalTwin, question: str) -> bool:
    """Whether the student's grammar for this twin and question allows this chain.

    Raises ModelError without xgrammar.
    """
    xgrammar = _xgrammar()
    matcher = xgrammar.GrammarMatcher(_compiled(plan_grammar(twin, question)), terminate_without_stop_token=True)
    return bool(matcher.accept_string(chain) and matcher.is_terminated())


@lru_cache(maxsize=8)
def _compiled(rules: str):
    """Compiles the grammar over bytes instead of tokens: the same language, without token masks."""
    xgrammar = _xgrammar()
    info = xgrammar.TokenizerInfo([bytes([n]) for n in range(256)], vocab_size=256, stop_token_ids=[0])
    return xgrammar.GrammarCompiler(info, max_threads=1).compile_grammar(rules)


@lru_cache(maxsize=1)
def _meaning():
    return make_word_meaning()


def _xgrammar():
    try:
        import xgrammar
    except ImportError as error:
        raise ModelError(f"xgrammar is missing ({error}); get it with `pip install --no-deps xgrammar`") from error
    return xgrammar
