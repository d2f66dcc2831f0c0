#!/usr/bin/env bash
set -e
# shellcheck source=/dev/null
source "/opt/ros/${ROS_DISTRO}/setup.bash"
# shellcheck source=/dev/null
source /opt/fastreasonseg/setup.bash
exec "$@"
