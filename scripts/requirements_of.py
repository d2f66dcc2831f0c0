"""Prints what extras of pyproject.toml require, a line each: `python scripts/requirements_of.py train dev`.

Installing the project itself once more would take the built interfaces out of the environment.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main(extras: list[str]) -> int:
    optional = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    if unknown := set(extras) - set(optional):
        print(f"pyproject.toml has no extra {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    print("\n".join(dict.fromkeys(line for extra in extras for line in optional[extra])))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
