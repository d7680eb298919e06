from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifine.evaluation.mistakes import (
    Mistake,
    Neighbour,
    confused_pairs,
    mistakes,
    with_nearest,
    with_votes,
    write_mistakes,
)
from classifine.evaluation.neighbours import Nearest
from classifine.evaluation.scores import score
from classifine.tables import LabelledTexts

if TYPE_CHECKING:
    from tests.evaluation.conftest import Draw, Make


@pytest.mark.parametrize("seed", range(5))
def test_as_many_as_off_the_diagonal(draw: Draw, seed: int) -> None:
    predictions = draw(150, 4, seed=seed, skill=1.0)
    predictions = replace(predictions, truth=(None, *predictions.truth[1:]))
    confusion = np.array(score(predictions).confusion)
    assert len(mistakes(predictions)) == confusion.sum() - np.trace(confusion) == score(predictions).mistakes > 0
    assert confusion.sum() == 149


def test_the_most_confident_comes_first_then_the_id(make: Make) -> None:
    probabilities = np.array([[0.7, 0.3], [0.1, 0.9], [0.7, 0.3], [0.2, 0.8], [0.95, 0.05]])
    found = mistakes(make(["b", "a", "b", "b", "b"], probabilities))
    assert [mistake.id for mistake in found] == ["r4", "r1", "r0", "r2"]
    # label b is 0.625 probable on average for its rows, and r1 has 0.9 of it
    told = {"a": 0.1, "b": 0.9}
    assert found[1] == Mistake("r1", "text of r1", "a", "b", 0.9, 0.1, suggested="b", probabilities=told)


def test_no_mistakes_is_a_file_with_a_header(tmp_path: Path, make: Make) -> None:
    found = mistakes(make(["a", "b"], np.eye(2)))
    write_mistakes(tmp_path / "mistakes.csv", found)
    assert (tmp_path / "mistakes.csv").read_text("utf-8").splitlines() == [
        "id,text,true_label,predicted_label,confidence,p_true"
    ]


def test_what_surrounds_a_mistake_stands_beside_it(tmp_path: Path, make: Make) -> None:
    found = mistakes(make(["b", "a", "b"], np.array([[0.6, 0.4], [0.1, 0.9], [0.2, 0.8]])))
    assert [mistake.id for mistake in found] == ["r1", "r0"]
    train = LabelledTexts(("t1", "t2", "t3"), ("one", "two", "three"), ("a", "b", "b"), (1, 2, 3))
    near = Nearest(np.array([[2, 0]]), np.array([[0.91239, 0.25]]))
    found = with_nearest(with_votes(found, {"r1": {"a": 2, "b": 1}, "r0": {"b": 3}}), train, near)
    assert found[0].nearest == (Neighbour("t3", "b", 0.91239, "three"), Neighbour("t1", "a", 0.25, "one"))
    assert found[1].nearest == ()
    write_mistakes(tmp_path / "mistakes.csv", found)
    with (tmp_path / "mistakes.csv").open(encoding="utf-8", newline="") as stream:
        first, second = csv.DictReader(stream)
    assert (first["agreement"], first["votes"]) == ("disputed", "a 2, b 1")
    assert (second["agreement"], second["votes"]) == ("agreed", "b 3")
    assert (first["label_suspected"], first["suggested_label"]) == ("yes", "b")
    assert (first["nearest_1_label"], first["nearest_1_similarity"], first["nearest_2_text"]) == ("b", "0.9124", "one")
    assert second["nearest_1_label"] == ""
    assert (first["probability a"], first["probability b"]) == ("0.1", "0.9")


@pytest.mark.parametrize("seed", range(3))
def test_pairs_are_the_cells_off_the_diagonal(draw: Draw, seed: int) -> None:
    predictions = draw(300, 5, seed=seed, skill=1.0)
    scores = score(predictions)
    support = {label.label: label.support for label in scores.per_label}
    pairs = confused_pairs(mistakes(predictions), support)
    names = predictions.space.names
    cells = {
        (names[i], names[j]): number
        for i, row in enumerate(scores.confusion or ())
        for j, number in enumerate(row)
        if i != j and number
    }
    assert {(pair.true_label, pair.predicted_label): pair.mistakes for pair in pairs} == cells
    assert sum(pair.mistakes for pair in pairs) == scores.mistakes
    assert all(pair.of_label.n == support[pair.true_label] for pair in pairs)
    assert [pair.mistakes for pair in pairs] == sorted(cells.values(), reverse=True)
    assert {pair.beside for pair in pairs} == {pair.disputed for pair in pairs} == {None}


@pytest.mark.parametrize("seed", range(3))
def test_of_several_labels_what_is_missed_and_wrongly_given_is_the_hamming_loss(draw_several: Draw, seed: int) -> None:
    predictions = draw_several(200, 6, seed=seed)
    found, scores, space = mistakes(predictions), score(predictions), predictions.space
    assert len(found) == scores.mistakes
    wrong = sum(len(space.several(one.missed or "")) + len(space.several(one.wrongly_given or "")) for one in found)
    assert wrong == round(scores.averages["hamming_loss"].value * 200 * 6)
    assert all(set(one.probabilities) == set(space.names) for one in found)
    assert any(one.suggested for one in found)


def test_unknown_probabilities_raise_no_suspicion(make: Make) -> None:
    predictions = replace(make(["a", "b"], np.eye(2)), predicted=("b", "b"), probabilities=np.full((2, 2), np.nan))
    assert [one.suggested for one in mistakes(predictions)] == [None]


@settings(deadline=None)
@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=5),
    st.floats(0, 1),
)
def test_whatever_stands_in_a_text_comes_back(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], confidence: float
) -> None:
    path = tmp_path_factory.mktemp("mistakes") / "mistakes.csv"
    write_mistakes(path, [Mistake(str(row), text, "a", "b,\n", confidence, 0.25) for row, text in enumerate(texts)])
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["text"] for row in rows] == texts
    assert {row["predicted_label"] for row in rows} == {"b,\n"}
    assert {float(row["confidence"]) for row in rows} == {confidence}
