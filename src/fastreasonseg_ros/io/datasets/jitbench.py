"""JiTBench (Shen et al., Online Reasoning Video Segmentation with Just-in-Time Digital Twins, arXiv 2503.21056).

From the paper: 895 questions about 200 videos (DAVIS 2017 and SA-V, as in RVTBench of the same authors), three
categories, three levels, J and F over all frames. No public download and no code that reads it is known, so it is
assumed that its files are like RVTBench's, with the fields of video_questions.py, which can be configured.
"""

from __future__ import annotations

from pathlib import Path

from .base import Dataset
from .video_questions import open_questions, question_files

NAME = "jitbench"
WHERE = (
    "No public download of JiTBench (arXiv 2503.21056) is known; ask its authors. Put its question files into "
    "DIR/jitbench/**/*.json, DAVIS 2017 and SA-V beside them (DIR/DAVIS/JPEGImages/480p, Annotations/480p; "
    "DIR/sav/JPEGImages_24fps, Annotations_6fps). The names of the fields are assumed (readers/video_questions.py); "
    'where they differ, DIR/fields.json corrects them: {"text": "NAME"}'
)


def is_here(root: Path) -> bool:
    named = root.name.lower() in ("jitbench", "jit-bench") and not (root / "queries.jsonl").is_file()
    return root.is_dir() and (named or bool(question_files(root, NAME)))


def open_here(root: Path, split: str | None = None) -> Dataset:
    """Its questions. Raises DatasetError."""
    return open_questions(root, NAME, WHERE, split)
