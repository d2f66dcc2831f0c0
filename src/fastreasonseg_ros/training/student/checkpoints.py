"""Checkpoints of a transformers Trainer that survive a kill and a full disk, and that know what they continue."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from ...errors import ModelError

_RUN = "run.json"  # what the checkpoint continues, and the minutes spent on it
_WHOLE = re.compile(r"checkpoint-(\d+)")


@contextmanager
def writing(path: Path, keeps: str) -> Iterator[None]:
    """Turns what torch, safetensors and the system say when a disk is full into one ModelError.

    keeps: what is still there, for the message.
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
    """For a Trainer: a checkpoint is written beside and renamed when it is whole; then older ones leave.

    `run` says what the training is (base model, rank, data ...); `minutes` is what it has taken.
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
    whole = [p for p in out.glob("checkpoint-*") if _WHOLE.fullmatch(p.name) and (p / _RUN).is_file()]
    return sorted(whole, key=lambda p: int(p.name.rpartition("-")[2]))


def last_checkpoint(out: Path) -> Path | None:
    """The newest whole checkpoint in a run's folder."""
    return next(reversed(_checkpoints(out)), None)


def step_of(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])


def check_continues(checkpoint: Path, run: Mapping[str, object]) -> float:
    """The minutes that a checkpoint has taken. Raises ModelError where it is of another training than `run`."""
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
