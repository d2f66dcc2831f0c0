"""A causal language model of transformers, on CUDA, CPU or Apple's MPS, with or without a PEFT adapter.

Prompt and grammar are those of the embedded model. The common prefix with the previous prompt (the scene comes first)
stays in the KV cache, so that only the new question is processed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from ...errors import ConfigError, ModelError
from ...plan.operators import LANGUAGE_VERSION
from ...weights import Device, Precision, check_memory, find_weights, loading, pick_device, pick_dtype
from ..prompting.prompt import instructed
from .gguf import adapter_language

_CLOSING = ("\n", '"', ")", ", ")  # end of a line of reasoning, a quoted text, a call, an argument
_CLOSING_TOKENS = 96  # additional tokens to end a reply within its grammar after max_new_tokens
_GRAMMARS = 32


@dataclass(frozen=True)
class TransformersConfig:
    """Settings of a transformers model.

    model: folder or hub id (Qwen/Qwen3-0.6B, 1.7B, 8B ...). adapter: PEFT folder, merged into the weights unless they
    are quantised. instructions: explain the plan language in the prompt; None: only without an adapter.
    quantize: 4bit (NF4) needs CUDA and bitsandbytes. max_new_tokens: a longer reply is ended by the shortest way in its
    grammar.
    """

    model: str = "Qwen/Qwen3-0.6B"
    adapter: Path | None = None
    device: Device = "auto"
    precision: Precision = "auto"
    quantize: Literal["none", "4bit"] = "none"
    instructions: bool | None = None
    max_new_tokens: int = 160


class TransformersModel:
    """A `LanguageModel`. One generation at a time; a second caller waits."""

    def __init__(self, config: TransformersConfig = TransformersConfig()) -> None:
        """Loads and warms up.

        Raises ModelError for missing, damaged or too large weights, with what to do, ConfigError for a setting.
        """
        self.config = config
        device = pick_device(config.device)
        if config.quantize == "4bit":
            _check_four_bits(device)
        folder = find_weights(config.model)
        bits = 0.5 if config.quantize == "4bit" else 4.0
        check_memory(config.model, folder, device, bits)
        with loading(config.model):
            self._model, self._tokenizer = _load(config, folder, device)
        self.name = Path(config.model).name + (f"+{config.adapter.name}" if config.adapter else "")
        self._instructions = config.adapter is None if config.instructions is None else config.instructions
        self.plan_language = LANGUAGE_VERSION if self._instructions else _language(config.adapter)
        self._grammars = _Grammars(self._model, self._tokenizer)
        self._lock = threading.Lock()
        self._cached: list[int] = []  # tokens whose keys and values are in the cache
        self._cache: Any = None
        with loading(config.model):
            self.generate(
                "mug\n", 'root ::= "a" "b"'
            )  # warm-up: selects kernels, and fails early without enough memory

    def generate(self, prompt: str, grammar: str, on_text: Callable[[str], bool] | None = None) -> str:
        """Greedy continuation of `prompt` inside `grammar`; see `LanguageModel`. Empty grammar: unconstrained."""
        import torch

        prompt = instructed(prompt) if self._instructions and grammar else prompt
        ids = self._tokenizer(prompt, add_special_tokens=False)["input_ids"]
        room = getattr(self._model.config.get_text_config(), "max_position_embeddings", None)
        if room is not None and len(ids) + self.config.max_new_tokens + _CLOSING_TOKENS > room:
            raise ModelError(
                f"{self.name}: a prompt of {len(ids)} tokens leaves no room in a context of {room}; ask of less"
            )
        with self._lock, torch.inference_mode(), self._failing():
            rules = self._grammars.rules(grammar) if grammar else None
            return self._decode(ids, rules, on_text)

    def _decode(self, ids: list[int], rules: _Rules | None, on_text: Callable[[str], bool] | None) -> str:
        logits, new, text = self._read(ids), [], ""
        unread: list[int] = []  # tokens that the network has not processed yet (closing tokens need no logits)
        for left in range(self.config.max_new_tokens + _CLOSING_TOKENS, 0, -1):
            closing = left <= _CLOSING_TOKENS
            if closing and rules is None:
                break
            token = rules.closing() if closing and rules is not None else None
            if token is None:
                logits = self._read_more(unread) if unread else logits
                unread = []
                token = int(logits.argmax()) if rules is None else rules.choose(logits)
            if token is None or token in self._grammars.stop:
                break
            new.append(token)
            if on_text:
                decoded = self._text(new)
                if not decoded.endswith("\ufffd") and len(decoded) > len(text):  # else the last character is incomplete
                    piece, text = decoded[len(text) :], decoded
                    if on_text(piece):
                        break
            if rules is not None and rules.ended:
                break
            unread.append(token)
        return self._text(new)

    def _text(self, tokens: list[int]) -> str:
        return self._tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)

    def _read(self, ids: list[int]):
        """Logits after the prompt; the common prefix with the cache is not processed again."""
        import torch
        from transformers import DynamicCache

        shared = 0
        for a, b in zip(ids[:-1], self._cached, strict=False):  # at least one token must be read
            if a != b:
                break
            shared += 1
        if self._cache is None or shared == 0 or not _crop(self._cache, shared):
            self._cache, shared = DynamicCache(config=self._model.config), 0
        self.read_tokens = len(ids) - shared  # tokens of the last prompt that were not cached
        self._cached = []  # the cache is invalid if the next line fails
        rest = torch.tensor([ids[shared:]], device=self._model.device)
        out = self._model(input_ids=rest, past_key_values=self._cache, use_cache=True, logits_to_keep=1)
        self._cached = list(ids)
        return out.logits[0, -1]

    def _read_more(self, tokens: list[int]):
        import torch

        ids = torch.tensor([tokens], device=self._model.device)
        out = self._model(input_ids=ids, past_key_values=self._cache, use_cache=True, logits_to_keep=1)
        self._cached += tokens
        return out.logits[0, -1]

    @contextmanager
    def _failing(self):
        """Translates errors of the network to ModelError and resets the cache; other exceptions propagate."""
        import torch

        try:
            yield
        except (torch.OutOfMemoryError, MemoryError) as error:
            self._cache, self._cached = None, []
            raise ModelError(
                f"{self.name}: too little memory to answer; use a smaller model, or quantize: 4bit"
            ) from error
        except RuntimeError as error:
            self._cache, self._cached = None, []
            raise ModelError(f"{self.name}: generation failed ({' '.join(str(error).split())[-200:]})") from error


class _Rules:
    """Grammar state of one reply."""

    def __init__(self, compiled: Any, owner: _Grammars) -> None:
        import xgrammar

        self._matcher = xgrammar.GrammarMatcher(compiled)
        self._owner = owner

    @property
    def ended(self) -> bool:
        return self._matcher.is_terminated()

    def choose(self, logits: Any) -> int | None:
        """The most probable token that the grammar allows; None if it allows none."""
        import torch
        import xgrammar

        mask = self._owner.mask
        if self._matcher.fill_next_token_bitmask(mask):
            logits = logits.float()[None]
            xgrammar.apply_token_bitmask_inplace(logits, mask.to(logits.device), vocab_size=self._owner.vocab_size)
            logits = logits[0]
        token = int(logits.argmax())
        return token if torch.isfinite(logits[token]) and self._matcher.accept_token(token) else None

    def closing(self) -> int | None:
        """A token that ends the current element, if the grammar allows one; needs no logits."""
        return next((token for token in self._owner.closing if self._matcher.accept_token(token)), None)


class _Grammars:
    """Compiled grammars of one tokenizer."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        try:
            import xgrammar
        except ImportError as error:
            raise ModelError(f"xgrammar is missing ({error}); get it with `pip install xgrammar`") from error
        configured = model.generation_config.eos_token_id
        stop = configured if isinstance(configured, list) else [configured]
        stop += [tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids("<|im_end|>")]
        known = {t for t in stop if isinstance(t, int) and t >= 0}
        if tokenizer.unk_token_id is not None and tokenizer.unk_token_id not in (configured, tokenizer.eos_token_id):
            known.discard(tokenizer.unk_token_id)
        if not known:
            raise ModelError(f"{tokenizer.name_or_path}: the tokenizer has no end-of-text token; no reply would end")
        self.stop = frozenset(known)
        self.vocab_size = model.config.get_text_config().vocab_size
        info = xgrammar.TokenizerInfo.from_huggingface(
            tokenizer, vocab_size=self.vocab_size, stop_token_ids=sorted(known)
        )
        self._compiler = xgrammar.GrammarCompiler(info, max_threads=2)
        self._compiled = lru_cache(_GRAMMARS)(self._compiler.compile_grammar)
        self.mask = xgrammar.allocate_token_bitmask(1, self.vocab_size)
        marks = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in _CLOSING]
        self.closing = [*sorted(known), *(ids[0] for ids in marks if len(ids) == 1)]

    def rules(self, grammar: str) -> _Rules:
        """A new state of the grammar. Raises RuntimeError for an invalid grammar."""
        return _Rules(self._compiled(grammar), self)


def _language(adapter: Path | None) -> int:
    return adapter_language(adapter) if adapter is not None else 1


def _load(config: TransformersConfig, folder: Path, device: str):
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    dtype = pick_dtype(config.precision, device)
    more: dict[str, Any] = {}
    if config.quantize == "4bit":
        more = {"quantization_config": _four_bits(torch.float16 if dtype == torch.float32 else dtype)}
    where = (folder.parent, {"gguf_file": folder.name}) if folder.suffix == ".gguf" else (folder, {})
    tokenizer = AutoTokenizer.from_pretrained(where[0], local_files_only=True, **where[1])
    model = AutoModelForCausalLM.from_pretrained(
        where[0], dtype=dtype, local_files_only=True, device_map=device if more else None, **more, **where[1]
    )
    if config.adapter is not None:
        model = _adapted(model, config)
    return (model if more else model.to(device)).eval(), tokenizer


def _adapted(model: Any, config: TransformersConfig):
    try:
        from peft import PeftModel
    except ImportError as error:
        raise ModelError(f"{config.adapter}: PEFT is missing ({error}); get it with `pip install peft`") from error
    try:
        adapted = PeftModel.from_pretrained(model, str(config.adapter), local_files_only=True)
    except Exception as error:  # PEFT raises various exceptions for a damaged or incompatible adapter
        reason = " ".join(str(error).split())[:300]
        raise ModelError(
            f"{config.adapter}: is no adapter for {config.model} ({reason}); give a PEFT folder made on that base"
        ) from error
    return adapted if config.quantize == "4bit" else adapted.merge_and_unload()


def _check_four_bits(device: str) -> None:
    """Raises ConfigError if 4-bit weights are not supported."""
    if device != "cuda":
        raise ConfigError(f"quantize: 4bit runs on CUDA only, and the device is {device}; set quantize: none")
    try:
        import bitsandbytes  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            "quantize: 4bit needs bitsandbytes, which is not installed: `pip install bitsandbytes`, or quantize: none"
        ) from error


def _four_bits(dtype: Any):
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype, bnb_4bit_use_double_quant=True
    )


def _crop(cache: Any, length: int) -> bool:
    """Truncates the cache to its first tokens; False if this kind of cache cannot be truncated (sliding windows)."""
    surplus = cache.get_seq_length() - length
    if surplus < 0 or any(type(layer).__name__ != "DynamicLayer" for layer in cache.layers):
        return False
    if surplus:
        cache.crop(-surplus)
    return True
