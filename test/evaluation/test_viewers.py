"""Viewers work in a thread of their own: every picture in order, what fails there ends the run, drawing is shared."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from bag_fixtures import frames

from fastreasonseg_ros.errors import DatasetError, Status
from fastreasonseg_ros.evaluation.runners.viewers import ViewerThread
from fastreasonseg_ros.io.bags.questions import TimedQuestion
from fastreasonseg_ros.twin.types import Answer, DigitalTwin, Query
from fastreasonseg_ros.visualization.annotated_frame import AnnotatedFrame, ShownAnswer
from fastreasonseg_ros.visualization.cached_overlay import CachedOverlay


def annotated(count: int) -> list[AnnotatedFrame]:
    found = []
    for k, frame in enumerate(frames(count)):
        answer = Answer(Query("the mug"), Status.OK, "", ids=(1,))
        shown = (
            ShownAnswer(0, TimedQuestion("the mug"), answer, 1.0),
            ShownAnswer(1, TimedQuestion("it"), answer, 1.0),
        )
        twin = DigitalTwin(image_size=frame.image_size, frame_id=frame.frame_id, ids=frame.truth.ids)
        found.append(AnnotatedFrame(k, k / 10, frame, twin, frame.truth.ids, shown, 1.0))
    return found


class Slow:
    def __init__(self, fails_at: int | None = None) -> None:
        self.fails_at, self.stamps, self.closed, self.thread = fails_at, [], False, None
        self.go = threading.Event()

    def __call__(self, drawn: CachedOverlay) -> None:
        self.go.wait(600)
        self.thread = threading.current_thread()
        if drawn.annotated.stamp_ns == self.fails_at:
            raise DatasetError("the disk is full")
        self.stamps.append(drawn.annotated.stamp_ns)

    def close(self) -> None:
        self.closed = True


def test_perception_goes_on_while_pictures_are_drawn_and_closing_waits_for_the_last() -> None:
    slow, pictures = Slow(), annotated(6)
    thread = ViewerThread([slow])
    thread(pictures[0])  # comes back at once, though nothing is drawn yet
    assert slow.stamps == []
    slow.go.set()
    for picture in pictures[1:]:
        thread(picture)
    thread.close()
    assert (slow.stamps, slow.closed) == (list(range(6)), True)
    assert slow.thread is not threading.current_thread()


def test_what_fails_while_drawing_ends_the_run_and_files_are_closed() -> None:
    slow, pictures = Slow(fails_at=1), annotated(12)
    slow.go.set()
    thread = ViewerThread([slow])
    with pytest.raises(DatasetError, match="the disk is full"):  # noqa: PT012, which picture it is, is not known
        for picture in pictures:
            thread(picture)
        thread.close()
    thread = ViewerThread([last := Slow(fails_at=0)])
    last.go.set()
    thread(pictures[0])
    with pytest.raises(DatasetError, match="the disk is full"):
        thread.close()
    assert last.closed


def test_what_several_viewers_need_is_drawn_once() -> None:
    drawn = CachedOverlay(annotated(1)[0])
    assert drawn.chosen == (1,)  # two answers, one object
    assert drawn.overlay((1,)) is drawn.overlay((1,))
    assert drawn.color is drawn.color
    assert drawn.overlay(()) is drawn.annotated.frame.color
    assert np.array_equal(drawn.mask, drawn.annotated.ids == 1)
