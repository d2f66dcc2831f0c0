"""What a robot does not need is not imported until it is asked for, and says then which extra brings it."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SETUP = ("ros", "simulation")  # the extras of `make setup`; `make setup-all` installs the others
HIDE = """
import sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in HIDDEN:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Hidden())
"""


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def named(requirements: list[str]) -> set[str]:
    return {normal(re.match(r"[\w.-]+", r)[0]) for r in requirements}


def modules_of_extras() -> set[str]:
    """Modules of the packages that are in an extra, and neither among the dependencies nor in what `make setup` has."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    optional = project["optional-dependencies"]
    kept = named([*project["dependencies"], *(r for name in SETUP for r in optional[name])])
    extras = named([r for group in optional.values() for r in group]) - kept
    installed = {m for m, of in packages_distributions().items() if extras & {normal(d) for d in of}}
    return installed | {name.replace("-", "_") for name in extras}


def without_extras(code: str, *more: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Runs the code in a Python that has what `make setup` installs, without the modules `more`."""
    hidden = f"HIDDEN = {modules_of_extras() | set(more)!r}\n"
    command = [sys.executable, "-c", hidden + HIDE + code]
    return subprocess.run(command, capture_output=True, text=True, timeout=900, cwd=cwd)


def test_a_question_about_a_picture_is_answered_without_torch_transformers_and_mujoco():
    done = without_extras(
        "from fastreasonseg_ros.perception import make_perceiver\n"
        "from fastreasonseg_ros.reasoning import make_language_model, make_word_meaning\n"
        "make_perceiver('tabletop'), make_language_model('openvino'), make_word_meaning()\n"
        "print('loaded')",
        "mujoco",
    )
    assert done.stdout.strip().endswith("loaded"), done.stderr


@pytest.mark.parametrize(
    ("code", "extra"),
    [
        ("from fastreasonseg_ros.perception import make_perceiver as make\nmake('foundation')", "foundation"),
        ("from fastreasonseg_ros.reasoning import make_language_model as make\nmake('transformers')", "transformers"),
        ("import fastreasonseg_ros.simulation", "simulation"),
        ("from fastreasonseg_ros.cli import build_parser, mcp\nmcp.run(build_parser().parse_args(['mcp']))", "mcp"),
        ("from fastreasonseg_ros.cli.view import run\nrun(None)", "view"),
    ],
)
def test_what_needs_an_extra_names_it(code: str, extra: str):
    done = without_extras(code, "mujoco")
    assert done.returncode != 0
    assert f"pip install 'fastreasonseg_ros[{extra}]'" in done.stderr.splitlines()[-1]
    assert "ConfigError" in done.stderr.splitlines()[-1]


def test_what_make_setup_leaves_out_is_what_trains_and_tests():
    assert {"torch", "transformers", "trl", "ray", "playwright", "pytest", "xgrammar", "rerun"} <= modules_of_extras()
    assert not {"mujoco", "numpy", "openvino_genai", "rclpy", "colcon_core"} & modules_of_extras()


def test_the_demo_and_its_nodes_import_nothing_but_what_make_setup_installs():
    pytest.importorskip("rclpy", reason="ROS 2 is not installed")
    done = without_extras(
        "import fastreasonseg_ros.live.demo, fastreasonseg_ros.live.bag_evaluation\n"
        "import fastreasonseg_ros.ros.nodes.bringup, fastreasonseg_ros.serving.camera_sources\n"
        "import fastreasonseg_ros.simulation\n"
        "print('loaded')"
    )
    assert done.stdout.strip().endswith("loaded"), done.stderr


@pytest.mark.parametrize(
    "command",
    [
        'ask demo/table "the mug" --at 0.5',
        "bag eval demo/table --questions OUT/questions.jsonl --json OUT/bag.json --html OUT/bag.html",
        "eval-twins test/data/commands/scenes.jsonl test/data/commands/held_out.jsonl --limit 1",
        "bench --frames 2 --questions 1 --json OUT/bench.json",
    ],
    ids=lambda command: command.split()[0],
)
def test_a_command_runs_on_what_make_setup_installs(command: str, tmp_path: Path):
    first = (ROOT / "demo/questions.jsonl").read_text().splitlines(keepends=True)[:2]
    (tmp_path / "questions.jsonl").write_text("".join(first))
    words = command.replace("OUT", str(tmp_path))
    done = without_extras(
        f"import shlex\nfrom fastreasonseg_ros.cli import main\nsys.exit(main(shlex.split({words!r})))", cwd=ROOT
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("stage", ["data --scenes 1", "sft", "segmenter", "meaning"])
def test_training_names_the_command_that_installs_what_it_needs(stage: str, tmp_path: Path):
    done = without_extras(
        f"from fastreasonseg_ros.cli import main\nsys.exit(main(['train', *{stage.split()!r}]))", cwd=tmp_path
    )
    assert done.returncode == 2, done.stderr
    [message] = done.stderr.splitlines()
    assert message.startswith(f"fastreasonseg: fastreasonseg train {stage.split()[0]} needs ")
    assert "pip install 'fastreasonseg_ros[train]'" in message
    assert "make setup-all" in message
