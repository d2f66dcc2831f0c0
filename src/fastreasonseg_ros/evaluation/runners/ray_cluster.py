"""Distributes scenes or bags to the workers of a Ray cluster; the figures equal those of a single process.

A shard is a scene or a bag, since a twin cannot be split; its rows are returned and aggregated in this process. If a
worker dies (out of memory, lost machine), its shard is given to a new one, up to ATTEMPTS times. Errors of data or
settings end the run. All machines need the same paths.
"""

from __future__ import annotations

import logging
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Mapping
from typing import Any

from ...errors import ConfigError, ReasonSegError
from .evaluate import Row
from .scene_state import Times

ATTEMPTS = 3  # of one shard
STORE_BYTES = 100 * 2**20  # of Ray's object store on this machine: rows are small
Spent = tuple[list[float], list[float], list[float]]
Done = tuple[list[Row], Spent]


def share(
    worker: type[Any], args: Namespace, shards: Mapping[str, tuple[Any, ...]], add: Callable[[Row], None]
) -> Times:
    """Runs worker(args).run(*shard) for every shard; `add` is called with rows as shards finish. Returns all times.

    args.ray: "local" for args.workers processes of this machine, else the address of a cluster ("auto" or
    "ray://HOST:PORT"). Raises ConfigError without Ray; the workers' own errors; ReasonSegError when a shard's worker
    died ATTEMPTS times.
    """
    try:
        import ray
    except ImportError as error:
        raise ConfigError("--ray needs Ray; `pip install ray` (extra scale)") from error
    times = Times()
    if not shards:
        return times
    ours = not ray.is_initialized()  # an existing connection of the caller is used and left open
    if ours:
        _connect(ray, args)
    try:
        workers = int(args.workers if args.ray == "local" else ray.cluster_resources().get("CPU", 1))
        remote = ray.remote(num_cpus=1, max_restarts=0)(worker)
        _drive(ray, lambda: remote.remote(args), min(workers, len(shards)), shards, add, times)
    finally:
        if ours:
            ray.shutdown()
    return times


def _drive(
    ray: Any,
    start: Callable[[], Any],
    count: int,
    shards: Mapping[str, tuple[Any, ...]],
    add: Callable[[Row], None],
    times: Times,
) -> None:
    waiting = [(name, 1) for name in reversed(shards)]
    running: dict[Any, tuple[Any, str, int]] = {}
    idle = [start() for _ in range(count)]
    while waiting or running:
        while waiting and idle:
            actor, (name, attempt) = idle.pop(), waiting.pop()
            running[actor.run.remote(*shards[name])] = (actor, name, attempt)
        [ready], _ = ray.wait(list(running), num_returns=1)
        actor, name, attempt = running.pop(ready)
        try:
            rows, spent = ray.get(ready)
        except ray.exceptions.RayTaskError as error:
            cause = error.cause
            raise cause if isinstance(cause, ReasonSegError) else error from None
        except ray.exceptions.RayError as error:
            cause = getattr(error, "cause", None)
            if isinstance(cause, ReasonSegError):
                raise cause from None
            if attempt >= ATTEMPTS:
                raise ReasonSegError(
                    f"{name}: its worker died {ATTEMPTS} times ({' '.join(str(error).split())[:300]}); give the "
                    "workers more memory or fewer --workers, and go on with --resume"
                ) from error
            print(f"\n{name}: its worker died, another one tries again ({attempt} of {ATTEMPTS})", file=sys.stderr)
            waiting.append((name, attempt + 1))
            idle.append(start())
            continue
        for row in rows:
            add(row)
        for kept, more in zip((times.perception, times.reasoning, times.kept), spent, strict=True):
            kept.extend(more)
        idle.append(actor)


def _connect(ray: Any, args: Namespace) -> None:
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # silences a warning about GPUs of Ray's
    common = {"logging_level": logging.ERROR, "log_to_driver": False}
    if args.ray == "local":
        settings = {"num_cpus": args.workers, "include_dashboard": False, "object_store_memory": STORE_BYTES}
        ray.init(**settings, **common)
    else:
        try:
            ray.init(address=args.ray, **common)
        except (ConnectionError, ValueError) as error:
            raise ConfigError(
                f"--ray {args.ray}: no Ray cluster is there ({error}); start one with `ray start`"
            ) from error
