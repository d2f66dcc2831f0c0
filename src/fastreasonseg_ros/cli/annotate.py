"""`fastreasonseg annotate FOLDER`: a page to click ground truth by points, for `eval`."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from ..evaluation.annotation.annotations import open_annotations
from ..weights import needs_extra


def run(args: Namespace) -> int:
    pictures = open_annotations(Path(args.folder))
    with needs_extra("view", "annotate"):
        from ..evaluation.annotation.page import serve

    serve(pictures, args.port)
    return 0
