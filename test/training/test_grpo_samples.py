"""Samples for GRPO: they are drawn and scored as a tree, with the chances that each has alone."""

from collections import Counter

import pytest
import torch

from fastreasonseg_ros.plan.grammar import grammar
from fastreasonseg_ros.training.student import base_model as base
from fastreasonseg_ros.training.student.grpo.prompts import Grammars
from fastreasonseg_ros.training.student.grpo.sampler import Sampler, SamplingConfig, allowed_tokens, merged
from fastreasonseg_ros.training.student.grpo.trainer import branch_logps
from fastreasonseg_ros.twin.serialization import twin_from_json

pytest.importorskip("trl")


@pytest.fixture(scope="module")
def policy(tiny):
    model, _, _ = base.load_base(str(tiny))
    model = base.lora_model(model, 2, 4)
    torch.manual_seed(1)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight)
    return model


def test_samples_behind_one_prompt_have_the_values_that_they_have_alone(tiny):
    model, _, _ = base.load_base(str(tiny))
    prompt, replies = [5, 6, 7, 8], [[9, 10, 11], [12], [9, 13]]
    shared = branch_logps(model, prompt, replies, temperature=0.7)
    for reply, (logps, entropies) in zip(replies, shared, strict=True):
        logits = model(input_ids=torch.tensor([prompt + reply])).logits[0, len(prompt) - 1 : -1] / 0.7
        alone = torch.log_softmax(logits, -1)
        torch.testing.assert_close(logps, alone[range(len(reply)), reply], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(entropies, torch.distributions.Categorical(logits=logits).entropy())


def test_inside_a_grammar_chances_are_those_among_the_tokens_it_allows(policy, tokenizer, examples):
    prompts = [str(examples[0]["prompt"])] * 6
    sampler = Sampler(tokenizer, SamplingConfig(max_new_tokens=12, in_grammar=True), Grammars(examples))
    (prompt, *_), written = sampler.sample(policy, prompts)
    replies, core = list(map(list, dict.fromkeys(map(tuple, written)))), policy.get_base_model()
    assert len(replies) > 1
    found = branch_logps(core, prompt, replies, 0.7, sampler.matcher(core, prompt))
    free = branch_logps(core, prompt, replies, 0.7)
    for reply, (logps, entropies), (unbound, _) in zip(replies, found, free, strict=True):
        state = sampler.matcher(core, prompt)
        with torch.no_grad():
            logits = core(input_ids=torch.tensor([prompt + reply])).logits[0, len(prompt) - 1 : -1] / 0.7
        for place, token in enumerate(reply):
            [allowed] = allowed_tokens([state], logits.shape[-1])
            among = torch.distributions.Categorical(logits=logits[place, allowed])
            chosen = among.log_prob(allowed.nonzero()[:, 0].eq(token).nonzero()[0])
            torch.testing.assert_close(logps[place], chosen[0], rtol=1e-4, atol=1e-4)
            torch.testing.assert_close(entropies[place], among.entropy(), rtol=1e-4, atol=1e-4)
            state.accept_token(token)
        assert logps.sum() > unbound.sum()
    sum(logps.sum() for logps, _ in found).backward()
    gradients = [p.grad for p in policy.parameters() if p.grad is not None]
    policy.zero_grad()
    assert gradients
    assert all(g.isfinite().all() for g in gradients)


def test_merging_for_sampling_leaves_the_weights_as_they_were(policy):
    ids = torch.tensor([[5, 6, 7]])
    before, kept = (
        policy(input_ids=ids).logits,
        policy.state_dict()["base_model.model.model.layers.0.mlp.up_proj.base_layer.weight"].clone(),
    )
    with merged(policy):
        inside = policy(input_ids=ids).logits
    torch.testing.assert_close(inside, before, rtol=1e-3, atol=1e-3)
    assert torch.equal(policy(input_ids=ids).logits, before)
    assert torch.equal(policy.state_dict()["base_model.model.model.layers.0.mlp.up_proj.base_layer.weight"], kept)


def test_samples_follow_the_policy_whatever_their_neighbours(policy, tokenizer, examples):
    """Sharp sampling is greedy: prompts of other lengths in the batch must not change what is written."""
    prompts = sorted({e["prompt"] for e in examples}, key=len)
    prompts = [prompts[0], prompts[-1]]
    sampler = Sampler(tokenizer, SamplingConfig(temperature=1e-4, max_new_tokens=4, merge=False), {})
    ids, written = sampler.sample(policy, [prompts[0]] * 2 + [prompts[1]] * 2)
    for prompt, row, reply in zip([prompts[0]] * 2 + [prompts[1]] * 2, ids, written, strict=True):
        assert tokenizer.decode(row) == prompt
        for n, token in enumerate(reply):
            logits = policy(input_ids=torch.tensor([row + reply[:n]])).logits[0, -1]
            assert logits[token] > logits.max() - 2e-3  # 49,152 random words: the best are close to each other


def test_a_tree_of_samples_has_the_chances_of_single_ones(policy, tokenizer):
    count, sampler = 1000, Sampler(tokenizer, SamplingConfig(temperature=0.01, max_new_tokens=2), {})
    torch.manual_seed(0)
    ids, written = sampler.sample(policy, ["mug\n"] * count)
    pair, found = Counter(map(tuple, written)).most_common(1)[0]
    logits = policy(input_ids=torch.tensor([ids[0] + list(pair[:1])])).logits[0, -2:].detach() / 0.01
    chance = float(torch.log_softmax(logits, -1)[[0, 1], list(pair)].sum().exp())
    assert found / count == pytest.approx(chance, abs=4 * (chance * (1 - chance) / count) ** 0.5)
    assert 0.01 < chance < 0.9  # neither never nor always, or the test says nothing


def test_samples_stay_inside_the_grammar_of_their_twin(policy, tokenizer, examples):
    xgrammar = pytest.importorskip("xgrammar")
    prompts = [e["prompt"] for e in examples[:2] for _ in range(2)]
    sampler = Sampler(tokenizer, SamplingConfig(max_new_tokens=8, in_grammar=True), Grammars(examples))
    _, written = sampler.sample(policy, prompts)
    compiler = xgrammar.GrammarCompiler(xgrammar.TokenizerInfo.from_huggingface(tokenizer))
    for example, reply in zip([e for e in examples[:2] for _ in range(2)], written, strict=True):
        rules = compiler.compile_grammar(grammar(twin_from_json(example["twin"])))
        assert xgrammar.GrammarMatcher(rules).accept_string(tokenizer.decode(reply, skip_special_tokens=True))
