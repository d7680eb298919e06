from __future__ import annotations

import csv
import json
import random
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifine.data.aggregation import Aggregation, Tie, aggregate, write_ties
from classifine.data.choosing import TieRule
from classifine.errors import RowsProblem
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


@settings(deadline=None)
@given(_ROWS, st.randoms(use_true_random=False), st.integers(0, 99))
def test_shuffled_rows_give_the_same_result(
    votes: dict[tuple[str, str], str], chance: random.Random, seed: int
) -> None:
    rows = _judgements(*((item, annotator, label) for (item, annotator), label in votes.items()))
    order = list(range(len(rows)))
    chance.shuffle(order)
    assert _outcome(rows, seed) == _outcome(rows.take(order), seed)


def _outcome(rows: Judgements, seed: int) -> Aggregation | str:
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


def test_many_judgements_are_quick() -> None:
    chance = random.Random(1)
    rows = _judgements(
        *((f"p{i // 4}", f"A{(i * 7) % 200 // 4 * 4 + i % 4}", chance.choice("xyz")) for i in range(40_000))
    )
    started = time.perf_counter()
    assert aggregate(rows, ties="random", seed=0).items == 10_000
    assert time.perf_counter() - started < 5
