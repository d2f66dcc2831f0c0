"""GRPO: the real entry point trains, stops, goes on and repeats itself; sharing a prompt changes cost, not values.

The base is a random Llama of two layers with the student's real tokenizer, so that a step takes a second. It writes
nonsense, so what it is rewarded for is the score of a judge that counts letters.
"""

import hashlib
import json
import shutil
from collections import Counter

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from fastreasonseg_ros.errors import ConfigError, DatasetError, ModelError
from fastreasonseg_ros.plan.grammar import grammar
from fastreasonseg_ros.reasoning.gguf import base_gguf
from fastreasonseg_ros.training import base, data, grpo
from fastreasonseg_ros.training.grpo_data import Grammars, choose, informative, read_examples
from fastreasonseg_ros.training.grpo_trainer import RewardProgress, branch_logps
from fastreasonseg_ros.training.rollouts import Sampler, SamplingConfig, allowed_tokens, merged
from fastreasonseg_ros.twin.serialization import twin_from_json

pytest.importorskip("trl")
pytest.importorskip("openai")
from judge_server import judge_server

SETTINGS = [
    "init_adapter=none",
    "rank=2",
    "alpha=4",
    "num_generations=4",
    "prompts_per_step=2",
    "prompts_per_forward=2",
    "sampling.max_new_tokens=6",
    "learning_rate=0.01",
    "checkpoint_minutes=0",
    "judge_weight=1",
    "judge.retries=0",
    "threads=1",
]


@pytest.fixture(scope="module")
def tokenizer():
    path = base_gguf()
    return AutoTokenizer.from_pretrained(str(path.parent), gguf_file=path.name)


@pytest.fixture(scope="module")
def tiny(tokenizer, tmp_path_factory):
    """A folder with a random Llama and the real tokenizer."""
    folder = tmp_path_factory.mktemp("tiny")
    torch.manual_seed(0)
    heads = {"num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2}
    config = LlamaConfig(vocab_size=len(tokenizer), hidden_size=16, intermediate_size=32, **heads)
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def rollouts(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "rollouts.jsonl"
    data.main(["--out", str(path), "--scenes", "5", "--per-scene", "2"])
    return path


@pytest.fixture(scope="module")
def examples(rollouts):
    return read_examples(rollouts)


@pytest.fixture(scope="module")
def judge_url():
    def answer(text):
        student = text.partition("Student:\n")[2]
        return 200, f"{sum(map(str.isalpha, student)) / max(1, len(student)):.3f}"

    with judge_server(answer) as url:
        yield url


@pytest.fixture
def settings(tiny, rollouts, judge_url):
    return [f"base={tiny}", f"rollouts={rollouts}", f"judge.url={judge_url}", *SETTINGS]


def digest(folder):
    weights = load_file(folder / "adapter" / "adapter_model.safetensors")
    joined = b"".join(weights[name].float().numpy().tobytes() for name in sorted(weights))
    return hashlib.sha256(joined).hexdigest()


def log(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_the_entry_point_trains_repeats_itself_and_goes_on_where_it_was_stopped(settings, tmp_path, capsys):
    whole, again, stopped = tmp_path / "whole", tmp_path / "again", tmp_path / "stopped"
    for out in (whole, again):
        grpo.main(["--config", "tiny", *settings, "max_steps=3", f"out={out}"])
    assert digest(whole) == digest(again)
    grpo.main(["--config", "tiny", *settings, "max_steps=2", f"out={stopped}"])
    assert digest(stopped) != digest(whole)
    with (stopped / "log.jsonl").open("a") as file:
        file.write('{"step": 3, "reward": 9}\n{"st')  # what a kill leaves after the last checkpoint
    grpo.main(["--config", "tiny", *settings, "max_steps=3", f"out={stopped}"])
    assert digest(stopped) == digest(whole)
    rows = log(stopped)
    assert [row["step"] for row in rows] == [1, 2, 3]
    assert {"format", "accuracy", "reasoning", "judge", "reward", "length", "seconds"} <= set(rows[0])
    assert any(row["grad_norm"] > 0 for row in rows)
    assert {p.name for p in (whole / "adapter").iterdir()} >= {"adapter_config.json", "adapter_model.safetensors"}
    assert "adapter:" in capsys.readouterr().out
    with pytest.raises(ModelError, match="continues beta=0.0"):
        grpo.main(["--config", "tiny", *settings, "max_steps=4", "beta=0.1", f"out={stopped}"])


def test_a_judge_that_dies_leaves_what_was_learnt_and_a_start_adapter_is_the_reference(
    settings, tiny, tmp_path, monkeypatch
):
    base_model, _, base_hash = base.load_base(str(tiny))
    start = base.lora_model(base_model, 2, 4)
    base.save_adapter(start, tmp_path / "start", base_hash)
    steps = []

    def answer(text):
        if len(steps) > 8:  # the samples of one step
            return 500, "gone"
        steps.append(text)
        return 200, f"0.{len(steps)}"

    more = ["sampling.max_new_tokens=12", f"init_adapter={tmp_path / 'start'}", "beta=0.1", "checkpoint_minutes=99"]
    with judge_server(answer) as url, pytest.raises(ModelError, match="same command again"):
        grpo.main([*settings, *more, "max_steps=3", f"judge.url={url}", f"out={tmp_path / 'run'}"])
    assert (tmp_path / "run" / "checkpoint-1" / "run.json").is_file()
    assert log(tmp_path / "run")[0]["kl"] == 0.0  # the policy is still its reference
    shutil.rmtree(tmp_path / "run" / "checkpoint-1")
    with pytest.raises(ModelError, match="rank=2"):
        grpo.main([*settings, *more, "rank=3", f"out={tmp_path / 'run'}"])


def test_a_full_disk_is_an_error_that_says_what_is_kept(settings, tmp_path, monkeypatch):
    # From the first step on, the log is a device that is always full.
    fill = lambda progress, step: progress.log.symlink_to("/dev/full")  # noqa: E731
    monkeypatch.setattr(RewardProgress, "_forget_after", fill)
    with pytest.raises(ModelError, match="disk of .* is full: make room"):
        grpo.main([*settings, "judge_weight=0", "max_steps=2", f"out={tmp_path}"])
    assert (tmp_path / "checkpoint-1").is_dir()


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


def test_loss_and_gradients_are_trls_own(settings, tiny, tmp_path):
    norms = []
    for share in ("true", "false"):
        out = tmp_path / share
        grpo.main([*settings, "max_steps=1", f"share_prompts={share}", f"out={out}"])
        norms.append([log(out)[0][key] for key in ("grad_norm", "loss", "reward")])
    assert norms[0] == pytest.approx(norms[1], rel=1e-3, abs=1e-6)
    assert norms[0][0] > 0


@pytest.fixture(scope="module")
def policy(tiny):
    model, _, _ = base.load_base(str(tiny))
    model = base.lora_model(model, 2, 4)
    torch.manual_seed(1)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight)
    return model


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


def test_the_filter_keeps_prompts_with_samples_of_different_worth_and_goes_on(examples, tmp_path):
    file, asked = tmp_path / "filter.jsonl", []

    def totals(chunk):
        asked.append(len(chunk))
        return [[1.0, 1.0] if e is examples[0] else [1.0, 0.5] for e in chunk]

    assert informative(examples, totals, file, {"seed": 0}, 2) == list(examples[1:])
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:3]) + "[1.0, 0.")  # stopped while it wrote the third
    asked.clear()
    assert informative(examples, totals, file, {"seed": 0}, 2) == list(examples[1:])
    assert sum(asked) == len(examples) - 2
    asked.clear()
    informative(examples, totals, file, {"seed": 1}, 2)
    assert sum(asked) == len(examples)  # other settings: sampled anew


def test_examples_are_questions_with_their_twin_and_a_choice_of_them_repeats(examples, rollouts):
    rows = [json.loads(line) for line in rollouts.read_text().splitlines()]
    assert len(examples) == sum(len(row["questions"]) for row in rows)
    assert examples[0]["prompt"].endswith("<|im_end|>\n<|im_start|>assistant\n")
    assert len(choose(examples, 2, 0)) == 2
    assert choose(examples, 2, 0) == choose(examples, 2, 0)


BROKEN = {
    "half-written": ('{"scene": "s1", "text"', ":1 is no rollout line"),
    "no twin": ('{"text": "mug", "questions": []}', "KeyError"),
    "a twin that is none": ('{"text": "mug", "twin": {"instances": 3}, "questions": []}', ":1: "),
    "empty": ("", "has no questions"),
}


@pytest.mark.parametrize(("text", "complaint"), BROKEN.values(), ids=BROKEN)
def test_broken_rollouts_name_the_line_and_the_way_out(text, complaint, tmp_path):
    path = tmp_path / "rollouts.jsonl"
    path.write_text(text)
    with pytest.raises(DatasetError) as error:
        read_examples(path)
    assert complaint in str(error.value)


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ("num_generations=1", "at least 2"),
        ("reasoning_weight=-1", "0 or more"),
        ("judge.on_failur=skip", "judge.on_failure"),
        ("sampling.temprature=1", "sampling.temperature"),
        ("prompts_per_step=3", "no multiple"),
        ("share_prompts=false", "in_grammar needs share_prompts"),
    ],
)
def test_wrong_settings_are_refused_before_training(wrong, complaint, settings, tmp_path):
    with pytest.raises(ConfigError, match=complaint):
        grpo.main([*settings, "sampling.in_grammar=true", wrong, f"out={tmp_path}"])
