from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classifine import estimate_share
from classifine.doors.planned import plan_sample
from classifine.errors import RowsProblem, RunRefused, UsageError


def corpus(seed: int, n: int = 3000) -> tuple[dict[str, list[Any]], list[str]]:
    """Give predictions with probabilities that are right on average, and the true labels."""
    generator = np.random.default_rng(seed)
    p = generator.beta(0.4, 1.6, n)
    truth = generator.random(n) < p
    predicted = {
        "id": [str(k) for k in range(n)],
        "text": [f"text {k}" for k in range(n)],
        "predicted_label": ["yes" if one > 0.5 else "no" for one in p],
        "p_no": (1 - p).tolist(),
        "p_yes": p.tolist(),
    }
    return predicted, ["yes" if one else "no" for one in truth]


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def labelled(rows: list[dict[str, str]], truth: list[str]) -> dict[str, list[Any]]:
    return {
        "id": [row["id"] for row in rows],
        "probability": [row["probability"] for row in rows],
        "label": [truth[int(row["id"])] for row in rows],
    }


def test_the_sample_carries_its_probabilities_and_the_estimate_takes_it(tmp_path: Path) -> None:
    predicted, truth = corpus(1)
    plan = plan_sample(predicted, tmp_path / "sample.csv", of="yes", rows=300)
    rows = read(tmp_path / "sample.csv")
    assert plan.rows == len(rows) == 300
    assert set(rows[0]) == {"id", "text", "stratum", "probability", "label"}
    assert {row["label"] for row in rows} == {""}
    # what is uncertain is drawn more often, and each row stands for the rows of its stratum
    certain = [float(row["probability"]) for row in rows if float(predicted["p_yes"][int(row["id"])]) < 0.02]
    unsure = [float(row["probability"]) for row in rows if 0.4 < float(predicted["p_yes"][int(row["id"])]) < 0.6]
    assert max(certain) < min(unsure)
    assert sum(1 / float(row["probability"]) for row in rows) == pytest.approx(3000)
    assert plan.expected_width < plan.same_at_random
    found = estimate_share(predicted, labelled(rows, truth), sampled="known", probability="probability", of=["yes"])
    figure = found.of("yes").corrected
    assert (figure.low or 0) < truth.count("yes") / 3000 < (figure.high or 0)
    assert figure.width == pytest.approx(plan.expected_width, rel=0.35)


@pytest.mark.parametrize("studies", [3, pytest.param(100, marks=pytest.mark.slow)])
def test_a_pilot_is_used_and_kept_and_the_interval_holds(tmp_path: Path, studies: int) -> None:
    held = 0
    for seed in range(studies):
        predicted, truth = corpus(100 + seed, n=1500)
        places = np.random.default_rng(seed).choice(1500, 60, replace=False)
        pilot = {"id": [str(k) for k in places], "label": [truth[k] for k in places]}
        out = tmp_path / f"{seed}.csv"
        plan = plan_sample(predicted, out, of="yes", pilot=pilot, rows=120, seed=seed)
        rows = read(out)
        assert len(rows) == 180
        assert {row["id"] for row in rows if row["label"]} == set(pilot["id"])
        assert plan.now is not None
        assert plan.now > plan.expected_width
        sample = labelled(rows, truth)
        found = estimate_share(
            predicted, sample, sampled="known", probability="probability", of=["yes"], target="texts", confidence=0.9
        )
        figure = found.of("yes").corrected
        held += (figure.low or 0) <= truth.count("yes") / 1500 <= (figure.high or 1)
    assert held >= (0.84 * studies if studies > 10 else 1)


def test_a_width_is_turned_into_rows_and_fewer_than_at_random() -> None:
    predicted, truth = corpus(3)
    places = range(0, 3000, 30)
    pilot = {"id": [str(k) for k in places], "label": [truth[k] for k in places]}
    plan = plan_sample(predicted, of="yes", pilot=pilot, width=0.06)
    assert plan.expected_width <= 0.06
    assert plan.at_random is not None
    assert plan.rows + plan.pilot < plan.at_random
    assert list(plan.expected) == [200, 400]
    assert plan.expected[400] < plan.expected[200] < (plan.now or 0)
    narrow = plan_sample(predicted, of="yes", pilot=pilot, width=0.04)
    assert narrow.rows > plan.rows
    assert "foreseen ±" in plan.lines[0]


def test_what_cannot_be_planned_is_said(tmp_path: Path) -> None:
    predicted, _ = corpus(4, n=200)
    with pytest.raises(UsageError, match="how wide"):
        plan_sample(predicted, of="yes")
    with pytest.raises(UsageError, match="as narrow as"):
        plan_sample(predicted, of="yes", width=0.0001)
    with pytest.raises(UsageError, match="cannot be drawn"):
        plan_sample(predicted, of="yes", rows=500)
    with pytest.raises(RowsProblem, match="no probabilities of 'maybe'"):
        plan_sample(predicted, of="maybe", rows=50)
    mine = tmp_path / "sample.csv"
    mine.write_text("mine\n")
    with pytest.raises(RunRefused, match="would be overwritten"):
        plan_sample(predicted, mine, of="yes", rows=50)
    with pytest.raises(UsageError, match=r"\.csv"):
        plan_sample(predicted, tmp_path / "sample.xlsx", of="yes", rows=50)


def test_the_same_seed_draws_the_same_rows(tmp_path: Path) -> None:
    predicted, _ = corpus(5, n=500)
    for name in ("a", "b"):
        plan_sample(predicted, tmp_path / f"{name}.csv", of="yes", rows=80, seed=7)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
