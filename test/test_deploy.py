"""What robots are set up with agrees with the package: keys, images, services, workflow."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))
from check_rosdep import DISTROS, check, keys_of, main

RULES = {
    "python3-rich": {"ubuntu": {"*": ["python3-rich"], "focal": {"pip": {"packages": ["rich"]}}}},
    "python3-tqdm": {"ubuntu": {"resolute": ["python3-tqdm-new"], "*": ["python3-tqdm"]}},
    "python3-psutil": {"ubuntu": {"apt": {"packages": ["python3-psutil"]}}},
}
PIP = {"ubuntu": {"pip": {"packages": ["x"]}}}


def _rosdistro(folder: Path, missing: str = "", pip: str = "") -> Path:
    """A small rosdistro that knows every key of package.xml but `missing`; `pip` only by pip."""
    keys = [k for k in keys_of(ROOT / "package.xml") if k != missing]
    rules = {k: RULES.get(k, {"ubuntu": [k]}) for k in keys if k.startswith("python3")} | (
        {} if not pip else {pip: PIP}
    )
    packages = [k for k in keys if not k.startswith("python3")]
    (folder / "rosdep").mkdir(parents=True)
    (folder / "rosdep/base.yaml").write_text("{}\n")
    (folder / "rosdep/python.yaml").write_text(yaml.safe_dump(rules))
    for distro in DISTROS:
        (folder / distro).mkdir()
        released = {"repositories": {"all": {"release": {"packages": packages}}, "tf2_only_source": {}}}
        (folder / distro / "distribution.yaml").write_text(yaml.safe_dump(released))
    return folder


def test_a_key_resolves_to_a_released_package_or_to_apt_of_the_distributions_ubuntu(tmp_path: Path) -> None:
    both = check(_rosdistro(tmp_path), ROOT / "package.xml")
    found = both["jazzy"]
    assert found["rclpy"] == "released"
    assert found["python3-scipy"] == "apt python3-scipy"
    assert found["python3-rich"] == "apt python3-rich"
    assert found["python3-psutil"] == "apt python3-psutil"
    assert (found["python3-tqdm"], both["lyrical"]["python3-tqdm"]) == ("apt python3-tqdm", "apt python3-tqdm-new")


def test_a_key_that_only_pip_has_fails_as_it_does_on_ubuntu(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(_rosdistro(tmp_path, pip="python3-scipy"))]) == 1
    assert "jazzy python3-scipy: NOT FOUND" in capsys.readouterr().out


@pytest.mark.parametrize("missing", ["rclpy", "python3-scipy"])
def test_a_key_that_nothing_resolves_fails_and_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], missing: str
) -> None:
    assert main([str(_rosdistro(tmp_path / "all"))]) == 0
    assert main([str(_rosdistro(tmp_path / "less", missing))]) == 1
    assert f"kilted {missing}: NOT FOUND" in capsys.readouterr().out


def test_the_record_of_the_real_check_is_of_this_package() -> None:
    recorded = re.search(r"(\d+) keys, each found for all", (ROOT / "docs/platforms.md").read_text())
    assert recorded
    assert int(recorded[1]) == len(keys_of(ROOT / "package.xml")), (
        "run scripts/check_rosdep.py again, and write it down"
    )


@pytest.mark.parametrize("name", ["jazzy", "kilted", "lyrical", "jetson"])
def test_images_run_as_a_user_with_a_health_check_and_copy_what_exists(name: str) -> None:
    text = (ROOT / f"docker/Dockerfile.{name}").read_text()
    assert text.index("USER 1100") < text.index("ENTRYPOINT")
    assert "HEALTHCHECK" in text
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.M)
    assert copied
    for source in " ".join(copied).split():
        assert (ROOT / source).exists(), source


def test_compose_runs_nodes_that_exist_on_one_domain() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    assert set(services) == {"perception", "reasoning"}
    for service in services.values():
        assert service["network_mode"] == "host"
        assert {"ROS_DOMAIN_ID", "RMW_IMPLEMENTATION"} <= set(service["environment"])
        named = [*service["environment"]["HEALTH_NODES"].split(), service["command"][3]]
        for node in named:
            assert (ROOT / f"src/fastreasonseg_ros/ros/nodes/{node}.py").exists()


def test_the_service_and_the_workflow_use_what_the_package_has() -> None:
    unit = (ROOT / "deploy/fastreasonseg.service").read_text()
    launch = (ROOT / "launch/fastreasonseg.launch.py").read_text()
    for argument in set(re.findall(r"(\w+):=", unit + (ROOT / "docker/Dockerfile.jazzy").read_text())):
        assert f'"{argument}"' in launch
    workflow = (ROOT / ".github/workflows/ci.yml").read_text()
    assert set(yaml.safe_load(workflow)["jobs"]) == {"wheels", "distribution", "images", "robostack"}
    for path in re.findall(r"(?:test|docker|src/fastreasonseg_ros/docker)/[\w/]+\.(?:py|txt)", workflow):
        assert (ROOT / path.removeprefix("src/fastreasonseg_ros/")).exists(), path


def test_the_manifest_of_robostack_names_what_exists_and_every_distribution() -> None:
    manifest = tomllib.loads((ROOT / "pixi.toml").read_text())
    assert set(manifest["environments"]) == set(manifest["feature"]) == set(DISTROS)
    for distro, feature in manifest["feature"].items():
        assert feature["channels"] == [f"https://prefix.dev/robostack-{distro}"]
        assert all(name.startswith(f"ros-{distro}-") for name in feature["dependencies"])
    tasks = manifest["tasks"]
    for file in ("docker/requirements.txt", "docker/weights.txt"):
        assert file in tasks["packages"]
        assert (ROOT / file).exists()
    assert (ROOT / "launch/replay.launch.py").exists()
    for task in tasks.values():
        assert set(task.get("depends-on", []) if isinstance(task, dict) else []) <= set(tasks)


def test_the_workflow_builds_every_distribution_and_the_health_check_looks_in_the_default_namespace() -> None:
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]
    for job in ("distribution", "images"):
        assert jobs[job]["strategy"]["matrix"]["distro"] == list(DISTROS)
    assert jobs["robostack"]["strategy"]["matrix"]["environment"] == list(DISTROS)
    for distro in DISTROS:
        assert f"/opt/ros/{distro}/setup.bash" in (ROOT / f"docker/Dockerfile.{distro}").read_text()
    assert "${ROS_NAMESPACE:-/reasonseg}" in (ROOT / "docker/healthcheck.sh").read_text()
    assert "${ROS_NAMESPACE:-/reasonseg}" in (ROOT / "compose.yaml").read_text()
