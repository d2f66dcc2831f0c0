"""After a kill old plans answer while the model that made them loads; no other model is waited for so."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
from askers import Asked, Dictated, until
from processes import PATIENCE_S
from test_reasoner import TWIN

from fastreasonseg_ros.errors import ModelError, Status
from fastreasonseg_ros.reasoning.protocol import NO_HINT, Hint
from fastreasonseg_ros.ros import models
from fastreasonseg_ros.serving.reasoner import Reasoner, Seen
from fastreasonseg_ros.ros.settings import ReasoningSettings
from fastreasonseg_ros.serving.standing_questions import KeptQuestion

NAME = Dictated.name
PLAN = "<reason>It is a mug.</reason>\n<plan>\na = find(label=mug)\n</plan>\n<answer>a</answer>"
KEPT = KeptQuestion("w", "the mug", PLAN, NAME, ("mug", "plate"))


class NoMeaning:
    """Knows of no label that is near."""

    def hint(self, text: str, labels: object) -> Hint:
        return NO_HINT

    def similarity(self, text: str, labels: Sequence[str]) -> np.ndarray:
        return np.ones(len(labels), np.float32)


class Loading:
    """Stands for files: they are read when `may` is set."""

    def __init__(self, patch: pytest.MonkeyPatch, result: Callable[[], Any]) -> None:
        self.may, self.failures = threading.Event(), []
        self._result = result
        patch.setattr(models, "prepared_name", lambda *_: NAME)
        patch.setattr(models, "load_models", self._load)

    def _load(self, _: ReasoningSettings) -> Any:
        assert self.may.wait(PATIENCE_S)
        return self._result()

    def late(self, wanted: set[str]) -> models.Models | None:
        return models.late_models(ReasoningSettings(), wanted, self.failures.append)


def test_a_question_that_stood_is_answered_before_the_model_is_there_and_a_new_one_after(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loading = Loading(monkeypatch, lambda: (Dictated("It is a plate.\na = find(label=plate)"), NoMeaning()))
    late = loading.late({NAME})
    assert late is not None
    reasoner = Reasoner(60.0)
    reasoner.restore([KEPT], late)
    reasoner.use(*late)
    reasoner.see(Seen(TWIN))
    assert reasoner.update(Seen(TWIN))[0].ids == (1,)
    assert reasoner.ask("the mug", "", PATIENCE_S)[0].ids == (1,)
    assert not loading.may.is_set()  # nobody waited for the model
    new = Asked(reasoner, "the plate")
    time.sleep(0.1)
    assert new.is_alive()
    loading.may.set()
    assert (new.done().status, new.done().ids, loading.failures) == (Status.OK, (2,), [])
    reasoner.close()


def test_plans_of_another_model_are_no_reason_not_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    loading = Loading(monkeypatch, lambda: None)
    assert loading.late({"another"}) is None
    assert loading.late(set()) is None


def test_a_model_that_cannot_be_loaded_after_all_is_told_and_so_is_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise ModelError("openvino_model.bin cannot be loaded")

    loading = Loading(monkeypatch, broken)
    late = loading.late({NAME})
    assert late is not None
    loading.may.set()
    until(lambda: loading.failures, "the failure")
    assert "cannot be loaded" in str(loading.failures[0])
    with pytest.raises(ModelError, match="cannot be loaded"):
        late[0].generate("", "")
    with pytest.raises(ModelError, match="cannot be loaded"):
        late[1].matching("mug", ["mug"])
