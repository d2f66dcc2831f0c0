"""Broken pictures, by Hypothesis: whatever a driver sends becomes a frame or a FrameError, and the nodes stay up."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from builtin_interfaces.msg import Time
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from fastreasonseg_ros.msg import Answer, SceneGraph
from fastreasonseg_ros.ros.images import depth_to_msg, image_to_msg, intrinsics_to_msg, time_to_s
from fastreasonseg_ros.ros.qos import reliable
from fastreasonseg_ros.twin.types import CameraIntrinsics

from .robot import Robot

COLOR_ENCODINGS = ("rgb8", "bgr8", "rgba8", "mono8", "8UC3", "yuv422", "bayer_rggb8", "32FC1", "", "rgb8\x00", "色")
DEPTH_ENCODINGS = ("16UC1", "32FC1", "mono16", "64FC1", "rgb8", "", "16uc1")
NUMBERS = st.sampled_from([0.0, -1.0, 1.0, 60.0, 1e-30, 1e30, float("nan"), float("inf"), float("-inf")])
SIZES = st.sampled_from([0, 1, 2, 3, 16, 48, 64, 2000, 2**16, 2**31, 2**32 - 1])
FRAMES = st.sampled_from(["camera", "", "map", "/camera", "a" * 300, "no such frame\n", "摄像头"])


@dataclass(frozen=True)
class Shot:
    """What a driver sends for one picture; None: it does not come."""

    color: Image
    depth: Image | None
    info: CameraInfo | None


def headers(now: Time | None = None) -> st.SearchStrategy[Header]:
    """Stamps: mostly `now`, else absurd ones."""
    absurd = st.sampled_from([(0, 0), (-(2**31), 0), (2**31 - 1, 999_999_999), (0, 2**32 - 1), (1, 5), (-5, 7)])
    stamp = absurd.map(lambda s: Time(sec=s[0], nanosec=s[1]))
    return st.builds(Header, stamp=st.one_of(st.just(now), st.just(now), stamp) if now else stamp, frame_id=FRAMES)


@st.composite
def images(draw: Any, encodings: tuple[str, ...], header: Header) -> Image:
    """Of any size, with data that fit, are cut off, or have nothing to do with it."""
    width, height = draw(SIZES), draw(SIZES)
    if draw(st.booleans()):
        width, height = draw(st.sampled_from([(64, 48), (1, 1), (48, 64), (1600, 1200)]))
    encoding = draw(st.sampled_from(encodings))
    bytes_a_pixel = {"rgb8": 3, "bgr8": 3, "8UC3": 3, "rgba8": 4, "16UC1": 2, "mono16": 2, "32FC1": 4}.get(encoding, 1)
    step = draw(st.sampled_from([width * bytes_a_pixel, width * bytes_a_pixel + 3, 0, 1, 2**32 - 1]))
    whole = step * height
    length = draw(st.sampled_from([whole, whole - 1, whole // 2, 0, 1, 100])) if whole < 8_000_000 else 100
    fill = draw(st.sampled_from(["zero", "ones", "noise", "nan"]))
    length = max(0, length)
    if fill == "noise":
        data = np.random.default_rng(length).integers(0, 256, length, np.uint8).tobytes()
    else:
        one = {"zero": b"\x00", "ones": b"\xff", "nan": b"\x00\x00\xc0\x7f"}[fill]
        data = (one * (length // len(one) + 1))[:length]
    big = draw(st.sampled_from([0, 0, 1, 255]))
    return Image(
        header=header, width=min(width, 2**32 - 1), height=min(height, 2**32 - 1), encoding=encoding,
        step=min(step, 2**32 - 1), is_bigendian=big, data=data,
    )  # fmt: skip


@st.composite
def infos(draw: Any, header: Header) -> CameraInfo:
    msg = CameraInfo(header=header, width=draw(SIZES), height=draw(SIZES))
    msg.k = draw(st.lists(NUMBERS, min_size=9, max_size=9))
    msg.d = draw(st.lists(NUMBERS, max_size=14))
    msg.distortion_model = draw(st.sampled_from(["plumb_bob", "", "equidistant", "x" * 1000]))
    return msg


@st.composite
def shots(draw: Any, now: Time | None = None) -> Shot:
    """A third of the pictures are good and what comes with them is broken, so that every part is reached."""
    header = draw(headers(now))
    good = good_shot(header)
    color = draw(st.one_of(st.just(good.color), images(COLOR_ENCODINGS, header)))
    depth = draw(st.one_of(st.just(good.depth), st.none(), images(DEPTH_ENCODINGS, header)))
    info = draw(st.one_of(st.just(good.info), st.none(), infos(header)))
    return Shot(color, depth, info)


@st.composite
def compressed(draw: Any) -> CompressedImage:
    """Bytes that begin as a picture's, with formats that fit or do not."""
    start = draw(st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"\x00" * 12 + b"\x89PNG\r\n\x1a\n"]))
    formats = ["rgb8; jpeg compressed bgr8", "16UC1; compressedDepth png", "32FC1; compressedDepth", "png", "", "\x00"]
    return CompressedImage(format=draw(st.sampled_from(formats)), data=start + draw(st.binary(max_size=200)))


def good_shot(header: Header, width: int = 64, height: int = 48) -> Shot:
    """A box on a table 1 m away."""
    color, depth = np.full((height, width, 3), 120, np.uint8), np.ones((height, width), np.float32)
    color[10:30, 10:30], depth[10:30, 10:30] = (200, 30, 30), 0.9
    camera = CameraIntrinsics(width, height, 60.0, 60.0, width / 2, height / 2)
    return Shot(image_to_msg(color, "rgb8", header), depth_to_msg(depth, header), intrinsics_to_msg(camera, header))


def run_fuzz(shoot: Any, examples: int) -> None:
    """Calls `shoot(draw)` that often; draw(strategy) gives a value."""

    @settings(
        max_examples=examples, deadline=None, database=None, derandomize=examples <= 1000, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.data())
    def run(data: st.DataObject) -> None:
        shoot(data.draw)

    run()


class Driver:
    """Publishes shots to the twin node, and hears what it says of them."""

    def __init__(self, node: Any, deep: int = 200) -> None:
        self._node = node
        self.twins: list[SceneGraph] = []
        self.sent = 0
        self.color = node.create_publisher(Image, "color/image_raw", reliable(deep))
        self.depth = node.create_publisher(Image, "depth/image_raw", reliable(deep))
        self.info = node.create_publisher(CameraInfo, "color/camera_info", reliable(deep))
        node.create_subscription(SceneGraph, "twin", self.twins.append, reliable(deep))

    @property
    def ready(self) -> bool:
        return all(p.get_subscription_count() for p in (self.color, self.depth, self.info))

    @property
    def now(self) -> Time:
        return self._node.get_clock().now().to_msg()

    def send(self, shot: Shot, wait_s: float = 0.05) -> bool:
        """Whether a twin, or the reason why there is none, came in time."""
        seen = len(self.twins)
        if shot.info is not None:
            self.info.publish(shot.info)
        if shot.depth is not None:
            self.depth.publish(shot.depth)
        self.color.publish(shot.color)
        self.sent += sum(part is not None for part in (shot.color, shot.depth, shot.info))
        end = time.monotonic() + wait_s
        while len(self.twins) == seen and time.monotonic() < end:
            time.sleep(0.001)
        return len(self.twins) > seen

    @contextmanager
    def streaming(self, width: int, height: int, period_s: float = 0.3) -> Iterator[None]:
        """Good pictures of that size from a thread, as a camera sends them, until the block is left."""
        ended = threading.Event()

        def stream() -> None:
            while not ended.is_set():
                self.send(good_shot(Header(stamp=self.now, frame_id="camera"), width, height), 0.0)
                ended.wait(period_s)

        thread = threading.Thread(target=stream)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def recovers(self, timeout_s: float = 60.0) -> bool:
        """Whether good pictures give a good twin again, however slow perception is."""
        end, sent = time.monotonic() + timeout_s, set()
        while time.monotonic() < end:
            shot = good_shot(Header(stamp=self.now, frame_id="camera"))
            sent.add(time_to_s(shot.color.header.stamp))
            self.send(shot, 0.3)
            if any(t.status == Answer.OK and time_to_s(t.header.stamp) in sent for t in self.twins[-3:]):
                return True
        return False


def fuzz(folder: Path, messages: int = 5000) -> dict[str, Any]:
    """Broken pictures to all nodes that take pictures, in processes of their own."""
    with Robot(folder) as robot:
        robot.start("twin_node", "mask_node", "reasoning_node", wait=False, twin_node={"depth_timeout_s": 0.2})
        driver = Driver(robot.client.node)
        robot.wait(lambda: driver.ready, 60.0, "twin_node")
        robot.wait(driver.recovers, 60.0, "a first twin")
        start, told = time.monotonic(), Counter()
        driver.sent = 0

        def shoot(draw: Any) -> None:
            shot = draw(shots(driver.now))  # also when it is not sent: Hypothesis wants the same draws again
            if driver.sent < messages:
                answered = driver.send(shot)
                told["told at once" if answered else "without a twin within 50 ms"] += 1
                robot.nodes.check()

        run_fuzz(shoot, messages // 2)  # a set is two or three messages; what is drawn beyond is not sent
        while driver.sent < messages:
            run_fuzz(shoot, 100 + (messages - driver.sent) // 2)
        again = driver.recovers()
        time.sleep(2.5)
        alive = robot.client.ask("the red box", 20.0)
        values = robot.values("twin_node: perception")
        robot.nodes.check()
        tracebacks = sum(robot.nodes.log(n).count("Traceback") for n in robot.nodes.names)
    errors = {k: int(v) for k, v in values.items() if k.startswith("errors")}
    return {
        "messages": driver.sent,
        "seconds": round(time.monotonic() - start, 1),
        "sets of pictures": dict(told),
        "errors counted in /diagnostics": errors,
        "tracebacks in the logs": tracebacks,
        "checks": {
            "all nodes stay up": True,  # check() raises otherwise
            "good pictures afterwards give a good twin": again,
            "a question afterwards gets a coded answer": bool(alive.message),
            "errors are counted in /diagnostics": errors.get("errors", 0) > 0,
            "no error that was not foreseen": tracebacks == 0 and not errors.get("errors: callback"),
        },
    }
