from __future__ import annotations

import csv
import json
import random
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifine.data.annotators.aggregation import Aggregation, Tie, aggregate, write_ties
from classifine.data.annotators.choosing import Method, TieRule
from classifine.data.annotators.sheets import read_decisions
from classifine.errors import RowsProblem, SettingsProblem
from classifine.tables import Judgements


def _judgements(*rows: tuple[str, str, str]) -> Judgements:
    """Make judgements from item, annotator and label."""
    return Judgements(
        ids=tuple(item for item, _, _ in rows),
        texts=tuple(f"text of {item}" for item, _, _ in rows),
        annotators=tuple(annotator for _, annotator, _ in rows),
        labels=tuple(label for _, _, label in rows),
        rows=tuple(range(1, len(rows) + 1)),
    )


def _votes(item: str, labels: str) -> list[tuple[str, str, str]]:
    return [(item, f"A{i}", label) for i, label in enumerate(labels)]


def test_the_majority_decides_and_everything_is_counted() -> None:
    rows = [*_votes("p10", "yyn"), *_votes("p9", "nn"), *_votes("p2", "yn"), *_votes("p1", "y")]
    found = aggregate(_judgements(*rows), seed=1)
    assert found.labelled.ids == ("p1", "p9", "p10")
    assert found.labelled.labels == ("y", "n", "y")
    assert found.labelled.texts == ("text of p1", "text of p9", "text of p10")
    assert found.labelled.rows == (8, 4, 1)
    assert found.ties == (Tie("p2", "text of p2", {"n": 1, "y": 1}, "drop", None),)
    told = found.to_dict()
    assert {name: told[name] for name in list(told)[:8]} == {
        "judgements": 8,
        "repeated": 0,
        "items": 4,
        "annotators": 3,
        "unanimous": 1,
        "judged_once": 1,
        "ties": 1,
        "tie_rule": "drop",
    }
    assert told["agreement"] == pytest.approx((1 / 3 + 1 + 0) / 3)
    assert [line["annotator"] for line in told["by_annotator"]] == ["A0", "A1", "A2"]
    assert json.loads(json.dumps(told)) == told


@pytest.mark.parametrize("rule", ["drop", "random"])
def test_two_against_two_ends_the_same_in_any_order_of_rows(rule: TieRule) -> None:
    # the first one seen must not win: 2,1,1,2 and 1,2,2,1 are the same votes
    one = _judgements(("p", "A", "2"), ("p", "B", "1"), ("p", "C", "1"), ("p", "D", "2"), ("q", "A", "1"))
    other = _judgements(("p", "B", "1"), ("p", "A", "2"), ("p", "D", "2"), ("p", "C", "1"), ("q", "A", "1"))
    for seed in range(20):
        first, second = (aggregate(rows, ties=rule, seed=seed) for rows in (one, other))
        assert first.labelled.labels == second.labelled.labels
        assert first.ties == second.ties
        assert first.ties[0].votes == {"1": 2, "2": 2}


_ROWS = st.dictionaries(
    st.tuples(st.sampled_from(["p1", "p2", "p02", "p10", "q"]), st.sampled_from("ABCD")),
    st.sampled_from(["yes", "no", "maybe"]),
    min_size=1,
    max_size=20,
)


@settings(deadline=None, max_examples=40)
@given(_ROWS, st.randoms(use_true_random=False), st.integers(0, 99))
def test_shuffled_rows_give_the_same_result(
    votes: dict[tuple[str, str], str], chance: random.Random, seed: int
) -> None:
    rows = _judgements(*((item, annotator, label) for (item, annotator), label in votes.items()))
    order = list(range(len(rows)))
    chance.shuffle(order)
    assert _outcome(rows, seed) == _outcome(rows.take(order), seed)


def _outcome(rows: Judgements, seed: int) -> Aggregation:
    try:
        assert aggregate(rows, ties="drop", seed=seed).items == len(set(rows.ids))
    except RowsProblem:
        assert all(tie.label for tie in aggregate(rows, ties="random", seed=seed).ties)
    return aggregate(rows, ties="random", seed=seed)


def test_a_random_tie_hangs_on_seed_and_item_alone() -> None:
    items = [f"p{i}" for i in range(400)]
    many = aggregate(_judgements(*(row for item in items for row in _votes(item, "yn"))), ties="random", seed=7)
    alone = aggregate(_judgements(*_votes("p33", "yn")), ties="random", seed=7)
    assert alone.labelled.labels[0] == dict(zip(many.labelled.ids, many.labelled.labels, strict=True))["p33"]
    assert all(tie.rule == "random" for tie in many.ties)
    assert len(many.ties) == 400
    # a fair coin of 400 throws stays within five standard deviations
    assert abs(many.labelled.labels.count("y") - 200) < 50
    again = aggregate(_judgements(*(row for item in items for row in _votes(item, "yn"))), ties="random", seed=8)
    assert 100 < sum(a != b for a, b in zip(many.labelled.labels, again.labelled.labels, strict=True)) < 300


def test_a_random_tie_is_drawn_among_the_tied_labels_only() -> None:
    rows = [row for i in range(50) for row in _votes(f"p{i}", "yynnm")]
    assert set(aggregate(_judgements(*rows), ties="random", seed=3).labelled.labels) == {"y", "n"}


def test_the_same_judgement_twice_counts_once() -> None:
    rows = _judgements(("p", "A", "yes"), ("p", "A", "yes"), ("p", "B", "no"), ("q", "A", "yes"))
    found = aggregate(rows, seed=0)
    assert (found.judgements, found.repeated) == (3, 1)
    assert [tie.votes for tie in found.ties] == [{"no": 1, "yes": 1}]
    assert sum(line.judgements for line in found.agreement.by_annotator) == found.judgements


def test_an_annotator_who_contradicts_himself_is_named_with_both_rows() -> None:
    rows = _judgements(("p", "A", "yes"), ("q", "A", "yes"), ("p", "A", "no"), ("q", "B", "no"), ("q", "B", "yes"))
    with pytest.raises(RowsProblem) as refused:
        aggregate(rows, seed=0)
    assert "2 judgements contradict" in str(refused.value)
    assert "'A' on 'p': 'yes' in row 1, 'no' in row 3" in str(refused.value)
    assert "'B' on 'q': 'no' in row 4, 'yes' in row 5" in str(refused.value)
    assert refused.value.exit_code == 1


def test_no_judgements_are_said_to_be_none() -> None:
    with pytest.raises(RowsProblem, match="there are no judgements"):
        aggregate(_judgements(), seed=0)


def test_ties_everywhere_leave_nothing() -> None:
    with pytest.raises(RowsProblem, match="2 items tie, so that none has a label"):
        aggregate(_judgements(*_votes("p", "yn"), *_votes("q", "yn")), seed=0)


def test_ties_are_written_so_that_any_reader_reads_them(tmp_path: Path) -> None:
    nasty = 'a "quoted", text\r\nwith\rlines'
    ties = [Tie("p1", nasty, {"no": 2, "yes": 2}, "drop", None), Tie("p2", "ü", {"a": 1, "b": 1}, "random", "b")]
    write_ties(tmp_path / "ties.csv", ties)
    with (tmp_path / "ties.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream, strict=True))
    assert rows == [
        ["id", "text", "votes", "rule", "label"],
        ["p1", nasty, "no 2, yes 2", "drop", ""],
        ["p2", "ü", "a 1, b 1", "random", "b"],
    ]


# Dawid & Skene (1979), Table 1: a patient each; observer 1 judged three times, observers 2 to 5 once.
_PATIENTS = """
1111111 3334334 1122122 2223121 2223222 2223322 1222111 3333433 2222223 2322223 4444444 2223343 1111111 2223212
1211111 1112111 1111111 1111111 2222221 2221322 2222222 2222221 2223222 2212222 1111111 1111111 2322222 1111111
1111111 1121121 1111111 3333233 1111111 2222222 2223232 4334343 2212232 2323233 3333432 1111111 1111111 1212111
2322222 1211111 2222222
"""


def _patients() -> Judgements:
    return _judgements(
        *(
            (str(patient), observer, name)
            for patient, line in enumerate(_PATIENTS.split(), start=1)
            for observer, name in zip("1112345", line, strict=True)
        )
    )


def test_dawid_skene_decides_and_counts_every_look() -> None:
    found = aggregate(_patients(), method="dawid-skene", seed=0)
    assert Counter(found.labelled.labels) == {"1": 18, "2": 19, "3": 5, "4": 3}
    assert (found.judgements, found.repeated, found.items, found.annotators) == (315, 90, 45, 5)
    assert found.touched == {"dawid-skene": 45}
    assert found.ties == ()
    differences = {line.id: (line.labels["majority"], line.labels["chosen"]) for line in found.comparison.differing}
    assert differences == {"2": ("3", "4"), "12": (None, "3"), "36": ("3", "4")}
    assert found.comparison.counts["4"] == {"majority": 1, "chosen": 3, "dawid_skene": 3}
    assert found.comparison.counts[None] == {"majority": 1, "chosen": 0, "dawid_skene": 0}
    seven = found.by_item[6]
    assert (seven.id, seven.label, seven.n, seven.how) == ("7", "1", 7, "dawid-skene")
    assert seven.soft["1"] == pytest.approx(0.981, abs=5e-4)
    assert seven.share == pytest.approx(4 / 7)
    assert found.labelled.soft is not None
    assert found.labelled.soft[6] == {"1": 4 / 7, "2": 3 / 7}
    assert any("90 judgements repeat" in warning for warning in found.warnings)
    told = found.to_dict()
    assert told["estimate"]["log_likelihood"] == pytest.approx(-192.8909, abs=1e-3)
    assert told["differing"] == 3
    assert json.loads(json.dumps(told)) == told


def test_one_coin_decides() -> None:
    found = aggregate(_patients(), method="one-coin", seed=0)
    assert found.estimate is not None
    assert found.estimate.model == "one-coin"
    assert len(found.labelled) == 45
    assert all(item.soft[item.label] == max(item.soft.values()) for item in found.by_item if item.label)


def test_other_methods_refuse_contradictory_looks() -> None:
    for method in _METHODS:
        if method not in ("dawid-skene", "one-coin"):
            with pytest.raises(RowsProblem, match="contradict") as refused:
                aggregate(_patients(), method=method, expert="2", seed=0)
            assert "--aggregation dawid-skene" in str(refused.value)


_METHODS: tuple[Method, ...] = ("majority", "dawid-skene", "one-coin", "soft", "expert", "unanimous")
_RULES: tuple[TieRule, ...] = ("drop", "review", "random", "priority", "posterior")
_FOUR = (*_votes("p1", "yyn"), *_votes("p2", "yn"), *_votes("p3", "nnyy"), *_votes("p4", "n"), *_votes("p5", "nn"))


def test_the_expert_wins_and_the_majority_fills_in() -> None:
    rows = [*_FOUR, ("p1", "E", "n"), ("p3", "E", "m")]
    found = aggregate(_judgements(*rows), method="expert", expert="E", seed=0)
    assert dict(zip(found.labelled.ids, found.labelled.labels, strict=True)) == {
        "p1": "n",
        "p3": "m",
        "p4": "n",
        "p5": "n",
    }
    assert found.touched == {"expert": 2, "majority, as the expert did not judge it": 2, "tie, dropped": 1}
    assert [tie.id for tie in found.ties] == ["p2"]
    assert found.by_item[2].share == pytest.approx(1 / 5)
    with pytest.raises(SettingsProblem, match="needs an expert"):
        aggregate(_judgements(*rows), method="expert", seed=0)
    with pytest.raises(SettingsProblem, match="judged nothing") as refused:
        aggregate(_judgements(*rows), method="expert", expert="a1", seed=0)
    assert "did you mean 'A1'?" in str(refused.value)


def test_unanimous_keeps_what_two_gave_and_nobody_disputed() -> None:
    found = aggregate(_judgements(*_FOUR), method="unanimous", ties="random", seed=0)
    assert (found.labelled.ids, found.labelled.labels) == (("p5",), ("n",))
    assert found.touched == {"disputed": 3, "judged once": 1, "unanimous": 1}
    assert found.ties == ()
    with pytest.raises(RowsProblem, match="agree on no item"):
        aggregate(_judgements(*_votes("p1", "yn"), *_votes("p2", "y")), method="unanimous", seed=0)


def test_soft_labels_are_the_shares_of_the_judgements() -> None:
    rows = _judgements(*_FOUR)
    found = aggregate(rows, method="soft", ties="random", seed=0)
    assert found.labelled.soft is not None
    assert found.labelled.soft[0] == {"n": pytest.approx(1 / 3), "y": pytest.approx(2 / 3)}
    assert found.labelled.soft[2] == {"n": 0.5, "y": 0.5}
    assert found.by_item[0].soft == found.labelled.soft[0]
    assert [item.entropy for item in found.by_item[2:]] == pytest.approx([1, 0, 0])
    assert found.notes == ()
    assert aggregate(rows, method="soft", seed=0).notes[0].startswith("2 items that tie are left out")


def test_priority_decides_in_its_order() -> None:
    rows = _judgements(*_votes("p1", "yn"), *_votes("p2", "ym"), *_votes("p3", "ab"), *_votes("p4", "y"))
    found = aggregate(rows, ties="priority", priority=("m", "n", "y", "N"), seed=0)
    assert dict(zip(found.labelled.ids, found.labelled.labels, strict=True)) == {"p1": "n", "p2": "m", "p4": "y"}
    assert found.touched == {"tie, by priority": 2, "majority": 1, "tie, none of its labels has a priority": 1}
    assert found.notes == ("the priority names 'N', which no annotator gave; did you mean 'n'?",)
    with pytest.raises(SettingsProblem, match="needs the labels in the order"):
        aggregate(rows, ties="priority", seed=0)


def test_the_posterior_decides_for_the_reliable_annotator() -> None:
    chance = random.Random(4)
    rows = []
    for i in range(60):
        truth = "yn"[i % 2]
        rows += [(f"p{i}", who, truth) for who in "AB"]
        rows += [(f"p{i}", who, chance.choice("yn")) for who in "CD"]
    found = aggregate(_judgements(*rows), ties="posterior", seed=0)
    assert len(found.ties) > 5
    assert all(tie.label == "yn"[int(tie.id[1:]) % 2] for tie in found.ties)
    assert found.touched["tie, by posterior"] == len(found.ties)
    # where the labels are equally probable, nothing decides
    even = aggregate(
        _judgements(*_votes("p1", "yn"), *_votes("p2", "yy"), *_votes("p3", "nn")), ties="posterior", seed=0
    )
    assert even.touched == {"majority": 2, "tie, equally probable": 1}
    assert even.ties[0].label is None


def test_review_waits_for_decisions_and_goes_on_with_them(tmp_path: Path) -> None:
    rows = _judgements(*_FOUR)
    first = aggregate(rows, ties="review", seed=0)
    assert first.labelled.ids == ("p1", "p4", "p5")
    assert first.touched == {"majority": 3, "tie, to be reviewed": 2}
    write_ties(tmp_path / "ties.csv", first.ties)
    content = (tmp_path / "ties.csv").read_text("utf-8")
    assert content.splitlines()[1] == 'p2,text of p2,"n 1, y 1",review,'
    assert read_decisions(tmp_path / "ties.csv") == {}
    (tmp_path / "ties.csv").write_text(content.replace("review,", "review,y", 1), "utf-8")
    decisions = read_decisions(tmp_path / "ties.csv")
    assert decisions == {"p2": "y"}
    second = aggregate(rows, ties="review", decisions=decisions, seed=0)
    assert dict(zip(second.labelled.ids, second.labelled.labels, strict=True))["p2"] == "y"
    assert second.touched == {"majority": 3, "tie, decided by review": 1, "tie, to be reviewed": 1}
    # nothing but ties is no error here: they are to be decided
    assert len(aggregate(_judgements(*_votes("p", "yn")), ties="review", seed=0).labelled) == 0


@pytest.mark.parametrize(
    ("decisions", "problem"),
    [
        ({"p02": "y"}, "1 decision is about items that are not in the data"),
        ({"p2": "Y"}, "did you mean 'y'?"),
        ({"p2": "y", "p1": "y"}, "1 decision is about items that do not tie"),
    ],
)
def test_decisions_that_do_not_fit_are_named(decisions: dict[str, str], problem: str) -> None:
    with pytest.raises(RowsProblem) as refused:
        aggregate(_judgements(*_FOUR), ties="review", decisions=decisions, seed=0)
    assert problem in str(refused.value)
    with pytest.raises(SettingsProblem, match="the tie rule is another one"):
        aggregate(_judgements(*_FOUR), ties="drop", decisions=decisions, seed=0)


def test_labels_on_a_scale_are_checked_with_their_rows() -> None:
    rows = _judgements(*_votes("p", "12x"), *_votes("q", "yyy"))
    with pytest.raises(RowsProblem, match="4 labels are no numbers") as refused:
        aggregate(rows, scale="interval", seed=0)
    assert "'x' in row 3, 'y' in row 4" in str(refused.value)
    with pytest.raises(SettingsProblem, match="no place in the order"):
        aggregate(rows, scale="ordinal", order=("1", "2"), seed=0)
    found = aggregate(rows, scale="ordinal", order=("1", "2", "x", "y"), ties="random", seed=0)
    assert found.to_dict()["scale"] == "ordinal"


def test_groups_times_and_parts_come_along() -> None:
    rows = replace(
        _judgements(*_votes("p", "yy"), *_votes("q", "yn"), *_votes("r", "n")),
        groups=("g", "g", "h", "h", "g"),
        times=("2020", "2020", "2021", "2021", "2022"),
        parts=("train", "train", "test", "test", "test"),
    )
    labelled = aggregate(rows, seed=0).labelled
    assert (labelled.groups, labelled.times, labelled.parts) == (("g", "g"), ("2020", "2022"), ("train", "test"))


def test_soft_training_is_advised_where_many_judge_and_disagree() -> None:
    chance = random.Random(1)
    rows = [(f"p{i}", who, chance.choice("xyz")) for i in range(30) for who in "ABC"]
    assert "--aggregation soft" in aggregate(_judgements(*rows), seed=0).notes[0]
    assert aggregate(_judgements(*rows), method="soft", ties="random", seed=0).notes == ()
    agreed = [(f"p{i}", who, "xyz"[i % 3]) for i in range(30) for who in "ABC"]
    assert aggregate(_judgements(*agreed), seed=0).notes == ()


@settings(deadline=None, max_examples=40)
@given(_ROWS, st.randoms(use_true_random=False), st.sampled_from(_METHODS), st.sampled_from(_RULES))
def test_no_method_and_no_rule_sees_the_order_of_rows(
    votes: dict[tuple[str, str], str], chance: random.Random, method: Method, ties: TieRule
) -> None:
    rows = _judgements(*((item, annotator, label) for (item, annotator), label in votes.items()))
    order = list(range(len(rows)))
    chance.shuffle(order)
    outcomes = []
    for given_rows in (rows, rows.take(order)):
        try:
            found = aggregate(given_rows, method=method, ties=ties, priority=("no",), expert=rows.annotators[0], seed=3)
        except RowsProblem as problem:
            outcomes.append(str(problem))
        else:
            assert sum(found.touched.values()) == found.items == len(found.by_item)
            assert {item.id for item in found.by_item if item.label} == set(found.labelled.ids)
            outcomes.append(repr((found.labelled, found.ties, found.by_item, found.to_dict())))
    assert outcomes[0] == outcomes[1]


def test_many_judgements_are_quick() -> None:
    chance = random.Random(1)
    rows = _judgements(
        *((f"p{i // 4}", f"A{(i * 7) % 200 // 4 * 4 + i % 4}", chance.choice("xyz")) for i in range(40_000))
    )
    started = time.perf_counter()
    assert aggregate(rows, ties="random", seed=0).items == 10_000
    assert time.perf_counter() - started < 30  # two seconds or so on an idle machine; the benchmark measures it


def test_labels_that_look_alike_are_named() -> None:
    rows = [("p1", "A", "ja"), ("p1", "B", "Ja"), ("p2", "A", "JA "), ("p2", "B", "nein"), ("p3", "A", "nein")]
    (note,) = aggregate(_judgements(*rows), ties="random", seed=0).notes
    assert "'JA ' and 'Ja' and 'ja'; write them the same" in note
    assert "'nein'" not in note


def test_annotators_whose_names_look_alike_are_named() -> None:
    rows = [("p1", "Anna", "ja"), ("p1", "anna ", "nein"), ("p2", "Ben", "ja")]
    (note,) = aggregate(_judgements(*rows), seed=0).notes
    assert "'Anna' and 'anna '" in note
