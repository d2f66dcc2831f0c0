"""Samples of the student for GRPO: TRL's rollout_func, made cheap for a CPU.

A prompt is read once for all its samples (its key-value cache is copied), and the adapter is merged into the weights
while sampling, which halves the cost of a token; the weights come back untouched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

import torch
from peft import PeftModel
from peft.tuners.lora import LoraLayer
from transformers import DynamicCache, GenerationConfig, LogitsProcessorList

END = "<|im_end|>"


@dataclass(frozen=True)
class SamplingConfig:
    """temperature: of the policy, in sampling and in training. in_grammar: only what the twin's grammar allows can be
    sampled, as at run time; otherwise sampling is free and the format reward has something to teach. merge: see module.
    """

    temperature: float = 1.0
    max_new_tokens: int = 96
    in_grammar: bool = False
    merge: bool = True


@contextmanager
def merged(model: PeftModel) -> Iterator[None]:
    """W + (alpha / r) B A in place of W while it lasts; afterwards the very same W, without rounding."""
    layers = [module for module in model.modules() if isinstance(module, LoraLayer)]
    originals = [layer.get_base_layer().weight.data for layer in layers]
    try:
        with torch.no_grad():
            for layer, weight in zip(layers, originals, strict=True):
                layer.get_base_layer().weight.data = weight + layer.get_delta_weight("default").to(weight.dtype)
                layer.merged_adapters.append("default")
        yield
    finally:
        for layer, weight in zip(layers, originals, strict=True):
            layer.get_base_layer().weight.data = weight
            layer.merged_adapters.clear()


class Sampler:
    """Called by TRL as `sampler(prompts, trainer)`; equal prompts beside each other share one reading of the prompt."""

    def __init__(self, tokenizer, config: SamplingConfig, grammars: Mapping[str, str]) -> None:
        """grammars: EBNF of each prompt's twin; used where config.in_grammar."""
        self.config, self._tokenizer, self._grammars = config, tokenizer, grammars
        self._end = tokenizer.convert_tokens_to_ids(END)
        self._compile = None

    def __call__(self, prompts: Sequence[str], trainer) -> dict[str, list]:
        model = trainer.accelerator.unwrap_model(trainer.model)
        prompt_ids, completion_ids = self.sample(model, prompts)
        return {"prompt_ids": prompt_ids, "completion_ids": completion_ids, "logprobs": None}  # type: ignore[dict-item]

    def decode(self, completion_ids: Sequence[Sequence[int]]) -> list[str]:
        """The texts, as TRL hands them to rewards."""
        return self._tokenizer.batch_decode(completion_ids, skip_special_tokens=True)

    def sample(self, model: PeftModel, prompts: Sequence[str]) -> tuple[list[list[int]], list[list[int]]]:
        """Token ids of every prompt and of one sampled completion each, up to and with the end of its turn."""
        unique = list(dict.fromkeys(prompts))
        ids = [self._tokenizer.encode(text, add_special_tokens=False) for text in unique]
        owner = [unique.index(prompt) for prompt in prompts]
        was_training = model.training
        model.eval()
        try:
            if self.config.merge:
                with merged(model):
                    replies = self._generate(model, ids, owner, prompts)
            else:
                replies = self._generate(model, ids, owner, prompts)
        finally:
            model.train(was_training)
        return [ids[n] for n in owner], replies

    @torch.no_grad()
    def _generate(
        self, model: PeftModel, ids: list[list[int]], owner: list[int], prompts: Sequence[str]
    ) -> list[list[int]]:
        core = model.get_base_model()
        device = next(core.parameters()).device
        length = max(map(len, ids))
        tokens = torch.full((len(ids), length), self._end)
        mask = torch.zeros_like(tokens)
        for n, row in enumerate(ids):
            tokens[n, length - len(row) :] = torch.tensor(row)
            mask[n, length - len(row) :] = 1
        tokens, mask = tokens.to(device), mask.to(device)
        cache = DynamicCache(config=core.config)
        positions = (mask.cumsum(-1) - 1).clamp(min=0)
        core(
            input_ids=tokens[:, :-1],
            attention_mask=mask[:, :-1],
            position_ids=positions[:, :-1],
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        rows = torch.tensor(owner, device=device)
        cache.batch_select_indices(rows)
        settings = GenerationConfig(
            do_sample=True,
            temperature=self.config.temperature,
            top_k=0,
            top_p=1.0,
            max_new_tokens=self.config.max_new_tokens,
            eos_token_id=self._end,
            pad_token_id=self._end,
            disable_compile=True,
        )
        written = core.generate(
            input_ids=tokens[rows],
            attention_mask=mask[rows],
            past_key_values=cache,
            generation_config=settings,
            logits_processor=self._processors(core.config.vocab_size, prompts),
        )[:, length:].tolist()
        return [row[: row.index(self._end) + 1] if self._end in row else row for row in written]

    def _processors(self, vocabulary: int, prompts: Sequence[str]) -> LogitsProcessorList:
        if not self.config.in_grammar:
            return LogitsProcessorList()
        from xgrammar.contrib.hf import LogitsProcessor

        if self._compile is None:
            self._compile = self._compiler(vocabulary)
        return LogitsProcessorList([LogitsProcessor([self._compile(self._grammars[p]) for p in prompts])])

    def _compiler(self, vocabulary: int):
        import xgrammar

        info = xgrammar.TokenizerInfo.from_huggingface(
            self._tokenizer, vocab_size=vocabulary, stop_token_ids=[self._end]
        )
        return lru_cache(64)(xgrammar.GrammarCompiler(info).compile_grammar)
