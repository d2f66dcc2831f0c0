"""RVTBench (Shen et al., arXiv 2505.11838): recognised, not read.

Its data are on Zenodo (doi 10.5281/zenodo.19697191) and Hugging Face (yiqingshen/rvtbench), its code is
github.com/yiqings/rvt; none of them could be opened when this was written, so the files' fields are unknown here. A
reader from guesses would give figures that nobody could trust, so there is none. Its segmentation questions about DAVIS
sequences can be asked through the DAVIS reader once they are written as queries.jsonl.
"""

from __future__ import annotations

from pathlib import Path

from ...errors import DatasetError
from ..datasets import Dataset

NAME = "rvtbench"
WHERE = (
    "The file format of RVTBench could not be learnt when this version was made, so that it has no reader. Download "
    "it from doi.org/10.5281/zenodo.19697191 (or huggingface.co/datasets/yiqingshen/rvtbench), and write its "
    "segmentation "
    'questions as lines {"scene", "text", "target_ids", "category", "level", "frames"} into queries.jsonl: beside '
    "DAVIS "
    "2017 for its DAVIS videos, or into the folder form (README) for others; then `fastreasonseg eval` takes that "
    "folder"
)


def is_here(root: Path) -> bool:
    return root.name.lower() in ("rvtbench", "rvt-bench") and not (root / "queries.jsonl").is_file()


def open_here(root: Path, split: str | None = None) -> Dataset:
    """Raises DatasetError, always: it says what can be done."""
    raise DatasetError(f"{root}: {WHERE}")
