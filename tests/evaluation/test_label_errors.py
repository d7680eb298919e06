from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from classifine.evaluation.dynamics import Dynamics, Learnt, dynamics
from classifine.evaluation.label_errors import TOLD, label_errors, surrounded, write_review
from classifine.evaluation.mistakes import Neighbour

if TYPE_CHECKING:
    from tests.evaluation.conftest import Draw, Make


def test_the_most_suspicious_comes_first_and_says_why(tmp_path: Path, make: Make) -> None:
    rows = [[0.9, 0.1], [0.8, 0.2], [0.05, 0.95], [0.3, 0.7], [0.1, 0.9], [0.2, 0.8]]
    predictions = make(["a", "a", "a", "a", "b", "b"], np.array(rows))
    found = label_errors(predictions, source="a test", splits=["train"] * 4 + ["validation"] * 2)
    # b is .85 probable on average for its own rows: of the two a that look like b, one reaches that
    assert [(row.id, row.split, row.label, row.suggested) for row in found.rows] == [("r2", "train", "a", "b")]
    assert found.rows[0].margin == pytest.approx(-0.9)
    assert found.pairs == (("a", "b", 1),)
    assert [(one.label, one.rows, one.suspected) for one in found.by_label] == [("a", 4, 1), ("b", 2, 0)]
    assert (found.n, found.accuracy.value, found.splits) == (6, 4 / 6, {"train": 4, "validation": 2})
    assert found.sentence == "1 label of 6 (16.7 %) is suspected to be wrong, by a test."
    near = (Neighbour("r4", "b", 0.9995, "text of r2"), Neighbour("r0", "a", 0.5, "text of r0"))
    learnt = {"r2": Learnt(0.1, 0.05, 0.0, -2.0)}
    told = surrounded(found, nearest=[near], votes={"r2": {"a": 2, "b": 1}}, learnt=learnt)
    assert told.rows[0].why == (
        "a classifier that had not seen it gives its label 0.05, the other 0.95; 1 of the 2 nearest texts has the "
        "suggested label; the same text has another label (r4); the annotators disagreed: a 2, b 1; hard to learn: "
        "probability 0.10 on average while it was trained on"
    )
    write_review(tmp_path / "review.csv", told)
    with (tmp_path / "review.csv").open(encoding="utf-8", newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert (row["id"], row["label"], row["suggested_label"], row["correct_label"]) == ("r2", "a", "b", "")
    assert (row["votes"], row["nearest_1_id"], row["training_margin"]) == ("a 2, b 1", "r4", "-2.0")


def test_a_label_that_is_the_most_probable_one_is_not_asked_about(make: Make) -> None:
    """Confident learning alone would suspect the third row: b is more probable there than usual, and yet less so."""
    predictions = make(["a", "a", "a", "b", "b"], np.array([[1, 0], [1, 0], [0.55, 0.45], [0.6, 0.4], [0.6, 0.4]]))
    assert label_errors(predictions, source="").rows == ()


def test_most_of_the_labels_that_were_made_wrong_are_found(draw: Draw) -> None:
    predictions = draw(600, 4, skill=5.0)
    truth = list(predictions.truth)
    wrong = [f"r{row}" for row in range(0, 600, 12)]
    names = predictions.space.names
    for row in range(0, 600, 12):
        truth[row] = names[(names.index(str(truth[row])) + 1) % 4]
    found = label_errors(type(predictions)(**{**vars(predictions), "truth": tuple(truth)}), source="")
    flagged = {row.id for row in found.rows}
    assert len(flagged & set(wrong)) > 40
    assert len(flagged - set(wrong)) < 15
    told = json.loads(json.dumps(found.to_dict()))
    assert (told["suspected"], len(told["rows"])) == (len(flagged), min(TOLD, len(flagged)))


def test_of_several_labels_what_is_suggested_is_the_whole_cell(draw_several: Draw) -> None:
    predictions = draw_several(400, 5, skill=3.0)
    found = label_errors(predictions, source="")
    space = predictions.space
    assert found.rows
    for row in found.rows:
        assert set(space.several(row.label)) != set(space.several(row.suggested))
        assert row.margin == pytest.approx(row.p_label - row.p_suggested)
        assert row.margin < 0
    assert [row.margin for row in found.rows] == sorted(row.margin for row in found.rows)
    rows_of = {label: sum(label in space.several(cell or "") for cell in predictions.truth) for label in space.names}
    assert {one.label: one.rows for one in found.by_label} == rows_of


def test_how_texts_were_learnt_comes_back_and_falls_into_three_regions() -> None:
    generator = np.random.default_rng(1)
    probabilities = generator.random((4, 30))
    found = dynamics(tuple(f"t{k}" for k in range(30)), probabilities, probabilities - 0.5, probabilities > 0.5)
    assert found.confidence == pytest.approx(probabilities.mean(axis=0))
    assert found.variability == pytest.approx(probabilities.std(axis=0))
    assert found.by_id["t3"].correctness == (probabilities[:, 3] > 0.5).mean()
    assert found.regions.count("ambiguous") == 10
    least = min(found.variability[row] for row in range(30) if found.regions[row] == "ambiguous")
    for row, region in enumerate(found.regions):
        if region != "ambiguous":
            assert found.variability[row] <= least
            assert region == ("easy" if found.confidence[row] >= 0.5 else "hard")
    back = Dynamics.from_arrow(found.to_arrow())
    assert (back.by_id, back.epochs, back.regions) == (found.by_id, 4, found.regions)
