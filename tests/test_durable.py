"""Artefacts are there in full or not at all, whatever happens in between."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classifine import durable
from classifine.errors import DiscError, UsageError

Write = Callable[[Path], None]


def child(code: str, *arguments: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False
    )


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write_new(path: Path) -> None:
    durable.write_text(path, "new")


def stage_new(folder: Path) -> None:
    with durable.staging(folder) as staged:
        (staged / "deep").mkdir()
        (staged / "deep" / "weights").write_text("new")


# ---------------------------------------------------------------- appears whole, or not


def test_a_file_appears_when_the_block_ends_and_not_before(tmp_path: Path) -> None:
    path = tmp_path / "made" / "on the way" / "a.txt"
    with durable.writing(path) as stream:
        stream.write(b"half")
        assert not path.exists()
        stream.write(b" and half")
    assert path.read_bytes() == b"half and half"
    assert names(path.parent) == ["a.txt"]


@pytest.mark.parametrize("stop", [ValueError, KeyboardInterrupt, SystemExit, MemoryError])
def test_whatever_stops_the_block_leaves_the_old_file_alone(tmp_path: Path, stop: type[BaseException]) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def work() -> None:
        with durable.writing(path) as stream:
            stream.write(b"half of the new")
            raise stop

    with pytest.raises(stop):
        work()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_a_value_that_json_cannot_hold_leaves_the_old_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    durable.write_json(path, {"f1": 0.5})
    with pytest.raises(ValueError, match="not JSON compliant"):
        durable.write_json(path, {"f1": float("nan")})
    assert json.loads(path.read_text()) == {"f1": 0.5}


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.text(), st.text() | st.integers() | st.none()))
def test_json_comes_back_with_any_text_in_it(tmp_path: Path, value: dict[str, Any]) -> None:
    durable.write_json(tmp_path / "a.json", value)
    assert json.loads((tmp_path / "a.json").read_bytes()) == value


def test_json_holds_a_file_name_that_is_no_text(tmp_path: Path) -> None:
    path = os.fsdecode(b"caf\xe9.csv")
    durable.write_json(tmp_path / "a.json", {"path": path, "label": "é → 😀"})
    written = (tmp_path / "a.json").read_text("utf-8")
    assert json.loads(written)["path"] == path
    assert "é → 😀" in written


def test_text_keeps_its_line_ends(tmp_path: Path) -> None:
    durable.write_text(tmp_path / "a.csv", "a\r\nb\nc\rd")
    assert (tmp_path / "a.csv").read_bytes() == b"a\r\nb\nc\rd"


def test_a_table_comes_back(tmp_path: Path) -> None:
    table = pa.table({"text": ["a", None, "é\n😀"], "p": [0.1, None, 1e-300]})
    durable.write_parquet(tmp_path / "a.parquet", table)
    assert pq.read_table(tmp_path / "a.parquet").equals(table)


# ---------------------------------------------------------------- folders


def test_a_folder_is_replaced_only_at_success(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "old").write_text("old")
    with durable.staging(folder) as staged:
        assert names(staged) == []
        (staged / "weights").write_text("new")
        assert names(folder) == ["old"]
    assert names(folder) == ["weights"]
    assert names(tmp_path) == ["model"]


@pytest.mark.parametrize("stop", [ValueError, KeyboardInterrupt])
def test_a_failed_staging_leaves_the_old_folder_alone(tmp_path: Path, stop: type[BaseException]) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "old").write_text("old")

    def work() -> None:
        with durable.staging(folder) as staged:
            (staged / "weights").write_text("half")
            raise stop

    with pytest.raises(stop):
        work()
    assert names(folder) == ["old"]
    assert names(tmp_path) == ["model"]


def test_when_the_new_folder_cannot_take_its_place_the_old_one_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "old").write_text("old")
    real = Path.replace

    def full(self: Path, target: Path) -> Path:
        if self.name == ".model.partial":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self))
        return real(self, target)

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(DiscError):
        stage_new(folder)
    assert names(folder) == ["old"]
    assert names(tmp_path) == ["model"]


def test_staging_starts_empty_after_a_crash(tmp_path: Path) -> None:
    (tmp_path / ".model.partial").mkdir()
    (tmp_path / ".model.partial" / "from the crash").write_text("half")
    stage_new(tmp_path / "model")
    assert names(tmp_path / "model") == ["deep"]


def test_a_folder_left_aside_by_a_crash_is_not_in_the_way(tmp_path: Path) -> None:
    for name in ("model", ".model.replaced"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "weights").write_text(name)
    stage_new(tmp_path / "model")
    assert names(tmp_path) == ["model"]
    assert names(tmp_path / "model") == ["deep"]


def test_a_link_in_the_way_is_replaced_and_what_it_points_to_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "precious").write_text("keep")
    (tmp_path / "model").symlink_to("elsewhere")
    stage_new(tmp_path / "model")
    assert not (tmp_path / "model").is_symlink()
    assert names(tmp_path / "elsewhere") == ["precious"]


def test_a_scratch_folder_is_empty_and_goes_however_the_block_ends(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    (folder / "from a crash").write_text("old")

    def work() -> None:
        with durable.scratch(folder) as empty:
            assert names(empty) == []
            (empty / "deep").mkdir()
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        work()
    assert not folder.exists()


def test_sweep_removes_only_what_an_interrupted_write_left(tmp_path: Path) -> None:
    (tmp_path / ".a.json.partial").write_text("half")
    (tmp_path / ".model.partial" / "deep").mkdir(parents=True)
    (tmp_path / "kept").mkdir()
    (tmp_path / ".link.partial").symlink_to("kept")
    for kept in ("a.json", "b.partial", ".hidden"):
        (tmp_path / kept).write_text("mine")
    durable.sweep(tmp_path)
    assert names(tmp_path) == [".hidden", "a.json", "b.partial", "kept"]


def test_sweep_brings_back_a_folder_that_nothing_replaced(tmp_path: Path) -> None:
    (tmp_path / ".model.replaced").mkdir()
    (tmp_path / ".model.replaced" / "weights").write_text("old")
    (tmp_path / ".other.replaced").mkdir()
    (tmp_path / "other").mkdir()
    durable.sweep(tmp_path)
    assert names(tmp_path) == ["model", "other"]
    assert names(tmp_path / "model") == ["weights"]


def test_sweeping_a_folder_that_is_not_there_is_nothing(tmp_path: Path) -> None:
    durable.sweep(tmp_path / "absent")
    assert names(tmp_path) == []


# ---------------------------------------------------------------- power loss: fsync before rename


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    told: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def recorded_fsync(handle: int) -> None:
        told.append(f"fsync {Path(f'/proc/self/fd/{handle}').readlink().name}")
        fsync(handle)

    def recorded_replace(self: Path, target: Path) -> Path:
        told.append(f"rename {self.name} {target.name}")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", recorded_fsync)
    monkeypatch.setattr(Path, "replace", recorded_replace)
    return told


needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="names of open files are read from /proc")


@needs_proc
def test_a_file_is_on_the_disc_before_it_gets_its_name(tmp_path: Path, calls: list[str]) -> None:
    write_new(tmp_path / "a.txt")
    assert calls == ["fsync .a.txt.partial", "rename .a.txt.partial a.txt", f"fsync {tmp_path.name}"]


@needs_proc
def test_all_bytes_are_handed_over_before_the_fsync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda handle: sizes.append(os.fstat(handle).st_size))
    durable.write_bytes(tmp_path / "a", b"x" * 100)
    assert sizes[0] == 100


@needs_proc
def test_every_file_of_a_folder_is_on_the_disc_before_the_folder_gets_its_name(
    tmp_path: Path, calls: list[str]
) -> None:
    (tmp_path / "model").mkdir()
    stage_new(tmp_path / "model")
    assert calls == [
        "fsync deep",
        "fsync weights",
        "fsync .model.partial",
        "rename model .model.replaced",
        "rename .model.partial model",
        f"fsync {tmp_path.name}",
    ]


# ---------------------------------------------------------------- kill -9

_KILLED_BEFORE = """
import os, signal, sys
from pathlib import Path
from classifine import durable

place, target = sys.argv[1], Path(sys.argv[2])

def die(*anything, **named):
    os.kill(os.getpid(), signal.SIGKILL)

def unless(original, partial):
    return lambda self, aim: die() if self.name.endswith(".partial") == partial else original(self, aim)

if place == "fsync":
    os.fsync = die
elif place == "rename":
    Path.replace = unless(Path.replace, True)
elif place == "stepping aside":
    Path.replace = unless(Path.replace, False)
elif place == "fsync of the parent":
    sync = durable._sync_folder
    durable._sync_folder = lambda folder: die() if folder == target.parent else sync(folder)
if target.suffix:
    durable.write_text(target, "new" * 10000)
else:
    with durable.staging(target) as staged:
        (staged / "weights").write_text("new" * 10000)
print("alive")
"""


@pytest.mark.parametrize(
    ("place", "left"), [("fsync", "old"), ("rename", "old"), ("fsync of the parent", "new" * 10000)]
)
def test_a_killed_process_leaves_the_old_file_or_the_new(tmp_path: Path, place: str, left: str) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    assert child(_KILLED_BEFORE, Path(place), path).returncode == -signal.SIGKILL
    assert path.read_text() == left
    durable.sweep(tmp_path)
    assert names(tmp_path) == ["a.txt"]
    write_new(path)
    assert path.read_text() == "new"


@pytest.mark.parametrize(
    ("place", "left"),
    [("fsync", "old"), ("stepping aside", "old"), ("rename", "old"), ("fsync of the parent", "new" * 10000)],
)
def test_a_killed_process_leaves_the_old_folder_or_the_new(tmp_path: Path, place: str, left: str) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "weights").write_text("old")
    assert child(_KILLED_BEFORE, Path(place), folder).returncode == -signal.SIGKILL
    durable.sweep(tmp_path)
    assert names(tmp_path) == ["model"]
    assert (folder / "weights").read_text() == left


def test_the_child_lives_when_nobody_kills_it(tmp_path: Path) -> None:
    assert child(_KILLED_BEFORE, Path("never"), tmp_path / "a.txt").stdout == "alive\n"


_ALL_STEPS = """
import sys
from pathlib import Path
from classifine import durable

folder = Path(sys.argv[1])
with durable.staging(folder / "model") as staged:
    durable.write_text(staged / "weights", "new")
durable.remove(folder / "leaving")
durable.move(folder / "moving", folder / "moved")
print("alive")
"""


@pytest.mark.parametrize("point", durable.FAILPOINTS)
def test_a_test_can_kill_at_each_named_point_and_nothing_is_half_there(
    tmp_path: Path, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for count in range(1, 9):
        folder = tmp_path / str(count)
        for name in ("model", "leaving", "moving"):
            (folder / name).mkdir(parents=True)
            (folder / name / "weights").write_text("old")
        monkeypatch.setenv("CLASSIFINE_FAILPOINT", f"{point}:{count}")
        done = child(_ALL_STEPS, folder)
        durable.sweep(folder)
        found = {file.parent.name: file.read_text() for file in durable.files_below(folder)}
        assert found.pop("model") in {"old", "new"}
        assert found.pop("leaving", "old") == "old"
        assert found in ({"moving": "old"}, {"moved": "old"})
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL
    assert count > 1


# ---------------------------------------------------------------- moving and removing


def test_a_folder_moves_over_what_stood_there(tmp_path: Path) -> None:
    for name in ("broken", "quarantine/broken"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / name.replace("/", " ")).write_text("")
    durable.move(tmp_path / "broken", tmp_path / "quarantine" / "broken")
    assert names(tmp_path) == ["quarantine"]
    assert names(tmp_path / "quarantine" / "broken") == ["broken"]


def test_what_is_removed_is_gone_and_what_a_link_points_to_is_not(tmp_path: Path) -> None:
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    (tmp_path / "file").write_text("")
    (tmp_path / "kept").mkdir()
    (tmp_path / "link").symlink_to("kept")
    for name in ("folder", "file", "link", "never there"):
        durable.remove(tmp_path / name)
    assert names(tmp_path) == ["kept"]


def test_free_space_is_what_the_system_says(tmp_path: Path) -> None:
    assert durable.free_bytes(tmp_path) > 0
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError):
        durable.free_bytes(tmp_path / "file" / "below")


# ---------------------------------------------------------------- the disc refuses


def test_a_refusal_that_a_writer_tells_in_its_own_words_is_found_behind_them(tmp_path: Path) -> None:
    def write(stream: Any) -> None:
        try:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
        except OSError:
            raise RuntimeError("unexpected pos 704 vs 598")  # noqa: B904 - as torch does

    with pytest.raises(DiscError, match=os.strerror(errno.EFBIG)):
        durable.write_by(tmp_path / "optimizer.pt", write)
    assert names(tmp_path) == []


_FULL = """
import resource, sys
from pathlib import Path
import pyarrow as pa
from classifine import durable
from classifine.errors import DiscError

def stage_by_rust(folder):
    import numpy as np
    from safetensors.numpy import save_file
    with durable.staging(folder) as staged:
        save_file({"weights": np.zeros(100_000)}, staged / "model.safetensors")

writers = {
    "file": lambda path: durable.write_bytes(path, bytes(100_000)),
    "table": lambda path: durable.write_parquet(path, pa.table({"a": [str(n * n) for n in range(50_000)]})),
    "folder": stage_by_rust,
}
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    writers[sys.argv[1]](Path(sys.argv[2]))
except DiscError as error:
    print(error)
    durable.write_text(Path(sys.argv[2]).parent / "small.txt", "room for this")
"""


@pytest.mark.parametrize("kind", ["file", "table", "folder"])
def test_a_full_disc_is_told_and_leaves_what_was_there(tmp_path: Path, kind: str) -> None:
    target = tmp_path / "target"
    if kind == "folder":
        target.mkdir()
    else:
        target.write_text("old")
    done = child(_FULL, Path(kind), target)
    assert done.stdout.startswith(f"could not write {target}: File too large\n"), done.stderr
    assert "free some space" in done.stdout
    assert names(tmp_path) == ["small.txt", "target"]
    assert target.is_dir() or target.read_text() == "old"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EACCES, errno.EPERM])
@pytest.mark.parametrize("operation", ["fsync", "rename", "mkdir"])
@pytest.mark.parametrize("write", [write_new, stage_new])
def test_every_refusal_of_the_disc_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, operation: str, write: Write
) -> None:
    def refuse(first: Any, *rest: Any, **named: Any) -> None:
        if isinstance(first, int):
            raise OSError(number, os.strerror(number))
        raise OSError(number, os.strerror(number), str(first))

    place = {"fsync": (os, "fsync"), "rename": (Path, "replace"), "mkdir": (Path, "mkdir")}[operation]
    with monkeypatch.context() as patch:
        patch.setattr(*place, refuse)
        with pytest.raises(DiscError, match=os.strerror(number)):
            write(tmp_path / "target")
    assert names(tmp_path) == []


_NOT_ALLOWED = """
import os, sys
from pathlib import Path
from classifine import durable
from classifine.errors import DiscError

def stage(folder):
    with durable.staging(folder):
        pass

writers = {"file": lambda path: durable.write_text(path, "new"), "folder": durable.make_folder, "staged": stage}
if os.geteuid() == 0:  # root may write everywhere, so be nobody
    os.setuid(65534)
try:
    writers[sys.argv[1]](Path(sys.argv[2]))
except DiscError as error:
    print(error)
"""


@pytest.mark.parametrize("below", ["target", "deep/target"])
@pytest.mark.parametrize("kind", ["file", "folder", "staged"])
def test_a_read_only_folder_is_told(tmp_path: Path, kind: str, below: str) -> None:
    folder = tmp_path / "read-only"
    folder.mkdir(mode=0o500)
    done = child(_NOT_ALLOWED, Path(kind), folder / below)
    assert done.stdout.startswith(f"could not write {folder / below}: Permission denied\n"), done.stderr
    assert "choose a folder you may write to" in done.stdout


@pytest.mark.parametrize("write", [write_new, stage_new, durable.make_folder])
@pytest.mark.parametrize("below", ["target", "deep/target"])
def test_a_path_through_a_file_is_wrong_use(tmp_path: Path, write: Write, below: str) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UsageError, match=r"could not write .*: (Not a directory|File exists)") as caught:
        write(tmp_path / "file" / below)
    assert caught.value.exit_code == 2
    assert (tmp_path / "file").read_text() == "mine"


def test_a_file_in_place_of_a_folder_and_the_other_way_round_are_wrong_use(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError, match="File exists"):
        durable.make_folder(tmp_path / "file")
    with pytest.raises(UsageError, match="Is a directory"):
        write_new(tmp_path / "folder")
    with pytest.raises(UsageError, match="File name too long"):
        write_new(tmp_path / ("a" * 300))
    assert names(tmp_path) == ["file", "folder"]


def test_a_folder_that_vanishes_under_the_writer_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "run"

    def work() -> None:
        with durable.writing(folder / "a.txt") as stream:
            stream.write(b"new")
            stream.flush()
            (folder / ".a.txt.partial").unlink()
            folder.rmdir()

    with pytest.raises(DiscError, match="No such file"):
        work()


def test_trouble_with_somebody_elses_file_is_not_taken_for_ours(tmp_path: Path) -> None:
    with pytest.raises(PermissionError), durable.writing(tmp_path / "out.csv"):
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "in.csv"))
    with pytest.raises(FileNotFoundError), durable.staging(tmp_path / "model") as staged:
        (staged / "never written").read_text()
    with pytest.raises(RuntimeError, match="os error 2"), durable.staging(tmp_path / "model"):
        raise RuntimeError("No such file or directory (os error 2)")
    assert names(tmp_path) == []


def test_a_relative_path_works_and_fails_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_new(Path("a.txt"))
    stage_new(Path("model"))
    assert names(tmp_path) == ["a.txt", "model"]
    with pytest.raises(UsageError):
        write_new(Path("a.txt/b.txt"))


# ---------------------------------------------------------------- digests


@given(st.binary(max_size=200))
def test_a_files_digest_is_sha256(content: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a"
        path.write_bytes(content)
        assert durable.sha256(path) == hashlib.sha256(content).hexdigest()


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.integers(), min_size=2))
def test_a_fingerprint_does_not_depend_on_key_order(value: dict[str, int]) -> None:
    turned = dict(reversed(value.items()))
    assert durable.fingerprint(value) == durable.fingerprint(turned)
    name = next(iter(value))
    assert durable.fingerprint(value) != durable.fingerprint({**value, name: value[name] + 1})


def test_files_below_are_all_files_in_a_fixed_order(tmp_path: Path) -> None:
    for name in ("b/z", "b/a", "a"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "empty").mkdir()
    assert durable.files_below(tmp_path) == [tmp_path / "a", tmp_path / "b" / "a", tmp_path / "b" / "z"]
