"""Training data that is not whole: the message names file and line, and the way out."""

import pytest

from fastreasonseg_ros.errors import DatasetError
from fastreasonseg_ros.training.packing import read_rollouts

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
