"""Files become splits: every row is in exactly one place, and what is decided once is decided once."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from tests.journey.samples import unlike, write_csv

from classifine.errors import LabelsProblem, SettingsProblem
from classifine.preparation import Examined, examine, prepare
from classifine.settings import Settings
from classifine.sources import DataFiles

Rows = list[tuple[str, str]]


def _rows(**counts: int) -> Rows:
    return [(unlike(f"about {label}", i), label) for label, n in counts.items() for i in range(n)]


def _judged(n: int = 40) -> list[tuple[str, str, str, str]]:
    """Each fourth item ties, each fifth is judged once, each seventh disputed."""
    told = []
    for i in range(n):
        label, other = ("a", "b") if i % 2 else ("b", "a")
        votes = (
            [label, other] if i % 4 == 0 else [label] if i % 5 == 0 else [label, label, other if i % 7 == 0 else label]
        )
        told += [(f"t{i}", unlike("text", i), f"A{k}", vote) for k, vote in enumerate(votes)]
    return told


def _examined(files: DataFiles, **chosen: Any) -> Examined:
    return examine(files, Settings().with_names(chosen))


def _account(examined: Examined) -> tuple[dict[str, Any], list[int]]:
    told = examined.to_dict()
    return told, [row for part in (*told["left_out"], *told["rejected"]) for row in part["rows"]]


@pytest.mark.parametrize(
    "chosen",
    [
        {"aggregation": method, "ties": ties}
        for method, ties in itertools.product(
            ("majority", "unanimous", "dawid-skene", "soft"), ("drop", "review", "random", "posterior")
        )
    ],
)
def test_every_judgement_is_used_or_listed(chosen: dict[str, str], tmp_path: Path) -> None:
    data = write_csv(tmp_path / "data.csv", _judged(), ("id", "text", "coder", "label"))
    examined = _examined(DataFiles(data), id="id", annotator="coder", **chosen)
    told, listed = _account(examined)
    assert len(listed) == len(set(listed))
    assert told["rows_in"] == told["rows_used"] + len(listed)
    assert examined.checked.division is not None
    kept = {name for _, table in examined.checked.division.splits.items() for name in table.ids}
    judged = examined.found["first"].judgements
    assert judged is not None
    used = {row for name, row in zip(judged.ids, judged.rows, strict=True) if name in kept}
    assert used == set(judged.rows) - set(listed)
    assert told["texts"] == len(kept)
    if listed:
        finding = next(one for one in examined.checked.findings if one.check == "rows left out")
        assert (finding.level, finding.count) == ("warn", len(listed))


def test_rows_of_dropped_rare_labels_are_listed(tmp_path: Path) -> None:
    data = write_csv(tmp_path / "data.csv", _rows(a=20, b=20, seldom=1))
    told, listed = _account(_examined(DataFiles(data), rare_labels="drop"))
    assert (told["rows_in"], told["rows_used"], told["texts"], listed) == (41, 40, 40, [41])
    assert told["left_out"][0]["reason"] == "label with too few different texts"
    assert sum(sum(part.values()) for part in told["splits"].values()) == 40


def test_rarity_is_decided_in_the_training_file(tmp_path: Path) -> None:
    train = write_csv(tmp_path / "train.csv", _rows(a=20, b=20, c=12, d=2))
    test = write_csv(tmp_path / "test.csv", [(f"{text} again and again", la) for text, la in _rows(e=0, a=9, c=4, d=9)])
    examined = _examined(DataFiles(train=train, test=test), min_rows=5, near_duplicates=1)
    assert examined.checked.division is not None
    assert set(examined.checked.division.splits.test.labels) == {"a", "c"}
    told, _ = _account(examined)
    assert [(part["reason"], part["count"]) for part in told["left_out"]] == [
        ("label with fewer than 5 rows", 2),
        ("label with fewer than 5 rows (test file)", 9),
    ]


def test_labels_that_a_further_file_lacks_may_be_named(tmp_path: Path) -> None:
    train = write_csv(tmp_path / "train.csv", _rows(a=20, b=20, c=12))
    test = write_csv(tmp_path / "test.csv", [(f"{text} again and again", la) for text, la in _rows(a=9, b=4)])
    chosen: dict[str, Any] = {"keep_labels": ["a", "b"], "merge_labels": {"c": "b"}, "near_duplicates": 1}
    assert _examined(DataFiles(train=train, test=test), **chosen).checked.division is not None
    with pytest.raises(SettingsProblem, match="'x'"):
        _examined(DataFiles(train=train, test=test), keep_labels=["a", "x"])


def test_what_the_test_file_loses_is_a_finding(tmp_path: Path) -> None:
    train = write_csv(tmp_path / "train.csv", _rows(a=20, b=20))
    rows = [(f"{text} again and again", label) for text, label in _rows(a=30, b=30)]
    test = write_csv(tmp_path / "test.csv", [*rows, (" ", "a")])
    examined = _examined(DataFiles(train=train, test=test), near_duplicates=1)
    finding = next(one for one in examined.checked.findings if one.check == "rows left out")
    assert (finding.level, finding.count) == ("warn", 1)
    assert "blank text (test file) 1" in finding.message


@pytest.mark.parametrize(
    ("chosen", "says"),
    [
        ({"expert": "A1"}, 'expert has an effect with aggregation = "expert" only'),
        ({"priority": ["a"]}, 'priority has an effect with ties = "priority" only'),
        ({"aggregation": "soft", "ties": "random"}, "aggregation has an effect with annotators only"),
    ],
)
def test_settings_without_an_effect_are_refused(chosen: dict[str, Any], says: str, tmp_path: Path) -> None:
    data = write_csv(tmp_path / "data.csv", _rows(a=20, b=20))
    with pytest.raises(SettingsProblem, match="would have no effect") as refused:
        _examined(DataFiles(data), **chosen)
    assert says in str(refused.value)


def test_a_time_for_parts_that_are_all_given_is_refused(tmp_path: Path) -> None:
    data = write_csv(tmp_path / "data.csv", _rows(a=20, b=20))
    with pytest.raises(SettingsProblem, match="time"):
        _examined(DataFiles(train=data, validation=data, test=data), time="text")


def test_a_failed_check_divides_nothing(tmp_path: Path) -> None:
    data = write_csv(tmp_path / "data.csv", _rows(a=20))
    examined = _examined(DataFiles(data))
    assert (examined.checked.division, examined.to_dict()["splits"]) == (None, {})
    with pytest.raises(LabelsProblem, match="all 20 rows have the label 'a'"):
        prepare(DataFiles(data), Settings())


def test_texts_that_cannot_be_divided_are_a_finding_among_the_others(tmp_path: Path) -> None:
    rows = [(f"please sign the petition {i}", "yes") for i in range(30)]
    rows += [(f"the weather is lovely {i}", "no") for i in range(30)]
    examined = _examined(DataFiles(write_csv(tmp_path / "data.csv", rows)))
    told = examined.to_dict()
    failed = [finding for finding in told["findings"] if finding["level"] == "fail"]
    assert len(told["findings"]) > 10
    assert failed
    assert "--near-duplicates 1" in failed[-1]["cure"]
    assert _examined(DataFiles(tmp_path / "data.csv"), near_duplicates=1).checked.division is not None
