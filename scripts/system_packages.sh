#!/usr/bin/env bash
# Finds what has to come from the system, by Debian names; installs it where it may, names it where it may not.
set -euo pipefail
if [ "$1" = --browser ]; then # for the test of the report; wanted, not needed
  if command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null; then
    exit 0
  elif [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing Chromium, which looks at the report in a test"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
    exit
  fi
  echo "Chromium is not here: the test that looks at the report in a browser is skipped" >&2
  exit 1
fi
python="$1"
missing=()
library() { (ldconfig -p 2>/dev/null || /sbin/ldconfig -p) | grep -q "$1"; }

command -v g++ >/dev/null || missing+=(g++)
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
  missing+=("python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv")
fi
"$python" -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' ||
  missing+=("python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-dev")
library libGL.so.1 || missing+=(libgl1)
library libEGL.so.1 || missing+=(libegl1)
library libEGL_mesa.so.0 || ls /usr/share/glvnd/egl_vendor.d/*.json >/dev/null 2>&1 || missing+=(libegl-mesa0)
ls /usr/lib/*/dri/*.so >/dev/null 2>&1 || missing+=(libgl1-mesa-dri)
library libgthread-2.0.so.0 || missing+=(libglib2.0-0)

if [ ${#missing[@]} -eq 0 ]; then exit 0; fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing missing system packages: ${missing[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
else
  echo "Missing system packages (Debian names): ${missing[*]}" >&2
  echo "Install them and run make again, on Debian and Ubuntu:  sudo apt-get install ${missing[*]}" >&2
  exit 1
fi
