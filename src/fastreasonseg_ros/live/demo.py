"""`fastreasonseg demo`: the four nodes as separate processes, a recorded table, questions through the services.

For every question out/demo/ gets a line of answers.jsonl and a picture. Masks are compared with the ground truth where
the source has one; the mean IoU is the last line printed. Exit status 1 if a node dies or a question gets no reply.
"""

from __future__ import annotations

import json
import os
import signal
import time
from argparse import Namespace
from collections import OrderedDict
from pathlib import Path
from threading import Event, Lock
from typing import Any

import numpy as np
from jaxtyping import UInt8, UInt16
from sensor_msgs.msg import Image

from fastreasonseg_ros.msg import Answer as AnswerMsg
from fastreasonseg_ros.msg import SceneGraph

from ..errors import Status
from ..evaluation.reports.outputs import answer_as_dict, write_picture, write_text
from ..io.bags.questions import TimedQuestion
from ..ros.client import ReasonSegClient
from ..ros.conversions import answer_from_msg
from ..ros.images import color_from_msg, ids_from_msg
from ..ros.qos import latched, reliable
from ..twin.masks import iou, select
from ..visualization.overlay import draw_answer
from .demo_questions import camera_parameters, questions_for
from .joined_answers import JoinedAnswers
from .node_processes import NodeDiedError, NodeProcesses

KEPT = 120  # pictures that wait for an answer about them
QUESTION_TIMEOUT_S = 60.0
ANSWERED = (Status.OK, Status.NO_MATCH, Status.STALE)
STANDING_LEAST_S = 3.0  # a standing question goes on for so long after the last other one


def run(args: Namespace) -> int:
    out = Path(args.out)
    camera, questions = camera_parameters(args), questions_for(args)
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))  # so that `finally` runs, and the nodes end
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    namespace = f"/demo_{os.getpid()}"
    try:
        with NodeProcesses(namespace, out / "logs") as nodes, Recorder(namespace) as recorder:
            _bring_up(nodes, recorder, camera, args)
            rows = _ask_all(nodes, recorder, questions, out)
            nodes.check()
    except NodeDiedError as error:
        print(f"demo: {error}")
        return 1
    write_text(out / "answers.jsonl", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return _report(rows, out)


class Recorder:
    """What the nodes publish, by stamp: pictures, twins, ground truth; and the answers to standing questions."""

    def __init__(self, namespace: str) -> None:
        self.client = ReasonSegClient(namespace)
        self.pictures: OrderedDict[int, Image] = OrderedDict()
        self._joined = JoinedAnswers(self._joined_answer)
        self.truths: OrderedDict[int, SceneGraph] = OrderedDict()
        self.standing: dict[str, list[tuple[AnswerMsg, float | None]]] = {}
        self.targets: dict[str, tuple[int, ...] | None] = {}
        self.started = Event()
        self._lock = Lock()
        node = self.client.node
        node.create_subscription(Image, "color/image_raw", lambda m: self._keep(self.pictures, m), reliable())
        node.create_subscription(SceneGraph, "truth", lambda m: self._keep(self.truths, m), reliable())
        node.create_subscription(SceneGraph, "twin", self._twin_came, latched())
        self.client.on_answer(self._joined.answer_came)

    def iou(self, answer: AnswerMsg, target_ids: tuple[int, ...] | None) -> float | None:
        """IoU of the answer's mask and the union of the target ids in the picture that it speaks of; None: unknown.

        A question that failed scores 0, also where nothing was to be found: an error is no answer.
        """
        if target_ids is not None and answer.status not in ANSWERED:
            return 0.0
        truth = self.truths.get(_stamp(answer))
        if truth is None or target_ids is None or (ids := ids_from_msg(truth.instance_ids)) is None:
            return None
        return iou(self._joined.mask(answer, ids.shape), select(ids, target_ids))

    def picture(self, answer: AnswerMsg) -> UInt8[np.ndarray, "h w 3"] | None:
        """The picture that the answer speaks of, with the answer drawn into it and written under it."""
        picture, twin = self.pictures.get(_stamp(answer)), self._joined.twin(answer)
        if picture is None:
            return None
        color = color_from_msg(picture)
        ids: UInt16[np.ndarray, "h w"] | None = None if twin is None else ids_from_msg(twin.instance_ids)
        if ids is None:
            ids = np.zeros(color.shape[:2], np.uint16)
        labels = {i.id: i.label for i in (*(twin.instances if twin else ()), *answer.instances)}
        return draw_answer(color, ids, answer_from_msg(answer), labels)

    def _twin_came(self, msg: SceneGraph) -> None:
        self._joined.twin_came(msg)
        if msg.status == AnswerMsg.OK:
            self.started.set()

    def _joined_answer(self, msg: AnswerMsg) -> None:
        if msg.query_id in self.standing:
            self.standing[msg.query_id].append((msg, self.iou(msg, self.targets[msg.query_id])))

    def _keep(self, kept: OrderedDict[int, Any], msg: Any) -> None:
        with self._lock:
            kept[_stamp(msg)] = msg
            while len(kept) > KEPT:
                kept.popitem(last=False)

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *error: object) -> None:
        self.client.close()


def _bring_up(nodes: NodeProcesses, recorder: Recorder, camera: dict[str, Any], args: Namespace) -> None:
    """The camera starts last: a bag must not be over before the model is loaded."""
    print("starting the nodes (the first time, the language model is prepared: about 20 s)", flush=True)
    nodes.start("reasoning_node")
    # At the end of a bag its last picture comes once a second: that its depth is late then is no reason to do without.
    perceiver = args.perception or ("tabletop" if args.camera is None else "monocular")
    nodes.start("twin_node", perceiver=perceiver, depth_timeout_s=5.0)
    nodes.start("mask_node")
    # The node says so when its model is loaded; a question asked earlier would wait while the bag plays.
    nodes.wait_for(
        "the language model", "reasoning_node", lambda: "is ready" in nodes.log("reasoning_node"), args.timeout
    )
    nodes.wait_for("twin_node", "twin_node", lambda: "settings:" in nodes.log("twin_node"), args.timeout)
    nodes.start("camera_node", **camera)
    nodes.wait_for("a twin", "twin_node", recorder.started.is_set, args.timeout)
    print(f"nodes are up: {camera['source']} {camera['path']}", flush=True)


def _ask_all(
    nodes: NodeProcesses, recorder: Recorder, questions: tuple[TimedQuestion, ...], out: Path
) -> list[dict[str, Any]]:
    """Asks each at its time after the first twin; a question that comes late is asked at once."""
    start = time.monotonic()
    rows: list[dict[str, Any]] = []
    for number, question in enumerate(sorted(questions, key=lambda q: q.at_s or 0.0), 1):
        _wait_until(start + (question.at_s or 0.0), nodes)
        query_id = f"demo{number}"
        print(f"[{time.monotonic() - start:5.1f} s] {question.text}", flush=True)
        asked = time.monotonic()
        if question.standing:
            recorder.targets[query_id] = question.target_ids
            recorder.standing[query_id] = []
        verb = recorder.client.watch if question.standing else recorder.client.ask
        try:
            answer = verb(question.text, QUESTION_TIMEOUT_S, query_id)
        except TimeoutError as error:
            nodes.check()
            answer = AnswerMsg(text=question.text, query_id=query_id, status=int(Status.TIMED_OUT), message=str(error))
        milliseconds = (time.monotonic() - asked) * 1000
        _wait_until(time.monotonic() + 0.3, nodes)  # picture and truth come on topics of their own
        row = _row(number, question, answer, recorder.iou(answer, question.target_ids), milliseconds)
        rows.append(row)
        _draw(recorder, answer, row, out)
        print(f"          {row['status']}: {row['message'][:150]}", flush=True)
    if recorder.standing:
        _wait_until(time.monotonic() + STANDING_LEAST_S, nodes)
        for row in rows:
            _end_standing(recorder, row, out)
    return rows


def _end_standing(recorder: Recorder, row: dict[str, Any], out: Path) -> None:
    """Adds to a standing question's row how it went on: answers, their rate, and the mean IoU over all of them."""
    answers = recorder.standing.get(row["query_id"])
    if answers is None:
        return
    recorder.client.unwatch(row["query_id"])
    known = [value for _, value in answers if value is not None]
    if known:
        row["iou"] = round(float(np.mean(known)), 4)
    seconds = (_stamp(answers[-1][0]) - _stamp(answers[0][0])) * 1e-9 if len(answers) > 1 else 0.0
    row["standing"] = {
        "answers": len(answers),
        "per_second": round((len(answers) - 1) / seconds, 1) if seconds else None,
    }
    if answers:
        _draw(recorder, answers[-1][0], row, out)


def _row(
    number: int, question: TimedQuestion, answer: AnswerMsg, score: float | None, milliseconds: float
) -> dict[str, Any]:
    return {
        "number": number,
        "query_id": answer.query_id,
        **answer_as_dict(answer_from_msg(answer)),
        "labels": [i.label for i in answer.instances],
        "centers_m": [[round(v, 3) for v in (i.center.x, i.center.y, i.center.z)] for i in answer.instances],
        "target_ids": None if question.target_ids is None else list(question.target_ids),
        "iou": None if score is None else round(score, 4),
        "milliseconds": round(milliseconds, 1),
    }


def _draw(recorder: Recorder, answer: AnswerMsg, row: dict[str, Any], out: Path) -> None:
    if (picture := recorder.picture(answer)) is not None:
        row["picture"] = f"{row['number']:02d}.png"
        write_picture(out / row["picture"], picture)


def _report(rows: list[dict[str, Any]], out: Path) -> int:
    print(f"\n{'':>3} {'question':<58} {'answer':<26} {'IoU':>5} {'ms':>6}")
    for row in rows:
        found = ", ".join(f"{i} {label}" for i, label in zip(row["ids"], row["labels"], strict=False)) or row["status"]
        score = "-" if row["iou"] is None else f"{row['iou']:.2f}"
        print(f"{row['number']:>3} {row['text'][:58]:<58} {found[:26]:<26} {score:>5} {row['milliseconds']:>6.0f}")
    print(f"\nanswers: {out / 'answers.jsonl'}, pictures: {out}/*.png")
    known = [row["iou"] for row in rows if row["iou"] is not None]
    failed = [row for row in rows if row["status"] in ("TIMED_OUT", "NOT_READY")]
    print(
        f"mean IoU {np.mean(known):.3f} over {len(known)} questions" if known else "mean IoU unknown: no ground truth"
    )
    return 1 if failed else 0


def _wait_until(moment: float, nodes: NodeProcesses) -> None:
    while (left := moment - time.monotonic()) > 0:
        nodes.check()
        time.sleep(min(left, 0.2))


def _stamp(msg: Any) -> int:
    return msg.header.stamp.sec * 10**9 + msg.header.stamp.nanosec
