"""`train teach` through its real entry point: program, real server, local model; stopped, resumed, and refused."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from servers import api, behaving, fail, hang, html, once_models

from fastreasonseg_ros.cli import main
from fastreasonseg_ros.config import load_config
from fastreasonseg_ros.plan.executor import execute
from fastreasonseg_ros.plan.parser import parse_rollout
from fastreasonseg_ros.reasoning import make_word_meaning
from fastreasonseg_ros.reasoning.prompting.prompt import question_turn, scene_text
from fastreasonseg_ros.training.student.corpus.teach import TeachConfig
from fastreasonseg_ros.training.student.sft.packing import read_rollouts
from fastreasonseg_ros.twin.serialization import twin_from_dict, twin_to_dict
from fastreasonseg_ros.twin.types import DigitalTwin, Instance


def thing(number: int, label: str, color: str, x: float) -> Instance:
    return Instance(number, label, color=color, center_m=(x, 0.0, 1.0), size_m=(0.1, 0.1, 0.1))


KITCHEN = DigitalTwin((thing(1, "plate", "white", 0.0), thing(2, "mug", "red", 0.4), thing(3, "mug", "blue", 0.15)))
BENCH = DigitalTwin((thing(1, "hammer", "black", 0.0), thing(2, "screwdriver", "red", 0.3)))
RED = "The red one.\na = find(color=red)"
NEAREST = "The mug next to the plate.\na = find(label=mug)\nb = find(label=plate)\nc = nearest(a, b)"


def question(text: str, completion: str, *target_ids: int) -> dict:
    more = {"category": "attribute", "level": 1, "family": "test"}
    return {"text": text, "near": [], "completion": completion, "target_ids": target_ids, **more}


SCENES = [
    ("kitchen", KITCHEN, [question("the red mug", RED, 2), question("the mug nearest to the plate", NEAREST, 3)]),
    ("bench", BENCH, [question("the red tool", RED, 2), question("everything that is green", "None is.\nnone")]),
]


@pytest.fixture
def asked(tmp_path) -> Path:
    """Questions as `train data` writes them."""
    path = tmp_path / "rollouts.jsonl"
    rows = [
        {"scene": name, "text": scene_text(twin), "twin": twin_to_dict(twin), "questions": questions}
        for name, twin, questions in SCENES
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def teach(asked: Path, *settings: str) -> int:
    return main(["train", "teach", f"rollouts={asked}", f"out={asked.parent / 'taught.jsonl'}", *settings])


def taught(asked: Path) -> list[dict]:
    """Every question of the output."""
    lines = (asked.parent / "taught.jsonl").read_text().splitlines()
    return [question for line in lines for question in json.loads(line)["questions"]]


def journal(asked: Path) -> Path:
    return asked.parent / "taught.jsonl.asked"


def test_the_programs_chains_are_kept_and_train_sft_reads_them(asked, capsys):
    assert teach(asked, "teacher=program") == 0
    assert [q["completion"] for q in taught(asked)] == [RED, NEAREST, RED, "None is.\nnone"]
    assert {q["teacher"]["kind"] for q in taught(asked)} == {"program"}
    assert "4 chains are in" in capsys.readouterr().out
    branches = [(question_turn(q["text"]), q["completion"]) for q in SCENES[0][2]]
    assert read_rollouts(asked.parent / "taught.jsonl")[0] == (scene_text(KITCHEN), branches)


def test_the_small_model_teaches_through_http(asked, student_server):
    """The student itself behind llama.cpp's server: what it gets right is kept, with where it came from."""
    settings = ["teacher=remote", f"remote.base_url={student_server}", "remote.api=completions", "concurrency=2"]
    assert teach(asked, *settings, "remote.max_new_tokens=100", "samples=1") == 0
    kept = taught(asked)
    assert len(kept) >= 2
    twins, meaning = {scene_text(twin): twin for _, twin, _ in SCENES}, make_word_meaning()
    for line in (asked.parent / "taught.jsonl").read_text().splitlines():
        row = json.loads(line)
        assert twin_from_dict(row["twin"]) == twins[row["text"]]
        for q in row["questions"]:
            plan = parse_rollout(q["completion"]).plan
            assert set(execute(plan, twins[row["text"]], meaning).ids) == set(q["target_ids"])
    source = kept[0]["teacher"]
    assert (source["kind"], Path(source["model"]).name) == ("remote", "student.gguf")
    assert source["host"] in student_server
    assert (source["temperature"], source["tries"], source["iou"], source["date"][:2]) == (0.0, 1, 1.0, "20")
    lines = [json.loads(line) for line in journal(asked).read_text().splitlines()]
    assert [line["prompt_tokens"] > 10 and line["completion_tokens"] > 3 for line in lines] == [True] * 4


def remote(address: str, *more: str) -> list[str]:
    fixed = ["teacher=remote", "remote.retries=0", "remote.timeout_s=3000", "concurrency=2"]
    return [*fixed, f"remote.base_url={address}", *more]


def test_a_wrong_chain_is_asked_again_warmer_and_is_never_kept(asked):
    with behaving(api(RED)) as (address, requests):
        assert teach(asked, *remote(address, "samples=3", "temperature=0.1", "temperature_step=0.3")) == 0
    assert [q["text"] for q in taught(asked)] == ["the red mug", "the red tool"]
    warmth = [r["temperature"] for _, r, _ in requests if "nearest to the plate" in str(r)]
    assert warmth == [0.1, 0.4, 0.7]
    problems = [json.loads(line)["problems"] for line in journal(asked).read_text().splitlines()]
    assert sorted(map(len, problems)) == [0, 0, 3, 3]
    assert {p for ps in problems for p in ps} == {"wrong instances"}


def test_a_second_run_asks_nothing_again_unless_told_to(asked):
    with behaving(api(RED)) as (address, requests):
        teach(asked, *remote(address, "samples=1", "limit=1"))
        first = len(requests)
        teach(asked, *remote(address, "samples=1"))
        assert len(requests) == first + 2 + 3  # models and probe, then what was left
        teach(asked, *remote(address, "samples=1"))
        assert len(requests) == first + 2 + 3 + 2
        teach(asked, *remote(address, "samples=1", "again=true"))
        assert len(requests) == first + 2 + 3 + 2 + 4
    assert [q["text"] for q in taught(asked)] == ["the red mug", "the red tool"]


def test_a_half_written_line_is_cut_off_and_its_question_asked_again(asked):
    teach(asked, "teacher=program")
    content = journal(asked).read_bytes()
    journal(asked).write_bytes(content[:-30])
    (asked.parent / "taught.jsonl").unlink()
    assert teach(asked, "teacher=program") == 0
    assert len(taught(asked)) == 4
    assert [json.loads(line)["key"] for line in journal(asked).read_text().splitlines()] == [
        json.loads(line)["key"] for line in content.splitlines()
    ]


def test_several_chains_of_one_question_may_be_kept(asked):
    replies = iter(["A.\na = find(color=red)", "A.\nx = find(color=red)", "B.\na = filter(all, color=red)"])

    def behave(handler, request):
        text = "yak" if "yak" in str(request) or handler.path.endswith("models") else next(replies)
        api(text)(handler, request)

    with behaving(behave) as (address, _):
        teach(asked, *remote(address, "chains=2", "samples=4", "limit=1"))
    assert [(q["completion"], q["teacher"]["tries"]) for q in taught(asked)] == [
        ("A.\na = find(color=red)", 1),
        ("B.\na = filter(all, color=red)", 3),
    ]


def test_ctrl_c_keeps_all_that_is_done_without_waiting_for_replies(asked):
    def behave(handler, request):
        asks = str(request).rsplit("Q: ", 1)[-1]
        (hang if "tool" in asks or "green" in asks else api(RED))(handler, request)

    with behaving(behave) as (address, requests):
        own = remote(address, f"rollouts={asked}", f"out={asked.parent / 'taught.jsonl'}", "samples=1")
        command = [sys.executable, "-m", "fastreasonseg_ros.cli", "train", "teach", *own]
        hears = {"preexec_fn": partial(signal.signal, signal.SIGINT, signal.SIG_DFL)}  # no job in a background does
        run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **hears)
        while len(requests) < 6 and run.poll() is None:
            time.sleep(0.05)
        run.send_signal(signal.SIGINT)
        stdout, problem = run.communicate(timeout=600)  # the server would hang for an hour
    assert (run.returncode, "interrupted" in problem) == (130, True)
    assert "2 questions were done, 1 chains are in" in stdout
    assert [q["text"] for q in taught(asked)] == ["the red mug"]


@pytest.mark.parametrize(
    ("behave", "settings", "message"),
    [
        (fail(401), (), "refuses the key (401"),
        (fail(404), ("remote.model=nope",), "404"),
        (html, (), "not as an OpenAI-compatible API"),
        (hang, ("remote.timeout_s=0.3",), "no whole reply within 0.3 s"),
        (once_models(hang, 2), ("remote.timeout_s=2", "failures=2"), "2 questions in a row got no reply"),
        (once_models(fail(500), 2), ("failures=2",), "2 questions in a row got no reply"),
        (once_models(fail(429, Retry_After="0"), 2), ("failures=2",), "wait, ask fewer at a time"),
        (once_models(fail(404), 2), (), "run it again to go on"),
        (api("I am a parrot."), ("nonsense=2",), "2 replies in a row are no plan, the last is 'I am a parrot.'"),
    ],
)
def test_a_teacher_that_cannot_teach_ends_the_run_with_the_reason(asked, capsys, behave, settings, message):
    with behaving(behave) as (address, _):
        assert teach(asked, *remote(address, "samples=1", "concurrency=1", *settings)) == 2
    assert message in capsys.readouterr().err


def test_a_teacher_that_is_down_is_named_and_what_was_done_is_kept(asked, capsys):
    with behaving(api(RED)) as (address, _):
        teach(asked, *remote(address, "samples=1", "limit=2"))
    assert teach(asked, *remote(address)) == 2
    assert "cannot be reached" in capsys.readouterr().err
    assert [q["text"] for q in taught(asked)] == ["the red mug"]


def test_a_full_disk_ends_the_run_and_keeps_what_is_done(asked, capsys):
    """A limit on file sizes stands for the full disk: the system refuses the write in the same way."""
    teach(asked, "teacher=program", "limit=2")
    room = journal(asked).stat().st_size + 100
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        assert teach(asked, "teacher=program") == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "cannot be written (File too large); free some space" in capsys.readouterr().err
    assert len(taught(asked)) == 2
    assert len(journal(asked).read_text().splitlines()) == 2
    assert teach(asked, "teacher=program") == 0
    assert len(taught(asked)) == 4


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"scene": "x"', "rollouts.jsonl:3 is no line of questions"),
        (
            '{"scene": "x", "text": "", "twin": {}, "questions": [{"text": "y"}]}',
            ":3 is no line of questions (a question",
        ),
    ],
)
def test_questions_that_cannot_be_read_name_the_line(asked, capsys, line, message):
    asked.write_text(asked.read_text() + line)
    assert teach(asked, "teacher=program") == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("rollouts=nowhere.jsonl", "make it with `fastreasonseg train data --out nowhere.jsonl`"),
        ("min_iou=1.5", "min_iou must be at least 0 and below 1"),
        ("out={asked}", "out would overwrite the questions"),
        ("remote.modell=x", "did you mean remote.model?"),
    ],
)
def test_settings_that_cannot_be_are_named(asked, capsys, setting, message):
    assert teach(asked, setting.format(asked=asked)) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("name", ["vllm", "local"])
def test_the_example_settings_can_be_read(name):
    path = Path(__file__).parents[2] / f"config/train/teach_{name}.yaml"
    assert load_config(TeachConfig, path).teacher in ("remote", "local")


@pytest.fixture
def tiny(tmp_path) -> Path:
    """A random model of two layers over bytes, with a chat template."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    torch.manual_seed(0)
    signs = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = Tokenizer(models.BPE(vocab={sign: n for n, sign in enumerate(signs)}, merges=[]))
    words.pre_tokenizer, words.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, eos_token="<|im_end|>")
    tokenizer.chat_template = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}[me]"
    size = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = LlamaConfig(vocab_size=len(tokenizer), max_position_embeddings=8192, **size)
    LlamaForCausalLM(config).save_pretrained(tmp_path / "tiny")
    tokenizer.save_pretrained(tmp_path / "tiny")
    return tmp_path / "tiny"


def test_a_local_model_is_asked_in_raw_and_in_its_own_template(asked, tiny):
    """It writes nonsense, which is counted and dropped."""
    settings = ["teacher=local", f"local.model={tiny}", "local.dtype=float32", "local.max_new_tokens=4", "limit=2"]
    for more in (["local.chat=false", "local.instructions=false"], ["local.chat=true", "again=true"]):
        assert teach(asked, *settings, *more, "samples=2") == 0
        assert taught(asked) == []
    lines = [json.loads(line) for line in journal(asked).read_text().splitlines()]
    assert [line["tries"] for line in lines] == [2] * 4
    assert {problem for line in lines for problem in line["problems"]} == {"no chain"}
    raw = f"<|im_start|>user\n{scene_text(KITCHEN)}\n{question_turn('the red mug')}"
    assert lines[0]["prompt_tokens"] == 2 * (len(raw) - len("<|im_end|>") + 1)
    assert lines[2]["prompt_tokens"] > 2 * 1000  # the language is explained


def test_a_local_model_that_is_not_there_is_named(asked, capsys):
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    assert teach(asked, "teacher=local", f"local.model={asked.parent / 'nowhere'}") == 2
    assert "nowhere' cannot be loaded" in capsys.readouterr().err
