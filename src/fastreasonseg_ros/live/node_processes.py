"""The nodes as processes of their own: started together, watched, and always ended."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from ..errors import ReasonSegError

PR_SET_PDEATHSIG = 1  # linux/prctl.h


class NodeDiedError(ReasonSegError):
    """A node's process ended, or did not come up; the message holds the end of its log."""


class NodeProcesses:
    """Runs `python -m fastreasonseg_ros.ros.nodes.NODE` for each node, with its output in log_dir/NODE.log.

        with NodeProcesses("/demo", Path("out/demo/logs")) as nodes:
            nodes.start("camera_node", source="bag", path="table.mcap", loop=False)

    Leaving the block ends them, also after an error or Ctrl-C; on Linux they end with this process too if it is killed.
    """

    def __init__(self, namespace: str, log_dir: Path, prefix: Sequence[str] = ()) -> None:
        """prefix: a command that runs others, such as `ip netns exec robot`."""
        self.namespace, self._log_dir, self._prefix = namespace, log_dir, tuple(prefix)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        log_dir.mkdir(parents=True, exist_ok=True)

    def start(self, node: str, **parameters: Any) -> None:
        """Parameter values are written as JSON, which YAML reads with the same types ("0" stays text)."""
        command = [*self._prefix, sys.executable, "-u", "-m", f"fastreasonseg_ros.ros.nodes.{node}", "--ros-args"]
        command += ["-r", f"__ns:={self.namespace}"]
        for name, value in parameters.items():
            command += ["-p", f"{name}:={json.dumps(value)}"]
        with open(self.log_path(node), "wb") as log:
            self._processes[node] = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=_environment(),
                start_new_session=True,  # Ctrl-C reaches this process only, which then ends them in order
                preexec_fn=_die_with_parent,
            )

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._processes)

    @property
    def names_up(self) -> set[str]:
        """Nodes whose processes run."""
        return {name for name, process in self._processes.items() if process.poll() is None}

    def pid(self, node: str) -> int:
        return self._processes[node].pid

    def kill(self, node: str) -> None:
        """SIGKILL, as a crash or the system's want of memory would end it; `start` begins it again."""
        process = self._processes.pop(node)
        _signal(process, signal.SIGKILL)
        process.wait()

    def log_path(self, node: str) -> Path:
        return self._log_dir / f"{node}.log"

    def log(self, node: str) -> str:
        return self.log_path(node).read_text(errors="replace") if self.log_path(node).exists() else ""

    def check(self) -> None:
        """Raises NodeDiedError if a process has ended."""
        for node, process in self._processes.items():
            if (status := process.poll()) is not None:
                raise NodeDiedError(f"{node} ended with status {status}; the end of {self._tail(node)}")

    def wait_for(self, what: str, node: str, ready: Callable[[], bool], timeout_s: float) -> None:
        """Waits until `ready()`. Raises NodeDiedError when a process ends first or time runs out."""
        end = time.monotonic() + timeout_s
        while not ready():
            self.check()
            if time.monotonic() > end:
                raise NodeDiedError(f"{what} did not come within {timeout_s:.0f} s; the end of {self._tail(node)}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Interrupts all, waits up to 5 s for each, then kills what is left."""
        for process in self._processes.values():
            _signal(process, signal.SIGINT)
        end = time.monotonic() + 5.0
        for process in self._processes.values():
            try:
                process.wait(max(0.1, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                _signal(process, signal.SIGKILL)
                process.wait()
        self._processes.clear()

    def __enter__(self) -> NodeProcesses:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _tail(self, node: str) -> str:
        lines = self.log(node).strip().splitlines()[-12:]
        return f"{self.log_path(node)}:\n  " + "\n  ".join(lines)


def _environment() -> Mapping[str, str]:
    """Discovery stays on this machine unless the user says otherwise: a demo must not answer in another's robot."""
    return {"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST", **os.environ}


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
