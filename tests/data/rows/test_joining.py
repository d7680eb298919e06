"""Texts from another file: each row of labels finds its text or is listed, and both sides are counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from classifine.data.rows.joining import NO_TEXT
from classifine.data.rows.reading import LeftOut, read_judgements, read_labelled
from classifine.errors import ColumnProblem, RowsProblem, UsageError
from classifine.settings import DataSettings

LABELS = {"id": ["1", "2", "3", "4"], "label": ["x", "y", "x", "y"]}
TEXTS = {"id": ["4", "3", "2", "1", "9"], "text": ["d", "c", "b", "a", "z"], "author": ["u", "v", "u", "v", "w"]}


def test_texts_are_found_by_id() -> None:
    reading = read_labelled(LABELS, DataSettings(group="author"), texts=TEXTS, on="id")
    assert reading.table.ids == ("1", "2", "3", "4")
    assert reading.table.texts == ("a", "b", "c", "d")
    assert reading.table.groups == ("v", "u", "v", "u")
    assert reading.left_out == ()
    assert reading.join is not None
    assert not reading.join.loud
    assert reading.join.told() == "4 of 4 rows of labels found a text by 'id'; 1 of 5 texts have no label"
    assert reading.to_dict()["join"]["unused_ids"] == ["9"]


def test_the_tutorial_that_lost_all_but_137_tweets_is_told_so() -> None:
    """T1 joined 5,650 annotated tweets to a sample of 200 of them and went on in silence."""
    labels = {"id": [str(n) for n in range(5650)], "label": ["sexist" if n % 2 else "not" for n in range(5650)]}
    texts = {"id": [str(n) for n in range(5513, 5713)], "text": [f"tweet {n}" for n in range(200)]}
    reading = read_labelled(labels, DataSettings(), texts=texts, on="id")
    assert len(reading.table) == 137
    assert reading.left_out == (LeftOut(NO_TEXT, tuple(range(1, 5514))),)
    assert reading.rows_in == 5650 == len(reading.table) + len(reading.left_out[0].rows)
    assert reading.join is not None
    assert reading.join.loud
    told = reading.join.told()
    assert "137 of 5,650 rows of labels found a text" in told
    assert "63 of 200 texts have no label" in told
    assert reading.to_dict()["join"]["labels_lost"] == 5513


def test_judgements_are_joined_too(tmp_path: Path) -> None:
    labels, texts = tmp_path / "labels.csv", tmp_path / "texts.csv"
    labels.write_text("id,who,label\n1,A,x\n1,B,y\n2,A,x\n5,A,x\n")
    texts.write_text("id,text\n1,a\n2,b\n")
    reading = read_judgements(labels, DataSettings(annotator="who"), texts=texts, on="id")
    assert reading.table.texts == ("a", "a", "b")
    assert reading.table.ids == ("1", "1", "2")
    assert reading.left_out == (LeftOut(NO_TEXT, (4,)),)
    assert reading.join is not None
    assert [file.file for file in (*reading.detected, *reading.join.detected)] == [str(labels), str(texts)]
    wide = {"key": ["1", "2"], "A": ["x", ""], "B": ["y", "x"]}
    settings = DataSettings(annotator_columns=("A", "B"), id="key")
    joined = read_judgements(wide, settings, texts={"key": ["1", "2"], "text": ["a", "b"]})
    assert joined.table.texts == ("a", "a", "b")


def test_near_misses_are_explained() -> None:
    labels = {"id": ["1.0", "2.0", "x"], "label": ["a", "b", "c"]}
    with pytest.raises(RowsProblem, match="no row of labels has a text") as caught:
        read_labelled(labels, DataSettings(), texts={"id": ["01", "2"], "text": ["p", "q"]}, on="id")
    assert "2 lost ids differ from one of a text only in case" in str(caught.value)
    assert "'1.0' and '01'" in str(caught.value)
    with pytest.raises(RowsProblem, match="join by another column") as caught:
        read_labelled(labels, DataSettings(), texts={"id": ["k"], "text": ["p"]}, on="id")
    assert "'1.0', '2.0', 'x' beside the labels, 'k' beside the texts" in str(caught.value)


def test_an_id_has_one_text() -> None:
    texts = {"id": ["1", "2", "1", "", " "], "text": ["a", "b", "a", "c", "d"]}
    with pytest.raises(RowsProblem, match="1 id stands beside more than one text") as caught:
        read_labelled(LABELS, DataSettings(), texts=texts, on="id")
    assert "'1' in rows 1, 3" in str(caught.value)


def test_blank_texts_and_ids_are_listed() -> None:
    numbers = [str(n) for n in range(100)]
    labels: dict[str, Any] = {"id": [*numbers[:99], ""], "label": ["x"] * 100}
    texts = {"id": [*numbers, ""], "text": [" ", *numbers[1:], "nobody's"]}
    reading = read_labelled(labels, DataSettings(), texts=texts, on="id")
    assert set(reading.left_out) == {LeftOut("blank text", (1,)), LeftOut(NO_TEXT, (100,))}


def test_columns_of_a_join_are_named() -> None:
    with pytest.raises(ColumnProblem, match="no column 'ids', which should hold the ids by which") as caught:
        read_labelled(LABELS, DataSettings(), texts=TEXTS, on="ids")
    assert "did you mean 'id'" in str(caught.value)
    with pytest.raises(ColumnProblem, match="there is no column 'thread'"):
        read_labelled(LABELS, DataSettings(group="thread"), texts=TEXTS, on="id")
    with pytest.raises(ColumnProblem, match="--id COLUMN"):
        read_labelled(LABELS, DataSettings(), texts=TEXTS)
    with pytest.raises(UsageError, match="--texts FILE"):
        read_labelled(TEXTS, DataSettings(label="author"), on="id")
    with pytest.raises(ColumnProblem, match="no column 'text'"):
        read_labelled(LABELS, DataSettings(), texts=LABELS, on="id")
