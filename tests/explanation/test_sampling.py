from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from tests.explanation.scorers import BagOfWords

from classifine.explanation.sampling import affordable, sample, write_explanations
from classifine.labels import LabelSpace, decide
from classifine.settings import Settings
from classifine.tables import OK, Predictions

NAMES = ("a", "b", "c")


def predictions() -> Predictions:
    rng = np.random.default_rng(1)
    truth = tuple(NAMES[n % 3] for n in range(60))
    matrix = rng.dirichlet([1, 1, 1], 60)
    space = LabelSpace(NAMES)
    return Predictions(
        ids=tuple(f"r{n}" for n in range(60)),
        texts=tuple(f"text {n} of ships" for n in range(60)),
        truth=truth,
        predicted=decide(matrix, space),
        probabilities=matrix,
        status=(OK,) * 60,
        space=space,
        split="test",
    )


def test_each_confused_pair_comes_before_the_second_mistake_of_one() -> None:
    found = predictions()
    rows = sample(found, 9)
    pairs = [(found.truth[at], found.predicted[at]) for at in rows]
    assert len(rows) == len(set(rows)) == 9
    assert len(set(pairs[:6])) == 6
    assert all(true != given for true, given in pairs[:6])
    assert sorted(pairs[6:]) == [("a", "a"), ("b", "b"), ("c", "c")]
    confident = found.confidence
    for at, pair in zip(rows[:6], pairs[:6], strict=True):
        of_pair = [n for n in range(60) if (found.truth[n], found.predicted[n]) == pair]
        assert confident[at] == max(confident[n] or 0 for n in of_pair)


def test_texts_are_as_many_as_a_few_seconds_allow() -> None:
    found = predictions()
    assert affordable(found, range(20), object()) == list(range(20))
    long = Predictions(**{**vars(found), "texts": ("word " * 400, *found.texts[1:])})
    assert 0 not in affordable(long, range(20), object())
    assert affordable(long, [0], object()) == [0]


def test_the_file_holds_explanations_with_ids_and_is_removed_where_none_are_wanted(tmp_path: Path) -> None:
    path = tmp_path / "explanations.json"
    scorer = BagOfWords({"ships": 0.2}, names=NAMES[:2])
    found = predictions()
    two = Predictions(
        ids=found.ids,
        texts=found.texts,
        truth=tuple("ab"[n % 2] for n in range(60)),
        predicted=("b",) * 60,
        probabilities=np.tile([0.4, 0.6], (60, 1)),
        status=found.status,
        space=scorer.space,
        split="test",
    )
    assert write_explanations(path, scorer, two, Settings()) == [path]
    first = path.read_bytes()
    stored = json.loads(first)
    assert {one["truth"] for one in stored["explanations"]} == {"a", "b"}
    assert len(stored["explanations"]) == Settings().evaluation.explained
    write_explanations(path, scorer, two, Settings())
    assert path.read_bytes() == first
    assert write_explanations(path, scorer, two, Settings().with_names({"explained": 0})) == []
    assert not path.exists()
