"""RVTBench (Shen et al., arXiv 2505.11838): 3,896 questions of four tasks and four levels about 200 videos.

From its repository's page (github.com/yiqings/rvt, as stig.sh shows it) and the paper: tasks, categories, levels, that
the videos are of DAVIS 2017 and SA-V, and that the data are on Zenodo (doi 10.5281/zenodo.19697191) and in the folder
rvtbench of huggingface.co/datasets/yiqingshen/rvtbench. Its files have not been available, so the field names are
assumed by video_questions.py, and can be configured. Only segmentation questions are read; grounding, VQA and summary
have no masks.
"""

from __future__ import annotations

from pathlib import Path

from .base import Dataset
from .video_questions import open_questions, question_files

NAME = "rvtbench"
WHERE = (
    "Download RVTBench (doi.org/10.5281/zenodo.19697191 or huggingface.co/datasets/yiqingshen/rvtbench) so that its "
    "question files are DIR/rvtbench/**/*.json, and put DAVIS 2017 (davischallenge.org: DIR/DAVIS/JPEGImages/480p, "
    "Annotations/480p) and SA-V (ai.meta.com/datasets/segment-anything-video: DIR/sav/JPEGImages_24fps, "
    "Annotations_6fps) beside them. The names of the fields are assumed (readers/video_questions.py); where they "
    'differ, DIR/fields.json corrects them: {"text": "NAME"}'
)


def is_here(root: Path) -> bool:
    named = root.name.lower() in ("rvtbench", "rvt-bench") and not (root / "queries.jsonl").is_file()
    return root.is_dir() and (named or bool(question_files(root, NAME)))


def open_here(root: Path, split: str | None = None) -> Dataset:
    """Its segmentation questions. Raises DatasetError."""
    return open_questions(root, NAME, WHERE, split)
