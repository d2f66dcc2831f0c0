"""What fine-tuning reads: settings, scenes packed into a sequence, and data that is not whole, with the way out."""

import pytest

from fastreasonseg_ros.errors import DatasetError
from fastreasonseg_ros.training.student import base_model as base
from fastreasonseg_ros.training.student.sft import train as sft
from fastreasonseg_ros.training.student.sft.packing import ScenePacker, read_rollouts

GOOD = '{"text": "mug", "questions": [{"text": "a mug", "near": [], "completion": "none"}]}\n'


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "is empty"),
        (GOOD + GOOD[:40], ":2 is no rollout line"),
        ('{"text": "mug"}\n', ":1 is no rollout line"),
        (GOOD + '{"text": "mug", "questions": [{"text": "a mug"}]}\n', ":2 is no rollout line"),
        ("[]\n", ":1 is no rollout line"),
    ],
)
def test_broken_rollouts_name_the_line_and_the_way_out(tmp_path, text, complaint):
    path = tmp_path / "rollouts.jsonl"
    path.write_text(text)
    with pytest.raises(DatasetError, match="train data") as error:
        read_rollouts(path)
    assert complaint in str(error.value)


def test_missing_rollouts_say_how_to_make_them(tmp_path):
    with pytest.raises(DatasetError, match="fastreasonseg train data"):
        read_rollouts(tmp_path / "none.jsonl")


def test_a_scene_without_a_question_is_passed_over(tmp_path):
    path = tmp_path / "rollouts.jsonl"
    path.write_text('{"text": "mug", "questions": []}\n' + GOOD)
    assert len(read_rollouts(path)) == 1


def test_a_branch_sees_its_scene_and_itself_only():
    row = {"scene": [1, 2], "questions": [[3], [5]], "replies": [[4], [6, 7]]}
    batch = ScenePacker(0)([row])
    assert batch["input_ids"].tolist() == [[1, 2, 3, 4, 5, 6, 7]]
    assert batch["position_ids"].tolist() == [[0, 1, 2, 3, 2, 3, 4]]
    assert batch["labels"].tolist() == [[-100, -100, -100, 4, -100, 6, 7]]
    attended = ["1......", "11.....", "111....", "1111...", "11..1..", "11..11.", "11..111"]
    assert ["".join("1" if x else "." for x in line) for line in batch["attention_mask"][0, 0]] == attended


@pytest.mark.parametrize("name", ["smollm2_cpu", "smollm2_gpu", "qwen3_0.6b", "qwen3_1.7b", "tiny"])
def test_committed_settings_are_settings(name):
    config = sft.load_config(sft.SftConfig, base.settings_file("sft", name))
    assert config.scenes_per_step % config.scenes_per_forward == 0
    if name.startswith("qwen3"):  # FACTS: the paper's
        assert (config.rank, config.alpha, config.learning_rate) == (64, 128, 5e-5)
        assert (config.weight_decay, config.epochs) == (0.01, 3)
