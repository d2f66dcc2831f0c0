#!/usr/bin/env bash
# Format, style, import layers, length of modules, types of the core. All are run; any failure fails the whole.
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bin="$PWD/.venv/bin"
status=0
check() { "$@" || { echo "lint: failed: $*" >&2; status=1; }; }
too_long() { find src launch scripts test -name '*.py' -exec wc -l {} + | awk '$1 > 300 && $2 != "total" {print; n = 1} END {exit n}'; }

check "$bin/ruff" format --check -q .
check "$bin/ruff" check -q .
# src first: the layers are checked on the sources, not on the generated part of the package.
check env PYTHONPATH=src "$bin/lint-imports"
check too_long
if "$bin/pyright" --version >/dev/null 2>&1; then
  check "$bin/pyright"
else
  echo "lint: pyright cannot start here (it fetches Node.js on first use); types were not checked" >&2
fi
exit $status
