"""Atomic checkpoints of a transformers Trainer, which are checked against the training's settings on resume."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from ...errors import ModelError

_RUN = "run.json"  # settings of the training, and the minutes so far
_COMPLETE = re.compile(r"checkpoint-(\d+)")


@contextmanager
def writing(path: Path, keeps: str) -> Iterator[None]:
    """Translates errors of writing (disk full) of torch, safetensors and the system to ModelError.

    keeps: for the message, what is still there.
    """
    try:
        yield
    except (OSError, RuntimeError, SafetensorError) as error:
        free_mb = shutil.disk_usage(path.parent).free // 2**20
        raise ModelError(
            f"{path} cannot be written ({' '.join(str(error).split())[:200]}; {free_mb} MB are free there): make room "
            f"and give the same command again; {keeps}"
        ) from error


class SafeCheckpoints:
    """Mixin of a Trainer: a checkpoint is written to a temporary folder and renamed; then older ones are deleted.

    run: settings of the training (base model, rank, data ...); minutes: its time so far.
    """

    run: Mapping[str, object]
    minutes: float

    def _save_checkpoint(self, model, trial) -> None:
        out, step = Path(self.args.output_dir), self.state.global_step  # type: ignore[attr-defined]
        half, last = out / "checkpoint.half", last_checkpoint(out)
        first = self.is_world_process_zero()  # type: ignore[attr-defined]
        if first:
            shutil.rmtree(half, ignore_errors=True)
        self.accelerator.wait_for_everyone()  # type: ignore[attr-defined]
        try:
            with writing(half, f"it goes on from {last}" if last else "nothing was saved before"):
                self.args.output_dir = str(half)  # type: ignore[attr-defined]
                super()._save_checkpoint(model, trial)  # type: ignore[misc]
                if first:
                    text = json.dumps({**self.run, "minutes": self.minutes}, indent=2)
                    (half / f"checkpoint-{step}" / _RUN).write_text(text + "\n")
        except ModelError:
            shutil.rmtree(half, ignore_errors=True)
            raise
        finally:
            self.args.output_dir = str(out)  # type: ignore[attr-defined]
        self.accelerator.wait_for_everyone()  # type: ignore[attr-defined]
        if first:
            new = out / f"checkpoint-{step}"
            shutil.rmtree(new, ignore_errors=True)
            (half / new.name).rename(new)
            for old in (p for p in _checkpoints(out) if p != new):
                shutil.rmtree(old, ignore_errors=True)
            shutil.rmtree(half, ignore_errors=True)
        self.accelerator.wait_for_everyone()  # type: ignore[attr-defined]


def _checkpoints(out: Path) -> list[Path]:
    complete = [p for p in out.glob("checkpoint-*") if _COMPLETE.fullmatch(p.name) and (p / _RUN).is_file()]
    return sorted(complete, key=lambda p: int(p.name.rpartition("-")[2]))


def last_checkpoint(out: Path) -> Path | None:
    """The newest complete checkpoint in a run's folder."""
    return next(reversed(_checkpoints(out)), None)


def step_of(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])


def check_continues(checkpoint: Path, run: Mapping[str, object]) -> float:
    """The minutes of training of a checkpoint. Raises ModelError if its settings differ from `run`."""
    try:
        saved = json.loads((checkpoint / _RUN).read_text())
        minutes = float(saved.pop("minutes"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{checkpoint / _RUN} cannot be read ({error!r}): delete {checkpoint}") from error
    for key, value in run.items():
        if saved.get(key) != value:
            what = "another base model" if key == "base_sha256" else f"{key}={saved.get(key)}"
            raise ModelError(
                f"{checkpoint} continues {what}, and {key} is {value} now: give the settings that it was begun with, "
                f"or another `out` (with init_adapter={checkpoint} to begin with its weights, if the base is the same)"
            )
    return minutes
