"""The mean of two adapters of one training, before and after a further part: steadier than either (Wortsman et al.,
Robust fine-tuning of zero-shot models, CVPR 2022, do so with whole models).

    python scripts/average_adapters.py EARLIER LATER OUT    (folders of adapters, as train sft writes them)
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import save_file

WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"


def read(folder: Path) -> tuple[dict, dict]:
    """Tensors by name, and the file's metadata."""
    with safe_open(str(folder / WEIGHTS), "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118  (no mapping)


def main(earlier: Path, later: Path, out: Path) -> None:
    (a, _), (b, metadata) = read(earlier), read(later)
    if {k: v.shape for k, v in a.items()} != {k: v.shape for k, v in b.items()}:
        raise SystemExit(f"{earlier} and {later} are adapters of other forms: give two of one training")
    out.mkdir(parents=True, exist_ok=True)
    mean = {k: ((a[k].float() + b[k].float()) / 2).to(b[k].dtype).contiguous() for k in b}
    save_file(mean, str(out / WEIGHTS), metadata=metadata)
    shutil.copyfile(later / CONFIG, out / CONFIG)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    main(*map(Path, sys.argv[1:]))
