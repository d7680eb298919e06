from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from classifine.data.predicted.columns import Columns
from classifine.data.predicted.reading import NO_ANSWER, Wanted, read_predictions
from classifine.errors import FileUnreadable, LabelsProblem, RowsProblem, SettingsProblem

ROWS = [
    {"id": "a", "truth": "yes", "pred": "yes", "p_no": 0.25, "p_yes": 0.75},
    {"id": "b", "truth": "no", "pred": "yes", "p_no": 0.5, "p_yes": 0.5},
    {"id": "c", "truth": "no", "pred": "no", "p_no": 0.875, "p_yes": 0.125},
]


def csv(path: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    lines = [",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def written(folder: Path, kind: str, rows: list[dict[str, object]]) -> Path:
    path = folder / f"predictions.{kind}"
    if kind == "csv":
        return csv(path, rows)
    if kind == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    elif kind == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        from openpyxl import Workbook

        book = Workbook()
        sheet = book.active
        assert sheet is not None
        sheet.append(list(rows[0]))
        for row in rows:
            sheet.append(list(row.values()))
        book.save(path)
    return path


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet", "xlsx"])
def test_every_format_gives_the_same_predictions(tmp_path: Path, kind: str) -> None:
    found = read_predictions(written(tmp_path, kind, [dict(row) for row in ROWS]), Wanted()).predictions
    assert found.ids == ("a", "b", "c")
    assert found.truth == ("yes", "no", "no")
    assert found.predicted == ("yes", "yes", "no")
    assert found.space.names == ("no", "yes")
    assert found.probabilities.tolist() == [[0.25, 0.75], [0.5, 0.5], [0.875, 0.125]]


def test_labels_alone_have_no_probabilities(tmp_path: Path) -> None:
    rows = [{key: row[key] for key in ("id", "truth", "pred")} for row in ROWS]
    found = read_predictions(csv(tmp_path / "f.csv", rows), Wanted()).predictions
    assert np.isnan(found.probabilities).all()
    assert found.confidence[0] is not None
    assert found.status == ("ok",) * 3


def test_probabilities_alone_are_decided_as_everywhere(tmp_path: Path) -> None:
    rows = [{key: row[key] for key in ("truth", "p_no", "p_yes")} for row in ROWS]
    found = read_predictions(csv(tmp_path / "f.csv", rows), Wanted()).predictions
    assert found.predicted == ("yes", "no", "no")  # of equal ones the first
    assert found.ids == ("1", "2", "3")


def test_one_probability_is_that_of_the_positive_label(tmp_path: Path) -> None:
    rows = [{"truth": row["truth"], "score": row["p_yes"]} for row in ROWS]
    path = csv(tmp_path / "f.csv", rows)
    columns = Columns(probability="score")
    found = read_predictions(path, Wanted(columns, positive="yes")).predictions
    assert found.probabilities.tolist() == [[0.25, 0.75], [0.5, 0.5], [0.875, 0.125]]
    with pytest.raises(SettingsProblem, match="--positive LABEL"):
        read_predictions(path, Wanted(columns))


def test_several_labels_a_text_or_none(tmp_path: Path) -> None:
    rows = [
        {"id": "a", "truth": "joy|love", "pred": "joy", "p_joy": 0.9, "p_love": 0.4},
        {"id": "b", "truth": "", "pred": "", "p_joy": 0.1, "p_love": 0.2},
    ]
    found = read_predictions(csv(tmp_path / "f.csv", rows), Wanted(separator="|")).predictions
    assert found.truth == ("joy|love", "")
    assert found.predicted == ("joy", "")
    assert found.space.separator == "|"
    assert found.probabilities.tolist() == [[0.9, 0.4], [0.1, 0.2]]


def test_everything_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    base = {"id": "", "truth": "yes", "pred": "yes", "p_no": "0.25", "p_yes": "0.75"}
    changes = [
        {},
        {"id": "r0"},
        {"truth": ""},
        {"p_no": "25 %"},
        {"p_no": "nan"},
        {"p_no": "1.25"},
        {"p_no": "0.9"},
        {"pred": "Yes."},
        {"pred": ""},
        {"truth": "perhaps"},
        {"truth": "no", "pred": "no"},
    ]
    rows = [{**base, "id": f"r{place}", **change} for place, change in enumerate(changes)]
    path = csv(tmp_path / "f.csv", rows)
    with pytest.raises(RowsProblem) as caught:
        read_predictions(path, Wanted())
    told = str(caught.value)
    assert "9 rows of 11 cannot be scored" in told
    for row, word in (
        *((2, "id that stands twice"), (3, "blank truth"), (4, "percent sign"), (5, "blank probability")),
        *((6, "outside 0 to 1"), (7, "do not sum to 1"), (8, "unknown predicted label"), (9, "blank predicted label")),
        (10, "true label without a column"),
    ):
        line = next(line for line in told.splitlines() if word in line)
        assert f"in rows {row}" in line
    assert "did you mean 'yes'?" in told


def test_rows_in_quarantine_and_rows_in_use_are_all_rows(tmp_path: Path) -> None:
    rows = [dict(row) for row in ROWS] + [{**ROWS[0], "id": "a"}, {**ROWS[1], "id": "d", "truth": ""}]
    found = read_predictions(csv(tmp_path / "f.csv", rows), Wanted(on_bad_row="quarantine"))
    assert found.rows_in == 5
    assert found.predictions.ids == ("a", "b", "c")
    assert [(one.row, one.reason) for one in found.rejected] == [(4, "id that stands twice"), (5, "blank truth")]


def test_a_wrong_answer_can_be_kept_as_one(tmp_path: Path) -> None:
    rows = [
        {"id": row["id"], "truth": row["truth"], "pred": answer}
        for row, answer in zip(ROWS, ("yes", "", "I say no"), strict=True)
    ]
    path = csv(tmp_path / "f.csv", rows)
    with pytest.raises(RowsProblem, match="--unknown-labels keep"):
        read_predictions(path, Wanted())
    found = read_predictions(path, Wanted(unknown_labels="keep")).predictions
    assert found.predicted == ("yes", NO_ANSWER, "I say no")
    assert set(found.space.names) == {"no", "yes", NO_ANSWER, "I say no"}


def test_labels_that_are_unknown_only_are_a_problem_of_labels(tmp_path: Path) -> None:
    rows = [dict(row) for row in ROWS]
    rows[0]["pred"] = "yess"
    with pytest.raises(LabelsProblem, match="did you mean 'yes'"):
        read_predictions(csv(tmp_path / "f.csv", rows), Wanted())


def test_a_parquet_file_without_rows_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    pq.write_table(pa.Table.from_pylist([dict(ROWS[0])]).slice(0, 0), path)
    with pytest.raises(FileUnreadable, match="no rows"):
        read_predictions(path, Wanted())


def test_groups_travel_with_the_rows(tmp_path: Path) -> None:
    rows = [{**row, "author": f"author {place // 2}"} for place, row in enumerate(ROWS)]
    found = read_predictions(csv(tmp_path / "f.csv", rows), Wanted(Columns(group="author"))).predictions
    assert found.groups == ("author 0", "author 0", "author 1")
    assert found.take([2]).groups == ("author 1",)
    assert type(found).from_arrow(found.to_arrow()).groups == found.groups
