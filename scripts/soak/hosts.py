"""Two hosts: network namespaces with addresses of their own, joined by a veth pair. Needs root and `ip netns`.

Perception runs on one host; reasoning, mask and the client on the other. Only twins (with their id images) and colour
pictures for the overlay cross the link. It is cut for some seconds by taking it down.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from fastreasonseg_ros.msg import Answer

A, B = "soak_a", "soak_b"
ADDRESSES = {A: "10.77.0.1", B: "10.77.0.2"}
# Fast DDS: shared memory would pass between the namespaces of one machine; two machines have UDP only.
ENVIRONMENT = {"ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET", "FASTDDS_BUILTIN_TRANSPORTS": "UDPv4"}


def why_not() -> str:
    """Why two hosts cannot be had here; empty where they can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    probe = ["ip", "netns", "add", f"soak_try{os.getpid()}"]
    try:
        subprocess.run(probe, check=True, capture_output=True, text=True)
        subprocess.run(["ip", "netns", "del", probe[-1]], check=True, capture_output=True)
        pair = ["ip", "link", "add", "soak_p0", "type", "veth", "peer", "name", "soak_p1"]
        subprocess.run(pair, check=True, capture_output=True, text=True)
        subprocess.run(["ip", "link", "del", "soak_p0"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        return f"network namespaces cannot be made here: {getattr(error, 'stderr', '') or error}".strip()
    return ""


class Link:
    """The two namespaces and the cable between them."""

    def __enter__(self) -> Link:
        self.__exit__()
        for name in (A, B):
            _ip("netns", "add", name)
        _ip("link", "add", "veth_a", "netns", A, "type", "veth", "peer", "name", "veth_b", "netns", B)
        for name, device in ((A, "veth_a"), (B, "veth_b")):
            _ip("-n", name, "addr", "add", f"{ADDRESSES[name]}/24", "dev", device)
            _ip("-n", name, "link", "set", device, "up")
            _ip("-n", name, "link", "set", device, "multicast", "on")
            _ip("-n", name, "link", "set", "lo", "up")
        return self

    def cut(self) -> None:
        _ip("-n", A, "link", "set", "veth_a", "down")

    def join(self) -> None:
        _ip("-n", A, "link", "set", "veth_a", "up")

    def sent_bytes(self) -> dict[str, int]:
        """So far, by direction."""
        rows = subprocess.run(["ip", "-n", A, "-s", "-j", "link", "show", "veth_a"], capture_output=True, check=True)
        stats = json.loads(rows.stdout)[0]["stats64"]
        return {"perception to reasoning": stats["tx"]["bytes"], "reasoning to perception": stats["rx"]["bytes"]}

    def __exit__(self, *error: object) -> None:
        for name in (A, B):
            subprocess.run(["ip", "netns", "del", name], capture_output=True)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)


def two_hosts(folder: Path, seconds: float = 10.0, cut_s: float = 10.0, overlay: bool = True) -> dict[str, Any]:
    """The far side (this module as a program in namespace B) asks and writes what it saw; this side has the link."""
    if reason := why_not():
        return {"skipped": reason, "checks": {}}
    from .robot import Robot

    script = [sys.executable, "-m", "scripts.soak.hosts", str(folder), str(seconds), str(cut_s), str(int(overlay))]
    environment = {**os.environ, **ENVIRONMENT}
    with Link() as link:
        os.environ.update(ENVIRONMENT)
        namespace = f"/hosts{os.getpid()}"
        far = subprocess.Popen(
            ["ip", "netns", "exec", B, *script, namespace],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            cwd=Path(__file__).parents[2],
        )  # fmt: skip
        try:
            with Robot(folder / "near", namespace, ["ip", "netns", "exec", A]) as robot:
                robot.start("camera_node", "twin_node", wait=False)
                rates = _follow(far, link, seconds)
                robot.nodes.check()
        finally:
            os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
            os.environ.pop("FASTDDS_BUILTIN_TRANSPORTS", None)
            if far.poll() is None:
                far.terminate()
            far.wait(15)
    seen = json.loads((folder / "far.json").read_text())
    back_s = seen["seconds until a new answer after the cut"]
    return {
        **seen,
        "bandwidth (Mbit/s)": rates,
        "checks": {
            "a question is answered from the other host's twin": seen["status"] in (Answer.OK, Answer.NO_MATCH),
            "the standing question goes on after the cut": back_s is not None,
            "during the cut answers say that they are stale": seen["status in the cut"] == Answer.STALE,
            "all nodes stay up": True,
        },
    }


def _follow(far: subprocess.Popen[str], link: Link, seconds: float) -> dict[str, float]:
    """Does with the link what the far side says: measure, cut, join."""
    assert far.stdout is not None
    assert far.stdin is not None
    rates: dict[str, float] = {}
    for line in far.stdout:
        if line.startswith("measure"):
            before, start = link.sent_bytes(), time.monotonic()
            time.sleep(seconds)
            took_s = time.monotonic() - start
            rates = {k: round((v - before[k]) * 8e-6 / took_s, 2) for k, v in link.sent_bytes().items()}
        elif line.startswith("cut"):
            link.cut()
        elif line.startswith("join"):
            link.join()
        far.stdin.write("done\n")
        far.stdin.flush()
    return rates


def _tell(word: str) -> None:
    print(word, flush=True)
    sys.stdin.readline()


def far_side(folder: Path, seconds: float, cut_s: float, overlay: bool, namespace: str) -> None:
    """In namespace B: reasoning_node, mask_node and the client."""
    from sensor_msgs.msg import Image

    from fastreasonseg_ros.ros.qos import reliable

    from .robot import Robot

    with Robot(folder / "far", namespace) as robot:
        if overlay:  # a subscriber makes mask_node draw; colour pictures cross the link in any case
            robot.client.node.create_subscription(Image, "overlay", lambda _: None, reliable())
        robot.start("reasoning_node", "mask_node", wait=False, reasoning_node={"stale_after_s": 3.0})
        answer = Answer()

        def answered() -> bool:
            nonlocal answer
            answer = robot.client.ask("the red mug", 20.0)
            return answer.status in (Answer.OK, Answer.NO_MATCH)

        robot.wait(answered, 120.0, "an answer about the other host's twin")
        robot.wait(lambda: robot.client.watch("the red mug", 30.0, "keep").standing, 60.0, "a standing question")
        start = time.monotonic()
        _tell("measure")
        before = robot.standing("keep", start)
        _tell("cut")
        time.sleep(cut_s)
        stale = robot.client.ask("the red mug", 20.0)
        joined = time.monotonic()
        _tell("join")
        old = stale.header.stamp.sec

        def fresh() -> bool:
            return any(a.header.stamp.sec > old + 1 for a in robot.standing("keep", joined))

        try:
            back_s: float | None = round(robot.wait(fresh, 60.0, "an answer after the cut"), 2)
        except TimeoutError:
            back_s = None
        result = {
            "status": answer.status,
            "standing answers (Hz)": round(len(before) / seconds, 2),
            "status in the cut": stale.status,
            "cut (s)": cut_s,
            "seconds until a new answer after the cut": back_s,
        }
        (folder / "far.json").write_text(json.dumps(result))


if __name__ == "__main__":
    # The near side may go away; this one must then not wait for it for ever.
    threading.Timer(400.0, lambda: os._exit(3)).start()
    far_side(Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]), sys.argv[4] == "1", sys.argv[5])
    os._exit(0)
