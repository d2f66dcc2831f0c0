"""The mean of two adapters of one training, before and after a further part: steadier than either (Wortsman et al.,
Robust fine-tuning of zero-shot models, CVPR 2022, do so with whole models).

    python scripts/average_adapters.py EARLIER LATER OUT [SHARE]    (folders of adapters, as train sft writes them)

SHARE of the later one, 0.5 if it is not given; above 1 goes on in the direction in which the further part went (Zheng
et al., Weak-to-Strong Extrapolation Expedites Alignment, arXiv 2404.16792).
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"


def read(folder: Path) -> tuple[dict, dict]:
    """Tensors by name, and the file's metadata."""
    with safe_open(str(folder / WEIGHTS), "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118  (no mapping)


def main(earlier: Path, later: Path, out: Path, share: float = 0.5) -> None:
    (a, _), (b, metadata) = read(earlier), read(later)
    if {k: v.shape for k, v in a.items()} != {k: v.shape for k, v in b.items()}:
        raise SystemExit(f"{earlier} and {later} are adapters of other forms: give two of one training")
    out.mkdir(parents=True, exist_ok=True)
    mixed = {k: torch.lerp(a[k].float(), b[k].float(), share).to(b[k].dtype).contiguous() for k in b}
    save_file(mixed, str(out / WEIGHTS), metadata=metadata)
    shutil.copyfile(later / CONFIG, out / CONFIG)


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        raise SystemExit(__doc__)
    main(*map(Path, sys.argv[1:4]), *map(float, sys.argv[4:]))
