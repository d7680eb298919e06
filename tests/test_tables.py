"""The shapes a row takes: equally long columns that become Arrow tables or JSON and come back."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from classifine.labels import LabelSpace, decide
from classifine.tables import BLANK, OK, Judgements, LabelledTexts, Predictions, Splits

ODD_NAMES = (
    "",
    '"quoted"',
    "it's",
    "line\nbreak",
    "a,b;c\t",
    "😀",
    "שלום",
    "confidence",
    "p_x",
    "</script>",
    "__proto__",
)
TEXTS = st.lists(st.text(), max_size=6)
SHARES = st.floats(0, 1)


def through_parquet(table: pa.Table) -> pa.Table:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return pq.read_table(pa.BufferReader(sink.getvalue()))


@st.composite
def any_predictions(draw: st.DrawFn) -> Predictions:
    names = tuple(draw(st.lists(st.sampled_from(ODD_NAMES) | st.text(), min_size=1, max_size=4, unique=True)))
    space = LabelSpace(names, draw(st.none() | st.sampled_from(names)))
    n = draw(st.integers(0, 5))
    status = tuple(draw(st.lists(st.sampled_from([OK, BLANK]), min_size=n, max_size=n)))
    matrix = np.array(
        [draw(st.lists(SHARES, min_size=len(names), max_size=len(names))) for _ in range(n)], dtype=np.float64
    ).reshape(n, len(names))
    decided = decide(matrix, space)
    given = np.array([each == OK for each in status], dtype=bool)
    matrix[~given] = np.nan
    column = st.lists(st.text(), min_size=n, max_size=n)
    return Predictions(
        ids=tuple(str(row) for row in range(n)),
        texts=tuple(draw(column)),
        truth=tuple(draw(st.lists(st.none() | st.sampled_from(names), min_size=n, max_size=n))),
        predicted=tuple(name if ok else None for name, ok in zip(decided, given, strict=True)),
        probabilities=matrix,
        status=status,
        space=space,
        split=draw(st.sampled_from(["test", "validation", "naïve file.csv"])),
        classifier=draw(st.sampled_from(["model", "tfidf"])),
    )


def same(one: Predictions, other: Predictions) -> None:
    for name in ("ids", "texts", "truth", "predicted", "status", "space", "split", "classifier", "rule"):
        assert getattr(one, name) == getattr(other, name)
    np.testing.assert_array_equal(one.probabilities, other.probabilities)
    assert other.probabilities.dtype == np.float64


def two_rows(**columns: Any) -> Predictions:
    given: dict[str, Any] = {
        "ids": ("a", "b"),
        "texts": ("come", " "),
        "truth": ("yes", None),
        "predicted": ("yes", None),
        "probabilities": np.array([[0.25, 0.75], [np.nan, np.nan]]),
        "status": (OK, BLANK),
        "space": LabelSpace(("no", "yes"), "yes"),
        "split": "test",
    }
    return Predictions(**{**given, **columns})


# ---------------------------------------------------------------- judgements and labelled texts


@given(TEXTS)
def test_judgements_come_back(texts: list[str]) -> None:
    rows = tuple(range(1, len(texts) + 1))
    judgements = Judgements(tuple("i" for _ in texts), tuple(texts), tuple(texts[::-1]), tuple(texts), rows)
    assert Judgements.from_arrow(through_parquet(judgements.to_arrow())) == judgements
    assert Judgements(**{name: tuple(cells) for name, cells in judgements.to_dict().items()}) == judgements
    assert len(judgements) == len(texts)


@given(TEXTS, st.data())
def test_labelled_texts_come_back_and_can_be_taken_in_any_order(texts: list[str], data: st.DataObject) -> None:
    ids = tuple(str(n) for n in range(len(texts)))
    table = LabelledTexts(ids, tuple(texts), tuple(texts[::-1]), tuple(range(len(texts))))
    assert LabelledTexts.from_arrow(through_parquet(table.to_arrow())) == table
    places = data.draw(st.lists(st.sampled_from(range(len(texts))))) if texts else []
    taken = table.take(places)
    assert isinstance(taken, LabelledTexts)
    assert taken.texts == tuple(texts[place] for place in places)
    assert taken.rows == tuple(places)


def test_columns_of_unequal_length_are_refused() -> None:
    with pytest.raises(ValueError, match=r"unequal length: .*'labels': 1"):
        LabelledTexts(("a", "b"), ("x", "y"), ("yes",), (1, 2))


def test_splits_list_their_parts_in_the_order_they_are_used() -> None:
    parts = [LabelledTexts((name,), (name,), ("yes",), (1,)) for name in ("one", "two", "three")]
    splits = Splits(parts[0], parts[1], parts[2], LabelSpace(("no", "yes")))
    assert splits.items() == [("train", parts[0]), ("validation", parts[1]), ("test", parts[2])]
    told = json.loads(json.dumps(splits.to_dict()))
    assert told["test"] == {"ids": ["three"], "texts": ["three"], "labels": ["yes"], "rows": [1]}
    assert told["space"] == {"names": ["no", "yes"], "positive": None}


# ---------------------------------------------------------------- predictions


@settings(max_examples=60, deadline=None)
@given(any_predictions())
@example(two_rows())
def test_predictions_come_back_bit_for_bit(predictions: Predictions) -> None:
    same(predictions, Predictions.from_arrow(predictions.to_arrow()))
    same(predictions, Predictions.from_arrow(through_parquet(predictions.to_arrow())))


@settings(max_examples=60, deadline=None)
@given(any_predictions())
def test_plain_json_never_holds_what_json_cannot(predictions: Predictions) -> None:
    told = json.loads(json.dumps(predictions.to_dict(), allow_nan=False))
    assert [row["id"] for row in told["rows"]] == list(predictions.ids)
    for row, ok in zip(told["rows"], [each == OK for each in predictions.status], strict=True):
        assert (row["predicted_label"] is None, row["confidence"] is None, row["probabilities"] is None) == (
            not ok,
        ) * 3
        if ok:
            assert tuple(row["probabilities"]) == predictions.space.names
            assert row["probabilities"][row["predicted_label"]] == row["confidence"]


def test_predictions_as_plain_json() -> None:
    assert two_rows().to_dict() == {
        "split": "test",
        "classifier": "model",
        "rule": "argmax",
        "rows": [
            {
                "id": "a",
                "text": "come",
                "truth": "yes",
                "predicted_label": "yes",
                "confidence": 0.75,
                "status": "ok",
                "probabilities": {"no": 0.25, "yes": 0.75},
            },
            {
                "id": "b",
                "text": " ",
                "truth": None,
                "predicted_label": None,
                "confidence": None,
                "status": "blank",
                "probabilities": None,
            },
        ],
    }


def test_confidence_is_the_probability_of_the_predicted_label() -> None:
    assert two_rows().confidence == (0.75, None)
    nobody = two_rows(ids=(), texts=(), truth=(), predicted=(), status=(), probabilities=np.zeros((0, 2)))
    assert nobody.confidence == ()
    assert len(nobody) == 0


def test_a_parquet_file_of_predictions_can_be_read_without_classifine() -> None:
    table = through_parquet(two_rows().to_arrow())
    assert table.column_names == ["id", "text", "truth", "predicted_label", "confidence", "status", "p_no", "p_yes"]
    assert table.column("confidence").to_pylist() == [0.75, None]
    assert str(table.schema.field("p_yes").type) == "double"
    assert json.loads(table.schema.metadata[b"space"]) == {"names": ["no", "yes"], "positive": "yes"}


@pytest.mark.parametrize(
    "columns",
    [
        {"texts": ("come",)},
        {"truth": ()},
        {"predicted": ("yes", None, None)},
        {"status": (OK,)},
        {"probabilities": np.zeros((2, 3))},
        {"probabilities": np.zeros((1, 2))},
        {"probabilities": np.zeros(2)},
    ],
)
def test_predictions_of_unequal_length_are_refused(columns: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="unequal length"):
        two_rows(**columns)


def test_predictions_of_several_labels_come_back_with_their_thresholds() -> None:
    space = LabelSpace(("a", "b"), separator="|", thresholds=(0.3, 0.8))
    matrix = np.array([[0.4, 0.9], [0.1, 0.5], [np.nan, np.nan]])
    predicted: tuple[str | None, ...] = (*decide(matrix[:2], space), None)
    made = Predictions(
        ids=("1", "2", "3"),
        texts=("x", "y", " "),
        truth=("b|a", "", None),
        predicted=predicted,
        probabilities=matrix,
        status=("ok", "ok", "blank"),
        space=space,
        split="test",
    )
    assert predicted == ("a|b", "", None)
    assert made.confidence[:2] == pytest.approx((0.36, 0.45))
    assert made.confidence[2] is None
    again = Predictions.from_arrow(made.to_arrow())
    assert (again.space, again.rule, again.predicted, again.truth) == (space, "threshold", predicted, made.truth)
