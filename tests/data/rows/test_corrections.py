from __future__ import annotations

from pathlib import Path

import pytest

from classifine.data.rows.corrections import Correction, correct, provisional, read_corrections
from classifine.errors import ClassifineError, ColumnProblem, LabelsProblem, RowsProblem
from classifine.tables import LabelledTexts

TRAIN = LabelledTexts(
    ("t1", "t2", "t3"),
    ("Come along!", "It  rained.", "Sign\r\nhere"),
    ("no", "no", "yes"),
    (1, 2, 3),
    soft=({"no": 0.6, "yes": 0.4}, {"no": 1.0}, {"yes": 1.0}),
)
TEST = LabelledTexts(("e1",), ("See you there",), ("no",), (4,), soft=({"no": 1.0},))
TABLES = {"train": TRAIN, "validation": TRAIN.take(()), "test": TEST}


def written(folder: Path, content: str) -> Path:
    path = folder / "review.csv"
    path.write_text(content, "utf-8")
    return path


def test_what_was_filled_in_is_applied_and_told(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "id,text,label,suggested_label,correct_label\nt1,Come along!,no,yes,yes\nt2,It rained. ,no,yes, no\n"
        "t3,Sign\there,yes,no,\ne1,See you there,no,yes,yes\n",
    )
    fixed, told = correct(TABLES, read_corrections(path), file="review.csv")
    assert fixed["train"].labels == ("yes", "no", "yes")
    assert fixed["train"].soft == ({"yes": 1.0}, {"no": 1.0}, {"yes": 1.0})
    assert fixed["test"].labels == ("yes",)
    assert TRAIN.labels == ("no", "no", "yes")
    assert told.changes == (("t1", "train", "no", "yes"), ("e1", "test", "no", "yes"))
    assert told.confirmed == ("t2",)
    assert told.sentence == "2 labels were corrected by review.csv (1 train, 1 test); 1 label was confirmed"
    assert "too good" in (told.caution or "")
    assert told.to_dict()["changes"][0] == {"id": "t1", "part": "train", "from": "no", "to": "yes"}


def test_nothing_is_corrected_by_halves() -> None:
    whole = [Correction("t1", "yes", 1), Correction("t9", "yes", 2), Correction("e9", "no", 3)]
    with pytest.raises(
        RowsProblem, match=r"(?s)2 corrections are about texts that are not in the data.*'t9' \(row 2\)"
    ):
        correct(TABLES, whole, file="f")
    with pytest.raises(LabelsProblem, match=r"(?s)1 corrected label is not among.*'yse' \(row 1\).*did you mean 'yes'"):
        correct(TABLES, [Correction("t1", "yse", 1)], file="f")


def test_row_numbers_that_have_moved_are_caught_by_the_text() -> None:
    with pytest.raises(RowsProblem, match=r"(?s)about another text than the one that has its id now.*'t1' \(row 1\)"):
        correct(TABLES, [Correction("t1", "yes", 1, "It rained."), Correction("t2", "yes", 2, "It rained.")], file="f")


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        ("id,label\nt1,yes\n", ColumnProblem, "need one column 'correct_label'"),
        ("id,correct_label\nt1,yes\nt1,no\n", RowsProblem, r"(?s)corrected in two ways.*'t1': 'yes' in row 1 and 'no'"),
        ("id,correct_label\n,yes\n", RowsProblem, r"1 correction has no id"),
    ],
)
def test_files_that_are_no_corrections(tmp_path: Path, content: str, error: type[ClassifineError], words: str) -> None:
    with pytest.raises(error, match=words):
        read_corrections(written(tmp_path, content))


def test_of_several_labels_order_does_not_matter_and_none_can_be_said() -> None:
    table = LabelledTexts(("1", "2", "3"), ("a", "b", "c"), ("joy|love", "joy", ""), (1, 2, 3))
    said = [Correction("1", "love|joy", 1), Correction("2", "(none)", 2), Correction("3", "love", 3)]
    fixed, told = correct({"train": table}, said, file="f", separator="|")
    assert fixed["train"].labels == ("joy|love", "", "love")
    assert (told.confirmed, len(told.changes)) == (("1",), 2)
    assert told.caution is None


def test_a_look_before_dividing_changes_nothing_else() -> None:
    assert provisional(TRAIN, [Correction("t1", "yes", 1)]).labels == ("yes", "no", "yes")
    assert provisional(TRAIN, [Correction("x", "yes", 1)]) is TRAIN
