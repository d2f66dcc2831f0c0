"""The ROS 2 wheels' CMake files name folders of the machine that built them; put this environment's in their place."""

import re
import sys
import sysconfig
from pathlib import Path

import numpy

PYTHON_INCLUDE = re.compile(r"/opt/python/cp\d+-cp\d+t?/include/python[\d.]+t?")
NUMPY_INCLUDE = re.compile(r"/[^;\"\s]*/site-packages/numpy/_core/include")


def main() -> None:
    changed = 0
    for file in Path(sys.prefix, "share").rglob("*.cmake"):
        text = file.read_text(errors="surrogateescape")
        fixed = NUMPY_INCLUDE.sub(numpy.get_include(), PYTHON_INCLUDE.sub(sysconfig.get_path("include"), text))
        if fixed != text:
            file.write_text(fixed, errors="surrogateescape")
            changed += 1
    print(f"paths corrected in {changed} CMake files of the ROS 2 wheels")


if __name__ == "__main__":
    main()
