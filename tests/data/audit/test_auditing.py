from __future__ import annotations

import json
import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifine.data.annotators.aggregation import aggregate
from classifine.data.audit.auditing import Finding, audit, audit_dict, audit_splits, raise_on_fail
from classifine.data.likeness.duplicates import normal_forms
from classifine.data.rows.reading import LeftOut, Reading
from classifine.data.splits.splitting import divide
from classifine.errors import LabelsProblem
from classifine.tables import Judgements, LabelledTexts


def _table(*pairs: tuple[str, str]) -> LabelledTexts:
    """Make labelled texts from text and label; rows begin at 1."""
    numbers = range(1, len(pairs) + 1)
    return LabelledTexts(
        tuple(map(str, numbers)), tuple(text for text, _ in pairs), tuple(label for _, label in pairs), tuple(numbers)
    )


def _many(**sizes: int) -> list[tuple[str, str]]:
    return [(f"{label} text {i}", label) for label, size in sizes.items() for i in range(size)]


def _plain(**sizes: int) -> list[tuple[str, str]]:
    """Make texts that do not hold their label and are far from each other."""
    return [(_words(f"{label}{i}"), label) for label, size in sizes.items() for i in range(size)]


def _words(seed: str) -> str:
    chance = random.Random(seed)
    return " ".join("".join(chance.choices("aeiou", k=2)) + chance.choice("bdfgklmnprst") for _ in range(4))


def _found(table: LabelledTexts, check: str) -> Finding:
    return next(finding for finding in audit(table) if finding.check == check)


def test_sound_data_gives_good_findings_only() -> None:
    findings = audit(_table(*_plain(yes=40, no=60)))
    assert {finding.level for finding in findings} == {"good"}
    assert len({finding.check for finding in findings}) == len(findings) == 18
    assert all(finding.message and not finding.cure and not finding.rows for finding in findings)
    raise_on_fail(findings)


def test_one_label_fails() -> None:
    found = _found(_table(*_plain(yes=60)), "labels")
    assert (found.level, found.message) == ("fail", "all 60 rows have the label 'yes'")


def test_no_row_fails() -> None:
    with pytest.raises(LabelsProblem, match="there is no labelled text"):
        raise_on_fail(audit(LabelledTexts((), (), (), ())))


def test_labels_with_fewer_than_three_different_texts_are_told_by_rule() -> None:
    repeats = [("again", "c"), ("Again ", "c"), ("again", "c")]
    table = _table(*_plain(a=30, b=30), *repeats, ("one", "d"), ("two", "d"))
    found = _found(table, "labels to divide")
    assert (found.level, found.count, found.rows) == ("warn", 5, (61, 62, 63, 64, 65))
    assert "2 labels have fewer than 3 different texts: 'c' (1), 'd' (2); their rows stay in training" in found.message
    assert "merge" in found.cure
    by_rule = {rule: audit(table, rare=rule)[1] for rule in ("drop", "refuse")}
    assert by_rule["drop"].message.endswith("their rows are left out")
    assert by_rule["refuse"].level == "fail"


def test_labels_to_divide_fail_where_fewer_than_two_are_left() -> None:
    assert _found(_table(*_plain(a=60, b=2)), "labels to divide").level == "fail"


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("uvwxyz"), st.sampled_from("ab")), min_size=1, max_size=25))
def test_data_without_contradictions_that_pass_can_be_divided(pairs: list[tuple[str, str]]) -> None:
    table = _table(*((f"{text}{label}", label) for text, label in pairs))
    fails = [finding.check for finding in audit(table) if finding.level == "fail"]
    if "labels to divide" not in fails:
        divide(table, seed=0)


def test_a_training_file_with_own_validation_and_test_files_is_not_divided() -> None:
    table = _table(*_plain(a=30, b=30, c=1))
    assert not [finding for finding in audit(table, parts=1) if finding.level == "fail"]
    few = next(finding for finding in audit(table, parts=1) if finding.check == "rows of each label")
    assert (few.level, few.rows) == ("warn", (61,))


def test_failing_findings_are_all_told_in_one_message() -> None:
    with pytest.raises(LabelsProblem) as refused:
        raise_on_fail(audit(_table(("x", "a"), ("y", "a"))))
    assert refused.value.exit_code == 1
    assert "all 2 rows have the label 'a'" in str(refused.value)
    assert "1 label has fewer than 3 different texts: 'a' (2), rows 1, 2" in str(refused.value)
    assert "check which column" in str(refused.value)
    assert "add rows" in str(refused.value)


def test_few_rows_of_a_label_warn() -> None:
    found = _found(_table(*_plain(a=40, b=40, c=7, d=8)), "rows of each label")
    assert (found.level, found.count, found.rows) == ("warn", 7, (81, 82, 83, 84, 85))
    assert "1 label has fewer than 8 different texts: 'c' (7)" in found.message


@pytest.mark.parametrize(("rows", "level"), [(49, "warn"), (50, "good")])
def test_few_rows_altogether_warn(rows: int, level: str) -> None:
    assert _found(_table(*_plain(a=20, b=rows - 20)), "size").level == level


@pytest.mark.parametrize(
    ("sizes", "level"),
    [
        ({"a": 95, "b": 5}, "good"),
        ({"a": 96, "b": 4}, "warn"),
        ({f"l{i}": 10 for i in range(77)}, "good"),  # small shares, but even
        ({**{f"l{i}": 100 for i in range(9)}, "m": 9}, "warn"),
    ],
)
def test_a_label_far_below_an_even_share_warns(sizes: dict[str, int], level: str) -> None:
    assert _found(_table(*_plain(**sizes)), "balance").level == level


def test_label_twins_are_named_with_the_rows_of_the_rarer() -> None:
    pairs = _plain(yes=30, no=30)
    found = _found(_table(*pairs, ("a", "Yes"), ("b", "ＮＯ "), ("c", "Yes")), "label twins")
    assert (found.level, found.count, found.rows) == ("warn", 3, (61, 62, 63))
    assert "'Yes' (2) and 'yes' (30), 'no' (30) and 'ＮＯ ' (1)" in found.message


def test_equal_texts_and_contradictions() -> None:
    table = _table(
        ("Come!", "yes"), ("come! ", "yes"), ("It rained.", "no"), ("COME!", "no"), ("it rained.", "no"), ("x", "no")
    )
    repeated = _found(table, "equal texts")
    assert (repeated.level, repeated.count, repeated.rows) == ("warn", 3, (2, 4, 5))
    contradictory = _found(table, "equal texts, other labels")
    assert (contradictory.level, contradictory.count, contradictory.rows) == ("warn", 3, (1, 2, 4))
    assert contradictory.message == "1 text stands under different labels"


def test_a_label_that_stands_in_its_own_texts_gives_them_away() -> None:
    found = _found(_table(*_many(sports=10, politics=40)), "label in its own text")
    assert (found.level, found.count) == ("warn", 50)
    assert "'politics' in 100% of its texts, 'sports' in 100% of its texts" in found.message


@pytest.mark.parametrize(
    ("label", "text", "level"),
    [
        ("card_arrival", "when? Card arrival, please", "warn"),
        ("card arrival", "the cards arrival", "good"),
        ("Straße", "eine STRASSE", "warn"),
        ("no", "nobody knows", "good"),
        ("1", "I have 1 dog", "warn"),
        ("1", "I have 10 dogs", "good"),
        ("+", "one + one", "good"),
    ],
)
def test_a_label_is_looked_for_as_whole_words(label: str, text: str, level: str) -> None:
    table = _table(*((f"{text} {'x' * i}", label) for i in range(10)), *_plain(other=40))
    assert _found(table, "label in its own text").level == level


def test_a_word_that_is_everywhere_gives_nothing_away() -> None:
    table = _table(*((f"no idea {i}", "no") for i in range(20)), *((f"no way {i}", "yes") for i in range(20)))
    assert _found(table, "label in its own text").level == "good"
    rarely = _table(*((f"{'no' if i < 4 else 'so'} {i}", "no") for i in range(20)), *_plain(yes=20))
    assert _found(rarely, "label in its own text").level == "good"


def test_rows_left_out_are_told_by_reason() -> None:
    left_out = (LeftOut("blank label", (12, 80, 3)), LeftOut("blank text", (7,)))
    findings = audit(_table(*_plain(a=30, b=30)), left_out=left_out)
    found = next(finding for finding in findings if finding.check == "rows left out")
    assert (found.level, found.count, found.rows) == ("warn", 4, (3, 7, 12, 80))
    assert found.message == "4 rows are left out: blank label 3, blank text 1"


def test_every_warning_says_what_to_do() -> None:
    messy = _table(("a b", "a"), ("A b", "b"), ("a c", "A"), ("a", "a"), ("a d", "a"))
    findings = audit(messy, left_out=(LeftOut("blank text", (9,)),))
    assert sum(finding.level != "good" for finding in findings) >= 7
    assert all(finding.cure for finding in findings if finding.level != "good")


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.text(max_size=8), st.sampled_from(["a", "b", "A", "c c"])), max_size=30),
    st.randoms(use_true_random=False),
)
def test_the_order_of_rows_does_not_matter(pairs: list[tuple[str, str]], chance: random.Random) -> None:
    table = _table(*pairs)
    order = list(range(len(table)))
    chance.shuffle(order)
    assert audit(table) == audit(table.take(order))


def test_the_dictionary_adds_up() -> None:
    judgements = Judgements(
        ids=tuple(f"p{i // 3}" for i in range(90)),
        texts=tuple("word " * (i // 3 + 1) for i in range(90)),
        annotators=tuple("ABC"[i % 3] for i in range(90)),
        labels=tuple("no" if i % 9 < 6 else "yes" for i in range(90)),
        rows=tuple(range(1, 91)),
    )
    aggregation = aggregate(judgements, seed=0)
    reading = Reading(aggregation.labelled, 92, (LeftOut("blank label", (91, 92)),))
    splits = divide(reading.table, seed=0).splits
    findings = audit(reading.table, left_out=reading.left_out) + audit_splits(splits)
    told = audit_dict(reading.to_dict(), findings, splits, aggregation.to_dict())
    assert list(told) == [
        "rows_in",
        "rows_used",
        "left_out",
        "findings",
        "labels",
        "splits",
        "words",
        "annotation",
    ]
    assert told["labels"] == {"no": 20, "yes": 10}
    assert told["splits"]["test"] == {"no": 4, "yes": 2}
    assert sum(sum(counts.values()) for counts in told["splits"].values()) == told["rows_used"] == 30
    assert told["words"] == {"mean": 15.5, "median": 15.5, "p95": pytest.approx(28.55), "max": 30}
    assert told["annotation"]["judgements"] == 90
    assert {tuple(finding) for finding in told["findings"]} == {("check", "level", "message", "count", "rows", "cure")}
    assert json.loads(json.dumps(told)) == told
    assert audit_dict(reading.to_dict(), findings, splits, None)["annotation"] is None


def test_many_labels_cost_no_more_than_few() -> None:
    table = _table(*((f"word{i} and word{i + 1}", f"word{i % 5000}") for i in range(20_000)))
    started = time.perf_counter()
    audit(table)
    assert time.perf_counter() - started < 5


def test_labels_alone_are_checked_as_in_the_whole_audit() -> None:
    table = _table(*_plain(yes=40, no=60, once=1))
    whole = {finding.check: finding for finding in audit(table)}
    alone = audit(table, labels_only=True)
    assert all(whole[finding.check] == finding for finding in alone)
    assert len(alone) == 8
    assert audit(table, forms=normal_forms(table.texts)) == audit(table)
