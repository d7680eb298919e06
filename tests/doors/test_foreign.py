from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.metrics import f1_score, log_loss

from classifine import evaluate_predictions
from classifine.cli.main import classifine
from classifine.doors.foreign import NO_VALIDATION
from classifine.errors import RunRefused, UsageError
from classifine.tables import Predictions

LABELS = ("anger", "joy", "sadness")


def table(path: Path, n: int, *, seed: int, sharpness: float = 3.0, probabilities: bool = True) -> Path:
    """Write predictions that are too sure of themselves by the factor ``sharpness``."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, size=n)
    logits = rng.normal(size=(n, 3))
    logits[np.arange(n), truth] += 1.2
    odds = np.exp(sharpness * logits)
    shares = odds / odds.sum(axis=1, keepdims=True)
    rows = [
        {
            "id": f"{seed}-{place}",
            "text": f"text {place} of {seed}",
            "gold": LABELS[label],
            "answer": LABELS[given],
            "author": f"author {place // 5}",
            **({f"p_{name}": repr(value) for name, value in zip(LABELS, row, strict=True)} if probabilities else {}),
        }
        for place, (label, given, row) in enumerate(
            zip(truth.tolist(), shares.argmax(axis=1).tolist(), shares.tolist(), strict=True)
        )
    ]
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_the_scores_are_those_of_scikit_learn(tmp_path: Path) -> None:
    import pandas as pd

    path = table(tmp_path / "test.csv", 300, seed=1)
    card = evaluate_predictions(path).card
    rows = pd.read_csv(path)
    scores = card.scores["model"]
    assert card.macro_f1 == pytest.approx(f1_score(rows.gold, rows.answer, average="macro"))
    assert scores.log_loss is not None
    assert scores.log_loss.value == pytest.approx(log_loss(rows.gold, rows[[f"p_{name}" for name in LABELS]]))


def test_the_folder_holds_what_that_of_a_run_holds(tmp_path: Path) -> None:
    judged = evaluate_predictions(table(tmp_path / "test.csv", 120, seed=1), out=tmp_path / "out", name="the model")
    run = judged.run
    assert run is not None
    card = json.loads(run.scorecard.read_text("utf-8"))
    assert card["verdict"] == judged.card.verdict
    with run.mistakes.open(encoding="utf-8") as stream:
        assert len(list(csv.DictReader(stream))) == card["mistakes"]
    assert run.done("evaluate")
    assert run.done("report")
    page = run.report.read_text("utf-8")
    assert "the model" in page
    assert "has not been run" not in page
    assert "no audit" not in page


def test_calibration_is_fitted_on_validation_predictions_only(tmp_path: Path) -> None:
    test = table(tmp_path / "test.csv", 400, seed=1)
    alone = evaluate_predictions(test).card.trust
    assert alone is not None
    assert alone.calibrated.calibration.method == "none"
    assert alone.notes == {"target": NO_VALIDATION, "sets": NO_VALIDATION}
    card = evaluate_predictions(test, validation=table(tmp_path / "val.csv", 400, seed=2), target_accuracy=0.8).card
    fitted = card.trust
    assert fitted is not None
    assert fitted.calibrated.calibration.method == "temperature"
    assert fitted.calibrated.calibration.temperatures[0] == pytest.approx(3, rel=0.25)
    assert fitted.calibrated.after.figures["ece"].value < fitted.calibrated.before.figures["ece"].value
    before = fitted.calibrated.before.figures["log_loss"].value
    assert before == pytest.approx(alone.calibrated.after.figures["log_loss"].value)
    assert fitted.target is not None
    assert fitted.target.accuracy == 0.8
    assert fitted.sets


def test_labels_alone_say_what_cannot_be_told(tmp_path: Path) -> None:
    path = table(tmp_path / "test.csv", 60, seed=1, probabilities=False)
    judged = evaluate_predictions(path, out=tmp_path / "out")
    assert judged.card.trust is None
    assert judged.card.scores["model"].log_loss is None
    assert any("no probabilities" in caution for caution in judged.card.cautions)
    assert judged.run is not None
    page = judged.run.report.read_text("utf-8")
    assert ">nan<" not in page
    assert "NaN" not in page


def test_a_second_evaluation_says_so(tmp_path: Path) -> None:
    path = table(tmp_path / "test.csv", 60, seed=1)
    first, second = (evaluate_predictions(path, out=tmp_path / "out").card for _ in range(2))
    assert not any("opened" in caution for caution in first.cautions)
    assert any("opened 2 times" in caution for caution in second.cautions)


def test_another_file_does_not_take_the_folder(tmp_path: Path) -> None:
    evaluate_predictions(table(tmp_path / "one.csv", 60, seed=1), out=tmp_path / "out")
    with pytest.raises(RunRefused):
        evaluate_predictions(table(tmp_path / "two.csv", 60, seed=2), out=tmp_path / "out")


def test_validation_rows_that_are_test_rows_are_refused(tmp_path: Path) -> None:
    path = table(tmp_path / "test.csv", 60, seed=1)
    with pytest.raises(UsageError, match="60 rows of the validation predictions"):
        evaluate_predictions(path, validation=path)


def test_the_command_says_what_it_took_for_what(tmp_path: Path) -> None:
    path = table(tmp_path / "test.csv", 60, seed=1)
    done = CliRunner().invoke(classifine, ["evaluate", "--predictions", str(path), "-o", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    told = " ".join(done.output.split())
    assert "truth in 'gold', predicted labels in 'answer'" in told
    assert "Macro-F1" in told
    assert "report.html" in told


def test_options_of_predictions_are_refused_beside_a_run(tmp_path: Path) -> None:
    done = CliRunner().invoke(classifine, ["evaluate", str(tmp_path), "--truth", "gold"])
    assert isinstance(done.exception, UsageError)
    assert "--truth can only be used with --predictions" in str(done.exception)


def test_predictions_are_kept_as_a_run_keeps_them(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    path = table(tmp_path / "test.csv", 60, seed=1)
    judged = evaluate_predictions(path, out=tmp_path / "out", group="author")
    assert judged.run is not None
    kept = Predictions.from_arrow(pq.read_table(judged.run.predictions / "test.parquet"))
    assert kept.groups is not None
    assert len(set(kept.groups)) == 12


def test_two_tools_are_compared_on_the_same_rows(tmp_path: Path) -> None:
    from classifine import compare

    evaluate_predictions(table(tmp_path / "one.csv", 300, seed=1), out=tmp_path / "one")
    lines = (tmp_path / "one.csv").read_text("utf-8").splitlines()
    cells = [line.split(",") for line in lines[1:]]
    # the other tool gives no texts, and always the first label
    rows = ["id,gold,answer", *(f"{row[0]},{row[2]},anger" for row in cells)]
    (tmp_path / "two.csv").write_text("\n".join(rows) + "\n", "utf-8")
    evaluate_predictions(tmp_path / "two.csv", out=tmp_path / "two", unknown_labels="keep")
    found = compare(tmp_path / "one", tmp_path / "two")
    assert found.winner == "one"
    assert found.n == 300
