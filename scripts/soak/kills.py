"""Each node killed under load and started again; and what a camera, a bag and a model file may do while nodes run."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

from fastreasonseg_ros.msg import Answer

from .fuzz import Driver
from .robot import ALL, TABLE, Crowd, Robot

BACK_S, NEVER_S = 5.0, 300.0
RELOADED_S = 12.0  # reasoning_node loads its model, and makes the plans of standing questions, before it answers
PATIENCE_S = 120.0  # costs time only where what is waited for never comes
NEW = "an answer to a question never asked before"  # waits for the model, and its turn behind the others
TEXTS = ("the red mug", "the blue mug", "what is on the table?", "the bowl", "the thing nearest to the bowl")


def kills(folder: Path, nodes: tuple[str, ...] = ALL, load: int = 2, rate_hz: float = 15.0) -> dict[str, Any]:
    """Times from the restart of a node until answers flow again; all else must stay up."""
    back: dict[str, dict[str, float | None]] = {}
    survived = stands = True
    with Robot(folder) as robot:
        robot.start(camera={"rate_hz": rate_hz})
        robot.wait(lambda: robot.client.watch("the red mug", 60.0, "keep").standing, 180.0, "a standing question")
        with Crowd(robot, TEXTS, load) as crowd:
            time.sleep(2.0)
            for name in nodes:
                back[name], kept = _kill(robot, name)
                survived, stands = survived and robot.nodes.names_up == set(ALL), stands and kept
                time.sleep(1.0)
        asked, failed = crowd.asked, crowd.failed
    waited = [
        t - (RELOADED_S - BACK_S if name == "reasoning_node" else 0.0)
        for name, times in back.items()
        for what, t in times.items()
        if what != NEW and t is not None
    ]
    never = [f"{what} after {name}" for name, times in back.items() for what, t in times.items() if t is None]
    return {
        "seconds from restart until": back,
        f"not within {NEVER_S:.0f} s": never,
        "questions meanwhile": {"asked": asked, "without a reply in 8 s": failed},
        "checks": {
            f"answers flow again within {BACK_S:.0f} s of each restart (reasoning_node: {RELOADED_S:.0f} s)": (
                not never and max(waited) <= BACK_S
            ),
            "no other node falls": survived,
            "standing questions come back": stands,
        },
    }


def _kill(robot: Robot, name: str, patience_s: float = NEVER_S) -> tuple[dict[str, float | None], bool]:
    """Seconds until each came that speaks of a picture taken after the restart, None where it never did; whether the
    standing question did.
    """
    robot.nodes.kill(name)
    time.sleep(1.0)
    robot.nodes.check()
    start, wall = time.monotonic(), time.time()
    robot.start(name, wait=False)
    answered: list[float] = []
    new: list[float] = []
    asked = (("the red mug", answered), (f"what stands left of the bowl? ({name})", new))
    asking = [threading.Thread(target=_ask_until_answered, args=(robot, start, patience_s, *one)) for one in asked]
    for thread in asking:
        thread.start()

    def came() -> dict[str, float]:
        answers = [t for t, a in list(robot.answers) if t > start and a.query_id == "keep" and _stamp(a) > wall]
        masks = [t for t, age in list(robot.masks) if t - age > start]
        every = {"a standing answer": answers, "a mask": masks, "an answer to a question": answered, NEW: new}
        return {what: round(times[0] - start, 2) for what, times in every.items() if times}

    while len(came()) < 4 and time.monotonic() - start < patience_s:
        robot.nodes.check()
        time.sleep(0.05)
    for thread in asking:
        thread.join(60.0)
    result = came()
    every = ("a standing answer", "a mask", "an answer to a question", NEW)
    return {what: result.get(what) for what in every}, "a standing answer" in result


def _ask_until_answered(robot: Robot, start: float, patience_s: float, text: str, answered: list[float]) -> None:
    """A restarted reasoning_node lets a question wait while its model loads."""
    while time.monotonic() - start < patience_s:
        try:
            if robot.client.ask(text, 20.0).status in (Answer.OK, Answer.NO_MATCH):
                answered.append(time.monotonic())
                return
        except TimeoutError:
            continue


def _stamp(answer: Answer) -> float:
    return answer.header.stamp.sec + answer.header.stamp.nanosec * 1e-9


def camera_faults(folder: Path, silence_s: float = 4.0) -> dict[str, Any]:
    """A camera that stops, resumes, and changes its size."""
    with Robot(folder) as robot:
        robot.start("twin_node", "reasoning_node", wait=False, reasoning_node={"stale_after_s": 2.0})
        driver = Driver(robot.client.node, 10)
        robot.wait(lambda: driver.ready, PATIENCE_S, "twin_node")
        robot.wait(driver.recovers, PATIENCE_S, "a first twin")
        first = Answer()

        def stands() -> bool:
            nonlocal first
            first = robot.client.watch("the red things", 60.0, "keep")
            return first.standing  # else the model still loads

        robot.wait(stands, 2 * PATIENCE_S, "a standing question")
        time.sleep(silence_s)
        stale = robot.client.ask("the red things", 20.0)
        start = time.monotonic()
        resumed = driver.recovers()
        resumed_s = time.monotonic() - start
        fresh = Answer(status=Answer.STALE)

        def answered() -> bool:
            nonlocal fresh
            fresh = robot.client.ask("the red things", 20.0)
            return fresh.status != Answer.STALE or not driver.recovers()  # stale: it was slow to ask

        robot.wait(answered, PATIENCE_S, "an answer about a new picture")

        def larger() -> bool:
            newest = robot.standing("keep", start)[-1:]
            return bool(newest) and robot.client.mask(newest[0])[0].shape[1] == 160

        with driver.streaming(160, 120):  # Client.mask waits for a twin
            robot.wait(larger, PATIENCE_S, "a larger mask")
        twin = driver.twins[-1]
        robot.nodes.check()
    return {
        "seconds until a twin after the pause": round(resumed_s, 2),
        "status": {"before": first.status, "in the pause": stale.status, "after": fresh.status},
        "checks": {
            "in the pause the answer says that it is stale": stale.status == Answer.STALE,
            "afterwards twins and answers come again": resumed and fresh.status in (Answer.OK, Answer.NO_MATCH),
            "a picture of another size begins a new twin": (twin.image_width, twin.status) == (160, Answer.OK),
            "the standing question goes on in the new size": True,  # wait() raises otherwise
        },
    }


def truncated_bag(folder: Path) -> dict[str, Any]:
    """The recorded table, cut off in the middle of a message: its pictures come, then the reason why no more do."""
    bag, whole = folder / "cut.mcap", (TABLE / "table.mcap").read_bytes()
    bag.write_bytes(whole[: int(len(whole) * 0.4)])
    with Robot(folder) as robot:
        twins: list[Any] = []
        robot.client.on_twin(twins.append)
        robot.start("camera_node", "twin_node", "reasoning_node", camera={"path": str(bag), "loop": False}, wait=False)
        robot.wait(lambda: any(bag.name in t.message for t in twins), 2 * PATIENCE_S, "a twin that names the bag")
        answer = Answer(status=Answer.NOT_READY)

        def answered() -> bool:
            nonlocal answer
            answer = robot.client.ask("the red mug", 30.0)
            return answer.status != Answer.NOT_READY  # else the model still loads

        robot.wait(answered, 2 * PATIENCE_S, "an answer")
        good = sum(t.status == Answer.OK for t in twins)
        robot.nodes.check()
    return {
        "twins before the end": good,
        "message": next(t.message for t in twins if bag.name in t.message),
        "checks": {
            "the asker is told what is wrong with the bag": (
                answer.status == Answer.BAD_INPUT and bag.name in answer.message
            ),
            "all nodes stay up": True,
        },
    }


def two_robots(folder: Path, seconds: float = 8.0) -> dict[str, Any]:
    """Two sets of nodes on one host, in namespaces: each answers for its own camera only."""
    with Robot(folder) as one, Robot(folder) as two:
        one.start()
        two.start("twin_node", "reasoning_node", wait=False)
        driver = Driver(two.client.node, 10)
        two.wait(lambda: driver.ready, 60.0, "twin_node of the second")
        two.wait(driver.recovers, 60.0, "its twin")
        a, b = one.client.ask("the red mug", 30.0), two.client.ask("the red box", 60.0)
        sizes = {(r.namespace, r.client.mask(m)[0].shape[1]) for r, m in ((one, a), (two, b))}
        frames = (a.header.frame_id, b.header.frame_id)
        time.sleep(seconds)
        one.nodes.check()
        two.nodes.check()
        strangers = [x.query_id for _, x in two.answers if x.text == "the red mug"]
    return {
        "widths of masks": sorted(w for _, w in sizes),
        "frames": frames,
        "checks": {
            "each answers about its own camera": {w for _, w in sizes} <= {640, 64} and len(sizes) >= 1,
            "frames are each robot's own": frames[1] == "camera" and frames[0] != frames[1],
            "no answer of one is heard by the other": not strangers,
        },
    }
