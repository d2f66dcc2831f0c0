"""Small scenes whose geometry can be checked by eye, for plans of what people say."""

from __future__ import annotations

from fastreasonseg_ros.plan.executor import execute
from fastreasonseg_ros.plan.parser import parse_plan
from fastreasonseg_ros.twin.types import DigitalTwin, Instance, Relation

TABLE_Y_M = 0.3  # of the table top in the camera's frame, where y points down


def thing(
    id: int, label: str, x: float = 0.0, z: float = 1.0, size=(0.1, 0.1, 0.1), base: float = 0.0, color="red", **more
) -> Instance:
    """A thing with its bottom `base` metres above the table; the camera looks along z, level with the table."""
    height = size[1]
    return Instance(
        id, label, color=color, center_m=(x, TABLE_Y_M - base - height / 2, z), size_m=size,
        elevation_m=(base, base + height), **more,
    )  # fmt: skip


def scene(*instances: Instance, on=(), inside=(), stamp_s: float = 100.0) -> DigitalTwin:
    """on, inside: pairs of ids, (what, in or on which)."""
    relations = [Relation(a, word, b) for word, pairs in (("on", on), ("inside", inside)) for a, b in pairs]
    return DigitalTwin(instances, tuple(relations), stamp_s=stamp_s, begun_s=0.0)


def answer(twin: DigitalTwin, plan: str) -> tuple[int, ...]:
    """What the plan gives; steps separated by semicolons."""
    return execute(parse_plan(plan.replace("; ", "\n")), twin).ids
