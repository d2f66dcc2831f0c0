"""Configuration of the comparison of students: variants and question sets (config/eval/students.yaml)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ...config import from_mapping, read_yaml
from ...errors import ConfigError, Status
from ...pipeline import reason
from ...plan.grammar import vocabulary
from ...plan.language import plan_word
from ...reasoning import make_word_meaning
from ...reasoning.language_models.openvino import OpenVinoConfig, OpenVinoModel
from ...reasoning.prompting.reply_forms import Form
from ...reasoning.protocol import LanguageModel, WordMeaning
from ...twin.types import Answer, DigitalTwin, Query
from ..runners.scene_state import Ask
from .few_shot import Prefixed, few_shot, zero_shot

Asker = Callable[[LanguageModel], Ask]


@dataclass(frozen=True)
class Variant:
    """One row of the table.

    method: a language model, or all instances of the label nearest to the question, or of all labels that `like` would
    take. adapter: a folder; empty is the base as it comes. prompt: as in training, or with the language described and
    no or five examples. without: operators that plans may not use. against: the row that this one is compared with,
    question by question. limit: ask only this many of each set, 0: all. train: the command that makes the adapter.
    """

    title: str
    method: Literal["model", "nearest", "matching"] = "model"
    adapter: str = ""
    prompt: Literal["trained", "zero-shot", "few-shot"] = "trained"
    form: Form = "plan"
    without: tuple[str, ...] = ()
    against: str = ""
    limit: int = 0
    train: str = ""

    @property
    def is_trained(self) -> bool:
        """Whether its adapter exists, if it needs one."""
        return not self.adapter or (Path(self.adapter) / "adapter_model.safetensors").is_file()

    def model_config(self, threads: int, context_tokens: int = 8192) -> OpenVinoConfig:
        adapter = Path(self.adapter) if self.adapter else None
        return OpenVinoConfig(
            adapter=adapter,
            use_adapter=adapter is not None,
            threads=threads,
            context_tokens=context_tokens,
            grammars=500,  # each question has its own grammar; a robot has less memory and fewer questions
        )


@dataclass(frozen=True)
class QuestionSet:
    """Either scenes and queries: twins without pictures, scored by exact sets. Or dataset: pictures with oracle
    perception, scored by gIoU. make: the command that makes the files."""

    title: str
    scenes: str = ""
    queries: str = ""
    dataset: str = ""
    make: str = ""

    @property
    def is_here(self) -> bool:
        return all(Path(p).exists() for p in (self.scenes, self.queries, self.dataset) if p)


@dataclass(frozen=True)
class Comparison:
    variants: dict[str, Variant]
    sets: dict[str, QuestionSet]


def read_comparison(path: str | Path) -> Comparison:
    """Raises ConfigError naming file and key."""
    data = read_yaml(path)
    if set(data) != {"variants", "sets"} or not all(isinstance(v, Mapping) and v for v in data.values()):
        raise ConfigError(f"{path}: expected the two groups `variants` and `sets`, each with a name for every entry")
    variants = _group(Variant, data["variants"], f"{path}: variants")
    for name, variant in variants.items():
        if variant.against and variant.against not in variants:
            raise ConfigError(f"{path}: variants.{name}: against: there is no variant {variant.against!r}")
    sets = _group(QuestionSet, data["sets"], f"{path}: sets")
    for name, questions in sets.items():
        if bool(questions.dataset) == bool(questions.scenes and questions.queries):
            raise ConfigError(f"{path}: sets.{name}: expected either dataset, or scenes and queries")
    return Comparison(variants, sets)


def _group(cls: type, data: Mapping[str, Any], source: str) -> dict[str, Any]:
    made = {}
    for name, values in data.items():
        if not isinstance(values, Mapping):
            raise ConfigError(f"{source}.{name}: expected `key: value` lines, got {values!r}")
        made[str(name)] = from_mapping(cls, values, f"{source}.{name}")
    return made


def asker(variant: Variant, meaning: WordMeaning) -> Asker:
    """A function from a language model to the `ask` of this variant."""
    if variant.method != "model":
        return lambda _: lambda twin, query: by_meaning(twin, query, meaning, variant.method)

    def of(model: LanguageModel) -> Ask:
        model = with_prefix(variant, model)
        return lambda twin, query: reason(twin, query, model, meaning, form=variant.form, without=variant.without)

    return of


def with_prefix(variant: Variant, model: LanguageModel) -> LanguageModel:
    """The model with the variant's description or examples before each prompt."""
    prefix = {"trained": "", "zero-shot": zero_shot(), "few-shot": few_shot()}[variant.prompt]
    return Prefixed(model, prefix) if prefix else model


def load_student(variant: Variant, threads: int) -> tuple[LanguageModel, WordMeaning]:
    """Language model and word meaning of a robot with this student. Raises ModelError."""
    model = with_prefix(variant, OpenVinoModel(variant.model_config(threads)))
    return model, make_word_meaning(None, [f"threads={threads}"])


def by_meaning(twin: DigitalTwin, query: Query, meaning: WordMeaning, method: str) -> Answer:
    """All visible instances of the nearest label, or of the matching labels; without language model and plan."""
    labels = vocabulary(twin)[0]
    chosen = meaning.nearest(query.text, labels, 1) if method == "nearest" else meaning.matching(query.text, labels)
    ids = tuple(i.id for i in twin.instances if i.visible and plan_word(i.label) in chosen)
    return Answer(query, Status.OK if ids else Status.NO_MATCH, f"labels: {', '.join(chosen) or 'none'}", ids=ids)
