"""The way of messages between processes of one machine: UDP, since Fast DDS' shared memory does not outlast a kill.

A process that is killed leaves its port in shared memory behind. The next one with the same number makes a new port of
that name, and others may go on writing into the old one, or stop in its repair (eProsima/Fast-DDS issues 5469 and
6484): of 13 restarts of mask_node under load, 2 never published again. A socket ends with its process. Within a
process messages pass through neither.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping

VARIABLE = "FASTDDS_BUILTIN_TRANSPORTS"
# A burst of four pictures of 640x480 fits in, where net.core.rmem_max allows it (docs/ros.md); else what it allows.
UDP = "UDPv4?sockets_size=4MB"
PROFILES = ("FASTDDS_DEFAULT_PROFILES_FILE", "FASTRTPS_DEFAULT_PROFILES_FILE")


def choose_transport(environment: MutableMapping[str, str] = os.environ) -> None:
    """Sets Fast DDS' variable, unless the user has set it or a profile. To be called before rclpy.init.

    Other middlewares do not read it.
    """
    if not any(environment.get(name) for name in PROFILES):
        environment.setdefault(VARIABLE, UDP)
