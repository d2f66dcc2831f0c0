"""The files of the language model are deleted while it runs."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from fastreasonseg_ros.msg import Answer
from fastreasonseg_ros.reasoning.language_models.gguf import base_gguf
from fastreasonseg_ros.reasoning.language_models.openvino import OpenVinoConfig, prepared_model

from .robot import Robot

GOOD = (Answer.OK, Answer.NO_MATCH)


def deleted_model(folder: Path) -> dict[str, Any]:
    """A running node has its files mapped, so it still answers; one that is started again says what is missing."""
    base, cache = folder / "base.gguf", folder / "cache"
    shutil.copy(base_gguf(), base)
    prepared = prepared_model(OpenVinoConfig(base=base))  # named by content: already there for the same base
    shutil.copytree(prepared.parent, cache / "fastreasonseg_ros", ignore=_only(prepared.name))
    before, os.environ["XDG_CACHE_HOME"] = os.environ.get("XDG_CACHE_HOME"), str(cache)
    own = {"language_model_overrides": [f"base={base}"]}
    try:
        with Robot(folder) as robot:
            robot.start(reasoning_node=own)
            base.unlink()
            shutil.rmtree(cache)
            after = robot.client.ask("the blue mug, please", 60.0)
            robot.nodes.kill("reasoning_node")
            robot.start("reasoning_node", wait=False, reasoning_node=own)
            told = Answer()

            def says_so() -> bool:
                nonlocal told
                told = robot.client.ask("the red mug", 20.0)
                return told.status == Answer.MODEL_FAILED

            robot.wait(says_so, 60.0, "the reason")
            robot.nodes.check()
    finally:
        if before is None:
            del os.environ["XDG_CACHE_HOME"]
        else:
            os.environ["XDG_CACHE_HOME"] = before
    return {
        "message": told.message,
        "checks": {
            "a running node answers a new question": after.status in GOOD,
            "one that is started again names the missing file": base.name in told.message,
            "no other node falls": True,  # check() raises otherwise
        },
    }


def _only(student: str) -> Any:
    """Copies that student and what is no student."""
    return lambda _, names: [n for n in names if (n.startswith("student-") and n != student) or n.endswith(".lock")]
