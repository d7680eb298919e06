"""Whatever stops a prediction, the same command goes on, and the output is the one of an undisturbed run."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import random
import signal
from pathlib import Path
from typing import Any

import pytest
from tests.prediction.forking import Forks

from classifine import durable

# Every time something is done to the disc in one prediction of the 1,000 rows, about.
MOMENTS = 130


def order(source: Path, out: Path, **more: Any) -> dict[str, Any]:
    return {"source": str(source), "out": str(out), **more}


def said(answer: dict[str, Any]) -> dict[str, Any]:
    assert answer["code"] == 0, answer["said"]
    found: dict[str, Any] = json.loads(answer["said"].splitlines()[-1])
    return found


def left(folder: Path, *known: str) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name not in known)


def killed_and_finished(
    forks: Forks, source: Path, folder: Path, expected: bytes, lots: random.Random, times: int = 1
) -> int:
    """Kill a prediction at random moments, and let it end; how often it was killed."""
    out, kills = folder / "out.csv", 0
    folder.mkdir()
    for _ in range(times):
        if lots.random() < 0.7:
            how: dict[str, Any] = {"failpoint": f"any:{lots.randint(1, MOMENTS)}"}
        else:
            how = {"kill_after": lots.uniform(0.0, 0.4), "seconds": 0.01}
        (answer,) = forks.predict(order(source, out, **how))
        assert answer["code"] in (0, -signal.SIGKILL), answer["said"]
        kills += answer["code"] != 0
        assert not out.exists() or out.read_bytes() == expected
    (answer,) = forks.predict(order(source, out))
    assert said(answer)["rows"] == 1000
    assert out.read_bytes() == expected
    assert set(left(folder)) - {".out.csv.lock"} == {"out.csv", "out.csv.manifest.json"}
    return kills


def test_five_kills_at_random_moments_change_nothing(forks: Forks, many: Path, expected: bytes, tmp_path: Path) -> None:
    lots = random.Random(8)
    kills = attempt = 0
    while kills < 5:
        kills += killed_and_finished(forks, many, tmp_path / f"try-{attempt}", expected, lots)
        attempt += 1


@pytest.mark.kill
@pytest.mark.timeout(1800)
def test_a_hundred_kills_at_random_moments_change_nothing(
    forks: Forks, many: Path, expected: bytes, tmp_path: Path
) -> None:
    lots = random.Random(100)
    kills = attempt = 0
    while kills < 100:
        kills += killed_and_finished(forks, many, tmp_path / f"try-{attempt}", expected, lots, 1 + attempt % 3)
        attempt += 1


@pytest.mark.kill
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", durable.FAILPOINTS)
def test_a_kill_at_each_point_changes_nothing(
    forks: Forks, many: Path, expected: bytes, tmp_path: Path, name: str
) -> None:
    for place in range(1, 60, 7):
        out = tmp_path / f"{place}" / "out.csv"
        (answer,) = forks.predict(order(many, out, failpoint=f"{name}:{place}"))
        assert answer["code"] in (0, -signal.SIGKILL)
        said(*forks.predict(order(many, out)))
        assert out.read_bytes() == expected


def test_a_full_disc_and_ctrl_c_stop_it_with_a_word_and_it_goes_on(
    forks: Forks, many: Path, expected: bytes, tmp_path: Path
) -> None:
    out = tmp_path / "out.csv"
    # the shards fit, and the output does not
    (answer,) = forks.predict(order(many, out, limit=30_000))
    assert answer["code"] == 74, answer["said"]
    assert "type the same command again" in " ".join(answer["said"].split())
    assert left(tmp_path, "many.csv") == [".out.csv.lock", "out.csv.parts"]
    (answer,) = forks.predict(order(many, out))
    assert "going on: 1,000 of 1,000 rows are done" in answer["said"]
    assert out.read_bytes() == expected
    again = tmp_path / "again.csv"
    (answer,) = forks.predict(order(many, again, ends=(signal.SIGINT, 4)))
    assert answer["code"] == 130, answer["said"]
    assert "same command again" in answer["said"]
    assert not list((tmp_path / "again.csv.parts" / "claims").iterdir())
    (answer,) = forks.predict(order(many, again))
    assert "going on: " in answer["said"]
    assert again.read_bytes() == expected


def test_several_processes_share_the_work_and_a_dead_ones_is_done(
    forks: Forks, many: Path, expected: bytes, tmp_path: Path
) -> None:
    out = tmp_path / "out.csv"
    (dead,) = forks.predict(order(many, out, part="0/3", ends=(signal.SIGKILL, 4)))
    assert dead["code"] == -signal.SIGKILL
    assert list((tmp_path / "out.csv.parts" / "claims").iterdir())
    others = forks.predict(*(order(many, out, part=f"{number}/3", seconds=0.02) for number in (1, 2)))
    assert [said(answer)["rows"] for answer in others] == [1000, 1000]
    assert out.read_bytes() == expected
    assert not (tmp_path / "out.csv.parts").exists()
    (late,) = forks.predict(order(many, out, part="0/3"))
    assert said(late)["nothing_to_do"]


def test_a_plain_second_process_is_refused(forks: Forks, many: Path, expected: bytes, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    one, two = forks.predict(order(many, out, seconds=0.05), order(many, out, seconds=0.05))
    assert sorted([one["code"], two["code"]]) == [0, 73]
    refused = one if one["code"] else two
    assert "another process is writing" in refused["said"]
    assert out.read_bytes() == expected


def test_each_row_stays_in_its_place(many: Path, expected: bytes) -> None:
    rows = list(csv.DictReader(io.StringIO(expected.decode("utf-8"), newline="")))
    with many.open(newline="", encoding="utf-8") as stream:
        assert [(row["n"], row["text"]) for row in rows] == [(row["n"], row["text"]) for row in csv.DictReader(stream)]
    assert [row["status"] for row in rows] == ["blank" if n % 97 == 5 else "ok" for n in range(1000)]
    shares = [hashlib.sha256(row["text"].encode()).digest()[0] / 255 for row in rows if row["text"]]
    assert [float(row["p_yes"]) for row in rows if row["text"]] == shares
