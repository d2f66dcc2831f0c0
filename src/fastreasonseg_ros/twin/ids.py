"""Instance ids: 1 to 65,535, for an id image is uint16. They are given in a cycle, so that one is reused late."""

from __future__ import annotations

from collections.abc import Collection

from ..errors import FrameError

MAX_ID = 65_535


def fresh_ids(count: int, last: int, taken: Collection[int]) -> list[int]:
    """`count` ids for new objects, none of them in `taken`.

    last: the id that was given last, 0 at the beginning. Ids count up from there and begin again at 1 after 65,535, so
    an id that is free again is reused only after all other free ones were given: after 18 hours at one new object a
    second, after 11 minutes at a hundred. Raises FrameError if fewer than `count` ids are free.
    """
    taken = set(taken)
    ids: list[int] = []
    for step in range(1, MAX_ID + 1):
        if len(ids) == count:
            return ids
        candidate = (last + step - 1) % MAX_ID + 1
        if candidate not in taken:
            ids.append(candidate)
    if len(ids) < count:
        raise FrameError(
            f"{count} new objects need ids, and only {len(ids)} of {MAX_ID} are free: raise the perceiver's least size "
            "of an object, or let the tracker remember less (keep_s, remember_s)"
        )
    return ids
