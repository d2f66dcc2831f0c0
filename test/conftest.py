"""What several folders of tests share."""

from __future__ import annotations

import hypothesis
import pytest
import servers

# The same examples every time; and how long one takes says nothing on a machine that does other work.
hypothesis.settings.register_profile(
    "busy machine", derandomize=True, deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("busy machine")


@pytest.fixture(scope="session")
def student_server(tmp_path_factory):
    """Base address of llama.cpp's server with the student: 3 s to merge its weights and to load them."""
    pytest.importorskip("xllamacpp")
    with servers.llama_cpp(tmp_path_factory.mktemp("student")) as address:
        yield address
