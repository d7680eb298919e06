"""What was begun with something else is refused, saying how it differs; a damaged shard is done again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.prediction.forking import Digests

from classifine.errors import RunRefused, UsageError
from classifine.prediction.asked import Part
from classifine.prediction.bulk import predict_file
from classifine.prediction.claims import Claims
from classifine.prediction.shards import Plan, Work

MODEL = {"folder": "runs/a/model", "sha256": "a" * 64, "engine": "torch fp32"}


class Stopped(Exception):
    """What a test ends a prediction with."""


class Stops(Digests):
    """Ends its prediction at a call."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self._at = at

    def predict_proba(self, texts: Any) -> Any:
        self._at -= 1
        if self._at == 0:
            raise Stopped
        return super().predict_proba(texts)


def begun(source: Path, out: Path, **options: Any) -> Path:
    """Begin a prediction and end it with three shards of ten done; gives the folder of its parts."""
    with pytest.raises(Stopped):
        predict_file(Stops(4), source, out, model=MODEL, shard_rows=100, **options)
    parts = out.with_name(f"{out.name}.parts")
    assert len([*parts.glob("shard-*.parquet")]) == 3
    return parts


def test_only_what_is_missing_is_scored(many: Path, tmp_path: Path) -> None:
    begun(many, tmp_path / "out.csv")
    rest, told = Digests(), list[str]()
    result = predict_file(rest, many, tmp_path / "out.csv", model=MODEL, shard_rows=100, tell=told.append)
    assert (result.rows, result.blank, result.nothing_to_do) == (1000, 11, False)
    assert told == ["going on: 300 of 1,000 rows are done"]
    assert len(rest.seen) < 700
    whole = Digests()
    other = predict_file(whole, many, tmp_path / "whole.csv", model=MODEL, shard_rows=100)
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert other.labels == result.labels
    assert other.distinct == result.distinct == len(whole.seen)
    assert not (tmp_path / "out.csv.parts").exists()


def test_another_input_model_or_setting_is_refused_and_named(many: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    parts = begun(many, out)

    def refused(source: Path = many, model: dict[str, Any] = MODEL, **options: Any) -> str:
        with pytest.raises(RunRefused) as refusal:
            predict_file(Digests(), source, out, model=model, **{"shard_rows": 100, **options})
        return str(refusal.value)

    assert "model sha256: " + "a" * 16 in refused(model={**MODEL, "sha256": "b" * 64})
    assert "model engine: torch fp32 → OpenVINO bf16" in refused(model={**MODEL, "engine": "OpenVINO bf16"})
    assert "settings probabilities: all → none" in refused(probabilities="none")
    assert "settings shard rows: 100 → 200" in refused(shard_rows=200)
    other = tmp_path / "other.csv"
    other.write_bytes(many.read_bytes() + b"1000,one more\n")
    assert f"input: {many} → {other}" in refused(other)
    many.write_bytes(many.read_bytes().replace(b"post 1", b"post 2", 1))
    told = refused()
    assert f"input: the content of {many} changed" in told
    assert "--overwrite" in told
    assert len([*parts.glob("shard-*.parquet")]) == 3
    result = predict_file(Digests(), many, out, model=MODEL, shard_rows=100, overwrite=True)
    assert result.rows == 1000


def test_a_finished_output_is_known_again_and_not_replaced(many: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    first = predict_file(Digests(), many, out, model=MODEL)
    idle = Digests()
    again = predict_file(idle, many, out, model={**MODEL, "folder": "moved/model"})
    assert again.nothing_to_do
    assert not idle.seen
    assert (again.rows, again.labels) == (first.rows, first.labels)
    with pytest.raises(RunRefused, match=r"is there already.*\n.*\n.*settings prefix: none → x_"):
        predict_file(idle, many, out, model=MODEL, prefix="x_")
    out.write_text("something else")
    assert predict_file(idle, many, out, model=MODEL).rows == 1000
    assert idle.seen
    assert len(out.read_text("utf-8").splitlines()) == 1001


def test_a_classifier_in_memory_begins_anew(many: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    with pytest.raises(Stopped):
        predict_file(Stops(4), many, out, shard_rows=100)
    scorer = Digests()
    assert predict_file(scorer, many, out, shard_rows=100).distinct == len(scorer.seen)
    assert predict_file(scorer, many, out).rows == 1000
    assert not (tmp_path / "out.csv.manifest.json").exists()
    with pytest.raises(UsageError, match="run folder"):
        predict_file(scorer, many, out, part=Part(0, 2))


@pytest.mark.parametrize("harm", ["cut", "changed", "gone", "no manifest", "half a manifest", "another plan"])
def test_a_damaged_shard_is_done_again(many: Path, expected: bytes, tmp_path: Path, harm: str) -> None:
    parts = begun(many, tmp_path / "out.csv")
    shard = next(parts.glob("shard-000001.*.parquet"))
    about, content = shard.with_suffix(".json"), shard.read_bytes()
    match harm:
        case "cut":
            shard.write_bytes(content[:-1])
        case "changed":
            shard.write_bytes(content[:99] + bytes([content[99] ^ 1]) + content[100:])
        case "gone":
            shard.unlink()
        case "no manifest":
            about.unlink()
        case "half a manifest":
            about.write_text(about.read_text()[:40])
        case "another plan":
            about.write_text(json.dumps({**json.loads(about.read_text()), "plan": "x"}))
    told: list[str] = []
    predict_file(Digests(), many, tmp_path / "out.csv", model=MODEL, shard_rows=100, tell=told.append)
    assert told == ["going on: 200 of 1,000 rows are done"]
    assert (tmp_path / "out.csv").read_bytes() == expected


def test_what_is_missing_is_said_when_only_merging_is_asked_for(many: Path, tmp_path: Path) -> None:
    begun(many, tmp_path / "out.csv")
    with pytest.raises(RunRefused, match=r"7 shards of 10 with 700 rows are missing(?s:.*)rows 301 to 400"):
        predict_file(Digests(), many, tmp_path / "out.csv", model=MODEL, shard_rows=100, merge=True)
    assert not (tmp_path / "out.csv").exists()


def test_a_folder_that_is_not_ours_is_left_alone(many: Path, tmp_path: Path) -> None:
    (tmp_path / "out.csv.parts").mkdir()
    (tmp_path / "out.csv.parts" / "thesis.txt").write_text("mine")
    with pytest.raises(RunRefused, match="no unfinished prediction"):
        predict_file(Digests(), many, tmp_path / "out.csv", model=MODEL, shard_rows=100, overwrite=True)
    assert (tmp_path / "out.csv.parts" / "thesis.txt").read_text() == "mine"


def test_a_plan_ends_shards_by_rows_or_by_characters() -> None:
    work = Work((), {}, {})
    pieces = [(10, 5), (10, 5), (10, 500), (10, 5), (5, 5)]
    plan = Plan.of(work, pieces, rows=20, characters=400)
    assert plan.stops == (20, 30, 45)
    assert [plan.span(number) for number in range(len(plan))] == [(0, 20), (20, 30), (30, 45)]
    assert plan.rows == 45


def test_which_part_this_is() -> None:
    assert Part.named("0/1") == Part(0, 1)
    for wrong in ("8/8", "1", "a/b", "-1/4", "1/0", "1 of 2"):
        with pytest.raises(UsageError, match="shard"):
            Part.named(wrong)


def test_a_claim_is_for_one_and_a_dead_workers_is_taken_over(tmp_path: Path) -> None:
    with Claims(tmp_path) as mine, Claims(tmp_path) as other:
        assert mine.take(3)
        assert not other.take(3)
        assert other.held(3)
        mine.release(3)
        assert not other.held(3)
        assert other.take(3)
        mine.release(3)  # it is no longer its own
        assert mine.held(3)
        code = "import pathlib, sys; from classifine.prediction.claims import Claims"
        code += "; Claims(pathlib.Path(sys.argv[1])).take(7)"
        subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, timeout=60)
        assert not mine.held(7)
        assert mine.take(7)
        assert other.held(7)


def test_a_worker_elsewhere_lives_as_long_as_its_claim_is_renewed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("classifine.prediction.claims.time.monotonic", lambda: now)
    claims = Claims(tmp_path, lease=60)
    path = tmp_path / "000004"
    path.write_text(json.dumps({"host": "far away", "boot": "x", "pid": 1, "born": "1", "token": "abc"}))
    assert claims.held(4)
    now += 50
    assert claims.held(4)
    os.utime(path, (1, 1))  # a sign of life, by whatever clock
    now += 50
    assert claims.held(4)
    now += 59
    assert claims.held(4)
    now += 2
    assert not claims.held(4)
    assert claims.take(4)
