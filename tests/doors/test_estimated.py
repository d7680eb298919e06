from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classifine import estimate_mean, estimate_regression, estimate_share
from classifine.errors import ColumnProblem, Contaminated, DataError, LabelsProblem, RowsProblem, RunRefused, UsageError

N, GOLD = 400, 80


@pytest.fixture(autouse=True)
def no_look_for_drift(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Leave out the look for drift, which has its own tests and takes a second."""
    from classifine.data.audit.findings import Finding

    if "drift" in request.node.name:
        return
    found = Finding("drift", "good", "nobody looked")
    monkeypatch.setattr("classifine.data.audit.drift.drift", lambda *given: found)


def cells(n: int = N) -> dict[str, list[Any]]:
    """Give predictions of a classifier that errs, with a group, a date, a cluster and a number."""
    generator = np.random.default_rng(4)
    truth = generator.random(n) < 0.3
    said = np.where(generator.random(n) < 0.85, truth, ~truth)
    p = np.where(said, 0.8, 0.15)
    return {
        "id": [f"t{k}" for k in range(n)],
        "predicted_label": ["yes" if one else "no" for one in said],
        "p_no": (1 - p).tolist(),
        "p_yes": p.tolist(),
        "status": ["ok"] * n,
        "text": [f"post {k}" for k in range(n)],
        "kind": [("a", "b")[k % 2] for k in range(n)],
        "date": [f"2025-0{1 + k % 3}-10" for k in range(n)],
        "author": [f"u{k % 37}" for k in range(n)],
        "reposts": [k % 9 for k in range(n)],
        "truth": ["yes" if one else "no" for one in truth],
    }


def gold(rows: Sequence[int] = range(0, N, N // GOLD)) -> dict[str, list[Any]]:
    whole = cells()
    return {"id": [whole["id"][k] for k in rows], "label": [whole["truth"][k] for k in rows]}


def written(path: Path, columns: dict[str, list[Any]]) -> Path:
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


def test_files_and_frames_give_the_same(tmp_path: Path) -> None:
    import pandas as pd

    files = estimate_share(
        written(tmp_path / "p.csv", cells()), str(written(tmp_path / "g.csv", gold())), sampled="random", positive="yes"
    )
    frames = estimate_share(pd.DataFrame(cells()), pd.DataFrame(gold()), sampled="random", positive="yes")
    assert files == frames
    (one,) = files.answers
    assert (one.label, one.texts, one.gold) == ("yes", N, GOLD)
    share = cells()["truth"].count("yes") / N
    assert (one.corrected.low or 0) < share < (one.corrected.high or 0)
    assert one.uncorrected.value == cells()["predicted_label"].count("yes") / N
    assert one.gold_only.value == pytest.approx(gold()["label"].count("yes") / GOLD)
    assert "uncorrected" in files.lines[0]
    assert "PPI++" in files.paragraph
    assert files.method == "PPI++"


def test_two_labels_say_the_same_and_both_are_told_if_none_is_named() -> None:
    no, yes = estimate_share(cells(), gold(), sampled="random").answers
    assert (no.corrected.value or 0) + (yes.corrected.value or 0) == pytest.approx(1)


def test_groups_periods_and_both() -> None:
    by = estimate_share(cells(), gold(), sampled="random", of=["yes"], by="kind", differences="all")
    assert [one.group for one in by.answers] == [None, "a", "b"]
    assert [(one.group, one.minus) for one in by.differences] == [("b", "a")]
    months = estimate_share(cells(), gold(), sampled="random", of=["yes"], time="date", period="month")
    assert [one.group for one in months.answers] == [None, "2025-01", "2025-02", "2025-03"]
    assert [one.minus for one in months.differences] == ["2025-01", "2025-02"]
    both = estimate_share(cells(), gold(), sampled="random", of=["yes"], by="kind", time="date", period="quarter")
    assert [one.group for one in both.answers] == [None, "a · 2025-Q1", "b · 2025-Q1"]
    assert months.of("yes", "2025-02").texts == sum(day.startswith("2025-02") for day in cells()["date"])


def test_known_probabilities_and_strata_agree() -> None:
    whole = cells()
    places = [k for k in range(N) if whole["predicted_label"][k] == "yes" or k % 4 == 0]
    yes = whole["predicted_label"].count("yes")
    sample = gold(places)
    drawn_no = sum(whole["predicted_label"][k] == "no" for k in places) / (N - yes)
    sample["pi"] = [1.0 if whole["predicted_label"][k] == "yes" else drawn_no for k in places]
    told = estimate_share(whole, sample, sampled="known", probability="pi", of=["yes"])
    strata = estimate_share(whole, sample, sampled="known", strata="predicted_label", of=["yes"])
    assert told.method == strata.method == "DSL"
    assert told.of("yes").gold_only == strata.of("yes").gold_only
    assert told.of("yes").corrected.value == pytest.approx(strata.of("yes").corrected.value, abs=0.01)
    share = whole["truth"].count("yes") / N
    assert (told.of("yes").corrected.low or 0) < share < (told.of("yes").corrected.high or 0)


def test_a_review_queue_alone_says_nothing_of_the_rest() -> None:
    whole = cells()
    whole["status"] = ["review" if k < 100 else "ok" for k in range(N)]
    with pytest.raises(RowsProblem, match="no chance of being drawn") as told:
        estimate_share(whole, gold(range(100)), sampled="known", strata="status")
    assert "'ok' (300 texts)" in str(told.value)
    fine = estimate_share(whole, gold([*range(100), *range(100, N, 6)]), sampled="known", strata="status")
    assert fine.gold == 150


def test_convenience_states_its_assumption_and_looks_for_drift() -> None:
    found = estimate_share(cells(), gold(), sampled="convenience", positive="yes")
    assert "P(predicted | true)" in (found.assumption or "")
    assert (found.assumption or "") in found.paragraph
    assert "not valid" in (found.answers[0].gold_only.note or "")
    assert "assumption" in found.headline
    assert any("drift" in one for one in found.cautions)
    assert found.method == "Rogan–Gladen"


def test_gold_rows_of_other_texts_bring_their_own_predictions() -> None:
    whole = cells()
    inside = {name: column[:300] for name, column in whole.items()}
    outside = {name: column[300:] for name, column in whole.items()} | {"label": whole["truth"][300:]}
    found = estimate_share(inside, outside, sampled="random", of=["yes"])
    assert (found.texts, found.gold) == (300, 100)
    assert any("other texts" in one for one in found.cautions)
    del outside["p_yes"]
    with pytest.raises(ColumnProblem, match="columns of probabilities"):
        estimate_share(inside, outside, sampled="random")


def test_several_labels() -> None:
    whole = cells()
    whole["predicted_label"] = [
        "|".join(name for name, has in (("x", k % 3 == 0), ("y", k % 4 == 0)) if has) for k in range(N)
    ]
    for name in ("p_yes", "p_no"):
        del whole[name]
    sample = {
        "id": whole["id"][::4],
        "label": ["x|y" if k % 24 == 0 else "x" if k % 3 == 0 else "" for k in range(0, N, 4)],
    }
    found = estimate_share(whole, sample, sampled="random", separator="|", blank_labels="none", simultaneous=True)
    assert [one.label for one in found.answers] == ["x", "y"]
    assert (found.of("y").uncorrected.value or 0) > (found.of("y").corrected.value or 1)
    assert "simultaneously" in found.paragraph


def test_means_of_codes() -> None:
    found = estimate_mean(cells(), gold(), sampled="random", codes={"no": 0, "yes": 1})
    share = estimate_share(cells(), gold(), sampled="random", of=["yes"])
    assert found.of("mean").corrected.value == pytest.approx(share.of("yes").corrected.value)
    with pytest.raises(LabelsProblem, match="1 label has no number"):
        estimate_mean(cells(), gold(), sampled="random", codes={"yes": 1})
    with pytest.raises(LabelsProblem, match="no such label"):
        estimate_mean(cells(), gold(), sampled="random", codes={"yes": 1, "no": 0, "maybe": 2})


def test_regressions() -> None:
    found = estimate_regression(cells(), gold(), "yes ~ kind + reposts", sampled="random", cluster="author")
    assert [one.label for one in found.answers] == ["(intercept)", "kind[b]", "reposts"]
    assert all(one.corrected.p is not None for one in found.answers)
    assert found.family == "logistic"
    other = estimate_regression(cells(), gold(), "reposts ~ yes", sampled="random")
    assert other.family == "linear"
    coded = estimate_regression(
        cells(), gold(), "code ~ kind", sampled="random", codes={"yes": 1, "no": 0}, family="logistic"
    )
    plain = estimate_regression(cells(), gold(), "yes ~ kind", sampled="random")
    assert coded.answers[1].corrected.value == pytest.approx(plain.answers[1].corrected.value, abs=1e-6)
    with pytest.raises(ColumnProblem, match="neither a label nor a column") as told:
        estimate_regression(cells(), gold(), "yes ~ kin", sampled="random")
    assert "did you mean 'kind'?" in str(told.value)
    with pytest.raises(UsageError, match="nothing in the formula is predicted"):
        estimate_regression(cells(), gold(), "reposts ~ kind", sampled="random")
    with pytest.raises(UsageError, match="no regression is valid"):
        estimate_regression(cells(), gold(), "yes ~ kind", sampled="convenience")
    with pytest.raises(LabelsProblem, match="say the same") as alike:
        estimate_regression(
            cells() | {"half": [k % 9 / 2 for k in range(N)]}, gold(), "yes ~ reposts + half", sampled="random"
        )
    assert "'half'" in str(alike.value)


def test_everything_is_written_and_nothing_foreign_overwritten(tmp_path: Path) -> None:
    out = tmp_path / "share.json"
    found = estimate_share(cells(), gold(), sampled="random", positive="yes", by="kind", differences="all", out=out)
    told = json.loads(out.read_text("utf-8"))
    assert told["headline"] == found.headline
    with (tmp_path / "share.csv").open(encoding="utf-8", newline="") as stream:
        table = list(csv.DictReader(stream))
    assert [row["group"] for row in table] == ["", "a", "b", "b"]
    assert float(table[0]["corrected_value"]) == found.answers[0].corrected.value
    with (tmp_path / "share.rows.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == N
    assert sum(int(row["gold"]) for row in rows) == GOLD
    assert {row["weight"] for row in rows if row["gold"] == "1"} == {"5.0"}
    mean = np.mean([float(row["pseudo_yes"]) for row in rows])
    assert mean == pytest.approx(found.answers[0].corrected.value, abs=1e-6)
    page = (tmp_path / "share.html").read_text("utf-8")
    assert found.headline.replace("'", "&#39;") in page
    assert "<svg" in page
    assert "<script" not in page
    estimate_share(cells(), gold(), sampled="random", out=out)
    foreign = tmp_path / "mine.csv"
    foreign.write_text("a\n")
    with pytest.raises(RunRefused, match=r"would be overwritten"):
        estimate_share(cells(), gold(), sampled="random", out=tmp_path / "mine.json")
    with pytest.raises(UsageError, match=r"\.json"):
        estimate_share(cells(), gold(), sampled="random", out=tmp_path / "x.csv")


def test_gold_rows_that_were_trained_on_are_refused(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    run = tmp_path / "run"
    run.mkdir()
    (run / "manifest.json").write_text(
        json.dumps({"format": 1, "sources": [], "settings": {"data": {"id": "id"}}, "stages": {}})
    )
    rows = {"id": ["z1", "t0", "t5"], "text": ["new", "post 5", "POST 10 "], "split": ["train", "train", "validation"]}
    pq.write_table(pa.table(rows).select(["id", "text"]), run / "rows.parquet")
    pq.write_table(pa.table(rows).select(["id", "split"]), run / "splits.parquet")
    with pytest.raises(Contaminated, match="2 gold rows were trained on") as told:
        estimate_share(cells(), gold(), sampled="random", run=run)
    assert "t5, t10" in str(told.value)
    out_of_fold = gold() | {name: cells()[name][::5] for name in ("predicted_label", "p_no", "p_yes")}
    found = estimate_share(cells(), out_of_fold, sampled="random", run=run, cross_fitted=True)
    assert found.method == "cross-PPI"


BAD: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any], type[Exception], str]] = [
    ("ids apart", {}, {"id": [f"q{k}" for k in range(GOLD)]}, {}, RowsProblem, "no gold row is among the predictions"),
    ("one id apart", {}, {"id": ["q", *gold()["id"][1:]]}, {}, RowsProblem, "1 gold row is not among the predictions"),
    ("doubled id", {}, {"id": ["t5", *gold()["id"][1:]]}, {}, RowsProblem, "more than once"),
    ("unknown label", {}, {"label": ["yess", *gold()["label"][1:]]}, {}, LabelsProblem, "unknown to the classifier"),
    ("blank label", {}, {"label": ["", *gold()["label"][1:]]}, {}, RowsProblem, "1 row has no label"),
    ("one class", {}, {"label": ["no"] * GOLD}, {}, LabelsProblem, "all 80 gold rows have the label 'no'"),
    ("no such column", {}, {}, {"label": "lable"}, ColumnProblem, "there is no column 'lable'"),
    ("blank group", {"kind": ["", *cells()["kind"][1:]]}, {}, {"by": "kind"}, RowsProblem, "1 row has no group"),
    ("no such group", {}, {}, {"by": "knd"}, ColumnProblem, "there is no column 'knd'"),
    ("no date", {"date": ["soon", *cells()["date"][1:]]}, {}, {"time": "date", "period": "day"}, DataError, "soon"),
    ("percent", {"p_yes": [80.0, *cells()["p_yes"][1:]]}, {}, {}, RowsProblem, "no probability"),
    ("no number", {"p_yes": ["high", *cells()["p_yes"][1:]]}, {}, {}, RowsProblem, "no number"),
    ("unknown label asked", {}, {}, {"of": ["maybe"]}, LabelsProblem, "'maybe' is unknown"),
    ("unknown positive", {}, {}, {"positive": "ye"}, LabelsProblem, "did you mean 'yes'"),
    ("confidence", {}, {}, {"confidence": 95.0}, UsageError, "not possible"),
    ("differences of nothing", {}, {}, {"differences": "all"}, UsageError, "between groups"),
    ("setting", {}, {}, {"clutser": "author"}, UsageError, "did you mean 'cluster'"),
    ("period alone", {}, {}, {"period": "day"}, UsageError, "go together"),
    ("probability of random", {}, {}, {"probability": "pi"}, UsageError, "contradict"),
    ("few clusters", {}, {}, {"cluster": "kind"}, RowsProblem, "2 clusters, too few"),
]


@pytest.mark.parametrize(
    ("predicted", "known", "options", "error", "words"), [one[1:] for one in BAD], ids=[b[0] for b in BAD]
)
def test_what_is_wrong_is_said(
    predicted: dict[str, Any], known: dict[str, Any], options: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error) as told:
        estimate_share(cells() | predicted, gold() | known, **{"sampled": "random", **options})
    assert words in str(told.value)


@pytest.mark.parametrize("wrong", [0.0, -0.1, 1.5, "", "often"])
def test_a_probability_of_being_drawn_lies_above_0_and_at_most_at_1(wrong: object) -> None:
    sample: dict[str, list[Any]] = gold() | {"pi": [wrong, *[0.2] * (GOLD - 1)]}
    with pytest.raises(RowsProblem, match=r"probability|number"):
        estimate_share(cells(), sample, sampled="known", probability="pi")


def test_fewer_than_30_gold_rows_and_a_classifier_that_says_nothing() -> None:
    with pytest.raises(RowsProblem, match="29 gold rows cannot carry an interval"):
        estimate_share(cells(), gold(range(29)), sampled="random")
    generator = np.random.default_rng(1)
    blind = cells() | {"predicted_label": generator.choice(["yes", "no"], N).tolist()}
    with pytest.raises(LabelsProblem, match="next to nothing"):
        estimate_share(blind, gold(), sampled="convenience", positive="yes")
    # drawn at random, the same predictions do no harm
    assert estimate_share(blind, gold(), sampled="random").gold == GOLD


def test_blank_texts_are_counted_and_left_out() -> None:
    whole = cells()
    whole["status"][7], whole["predicted_label"][7] = "blank", None
    whole["status"][10], whole["predicted_label"][10] = "blank", None
    found = estimate_share(whole, gold(), sampled="random", of=["yes"])
    assert (found.texts, found.gold) == (N - 2, GOLD - 1)
    assert any("2 texts without a prediction" in note for note in found.notes)
    assert any("1 gold row of texts without" in note for note in found.notes)


def test_how_the_sample_was_drawn_must_be_said() -> None:
    with pytest.raises(UsageError, match="say how the gold rows were drawn"):
        estimate_share(cells(), gold(), sampled=None)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="say where these stand"):
        estimate_share(cells(), gold(), sampled="known")
