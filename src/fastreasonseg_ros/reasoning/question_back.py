"""What to ask back where an answer is not sure: "which one: the red mug (3) or the white mug (5)?"."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ..twin.types import DigitalTwin, Instance

_LISTED = 4


def question_back(ids: Sequence[int], twin: DigitalTwin) -> str:
    """A question whose answer decides; about what was found, by colour and label, and where these are alike by side."""
    by_id = {i.id: i for i in twin.instances}
    found = [by_id[k] for k in ids if k in by_id]
    if not found:
        return "nothing seems to fit; what is it called, or what does it look like?"
    names = _told_apart(found)
    if len(found) == 1:
        return f"is it {names[0]}?"
    shown = names[:_LISTED]
    rest = f" or one of {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"which one: {', '.join(shown[:-1])} or {shown[-1]}{rest}?"


def _told_apart(found: Sequence[Instance]) -> list[str]:
    plain = [" ".join(filter(None, [i.color, i.label])) for i in found]
    alike = {name for name, count in Counter(plain).items() if count > 1}
    names = []
    for instance, name in zip(found, plain, strict=True):
        side = ""
        if name in alike:
            others = [o for o, n in zip(found, plain, strict=True) if n == name]
            across = sorted((o for o in others if o.center_m or o.box_xyxy), key=_across)
            if len(across) > 1 and instance in (across[0], across[-1]):
                side = "left " if instance is across[0] else "right "
        names.append(f"the {side}{name} ({instance.id})")
    return names


def _across(instance: Instance) -> float:
    if instance.center_m is not None:
        return instance.center_m[0]
    assert instance.box_xyxy is not None
    return instance.box_xyxy[0]
