from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from classifine.errors import LabelsProblem, RowsProblem, SettingsProblem, UsageError
from classifine.evaluation.comparison import compare
from classifine.evaluation.contest import EXCHANGE, MCNEMAR, contest
from classifine.evaluation.scores import score
from classifine.evaluation.significance import mcnemar
from classifine.labels import LabelSpace
from classifine.resampling import holm
from classifine.tables import Predictions

if TYPE_CHECKING:
    from tests.evaluation.conftest import Draw, Make


def test_two_classifiers_have_the_numbers_of_the_scorecard(draw: Draw) -> None:
    model, baseline = draw(300, 4, seed=1, skill=3.0), draw(300, 4, seed=2, skill=1.0, classifier="tfidf")
    found = contest([model, baseline])
    pair, alone = found.pairs[0], compare(model, baseline)
    difference = pair.differences["macro_f1"]
    assert (difference.value, difference.low, difference.high) == (alone.difference, alone.low, alone.high)
    assert difference.method == EXCHANGE
    assert difference.p == difference.corrected_p == 1e-4  # the smallest that 9,999 tosses can give
    assert pair.differences["accuracy"].method == MCNEMAR
    assert pair.differences["accuracy"].p == pair.mcnemar_p == alone.mcnemar_p
    assert pair.mcnemar_p == mcnemar(pair.only_first, pair.only_second)
    for each, name in ((model, "model"), (baseline, "tfidf")):
        assert found.scores[name]["macro_f1"] == score(each).averages["macro_f1"]
        assert found.scores[name]["accuracy"] == score(each).averages["accuracy"]
    assert (found.winner, found.shown, found.ranked) == ("model", (("model", "tfidf"),), ("model", "tfidf"))
    back = contest([baseline, model])
    assert back.winner == "model"
    assert back.finding == found.finding
    assert found.finding.startswith("model is shown to be better than tfidf: macro-F1 0.")


def test_one_good_one_of_three_wins_and_the_others_are_not_told_apart(draw: Draw) -> None:
    names = ["poor", "good", "also poor"]
    runs = [draw(400, 3, seed=seed, skill=3.5 if name == "good" else 1.5) for seed, name in enumerate(names)]
    found = contest(runs, names=names, resamples=999)
    assert found.winner == "good"
    assert set(found.shown) == {("good", "poor"), ("good", "also poor")}
    assert [(pair.first, pair.second) for pair in found.pairs] == [
        ("poor", "good"), ("poor", "also poor"), ("good", "also poor")
    ]  # fmt: skip
    for metric in ("macro_f1", "accuracy"):
        p_values = [pair.differences[metric].p for pair in found.pairs]
        assert [pair.differences[metric].corrected_p for pair in found.pairs] == holm(p_values)
    assert found.finding.startswith("good is shown to be better than each of the 2 others: the highest macro-F1 is 0.")
    assert "(good), on 400 test rows; p corrected for 3 comparisons." in found.finding


def test_against_the_first_only_its_pairs_count(draw: Draw) -> None:
    names = ["base", "good", "same"]
    runs = [draw(400, 3, seed=seed, skill=3.5 if name == "good" else 1.5) for seed, name in enumerate(names)]
    found = contest(runs, names=names, against="first", resamples=999)
    assert [(pair.first, pair.second) for pair in found.pairs] == [("base", "good"), ("base", "same")]
    assert found.winner is None
    assert found.finding.startswith("Beside base, good is shown to be better; same is not shown to differ: the")


def test_equal_classifiers_are_crowned_no_more_often_than_five_in_a_hundred(make: Make) -> None:
    """Three classifiers of the same skill on rows that are hard for all of them: 200 contests with fixed seeds."""
    from scipy.stats import binomtest

    generator = np.random.default_rng(17)
    crowned = shown = without_correction = 0
    for _ in range(200):
        column = (generator.random(80) < 0.3).astype(int)
        easy = 0.8 + generator.normal(size=80)
        runs = []
        for _ in range(3):
            hit = easy + generator.normal(size=80) > 0
            chosen = np.where(hit, column, 1 - column)
            probabilities = np.where(np.eye(2)[chosen] > 0, 0.8, 0.2)
            runs.append(make([("a", "b")[place] for place in column], probabilities, names=["a", "b"]))
        found = contest(runs, names=["one", "two", "three"], metrics=["macro_f1"], resamples=199)
        crowned += found.winner is not None
        shown += bool(found.shown)
        without_correction += any(pair.differences["macro_f1"].p < 0.05 for pair in found.pairs)
    assert binomtest(crowned, 200, 0.05, alternative="greater").pvalue > 0.001
    assert binomtest(shown, 200, 0.05, alternative="greater").pvalue > 0.001
    assert without_correction > shown  # what is guarded against


def test_nothing_is_crowned_inside_the_noise(draw: Draw) -> None:
    runs = [draw(60, 3, seed=seed) for seed in range(3)]
    found = contest(runs, names=["a", "b", "c"], resamples=999)
    assert (found.winner, found.shown) == (None, ())
    assert found.finding.startswith("No difference between any two of them is shown")
    two = contest(runs[:2], names=["a", "b"], resamples=999)
    assert two.finding.startswith("No difference between a and b is shown: macro-F1 0.")
    twins = contest([runs[0], runs[0]], names=["a", "twin"], resamples=999)
    difference = twins.pairs[0].differences["macro_f1"]
    assert (difference.value, difference.low, difference.p, difference.ahead) == (0.0, None, 1.0, 0)
    assert "no interval" in twins.finding
    few = contest([draw(9, 2, seed=1, skill=9), draw(9, 2, seed=1, skill=-9)], names=["a", "b"], resamples=999)
    assert (few.winner, few.pairs[0].differences["macro_f1"].note) == (None, "too few")


def test_some_better_than_some_names_no_winner(make: Make) -> None:
    truth, column = ["a", "b"] * 150, np.arange(300) % 2

    def hits(share: float, seed: int) -> Predictions:
        hit = np.random.default_rng(seed).random(300) < share
        return make(truth, np.where(np.eye(2)[np.where(hit, column, 1 - column)] > 0, 0.8, 0.2))

    found = contest([hits(0.9, 1), hits(0.9, 2), hits(0.6, 3)], names=["a", "b", "c"], resamples=999)
    assert found.winner is None
    assert "No classifier is shown to be better than all others: the highest" in found.finding
    assert "a is shown to be better than c." in found.finding
    assert "b is shown to be better than c." in found.finding


def test_several_labels_and_order_have_their_own_metrics(draw: Draw, draw_several: Draw) -> None:
    several = contest([draw_several(150, 3, seed=1, skill=5), draw_several(150, 3, seed=2, skill=1)], names=["a", "b"])
    assert several.metrics == ("macro_f1", "subset_accuracy")
    assert several.winner == "a"
    less = contest(
        [draw_several(150, 3, seed=1, skill=5), draw_several(150, 3, seed=2, skill=1)],
        names=["a", "b"], metrics=["hamming_loss"], resamples=999,
    )  # fmt: skip
    assert (less.winner, less.ranked) == ("a", ("a", "b"))
    ordered = [draw(150, 3, seed=1), draw(150, 3, seed=2)]
    found = contest(ordered, names=["a", "b"], order=ordered[0].space.names, resamples=999)
    assert found.metrics == ("macro_f1", "accuracy", "quadratic_weighted_kappa")
    with pytest.raises(SettingsProblem, match="say the order of the labels"):
        contest(ordered, names=["a", "b"], metrics=["quadratic_weighted_kappa"])
    with pytest.raises(SettingsProblem, match="did you mean 'macro_f1'"):
        contest(ordered, names=["a", "b"], metrics=["macrof1"])


def test_the_order_of_labels_in_the_space_does_not_matter(draw: Draw) -> None:
    first, second = draw(100, 3, seed=1), draw(100, 3, seed=2)
    turned = replace(second, space=LabelSpace(second.space.names[::-1]), probabilities=second.probabilities[:, ::-1])
    expected = contest([first, second], names=["a", "b"], resamples=999)
    assert contest([first, turned], names=["a", "b"], resamples=999) == expected


def test_everything_that_differs_is_said_at_once(draw: Draw) -> None:
    first, second = draw(40, 3, seed=1), draw(40, 3, seed=2)
    other = replace(
        second,
        ids=(*second.ids[:-1], "x1"),
        texts=("another", *second.texts[1:]),
        truth=(second.truth[0], "label01" if second.truth[1] != "label01" else "label00", *second.truth[2:]),
    )
    with pytest.raises(RowsProblem) as caught:
        contest([first, other], names=["runs/a", "runs/b"])
    for words in (
        "runs/a and runs/b were not scored on the same rows",
        "1 row only in runs/a: r39",
        "1 row only in runs/b: x1",
        "1 row with another text: r0",
        "1 row with another true label: r1",
        "--test FILE",
    ):
        assert words in str(caught.value)
    renamed = replace(second, ids=tuple(f"n{place}" for place in range(40)))
    with pytest.raises(RowsProblem, match=r"the texts are the same under other ids: .* --id COLUMN"):
        contest([first, renamed], names=["a", "b"])
    unscored = replace(second, status=("blank", *second.status[1:]), predicted=(None, *second.predicted[1:]))
    with pytest.raises(RowsProblem, match="1 row scored only by a: r0"):
        contest([first, unscored], names=["a", "b"])


def test_other_labels_names_and_too_few_are_refused(draw: Draw, draw_several: Draw) -> None:
    first = draw(40, 3, seed=1)
    with pytest.raises(LabelsProblem, match="only in b: label03"):
        contest([first, draw(40, 4, seed=1)], names=["a", "b"])
    with pytest.raises(LabelsProblem, match="those of b may stand several to a text"):
        contest([first, draw_several(40, 3)], names=["a", "b"])
    with pytest.raises(UsageError, match="nothing to be compared with"):
        contest([first])
    with pytest.raises(UsageError, match="the same name"):
        contest([first, first])


def test_plain_json(draw: Draw) -> None:
    import json

    found = contest([draw(50, 3, seed=1), draw(50, 3, seed=2)], names=["a", "b"], resamples=999)
    told = json.loads(json.dumps(found.to_dict()))
    assert told["finding"] == found.finding
    assert told["pairs"][0]["differences"]["macro_f1"]["ahead"] == 0
    assert told["pairs"][0]["mcnemar_mid_p"] <= told["pairs"][0]["mcnemar_p"]
    assert contest([draw(50, 3, seed=1), draw(50, 3, seed=2)], names=["a", "b"], resamples=999) == found
