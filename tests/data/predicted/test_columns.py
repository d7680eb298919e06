from __future__ import annotations

import pytest

from classifine.data.predicted.columns import Columns, found_columns, labels_as_columns, require_answers
from classifine.errors import ColumnProblem


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["id", "gold", "pred"], ("gold", "pred", "id")),
        (["ID", "True Label", "Predicted-Label"], ("True Label", "Predicted-Label", "ID")),
        (["label", "prediction"], ("label", "prediction", None)),
        (["label", "truth", "answer"], ("truth", "answer", None)),
    ],
)
def test_likely_names_are_guessed(names: list[str], found: tuple[str, str, str | None]) -> None:
    columns = found_columns(names, Columns(), where="f.csv")
    assert (columns.truth, columns.predicted, columns.id) == found


def test_a_named_column_wins_over_a_guess() -> None:
    columns = found_columns(["gold", "label", "pred"], Columns(truth="label"), where="f.csv")
    assert (columns.truth, columns.predicted) == ("label", "pred")


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["truth", "p_yes", "p_no"], (("p_yes", "yes"), ("p_no", "no"))),
        (["truth", "P(yes)", "P(no)"], (("P(yes)", "yes"), ("P(no)", "no"))),
        (["truth", "prob_a_b", "prob_c"], (("prob_a_b", "a_b"), ("prob_c", "c"))),
        (["truth", "p_yes", "other"], ()),
    ],
)
def test_probabilities_are_found_by_what_their_names_begin_with(
    names: list[str], found: tuple[tuple[str, str], ...]
) -> None:
    assert found_columns(names, Columns(), where="f.csv").probabilities == found


def test_columns_named_like_all_labels_hold_their_probabilities() -> None:
    names = ["truth", "yes", "no", "note"]
    columns = labels_as_columns(names, found_columns(names, Columns(), where="f.csv"), {"yes", "no"})
    assert columns.probabilities == (("yes", "yes"), ("no", "no"))
    assert labels_as_columns(names, Columns(truth="truth"), {"yes", "no", "maybe"}).probabilities == ()


def test_every_column_that_is_not_there_is_said_at_once() -> None:
    with pytest.raises(ColumnProblem) as caught:
        found_columns(["gold", "pred"], Columns(truth="gould", group="author", prefix="q_"), where="f.csv")
    for word in ("'gould'", "did you mean 'gold'", "'author'", "'q_'"):
        assert word in str(caught.value)


def test_without_truth_or_answers_the_options_are_named() -> None:
    with pytest.raises(ColumnProblem, match="--truth COLUMN"):
        found_columns(["pred", "note"], Columns(), where="f.csv")
    with pytest.raises(ColumnProblem, match="--predicted COLUMN"):
        require_answers(["truth", "note"], Columns(truth="truth"), where="f.csv")
