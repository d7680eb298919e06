from __future__ import annotations

import numpy as np

from classifine.data.audit import repeats
from classifine.data.audit.auditing import audit, audit_drift, audit_splits
from classifine.data.audit.label_checks import rows_rejected, twins
from classifine.data.audit.material import Material
from classifine.data.rows.reading import LeftOut
from classifine.labels import LabelSpace
from classifine.tables import LabelledTexts, Splits

TEXTS = (
    "the train was late again this morning",
    "the train was late again this morning!",
    "The train was late again this morning",
    "a wholly different matter altogether",
    "nobody knows what will come of it",
)


def _table(texts: tuple[str, ...], labels: tuple[str, ...]) -> LabelledTexts:
    numbers = tuple(range(1, len(texts) + 1))
    return LabelledTexts(tuple(map(str, numbers)), texts, labels, numbers)


def test_near_duplicates_are_told_apart_from_equal_texts() -> None:
    material = Material.of(_table(TEXTS, ("a", "b", "a", "b", "b")))
    clusters = material.forms.clusters()
    assert repeats.repeated(material).rows == (3,)
    found = repeats.nearly_repeated(material, clusters)
    assert (found.level, found.count, found.rows) == ("warn", 1, (2,))
    assert "1 row nearly repeats the text of another, in 1 group of similar texts; 1 of the groups has" in found.message


def test_clusters_that_are_given_are_used() -> None:
    table = _table(TEXTS, ("a", "b", "a", "b", "b"))
    found = [one for one in audit(table, clusters=np.arange(5)) if one.check == "near-duplicates"]
    assert [one.level for one in found] == ["good"]


def test_the_same_labels_in_another_order_contradict_nothing() -> None:
    table = _table(("oh", "oh", "ah", "ah"), ("joy|love", "love|joy", "joy", "joy|love"))
    found = repeats.contradictory(Material.of(table, "|"))
    assert (found.count, found.rows) == (2, (3, 4))


def test_given_splits_are_checked_for_drift() -> None:
    table = _table(TEXTS, ("a", "b", "a", "b", "b"))
    splits = Splits(table, table, table, LabelSpace.of(table.labels))
    assert len(audit_splits(splits)) == 2
    assert [one.check for one in audit_drift(splits)] == [
        "drift between test and train",
        "drift between validation and train",
    ]


def test_a_number_written_in_two_ways_is_a_label_twin() -> None:
    found = twins(Material.of(_table(TEXTS, ("1", "1.0", "2", "10", "01"))))
    assert (found.level, found.rows) == ("warn", (1, 2))
    assert "'01' (1) and '1' (1) and '1.0' (1)" in found.message


def test_labels_of_several_count_by_themselves() -> None:
    table = _table(TEXTS, ("joy|love", "joy", "love|fear", "joy", "Joy"))
    found = {one.check: one for one in audit(table, space=LabelSpace.of(table.labels, separator="|"))}
    assert found["labels"].message == "4 labels"
    assert "'Joy' (1) and 'joy' (3)" in found["label twins"].message


def test_rejected_rows_are_told_by_reason() -> None:
    found = rows_rejected((LeftOut("extra cell", (7, 4)), LeftOut("missing cell", (9,))))
    assert (found.level, found.count, found.rows) == ("warn", 3, (4, 7, 9))
    assert found.message == "3 rows were rejected by the reader: extra cell 2, missing cell 1"
