#!/usr/bin/env bash
# Prints the first Python for which the pinned versions and the ROS 2 wheels exist.
for name in python3.11 python3.12 python3.13 python3; do
  if path=$(command -v "$name") &&
    "$path" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
    echo "$path"
    exit 0
  fi
done
echo "No Python 3.11, 3.12 or 3.13 found. Debian packages: python3.11 python3.11-venv python3.11-dev" >&2
exit 1
