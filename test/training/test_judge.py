"""The judge: what it replies is data; when it cannot be used, training stops with a way out or goes on without it."""

import time

import pytest

from fastreasonseg_ros.errors import ModelError
from fastreasonseg_ros.training.student.grpo.judge import Judge, JudgeConfig, judge_reward, parse_score

pytest.importorskip("openai")
from judge_server import judge_server

SCORES = {
    "0": 0.0,
    "1": 1.0,
    "0.85": 0.85,
    " .5\n": 0.5,
    "1.0": 1.0,
    "Score: 0.7": 0.7,
    "**0.25**": 0.25,
    "<think>The student says 1.</think>\n0.3": 0.3,
    "": None,
    "2": None,
    "-1": None,
    "85": None,
    "0.5 because both look for mugs": None,
    "The student is right.": None,
    "nan": None,
}
COLUMNS = {"prompts": ["p", "p", "q"], "question": ["?", "?", "!"], "teacher": ["t", "t", "t"]}


def make(url, **settings):
    return Judge(JudgeConfig(url=url, **{"timeout_s": 60.0, "retries": 0, **settings}))


@pytest.mark.parametrize(("reply", "score"), SCORES.items())
def test_a_score_is_one_number_from_0_to_1(reply, score):
    assert parse_score(reply) == score


def test_each_pair_of_chains_is_asked_about_once_and_shown_whole():
    asked = []

    def answer(text):
        asked.append(text)
        return 200, "0.9" if "good" in text else "0.2"

    with judge_server(answer) as url:
        judge = make(url)
        assert judge_reward(["good", "bad", "good"], judge=judge, **COLUMNS) == [0.9, 0.2, 0.9]
        assert judge_reward(["bad", "good", "good"], judge=judge, **COLUMNS) == [0.2, 0.9, 0.9]
    assert len(asked) == 3
    assert any(all(part in text for part in ("Question: ?", "Teacher:\nt", "Student:\n")) for text in asked)


FAILURES = {
    "nonsense": lambda text: (200, "I like mugs"),
    "an error of the server": lambda text: (500, "out of memory"),
    "slow": lambda text: (time.sleep(1.0), (200, "0.5"))[1],
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
def test_a_judge_that_fails_stops_training_with_a_way_out(failure):
    with judge_server(failure) as url, pytest.raises(ModelError, match=r"judge\.on_failure=skip") as error:
        judge_reward(["x", "y", "z"], judge=make(url, timeout_s=0.3), **COLUMNS)
    assert url in str(error.value)


def test_a_judge_that_is_down_is_named():
    with pytest.raises(ModelError, match="127.0.0.1:9/v1"):
        judge_reward(["x", "y", "z"], judge=make("http://127.0.0.1:9/v1"), **COLUMNS)


def test_skipped_scores_leave_out_the_whole_group_and_are_counted():
    counted = {}
    with judge_server(lambda text: (200, "hm" if "bad" in text else "0.5")) as url:
        judge = make(url, on_failure="skip")
        scores = judge_reward(["good", "bad", "good"], judge=judge, log_metric=counted.__setitem__, **COLUMNS)
    assert scores == [None, None, 0.5]
    assert counted == {"judge_skipped": 2.0}


def test_nonsense_is_asked_again():
    replies = iter(["hm", "0.4"])
    with judge_server(lambda text: (200, next(replies))) as url:
        assert make(url, retries=1).scores([("?", "t", "s")]) == [0.4]
