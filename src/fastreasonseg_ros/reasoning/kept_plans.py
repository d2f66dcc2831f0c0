"""Which plan of a question still holds when the labels in view have changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..plan.language import Plan, Rollout
from .general_words import named_labels

PLANS_KEPT = 16  # of one question, each made for other labels


@dataclass(frozen=True)
class MadePlan:
    """What the model wrote for a question, and the labels (plan words) that were in view when it did."""

    rollout: Rollout
    labels: frozenset[str]

    def holds(self, labels: frozenset[str], question: str) -> bool:
        """Whether the model has no reason to write another plan now that these labels are in view.

        It has one where a label is new to it, and where all labels of a filter that it chose itself are gone: for
        "something to drink from" a mug may serve when the glass is gone. A label that the question names is waited for.
        """
        plan = self.rollout.plan
        if not depends_on_labels(plan):
            return True
        if not labels <= self.labels:
            return False
        gone = [words for words in _label_filters(plan) if labels.isdisjoint(words)]
        if not gone:
            return True
        named = {one.label for one in named_labels(question, tuple(self.labels))}
        return not any(named.isdisjoint(words) for words in gone)


def depends_on_labels(plan: Plan) -> bool:
    """Whether a label that the model has not seen could have changed the plan.

    It could where the plan picks by label or found nothing to pick; not where it only measures, compares or asks for
    a meaning: those steps are done anew on every twin.
    """
    unknown = any(not p.placed or (p.relation and not p.destination) for p in plan.placements)
    return not plan.steps or unknown or bool(_label_filters(plan))


def holding(plans: Sequence[MadePlan], labels: frozenset[str], question: str) -> Rollout | None:
    """The first plan that holds for these labels, one that was made for just these before all others; else None."""
    found = [made for made in plans if made.holds(labels, question)]
    exact = [made for made in found if made.labels == labels]
    return next((made.rollout for made in (*exact, *found)), None)


def _label_filters(plan: Plan) -> list[tuple[str, ...]]:
    return [words for step in plan.steps for key, words in step.filters if key == "label"]
