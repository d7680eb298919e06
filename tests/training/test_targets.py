from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from classifine.errors import SettingsProblem
from classifine.labels import LabelSpace
from classifine.tables import LabelledTexts
from classifine.training.targets import targets

SPACE = LabelSpace(("no", "yes"))
TABLE = LabelledTexts(
    ("1", "2"), ("a", "b"), ("yes", "no"), (1, 2), soft=({"yes": 0.75, "no": 0.25}, {"no": 0.6, "maybe": 0.4})
)


def test_hard_targets_are_label_ids_whatever_the_shares() -> None:
    assert targets(TABLE, SPACE, soft=False).tolist() == [1, 0]


def test_soft_targets_are_the_annotators_shares_of_the_labels_in_the_space() -> None:
    found = targets(TABLE, SPACE, soft=True)
    np.testing.assert_allclose(found, [[0.25, 0.75], [1.0, 0.0]])


def test_a_label_that_no_annotator_gave_is_the_target_where_it_was_decided() -> None:
    table = replace(TABLE, soft=({"maybe": 1.0}, {"no": 1.0}))
    np.testing.assert_allclose(targets(table, SPACE, soft=True), [[0.0, 1.0], [1.0, 0.0]])


def test_soft_targets_need_judgements() -> None:
    with pytest.raises(SettingsProblem, match="needs the judgements of several annotators"):
        targets(replace(TABLE, soft=None), SPACE, soft=True)


SEVERAL = LabelSpace(("no", "so", "yes"), separator="|")
CELLS = LabelledTexts(("1", "2"), ("a", "b"), ("yes|no", ""), (1, 2), soft=({"yes|no": 0.75, "no": 0.25}, {"so": 0.5}))


def test_each_label_of_a_text_is_a_target_of_its_own() -> None:
    assert targets(CELLS, SEVERAL, soft=False).tolist() == [[1.0, 0.0, 1.0], [0.0, 0.0, 0.0]]


def test_soft_targets_of_several_labels_are_the_shares_of_annotators_who_gave_each() -> None:
    assert targets(CELLS, SEVERAL, soft=True).tolist() == [[1.0, 0.0, 0.75], [0.0, 0.5, 0.0]]
