"""Reward model: a large model behind an OpenAI-compatible endpoint compares the student's reasoning with the teacher's.

>>> parse_score("0.75"), parse_score("<think>Hm, 2 of 3.</think> Score: 0.5")
(0.75, 0.5)
>>> parse_score("pretty good"), parse_score("7")
(None, None)
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

from ....errors import ModelError

_INSTRUCTIONS = """You grade reasoning. A student and a teacher answered the same question about a scene, each with a \
line of reasoning and a plan of steps over the scene's objects. Grade how well the student's reasoning agrees with the \
teacher's: same understanding of the question, same intermediate sets, same conclusion. Other words, names or order of \
steps do not matter. Reply with one number from 0 (unrelated or wrong) to 1 (equivalent), and nothing else."""
_THOUGHT = re.compile(r"<think>.*?</think>", re.S)
_SCORE = re.compile(r"(?:score|grade)?[\s:=*]{0,4}(0(?:\.\d+)?|1(?:\.0+)?|\.\d+)[\s*.]{0,3}", re.I)


@dataclass(frozen=True)
class JudgeConfig:
    """Settings of the judge.

    on_failure: `stop` ends the training and keeps its checkpoint; `skip` leaves this reward out for the prompt's group
    and counts it (judge_skipped in the log). A request is tried 1 + retries times. api_key_env: variable with the key.
    """

    url: str = "http://localhost:8000/v1"
    model: str = "Qwen/Qwen3-8B"
    api_key_env: str = "OPENAI_API_KEY"
    timeout_s: float = 30.0
    retries: int = 2
    workers: int = 4
    max_tokens: int = 512
    on_failure: Literal["stop", "skip"] = "stop"


def parse_score(reply: str) -> float | None:
    """The score 0..1 in a reply, after any thoughts; None if it has none."""
    match = _SCORE.fullmatch(_THOUGHT.sub("", reply).strip())
    return float(match.group(1)) if match else None


class Judge:
    """Scores pairs of chains by the endpoint, with a cache."""

    def __init__(self, config: JudgeConfig) -> None:
        try:
            from openai import OpenAI
        except ImportError as error:
            raise ModelError(f"the judge needs the openai client ({error}): `pip install openai`") from error
        self.config = config
        key = os.environ.get(config.api_key_env) or "none"  # local servers need no key
        self._client = OpenAI(base_url=config.url, api_key=key, timeout=config.timeout_s, max_retries=config.retries)
        self._kept: dict[tuple[str, str, str], float] = {}

    def scores(self, asked: Sequence[tuple[str, str, str]]) -> list[float | None]:
        """One score 0..1 for each (question, teacher's chain, student's chain); None if the judge failed.

        Raises ModelError instead of None if on_failure is `stop`.
        """
        new = [key for key in dict.fromkeys(asked) if key not in self._kept]
        with ThreadPoolExecutor(self.config.workers) as pool:
            found = dict(zip(new, pool.map(self._ask, new), strict=True))
        self._kept.update({key: score for key, score in found.items() if score is not None})
        return [self._kept.get(key) for key in asked]

    def _ask(self, key: tuple[str, str, str]) -> float | None:
        from openai import OpenAIError

        question, teacher, student = key
        text = f"Question: {question}\n\nTeacher:\n{teacher}\n\nStudent:\n{student}"
        problem = ""
        for _ in range(1 + self.config.retries):
            try:
                reply = self._client.chat.completions.create(
                    model=self.config.model,
                    messages=[{"role": "system", "content": _INSTRUCTIONS}, {"role": "user", "content": text}],
                    temperature=0.0,
                    max_tokens=self.config.max_tokens,
                )
                written = (reply.choices[0].message.content or "") if reply.choices else ""
            except (OpenAIError, ValueError, AttributeError, TypeError) as error:  # after the client's own retries
                problem = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
                break
            if (score := parse_score(written)) is not None:
                return score
            problem = f"it wrote {written[:80]!r} instead of a number from 0 to 1"
        if self.config.on_failure == "skip":
            return None
        raise ModelError(
            f"the judge {self.config.model} at {self.config.url} cannot be used ({problem}): start it and give the "
            "same command again, or leave its reward out when it fails (judge.on_failure=skip) or always "
            "(judge_weight=0)"
        )


def judge_reward(
    completions: Sequence[str],
    prompts: Sequence[str],
    question: Sequence[str],
    teacher: Sequence[str],
    *,
    judge: Judge,
    log_metric: Callable[[str, float], None] | None = None,
    **columns: Any,
) -> list[float | None]:
    """The judge's score of each completion, 0..1.

    None (left out of the sum by TRL) for all completions of a prompt if one of them could not be scored, since an
    unscored one would have a lower total. `log_metric` gets their number as judge_skipped.
    """
    scores = judge.scores(list(zip(question, teacher, completions, strict=True)))
    failed = {prompt for prompt, score in zip(prompts, scores, strict=True) if score is None}
    kept = [None if prompt in failed else score for prompt, score in zip(prompts, scores, strict=True)]
    if log_metric:
        log_metric("judge_skipped", float(kept.count(None)))
    return kept
