"""Label work: codes, merges, keeps and rare labels; every row stays or is listed, and nothing is divided unasked."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifine.data.rows.labelling import Change, Relabelling, drop_rare, relabel, separator_of
from classifine.data.rows.reading import LeftOut
from classifine.errors import LabelsProblem, SettingsProblem
from classifine.settings import DataSettings
from classifine.tables import Judgements, LabelledTexts


def texts(*labels: str, soft: Any = None) -> LabelledTexts:
    names = tuple(str(number) for number in range(1, len(labels) + 1))
    return LabelledTexts(names, tuple(f"t{n}" for n in names), labels, tuple(map(int, names)), soft=soft)


def test_without_settings_nothing_changes() -> None:
    table = texts("a", " a", "a|b", "")
    assert relabel(table, DataSettings()) == (table, (), Relabelling())


def test_the_four_steps_in_their_order() -> None:
    table = texts("0", "1", "1", "2", "2", "2", "3", "4")
    chosen = DataSettings(
        label_names={"0": "no", "1": "yes", "2": "Yes", "3": "rare", "4": "unsure"},
        merge_labels={"Yes": "yes"},
        keep_labels=("no", "yes", "rare"),
        min_rows=2,
    )
    found, left_out, told = relabel(table, chosen)
    assert found.labels == ("yes",) * 5
    assert found.rows == (2, 3, 4, 5, 6)
    assert left_out == (LeftOut("label not kept", (8,)), LeftOut("label with fewer than 2 rows", (1, 7)))
    assert told.to_dict()["changes"] == [
        {"step": "label_names", "label": "0", "becomes": "no", "rows": 1},
        {"step": "label_names", "label": "1", "becomes": "yes", "rows": 2},
        {"step": "label_names", "label": "2", "becomes": "Yes", "rows": 3},
        {"step": "label_names", "label": "3", "becomes": "rare", "rows": 1},
        {"step": "label_names", "label": "4", "becomes": "unsure", "rows": 1},
        {"step": "merge_labels", "label": "Yes", "becomes": "yes", "rows": 3},
        {"step": "keep_labels", "label": "unsure", "becomes": None, "rows": 1},
        {"step": "min_rows", "label": "no", "becomes": None, "rows": 1},
        {"step": "min_rows", "label": "rare", "becomes": None, "rows": 1},
    ]


def test_codes_may_change_places() -> None:
    found, _, _ = relabel(texts("0", "1"), DataSettings(label_names={"0": "1", "1": "0"}))
    assert found.labels == ("1", "0")


def test_a_codebook_may_name_more_than_occurs_but_a_slip_is_found() -> None:
    book = {"01.10": "cereals", "01.11": "wheat", "99": "other"}
    _, _, told = relabel(texts("01.10", "01.11"), DataSettings(label_names=book))
    assert told.unused == ("99",)
    with pytest.raises(SettingsProblem, match="label_names names 1 label that does not occur") as caught:
        relabel(texts("01.10", "01.12"), DataSettings(label_names={"01.10": "cereals", "1.12": "rice"}))
    assert "'1.12': did you mean '01.12'?" in str(caught.value)
    _, _, told = relabel(texts("01.10", "x"), DataSettings(label_names={"01.10": "cereals"}))
    assert told.unnamed == ("x",)


@pytest.mark.parametrize("step", ["merge_labels", "keep_labels"])
def test_labels_that_do_not_occur_are_named_with_a_guess(step: str) -> None:
    names = [f"angry{n}" for n in range(7)] + ["hapy"]
    value: Any = dict.fromkeys(names, "x") if step == "merge_labels" else tuple(reversed(names))
    with pytest.raises(SettingsProblem) as caught:
        relabel(texts("happy", "sad"), DataSettings(**{step: value}))
    assert f"{step} names 8 labels that do not occur in the data" in str(caught.value)
    assert "and 3 more" in str(caught.value)
    one: Any = {"hapy": "x"} if step == "merge_labels" else ("hapy",)
    with pytest.raises(SettingsProblem, match="did you mean 'happy'"):
        relabel(texts("happy", "sad"), DataSettings(**{step: one}))


def test_a_merge_says_where_each_label_ends() -> None:
    with pytest.raises(SettingsProblem, match="both old and new: 'b'") as caught:
        relabel(texts("a", "b", "c"), DataSettings(merge_labels={"a": "b", "b": "c"}))
    assert "'c'" in str(caught.value)
    found, _, told = relabel(texts("a", "b"), DataSettings(merge_labels={"a": "b", "b": "b"}))
    assert found.labels == ("b", "b")
    assert told.changes == (Change("merge_labels", "a", "b", 1),)
    with pytest.raises(SettingsProblem, match="blank name to 'a'"):
        relabel(texts("a"), DataSettings(merge_labels={"a": " "}))


def test_nothing_left_is_an_error() -> None:
    with pytest.raises(LabelsProblem, match="no row is left") as caught:
        relabel(texts("a", "b"), DataSettings(min_rows=2))
    assert "label with fewer than 2 rows: 2 rows" in str(caught.value)


def test_a_separator_divides_only_when_asked() -> None:
    table = texts("a|b", "a", "b")
    assert relabel(table, DataSettings(merge_labels={"a|b": "both"}))[0].labels == ("both", "a", "b")
    with pytest.raises(SettingsProblem, match="what separates them is not named"):
        relabel(table, DataSettings(multi_label=True))
    with pytest.raises(SettingsProblem, match="each text has one label"):
        relabel(table, DataSettings(label_separator="|"))
    with pytest.raises(SettingsProblem, match="what separates them is not named"):
        separator_of(DataSettings(multi_label=True, label_separator=""))
    assert separator_of(DataSettings()) is None


def test_several_labels_are_worked_on_one_by_one() -> None:
    several = DataSettings(multi_label=True, label_separator="|")
    table = texts("joy | love", "love", "joy|fear", "|", "fear", "rare|joy")
    chosen = DataSettings(
        multi_label=True, label_separator="|", merge_labels={"love": "joy"}, keep_labels=("joy", "rare"), min_rows=2
    )
    found, left_out, told = relabel(table, chosen)
    assert found.labels == ("joy", "joy", "joy", "joy")
    assert left_out == (LeftOut("blank label", (4,)), LeftOut("label not kept", (5,)))
    assert told.lost_labels == 2  # the fear of row 3, the rare of row 6
    same, none, _ = relabel(texts("joy | love"), several)
    assert (same.labels, none) == (("joy | love",), ())
    with pytest.raises(SettingsProblem, match=r"separator '\|' would divide"):
        relabel(texts("a"), DataSettings(multi_label=True, label_separator="|", merge_labels={"a": "b|c"}))


def test_judgements_keep_rare_labels_until_they_are_aggregated() -> None:
    judged = Judgements(("1", "1", "2"), ("a", "a", "b"), ("A", "B", "A"), ("0", "1", "9"), (1, 2, 3))
    chosen = DataSettings(label_names={"0": "no", "1": "yes", "9": "skip"}, keep_labels=("no", "yes"), min_rows=2)
    found, left_out, _ = relabel(judged, chosen)
    assert found.labels == ("no", "yes")
    assert left_out == (LeftOut("label not kept", (3,)),)


def test_shares_follow_their_labels() -> None:
    shares = ({"a": 0.5, "b": 0.25, "c": 0.25}, {"c": 1.0}, {"b": 0.6, "c": 0.4})
    found, _, _ = relabel(texts("a", "c", "c", soft=shares), DataSettings(merge_labels={"b": "a"}))
    assert found.soft == ({"a": 0.75, "c": 0.25}, {"c": 1.0}, {"a": 0.6, "c": 0.4})
    rare, _, _ = drop_rare(texts("a", "c", "c", soft=shares), DataSettings(min_rows=2))
    assert rare.labels == ("c", "c")
    assert rare.soft == ({"c": 1.0}, {"c": 1.0})
    # an expert may give a label that no one else gave
    kept, _, _ = relabel(texts("a", "b", soft=({"b": 1.0}, {"b": 1.0})), DataSettings(keep_labels=("a",)))
    assert kept.soft == ({"a": 1.0},)


LABELS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=3), min_size=1, max_size=12)


@given(LABELS, st.integers(1, 4))
def test_every_row_stays_or_is_listed(labels: list[str], least: int) -> None:
    counts = Counter(labels)
    if max(counts.values()) < least:
        return
    found, left_out, told = relabel(texts(*labels), DataSettings(min_rows=least))
    assert sorted([*found.rows, *(row for part in left_out for row in part.rows)]) == list(range(1, len(labels) + 1))
    assert all(labels[row - 1] == label for row, label in zip(found.rows, found.labels, strict=True))
    assert {change.label for change in told.changes} == {label for label in counts if counts[label] < least}


def test_a_blank_cell_may_say_that_a_text_has_none_of_the_labels() -> None:
    table = texts("joy", "", " | ", "fear")
    chosen = DataSettings(multi_label=True, label_separator="|", blank_labels="none", keep_labels=("joy",), min_rows=1)
    found, left_out, told = relabel(table, chosen)
    assert found.labels == ("joy", "", " | ")
    assert left_out == (LeftOut("label not kept", (4,)),)
    assert told.lost_labels == 0
