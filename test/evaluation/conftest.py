"""One language model for all tests of evaluation that ask it: it takes seconds to load."""

from __future__ import annotations

from argparse import Namespace

import pytest
from bag_fixtures import bag, questions  # noqa: F401, fixtures of the tests of bags

from fastreasonseg_ros.cli import build_parser
from fastreasonseg_ros.errors import ModelError
from fastreasonseg_ros.evaluation.runners.backends import asker_of


@pytest.fixture(scope="session")
def real_asker():
    """What `fastreasonseg eval` asks: the embedded student, with its adapter and word meaning."""
    args: Namespace = build_parser().parse_args(["eval", "anywhere"])
    try:
        return asker_of(args)
    except ModelError as error:
        pytest.skip(str(error))


@pytest.fixture
def one_model(real_asker, monkeypatch: pytest.MonkeyPatch):
    """Commands use the model that is loaded already instead of loading one each."""
    monkeypatch.setattr("fastreasonseg_ros.cli.eval.asker_of", lambda args: real_asker)
    return real_asker
