"""Data sets on a hub: the file that is meant, or a question; never a part of it, and words when it cannot be had."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.hub_standin import HubStandin

from classifine.data.rows.reading import read_labelled
from classifine.data.rows.remote import Address, choose, fetch
from classifine.errors import FileMissing, UsageError
from classifine.settings import DataSettings

NAME = "hf://datasets/lab/posts"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubStandin]:
    with HubStandin() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
        for name in ("HF_TOKEN", "HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"):
            monkeypatch.delenv(name, raising=False)
        yield hub


def folder(path: Path, **files: str) -> Path:
    for name, content in files.items():
        file = path / name.replace("__", "/").replace("_csv", ".csv").replace("_md", ".md")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    return path


def test_one_table_is_fetched_and_read(hub: HubStandin, tmp_path: Path) -> None:
    hub.add("datasets/lab/posts", folder(tmp_path / "a", posts_csv="text,label\na,x\nb,y\n", README_md="# hello\n"))
    reading = read_labelled(NAME, DataSettings())
    assert reading.table.texts == ("a", "b")
    assert hub.fetched() == {"posts.csv"}
    assert read_labelled(Path(NAME), DataSettings()).table == reading.table
    assert read_labelled([NAME], DataSettings()).table == reading.table
    assert reading.detected[0].file.endswith("posts.csv")


def test_the_parts_of_a_split_are_one_table(hub: HubStandin, tmp_path: Path) -> None:
    shards = {f"train-0000{i}-of-00002_csv": f"text,label\nt{i},x\n" for i in range(2)}
    hub.add("datasets/lab/posts", folder(tmp_path / "a", **shards))
    reading = read_labelled(NAME, DataSettings())
    assert reading.table.texts == ("t0", "t1")
    assert reading.table.rows == (1, 2)
    lacking = folder(tmp_path / "b", **dict(list(shards.items())[:1]))
    hub.add("datasets/lab/posts", lacking, ref="torn")
    with pytest.raises(FileMissing, match=r"stored in 2 parts, and 1 of them"):
        fetch(f"{NAME}@torn")


def test_several_tables_are_asked_about(hub: HubStandin, tmp_path: Path) -> None:
    files = {"data__train_csv": "text,label\na,x\n", "data__test_csv": "text,label\nb,x\n"}
    hub.add("datasets/lab/posts", folder(tmp_path / "a", **files))
    with pytest.raises(UsageError, match="holds 2 tables") as caught:
        fetch(NAME)
    assert "data/test.csv, data/train.csv" in str(caught.value)
    assert f"{NAME}/data/test.csv" in str(caught.value)
    assert [path.name for path in fetch(f"{NAME}/data/train.csv")] == ["train.csv"]
    assert [path.name for path in fetch(f"{NAME}/data/t*.csv")] == ["test.csv", "train.csv"]
    with pytest.raises(FileMissing, match=r"has no file data/trian\.csv") as missing:
        fetch(f"{NAME}/data/trian.csv")
    assert "did you mean hf://datasets/lab/posts/data/train.csv?" in str(missing.value)


def test_a_revision_is_what_was_asked_for(hub: HubStandin, tmp_path: Path) -> None:
    old = hub.add("datasets/lab/posts", folder(tmp_path / "old", posts_csv="text,label\nold,x\n"))
    hub.add("datasets/lab/posts", folder(tmp_path / "new", posts_csv="text,label\nnew,x\n"))
    hub.add("datasets/lab/posts", folder(tmp_path / "pq", a__train__0000_csv="text,label\nc,x\n"), ref="refs/pr/1")
    assert fetch(NAME)[0].read_text() == "text,label\nnew,x\n"
    assert fetch(f"{NAME}@{old}")[0].read_text() == "text,label\nold,x\n"
    assert fetch(f"{NAME}@refs/pr/1/a/train")[0].read_text() == "text,label\nc,x\n"
    with pytest.raises(FileMissing, match="no revision nix"):
        fetch(f"{NAME}@nix")


def test_what_was_fetched_is_there_offline(hub: HubStandin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.add("datasets/lab/posts", folder(tmp_path / "a", posts_csv="text,label\na,x\n"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(FileMissing, match="offline mode forbids"):
        fetch(NAME)
    assert hub.requests == []
    monkeypatch.delenv("HF_HUB_OFFLINE")
    paths = fetch(NAME)
    before = len(hub.requests)
    assert fetch(NAME, offline=True) == paths
    assert len(hub.requests) == before
    hub.stop()
    assert fetch(NAME) == paths
    with pytest.raises(FileMissing, match="the hub cannot be reached"):
        fetch("hf://datasets/lab/other")


def test_refusals_say_what_to_do(hub: HubStandin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileMissing, match="knows no data set lab/posts"):
        fetch(NAME)
    hub.add("datasets/lab/posts", folder(tmp_path / "a", posts_csv="text,label\na,x\n"), gated=True)
    with pytest.raises(FileMissing, match="is gated") as caught:
        fetch(NAME)
    assert "https://huggingface.co/datasets/lab/posts" in str(caught.value)
    hub.add("datasets/lab/posts", folder(tmp_path / "b", picture_md="x"))
    with pytest.raises(FileMissing, match="holds no table"):
        fetch(NAME)
    hub.status = 503
    with pytest.raises(FileMissing, match="cannot be reached"):
        fetch("hf://datasets/lab/absent")
    hub.status, hub.login_page = None, True
    with pytest.raises(FileMissing, match="cannot be reached"):
        fetch("hf://datasets/lab/absent")


@pytest.mark.parametrize(
    "address", ["hf://datasets/lab", "hf://models/a/b", "hf://datasets/../x", "hf://datasets/a b/c"]
)
def test_addresses_of_another_form_are_refused(address: str) -> None:
    with pytest.raises(UsageError, match="no address of a data set") as caught:
        read_labelled(address, DataSettings())
    assert "hf://datasets/OWNER/NAME" in str(caught.value)


def test_files_about_a_data_set_are_no_tables() -> None:
    names = ["README.md", "dataset_infos.json", ".gitattributes", "a/train.parquet", "LICENSE.txt", ".cache/x.json"]
    assert choose(names, Address("o/n", None, None)) == ("a/train.parquet",)
    assert choose(names, Address("o/n", None, "dataset_infos.json")) == ("dataset_infos.json",)
    assert choose(["a/0000.parquet", "a/0001.parquet"], Address("o/n", None, "a")) == (
        "a/0000.parquet",
        "a/0001.parquet",
    )
    assert choose(["x.csv.gz"], Address("o/n", None, None)) == ("x.csv.gz",)
    assert str(Address("o/n", "v1", None)) == "o/n@v1"
