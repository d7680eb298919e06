"""Texts of a file, predicted by a run and corrected by its test texts; and why these may serve as gold, or may not."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from classifine import estimate_mean, estimate_share
from classifine.data.splits.storing import splits_table
from classifine.doors.run_estimates import estimate_run
from classifine.errors import ColumnProblem, Contaminated, UsageError
from classifine.labels import LabelSpace
from classifine.runs import RunFolder, Source
from classifine.settings import Settings
from classifine.tables import LabelledTexts, Predictions, Splits

Build = Callable[..., RunFolder]


def part(name: str, n: int, seed: int) -> LabelledTexts:
    generator = np.random.default_rng(seed)
    return LabelledTexts(
        ids=tuple(f"{name}{k}" for k in range(n)),
        texts=tuple(f"{name} text {k}" for k in range(n)),
        labels=tuple(generator.choice(["no", "yes"], n, p=[0.7, 0.3]).tolist()),
        rows=tuple(range(1, n + 1)),
        times=tuple(f"2025-0{1 + k % 2}-01" for k in range(n)),
    )


def said(truth: np.ndarray, seed: int) -> np.ndarray:
    """Give the probability of yes by a classifier that says yes too often."""
    generator = np.random.default_rng(seed)
    right = generator.random(len(truth)) < np.where(truth == "yes", 0.9, 0.75)
    return np.where((truth == "yes") == right, 0.8, 0.2)


@pytest.fixture(autouse=True)
def no_look_for_drift(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the look for drift, which has its own tests and takes a second."""
    from classifine.data.audit.findings import Finding

    found = Finding("drift", "good", "nobody looked")
    monkeypatch.setattr("classifine.data.audit.drift.drift", lambda *given: found)


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Make the folder of an evaluated run with 150 test texts."""

    def made(data: Mapping[str, Any] | None = None, *, contaminated: bool = False, role: str = "data") -> RunFolder:
        run = RunFolder(tmp_path / "run")
        run.path.mkdir()
        settings = Settings().with_names(dict(data or {}))
        run.begin([Source(role, "posts.csv", "0" * 64)], settings)
        space = LabelSpace(("no", "yes"))
        splits = Splits(part("a", 60, 1), part("b", 40, 2), part("c", 150, 3), space)
        table = splits_table(splits)
        pq.write_table(table.drop_columns(["split"]), run.rows)
        pq.write_table(table.select(["id", "split"]), run.splits)
        run.audit.write_text(json.dumps({"left_out": [{"reason": "tie, dropped", "count": 7}]}), "utf-8")
        run.finish("data", [run.rows, run.splits, run.audit], 1.0)
        run.finish("train", [], 1.0)
        run.predictions.mkdir()
        p = said(np.array(splits.test.labels), 4)
        predictions = Predictions(
            ids=splits.test.ids,
            texts=splits.test.texts,
            truth=splits.test.labels,
            predicted=tuple("yes" if one > 0.5 else "no" for one in p),
            probabilities=np.column_stack([1 - p, p]),
            status=("ok",) * len(p),
            space=space,
            split="test",
        )
        pq.write_table(predictions.to_arrow(), run.predictions / "test.parquet")
        run.scorecard.write_text(json.dumps({"seen": {"contaminated": True} if contaminated else None}), "utf-8")
        run.finish("evaluate", [run.predictions / "test.parquet", run.scorecard], 1.0)
        return run

    return made


def further(path: Path, texts: list[str] | None = None) -> tuple[Path, float]:
    """Write 900 further texts with the run's predictions, and give the true share of yes among them."""
    truth = np.random.default_rng(9).choice(["no", "yes"], 900, p=[0.7, 0.3])
    p = said(truth, 10)
    columns = {
        "text": [*(texts or []), *(f"further {k}" for k in range(900))][:900],
        "predicted_label": ["yes" if one > 0.5 else "no" for one in p],
        "p_no": 1 - p,
        "p_yes": p,
        "when": [f"2025-0{1 + k % 2}-03" for k in range(900)],
    }
    pq.write_table(pa.table(columns), path)
    return path, float((truth == "yes").mean())


def test_the_test_texts_correct_the_count(build: Build, tmp_path: Path) -> None:
    run = build()
    file, truth = further(tmp_path / "further.parquet")
    found = estimate_run(run.path, file, estimate_share, sampled="random", options={"positive": "yes"})
    (one,) = found.answers
    assert (one.texts, one.gold) == (900, 150)
    assert (one.uncorrected.low or 0) > truth
    assert (one.corrected.low or 0) < truth < (one.corrected.high or 0)
    assert any("drawn at random from the labelled ones" in caution for caution in found.cautions)
    assert any("7 rows (tie, dropped)" in caution for caution in found.cautions)
    kept = json.loads(run.estimates.read_text("utf-8"))
    assert kept["answers"][0]["corrected"]["value"] == one.corrected.value
    assert (run.path / "estimates.csv").is_file()
    assert not (run.path / "estimates.html").exists()


def test_labelled_texts_in_the_file_are_not_spoken_of(build: Build, tmp_path: Path) -> None:
    file, _ = further(tmp_path / "further.parquet", ["A  text 1", "c text 5"])
    found = estimate_run(build().path, file, estimate_share, sampled="random", options={})
    assert found.texts == 898
    assert any("2 texts of the file stand among the labelled texts" in note for note in found.notes)


def test_it_must_be_said_whether_both_come_from_the_same_texts(build: Build, tmp_path: Path) -> None:
    run = build()
    file, _ = further(tmp_path / "further.parquet")
    with pytest.raises(UsageError, match="say whether") as told:
        estimate_run(run.path, file, estimate_share, sampled=None, options={})
    assert "150 test texts were drawn at random" in str(told.value)
    with pytest.raises(UsageError, match="no known probabilities"):
        estimate_run(run.path, file, estimate_share, sampled="known", options={})


@pytest.mark.parametrize(
    ("data", "role", "why"),
    [
        ({"time": "date"}, "data", "the latest by 'date'"),
        ({"split": "part"}, "data", "the column 'part' says"),
        ({}, "test", "a file of their own"),
    ],
)
def test_test_texts_that_chance_did_not_choose_are_no_random_sample(
    build: Build, tmp_path: Path, data: dict[str, str], role: str, why: str
) -> None:
    run = build(data, role=role)
    file, _ = further(tmp_path / "further.parquet")
    with pytest.raises(UsageError, match="no random part") as told:
        estimate_run(run.path, file, estimate_share, sampled="random", options={})
    assert why in str(told.value)
    found = estimate_run(run.path, file, estimate_share, sampled="convenience", options={"positive": "yes"})
    assert found.assumption


def test_contaminated_test_texts_are_no_gold(build: Build, tmp_path: Path) -> None:
    run = build(contaminated=True)
    file, _ = further(tmp_path / "further.parquet")
    with pytest.raises(Contaminated, match="contaminated"):
        estimate_run(run.path, file, estimate_share, sampled="random", options={})


def test_groups_need_columns_the_run_has_kept(build: Build, tmp_path: Path) -> None:
    run = build()
    file, _ = further(tmp_path / "further.parquet")
    with pytest.raises(ColumnProblem, match="did not keep the column 'when'"):
        estimate_run(run.path, file, estimate_share, sampled="random", options={"time": "when", "period": "month"})


def test_other_questions_are_asked_the_same_way(build: Build, tmp_path: Path) -> None:
    file, truth = further(tmp_path / "further.parquet")
    options = {"codes": {"no": 0.0, "yes": 1.0}}
    out = tmp_path / "mean.json"
    found = estimate_run(build().path, file, estimate_mean, sampled="random", options=options, out=out)
    assert (found.of("mean").corrected.low or 0) < truth < (found.of("mean").corrected.high or 0)
    assert (tmp_path / "mean.html").is_file()
