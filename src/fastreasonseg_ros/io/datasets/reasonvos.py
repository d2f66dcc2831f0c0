"""ReasonVOS (Bai et al., VideoLISA, NeurIPS 2024), as VideoLISA's benchmark_check.py and eval_reason_vos.py read it.

ReasonVOS/meta_expressions.json                   {"videos": {VIDEO: {"source", "frames", "expressions":
                                                  [{"obj_id", "exp_id", "exp_text", "is_sent"}]}}}
ReasonVOS/JPEGImages/VIDEO/*.jpg
ReasonVOS/Annotations/SOURCE_VIDEO_OBJ/*.png      every pixel that is not 0 is the target

A frame counts if its mask image exists, as in eval_reason_vos.py. Source of the format: that code; one of the two
scripts uses SOURCE in lower case, the other unchanged, so both are tried.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from ...errors import DatasetError
from ..files import read_json
from .base import Dataset, Question
from .pictures import MaskFolders, need

NAME = "reasonvos"
WHERE = (
    "Download ReasonVOS (Google Drive, linked in BENCHMARK.md of github.com/showlab/VideoLISA) and unpack it so that "
    "DIR/meta_expressions.json, DIR/JPEGImages/VIDEO/*.jpg and DIR/Annotations/SOURCE_VIDEO_OBJ/*.png exist"
)


def is_here(root: Path) -> bool:
    return (root / "meta_expressions.json").is_file() and (root / "Annotations").is_dir()


def open_here(root: Path, split: str | None = None) -> Dataset:
    """All questions; ReasonVOS has no splits. Raises DatasetError."""
    if split is not None:
        raise DatasetError(f"{root}: ReasonVOS has no splits; leave --split out")
    path = root / "meta_expressions.json"
    videos = read_json(path).get("videos")
    if not isinstance(videos, dict):
        raise DatasetError(f"{path}: expected an object with videos")
    questions: list[Question] = []
    scenes: dict[str, tuple[list[Path], dict[int, Path]]] = {}
    for name, video in videos.items():
        where = f"{path}: {name}"
        asked, source = (video.get(k) if isinstance(video, dict) else None for k in ("expressions", "source"))
        if not isinstance(asked, list) or not isinstance(source, str):
            raise DatasetError(f"{where}: expected source and a list of expressions, got {video!r}")
        pictures = sorted(need(root / "JPEGImages" / name, WHERE).glob("*.jpg"))
        folders: dict[int, Path] = {}
        for expression in asked:
            text, object_id, key = (
                expression.get(k) if isinstance(expression, dict) else None for k in ("exp_text", "obj_id", "exp_id")
            )
            if not isinstance(text, str) or not isinstance(object_id, int | str):
                raise DatasetError(f"{where}: expression {key}: expected exp_text and obj_id, got {expression!r}")
            category = "long" if expression.get("is_sent") else "short"
            id = len(folders) + 1
            folders[id] = _masks_folder(root, source, f"{name}_{object_id}", f"{where}: expression {key}")
            window = (0, len(pictures) - 1)
            questions.append(Question(name, text, (id,), category, None, window, f"{where}: expression {key}"))
        scenes[name] = pictures, folders
    return Dataset(NAME, root, tuple(questions), tuple(scenes), partial(_scene, scenes), False, "annotated")


def _scene(scenes: dict[str, tuple[list[Path], dict[int, Path]]], name: str) -> MaskFolders:
    """One video; every question has its own folder of mask images."""
    return MaskFolders(name, *scenes[name])


def _masks_folder(root: Path, source: str, rest: str, where: str) -> Path:
    tried = [root / "Annotations" / f"{prefix}_{rest}" for prefix in dict.fromkeys((source.lower(), source))]
    for path in tried:
        if next(path.glob("*.png"), None) is not None:
            return path
    raise DatasetError(f"{where}: has no mask pictures in {' or '.join(map(str, tried))}. {WHERE}")
