"""Samples completions of the student for GRPO: TRL's rollout_func, optimized for CPUs.

Most tokens of a trained student have high probability, so the samples of a prompt are decoded as a tree: a common
prefix is computed once, and ended samples cost nothing. The samples are independent, as if drawn one by one. The
adapter is merged into the weights while sampling, which halves the cost of a token; the weights are restored exactly.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from jaxtyping import Bool, Float, Int64
from peft import PeftModel
from peft.tuners.lora import LoraLayer
from torch import Tensor
from transformers import DynamicCache

END = "<|im_end|>"


@dataclass(frozen=True)
class SamplingConfig:
    """temperature: of the policy, in sampling and training. in_grammar: the policy is the model constrained by the
    twin's grammar, as at run time; otherwise the unconstrained model, for which the format reward is useful. merge: see
    the module's docstring.
    """

    temperature: float = 1.0
    max_new_tokens: int = 96
    in_grammar: bool = False
    merge: bool = True


@dataclass(frozen=True)
class Branch:
    """A common prefix of replies: its tokens, the rows of the batch with it, and its grammar state."""

    tokens: list[int]
    rows: list[int]
    matcher: Any = None


@contextmanager
def merged(model: PeftModel) -> Iterator[None]:
    """Context with W + (alpha / r) B A in place of W; afterwards W is restored without rounding."""
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


def allowed_tokens(matchers: Sequence[Any], vocabulary: int) -> Bool[Tensor, "matchers words"]:
    """The allowed next tokens in each of xgrammar's states."""
    import xgrammar

    packed = xgrammar.allocate_token_bitmask(len(matchers), vocabulary)
    for n, matcher in enumerate(matchers):
        matcher.fill_next_token_bitmask(packed, n)
    bits = packed[:, :, None] >> torch.arange(32, dtype=torch.int32) & 1
    return bits.flatten(1)[:, :vocabulary].bool()


class Sampler:
    """Called by TRL as `sampler(prompts, trainer)`; equal prompts share one tree."""

    def __init__(self, tokenizer, config: SamplingConfig, grammars: Mapping[str, str]) -> None:
        """grammars: EBNF of each prompt's twin; used where config.in_grammar."""
        self.config, self._tokenizer, self._grammars = config, tokenizer, grammars
        self._end = tokenizer.convert_tokens_to_ids(END)
        self._compile = None
        self._texts: dict[tuple[int, ...], str] = {}  # of the prompts sampled last

    def __call__(self, prompts: Sequence[str], trainer) -> dict[str, list]:
        model = trainer.accelerator.unwrap_model(trainer.model)
        prompt_ids, completion_ids = self.sample(model, prompts)
        return {"prompt_ids": prompt_ids, "completion_ids": completion_ids, "logprobs": None}  # type: ignore[dict-item]

    def decode(self, completion_ids: Sequence[Sequence[int]]) -> list[str]:
        """The texts, as TRL passes them to rewards."""
        return self._tokenizer.batch_decode(completion_ids, skip_special_tokens=True)

    def sample(self, model: PeftModel, prompts: Sequence[str]) -> tuple[list[list[int]], list[list[int]]]:
        """Token ids of every prompt and of one sampled completion each, including the end of its turn."""
        unique = list(dict.fromkeys(prompts))
        ids = [self._tokenizer.encode(text, add_special_tokens=False) for text in unique]
        owner = [unique.index(prompt) for prompt in prompts]
        self._texts = {tuple(row): text for row, text in zip(ids, unique, strict=True)}
        was_training = model.training
        model.eval()
        try:
            if self.config.merge:
                with merged(model):
                    replies = self._generate(model, ids, owner, unique)
            else:
                replies = self._generate(model, ids, owner, unique)
        finally:
            model.train(was_training)
        return [ids[n] for n in owner], replies

    @torch.no_grad()
    def _generate(
        self, model: PeftModel, ids: list[list[int]], owner: list[int], prompts: list[str]
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

        def read(tokens: Int64[Tensor, "b t"], mask: Int64[Tensor, "b all"]) -> Float[Tensor, "b words"]:
            positions = (mask.cumsum(-1) - 1).clamp(min=0)[:, -tokens.shape[1] :]
            return core(
                input_ids=tokens,
                attention_mask=mask,
                position_ids=positions,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            ).logits[:, -1]

        logits = read(tokens, mask)
        rows = [[row for row, n in enumerate(owner) if n == prompt] for prompt in range(len(ids))]
        branches = [Branch([], r, self._matcher(core, text)) for r, text in zip(rows, prompts, strict=True)]
        replies: list[list[int]] = [[] for _ in owner]
        for step in range(self.config.max_new_tokens):
            grown, parents = [], []
            for n, children in enumerate(self._grow(branches, logits)):
                for child in children:
                    for row in child.rows:
                        replies[row] = child.tokens
                    if child.tokens[-1] != self._end:
                        grown.append(child)
                        parents.append(n)
            if not grown or step + 1 == self.config.max_new_tokens:
                break
            if parents != list(range(len(branches))):
                chosen = torch.tensor(parents, device=device)
                cache.batch_select_indices(chosen)
                mask = mask[chosen]
            branches = grown
            mask = torch.cat([mask, mask.new_ones(len(grown), 1)], dim=1)
            logits = read(torch.tensor([[b.tokens[-1]] for b in grown], device=device), mask)
        return replies

    def _grow(self, branches: list[Branch], logits: Float[Tensor, "b words"]) -> Iterator[list[Branch]]:
        """The children of each branch: one for every token that its samples drew."""
        logits = logits.float() / self.config.temperature
        if self.config.in_grammar:
            allowed = allowed_tokens([branch.matcher for branch in branches], logits.shape[1])
            logits = logits.masked_fill(~allowed.to(logits.device), -torch.inf)
        for branch, chances in zip(branches, torch.softmax(logits, dim=-1), strict=True):
            drawn = torch.multinomial(chances, len(branch.rows), replacement=True).tolist()
            children = []
            for token in dict.fromkeys(drawn):
                rows = [row for row, other in zip(branch.rows, drawn, strict=True) if other == token]
                matcher = branch.matcher and branch.matcher.fork()
                if matcher:
                    matcher.accept_token(token)
                children.append(Branch([*branch.tokens, token], rows, matcher))
            yield children

    def matcher(self, core, prompt_ids: Sequence[int]) -> Any:
        """xgrammar's state before a reply to one of the last sampled prompts; None if not in_grammar."""
        return self._matcher(core, self._texts[tuple(prompt_ids)])

    def _matcher(self, core, prompt: str) -> Any:
        if not self.config.in_grammar:
            return None
        import xgrammar

        if self._compile is None:
            info = xgrammar.TokenizerInfo.from_huggingface(
                self._tokenizer, vocab_size=core.config.vocab_size, stop_token_ids=[self._end]
            )
            self._compile = lru_cache(64)(xgrammar.GrammarCompiler(info).compile_grammar)
        return xgrammar.GrammarMatcher(self._compile(self._grammars[prompt]))
