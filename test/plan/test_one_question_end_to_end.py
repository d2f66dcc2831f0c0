"""The first test to read: a scene, a question's plan as a model writes it, and the objects it picks."""

from fastreasonseg_ros.plan.executor import execute
from fastreasonseg_ros.plan.parser import parse_rollout
from fastreasonseg_ros.twin.types import DigitalTwin, Instance

BREAKFAST = DigitalTwin(
    instances=(
        Instance(1, "plate", color="white", center_m=(0.2, 0.1, 1.0), size_m=(0.2, 0.02, 0.2)),
        Instance(3, "mug", color="red", center_m=(-0.3, 0.05, 1.0), size_m=(0.08, 0.1, 0.08)),
        Instance(5, "mug", color="blue", center_m=(0.3, 0.05, 1.1), size_m=(0.08, 0.1, 0.08)),
    )
)


def test_something_to_drink_from_nearest_the_plate():
    rollout = parse_rollout(
        "Drinking needs a mug; of those, the one nearest the plate.\n"
        "a = find(label=mug)\n"
        "b = find(label=plate)\n"
        "c = nearest(a, b)"
    )
    result = execute(rollout.plan, BREAKFAST)
    assert result.ids == (5,)
    assert [str(step) for step in result.trace] == [
        "a = find(label=mug)  ->  3, 5",
        "b = find(label=plate)  ->  1",
        "c = nearest(a, b)  ->  5",
    ]
    assert rollout.tagged() == (
        "<reason>Drinking needs a mug; of those, the one nearest the plate.</reason>\n"
        "<plan>\na = find(label=mug)\nb = find(label=plate)\nc = nearest(a, b)\n</plan>\n<answer>c</answer>"
    )


def test_the_same_plan_follows_the_scene_when_a_mug_moves():
    written = "The mug nearest the plate.\na = find(label=mug)\nb = find(label=plate)\nc = nearest(a, b)"
    plan = parse_rollout(written).plan
    moved = tuple(
        Instance(3, "mug", color="red", center_m=(0.2, 0.05, 1.05), size_m=(0.08, 0.1, 0.08)) if i.id == 3 else i
        for i in BREAKFAST.instances
    )
    assert execute(plan, DigitalTwin(moved)).ids == (3,)
