"""What several folders of tests share."""

from __future__ import annotations

import pytest
import servers


@pytest.fixture(scope="session")
def student_server(tmp_path_factory):
    """Base address of llama.cpp's server with the student: 3 s to merge its weights and to load them."""
    pytest.importorskip("xllamacpp")
    with servers.llama_cpp(tmp_path_factory.mktemp("student")) as address:
        yield address
