"""Roles beside text and label: groups, times, given splits, annotators in columns, several files, quarantine."""

from __future__ import annotations

import csv
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifine.data.rows.items import DOUBLED, NO_JUDGEMENT
from classifine.data.rows.reading import LeftOut, Reading, read_judgements, read_labelled, write_rejected
from classifine.errors import ColumnProblem, FileUnreadable, RowsProblem, UsageError
from classifine.settings import DataSettings

LONG = DataSettings(id="id", annotator="who")
SHEET = {"id": ["p", "q"], "text": ["a", "b"], "A": ["x", ""], "B": ["y", "x"], "C": [" ", "x"]}


def adds_up(reading: Reading[Any]) -> bool:
    listed = sum(len(part.rows) for part in reading.left_out)
    return reading.rows_in == reading.rows_used + listed + len(reading.rejected)


def test_groups_times_and_parts_are_columns_of_the_table() -> None:
    source = {
        "text": ["a", "b", "c"], "label": ["x", "y", "x"], "author": ["u", "", "u"], "day": ["2024-01-01", "", "5"],
        "part": ["train", "validation", "test"],
    }  # fmt: skip
    table = read_labelled(source, DataSettings(group="author", time="day", split="part")).table
    assert table.groups == ("u", "", "u")
    assert table.times == ("2024-01-01", "", "5")
    assert table.parts == ("train", "validation", "test")
    bare = read_labelled(source, DataSettings()).table
    assert (bare.groups, bare.times, bare.parts) == (None, None, None)


def test_words_for_splits_are_read_and_said() -> None:
    words = ["Train", "training", "dev", "VAL", "valid", "eval", " test ", "train"]
    source = {"text": [f"t{n}" for n in range(8)], "label": ["x"] * 8, "split": words}
    reading = read_labelled(source, DataSettings(split="split"))
    assert reading.table.parts == ("train",) * 2 + ("validation",) * 4 + ("test", "train")
    assert "'dev' in 'split' is read as validation (1 row)" in reading.repairs
    assert len(reading.to_dict()["repairs"]) == 7
    source["split"] = ["train"] * 5 + ["", "holdout", "holdout"]
    with pytest.raises(RowsProblem, match="says something else than train, validation or test") as caught:
        read_labelled(source, DataSettings(split="split"))
    assert "'' in 1 row, first 6, 'holdout' in 2 rows, first 7" in str(caught.value)
    assert "validation (or valid, val, dev" in str(caught.value)


@pytest.mark.parametrize("role", ["group", "time", "split"])
def test_an_item_has_one_group_time_and_split(role: str) -> None:
    source = {"id": ["1", "2", "1"], "text": ["a", "b", "a"], "label": ["x"] * 3, "who": ["A", "A", "B"]}
    source["more"] = ["train", "test", "train"]
    chosen = DataSettings(id="id", annotator="who", **{role: "more"})  # type: ignore[arg-type]
    assert len(read_judgements(source, chosen).table) == 3
    source["more"] = ["train", "test", "test"]
    with pytest.raises(RowsProblem, match=f"1 id stands beside different {role}s") as caught:
        read_judgements(source, chosen)
    assert "'1' in rows 1 and 3" in str(caught.value)
    assert f"leave --{role} out" in str(caught.value)


def test_a_column_plays_one_role() -> None:
    source = {"text": ["a"], "label": ["x"]}
    for settings in (DataSettings(split="label"), DataSettings(id="label"), DataSettings(time="text")):
        with pytest.raises(ColumnProblem, match="two things"):
            read_labelled(source, settings)
    assert read_labelled(source, DataSettings(id="text", group="text")).table.groups == ("a",)


def test_each_annotator_may_have_a_column() -> None:
    reading = read_judgements(SHEET, DataSettings(id="id", annotator_columns=("A", "B", "C")))
    table = reading.table
    judged = list(zip(table.ids, table.annotators, table.labels, table.rows, strict=True))
    assert judged == [("p", "A", "x", 1), ("p", "B", "y", 1), ("q", "B", "x", 2), ("q", "C", "x", 2)]
    assert reading.not_judged == 2 == reading.to_dict()["not_judged"]
    assert (reading.rows_in, reading.rows_used) == (2, 2)
    bare = {name: cells for name, cells in SHEET.items() if name != "id"}
    assert read_judgements(bare, DataSettings(annotator_columns=("A", "B"))).table.ids == ("1", "1", "2")


def test_items_that_nobody_judged_are_listed() -> None:
    sheet = {"text": ["a", "b", "c"], "A": ["", "x", " "], "B": ["", "", "y"], "author": ["u", "v", "w"]}
    reading = read_judgements(sheet, DataSettings(annotator_columns=("A", "B"), group="author"))
    assert reading.left_out == (LeftOut(NO_JUDGEMENT, (1,)),)
    assert reading.table.groups == ("v", "w")
    assert reading.not_judged == 2
    assert adds_up(reading)
    with pytest.raises(RowsProblem, match="no row has a judgement"):
        read_judgements({**sheet, "A": [""] * 3, "B": [""] * 3}, DataSettings(annotator_columns=("A", "B")))


def test_columns_of_annotators_are_checked() -> None:
    with pytest.raises(ColumnProblem, match="either in one column or have a column each"):
        read_judgements(SHEET, DataSettings(annotator="A", annotator_columns=("B",)))
    with pytest.raises(ColumnProblem, match="no column 'rater B', which should hold the labels of one") as caught:
        read_judgements({**SHEET, "rater_B": ["x", "x"]}, DataSettings(annotator_columns=("A", "rater B")))
    assert "did you mean 'rater_B'" in str(caught.value)
    assert "--annotator-columns" in str(caught.value)
    for columns in (("A", "text"), ("A", "A")):
        with pytest.raises(ColumnProblem, match="two things"):
            read_judgements(SHEET, DataSettings(annotator_columns=columns))
    with pytest.raises(RowsProblem, match="1 id names more than one row") as caught2:
        read_judgements({**SHEET, "id": ["p", "p"]}, DataSettings(id="id", annotator_columns=("A", "B")))
    assert "--annotator" not in str(caught2.value)


@given(
    st.lists(st.lists(st.sampled_from(["", " ", "x", "y"]), min_size=3, max_size=3), min_size=1, max_size=8),
)
def test_wide_and_long_say_the_same(rows: list[list[str]]) -> None:
    judged = [(n, who, label) for n, row in enumerate(rows, 1) for who, label in zip("ABC", row, strict=True)]
    given = [(n, who, label) for n, who, label in judged if label.strip()]
    if not given:
        return
    columns = {who: [row[place] for row in rows] for place, who in enumerate("ABC")}
    wide = read_judgements(
        {"text": [f"t{n}" for n in range(1, len(rows) + 1)], **columns}, DataSettings(annotator_columns=("A", "B", "C"))
    )
    long = read_judgements(
        {
            "id": [str(n) for n, _, _ in given],
            "text": [f"t{n}" for n, _, _ in given],
            "who": [who for _, who, _ in given],
            "label": [label for _, _, label in given],
        },
        LONG,
    )
    for name in ("ids", "texts", "annotators", "labels"):
        assert getattr(wide.table, name) == getattr(long.table, name)
    assert wide.not_judged == 3 * wide.rows_used - len(given)
    assert adds_up(wide)


def test_several_files_are_one_table(tmp_path: Path) -> None:
    one, two = tmp_path / "one.csv", tmp_path / "two.jsonl"
    one.write_text("id,text,label\n1,a,x\n\n2,b,y\n")
    two.write_text('{"label": "x", "text": "c", "id": "3"}\n')
    reading = read_labelled([one, str(two)], DataSettings(id="id"))
    assert reading.table.texts == ("a", "b", "c")
    assert reading.table.rows == (1, 2, 3)
    assert reading.left_out == (LeftOut(f"blank line of {one}", (3,)),)
    assert [(file.file, file.rows) for file in reading.detected] == [(str(one), 2), (str(two), 1)]
    assert adds_up(reading)
    two.write_text('{"label": "x", "text": "c", "id": "1"}\n')
    with pytest.raises(RowsProblem, match="names more than one row") as caught:
        read_labelled((one, two), DataSettings(id="id"))
    assert f"'1' in rows 1 of {one}, 1 of {two}" in str(caught.value)
    two.write_text('{"lable": "x", "text": "c", "id": "3"}\n')
    two.write_text("".join(f'{{"label": "x", "text": " ", "id": "b{n}"}}\n' for n in range(9)))
    with pytest.raises(RowsProblem, match="9 of 11 rows are blank") as blank:
        read_labelled([one, two], DataSettings(id="id"))
    assert f"1 of {two}, 2 of {two}, 3 of {two}, 4 of {two}, 5 of {two} and 4 more" in str(blank.value)
    two.write_text('{"lable": "x", "text": "c", "id": "3"}\n')
    with pytest.raises(ColumnProblem, match=r"two.jsonl has other columns than") as other:
        read_labelled([one, two], DataSettings(id="id"))
    assert "it lacks 'label'; it has, beyond them, 'lable'" in str(other.value)
    with pytest.raises(UsageError, match="named twice"):
        read_labelled([one, one], DataSettings())
    two.write_text('{"label": [1], "text": "c", "id": "3"}\n')
    with pytest.raises(RowsProblem, match="holds lists") as nested:
        read_labelled([one, two], DataSettings(id="id"))
    assert f"{two}, rows 1" in str(nested.value)


@pytest.mark.skipif("CLASSIFINE_DATA" not in os.environ, reason="CLASSIFINE_DATA names no folder of benchmark data")
def test_real_judgements_in_three_files_are_one_table() -> None:
    folder = Path(os.environ["CLASSIFINE_DATA"]) / "convabuse"
    files = [folder / f"annotations{part}.csv" for part in ("", "_val", "_test")]
    reading = read_judgements(files, DataSettings(id="id", annotator="worker"))
    assert len(reading.table) == 12_066 == reading.rows_in
    assert len(set(reading.table.annotators)) == 8
    assert [file.rows for file in reading.detected] == [7_199, 2_385, 2_482]


def test_bad_rows_are_set_aside_when_asked(tmp_path: Path) -> None:
    path, more = tmp_path / "a.csv", tmp_path / "b.csv"
    path.write_text("id,text,label\n1,a,x\n2,b,x,y\n3,,x\n1,c,y\n4,d,y\n")
    more.write_text("id,text,label\n5,e,x\n6,f\n4,g,x\n")
    with pytest.raises(FileUnreadable, match="too many or too few cells"):
        read_labelled([path, more], DataSettings(id="id"))
    reading = read_labelled([path, more], DataSettings(id="id", on_bad_row="quarantine"))
    assert reading.table.texts == ("a", "d", "e")
    assert reading.table.rows == (1, 5, 6)
    assert adds_up(reading)
    aside = [(Path(bad.file).name, bad.row, bad.row_in_file, bad.line, bad.reason) for bad in reading.rejected]
    assert aside == [
        ("a.csv", 2, 2, 3, "extra cell"),
        ("b.csv", 7, 2, 3, "missing cell"),
        ("a.csv", 3, 3, None, "blank text"),
        ("a.csv", 4, 4, None, DOUBLED),
        ("b.csv", 8, 3, None, DOUBLED),
    ]
    told = {part["reason"]: part["rows"] for part in reading.to_dict()["rejected"]}
    assert told == {"extra cell": [2], "missing cell": [7], "blank text": [3], DOUBLED: [4, 8]}
    written = tmp_path / "quarantine" / "rows.csv"
    write_rejected(written, reading.quarantine)
    with written.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["row"] for row in rows] == ["2", "2", "3", "4", "3"]
    assert rows[2] == {
        "file": str(path), "row": "3", "line": "", "reason": "blank text",
        "content": '{"text": "", "label": "x", "id": "3"}',
    }  # fmt: skip


@given(
    st.lists(
        st.tuples(st.sampled_from(["", "1", "2", "3"]), st.sampled_from([" ", "a", "b"]), st.sampled_from(["", "x"])),
        min_size=1,
        max_size=10,
    ),
    st.sampled_from(["error", "quarantine"]),
)
def test_rows_in_are_rows_used_left_out_and_rejected(rows: list[tuple[str, str, str]], rule: Any) -> None:
    source = [dict(zip(("id", "text", "label"), row, strict=True)) for row in rows]
    try:
        reading = read_labelled(source, DataSettings(id="id", on_bad_row=rule))
    except RowsProblem:
        return
    assert adds_up(reading)
    listed = [row for part in reading.left_out for row in part.rows] + [bad.row for bad in reading.rejected]
    assert sorted([*reading.table.rows, *listed]) == list(range(1, len(rows) + 1))
    for name, text, label, row in zip(
        reading.table.ids, reading.table.texts, reading.table.labels, reading.table.rows, strict=True
    ):
        assert (name, text, label) == rows[row - 1]


def test_all_rows_set_aside_is_an_error() -> None:
    with pytest.raises(RowsProblem, match="2 of 2 rows are blank"):
        read_labelled((["a", ""], ["", "x"]), DataSettings(on_bad_row="quarantine"))


def test_a_quarantine_file_holds_what_is_no_text(tmp_path: Path) -> None:
    reading = read_labelled(
        {"text": ["a", "=1+1\0", "c"], "label": ["x", " ", "x"]}, DataSettings(on_bad_row="quarantine")
    )
    path = tmp_path / "rows.csv"
    write_rejected(path, reading.rejected)
    assert "=1+1" in path.read_text()
    assert path.read_text().splitlines()[1].startswith("the mapping,2,,blank label,")


def test_an_annotator_without_a_judgement_is_named() -> None:
    sheet = {"text": ["a", "b"], "A": ["x", "y"], "B": [None, ""]}
    (repair,) = read_judgements(sheet, DataSettings(annotator_columns=("A", "B"))).repairs
    assert "the column 'B' holds no judgement" in repair


def test_a_title_above_the_header_is_named(tmp_path: Path) -> None:
    path = tmp_path / "titel.csv"
    path.write_text("Projekt, Stand 3.4.;;\nid;text;label\n1;a;x\n", "utf-8")
    with pytest.raises(ColumnProblem) as refused:
        read_labelled(path, DataSettings(id="id"))
    assert "delete titles and notes that stand above it" in str(refused.value)


def test_a_blank_label_stays_where_it_says_that_a_text_has_none() -> None:
    source = {"text": ["a", "b", "", "d"], "label": ["x|y", " ", "x", "y"]}
    several = DataSettings(multi_label=True, label_separator="|", on_bad_row="quarantine")
    assert read_labelled(source, several).table.labels == ("x|y", "y")
    reading = read_labelled(source, replace(several, blank_labels="none"))
    assert (reading.table.texts, reading.rejected[0].reason) == (("a", "b", "d"), "blank text")
    with pytest.raises(RowsProblem, match="--blank-labels none"):
        read_labelled(source, replace(several, on_bad_row="error"))
