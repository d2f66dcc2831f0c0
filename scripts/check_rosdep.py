"""Whether every dependency of package.xml is a package of the distribution or a rosdep key that Ubuntu's apt has.

    git clone https://github.com/ros/rosdistro && python scripts/check_rosdep.py rosdistro

Prints how each key resolves for each distribution on its Ubuntu; exit status 1 if one does not. One that only pip has
does not: pip of Ubuntu 24.04 and later refuses to install into the system, and `rosdep install` fails.
"""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import yaml

DISTROS = {"jazzy": "noble", "kilted": "noble", "lyrical": "resolute"}  # and their Ubuntu


def keys_of(package_xml: Path) -> list[str]:
    """Every key of package.xml, once, in its order."""
    root = ET.parse(package_xml).getroot()
    return list(dict.fromkeys(e.text or "" for e in root if e.tag.endswith("depend")))


def packages_of(distribution: dict[str, Any]) -> set[str]:
    """Released packages: a repository that names none has one of its own name."""
    found: set[str] = set()
    for name, repository in distribution["repositories"].items():
        if "release" in repository:
            found |= set(repository["release"].get("packages", [name]))
    return found


def resolve(key: str, packages: set[str], rules: dict[str, Any], ubuntu: str) -> str | None:
    """What installs the key, as text; None: neither the distribution nor apt does on that Ubuntu."""
    if key in packages:
        return "released"
    rule = rules.get(key, {}).get("ubuntu")
    if isinstance(rule, dict) and not {"apt", "pip"} & set(rule):  # by version of Ubuntu
        rule = rule.get(ubuntu, rule.get("*"))
    if isinstance(rule, dict):
        wanted = rule.get("apt")
        rule = wanted["packages"] if isinstance(wanted, dict) else wanted
    return f"apt {' '.join(rule)}" if rule else None


def check(rosdistro: Path, package_xml: Path) -> dict[str, dict[str, str | None]]:
    """For each distribution what each key resolves to."""
    rules: dict[str, Any] = {}
    for name in ("base", "python"):
        rules |= yaml.safe_load((rosdistro / "rosdep" / f"{name}.yaml").read_text())
    found: dict[str, dict[str, str | None]] = {}
    for distro, ubuntu in DISTROS.items():
        packages = packages_of(yaml.safe_load((rosdistro / distro / "distribution.yaml").read_text()))
        found[distro] = {key: resolve(key, packages, rules, ubuntu) for key in keys_of(package_xml)}
    return found


def main(argv: list[str]) -> int:
    if len(argv) != 1 or not (Path(argv[0]) / "rosdep").is_dir():
        print("give the folder of a checkout of github.com/ros/rosdistro", file=sys.stderr)
        return 2
    found = check(Path(argv[0]), Path(__file__).parents[1] / "package.xml")
    for distro, keys in found.items():
        for key, how in keys.items():
            print(f"{distro} {key}: {how or 'NOT FOUND'}")
    return int(any(how is None for keys in found.values() for how in keys.values()))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
