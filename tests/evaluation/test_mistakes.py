from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifine.evaluation.mistakes import Mistake, mistakes, write_mistakes
from classifine.evaluation.scores import score

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
    assert found[1] == Mistake("r1", "text of r1", "a", "b", 0.9, 0.1)


def test_no_mistakes_is_a_file_with_a_header(tmp_path: Path, make: Make) -> None:
    found = mistakes(make(["a", "b"], np.eye(2)))
    write_mistakes(tmp_path / "mistakes.csv", found)
    assert (tmp_path / "mistakes.csv").read_text("utf-8").splitlines() == [
        "id,text,true_label,predicted_label,confidence,p_true"
    ]


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
