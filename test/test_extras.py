"""What a robot does not need is not imported until it is asked for, and says then which extra brings it."""

from __future__ import annotations

import subprocess
import sys

import pytest

HIDE = """
import sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"torch", "transformers", "mujoco", "trl", "peft", "nicegui"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Hidden())
"""


def without_extras(code: str) -> subprocess.CompletedProcess[str]:
    """Runs the code in a Python that has neither torch, transformers nor MuJoCo."""
    return subprocess.run([sys.executable, "-c", HIDE + code], capture_output=True, text=True, timeout=300)


def test_a_question_about_a_picture_is_answered_without_torch_transformers_and_mujoco():
    done = without_extras(
        "from fastreasonseg_ros.perception import make_perceiver\n"
        "from fastreasonseg_ros.reasoning import make_language_model, make_word_meaning\n"
        "make_perceiver('tabletop'), make_language_model('openvino'), make_word_meaning()\n"
        "print('loaded')"
    )
    assert done.stdout.strip().endswith("loaded"), done.stderr


@pytest.mark.parametrize(
    ("code", "extra"),
    [
        ("from fastreasonseg_ros.perception import make_perceiver as make\nmake('foundation')", "foundation"),
        ("from fastreasonseg_ros.reasoning import make_language_model as make\nmake('transformers')", "transformers"),
        ("import fastreasonseg_ros.simulation", "simulation"),
        ("from fastreasonseg_ros.cli.view import run\nrun(None)", "view"),
    ],
)
def test_what_needs_an_extra_names_it(code: str, extra: str):
    done = without_extras(code)
    assert done.returncode != 0
    assert f"pip install 'fastreasonseg_ros[{extra}]'" in done.stderr.splitlines()[-1]
    assert "ConfigError" in done.stderr.splitlines()[-1]
