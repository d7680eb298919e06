from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.evaluation.conftest import Draw, Make

from classifine.evaluation.hierarchy import HierarchyScores
from classifine.evaluation.scorecard import scorecard
from classifine.evaluation.scores import score
from classifine.hierarchy import Hierarchy
from classifine.labels import FloatMatrix
from classifine.tables import Predictions

CODES = ("A/1", "A/2", "B/1", "C")
TREE = Hierarchy.by_separator(CODES, "/")


def predicting(make: Make, truth: list[str], predicted: list[str], tree: Hierarchy = TREE) -> Predictions:
    """Predictions whose label has .6, and each other label .4 divided among them."""
    names = list(tree.labels)
    matrix = np.full((len(truth), len(names)), 0.4 / (len(names) - 1))
    matrix[np.arange(len(truth)), [names.index(name) for name in predicted]] = 0.6
    return in_tree(make(truth, matrix, names=names), tree)


def in_tree(predictions: Predictions, tree: Hierarchy) -> Predictions:
    return replace(predictions, space=replace(predictions.space, hierarchy=tree))


def scored(predictions: Predictions) -> HierarchyScores:
    found = score(predictions).hierarchy
    assert found is not None
    return found


def test_by_hand(make: Make) -> None:
    #        right    one level off  wrong from the top  wrong from the top, short
    truth = ["A/1", "A/1", "A/2", "B/1"]
    given = ["A/1", "A/2", "B/1", "C"]
    found = scored(predicting(make, truth, given))
    assert [level.accuracy.value for level in found.levels] == [0.5, 0.25]
    # codes shared: {A, A/1}, {A}, none, none; predicted: 2 + 2 + 2 + 1 codes; true: 2 each
    assert found.precision.value == pytest.approx(3 / 7)
    assert found.recall.value == pytest.approx(3 / 8)
    assert found.f1.value == pytest.approx(2 * 3 / (7 + 8))
    assert [(part.level, part.mistakes) for part in found.partings] == [(1, 2), (2, 1)]
    assert [part.share.value for part in found.partings] == pytest.approx([2 / 3, 1 / 3])
    # at the top: A found 2 of 3 and never wrongly, B neither, C neither
    assert found.levels[0].macro_f1.value == pytest.approx((4 / 5 + 0 + 0) / 3)
    assert (found.levels[0].codes, found.levels[1].codes) == (3, 4)
    assert found.levels[0].accuracy.note == "too few"


def test_sums_may_find_a_code_that_the_decided_label_misses(make: Make) -> None:
    probabilities: FloatMatrix = np.array([[0.3, 0.3, 0.4, 0.0]])
    found = scored(in_tree(make(["A/1"], probabilities, names=CODES), TREE))
    top = found.levels[0]
    assert (top.accuracy.value, top.top_k[1].value) == (0.0, 1.0)
    assert found.levels[1].top_k[1].value == 0.0
    assert found.levels[1].top_k[2].value == 1.0
    assert top.top_k[3].note == "there are no more codes"


def by_hundreds(n: int) -> Hierarchy:
    """Three levels above drawn labels of two digits: label07 stands below its tens and below even or odd tens."""
    names = [f"label{index:02d}" for index in range(n)]
    return Hierarchy(tuple((f"half{index // 10 % 2}", f"tens{index // 10}", names[index]) for index in range(n)))


def test_every_level_is_what_scikit_learn_says_of_its_codes(draw: Draw) -> None:
    from sklearn.metrics import accuracy_score, f1_score

    tree = by_hundreds(40)
    drawn = in_tree(draw(300, 40), tree)
    found = scored(drawn)
    above = {path[-1]: path for path in tree.paths}
    truth, given = ([above[str(label)] for label in column] for column in (drawn.truth, drawn.predicted))
    for level in range(3):
        true_codes, codes = ([way[level] for way in ways] for ways in (truth, given))
        one = found.levels[level]
        assert one.accuracy.value == pytest.approx(accuracy_score(true_codes, codes))
        assert one.macro_f1.value == pytest.approx(f1_score(true_codes, codes, average="macro"))
        for figure in (one.accuracy, one.macro_f1, one.top_k[1]):
            assert figure.low is not None
            assert figure.high is not None
            assert figure.low <= figure.value <= figure.high
            assert figure.n == 300
    common = sum(len(set(t) & set(g)) for t, g in zip(truth, given, strict=True))
    assert found.f1.value == pytest.approx(common / (3 * 300))
    assert found.f1.low is not None
    assert found.f1.high is not None
    assert found.f1.low < found.f1.value < found.f1.high


def test_the_last_level_is_the_labels_and_mistakes_add_up(draw: Draw) -> None:
    whole = score(in_tree(draw(200, 25), by_hundreds(25)))
    assert whole.hierarchy is not None
    last = whole.hierarchy.levels[-1]
    assert last.accuracy == whole.averages["accuracy"]
    assert last.macro_f1 == whole.averages["macro_f1"]
    assert [figure.value for figure in last.top_k.values()] == [figure.value for figure in whole.top_k.values()]
    assert sum(part.mistakes for part in whole.hierarchy.partings) == whole.mistakes


def test_the_scorecard_tells_it_and_marks_what_was_seen(draw: Draw) -> None:
    from classifine.evaluation.seen import Seen

    tree = by_hundreds(25)
    card = scorecard(
        in_tree(draw(200, 25), tree),
        [in_tree(draw(200, 25, seed=3, skill=1.0, classifier="tfidf"), tree)],
        titles={},
        test_openings=1,
        seen=Seen({"identical text": 20}, tuple(range(180)), 200, contaminated=True),
    )
    told = card.to_dict()["scores"]["model"]["hierarchy"]
    assert told["levels"][0]["accuracy"]["contaminated"]
    assert told["levels"][0]["accuracy"]["clean"]["n"] == 180
    assert told["hierarchical_f1"]["clean"]["n"] == 180
    assert "Hierarchical F1" in card.details[0]
    assert card.details[0].startswith("From the top level to the labels: macro-F1 ")


def test_nothing_is_said_where_there_is_no_hierarchy(draw: Draw) -> None:
    found = score(draw(40, 3))
    assert found.hierarchy is None
    assert "hierarchy" not in found.to_dict()


def test_all_right_and_all_alike(make: Make) -> None:
    found = scored(predicting(make, ["A/1"] * 12, ["A/1"] * 12))
    assert [part.mistakes for part in found.partings] == [0, 0]
    assert found.partings[0].share.note == "too few"
    assert (found.f1.value, found.f1.note) == (1.0, "every resample gives this value")


def test_predictions_give_the_codes_above(make: Make) -> None:
    predictions = predicting(make, ["A/1", "B/1"], ["A/2", "C"])
    codes, sums = predictions.at_level(1)
    assert codes == ("A", "C")
    assert sums == pytest.approx((0.6 + 0.4 / 3, 0.6))
    again = Predictions.from_arrow(predictions.to_arrow())
    assert again.space.hierarchy == TREE
    blank = replace(predictions, predicted=("A/2", None), status=("ok", "blank"))
    assert blank.at_level(1)[0] == ("A", None)
    with pytest.raises(ValueError, match="no hierarchy"):
        replace(predictions, space=replace(predictions.space, hierarchy=None)).at_level(1)
