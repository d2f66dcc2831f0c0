"""The way of messages between processes of one machine: UDP, since Fast DDS' shared memory does not outlast a kill.

A process that is killed leaves its port in shared memory behind. The next one with the same number makes a new port of
that name, and others may go on writing into the old one, or stop in its repair (eProsima/Fast-DDS issues 5469 and
6484): of 13 restarts of mask_node under load, 2 never published again. A socket ends with its process. Within a
process messages pass through neither.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from pathlib import Path

VARIABLE = "FASTDDS_BUILTIN_TRANSPORTS"
# A burst of four pictures of 640x480 fits in, where net.core.rmem_max allows it (docs/ros.md); else what it allows.
UDP = "UDPv4?sockets_size=4MB"
RANGE, PEERS, PROFILE = "ROS_AUTOMATIC_DISCOVERY_RANGE", "ROS_STATIC_PEERS", "FASTDDS_DEFAULT_PROFILES_FILE"
PROFILES = (PROFILE, "FASTRTPS_DEFAULT_PROFILES_FILE")
LOCALHOST = Path(__file__).with_name("localhost.xml")


def choose_transport(environment: MutableMapping[str, str] = os.environ) -> None:
    """Sets Fast DDS' variables, unless the user has set one. To be called before rclpy.init.

    Where discovery is to stay on this machine, rmw_fastrtps shares memory whatever that variable says: a profile does
    the same with UDP alone. It has no peers, so with some it is left as it is. Other middlewares read none of this.
    """
    if VARIABLE in environment or any(environment.get(name) for name in PROFILES):
        return
    environment[VARIABLE] = UDP
    if environment.get(RANGE) == "LOCALHOST" and not environment.get(PEERS):
        environment[RANGE], environment[PROFILE] = "SYSTEM_DEFAULT", str(LOCALHOST)
