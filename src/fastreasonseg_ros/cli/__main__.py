"""`python -m fastreasonseg_ros.cli`: the command without its installed script."""

import sys

from . import main

sys.exit(main())
