"""Real nodes in processes of their own, on a domain and in a namespace that nothing else uses.

Tests run on machines that are slow and busy: they wait for what must happen with PATIENCE_S, which costs time only
where it never does, and assert no wall-clock time.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from uuid import uuid4

import numpy as np

from fastreasonseg_ros.twin.types import CameraIntrinsics

PATIENCE_S = 240.0
NAMESPACE = f"/test{uuid4().hex[:8]}"
CAMERA = CameraIntrinsics(320, 240, 300.0, 300.0, 160.0, 120.0)  # of red_box


def own_domain() -> int:
    """A domain that no other run of the tests on this machine has until this process ends, which closes the file.

    Domains above 100 share their ports with short-lived sockets of others.
    """
    first = os.getpid() % 90
    for n in range(90):
        domain = 10 + (first + n) % 90
        lock = Path(tempfile.gettempdir()) / f"fastreasonseg_test_domain_{domain}_{os.getuid()}"
        file = os.open(lock, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            continue
        return domain
    raise RuntimeError("90 runs of the tests at a time")


os.environ["ROS_DOMAIN_ID"] = str(own_domain())
os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"


class Nodes:
    """Starts nodes of the package; each logs to its own file; all are ended together."""

    def __init__(self, folder: Path, namespace: str = NAMESPACE) -> None:
        self.folder, self.namespace = folder, namespace
        self.running: dict[str, subprocess.Popen] = {}

    def start(self, module: str, **parameters: object) -> None:
        command = [
            sys.executable,
            "-m",
            f"fastreasonseg_ros.ros.nodes.{module}",
            "--ros-args",
            "-r",
            f"__ns:={self.namespace}",
        ]
        for name, value in parameters.items():
            command += ["-p", f"{name}:={value}"]
        with open(self.folder / f"{module}.log", "w") as log:
            self.running[module] = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)

    def log(self, module: str) -> str:
        return (self.folder / f"{module}.log").read_text()

    def dead(self) -> dict[str, str]:
        """Logs of the nodes that are not up any more."""
        return {m: self.log(m) for m, p in self.running.items() if p.poll() is not None}

    def stop(self) -> dict[str, int]:
        """Exit status of each node after an interrupt."""
        for process in self.running.values():
            process.send_signal(signal.SIGINT)
        codes = {}
        for name, process in self.running.items():
            try:
                codes[name] = process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                codes[name] = process.wait()
        return codes


def wait_for(ready, timeout_s: float = PATIENCE_S, what: str = "it"):
    """The first true value of `ready()`."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if value := ready():
            return value
        time.sleep(0.02)
    raise AssertionError(f"{what} did not happen within {timeout_s:.0f} s")


def red_box() -> tuple[np.ndarray, np.ndarray]:
    """RGB and depth in mm of a red box, 0.1 m high, on a table that the camera sees from 0.8 m above, at 45 degrees."""
    rgb = np.full((240, 320, 3), (150, 120, 90), np.uint8)
    down = (np.arange(240)[:, None] - CAMERA.cy) / CAMERA.fy * np.ones((1, 320))
    depth_m = 0.8 / (np.sqrt(0.5) * (down + 1))
    rgb[80:150, 120:200] = (200, 30, 30)
    depth_m[80:150, 120:200] *= 0.7 / 0.8
    return rgb, np.rint(depth_m * 1000).astype(np.uint16)
