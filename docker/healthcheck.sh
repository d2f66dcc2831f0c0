#!/usr/bin/env bash
# Healthy: every node named in HEALTH_NODES (default: reasoning_node) is active, as its lifecycle service says, in ROS_NAMESPACE (default: /reasonseg, as
# the launch files have it; / for none).
set -eo pipefail
# shellcheck source=/dev/null
source "/opt/ros/${ROS_DISTRO}/setup.bash"
namespace="${ROS_NAMESPACE:-/reasonseg}"
for node in ${HEALTH_NODES:-reasoning_node}; do
  timeout 8 ros2 lifecycle get "${namespace%/}/${node}" --spin-time 2 | grep -q '^active'
done
