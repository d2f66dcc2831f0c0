"""Writes docs/parameters.md from the nodes: `python scripts/write_parameters.py`; a test holds the page to them."""

from __future__ import annotations

from dataclasses import MISSING, Field, fields
from pathlib import Path

from fastreasonseg_ros.ros.settings import CameraSettings, MaskSettings, ReasoningSettings, TwinSettings

PAGE = Path(__file__).resolve().parents[1] / "docs/parameters.md"
SETTINGS = {
    "camera_node": CameraSettings,
    "twin_node": TwinSettings,
    "reasoning_node": ReasoningSettings,
    "mask_node": MaskSettings,
}
_CHANGE = {"live": "at any time", "configure": "while unconfigured", "start": "at start only"}
_HEAD = """# Parameters of the nodes

Defaults are in [config/fastreasonseg.yaml](../config/fastreasonseg.yaml) and in the nodes. A value outside its range or
choices is refused with the reason. Written by `python scripts/write_parameters.py`.
"""


def page() -> str:
    """The page as Markdown."""
    parts = [_HEAD]
    for node, settings in SETTINGS.items():
        parts.append(f"## {node}\n\n| parameter | default | allowed | may change | meaning |\n|---|---|---|---|---|")
        parts[-1] += "".join("\n" + _row(field) for field in fields(settings)) + "\n"
    return "\n".join(parts)


def _row(field: Field) -> str:
    default = field.default if field.default is not MISSING else field.default_factory()  # type: ignore[misc]
    shown = str(default).lower() if isinstance(default, bool) else str(default) or '""'
    data = field.metadata
    low, high = data["range"]
    allowed = ", ".join(map(str, data["choices"]))
    if (low, high) != (None, None):
        allowed = f"{'' if low is None else low} to {'' if high is None else high}".strip()
    return f"| `{field.name}` | `{shown}` | {allowed} | {_CHANGE[data['change']]} | {data['description']} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
