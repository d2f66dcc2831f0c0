"""JiTBench (Shen et al., Online Reasoning Video Segmentation with Just-in-Time Digital Twins, arXiv 2503.21056):
recognised, not read.

The paper describes 200 videos with 895 questions (semantic, spatial, temporal; three levels). No download and no code
that reads it was found when this was written, so its files are unknown, and there is no reader made from guesses.
"""

from __future__ import annotations

from pathlib import Path

from ...errors import DatasetError
from ..datasets import Dataset

NAME = "jitbench"
WHERE = (
    "No public download of JiTBench (arXiv 2503.21056) and no code that reads it was found when this version was "
    "made, so that it has no reader. Where you have its videos, write them in the folder form (README), or its "
    "questions as "
    'queries.jsonl with lines {"scene", "text", "target_ids", "category", "level", "frames"} beside DAVIS-like folders'
)


def is_here(root: Path) -> bool:
    return root.name.lower() in ("jitbench", "jit-bench") and not (root / "queries.jsonl").is_file()


def open_here(root: Path, split: str | None = None) -> Dataset:
    """Raises DatasetError, always: it says what can be done."""
    raise DatasetError(f"{root}: {WHERE}")
