"""`fastreasonseg bag eval BAG --clock`: the nodes themselves, over DDS, with a bag played at its own speed.

The twin node and the reasoning node run as processes of their own on simulated time; this process plays pictures with
their recorded stamps and /clock, asks each question at its time, and joins what comes back with the ground truth by
exact stamps. Latency is on this machine's clock: from a picture's publication to its twin, from question to answer.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from fastreasonseg_ros.msg import Answer as AnswerMsg
from fastreasonseg_ros.msg import SceneGraph

from ..errors import ConfigError, DatasetError, Status
from ..evaluation.metrics.masks import percentiles, score_masks
from ..evaluation.metrics.summary import slim, summarise
from ..evaluation.runners.bags import frames_of_bag
from ..evaluation.runners.curve import Curve
from ..evaluation.runners.evaluate import Row, describe_row, score_row
from ..evaluation.runners.scene_state import Times
from ..io.bags.questions import TimedQuestion
from ..io.datasets.base import PackedIds
from ..ros.client import ReasonSegClient
from ..ros.conversions import answer_from_msg, truth_to_msg
from ..ros.images import depth_to_msg, image_to_msg, intrinsics_to_msg
from ..ros.qos import latched, reliable
from ..twin.masks import select
from ..twin.types import Frame
from .joined_answers import JoinedAnswers
from .node_processes import NodeProcesses

KEPT = 300  # pictures whose truth waits for answers about them
UP_S = 240.0  # for the models to load
LAST_S = 30.0  # for what is under way when the bag ends


class Live:
    """Plays one bag into nodes that are up, and keeps what comes back. `row` gives a question's row once answered."""

    def __init__(self, namespace: str, rate: float) -> None:
        self.client = ReasonSegClient(namespace, "bag_live")
        node = self.client.node
        self._rate = rate
        self._clock = node.create_publisher(Clock, "/clock", reliable())
        self._color = node.create_publisher(Image, "color/image_raw", reliable())
        self._depth = node.create_publisher(Image, "depth/image_raw", reliable())
        self._info = node.create_publisher(CameraInfo, "color/camera_info", reliable())
        self._truth = node.create_publisher(SceneGraph, "truth", reliable())  # what the oracle perceiver sees
        self._lock = threading.Lock()
        self._sent: dict[int, float] = {}  # stamp -> moment of publication; as long as no twin has come of it
        self._joined = JoinedAnswers(self._joined_answer)
        self._truths, self._order = PackedIds(), []
        self._standing: dict[str, list[Any]] = {}  # query id -> target ids, curve, sum, count, intersection, union
        self.published = self.twins = self.refused = 0
        self.start_ns = 0
        self.delays = Curve()
        self.delay_ms: list[float] = []
        self.late_s = 0.0
        node.create_subscription(SceneGraph, "twin", self._twin_came, latched())
        self.client.on_answer(self._joined.answer_came)

    def heard(self, perception: str) -> bool:
        """Whether both nodes are there, and perception subscribes to all that is played."""
        played = [self._color, self._depth, self._info, *([self._truth] if perception == "oracle" else [])]
        asked = self.client.node.count_services(self.client.node.resolve_service_name("query"))
        return bool(asked and self._clock.get_subscription_count() >= 2) and all(
            p.get_subscription_count() for p in played
        )

    def play(self, frames: Any, due: Sequence[tuple[int, TimedQuestion]], done: list[Row]) -> None:
        """Every picture at its time; questions in threads, so that a slow answer does not hold the bag back."""
        waiting = sorted(due, key=lambda q: float("inf") if q[1].at_s is None else q[1].at_s)
        threads: list[threading.Thread] = []

        def ask(n: int, question: TimedQuestion) -> None:
            thread = threading.Thread(target=self._ask, args=(n, question, done), daemon=True)
            thread.start()
            threads.append(thread)

        began = None
        for stamp_ns, frame in frames:
            if began is None:
                began, self.start_ns = time.monotonic(), stamp_ns
            t_s = (stamp_ns - self.start_ns) * 1e-9
            behind = time.monotonic() - began - t_s / self._rate
            self.late_s = max(self.late_s, behind)
            if behind < 0:
                time.sleep(-behind)
            self._publish(stamp_ns, frame)
            while waiting and waiting[0][1].at_s is not None and waiting[0][1].at_s <= t_s and self.published > 1:
                ask(*waiting.pop(0))
        if began is None:
            raise DatasetError("the bag holds no frame; depth and colour must have stamps that go together")
        for item in waiting:
            ask(*item)
        end = time.monotonic() + LAST_S
        for thread in threads:
            thread.join(max(0.1, end - time.monotonic()))
        time.sleep(0.5)  # twins of the last pictures

    def standing_row(self, n: int) -> Row:
        """What became of a standing question: answers, the share of pictures that have one, figures."""
        with self._lock:
            _, curve, total, count, inter, either, answers = self._standing[str(n)]
        found: Row = {"answers": answers}
        if count:
            found |= {"iou": total / count, "intersection": inter, "union": either, "curve": curve.points()}
        return found

    def _publish(self, stamp_ns: int, frame: Frame) -> None:
        header = Header(frame_id=frame.frame_id)
        header.stamp.sec, header.stamp.nanosec = stamp_ns // 10**9, stamp_ns % 10**9
        self._clock.publish(Clock(clock=header.stamp))
        with self._lock:
            if frame.truth is not None:
                self._truths.put(stamp_ns, frame.truth.ids)
                self._order.append(stamp_ns)
                while len(self._order) > KEPT:
                    self._truths.drop(self._order.pop(0))
            self._sent[stamp_ns] = time.monotonic()
            while len(self._sent) > KEPT:
                self._sent.pop(next(iter(self._sent)))
        if frame.truth is not None:
            self._truth.publish(truth_to_msg(frame, self.published, header))
        if frame.intrinsics is not None:
            self._info.publish(intrinsics_to_msg(frame.intrinsics, header))
        if frame.depth_m is not None:
            self._depth.publish(depth_to_msg(frame.depth_m, header))
        self._color.publish(image_to_msg(frame.color, "rgb8", header))
        self.published += 1

    def _twin_came(self, msg: SceneGraph) -> None:
        with self._lock:
            sent = self._sent.pop(_stamp(msg), None)
        if sent is None:
            return
        if msg.status != AnswerMsg.OK:
            self.refused += 1
            return
        self.twins += 1
        self._joined.twin_came(msg)
        delay = (time.monotonic() - sent) * 1e3
        self.delay_ms.append(delay)
        self.delays.put((_stamp(msg) - self.start_ns) * 1e-9, delay)

    def _ask(self, n: int, question: TimedQuestion, done: list[Row]) -> None:
        if question.standing:
            with self._lock:
                self._standing[str(n)] = [question.target_ids, Curve(), 0.0, 0, 0, 0, 0]
        began = time.monotonic()
        verb = self.client.watch if question.standing else self.client.ask
        try:
            msg = verb(question.text, LAST_S, str(n))
        except TimeoutError as error:
            msg = AnswerMsg(text=question.text, status=int(Status.TIMED_OUT), message=str(error))
        row: Row = {"n": n, "scene": question.scene, "text": question.text, "at": question.at_s}
        row |= {"category": question.category, "level": question.level, "standing": question.standing}
        row |= {"stamp_ns": _stamp(msg), "round_trip_ms": round((time.monotonic() - began) * 1e3, 1)}
        if question.target_ids is not None:
            row["target_ids"] = list(question.target_ids)
        done.append(describe_row(row, answer_from_msg(msg), None) | self._score(msg, question.target_ids))

    def _joined_answer(self, msg: AnswerMsg) -> None:
        kept = self._standing.get(msg.query_id)
        if kept is None:
            return
        score = self._score(msg, kept[0])
        with self._lock:
            kept[6] += 1
            if "iou" in score:
                kept[1].put((_stamp(msg) - self.start_ns) * 1e-9, score["iou"])
                kept[2], kept[3] = kept[2] + score["iou"], kept[3] + 1
                kept[4], kept[5] = kept[4] + score["intersection"], kept[5] + score["union"]

    def _score(self, msg: AnswerMsg, target_ids: tuple[int, ...] | None) -> Row:
        """Of the picture with the very stamp of the answer; nothing where that is not known any more."""
        with self._lock:
            truth = self._truths.get(_stamp(msg))
        if target_ids is None:
            return {}
        if truth is None:
            return {} if msg.status in (Status.OK, Status.NO_MATCH, Status.STALE) else {"iou": 0.0}
        target = select(truth, target_ids)
        found = self._joined.mask(msg, truth.shape)
        return score_row(score_masks([found], [target]))


def run_live(args: Namespace, path: Path, questions: Sequence[TimedQuestion]) -> tuple[dict[str, Any], list[Row]]:
    """Result and rows of one bag in real time. Raises DatasetError, ConfigError, NodeDiedError."""
    if args.rate <= 0:
        raise ConfigError(f"--rate is the speed at which the bag is played, above 0, got {args.rate}")
    frames, read = frames_of_bag(args, path)
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    # /clock is one for a whole domain: another robot's must not be ours, nor ours another's.
    os.environ.setdefault("ROS_DOMAIN_ID", str(os.getpid() % 90 + 10))
    namespace = f"/bag_{os.getpid()}"
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as logs, NodeProcesses(namespace, Path(logs)) as nodes:
        model: dict[str, Any] = {"language_model": args.model, "language_model_config": args.model_config or ""}
        if args.model_set:
            model["language_model_overrides"] = args.model_set
        nodes.start("reasoning_node", use_sim_time=True, **model)
        perceiver: dict[str, Any] = {"perceiver": args.perception, "perceiver_config": args.perception_config or ""}
        if args.perception_set:
            perceiver["perceiver_overrides"] = args.perception_set
        nodes.start("twin_node", use_sim_time=True, **perceiver)
        nodes.wait_for("the model", "reasoning_node", lambda: "is ready" in nodes.log("reasoning_node"), UP_S)
        nodes.wait_for("the twin node", "twin_node", lambda: "settings:" in nodes.log("twin_node"), UP_S)
        live = Live(namespace, args.rate)
        try:
            nodes.wait_for("its subscriptions", "twin_node", lambda: live.heard(args.perception), UP_S)
            time.sleep(1.0)  # the nodes discover this process in their turn
            live.play(frames, list(enumerate(questions)), rows)
            nodes.check()
        finally:
            live.client.close()
    rows.sort(key=lambda row: row["n"])
    rows = [row | live.standing_row(row["n"]) if row["standing"] else row for row in rows]
    trips = [row["round_trip_ms"] for row in rows if not row["standing"]]
    times = Times()
    report = times.report() | {
        "latency_ms": {"picture to twin": percentiles(live.delay_ms), "question": percentiles(trips)}
    }
    figures = summarise((row for row in rows if row.get("iou") is not None), args.seed)
    real_time = {
        "pictures": live.published, "twins": live.twins, "refused": live.refused,
        "dropped": live.published - live.twins - live.refused,
        "coverage": round(live.twins / live.published, 4), "rate": args.rate,
        "player_late_s": round(live.late_s, 3),
    }  # fmt: skip
    statuses = dict(sorted(Counter(row["status"] for row in rows).items()))
    curves = {row["text"]: row["curve"] for row in rows if row.get("curve")}
    result = figures | {"mode": "real time", "asked": len(rows), "real_time": real_time, "statuses": statuses}
    result |= {"curves": curves, "latency_curves": {"picture to twin": live.delays.points()}} | report
    return result | read() | {"questions": [slim(row) for row in rows]}, rows


def _stamp(msg: Any) -> int:
    return msg.header.stamp.sec * 10**9 + msg.header.stamp.nanosec
