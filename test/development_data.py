"""Where the development data lies, which is no part of this repository: $FASTREASONSEG_DATA, else ../shared/data."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

DATA = Path(os.environ.get("FASTREASONSEG_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"{DATA} is not there; set FASTREASONSEG_DATA to the folder")
