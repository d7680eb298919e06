"""The run folder: who may begin in it, what is done, who holds it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import filelock
import pytest

from classifine.errors import DiscError, FileMissing, RunRefused, UsageError
from classifine.runs import STAGES, RunFolder, Source, versions
from classifine.settings import Settings, read_settings

DATA = [Source("data", "posts.csv", "1" * 64)]
SETTINGS = Settings().with_names({"text": "post", "class_weights": {"yes": 2.0}})


def begun(path: Path, *, done: int = 0) -> RunFolder:
    """Give a run with its first stages done."""
    run = RunFolder(path)
    assert run.begin(DATA, SETTINGS) is False
    for stage in STAGES[:done]:
        finish(run, stage)
    return run


def finish(run: RunFolder, stage: str, content: str = "content") -> Path:
    file = run.path / f"{stage}.json"
    file.write_text(content)
    run.finish(stage, [file], 1.5)
    return file


# ---------------------------------------------------------------- begin, continue, refuse


@pytest.mark.parametrize("there", [False, True], ids=["absent", "empty"])
def test_an_absent_or_empty_folder_is_taken(tmp_path: Path, there: bool) -> None:
    path = tmp_path / "runs" / "posts"
    if there:
        path.mkdir(parents=True)
    run = begun(path)
    manifest = run.read_manifest()
    assert manifest["sources"] == [{"role": "data", "path": "posts.csv", "sha256": "1" * 64}]
    assert manifest["settings"] == SETTINGS.to_dict()
    assert (manifest["stages"], manifest["test_openings"], manifest["format"]) == ({}, 0, 1)
    assert manifest["versions"]["classifine"] == versions()["classifine"]
    assert read_settings(run.settings) == SETTINGS
    assert not run.finished
    assert RunFolder.existing(path).path == path


def test_foreign_content_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").write_text("precious")
    (tmp_path / ".draft.partial").write_text("precious")
    with RunFolder(tmp_path).locked(), pytest.raises(RunRefused, match=r"holds no run\n.*found: *thesis.docx"):
        RunFolder(tmp_path).begin(DATA, SETTINGS)
    assert (tmp_path / "thesis.docx").read_text() == "precious"
    assert (tmp_path / ".draft.partial").read_text() == "precious"
    assert not (tmp_path / "manifest.json").exists()


@pytest.mark.parametrize(
    "content", ['{"name": "my web app", "icons": []}', "not JSON", "[]", "\xff", '{"format": 1, "stages": {}}', ""]
)
def test_somebody_elses_manifest_is_refused_and_left_alone(tmp_path: Path, content: str) -> None:
    (tmp_path / "manifest.json").write_bytes(content.encode("latin-1"))
    (tmp_path / ".draft.partial").write_text("precious")
    with pytest.raises(RunRefused, match="is not the manifest of a run"):
        RunFolder(tmp_path).begin(DATA, SETTINGS)
    with pytest.raises(RunRefused, match="is not the manifest of a run"):
        RunFolder.existing(tmp_path)
    assert (tmp_path / "manifest.json").read_bytes() == content.encode("latin-1")
    assert (tmp_path / ".draft.partial").exists()


def test_a_run_of_another_version_is_refused(tmp_path: Path) -> None:
    run = begun(tmp_path / "run", done=1)
    run.manifest.write_text(json.dumps({**run.read_manifest(), "format": 2}))
    with pytest.raises(RunRefused, match=r"found: *format 2\n *expected: format 1"):
        run.begin(DATA, SETTINGS)


def test_the_same_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    begun(tmp_path / "run", done=2)
    run = RunFolder(tmp_path / "run")
    assert run.begin(DATA, SETTINGS) is True
    assert [run.done(stage) for stage in STAGES] == [True, True, False, False]
    assert not run.finished


def test_the_same_finished_run_is_known_as_finished(tmp_path: Path) -> None:
    begun(tmp_path / "run", done=4)
    run = RunFolder(tmp_path / "run")
    before = run.manifest.read_bytes()
    assert run.begin(DATA, SETTINGS) is True
    assert run.finished
    assert run.manifest.read_bytes() == before


def test_a_file_that_only_moved_is_the_same_data(tmp_path: Path) -> None:
    run = begun(tmp_path / "run", done=1)
    assert run.begin([Source("data", "elsewhere/posts.csv", "1" * 64)], SETTINGS) is True


@pytest.mark.parametrize(("done", "state"), [(1, "an unfinished run"), (4, "a finished run")])
@pytest.mark.parametrize(
    ("sources", "told"),
    [
        ([Source("data", "posts.csv", "2" * 64)], "data file: the content changed (posts.csv → posts.csv)"),
        ([Source("train", "posts.csv", "1" * 64)], "train file: none → posts.csv"),
        ([*DATA, Source("test", "gold.csv", "3" * 64)], "test file: none → gold.csv"),
        ([], "data file: posts.csv → none"),
    ],
)
def test_other_data_is_refused_and_named(
    tmp_path: Path, done: int, state: str, sources: list[Source], told: str
) -> None:
    run = begun(tmp_path / "run", done=done)
    before = run.manifest.read_bytes()
    with pytest.raises(RunRefused) as caught:
        run.begin(sources, SETTINGS)
    assert f"holds {state} with other data or settings" in str(caught.value)
    assert f"\n    {told}\n" in str(caught.value)
    assert caught.value.exit_code == 73
    assert run.manifest.read_bytes() == before


def test_other_settings_are_refused_and_each_is_named(tmp_path: Path) -> None:
    run = begun(tmp_path / "run", done=1)
    other = SETTINGS.with_names({"learning_rate": 1e-5, "class_weights": {"yes": 3.0}, "seed": 1, "adam_beta1": 0.8})
    with pytest.raises(RunRefused) as caught:
        run.begin(DATA, other)
    for line in (
        "seed: 42 → 1",
        "training.learning_rate: unset → 1e-05",
        "training.class_weights.yes: 2.0 → 3.0",
        "training.arguments.adam_beta1: unset → 0.8",
    ):
        assert f"\n    {line}\n" in str(caught.value)


def test_a_run_that_got_nowhere_begins_anew_with_mended_data(tmp_path: Path) -> None:
    run = begun(tmp_path / "run")
    mended = [Source("data", "posts.csv", "2" * 64)]
    other = SETTINGS.with_names({"label": "topic"})
    assert run.begin(mended, other) is False
    assert run.read_manifest()["sources"][0]["sha256"] == "2" * 64
    assert read_settings(run.settings) == other


def test_what_a_killed_process_left_is_swept(tmp_path: Path) -> None:
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    (fresh / ".manifest.json.partial").write_text("{")
    begun(fresh)
    run = begun(tmp_path / "run", done=1)
    (run.path / ".model.partial").mkdir()
    (run.path / ".model.replaced").mkdir()
    run.begin(DATA, SETTINGS)
    assert not (fresh / ".manifest.json.partial").exists()
    assert sorted(path.name for path in run.path.iterdir() if "model" in path.name) == ["model"]


def test_there_is_no_run_where_there_is_none(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent"):
        with pytest.raises(FileMissing, match="there is no run in"):
            RunFolder.existing(path)
    assert RunFolder(tmp_path).read_manifest() == {}
    assert RunFolder(tmp_path).done("data") is False


def test_a_file_name_that_is_no_text_can_be_a_source(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    path = os.fsdecode(b"caf\xe9.csv")
    run.begin([Source("data", path, "1" * 64)], SETTINGS)
    assert run.read_manifest()["sources"][0]["path"] == path


# ---------------------------------------------------------------- stages


@pytest.mark.parametrize("place", [0, 3, -1])
def test_one_changed_byte_undoes_a_stage(tmp_path: Path, place: int) -> None:
    run = begun(tmp_path / "run", done=1)
    file = run.path / "data.json"
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)
    assert not run.done("data")
    content[place] ^= 1
    file.write_bytes(content)
    assert run.done("data")


def test_a_missing_file_undoes_a_stage(tmp_path: Path) -> None:
    run = begun(tmp_path / "run", done=4)
    (run.path / "train.json").unlink()
    assert [run.done(stage) for stage in STAGES] == [True, False, True, True]
    assert not run.finished


def test_a_folder_stands_for_all_files_in_it(tmp_path: Path) -> None:
    run = begun(tmp_path / "run", done=1)
    (run.model / "onnx").mkdir(parents=True)
    (run.model / "config.json").write_text("{}")
    (run.model / "onnx" / "model.onnx").write_text("weights")
    run.history.write_text("{}")
    run.finish("train", [run.model, run.history], 2.345)
    entry = run.read_manifest()["stages"]["train"]
    assert sorted(entry["files"]) == ["history.json", "model/config.json", "model/onnx/model.onnx"]
    assert entry["seconds"] == 2.35 or entry["seconds"] == 2.34
    (run.model / "onnx" / "model.onnx").write_text("Weights")
    assert not run.done("train")


@pytest.mark.parametrize("again", range(4))
def test_doing_a_stage_again_undoes_the_later_ones(tmp_path: Path, again: int) -> None:
    run = begun(tmp_path / "run", done=4)
    finish(run, STAGES[again], "other content")
    assert [run.done(stage) for stage in STAGES] == [place <= again for place in range(4)]


def test_a_stage_whose_files_were_never_written_is_not_recorded(tmp_path: Path) -> None:
    run = begun(tmp_path / "run", done=1)
    with pytest.raises(FileNotFoundError):
        run.finish("train", [run.history], 1.0)
    assert not run.done("train")


def test_openings_of_the_test_split_are_counted_for_ever(tmp_path: Path) -> None:
    run = begun(tmp_path / "run", done=2)
    assert [run.open_test(), run.open_test()] == [1, 2]
    finish(run, "evaluate")
    run.begin(DATA, SETTINGS)
    assert RunFolder(run.path).open_test() == 3
    assert RunFolder(run.path).read_manifest()["test_openings"] == 3


# ---------------------------------------------------------------- the lock

_HOLDER = """
import sys
from pathlib import Path
from classifine.runs import RunFolder, Source
from classifine.settings import Settings

run = RunFolder(Path(sys.argv[1]))
with run.locked():
    run.begin([Source("data", "posts.csv", "1" * 64)], Settings())
    print("holding", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held(path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", _HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "holding\n"
            yield holder
        finally:
            holder.kill()


def test_a_second_process_is_refused_and_told_who_holds_the_folder(tmp_path: Path) -> None:
    path = tmp_path / "run"
    with held(path) as holder:
        with pytest.raises(RunRefused, match="another process is working in") as caught, RunFolder(path).locked():
            pytest.fail("two processes hold one folder")
        assert f"pid {holder.pid}, host {socket.gethostname()}, since 20" in str(caught.value)
        assert caught.value.exit_code == 73
        assert path.is_dir()


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    path = tmp_path / "run"
    with held(path) as holder:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    run = RunFolder(path)
    assert str(holder.pid) in run.holder.read_text()
    with run.locked():
        assert f"pid {os.getpid()}," in run.holder.read_text()
        assert run.begin(DATA, SETTINGS) is False


def test_one_process_cannot_hold_a_folder_twice_either(tmp_path: Path) -> None:
    path = tmp_path / "run"
    with RunFolder(path).locked():
        with pytest.raises(RunRefused, match=f"pid {os.getpid()}"), RunFolder(path).locked():
            pytest.fail("held twice")
        RunFolder(path).holder.unlink()
        with pytest.raises(RunRefused, match="a holder without a name"), RunFolder(path).locked():
            pytest.fail("held twice")
        begun(path, done=1)
    with RunFolder(path).locked():
        assert RunFolder(path).done("data")


@pytest.mark.parametrize("stop", [None, ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("begin", [False, True])
def test_a_folder_made_for_nothing_is_gone_again(tmp_path: Path, stop: type[BaseException] | None, begin: bool) -> None:
    run = RunFolder(tmp_path / "run")
    _hold(run, stop, begin=begin)
    assert not run.path.exists()


@pytest.mark.parametrize("stop", [None, ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("begin", [False, True])
def test_a_folder_that_was_there_stays(tmp_path: Path, stop: type[BaseException] | None, begin: bool) -> None:
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    _hold(run, stop, begin=begin)
    assert run.path.is_dir()
    assert not run.holder.exists()
    with run.locked():
        assert run.begin([Source("data", "mended.csv", "9" * 64)], SETTINGS) is False


def test_a_folder_with_a_stage_done_stays(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")

    def work() -> None:
        with run.locked():
            begun(run.path, done=1)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    assert run.done("data")
    assert not run.holder.exists()


def _hold(run: RunFolder, stop: type[BaseException] | None, *, begin: bool) -> None:
    def work() -> None:
        with run.locked():
            if begin:
                run.begin(DATA, SETTINGS)
            if stop is not None:
                raise stop

    if stop is None:
        work()
    else:
        with pytest.raises(stop):
            work()


def test_a_folder_that_may_not_be_written_to_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: filelock.FileLock, *anything: Any, **named: Any) -> None:
        raise PermissionError(13, "Permission denied", str(tmp_path / "run.lock"))

    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
    with pytest.raises(DiscError, match="Permission denied"), RunFolder(tmp_path).locked():
        pytest.fail("held without a lock")


def test_a_file_where_the_folder_should_be_is_wrong_use(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("mine")
    with pytest.raises(UsageError, match="File exists"), RunFolder(tmp_path / "run").locked():
        pytest.fail("held a file")
    assert (tmp_path / "run").read_text() == "mine"
