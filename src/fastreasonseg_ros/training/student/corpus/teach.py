"""`fastreasonseg train teach`: chains by a teacher model for the questions of `train data`, verified by execution.

A question is asked until a chain is kept, at most `samples` times, with increasing temperature. The output has the
format of `train data` for `train sft`, with the source of each chain. An interrupted run is resumed by the same
command.
"""

from __future__ import annotations

import argparse
import queue
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeVar

from tqdm import tqdm

from ....config import load_config
from ....errors import ModelError, ReasonSegError
from ....reasoning.language_models.remote import BusyError, RemoteConfig
from ....reasoning.prompting.prompt import question_turn, scene_turn
from ....twin.serialization import twin_from_dict
from .chains import Judge, Verdict
from .hints import hint_of
from .journal import Journal, Row, count_questions, key_of, scenes
from .teachers import LocalConfig, Teacher, TeacherQuery, make_teacher

Job = TypeVar("Job")
Result = TypeVar("Result")


@dataclass(frozen=True)
class TeachConfig:
    """Settings of one run.

    rollouts: questions, by `train data`. limit: only the first ones; 0 is all. samples: times a question is asked at
    most, the first at `temperature`, then each time `temperature_step` warmer. chains: different kept chains wanted of
    one question. again: ask anew what was dropped before. nonsense: replies in a row that are no chain at all, after
    which the run stops; failures: the same for questions without any reply. Prices are per million tokens.
    """

    rollouts: str = "out/train/rollouts.jsonl"
    out: str = "out/train/taught.jsonl"
    teacher: Literal["program", "remote", "local"] = "program"
    remote: RemoteConfig = RemoteConfig(api="chat", grammar="none", max_new_tokens=1024, timeout_s=120.0, retries=4)
    local: LocalConfig = LocalConfig()
    min_iou: float = 0.7
    samples: int = 4
    chains: int = 1
    temperature: float = 0.0
    temperature_step: float = 0.4
    reason_characters: int = 200
    concurrency: int = 8
    limit: int = 0
    again: bool = False
    nonsense: int = 50
    failures: int = 5
    price_prompt: float = 0.0
    price_completion: float = 0.0

    def __post_init__(self) -> None:
        if min(self.samples, self.chains, self.concurrency, self.nonsense, self.failures, self.reason_characters) < 1:
            raise ValueError("samples, chains, concurrency, nonsense, failures and reason_characters start at 1")
        if not 0 <= self.min_iou < 1:
            raise ValueError(f"min_iou must be at least 0 and below 1, got {self.min_iou}; chains above it are kept")
        if Path(self.rollouts).resolve() == Path(self.out).resolve():
            raise ValueError("out would overwrite the questions; give another `out`")


@dataclass
class Tally:
    """Counts of one run."""

    kept: int = 0
    dropped: int = 0
    failed: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    problems: Counter[str] = field(default_factory=Counter)

    def cost(self, config: TeachConfig) -> float:
        return (self.prompt_tokens * config.price_prompt + self.completion_tokens * config.price_completion) / 1e6

    def shown(self, config: TeachConfig) -> dict[str, object]:
        """The values of the progress bar."""
        tokens = self.prompt_tokens + self.completion_tokens
        more = {"cost": f"{self.cost(config):.2f}"} if config.price_prompt or config.price_completion else {}
        return {"kept": self.kept, "dropped": self.dropped, "failed": self.failed, "tokens": tokens, **more}


@dataclass(frozen=True)
class Question:
    """One question of the file with its prompt."""

    key: str
    text: str
    asked: TeacherQuery
    target_ids: tuple[int, ...]


def questions(config: TeachConfig, done: Callable[[str], bool]) -> Iterator[Question]:
    """Those that are not done, in the order of the file. Raises DatasetError."""
    number = 0
    for row in scenes(Path(config.rollouts)):
        twin = None
        for q in row["questions"]:
            number += 1
            if config.limit and number > config.limit:
                return
            key = key_of(row, q)
            if not done(key):
                twin = twin or twin_from_dict(row["twin"], f"{config.rollouts}, scene {row['scene']}")
                prompt = scene_turn(row["text"]) + question_turn(q["text"], hint_of(q))
                yield Question(key, q["text"], TeacherQuery(prompt, twin, q["completion"]), tuple(q["target_ids"]))


def ask(question: Question, teacher: Teacher, judge: Judge, config: TeachConfig, nonsense: InvalidReplies) -> Row:
    """The journal's line about one question. Raises BusyError, ModelError."""
    chains: list[Row] = []
    problems: list[str] = []
    prompt_tokens = completion_tokens = tries = 0
    for tries in range(1, (config.samples if teacher.source()["kind"] != "program" else 1) + 1):
        temperature = round(config.temperature + (tries - 1) * config.temperature_step, 3)
        reply = teacher.propose(question.asked, temperature)
        prompt_tokens += reply.prompt_tokens
        completion_tokens += reply.completion_tokens
        verdict = judge(reply.text, question.asked.twin, question.text, question.target_ids)
        nonsense.add(reply.text, verdict)
        if verdict.problem:
            problems.append(verdict.problem)
        elif verdict.completion not in [chain["completion"] for chain in chains]:
            origin = {"temperature": temperature, "date": datetime.now(UTC).strftime("%Y-%m-%d"), "tries": tries}
            source = {**teacher.source(), **origin, "iou": round(verdict.iou, 4)}
            chains.append({"completion": verdict.completion, "teacher": source})
            if len(chains) == config.chains:
                break
    tokens = {"prompt_tokens": prompt_tokens, "completion_tokens": completion_tokens}
    return {"key": question.key, "chains": chains, "problems": problems, "tries": tries, **tokens}


class InvalidReplies:
    """Counts consecutive replies that are not chains. Thread-safe."""

    def __init__(self, limit: int) -> None:
        self._limit, self._row, self._lock = limit, 0, threading.Lock()

    def add(self, text: str, verdict: Verdict) -> None:
        """Counts a reply. Raises ModelError when the limit is reached."""
        with self._lock:
            self._row = 0 if verdict.parsed else self._row + 1
            if self._row >= self._limit:
                raise ModelError(
                    f"{self._row} replies in a row are no plan, the last is {' '.join(text.split())[:120]!r}; use a "
                    "larger teacher, switch `instructions` on, or set `api` to chat; `again=true` then asks what was "
                    "dropped once more"
                )


def run(config: TeachConfig) -> Tally:
    """Asks the remaining questions and writes `out`, also when it raises ReasonSegError."""
    questions_file, out = Path(config.rollouts), Path(config.out)
    total = count_questions(questions_file)
    journal = Journal(out.with_name(out.name + ".asked"))
    before = len(journal.done)
    tally = Tally()
    try:
        teacher = make_teacher(config.teacher, config.remote, config.local)
        with tqdm(total=min(total, config.limit or total), unit="question") as bar:
            _ask_all(config, teacher, journal, tally, bar)
    except (ReasonSegError, KeyboardInterrupt) as error:
        journal.close()
        if len(journal.done) == 0:
            raise
        try:
            kept = journal.assemble(questions_file, out)
        except ReasonSegError:
            raise error from None  # the first error is the cause; results are in the journal
        news = f"{len(journal.done) - before} questions were done, {kept} chains are in {out}; run it again to go on"
        if isinstance(error, KeyboardInterrupt):
            print(f"\n{news}")
            raise
        raise type(error)(f"{error}. {news}") from error
    journal.close()
    kept = journal.assemble(questions_file, out)
    print(f"{kept} chains are in {out}")
    if tally.problems:
        print("replies dropped: " + ", ".join(f"{n} {why}" for why, n in tally.problems.most_common()))
    return tally


def _ask_all(config: TeachConfig, teacher: Teacher, journal: Journal, tally: Tally, bar: tqdm) -> None:
    judge, nonsense = Judge(config.min_iou, config.reason_characters), InvalidReplies(config.nonsense)

    def done(key: str) -> bool:
        known = key in journal.done and not (config.again and not journal.done[key]["chains"])
        bar.update(known)
        return known

    def work(question: Question) -> Row:
        row = ask(question, teacher, judge, config, nonsense)
        journal.write(row)
        return row

    in_row = 0
    for result in at_once(work, questions(config, done), config.concurrency if teacher.at_once else 0):
        if isinstance(result, BusyError):
            tally.failed += 1
            in_row += 1
            if in_row >= config.failures:
                raise ModelError(f"{in_row} questions in a row got no reply: {result}") from result
        elif isinstance(result, BaseException):
            raise result
        else:
            in_row = 0
            tally.kept += len(result["chains"])
            tally.dropped += not result["chains"]
            tally.prompt_tokens += result["prompt_tokens"]
            tally.completion_tokens += result["completion_tokens"]
            tally.problems.update(result["problems"])
        bar.set_postfix(tally.shown(config), refresh=False)
        bar.update()


def at_once(work: Callable[[Job], Result], jobs: Iterable[Job], threads: int) -> Iterator[Result | Exception]:
    """Yields results, or exceptions of `work`, as they finish. 0 threads: sequentially in this thread.

    Threads are daemons, so that Ctrl-C does not wait for pending replies.
    """
    if not threads:
        yield from (_tried(work, job) for job in jobs)
        return
    todo: queue.SimpleQueue = queue.SimpleQueue()
    done: queue.SimpleQueue = queue.SimpleQueue()
    stopped = threading.Event()

    def serve() -> None:
        while (job := todo.get()) is not None and not stopped.is_set():
            done.put(_tried(work, job[0]))

    for _ in range(threads):
        threading.Thread(target=serve, daemon=True).start()
    waiting = 0
    try:
        for job in jobs:
            todo.put((job,))
            waiting += 1
            if waiting > threads:
                yield done.get()
                waiting -= 1
        for _ in range(waiting):
            yield done.get()
    finally:
        stopped.set()
        for _ in range(threads):
            todo.put(None)


def _tried(work: Callable[[Job], Result], job: Job) -> Result | Exception:
    try:
        return work(job)
    except Exception as error:  # handed to the thread that counts
        return error


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="fastreasonseg train teach", description=__doc__)
    parser.add_argument("--config", help="YAML file of settings, or the NAME of config/train/teach_NAME.yaml")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="single settings, as remote.model=NAME")
    args = parser.parse_args(argv)
    path = args.config
    if path and not Path(path).is_file():
        from ..base_model import settings_file  # imports torch

        path = settings_file("teach", path)
    tally = run(load_config(TeachConfig, path, args.overrides))
    if tally.failed:
        print(f"{tally.failed} questions got no reply; run it again to ask them")
    return int(bool(tally.failed))
