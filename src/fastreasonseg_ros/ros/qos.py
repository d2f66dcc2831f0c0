"""Quality of service by name, open to `qos_overrides` from a parameter file.

Every call makes a new profile, because rclpy writes overrides into the one that it is given.
"""

from __future__ import annotations

from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions

PICTURE_QOS = ("auto", "sensor_data", "reliable")
# Changed by a parameter such as qos_overrides./twin.publisher.depth; history is depth's other half.
OVERRIDES = QoSOverridingOptions.with_default_policies()


def latched(depth: int = 1) -> QoSProfile:
    """A late subscriber gets the last message at once. depth: of a subscriber that needs every message."""
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=depth,
        reliability=ReliabilityPolicy.RELIABLE,
        durability=DurabilityPolicy.TRANSIENT_LOCAL,
    )


def reliable(depth: int = 10) -> QoSProfile:
    return QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=depth, reliability=ReliabilityPolicy.RELIABLE)


def sensor_data(depth: int = 5) -> QoSProfile:
    """Best effort, the newest few: what camera drivers and rviz call sensor data."""
    return QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=depth, reliability=ReliabilityPolicy.BEST_EFFORT)


def services() -> QoSProfile:
    """The default keeps 10 replies for all clients together: with eight that ask at once, one that is slow to take its
    reply lost it (one question in 400, measured on a busy machine).
    """
    return reliable(64)
