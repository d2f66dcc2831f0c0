"""Hypothesis strategies for twins: anything that twin/validation.py allows, also what perception never makes."""

from __future__ import annotations

from hypothesis import strategies as st

from fastreasonseg_ros.twin.resting import RestingPlace
from fastreasonseg_ros.twin.types import POSES, TONES, ColorShare, DigitalTwin, Instance, Plane, Relation

# Values that divide, order and cancel badly, among ordinary ones.
_numbers = st.sampled_from((0.0, -0.0, 0.1, 0.1, 0.25, 1.0, 2.5, -0.3, -1.0, 1e-320, 1e300, -1e300))
_positive = st.sampled_from((0.0, 0.05, 0.1, 0.3, 1.0, 1e-320, 1e300))
_small = st.sampled_from((0.0, -0.0, 0.1, 0.25, 1.0, 2.5, 1e-320))  # pixels inside the picture
_spans = st.tuples(_small, _small).map(lambda ends: (min(ends), max(ends)))
_vectors = st.tuples(_numbers, _numbers, _numbers)
_labels = st.sampled_from(("mug", "mug", "cup", "tea box", "camera", "", 'a") | "', "ÉTUI", "none " + "x" * 60))
_colors = st.builds(
    ColorShare,
    st.sampled_from(("red", "blue", "teal")),
    st.sampled_from((0.0, 0.3, 1.0)),
    st.sampled_from(("", *TONES)),
)


def _optional(values: st.SearchStrategy) -> st.SearchStrategy:
    return st.one_of(values, values, values, st.none())  # known more often than not: unknown values end most plans


def _instance(times: tuple[float | None, float | None], **fields) -> Instance:
    first, last = times
    if first is not None and last is not None and first > last:
        first, last = last, first
    return Instance(id=1, first_seen_s=first, last_seen_s=last, **fields)


_resting = st.builds(RestingPlace, _numbers, _vectors, _optional(st.integers(1, 9)), _optional(st.sampled_from(POSES)))
_instances = st.builds(
    _instance,
    label=_labels,
    score=st.sampled_from((0.0, 0.5, 1.0)),
    color=_optional(st.sampled_from(("red", "red", "blue", "teal"))),
    shape=_optional(st.sampled_from(("box", "box", "cylinder", "ring"))),
    box_xyxy=_optional(st.tuples(_spans, _spans).map(lambda s: (s[0][0], s[1][0], s[0][1], s[1][1]))),
    center_m=_optional(_vectors),
    size_m=_optional(st.tuples(_positive, _positive, _positive)),
    elevation_m=_optional(st.tuples(_numbers, _numbers).map(lambda ends: (min(ends), max(ends)))),
    velocity=_optional(_vectors),
    path_length_m=_optional(_positive),
    times=st.tuples(_optional(_numbers), _optional(_numbers)),
    visible=st.sampled_from((True, True, False)),
    nearness=_optional(st.sampled_from((0.0, 0.5, 1.0))),
    alternative_labels=st.sampled_from(((), ("cup",), ("jar", "mug"))),
    pose=_optional(st.sampled_from(POSES)),
    colors=st.lists(_colors, max_size=3).map(tuple),
    past=st.lists(_resting, max_size=3).map(tuple),
)


@st.composite
def twins(draw: st.DrawFn) -> DigitalTwin:
    """Up to eight instances with any of their fields unknown, and any relations between them."""
    drawn = draw(st.one_of(st.lists(_instances, min_size=4, max_size=8), st.lists(_instances, max_size=3)))
    instances = tuple(_with_id(i, n) for n, i in enumerate(drawn, 1))
    return DigitalTwin(
        instances,
        tuple(draw(st.lists(_relations(len(instances)), max_size=6))) if len(instances) > 1 else (),
        stamp_s=draw(_numbers),
        plane=draw(_optional(st.builds(Plane, normal=_vectors, offset_m=_numbers))),
        begun_s=draw(_optional(_numbers)),
    )


def _relations(count: int) -> st.SearchStrategy[Relation]:
    """Relations between any two of the ids 1 to count, cycles too."""
    pairs = st.permutations(range(1, count + 1)).map(lambda ids: ids[:2])
    return st.builds(lambda pair, word: Relation(pair[0], word, pair[1]), pairs, st.sampled_from(("on", "inside")))


def _with_id(i: Instance, id: int) -> Instance:
    return Instance(**{name: getattr(i, name) for name in Instance.__dataclass_fields__ if name != "id"}, id=id)
