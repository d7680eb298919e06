from __future__ import annotations

from classifine.data.splits.notes import Deviation, SplitNotes, absent_labels
from classifine.labels import LabelSpace
from classifine.tables import LabelledTexts, Splits


def _table(*labels: str) -> LabelledTexts:
    names = tuple(map(str, range(len(labels))))
    return LabelledTexts(names, names, labels, tuple(range(len(labels))))


def test_nothing_is_said_where_all_went_well() -> None:
    wanted = {"train": 0.6, "validation": 0.2, "test": 0.2}
    assert SplitNotes("stratified", wanted=wanted, shares=wanted).warnings() == ()
    assert SplitNotes("given").warnings() == ()


def test_each_thing_a_reader_must_know_is_one_sentence() -> None:
    notes = SplitNotes(
        "grouped",
        wanted={"train": 0.6, "validation": 0.2, "test": 0.2},
        shares={"train": 0.9, "validation": 0.02, "test": 0.08},
        largest_unit=900,
        rare={"grief": 2, "awe": 1},
        moved=(7, 3),
        absent={"train": ("new",), "validation": ("awe", "grief", "joy"), "test": ("awe", "grief")},
    )
    said = notes.warnings()
    assert [sentence.split(",")[0] for sentence in said] == [
        "validation has 2.0% of the rows instead of 20.0% and test has 8.0% of the rows instead of 20.0%",
        "2 labels have too few different texts for every split",
        "2 rows stand in an earlier split than the time says",
        "labels that do not occur in train and cannot be learnt: 'new'",
        "labels that do not occur in validation and have no scores there: 'joy'",
    ]
    assert "900 rows hang together" in said[0]
    assert said[1].endswith("'grief' (2 rows), 'awe' (1 row)")
    assert said[2].endswith("rows 3, 7")


def test_the_furthest_share_is_written_out() -> None:
    told = SplitNotes("stratified", furthest=Deviation("yes", "test", 0.2, 0.25)).to_dict()
    assert told["furthest"] == {"label": "yes", "part": "test", "wanted": 0.2, "reached": 0.25}


def test_labels_that_a_part_lacks_are_listed() -> None:
    space = LabelSpace(("a", "b", "c"), separator="|")
    splits = Splits(_table("a|b", "c"), _table("a"), _table(), space)
    assert absent_labels(splits) == {"validation": ("b", "c")}
