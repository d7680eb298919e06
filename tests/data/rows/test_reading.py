"""Reading: labels stay what they are, and each row is used, listed or refused."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook

from classifine.data.files.cells import Number, as_json, as_text
from classifine.data.files.table_file import TableFile
from classifine.data.rows.reading import BLANK_LINE, LeftOut, read_judgements, read_labelled
from classifine.errors import (
    ColumnProblem,
    FileUnreadable,
    RowsProblem,
    UsageError,
)
from classifine.settings import DataSettings

PLAIN = DataSettings()
FAITHFUL = ["0111", "01.10", "NA", "None", "null", "nan", "true", "1.0", "1", " a", "a ", "=1+1", "1e5", "é", "e\u0301"]
FAITHFUL += [
    "</script>",
    "__proto__",
    'say "no"',
    "a,b",
    "a;b",
    "a\nb",
    "a\r\nb",
    "a\rb",
    "a\tb",
    "👩‍👩‍👧",
    "\u202eabc",
    "x\0y",
]


def as_csv(path: Path, texts: list[str], labels: list[str]) -> Any:
    rows = [["text", "label"], *map(list, zip(texts, labels, strict=True))]
    path = path.with_suffix(".csv")
    path.write_bytes(
        "".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\n" for row in rows).encode()
    )
    return path


def as_jsonl(path: Path, texts: list[str], labels: list[str]) -> Any:
    path = path.with_suffix(".jsonl")
    rows = [{"text": t, "label": label} for t, label in zip(texts, labels, strict=True)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def as_parquet(path: Path, texts: list[str], labels: list[str]) -> Any:
    path = path.with_suffix(".parquet")
    pq.write_table(pa.table({"text": texts, "label": pa.array(labels).dictionary_encode()}), path)
    return path


def as_xlsx(path: Path, texts: list[str], labels: list[str]) -> Any:
    path = path.with_suffix(".xlsx")
    book = Workbook()
    sheet = book.worksheets[0]
    for row, cells in enumerate([("text", "label"), *zip(texts, labels, strict=True)], 1):
        for column, value in enumerate(cells, 1):
            cell = sheet.cell(row, column)
            cell.value, cell.data_type = value, "s"
    book.save(path)
    return path


def as_frame(_: Path, texts: list[str], labels: list[str]) -> Any:
    return pd.DataFrame({"text": texts, "label": labels})


def as_categories(_: Path, texts: list[str], labels: list[str]) -> Any:
    return pd.DataFrame({"text": texts, "label": pd.Categorical(labels)})


def as_arrow(_: Path, texts: list[str], labels: list[str]) -> Any:
    return pa.table({"text": texts, "label": labels})


def as_mapping(_: Path, texts: list[str], labels: list[str]) -> Any:
    return {"text": texts, "label": np.array(labels)}


def as_pair(_: Path, texts: list[str], labels: list[str]) -> Any:
    return (pd.Series(texts), labels)


Maker = Callable[[Path, list[str], list[str]], Any]
MAKERS: list[Maker] = [
    as_csv, as_jsonl, as_parquet, as_xlsx, as_frame, as_categories, as_arrow, as_mapping, as_pair,
]  # fmt: skip


@pytest.mark.parametrize("make", MAKERS)
def test_labels_stay_what_they_are(tmp_path: Path, make: Maker) -> None:
    # XML has no NUL and reads a carriage return as a line feed; NumPy's text arrays drop a NUL at the end only.
    labels = [label for label in FAITHFUL if make is not as_xlsx or not set(label) & {"\0", "\r"}]
    texts = [f"text {number}" for number in range(len(labels))]
    reading = read_labelled(make(tmp_path / "labels", texts, labels), PLAIN)
    assert reading.table.labels == tuple(labels)
    assert reading.table.texts == tuple(texts)
    assert reading.left_out == ()
    assert reading.table.ids == tuple(str(number) for number in range(1, len(labels) + 1))


def test_columns_are_looked_up_with_a_guess(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("texts,labels,x,x\na,b,1,2\n")
    with pytest.raises(ColumnProblem) as caught:
        read_labelled(path, PLAIN)
    for words in ("'text'", "'label'", "did you mean 'texts'", "did you mean 'labels'", "--text COLUMN"):
        assert words in str(caught.value)
    with pytest.raises(ColumnProblem, match="stands 2 times"):
        read_labelled(path, DataSettings(text="x", label="labels"))
    with pytest.raises(ColumnProblem, match="two things"):
        read_labelled(path, DataSettings(text="texts", label="texts"))
    assert read_labelled(path, DataSettings(text="texts", label="labels")).table.texts == ("a",)


def test_few_blank_rows_are_left_out_and_listed(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = [f"t{number},yes" for number in range(1, 101)]
    rows[3], rows[9], rows[10], rows[11] = ",yes", " \u00a0 ,no", "t11,", ","
    rows.insert(50, "")
    path.write_text("text,label\n" + "\n".join(rows) + "\n")
    reading = read_labelled(path, PLAIN)
    assert reading.left_out == (
        LeftOut("blank label", (11,)),
        LeftOut("blank text", (4, 10, 12)),
        LeftOut(BLANK_LINE, (52,)),
    )
    assert reading.rows_in == 101 == len(reading.table) + sum(len(part.rows) for part in reading.left_out)
    assert reading.table.ids[3] == "5"
    assert reading.to_dict()["left_out"][0] == {"reason": "blank label", "count": 1, "rows": [11]}


def test_many_blank_rows_are_an_error() -> None:
    texts = [""] * 5 + ["t"] * 95
    with pytest.raises(RowsProblem, match="5 of 100 rows are blank") as caught:
        read_labelled((texts, ["yes"] * 100), PLAIN)
    assert "blank text (column 'text') in 5 rows: 1, 2, 3, 4, 5" in str(caught.value)
    assert len(read_labelled((texts[1:], ["yes"] * 99), PLAIN).table) == 95
    with pytest.raises(RowsProblem, match="1 of 1 row is blank"):
        read_labelled(([" "], ["yes"]), PLAIN)
    with pytest.raises(RowsProblem, match="has no rows"):
        read_labelled(([], []), PLAIN)


def test_absent_cells_of_frames_are_blank() -> None:
    blank = [None, float("nan"), pd.NA, pd.NaT]
    frame = pd.DataFrame({"text": ["t"] * 100, "label": pd.Series(blank + ["NA"] * 96, dtype=object)})
    before = frame.copy()
    reading = read_labelled(frame, PLAIN)
    assert reading.left_out == (LeftOut("blank label", (1, 2, 3, 4)),)
    assert set(reading.table.labels) == {"NA"}
    pd.testing.assert_frame_equal(frame, before)


def test_typed_labels_read_as_they_show(tmp_path: Path) -> None:
    def labels(source: Any) -> tuple[str, ...]:
        return read_labelled(source, PLAIN).table.labels

    assert labels(pd.DataFrame({"text": ["a", "b"], "label": [True, False]})) == ("True", "False")
    assert labels(pd.DataFrame({"text": ["a", "b"], "label": [1, 0]})) == ("1", "0")
    assert labels(pd.DataFrame({"text": ["a", "b"], "label": [1.0, 0.5]})) == ("1.0", "0.5")
    assert labels({"text": ["a", "b"], "label": [np.float64(1.0), np.int64(3)]}) == ("1.0", "3")
    assert labels(pa.table({"text": ["a", "b"], "label": [True, False]})) == ("true", "false")
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "a", "label": 1.0}\n{"text": "b", "label": true}\n{"text": "c", "label": 1e5}\n')
    assert labels(path) == ("1.0", "true", "1e5")
    parquet = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": ["a", "b"], "label": pa.array([0.1, 1.0], pa.float32())}), parquet)
    assert labels(parquet) == ("0.1", "1.0")


def test_excel_cells_read_as_the_sheet_shows_them(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    book = Workbook()
    sheet = book.worksheets[0]
    day, moment = dt.datetime(2025, 3, 2), dt.datetime(2025, 3, 2, 14, 30)
    for row in (
        ["text", "label", "day"],
        ["a", 1, day],
        [],
        ["b", True, moment],
        ["c_x000D__x0041_", 1.5, None],
        [],
        [],
    ):
        sheet.append(row)
    sheet.cell(30, 1).value = None
    book.create_sheet("empty")
    book.save(path)
    reading = read_labelled(path, PLAIN)
    assert reading.table.labels == ("1", "TRUE", "1.5")
    assert reading.table.texts == ("a", "b", "c\r_x0041_")
    assert reading.left_out == (LeftOut(BLANK_LINE, (3,)),)
    assert [as_text(cell) for cell in next(TableFile(path).blocks()).columns["day"]] == [
        "2025-03-02",
        "2025-03-02T14:30:00",
        None,
    ]
    book["empty"].append(["more"])
    book.save(path)
    with pytest.raises(FileUnreadable, match="2 sheets with content"):
        TableFile(path)
    book["empty"].sheet_state = "hidden"
    sheet.cell(2, 5).value = "beside"
    book.save(path)
    with pytest.raises(FileUnreadable, match=r"row 1 \(line 2 of the sheet\)"):
        TableFile(path).count()


def test_parquet_text_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    buffers = pa.array([b"a", b"\xff"], pa.binary()).buffers()
    broken = pa.Array.from_buffers(pa.string(), 2, buffers)
    pq.write_table(pa.table({"text": broken, "label": ["x", "y"]}), path)
    with pytest.raises(FileUnreadable, match="row 2, column 'text'"):
        read_labelled(path, PLAIN)
    pq.write_table(pa.table({"text": pa.array([b"a", b"\xff"]), "label": ["x", "y"]}), path)
    with pytest.raises(FileUnreadable, match="row 2, column 'text'"):
        read_labelled(path, PLAIN)


def test_lists_are_no_labels() -> None:
    with pytest.raises(RowsProblem, match="holds lists or objects"):
        read_labelled((["a", "b"], ["x", ["y", "z"]]), PLAIN)


def test_half_surrogates_in_memory_are_named() -> None:
    with pytest.raises(FileUnreadable, match="row 2, column 'text'"):
        read_labelled((["a", "\ud800"], ["x", "y"]), PLAIN)


def test_sources_that_are_no_tables() -> None:
    with pytest.raises(UsageError, match="cannot be read as a table"):
        read_labelled(5, PLAIN)
    with pytest.raises(UsageError, match="is no column"):
        read_labelled(("abc", ["x", "y", "z"]), PLAIN)
    with pytest.raises(UsageError, match="differ in length"):
        read_labelled((["a"], ["x", "y"]), PLAIN)


def test_ids_name_one_row_each() -> None:
    source = {"text": ["a", "b", "c"], "label": ["x", "y", "x"], "key": [7, 8, 7]}
    with pytest.raises(RowsProblem, match=r"1 id names more than one row") as caught:
        read_labelled(source, DataSettings(id="key"))
    assert "'7' in rows 1, 3" in str(caught.value)
    assert "--annotator" in str(caught.value)
    source["key"] = ["07", "7", "7.0"]
    assert read_labelled(source, DataSettings(id="key")).table.ids == ("07", "7", "7.0")


def test_columns_to_slice_by_are_kept_as_text() -> None:
    source = {"text": ["one", "two", "three"], "label": ["x", "y", "x"], "from": ["fb", None, "tw"], "n": [1, 2.5, 3]}
    read = read_labelled(source, DataSettings(slice_by=("from", "n", "label"), group="from")).table
    assert read.further == (
        {"from": "fb", "n": "1", "label": "x"},
        {"from": "", "n": "2.5", "label": "y"},
        {"from": "tw", "n": "3", "label": "x"},
    )
    with pytest.raises(ColumnProblem, match=r"(?s)no column 'form'.*did you mean 'from'.*--slice-by COLUMN"):
        read_labelled(source, DataSettings(slice_by=("form",)))


def test_judgements_of_an_item_have_one_value_to_slice_by() -> None:
    source = {"id": ["1", "1", "2"], "text": ["a", "a", "b"], "label": ["x", "y", "y"], "who": ["A", "B", "A"]}
    settings = DataSettings(id="id", annotator="who", slice_by=("from",))
    read = read_judgements({**source, "from": ["s", "s", "t"]}, settings).table
    assert read.further == ({"from": "s"}, {"from": "s"}, {"from": "t"})
    with pytest.raises(RowsProblem, match=r"(?s)'1' in rows 1 and 2.*leave --slice-by from out"):
        read_judgements({**source, "from": ["s", "t", "t"]}, settings)


def test_columns_to_slice_by_may_stand_beside_labels_or_texts() -> None:
    labels = {"id": ["1", "2"], "label": ["x", "y"], "from": ["fb", "tw"]}
    texts = {"id": ["2", "1"], "text": ["two", "one"], "year": ["2020", "2019"]}
    read = read_labelled(labels, DataSettings(id="id", slice_by=("from", "year")), texts=texts).table
    assert read.further == ({"from": "fb", "year": "2019"}, {"from": "tw", "year": "2020"})


def test_judgements_keep_every_row() -> None:
    source = {
        "item": ["1", "1", "1", "2"],
        "text": ["a", "a", "a", "b"],
        "who": ["A", "B", "A", "A"],
        "label": ["x", "y", "y", "x"],
    }
    chosen = DataSettings(id="item", annotator="who")
    reading = read_judgements(source, chosen)
    assert reading.table.annotators == ("A", "B", "A", "A")
    assert reading.table.ids == ("1", "1", "1", "2")
    assert reading.table.rows == (1, 2, 3, 4)
    assert read_judgements(source, DataSettings(id="text", annotator="who")).table.ids == ("a", "a", "a", "b")
    source["text"] = ["a", "a", "A", "b"]
    with pytest.raises(RowsProblem, match="'1' in rows 1 and 3"):
        read_judgements(source, chosen)
    with pytest.raises(ColumnProblem, match="--id text"):
        read_judgements(source, DataSettings(annotator="who"))
    with pytest.raises(ColumnProblem, match="--annotator"):
        read_judgements(source, DataSettings(id="item"))


def test_numbers_go_back_into_json_as_written() -> None:
    assert as_json({"a": Number("1.50"), "b": ["x", None, True, 2, 0.5, float("nan")]}) == (
        '{"a": 1.50, "b": ["x", null, true, 2, 0.5, null]}'
    )
    assert as_json(dt.date(2025, 3, 2)) == '"2025-03-02"'
    assert as_text([Number("1.50"), "é"]) == '[1.50, "é"]'
    assert as_text(np.float64(0.25)) == "0.25"
    assert type(as_text(Number("1"))) is str
