"""Hypothesis strategies for twins: anything that the types allow, also what perception never makes."""

from __future__ import annotations

from hypothesis import strategies as st

from fastreasonseg_ros.twin.types import DigitalTwin, Instance, Plane, Relation

# Values that divide, order and cancel badly, among ordinary ones.
_numbers = st.sampled_from((0.0, -0.0, 0.1, 0.1, 0.25, 1.0, 2.5, -0.3, -1.0, 1e-320, 1e300, -1e300))
_positive = st.sampled_from((0.0, 0.05, 0.1, 0.3, 1.0, 1e-320, 1e300))
_vectors = st.tuples(_numbers, _numbers, _numbers)
_labels = st.sampled_from(("mug", "mug", "cup", "tea box", "camera", "", 'a") | "', "ÉTUI", "none " + "x" * 60))


def _optional(values: st.SearchStrategy) -> st.SearchStrategy:
    return st.one_of(values, values, values, st.none())  # known more often than not: unknown values end most plans


_instances = st.builds(
    Instance,
    id=st.just(1),
    label=_labels,
    score=_numbers,
    color=_optional(st.sampled_from(("red", "red", "blue", "teal"))),
    shape=_optional(st.sampled_from(("box", "box", "cylinder", "ring"))),
    box_xyxy=_optional(st.tuples(_numbers, _numbers, _numbers, _numbers)),
    center_m=_optional(_vectors),
    size_m=_optional(st.tuples(_positive, _positive, _positive)),
    elevation_m=_optional(st.tuples(_numbers, _numbers)),
    velocity=_optional(_vectors),
    path_length_m=_optional(_positive),
    first_seen_s=_optional(_numbers),
    last_seen_s=_optional(_numbers),
    visible=st.sampled_from((True, True, False)),
    nearness=_optional(st.sampled_from((0.0, 0.5, 1.0))),
    also=st.sampled_from(((), ("cup",), ("jar", "mug"))),
)
_relations = st.builds(
    Relation,
    subject=st.integers(1, 7),
    predicate=st.sampled_from(("on", "inside")),
    object=st.integers(1, 7),  # cycles, things on themselves, and ids that are not there
)


@st.composite
def twins(draw: st.DrawFn) -> DigitalTwin:
    """Up to eight instances with any of their fields unknown, and any relations between them."""
    drawn = draw(st.one_of(st.lists(_instances, min_size=4, max_size=8), st.lists(_instances, max_size=3)))
    instances = tuple(_with_id(i, n) for n, i in enumerate(drawn, 1))
    return DigitalTwin(
        instances,
        tuple(draw(st.lists(_relations, max_size=6))),
        plane=draw(_optional(st.builds(Plane, normal=_vectors, offset_m=_numbers))),
        begun_s=draw(_optional(_numbers)),
    )


def _with_id(i: Instance, id: int) -> Instance:
    return Instance(**{name: getattr(i, name) for name in Instance.__dataclass_fields__ if name != "id"}, id=id)
