"""`make soak`: runs the parts, one after another, and writes docs/soak.json and docs/soak.md.

Each part has processes, a namespace and a domain of its own. Exit status 1 if a check failed.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .robot import ROOT, alone

PARTS = {
    "targets": "everything in one process, 640x480 RGB-D at 15 Hz, one standing question",
    "fuzz": "broken pictures by Hypothesis: sizes, encodings, NaN, cut data, absurd stamps, frames and camera models",
    "questions": "questions that are none, other scripts, injections in a question and in a label",
    "responsive": "services and cancels while the model writes",
    "crowd": "eight clients at once",
    "kills": "each node killed (SIGKILL) under load and started again",
    "camera": "a camera that stops, resumes and changes its size",
    "bag": "a bag that is cut off in the middle of a message",
    "model": "the model's files deleted while it runs",
    "two_robots": "two robots, in namespaces, on one host",
    "two_hosts": "perception and reasoning on two hosts (network namespaces), the link cut for 10 s",
    "endurance": "camera rate for a long time",
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.soak", description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--minutes", type=float, default=30.0, help="of the part endurance (%(default)s)")
    parser.add_argument("--rate", type=float, default=15.0, help="pictures a second of that part (%(default)s)")
    parser.add_argument("--seconds", type=float, default=30.0, help="of the part targets (%(default)s)")
    parser.add_argument("--messages", type=int, default=5000, help="of the part fuzz (%(default)s)")
    parser.add_argument("--json", type=Path, default=ROOT / "docs/soak.json", help="%(default)s")
    parser.add_argument("--page", type=Path, default=ROOT / "docs/soak.md", help="%(default)s")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))  # so that the nodes are ended
    folder = alone()  # before rclpy is imported
    runs = _runs(args)
    from .page import page

    failed = False
    for name in args.only:
        print(f"{name}: {PARTS[name]}", flush=True)
        result = _run(runs[name], folder / name)
        failed = failed or "error" in result or not all(result["checks"].values())
        print(json.dumps({k: v for k, v in result.items() if k != "run"}, indent=1, ensure_ascii=False), flush=True)
        results = json.loads(args.json.read_text()) if args.json.exists() else {}
        results[name] = result
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(results, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
        args.page.write_text(page(results, PARTS))
    print(f"written: {args.json}, {args.page}; logs: {folder}")
    return int(failed)


def _runs(args: argparse.Namespace) -> dict[str, Callable[[Path], dict[str, Any]]]:
    from . import endurance, fuzz, hosts, kills, model_gone, questions, responsive, targets

    return {
        "targets": lambda f: targets.targets(f, args.seconds),
        "fuzz": lambda f: fuzz.fuzz(f, args.messages),
        "questions": questions.questions,
        "responsive": responsive.responsive,
        "crowd": questions.crowd,
        "kills": kills.kills,
        "camera": kills.camera_faults,
        "bag": kills.truncated_bag,
        "model": model_gone.deleted_model,
        "two_robots": kills.two_robots,
        "two_hosts": hosts.two_hosts,
        "endurance": lambda f: endurance.endurance(f, args.minutes, rate_hz=args.rate),
    }


def _run(part: Callable[[Path], dict[str, Any]], folder: Path) -> dict[str, Any]:
    from fastreasonseg_ros.evaluation.benchmark.machine import machine

    folder.mkdir(parents=True)
    before = os.getloadavg()[0]
    try:
        result = part(folder)
    except Exception as error:  # the next part may still tell something
        result = {"error": f"{type(error).__name__}: {error}", "checks": {"the part ran to its end": False}}
    result["run"] = {
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "load before": round(before, 1),
        "load after": round(os.getloadavg()[0], 1),
        "cores": len(os.sched_getaffinity(0)),
        "nice": os.nice(0),
        "machine": machine(),
    }
    return result


if __name__ == "__main__":
    raise SystemExit(main())
