"""Takes a stand-in hub and folders, and proves which models are resolved and how each refusal reads."""

from __future__ import annotations

import errno
import json
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.hub_standin import HubStandin
from tests.tiny_models import tiny_model

from classifine.errors import DiscError, ModelUnavailable
from classifine.model import hub as hub_module
from classifine.model.catalogue import BaseModel, catalogue
from classifine.model.hub import resolve


@pytest.fixture
def folder(tiny: Path, tmp_path: Path) -> Path:
    return shutil.copytree(tiny, tmp_path / "copy")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubStandin]:
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    with HubStandin() as standin:
        monkeypatch.setenv("HF_ENDPOINT", standin.url)
        yield standin


def refusal(model: str, **options: Any) -> ModelUnavailable:
    with pytest.raises(ModelUnavailable) as caught:
        resolve(model, **options)
    assert caught.value.cure
    assert "\n" not in caught.value.what
    return caught.value


def test_a_hub_name_is_fetched_and_named_by_its_commit(hub: HubStandin, tiny: Path) -> None:
    commit = hub.add("ann/tiny", tiny)
    found = resolve("ann/tiny")
    assert (found.source, found.revision, found.name, found.base) == (f"ann/tiny@{commit}", commit, "ann/tiny", None)
    for file in tiny.iterdir():
        assert (found.folder / file.name).read_bytes() == file.read_bytes()


def test_a_revision_is_fetched_as_named(hub: HubStandin, folder: Path, tmp_path: Path) -> None:
    old = hub.add("ann/tiny", folder, ref="v1")
    newer = tiny_model(tmp_path / "newer", "bert", seed=1)
    new = hub.add("ann/tiny", newer)
    converted = hub.add("ann/tiny", folder, ref="refs/pr/3")
    assert resolve("ann/tiny@v1").revision == old
    assert resolve(f"ann/tiny@{new}").revision == new
    assert resolve("ann/tiny").revision == new
    assert resolve("ann/tiny@refs/pr/3").revision == converted


def test_code_pickles_and_nested_folders_are_never_fetched(hub: HubStandin, folder: Path) -> None:
    for name in ("modeling_tiny.py", "pytorch_model.bin", "training_args.bin", "tokenizer.py", "onnx/model.onnx"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"raise SystemExit")
    shutil.copy(folder / "model.safetensors", folder / "onnx" / "model.safetensors")
    hub.add("ann/tiny", folder)
    found = resolve("ann/tiny")
    kept = {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    assert {file.name for file in found.folder.rglob("*")} == kept
    assert hub.fetched() == kept


def test_unknown_repository(hub: HubStandin) -> None:
    error = refusal("google-bert/bert-base-uncasd")
    assert "knows no model google-bert/bert-base-uncasd" in error.what
    assert "--model bert)" in str(error.cure)


def test_unknown_revision(hub: HubStandin, tiny: Path) -> None:
    hub.add("ann/tiny", tiny)
    assert refusal("ann/tiny@v9").what == "ann/tiny has no revision v9"


def test_gated(hub: HubStandin, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.add("ann/tiny", tiny, gated=True)
    error = refusal("ann/tiny")
    assert "gated" in error.what
    assert "accept the terms" in str(error.cure)
    assert "HF_TOKEN" in str(error.cure)
    monkeypatch.setenv("HF_TOKEN", "hf_canary")
    assert "hf_canary" not in str(refusal("ann/tiny"))


def test_private_without_and_with_its_token(
    hub: HubStandin, tiny: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    hub.add("ann/tiny", tiny, token="hf_canary")
    assert "HF_TOKEN" in str(refusal("ann/tiny").cure)
    monkeypatch.setenv("HF_TOKEN", "hf_canary")
    found = resolve("ann/tiny")
    assert hub.tokens == {"Bearer hf_canary"}
    assert "hf_canary" not in caplog.text + str(found)


def test_a_wrong_token_is_said_to_be_wrong(hub: HubStandin, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.add("ann/tiny", tiny)
    monkeypatch.setenv("HF_TOKEN", "wrong")
    error = refusal("ann/tiny")
    assert "(401)" in error.what
    assert "HF_TOKEN is wrong" in str(error.cure)


@pytest.mark.parametrize("fault", ["stopped", "status", "login page", "variable", "argument"])
def test_a_warm_cache_needs_no_hub(
    hub: HubStandin, tiny: Path, monkeypatch: pytest.MonkeyPatch, fault: str, capfd: pytest.CaptureFixture[str]
) -> None:
    commit = hub.add("ann/tiny", tiny)
    resolve("ann/tiny")
    asked = len(hub.requests)
    broken(hub, monkeypatch, fault)
    found = resolve("ann/tiny", offline=True if fault == "argument" else None)
    assert found.revision == commit
    assert fault in ("status", "login page") or len(hub.requests) == asked
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("fault", ["stopped", "status", "login page", "variable", "argument"])
def test_a_cold_cache_without_hub_is_refused(
    hub: HubStandin, tiny: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    hub.add("ann/tiny", tiny)
    broken(hub, monkeypatch, fault)
    error = refusal("ann/tiny", offline=True if fault == "argument" else None)
    assert "not in the cache" in error.what
    assert "--model minilm" in str(error.cure)
    assert ("HF_HUB_OFFLINE" in str(error.cure)) == (fault in ("variable", "argument"))


def broken(hub: HubStandin, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    if fault == "stopped":
        hub.stop()
    elif fault == "status":
        hub.status = 503
    elif fault == "login page":
        hub.login_page = True
    elif fault == "variable":
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def test_a_half_fetched_snapshot_is_not_taken_for_a_model(hub: HubStandin, tiny: Path) -> None:
    hub.add("ann/tiny", tiny)
    (resolve("ann/tiny").folder / "model.safetensors").unlink()
    assert "not in the cache" in refusal("ann/tiny", offline=True).what


def test_only_pickled_weights_on_the_hub(hub: HubStandin, folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    hub.add("ann/tiny", folder)
    error = refusal("ann/tiny")
    assert "no safetensors weights" in error.what
    assert "n, f = 'ann/tiny', 'tiny-safetensors'" in str(error.cure)
    assert "pytorch_model.bin" not in hub.fetched()


@pytest.mark.parametrize(
    "raised",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        PermissionError(errno.EACCES, "Permission denied"),
        RuntimeError("Data processing error: No space left on device (os error 28)"),
    ],
)
def test_a_cache_that_cannot_be_written(hub: HubStandin, monkeypatch: pytest.MonkeyPatch, raised: Exception) -> None:
    def fail(*_: object, **__: object) -> str:
        raise raised

    monkeypatch.setattr("huggingface_hub.snapshot_download", fail)
    with pytest.raises(DiscError, match=r"No space left|Permission denied"):
        resolve("ann/tiny")


@pytest.mark.parametrize("raised", [RuntimeError("stream ended"), ConnectionResetError(errno.ECONNRESET, "reset")])
def test_a_transfer_that_breaks_off(hub: HubStandin, monkeypatch: pytest.MonkeyPatch, raised: Exception) -> None:
    from huggingface_hub import snapshot_download

    def fail(*arguments: Any, local_files_only: bool, **options: Any) -> str:
        if not local_files_only:
            raise raised
        return str(snapshot_download(*arguments, local_files_only=True, **options))

    monkeypatch.setattr("huggingface_hub.snapshot_download", fail)
    assert "cannot be reached" in refusal("ann/tiny").what


def test_a_local_folder_is_taken_as_it_is(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "socket", None)
    found = resolve(str(folder))
    assert (found.folder, found.source, found.name, found.revision) == (folder, str(folder), "copy", "")
    monkeypatch.chdir(folder.parent)
    assert resolve("copy").folder == folder


def test_sharded_weights_are_taken_when_all_shards_are_there(folder: Path) -> None:
    shard = "model-00001-of-00001.safetensors"
    (folder / "model.safetensors").rename(folder / shard)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": shard}}))
    assert resolve(str(folder)).folder == folder
    (folder / shard).unlink()
    assert shard in refusal(str(folder)).what


@pytest.mark.parametrize(
    ("absent", "says"),
    [
        ("config.json", "holds no config.json"),
        ("model.safetensors", "holds no safetensors weights"),
        ("tokenizer.json", "holds no tokenizer"),
    ],
)
def test_an_incomplete_folder_says_what_is_missing(folder: Path, absent: str, says: str) -> None:
    (folder / absent).unlink()
    assert says in refusal(str(folder)).what


def test_a_folder_with_pickled_weights_alone(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    error = refusal(str(folder))
    assert "pytorch_model.bin" in str(error.found)
    assert "save_pretrained" in str(error.cure)


@pytest.mark.parametrize("content", [b"", b"version https://git-lfs.github.com/spec/v1\n", b"\xff" * 64])
def test_weights_that_are_no_safetensors(folder: Path, content: bytes) -> None:
    (folder / "model.safetensors").write_bytes(content)
    assert "not a whole safetensors file" in refusal(str(folder)).what


def test_weights_cut_short(folder: Path) -> None:
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[:-1])
    assert "not a whole safetensors file" in refusal(str(folder)).what


@pytest.mark.parametrize("content", ["{", "[]", "\x00"])
def test_a_config_that_is_no_object(folder: Path, content: str) -> None:
    (folder / "config.json").write_text(content)
    assert "config.json" in refusal(str(folder)).what


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
@pytest.mark.parametrize(
    "hostile",
    [
        {"auto_map": {"AutoModel": "modeling.Evil"}},
        {"trust_remote_code": True},
        {"_attn_implementation_internal": "x"},
        {"attn_implementation": "someone/kernel"},
        {"text_config": [{"auto_map": {}}]},
    ],
)
def test_a_repository_with_code_of_its_own_is_refused(folder: Path, file: str, hostile: dict[str, Any]) -> None:
    settings = json.loads((folder / file).read_text())
    (folder / file).write_text(json.dumps(settings | hostile))
    assert "code of its own" in refusal(str(folder)).what


def test_a_conversion_that_lost_the_input_embeddings_is_refused(tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    folder = tiny_model(tmp_path / "modern", "modernbert")
    assert resolve(str(folder)).folder == folder
    weights = load_file(folder / "model.safetensors")
    weights["decoder.weight"] = weights.pop("embeddings.tok_embeddings.weight")
    save_file(weights, folder / "model.safetensors")
    assert "no input embeddings" in refusal(str(folder)).what


@pytest.mark.parametrize(
    ("name", "cure"),
    [
        ("BERT", "did you mean 'bert'"),
        ("bert-base-uncased", "did you mean 'bert'"),
        ("modern-bert", "did you mean 'modernbert'"),
        ("https://huggingface.co/google-bert/bert-base-uncased", "owner/name"),
        ("file:///etc/passwd", "owner/name"),
        ("../elsewhere", "check the path"),
        ("./bert", "check the path"),
        ("a/b/c", "check the path"),
        ("ann/../tiny", "check the path"),
        ("ann/..", "known base models"),
        ("ann/tiny@../x", "check the path"),
        ("ann/ti ny", "known base models"),
        ("ann\\tiny", "check the path"),
        ("ann/--tiny--", "spelled"),
        ("", "known base models"),
        (" ", "known base models"),
        ("ann/tiny\n", "known base models"),
        ("@main", "known base models"),
    ],
)
def test_names_that_are_none(hub: HubStandin, name: str, cure: str) -> None:
    assert cure in str(refusal(name).cure)
    assert hub.requests == []


def test_a_file_is_no_folder(folder: Path) -> None:
    assert "is a file" in refusal(str(folder / "config.json")).what


def test_the_embedded_model_is_taken_when_every_byte_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "socket", None)
    found = resolve("minilm")
    assert found.base == catalogue()[0]
    assert found.source == "sentence-transformers/all-MiniLM-L6-v2@1110a243fdf4706b3f48f1d95db1a4f5529b4d41"
    assert resolve("sentence-transformers/all-MiniLM-L6-v2") == found


@pytest.fixture
def embedded(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of a small package's folder, pinned in the catalogue as minilm is."""
    from classifine.durable import sha256

    place = shutil.copytree(tiny, tmp_path / "package" / "model")
    pins = {file.name: sha256(file) for file in tiny.iterdir()}
    base = BaseModel("pet", "Pet", "ann/pet", "none", 1, 128, "MIT", "bert", 1e-4, package="pet-package", files=pins)
    monkeypatch.setattr(hub_module, "find", {"pet": base}.get)
    monkeypatch.setattr(hub_module, "_package_folder", lambda package: place if place.exists() else None)
    return place


def test_a_tampered_package_is_refused_by_the_name_of_the_file(embedded: Path) -> None:
    assert resolve("pet").folder == embedded
    tokenizer = json.loads((embedded / "tokenizer.json").read_text())
    vocabulary = tokenizer["model"]["vocab"]
    vocabulary["yes"], vocabulary["no"] = vocabulary["no"], vocabulary["yes"]
    (embedded / "tokenizer.json").write_text(json.dumps(tokenizer))
    error = refusal("pet")
    assert "altered in tokenizer.json" in error.what
    assert "pip install --force-reinstall" in str(error.cure)


def test_a_package_that_lacks_or_adds_a_file_is_refused(embedded: Path) -> None:
    (embedded / "added_tokens.json").write_text("{}")
    assert "added_tokens.json" in refusal("pet").what
    (embedded / "added_tokens.json").unlink()
    (embedded / "config.json").unlink()
    assert "lacks config.json" in refusal("pet").what


def test_without_the_package_the_same_files_come_from_the_hub(hub: HubStandin, embedded: Path, folder: Path) -> None:
    shutil.rmtree(embedded)
    commit = hub.add("ann/pet", folder)
    assert resolve("pet").source == f"ann/pet@{commit}"


def test_a_hub_that_hands_out_other_files_than_the_pinned_is_refused(
    hub: HubStandin, embedded: Path, folder: Path
) -> None:
    shutil.rmtree(embedded)
    (folder / "config.json").write_text((folder / "config.json").read_text() + " ")
    hub.add("ann/pet", folder)
    assert "altered in config.json" in refusal("pet").what


def test_a_package_that_is_not_installed_is_none() -> None:
    assert hub_module._package_folder("no-such-package-here") is None
