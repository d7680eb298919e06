from __future__ import annotations

import gc
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError, SkipTestWarning
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import check_estimator, estimator_checks_generator
from tests.journey.samples import unlike
from tests.tiny_models import tiny_model

from classifine.doors.estimator import InputRefused, TextClassifier
from classifine.errors import ClassifineError, SettingsProblem
from classifine.model.classifier import Classifier

WORDS = {"no": "the bank raised its rate", "yes": "please sign the petition today", "so": "the weather is lovely"}
LABELS = ["no", "yes", "so"] * 12
TEXTS = [unlike(WORDS[label], i, words=1 + i % 5) for i, label in enumerate(LABELS)]
# so few held-out rows tell little about an epoch: none may end the training early
LEARNS: dict[str, Any] = {
    "learning_rate": 5e-3,
    "num_train_epochs": 30,
    "random_state": 1,
    "validation_size": 0.25,
    "per_device_train_batch_size": 8,
    "settings": {"early_stopping_patience": 0},
}


@pytest.fixture(scope="module", autouse=True)
def _imported_objects_are_not_collected(bert: str) -> Iterator[None]:
    # each training collects garbage, which would walk through all that torch and transformers have imported
    quick(bert).fit(TEXTS, LABELS)
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_model(tmp_path_factory.mktemp("bert") / "base", "bert"))


@pytest.fixture(scope="module")
def learnt(bert: str) -> TextClassifier:
    return TextClassifier(bert, **LEARNS).fit(TEXTS, LABELS)


def quick(bert: str, **parameters: Any) -> TextClassifier:
    return TextClassifier(bert, **{"num_train_epochs": 1, "learning_rate": 1e-3, **parameters})


# ---- scikit-learn's own checks -------------------------------------------------------------------------------------


class OnNumbers(TextClassifier):
    """The checks feed rows of numbers, which are written as words here; all else is the estimator's own doing."""

    def fit(self, X: Any, y: Any) -> OnNumbers:  # noqa: N803
        super().fit(_worded(X), y)
        self.width_ = np.asarray(X).shape[-1:]
        return self

    def predict(self, X: Any) -> Any:  # noqa: N803
        return super().predict(self._of_width(X))

    def predict_proba(self, X: Any) -> Any:  # noqa: N803
        return super().predict_proba(self._of_width(X))

    def _of_width(self, X: Any) -> Any:  # noqa: N803
        width = np.asarray(X).shape[-1:]
        if width != getattr(self, "width_", width):
            raise ValueError("another number of columns")
        return _worded(X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.input_tags.one_d_array = False
        tags.classifier_tags.poor_score = True  # one epoch of a random model
        return tags


def _worded(rows: Any) -> Any:
    table = np.asarray(rows)
    if table.ndim != 2 or table.dtype.kind not in "iufO":
        return rows
    words: list[list[Any]] = table.tolist()
    return [" ".join(f"{v:.0f}" if isinstance(v, float) else str(v) for v in row) for row in words]


EXCUSED = {
    "check_n_features_in": "a text has no fixed number of features",
    "check_n_features_in_after_fitting": "a text has no fixed number of features",
    "check_complex_data": "the message speaks of texts, not of complex numbers",
    "check_estimators_empty_data_messages": "rows without columns are blank texts and refused as such",
    "check_estimators_nan_inf": "NaN and infinity among numbers are words here; a missing text is tested below",
    "check_fit2d_predict1d": "the message speaks of texts, not of reshaping numbers",
}


def _name(check: Any) -> str:
    inner = getattr(check, "func", check)
    return str(inner.__name__) if inner is check or not hasattr(inner, "func") else _name(inner)


CHECKS = [check for _, check in estimator_checks_generator(OnNumbers(), legacy=True)]


@pytest.mark.parametrize("check", CHECKS, ids=[f"{i}-{_name(check)}" for i, check in enumerate(CHECKS)])
def test_scikit_learns_checks(check: Callable[[Any], None], bert: str) -> None:
    estimator = OnNumbers(bert, num_train_epochs=1)
    if _name(check) not in EXCUSED:
        check(estimator)
        return
    # an excuse that is no longer needed fails here
    with pytest.raises((AssertionError, ClassifineError)):
        check(estimator)


def test_no_excuse_is_for_a_check_that_does_not_exist() -> None:
    assert set(EXCUSED) <= {_name(check) for check in CHECKS}
    assert len(CHECKS) > 40


def test_its_tags_say_texts_so_that_scikit_learn_feeds_it_no_numbers() -> None:
    tags = get_tags(TextClassifier())
    assert (tags.input_tags.string, tags.input_tags.one_d_array, tags.input_tags.two_d_array) == (True, True, False)
    assert (tags.estimator_type, tags.target_tags.required, tags.non_deterministic) == ("classifier", True, False)
    with pytest.warns(SkipTestWarning, match="requires input"):
        check_estimator(TextClassifier())


# ---- labels --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (LABELS, np.array(["no", "so", "yes"])),
        (np.array(LABELS, dtype=object), np.array(["no", "so", "yes"], dtype=object)),
        (pd.Series(LABELS, index=range(7, 43)), np.array(["no", "so", "yes"], dtype=object)),
        # as names, 10 comes before 2
        ([{"no": 2, "yes": 10, "so": -1}[label] for label in LABELS], np.array([-1, 2, 10])),
        ([label == "yes" for label in LABELS], np.array([False, True])),
        ([1.0 if label == "no" else 0.0 for label in LABELS], np.array([0.0, 1.0])),
        ([{"no": "nan", "yes": "True", "so": "10"}[label] for label in LABELS], np.array(["10", "True", "nan"])),
    ],
    ids=["text", "object", "series", "int", "bool", "float", "hostile"],
)
def test_classes_keep_their_type_and_order_through_fit_save_and_load(
    y: Any, classes: Any, bert: str, tmp_path: Path
) -> None:
    fitted = TextClassifier(bert, **LEARNS).fit(TEXTS, y)
    assert fitted.classes_.tolist() == classes.tolist()
    assert fitted.classes_.dtype.kind == classes.dtype.kind
    predicted, probabilities = fitted.predict(TEXTS), fitted.predict_proba(TEXTS)
    assert predicted.dtype == fitted.classes_.dtype
    assert (predicted == np.asarray(y)).mean() > 0.9
    assert fitted.score(TEXTS, y) == pytest.approx((predicted == np.asarray(y)).mean())
    assert probabilities.shape == (36, len(classes))
    assert np.allclose(probabilities.sum(axis=1), 1)
    assert (fitted.classes_[probabilities.argmax(axis=1)] == predicted).all()

    fitted.save(tmp_path / "model")
    again = TextClassifier.load(tmp_path / "model")
    assert again.classes_.tolist() == classes.tolist()
    assert np.abs(again.predict_proba(TEXTS) - probabilities).max() <= 1e-6
    assert again.predict(TEXTS).tolist() == predicted.tolist()
    assert not [file.name for file in (tmp_path / "model").iterdir() if file.suffix in {".bin", ".pkl", ".pt"}]
    # for everybody else it is a classifier with the names as labels
    assert set(Classifier.load(tmp_path / "model").space.names) == {str(value) for value in classes.tolist()}


def test_class_values_of_a_base_model_do_not_pass_to_another_task(bert: str, tmp_path: Path) -> None:
    quick(bert).fit(TEXTS, [label == "yes" for label in LABELS]).save(tmp_path / "first")
    second = quick(str(tmp_path / "first")).fit(TEXTS, LABELS)
    second.classifier_.save(
        tmp_path / "second"
    )  # not through the estimator: the first task's values stay in config.json
    assert "true" in (tmp_path / "second" / "config.json").read_text("utf-8")
    assert TextClassifier.load(tmp_path / "second").classes_.tolist() == ["no", "so", "yes"]


# ---- scikit-learn's tools ------------------------------------------------------------------------------------------


def test_cross_validation_and_pipeline(bert: str) -> None:
    pipeline = make_pipeline(FunctionTransformer(_stripped), TextClassifier(bert, **LEARNS))
    padded = np.array([f"  {text}\n" for text in TEXTS])
    scores = cross_val_score(pipeline, padded, LABELS, cv=2, scoring="f1_macro")
    assert scores.shape == (2,)
    assert scores.min() > 0.8
    one = pipeline.fit(padded, LABELS).predict_proba(padded)
    assert (one == TextClassifier(bert, **LEARNS).fit(TEXTS, LABELS).predict_proba(TEXTS)).all()


def _stripped(texts: Any) -> list[str]:
    return [text.strip() for text in texts]


@pytest.mark.slow
def test_grid_search_over_the_learning_rate(bert: str) -> None:
    grid = {"learning_rate": np.array([1e-9, 5e-3]), "per_device_train_batch_size": np.array([8])}
    search = GridSearchCV(TextClassifier(bert, **(LEARNS | {"learning_rate": None})), grid, cv=2, error_score="raise")
    search.fit(pd.Series(TEXTS), pd.Series(LABELS))
    assert search.best_params_["learning_rate"] == 5e-3
    assert search.predict(TEXTS[:3]).tolist() == LABELS[:3]


def test_parameters_are_only_kept_and_clones_are_unfitted(learnt: TextClassifier) -> None:
    further = {"weight_decay": 0.05}
    estimator = TextClassifier("bert", settings=further, class_weights="balanced", random_state=3)
    assert estimator.get_params()["settings"] is further
    copy = clone(estimator.set_params(max_length=9))
    assert copy.get_params() == {**estimator.get_params(), "max_length": 9}
    with pytest.raises(NotFittedError):
        clone(learnt).predict(TEXTS)


def test_texts_in_every_shape_give_the_same_and_stay_as_they_are(learnt: TextClassifier) -> None:
    expected = learnt.predict_proba(TEXTS)
    series = pd.Series(TEXTS, index=range(5, 41))
    for texts in (tuple(TEXTS), np.array(TEXTS), np.array(TEXTS, dtype=object), series):
        assert (learnt.predict_proba(texts) == expected).all()
    assert series.equals(pd.Series(TEXTS, index=range(5, 41)))


def test_a_fitted_estimator_survives_pickling(learnt: TextClassifier) -> None:
    again = pickle.loads(pickle.dumps(learnt))
    assert (again.predict_proba(TEXTS) == learnt.predict_proba(TEXTS)).all()


def test_the_random_state_decides_every_bit(bert: str) -> None:
    def scores(state: Any) -> Any:
        return quick(bert, random_state=state).fit(TEXTS[:12], LABELS[:12]).predict_proba(TEXTS[:12])

    one = scores(1)
    assert (one == scores(1)).all()
    assert (one != scores(np.int64(2))).any()
    assert (scores(np.random.RandomState(5)) == scores(np.random.RandomState(5))).all()
    assert scores(None).shape == (12, 3)


# ---- the rows that choose the epoch --------------------------------------------------------------------------------


def test_a_stratified_share_is_held_out(bert: str) -> None:
    fitted = quick(bert, validation_size=0.25).fit(TEXTS, LABELS)
    assert fitted.history_["validation"] == {"rows": 9, "held_out": True}
    assert fitted.history_["truncation"]["train"]["texts"] == 27


@pytest.mark.parametrize("rare", [["once"], ["said twice", "Said  TWICE"]])
def test_a_label_with_one_text_only_is_learnt_and_not_held_out(rare: list[str], bert: str) -> None:
    fitted = quick(bert, validation_size=0.25).fit([*TEXTS, *rare], [*LABELS, *(["rare"] * len(rare))])
    assert fitted.history_["validation"] == {"rows": 9, "held_out": True}
    assert fitted.history_["truncation"]["train"]["texts"] == 27 + len(rare)
    assert fitted.classes_.tolist() == ["no", "rare", "so", "yes"]


def test_two_texts_leave_the_choice_to_the_training_rows(bert: str) -> None:
    fitted = quick(bert).fit(["one", "two"], ["a", "b"])
    assert fitted.history_["validation"] == {"rows": 2, "held_out": False}


# ---- settings ------------------------------------------------------------------------------------------------------


def test_settings_reach_the_training(bert: str) -> None:
    estimator = quick(
        bert,
        settings={"weight_decay": 0.05, "metric_for_best_model": "f1", "adam_beta1": 0.8},
        class_weights={10: 2.0},
        positive=np.int64(10),
        max_length=8,
    )
    history = estimator.fit(TEXTS, [10 if label == "yes" else 2 for label in LABELS]).history_
    training = history["training"]
    assert (training["weight_decay"], training["class_weights"]) == (0.05, {"10": 2.0})
    assert training["arguments"] == {"adam_beta1": 0.8}
    assert (history["best"]["metric"], history["max_length"]) == ("f1", 8)
    assert estimator.classifier_.space.positive == "10"


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"settings": {"seed": 3, "learning_rate": 1.0}}, "settings cannot hold learning_rate, seed"),
        ({"settings": {"weight_dekay": 0.1}}, "did you mean 'weight_decay'"),
        ({"settings": {"output_dir": "x"}}, "output_dir is not yours to set here"),
        ({"learning_rate": -1.0, "validation_size": 1.5}, "validation_size = 1.5"),
        ({"random_state": "abc"}, "seed = 'abc'"),
        ({"positive": "maybe"}, "the positive label 'maybe' does not occur"),
        ({"class_weights": {"maybe": 2.0}}, "class_weights names the label 'maybe'"),
    ],
)
def test_settings_that_do_not_fit_are_refused_when_fitting(parameters: dict[str, Any], words: str, bert: str) -> None:
    with pytest.raises(SettingsProblem, match=words):
        quick(bert).set_params(**parameters).fit(TEXTS, LABELS)


# ---- input that cannot be used -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ("one text", "X is not a sequence of texts but a str"),
        (3, "but a int"),
        ({"a": 1}, "but a dict"),
        (pd.DataFrame({"text": TEXTS}), "but a DataFrame"),
        (np.array(TEXTS).reshape(-1, 1), "but a ndarray"),
        ([], "0 sample"),
        (["good", " \n", "fine", ""], "positions 1, 3; the first row is 0"),
        (["good", None, float("nan"), pd.NA, b"bytes"], r"positions 1, 2, 3, 4.*\n.*None, nan, <NA>, b'bytes'"),
        ([1.5, 2.5], "positions 0, 1"),
    ],
)
def test_texts_that_cannot_be_used_are_refused_by_fit_and_predict(
    texts: Any, words: str, learnt: TextClassifier
) -> None:
    for call in (lambda: clone(learnt).fit(texts, LABELS), lambda: learnt.predict(texts)):
        with pytest.raises(InputRefused, match=words) as caught:
            call()
        assert isinstance(caught.value, ClassifineError)
        assert isinstance(caught.value, ValueError)
        assert isinstance(caught.value, TypeError)


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (LABELS[1:], "inconsistent numbers of samples"),
        (None, "y should be a 1d array"),
        (["no"] * 36, "one class only: no"),
        ([*LABELS[:34], None, " "], "blank or missing\n.*positions 34, 35"),
        (pd.Series([*LABELS[:35], pd.NA], dtype="string"), "positions 35"),
        ([1.0, float("nan")] * 18, "blank or missing"),
        (np.linspace(0, 1, 36), "Unknown label type"),
        ([b"a", b"b"] * 18, "cannot be labels"),
        (np.array(["a", 1] * 18, dtype=object), "cannot be labels"),
        (np.array([[0, 2], [1, 1]] * 18), "no indicator matrix"),
    ],
)
def test_labels_that_cannot_be_used_are_refused(y: Any, words: str, bert: str) -> None:
    with pytest.raises(InputRefused, match=words):
        quick(bert).fit(TEXTS, y)


@pytest.mark.parametrize("method", ["predict", "predict_proba"])
def test_predicting_before_fitting(method: str) -> None:
    with pytest.raises(NotFittedError):
        getattr(TextClassifier(), method)(TEXTS)


def test_saving_before_fitting_and_loading_nothing(tmp_path: Path) -> None:
    with pytest.raises(NotFittedError):
        TextClassifier().save(tmp_path / "model")
    with pytest.raises(ClassifineError, match="there is no folder"):
        TextClassifier.load(tmp_path / "model")
