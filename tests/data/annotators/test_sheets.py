from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from classifine.data.annotators.aggregation import Aggregation, aggregate
from classifine.data.annotators.choosing import Method
from classifine.data.annotators.sheets import read_decisions, refuse_to_lose, write_labels
from classifine.errors import ColumnProblem, FileUnreadable, RowsProblem, RunRefused
from classifine.tables import Judgements


def _aggregated(*items: tuple[str, str], method: Method = "majority") -> Aggregation:
    """Aggregate items and their judgements, a letter each."""
    rows = [(item, f"A{i}", label) for item, labels in items for i, label in enumerate(labels)]
    ids, annotators, labels = zip(*rows, strict=True)
    texts = tuple("text" for _ in rows)
    return aggregate(Judgements(ids, texts, annotators, labels, tuple(range(1, len(rows) + 1))), method=method, seed=0)


def _write(path: Path, found: Aggregation) -> None:
    write_labels(path, found, {item.id: f"text of {item.id}" for item in found.by_item})


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, strict=True))


def test_labels_with_a_column_of_their_own(tmp_path: Path) -> None:
    _write(tmp_path / "labels.csv", _aggregated(("p10", "yyn"), ("p9", "ny"), ("p1", "n")))
    assert _read(tmp_path / "labels.csv") == [
        {
            "id": "p1",
            "text": "text of p1",
            "label": "n",
            "n": "1",
            "share": "1",
            "entropy": "0",
            "tie": "no",
            "how": "majority",
            "votes": "n 1",
            "soft n": "1",
            "soft y": "0",
        },
        {
            "id": "p9",
            "text": "text of p9",
            "label": "",
            "n": "2",
            "share": "0.5",
            "entropy": "1",
            "tie": "yes",
            "how": "tie, dropped",
            "votes": "n 1, y 1",
            "soft n": "0.5",
            "soft y": "0.5",
        },
        {
            "id": "p10",
            "text": "text of p10",
            "label": "y",
            "n": "3",
            "share": "0.666667",
            "entropy": "0.918296",
            "tie": "no",
            "how": "majority",
            "votes": "n 1, y 2",
            "soft n": "0.333333",
            "soft y": "0.666667",
        },
    ]


def test_many_labels_share_one_column(tmp_path: Path) -> None:
    letters = "abcdefghijklmnopqrstuvwxyzABCDE"
    _write(tmp_path / "labels.csv", _aggregated(("item", "aab"), *((letter, letter) for letter in letters)))
    rows = {row["id"]: row for row in _read(tmp_path / "labels.csv")}
    assert len(rows) == 32
    assert json.loads(rows["item"]["soft"]) == {"a": 0.666667, "b": 0.333333}


def test_probabilities_are_written_where_they_decided(tmp_path: Path) -> None:
    found = _aggregated(*((f"p{i}", "yyn" if i % 2 else "nnn") for i in range(20)), method="dawid-skene")
    _write(tmp_path / "labels.csv", found)
    one = next(row for row in _read(tmp_path / "labels.csv") if row["id"] == "p1")
    assert (one["label"], one["share"], one["soft y"], one["how"]) == ("y", "0.666667", "1", "dawid-skene")


def test_decisions_are_read_from_what_a_spreadsheet_saved(tmp_path: Path) -> None:
    path = tmp_path / "ties.csv"
    path.write_bytes("id;text;votes;rule;label\r\n007;Grüße;a 1, b 1;review;a\r\n8;x;a 1, b 1;review;\r\n".encode())
    assert read_decisions(path) == {"007": "a"}


def test_decisions_that_cannot_be_read_say_why(tmp_path: Path) -> None:
    path = tmp_path / "ties.csv"
    path.write_text("id,labels\n7,a\n", "utf-8")
    with pytest.raises(ColumnProblem, match="one column 'label'") as refused:
        read_decisions(path)
    assert "did you mean 'labels'?" in str(refused.value)
    path.write_text("id,label\n7,a\n8,\n7,b\n", "utf-8")
    with pytest.raises(RowsProblem, match="1 item is decided in two ways") as clash:
        read_decisions(path)
    assert "'7': 'a' and, in row 3, 'b'" in str(clash.value)
    path.write_text("id,label\n7,a\n,b\n", "utf-8")
    with pytest.raises(RowsProblem, match="1 decision has no id"):
        read_decisions(path)


def test_decisions_in_the_code_page_of_excel_are_read(tmp_path: Path) -> None:
    path = tmp_path / "ties.csv"
    path.write_bytes("id;text;votes;rule;label\r\n007;Grüße;a 1, b 1;review;größer\r\n".encode("cp1252"))
    assert read_decisions(path) == {"007": "größer"}
    path.write_bytes(b"id;label\r\n007;\x81\r\n")  # a byte that is no character there
    with pytest.raises(FileUnreadable, match="not UTF-8"):
        read_decisions(path)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252"])
def test_what_a_person_decided_is_not_overwritten(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "ties.csv"
    ties = _aggregated(("p1", "ab"), ("p2", "ab"), ("p3", "aa")).ties
    refuse_to_lose(path, ties)
    path.write_text("id;text;rule;label\np1;ü;review;\np2;ü;review;\n", encoding)
    refuse_to_lose(path, ties)
    path.write_text("id;text;rule;label\np1;ü;review;a\np2;ü;review;\n", encoding)
    with pytest.raises(RunRefused, match="holds decisions that would be overwritten") as refused:
        refuse_to_lose(path, ties)
    assert "'a' for 'p1'" in str(refused.value)
    refuse_to_lose(path, [replace(ties[0], label="a"), ties[1]])  # the decisions were read
    path.write_text("id;text;rule;label\np1;ü;random;a\np2;ü;random;b\n", encoding)
    refuse_to_lose(path, ties)
    path.write_text("somebody's own notes\n", encoding)
    with pytest.raises(RunRefused):
        refuse_to_lose(path, ties)
