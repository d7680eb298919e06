"""Only whole checkpoints of the same training are used; there are few of them, and a full disc stops nothing."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from classifine import durable
from classifine.errors import DiscError, RunRefused
from classifine.training.checkpoints import MANIFEST, Checkpoints, Origin, below

ORIGIN = Origin(
    {"seed": 7, "labels": ("no", "yes")}, {"training texts": "a1", "base model, x": "b2"}, {"torch": "2.13"}
)


def write(folder: Path) -> None:
    (folder / "weights").write_text("the weights")
    (folder / "optimizer").write_text("its state")


def begun(folder: Path, *steps: int, origin: Origin = ORIGIN, told: list[str] | None = None) -> Checkpoints:
    """Begin a training, or go on with it, and save after some steps."""
    tell = (lambda line: None) if told is None else told.append
    kept = Checkpoints(folder / "checkpoints", quarantine=folder / "quarantine", tell=tell)
    kept.begin(origin, room=1)
    for step in steps:
        assert kept.save(step, size=100, write=write)
    return kept


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def whole(folder: Path) -> str | None:
    return None


def test_the_newest_is_found_and_two_are_kept(tmp_path: Path) -> None:
    kept = begun(tmp_path, 2, 9, 10)
    assert kept.newest(whole) == tmp_path / "checkpoints" / "checkpoint-10"
    assert names(tmp_path / "checkpoints") == ["checkpoint-10", "checkpoint-9"]


def test_steps_decide_what_is_newest_and_not_the_clock(tmp_path: Path) -> None:
    kept = begun(tmp_path, 9, 10)
    os.utime(tmp_path / "checkpoints" / "checkpoint-10", (1, 1))
    os.utime(tmp_path / "checkpoints" / "checkpoint-9", (2e9, 2e9))
    assert kept.newest(whole) == tmp_path / "checkpoints" / "checkpoint-10"


def truncated(folder: Path) -> None:
    (folder / "weights").write_text("the wei")


def one_bit_off(folder: Path) -> None:
    (folder / "weights").write_text("the weighus")


def without_a_file(folder: Path) -> None:
    (folder / "optimizer").unlink()


def with_a_strange_file(folder: Path) -> None:
    (folder / "more").write_text("more")


def without_a_manifest(folder: Path) -> None:
    (folder / MANIFEST).unlink()


def with_half_a_manifest(folder: Path) -> None:
    (folder / MANIFEST).write_text((folder / MANIFEST).read_text()[:40])


def of_another_version(folder: Path) -> None:
    value = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps({**value, "format": 99}))


def empty(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()


@pytest.mark.parametrize(
    "harm",
    [
        truncated,
        one_bit_off,
        without_a_file,
        with_a_strange_file,
        without_a_manifest,
        with_half_a_manifest,
        of_another_version,
        empty,
    ],
)
def test_a_damaged_one_goes_to_quarantine_and_the_one_before_serves(
    tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    begun(tmp_path, 9, 10)
    harm(tmp_path / "checkpoints" / "checkpoint-10")
    told: list[str] = []
    assert begun(tmp_path, told=told).newest(whole) == tmp_path / "checkpoints" / "checkpoint-9"
    assert names(tmp_path / "quarantine") == ["checkpoint-10"]
    assert [line.split(" (")[0] for line in told] == ["checkpoint-10 is damaged", "going on from step 9"]


def test_what_the_training_misses_counts_as_damage(tmp_path: Path) -> None:
    begun(tmp_path, 9, 10)
    told: list[str] = []
    kept = begun(tmp_path, told=told)
    assert kept.newest(lambda folder: "without schedule" if folder.name.endswith("10") else None) is not None
    assert "without schedule" in told[0]


def test_when_all_are_damaged_training_begins_anew(tmp_path: Path) -> None:
    for _ in range(2):  # what is in quarantine already is no obstacle
        begun(tmp_path, 9, 10)
        for folder in (tmp_path / "checkpoints").iterdir():
            truncated(folder)
        assert begun(tmp_path).newest(whole) is None
        assert names(tmp_path / "checkpoints") == []
        assert names(tmp_path / "quarantine") == ["checkpoint-10", "checkpoint-9"]


def test_other_names_are_left_alone(tmp_path: Path) -> None:
    kept = begun(tmp_path)
    (tmp_path / "checkpoints" / "checkpoint-mine").mkdir()
    assert kept.newest(whole) is None
    assert names(tmp_path / "checkpoints") == ["checkpoint-mine"]


@pytest.mark.parametrize(
    ("now", "says"),
    [
        (Origin({**ORIGIN.settings, "seed": 8}, ORIGIN.contents, ORIGIN.machine), "seed: 7 → 8"),
        (Origin({**ORIGIN.settings, "more": 1}, ORIGIN.contents, ORIGIN.machine), "more: None → 1"),
        (
            Origin(ORIGIN.settings, {**ORIGIN.contents, "base model, x": "c3"}, ORIGIN.machine),
            "base model, x: the content changed",
        ),
    ],
)
def test_the_checkpoint_of_another_training_is_refused_with_the_difference(
    tmp_path: Path, now: Origin, says: str
) -> None:
    begun(tmp_path, 10)
    with pytest.raises(RunRefused, match=says) as refused:
        begun(tmp_path, origin=now).newest(whole)
    assert "to train anew" in str(refused.value)
    assert names(tmp_path / "checkpoints") == ["checkpoint-10"]


def test_another_machine_may_go_on_and_it_is_said(tmp_path: Path) -> None:
    begun(tmp_path, 10)
    told: list[str] = []
    now = Origin(ORIGIN.settings, ORIGIN.contents, {"torch": "2.14"})
    assert begun(tmp_path, origin=now, told=told).newest(whole) is not None
    assert "torch 2.13 → 2.14" in told[0]


def test_the_disc_is_asked_before_a_save_and_an_older_one_makes_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    kept = begun(tmp_path, 9, 10, told=told)
    monkeypatch.setattr(durable, "free_bytes", lambda folder: 1150)
    assert kept.save(11, size=900, write=write)
    assert not kept.save(12, size=1000, write=write)
    assert not kept.save(13, size=1000, write=write)
    assert names(tmp_path / "checkpoints") == ["checkpoint-11"]
    [line] = told
    assert "too little space for a checkpoint" in line
    assert "goes on from the checkpoint of step 11" in line


def test_a_training_whose_result_has_no_room_is_refused_before_it_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durable, "free_bytes", lambda folder: 10_000_000)
    with pytest.raises(DiscError, match="too little space for the classifier") as refused:
        Checkpoints(tmp_path / "c", quarantine=tmp_path / "q").begin(ORIGIN, room=10_000_000)
    assert "10 MB free" in str(refused.value)
    assert "12 MB" in str(refused.value)


def test_a_failed_save_leaves_nothing_of_itself(tmp_path: Path) -> None:
    def full(folder: Path) -> None:
        write(folder)
        raise OSError(28, "No space left on device", str(folder / "more"))

    told: list[str] = []
    kept = begun(tmp_path, told=told)
    assert not kept.save(5, size=1, write=full)
    assert names(tmp_path / "checkpoints") == []
    assert "goes on from the beginning" in told[0]


def test_saves_take_a_small_share_of_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr("classifine.training.checkpoints.time.monotonic", lambda: clock[0])

    def slowly(folder: Path) -> None:
        write(folder)
        clock[0] += 3

    kept = begun(tmp_path)
    assert kept.due(evaluated=True)  # the first tells what a save costs
    assert not kept.due(evaluated=False)
    kept.save(1, size=1, write=slowly)
    clock[0] += 3 / 0.05 - 1
    assert not kept.due(evaluated=True)
    clock[0] += 1
    assert kept.due(evaluated=True)
    assert not kept.due(evaluated=False)
    clock[0] += 600 - 3 / 0.05
    assert kept.due(evaluated=False)
    kept.share = math.inf
    kept.save(2, size=1, write=slowly)
    assert kept.due(evaluated=True)


def test_a_part_of_a_training_has_a_folder_of_its_own_and_the_same_quarantine_and_voice(tmp_path: Path) -> None:
    told: list[str] = []
    whole_one = begun(tmp_path, 3, told=told)
    part = below(whole_one, "seed-42")
    assert isinstance(part, Checkpoints)
    part.begin(ORIGIN, room=1)
    assert part.newest(whole) is None, "the checkpoints of the whole are not those of its part"
    assert part.save(5, size=100, write=write)
    assert names(tmp_path / "checkpoints") == ["checkpoint-3", "seed-42"]
    truncated(tmp_path / "checkpoints" / "seed-42" / "checkpoint-5")
    assert part.newest(whole) is None
    assert names(tmp_path / "quarantine") == ["checkpoint-5"]
    assert any("checkpoint-5 is damaged" in line for line in told)
    assert whole_one.newest(whole) == tmp_path / "checkpoints" / "checkpoint-3", "a part's folder is no checkpoint"


def test_below_a_plain_folder_lies_a_plain_folder(tmp_path: Path) -> None:
    assert below(tmp_path, "all-texts") == tmp_path / "all-texts"
