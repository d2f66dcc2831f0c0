"""The targets of the issue, by one command: `python -m scripts.soak --only targets`.

One process (bringup) with all four nodes, recorded 640x480 RGB-D published at 15 Hz, one standing question, a client in
another process. Raw pictures go through DDS, as a driver's would.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from fastreasonseg_ros.ros.images import color_from_msg, depth_from_msg, depth_to_msg, image_to_msg
from fastreasonseg_ros.ros.qos import reliable

from .robot import CAMERA, Robot, percentiles

LEAST_HZ, MOST_MS, MOST_MB, MOST_IMAGE_MS = 10.0, 150.0, 1300.0, 10.0
QUESTION = "the red mug"


def targets(folder: Path, seconds: float = 30.0, settle_s: float = 5.0) -> dict[str, Any]:
    image_ms = image_cost_ms()
    with Robot(folder, "/") as robot:
        parameters = {f"camera_node:{name}": value for name, value in CAMERA.items()}  # only without a namespace
        robot.nodes.start("bringup", **parameters)
        robot.wait(lambda: robot.client.watch(QUESTION, 90.0, "target").standing, 120.0, "a standing question")
        time.sleep(settle_s)
        process = psutil.Process(robot.nodes.pid("bringup"))
        cpu, start = sum(process.cpu_times()[:2]), time.monotonic()
        rss = []
        while time.monotonic() - start < seconds:
            time.sleep(1.0)
            robot.nodes.check()
            rss.append(process.memory_info().rss / 1e6)
        took_s = time.monotonic() - start
        cpu = sum(process.cpu_times()[:2]) - cpu
        masks = [(t, age) for t, age in list(robot.masks) if t >= start]
        answers = robot.standing("target", start)
        perception = robot.values("twin_node: perception")
        camera = robot.values("camera_node: pictures")
    rate_hz = min(len(masks), len(answers)) / took_s
    age_ms = percentiles([age * 1e3 for _, age in masks])
    peak_mb = max(rss)
    return {
        "seconds": round(took_s, 1),
        "standing answers with mask (Hz)": round(rate_hz, 2),
        "pictures published (Hz)": camera.get("rate (Hz)"),
        "picture stamp to mask (ms)": age_ms,
        "perception p50 (ms)": perception.get("perception p50 (ms)"),
        "resident memory (MB)": round(peak_mb),
        "CPU used (cores)": round(cpu / took_s, 2),
        "image on DDS, CPU (ms)": image_ms,
        "checks": {
            f"standing question answered and mask published at >= {LEAST_HZ:.0f} Hz": rate_hz >= LEAST_HZ,
            f"picture stamp to mask, p50 < {MOST_MS:.0f} ms": bool(age_ms) and age_ms["p50"] < MOST_MS,
            f"whole system resident < {MOST_MB:.0f} MB": peak_mb < MOST_MB,
            f"an image on DDS costs < {MOST_IMAGE_MS:.0f} ms of CPU": max(image_ms.values()) < MOST_IMAGE_MS,
        },
    }


def image_cost_ms(count: int = 150) -> dict[str, float]:
    """CPU time of this process for one 640x480 picture: array to message, publish, receive, message to array."""
    rng = np.random.default_rng(0)
    color = rng.integers(0, 255, (480, 640, 3), dtype=np.uint8)
    depth = rng.uniform(0.5, 2.0, (480, 640)).astype(np.float32)
    kinds = {
        "colour, rgb8": (lambda: image_to_msg(color, "rgb8", Header()), color_from_msg),
        "depth, 16UC1": (lambda: depth_to_msg(depth, Header()), depth_from_msg),
    }
    return {name: round(_cost_ms(make, read, count), 2) for name, (make, read) in kinds.items()}


def _cost_ms(make: Any, read: Any, count: int) -> float:
    context = Context()
    rclpy.init(context=context)
    node, got = Node("cost", context=context), []
    publisher = node.create_publisher(Image, "cost", reliable())
    node.create_subscription(Image, "cost", lambda msg: got.append(read(msg).shape), reliable())
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    start = 0.0
    for number in range(count + 20):  # the first do not count
        if number == 20:
            start = time.process_time()
        before = len(got)
        publisher.publish(make())
        end = time.monotonic() + 2.0
        while len(got) == before and time.monotonic() < end:
            executor.spin_once(timeout_sec=0.1)
    cost_ms = (time.process_time() - start) / count * 1e3
    assert len(got) > count, f"only {len(got)} of {count + 20} pictures came"
    executor.shutdown()
    node.destroy_node()
    rclpy.shutdown(context=context)
    return cost_ms
