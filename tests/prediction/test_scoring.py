"""Each different text is scored once, and the columns are those that were asked for."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from openpyxl import load_workbook
from tests.prediction.forking import Digests
from tests.prediction.test_review import evaluated

from classifine.data.files.table_file import TableFile
from classifine.errors import RowsProblem, UsageError
from classifine.evaluation.conformal import PredictionSets
from classifine.labels import FloatMatrix, LabelSpace
from classifine.prediction.bulk import predict_file
from classifine.prediction.review import sets_of_run
from classifine.prediction.scoring import Added, Scored, Tally, scored
from classifine.prediction.working import ahead


class Three:
    """Says the same of each text."""

    space = LabelSpace(("a", "b", "c"))

    def predict_proba(self, texts: Sequence[str]) -> FloatMatrix:
        return np.tile([0.2, 0.5, 0.3], (len(texts), 1))


def test_equal_texts_are_scored_once_and_all_get_the_same() -> None:
    scorer = Digests()
    found = scored(scorer, Added(scorer.space), ["b", None, "aa", "b", "b", None, "aa"], {5})
    assert scorer.seen == ["b", "aa"]  # shorter ones first
    assert found.columns["status"] == ["ok", "blank", "ok", "ok", "ok", "unreadable", "ok"]
    assert found.columns["p_yes"][0] == found.columns["p_yes"][3] == found.columns["p_yes"][4]
    assert found.columns["p_yes"][1] is None
    assert (found.tally.distinct, found.tally.blank, found.tally.unreadable) == (2, 1, 1)
    assert sum(found.tally.labels.values()) == 5


def test_rows_without_any_text() -> None:
    found = scored(Digests(), Added(Digests.space), [None, None])
    assert found.columns["status"] == ["blank", "blank"]
    assert found.columns["p_no"] == [None, None]
    assert found.tally == Tally(rows=2, blank=2)


@pytest.mark.parametrize(
    ("probabilities", "names"),
    [
        ("none", []),
        ("all", ["p_a", "p_b", "p_c"]),
        ("top-2", ["top_1", "top_1_probability", "top_2", "top_2_probability"]),
    ],
)
def test_which_probabilities_are_written(probabilities: str, names: list[str]) -> None:
    added = Added(Three.space, probabilities=probabilities)
    assert added.names == ["predicted_label", "confidence", *names, "status"]
    found = scored(Three(), added, ["x"]).columns
    expected = {"p_a": 0.2, "p_b": 0.5, "p_c": 0.3, "top_1": "b", "top_1_probability": 0.5, "top_2": "c"}
    expected["top_2_probability"] = 0.3
    assert {name: found[name] for name in names} == {name: [expected[name]] for name in names}
    assert (
        added.columns(added.table(scored(Three(), added, ["x", None]))) == scored(Three(), added, ["x", None]).columns
    )


def test_more_labels_than_there_are_cannot_be_asked_for() -> None:
    assert Added(Three.space, probabilities="top-9").top == 3
    for wrong in ("top-0", "top", "some", "3"):
        with pytest.raises(UsageError, match="top-K"):
            Added(Three.space, probabilities=wrong)


def test_sets_hold_the_most_probable_label_first(tmp_path: Path) -> None:
    rule = PredictionSets("marginal", 0.1, (0.3, 0.3, 0.3), 99)
    assert scored(Three(), Added(Three.space, sets=rule), ["x", None]).columns["label_set"] == ["b|c", None]
    run = evaluated(tmp_path / "run")
    found = sets_of_run(run, 0.9)
    assert found.error == pytest.approx(0.1)
    assert found.n == 200
    with pytest.raises(UsageError, match="share"):
        sets_of_run(run, 1.0)
    with pytest.raises(UsageError, match="too few validation texts"):
        sets_of_run(run, 0.999)


def test_tallies_add_up() -> None:
    whole = Tally(3, 1, 0, 1, 0, 2, {"b": 2}) + Tally(2, 0, 1, 0, 0, 1, {"a": 1})
    assert whole == Tally(5, 1, 1, 1, 0, 3, {"a": 1, "b": 2})


FORMULAS = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "plain", "-5", "+1.5e3", "a=b"]


def source_of(folder: Path, texts: Sequence[str]) -> Path:
    with (folder / "in.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([["=head", "text"], *([text, text] for text in texts)])
    return folder / "in.csv"


def test_spreadsheets_get_no_formulas_where_that_is_asked_for(tmp_path: Path) -> None:
    source = source_of(tmp_path, FORMULAS)
    predict_file(Digests(), source, tmp_path / "plain.csv")
    predict_file(Digests(), source, tmp_path / "safe.tsv.zst", excel_safe=True)
    for name, safe in (("plain.csv", False), ("safe.tsv.zst", True)):
        file = TableFile(tmp_path / name)
        cells = next(file.blocks()).columns["text"]
        hostile = [text[0] in "=+-@\t\r" and text not in ("-5", "+1.5e3") for text in FORMULAS]
        assert cells == [f"'{text}" if safe and bad else text for text, bad in zip(FORMULAS, hostile, strict=True)]
        assert file.names[0] == ("'=head" if safe else "=head")


def test_a_workbook_holds_texts_and_no_formulas(tmp_path: Path) -> None:
    texts = [text for text in FORMULAS if text[0] != "\r"] + ["#N/A", "01.10"]
    predict_file(Digests(), source_of(tmp_path, texts), tmp_path / "out.xlsx")
    rows = list(load_workbook(tmp_path / "out.xlsx").active.iter_rows())
    assert [row[1].value for row in rows[1:]] == texts
    assert {cell.data_type for row in rows for cell in row[:3]} == {"s"}
    assert {row[3].data_type for row in rows[1:]} == {"n"}
    for wrong in ("bell \x07", "x" * 40_000):
        with pytest.raises(RowsProblem, match="row 2 cannot be written"):
            predict_file(Digests(), source_of(tmp_path, ["fine", wrong]), tmp_path / "out.xlsx")


def test_packed_outputs_are_the_same_bytes_each_time(tmp_path: Path) -> None:
    source = source_of(tmp_path, ["one", "two"])
    predict_file(Digests(), source, tmp_path / "plain.jsonl")
    for ending in ("gz", "zst"):
        for name in ("a", "b"):
            predict_file(Digests(), source, tmp_path / f"{name}.jsonl.{ending}")
        assert (tmp_path / f"a.jsonl.{ending}").read_bytes() == (tmp_path / f"b.jsonl.{ending}").read_bytes()
        packed = [block.columns for block in TableFile(tmp_path / f"a.jsonl.{ending}").blocks()]
        assert packed == [block.columns for block in TableFile(tmp_path / "plain.jsonl").blocks()]


def test_items_made_ahead_are_the_same_and_so_are_errors() -> None:
    assert list(ahead(iter(range(5)))) == [0, 1, 2, 3, 4]

    def broken() -> object:
        yield 1
        raise KeyError("two")

    with pytest.raises(KeyError, match="two"):
        list(ahead(iter(broken())))  # type: ignore[call-overload]


def test_columns_are_as_long_as_the_rows() -> None:
    added = Added(Three.space)
    with pytest.raises(ValueError, match="zip"):
        added.table(Scored({"predicted_label": ["a"]}, Tally()))
