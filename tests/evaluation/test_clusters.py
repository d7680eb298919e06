from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifine.evaluation.calibration import Calibration
from classifine.evaluation.clusters import BY_GROUP, MOST, TOO_FEW_GROUPS, Groups, average, of_cells, proportions
from classifine.evaluation.comparison import compare
from classifine.evaluation.intervals import bootstrap, mean, share
from classifine.evaluation.scorecard import scorecard
from classifine.evaluation.scores import score
from classifine.evaluation.trust import trust
from classifine.evaluation.unit_sums import figures_of_sums
from classifine.tables import Predictions

from .conftest import Draw


def grouped(predictions: Predictions, size: int) -> Predictions:
    return replace(predictions, groups=tuple(f"author {place // size}" for place in range(len(predictions))))


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(0, 8), min_size=2, max_size=40), st.integers(0, 2**31))
def test_errors_of_groups_are_those_of_their_sums(names: list[int], seed: int) -> None:
    groups = Groups.of(names)
    pulls = np.random.default_rng(seed).normal(size=len(names))
    sums = [pulls[np.array(names) == name].sum() for name in sorted(set(names))]
    expected = np.sqrt((np.array(sums) ** 2).sum() * len(sums) / max(len(sums) - 1, 1))
    assert groups.error(pulls) == pytest.approx(expected)


def test_groups_of_one_row_change_nothing_but_the_draws(draw: Draw) -> None:
    alone, single = score(draw(400, 4)), score(grouped(draw(400, 4), 1))
    for name, figure in alone.averages.items():
        other = single.averages[name]
        assert other.value == pytest.approx(figure.value)
        assert other.n == figure.n
        assert other.low is not None
        assert figure.low is not None
        assert other.low == pytest.approx(figure.low, abs=0.012)
        assert other.high == pytest.approx(figure.high, abs=0.012)


def test_doubled_rows_do_not_narrow_the_interval(draw: Draw) -> None:
    """Each row stands there four times; whoever draws rows is fooled, whoever draws groups is not."""
    once = draw(200, 3)
    four = once.take([place for place in range(200) for _ in range(4)])
    four = replace(four, ids=tuple(map(str, range(800))), groups=tuple(f"r{place // 4}" for place in range(800)))
    of_rows, of_groups, fooled = (score(each) for each in (once, four, replace(four, groups=None)))
    for name in ("accuracy", "macro_f1", "mcc", "roc_auc", "average_precision", "brier"):
        honest, drawn, narrow = (each.averages[name] for each in (of_rows, of_groups, fooled))
        width = [figure.high - figure.low for figure in (honest, drawn, narrow)]  # type: ignore[operator]
        assert width[1] == pytest.approx(width[0], rel=0.12), name
        assert width[2] == pytest.approx(width[0] / 2, rel=0.12), name
        assert drawn.method.endswith(BY_GROUP)
    for one, other in zip(of_rows.per_label, of_groups.per_label, strict=True):
        assert other.f1.high - other.f1.low == pytest.approx(one.f1.high - one.f1.low, rel=0.2)  # type: ignore[operator]


def test_comparisons_and_trust_draw_groups_too(draw: Draw) -> None:
    ours, theirs = grouped(draw(600, 3, seed=1, skill=2.2), 6), grouped(draw(600, 3, seed=2, classifier="other"), 6)
    by_group = compare(ours, theirs)
    by_row = compare(replace(ours, groups=None), replace(theirs, groups=None))
    assert by_group.difference == pytest.approx(by_row.difference)
    assert by_group.low != by_row.low
    assert by_group.mcnemar_p != by_row.mcnemar_p
    told = trust(ours, None, Calibration())
    assert told is not None
    assert told.abstaining.aurc.method.endswith(BY_GROUP)
    assert told.calibrated.after.figures["ece"].method.endswith(BY_GROUP)


def test_the_scorecard_says_that_groups_are_drawn(draw: Draw) -> None:
    card = scorecard(grouped(draw(400, 3), 20), [], titles={}, test_openings=1)
    assert "The rows belong to 20 groups; intervals draw groups" in card.details[0]
    assert any("Only 20 groups" in caution for caution in card.cautions)
    assert card.to_dict()["scores"]["model"]["groups"] == 20


def test_fewer_than_ten_groups_have_no_interval(draw: Draw) -> None:
    found = score(grouped(draw(90, 3), 10))
    assert {figure.note for name, figure in found.averages.items()} == {TOO_FEW_GROUPS}
    assert all(figure.low is None for figure in found.averages.values())


def test_where_all_is_right_each_group_counts_once() -> None:
    groups = Groups.of(np.repeat(np.arange(30), 10))
    figure = proportions({"right": np.ones(300)}, seed=1, groups=groups)["right"]
    assert (figure.low, figure.high) == (share(30, 30).low, 1.0)
    assert figure.low is not None
    assert figure.low < share(300, 300).low  # type: ignore[operator]


def test_several_labels_put_together_to_units_have_the_interval_of_rows(draw_several: Draw) -> None:
    predictions = draw_several(3000, 4)
    of_rows = score(predictions).averages
    space = predictions.space
    truth, given_ = (
        space.indicator([cell or "" for cell in cells]) for cells in (predictions.truth, predictions.predicted)
    )
    names = ["macro_f1", "micro_f1", "samples_f1", "hamming_loss"]
    found, labels = figures_of_sums(truth, given_, names, seed=3, groups=None)
    assert labels is None
    for name in names:
        assert found[name].value == pytest.approx(of_rows[name].value)
        assert found[name].low == pytest.approx(of_rows[name].low, abs=0.003)
        assert found[name].high == pytest.approx(of_rows[name].high, abs=0.003)


def test_many_groups_are_put_together_without_bias() -> None:
    rng = np.random.default_rng(5)
    groups = Groups.of(rng.permutation(np.repeat(np.arange(3 * MOST), 2)))
    assert len(np.unique(groups.units(1))) == MOST
    right = (rng.random(3 * MOST) < 0.7)[groups.of_row].astype(float)  # rows of a group are wholly alike
    figure = proportions({"right": right}, seed=1, groups=groups)["right"]
    honest = share(round(right.mean() * 3 * MOST), 3 * MOST)
    assert figure.high - figure.low == pytest.approx(honest.high - honest.low, rel=0.1)  # type: ignore[operator]


def test_without_groups_nothing_changes() -> None:
    values = np.random.default_rng(1).random(50)
    assert average(values, None) == mean(values)
    counts = np.array([30, 20])
    drawn = of_cells(counts, lambda drawn: drawn[:, :1] / drawn.sum(axis=1, keepdims=True), seed=1)
    assert drawn == bootstrap(counts, lambda drawn: drawn[:, :1] / drawn.sum(axis=1, keepdims=True), seed=1)


def _alike(rng: np.random.Generator, groups: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw whether rows are right: with .8 on average, by group between nearly never and always."""
    of_group = rng.beta(1.6, 0.4, size=groups)
    return (rng.random((groups, size)) < of_group[:, None]).ravel().astype(float), np.repeat(np.arange(groups), size)


def test_groups_hold_the_truth_where_rows_do_not() -> None:
    rng, held = np.random.default_rng(11), np.zeros(2)
    times = 300
    for _ in range(times):
        right, names = _alike(rng, 80, 8)
        drawn = average(right, Groups.of(names))
        alone = share(int(right.sum()), len(right))
        held += [one.low <= 0.8 <= one.high for one in (drawn, alone)]  # type: ignore[operator]
    assert held[0] / times > 0.92
    assert held[1] / times < 0.80


@pytest.mark.slow
@pytest.mark.parametrize("n_groups", [40, 100])
def test_nominal_coverage(n_groups: int, draw: Draw) -> None:
    """Accuracy and macro-F1, whose truth is that of a very large sample of groups."""
    rng, times = np.random.default_rng(13), 400

    def sample(groups: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        truth = (rng.random((groups, 6)) < 0.35).astype(int)
        skill = rng.beta(3, 0.8, size=(groups, 1))
        wrong = rng.random((groups, 6)) > skill
        return truth.ravel(), np.where(wrong, 1 - truth, truth).ravel(), np.repeat(np.arange(groups), 6)

    def both(counts: np.ndarray) -> np.ndarray:
        right, n = counts[:, 0] + counts[:, 3], counts.sum(axis=1)
        f1 = [2 * counts[:, hit] / (2 * counts[:, hit] + counts[:, 1] + counts[:, 2]) for hit in (0, 3)]
        values: np.ndarray = np.stack([right / n, (f1[0] + f1[1]) / 2], axis=1)
        return values

    def cells(truth: np.ndarray, given_: np.ndarray) -> np.ndarray:
        return np.asarray(truth * 2 + given_)

    truth, given_, _ = sample(400_000)
    target = both(np.bincount(cells(truth, given_), minlength=4)[None, :])[0]
    held = np.zeros(2)
    for time in range(times):
        truth, given_, names = sample(n_groups)
        of_row = cells(truth, given_)
        counts = np.bincount(of_row, minlength=4)
        found = of_cells(counts, both, seed=time, groups=Groups.of(names), of_row=of_row)
        held += [one.low <= value <= one.high for one, value in zip(found, target, strict=True)]
    assert (held / times >= 0.92).all()
    assert (held / times <= 0.98).all()
