"""GRPO: the real entry point trains, stops, goes on and repeats itself; sharing a prompt changes cost, not values.

The base is a random Llama of two layers with the student's real tokenizer, so that a step takes a second. It writes
nonsense, so what it is rewarded for is the score of a judge that counts letters.
"""

import hashlib
import json
import shutil

import pytest
from safetensors.torch import load_file

from fastreasonseg_ros.errors import ConfigError, DatasetError, ModelError
from fastreasonseg_ros.training.student import base_model as base
from fastreasonseg_ros.training.student.grpo import train as grpo
from fastreasonseg_ros.training.student.grpo.prompts import choose, informative, read_examples
from fastreasonseg_ros.training.student.grpo.trainer import RewardProgress

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
    complete, again, stopped = tmp_path / "complete", tmp_path / "again", tmp_path / "stopped"
    for out in (complete, again):
        grpo.main(["--config", "tiny", *settings, "max_steps=3", f"out={out}"])
    assert digest(complete) == digest(again)
    grpo.main(["--config", "tiny", *settings, "max_steps=2", f"out={stopped}"])
    assert digest(stopped) != digest(complete)
    with (stopped / "log.jsonl").open("a") as file:
        file.write('{"step": 3, "reward": 9}\n{"st')  # what a kill leaves after the last checkpoint
    grpo.main(["--config", "tiny", *settings, "max_steps=3", f"out={stopped}"])
    assert digest(stopped) == digest(complete)
    rows = log(stopped)
    assert [row["step"] for row in rows] == [1, 2, 3]
    assert {"format", "accuracy", "reasoning", "judge", "reward", "length", "seconds"} <= set(rows[0])
    assert any(row["grad_norm"] > 0 for row in rows)
    assert {p.name for p in (complete / "adapter").iterdir()} >= {"adapter_config.json", "adapter_model.safetensors"}
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


def test_loss_and_gradients_are_trls_own(settings, tiny, tmp_path):
    norms = []
    for share in ("true", "false"):
        out = tmp_path / share
        grpo.main([*settings, "max_steps=1", f"share_prompts={share}", f"out={out}"])
        norms.append([log(out)[0][key] for key in ("grad_norm", "loss", "reward")])
    assert norms[0] == pytest.approx(norms[1], rel=1e-3, abs=1e-6)
    assert norms[0][0] > 0


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
