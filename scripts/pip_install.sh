#!/usr/bin/env bash
# pip install with the lines that show progress; everything is in .make/pip.log, and is shown if it fails.
set -uo pipefail
"$1" -m pip --disable-pip-version-check install "${@:2}" 2>&1 | tee -a .make/pip.log |
  grep --line-buffered -E '^ *(Downloading|Installing|Successfully|ERROR)' | cut -c1-160
status=${PIPESTATUS[0]}
if [ "$status" != 0 ]; then
  echo "pip failed; the end of .make/pip.log:" >&2
  tail -n 30 .make/pip.log >&2
fi
exit "$status"
