"""The reasoner with a model that writes what a test dictates, about one twin."""

from __future__ import annotations

import pytest
from askers import TWIN, Dictated, serving_with

from fastreasonseg_ros.serving.open_vocabulary_retry import Observation


@pytest.fixture
def model() -> Dictated:
    return Dictated()


@pytest.fixture
def serving(model: Dictated):
    made = serving_with(model)
    made.observe(Observation(TWIN))
    yield made
    model.may.set()
    made.close()
