"""Takes texts and labels as scikit-learn hands them over and gives a scikit-learn classifier over the same fine-tuning.

It only translates: class values into label names and back, parameters into settings, errors into ``ValueError``.
Does not know how a model is found, trained, scored or stored.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import assert_all_finite, check_random_state, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from classifine.data.likeness.duplicates import clusters_of
from classifine.data.splits.splitting import divide
from classifine.errors import DataError, LabelsProblem, SettingsProblem, some
from classifine.labels import FloatMatrix, LabelSpace
from classifine.model.classifier import Classifier, free_separator
from classifine.settings import DataSettings, Settings
from classifine.tables import LabelledTexts, Splits

# What config.json of a saved folder says of the class values, whose names alone Hugging Face keeps.
_CLASSES_KEY = "class_values"
_TRAINING = ("learning_rate", "num_train_epochs", "per_device_train_batch_size", "class_weights")
_NOT_FURTHER = {*_TRAINING, "seed", "model", "max_length", *(f.name for f in fields(DataSettings))}


class InputRefused(DataError, ValueError, TypeError):
    """Texts or labels cannot be used; also what scikit-learn's callers catch, as its own InvalidParameterError is."""


class TextClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is not typed
    """Fine-tune a base model on texts and labels; a scikit-learn estimator for pipelines, searches and validation.

    A stratified share of the rows is held out and chooses the best epoch; equal and nearly equal texts stay together,
    and a label with one text only is learnt and not held out. Where nothing can be held out, the training rows choose
    the epoch themselves, and ``history_["validation"]["held_out"]`` is false. Where ``y`` is an indicator matrix, a
    text may have several labels or none, each from a threshold on that the rows held out decide. To keep or share a
    fitted estimator, :meth:`save` it: unpickling runs code and asks for these very package versions.

    Parameters
    ----------
    model, max_length
        A name of ``classifine models``, a local folder, or ``owner/name[@revision]`` on a hub; tokens read of a text.
    learning_rate, num_train_epochs, per_device_train_batch_size
        As in Hugging Face's TrainingArguments; open ones are chosen by base model and number of rows.
    class_weights, positive
        ``none``, ``balanced`` or a mapping of class to weight; the class that a binary task's ``f1`` speaks of.
    validation_size
        Share of the rows that is held out.
    random_state
        Where every random choice starts: a whole number, a ``RandomState``, or none for another one each time.
    settings
        Any further setting of model or training, for instance ``{"weight_decay": 0.05, "long_texts": "windows"}``.

    Attributes
    ----------
    classes_
        The classes, sorted, of the type they had in ``y``; of an indicator matrix, the columns.
    classifier_
        The fine-tuned :class:`~classifine.Classifier`.
    history_
        Epochs, speed and settings as in ``history.json``, and the rows that chose the epoch; not there after ``load``.

    Examples
    --------
    >>> sklearn.model_selection.cross_val_score(TextClassifier("bert"), texts, labels)  # doctest: +SKIP
    """

    def __init__(
        self,
        model: str = "minilm",
        *,
        max_length: int | None = None,
        learning_rate: float | None = None,
        num_train_epochs: float | None = None,
        per_device_train_batch_size: int = 32,
        class_weights: str | Mapping[Any, float] = "none",
        positive: Any = None,
        validation_size: float = 0.1,
        random_state: int | np.random.RandomState | None = 42,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self.model = model
        self.max_length = max_length
        self.learning_rate = learning_rate
        self.num_train_epochs = num_train_epochs
        self.per_device_train_batch_size = per_device_train_batch_size
        self.class_weights = class_weights
        self.positive = positive
        self.validation_size = validation_size
        self.random_state = random_state
        self.settings = settings

    def fit(self, X: Iterable[str], y: Any) -> Self:  # noqa: N803
        """Fine-tune the base model on texts, shape [n], and their labels, shape [n]: text, whole numbers or booleans.

        Where a text may have several, ``y`` is 0 or 1 of each class, shape [n, n_classes], an array or a frame.

        Raises
        ------
        InputRefused, ClassifineError
            Texts or labels, then whatever else stands in the way: settings, base model, training.
        """
        texts = _texts(X)
        several = len(getattr(y, "shape", ())) == 2 and y.shape[1] > 1
        classes, space, cells = _indicated(y, len(texts)) if several else _labelled(y, len(texts))
        settings = self._settled(dict(zip(classes.tolist(), _names(classes), strict=True)), space)
        places = range(1, len(texts) + 1)
        rows = LabelledTexts(tuple(map(str, places)), texts, cells, tuple(places))
        parts = _held_out(rows, settings, space)

        from classifine.courses.course import Course
        from classifine.model.hub import resolve

        base = resolve(settings.model.model)
        if settings.training.seeds > 1 or settings.training.folds is not None:
            raise SettingsProblem(
                "an estimator is trained once",
                found=f"seeds = {settings.training.seeds}, folds = {settings.training.folds}",
                cure="fit one for each random_state, cross-validate with scikit-learn, or use classifine.train",
            )
        if parts.train is parts.validation:  # probabilities of texts that are trained on say nothing of others
            settings = settings.with_names({"calibration": "none"})
        with tempfile.TemporaryDirectory(prefix="classifine-") as folder:
            scratch = Path(folder) / "checkpoints"
            tuned = Course(parts.train, parts.validation, parts.space, base, settings, scratch=scratch).run()
        self.classes_ = classes
        self.classifier_ = tuned.classifier
        chose = {"rows": len(parts.validation), "held_out": parts.train is not parts.validation}
        self.history_ = tuned.history | {"validation": chose}
        return self

    def predict(self, X: Iterable[str]) -> npt.NDArray[Any]:  # noqa: N803
        """Give each text the most probable class, shape [n], or 0 or 1 of each; raises as :meth:`predict_proba`."""
        check_is_fitted(self, "classifier_")
        space = self.classifier_.space
        if space.separator is not None:
            cells = [cell or "" for cell in self.classifier_.predict(_texts(X)).predicted]
            return space.indicator(cells)[:, space.ids(_names(self.classes_))].astype(np.int64)
        place = {name: index for index, name in enumerate(_names(self.classes_))}
        predicted = self.classifier_.predict(_texts(X)).predicted
        return np.asarray(self.classes_[[place[str(name)] for name in predicted]])

    def predict_proba(self, X: Iterable[str]) -> FloatMatrix:  # noqa: N803
        """Give each text's probabilities, shape [n, n_classes], columns as in ``classes_``.

        Raises
        ------
        NotFittedError, InputRefused
            Neither :meth:`fit` nor :meth:`load` came first; there is no text, or one is blank or missing.
        """
        check_is_fitted(self, "classifier_")
        columns = self.classifier_.space.ids(_names(self.classes_))
        probabilities: FloatMatrix = self.classifier_.predict(_texts(X)).probabilities
        return probabilities[:, columns]

    def save(self, folder: Path | str) -> None:
        """Write a plain Hugging Face folder, without pickle; :meth:`load`, ``classifine`` and transformers read it."""
        check_is_fitted(self, "classifier_")
        setattr(self.classifier_.backend.model.config, _CLASSES_KEY, self.classes_.tolist())
        self.classifier_.save(folder)

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Open a folder of :meth:`save` or a run folder; it predicts as before, its parameters are the default ones."""
        found = cls()
        found.classifier_ = Classifier.load(folder)
        names = found.classifier_.space.names
        values = np.unique(getattr(found.classifier_.backend.model.config, _CLASSES_KEY, names))
        # The base model may have been a classifier of other classes, which its config still carries.
        found.classes_ = values if set(_names(values)) == set(names) else np.unique(names)
        return found

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        return tags

    def _settled(self, names: Mapping[Any, str], space: LabelSpace) -> Settings:
        """Give the parameters as settings, classes by their names; all that do not fit are named."""
        from classifine.training.choices import check_arguments

        further = dict(self.settings or {})
        if misplaced := sorted(_NOT_FURTHER & further.keys()):
            cure = f"settings take further training settings; the parameters are {some([*self.get_params()], limit=20)}"
            raise SettingsProblem(f"settings cannot hold {some(misplaced)}", cure=cure)
        given = {name: getattr(self, name) for name in ("model", "max_length", "validation_size", *_TRAINING)}
        if isinstance(self.class_weights, Mapping):
            given["class_weights"] = {names.get(key, str(key)): weight for key, weight in self.class_weights.items()}
        given["positive"] = None if self.positive is None else names.get(self.positive, str(self.positive))
        drawn = self.random_state is None or isinstance(self.random_state, np.random.RandomState)
        given["seed"] = check_random_state(self.random_state).randint(2**31 - 1) if drawn else self.random_state
        # Searches hand over NumPy's numbers.
        plain = {name: value.item() if isinstance(value, np.generic) else value for name, value in given.items()}
        several = {} if space.separator is None else {"multi_label": True, "label_separator": space.separator}
        settings = Settings().with_names(plain | several | further)
        check_arguments(settings.training)
        return settings


def _held_out(rows: LabelledTexts, settings: Settings, space: LabelSpace) -> Splits:
    """Divide the rows; where a label has too few different texts for that, both parts are all rows."""
    nothing = LabelledTexts((), (), (), ())
    size, positive = settings.data.validation_size, settings.data.positive
    clusters = clusters_of(rows.texts, threshold=settings.data.near_duplicates)
    space = replace(space, positive=positive)
    try:
        parts = divide(
            rows, test=nothing, validation_size=size, seed=settings.seed, separator=space.separator, clusters=clusters
        ).splits
    except LabelsProblem:
        return Splits(rows, rows, nothing, space)
    return replace(parts, space=space)


def _texts(given: Any) -> tuple[str, ...]:
    """Check texts as scikit-learn's callers give them: list, tuple, array or Series."""
    shape = getattr(given, "shape", (0,))
    if isinstance(given, str | bytes | Mapping | Set) or not isinstance(given, Iterable) or len(shape) != 1:
        raise InputRefused(
            f"X is not a sequence of texts but a {type(given).__name__}",
            expected="one text a row, shape [n]; neither a table nor a sparse matrix",
            cure="pass one column, such as frame['text']; put a single text into a list",
        )
    texts = tuple(given)
    if not texts:
        raise InputRefused("X holds no text: 0 sample(s)", expected="at least 1", cure="check what selected the rows")
    _refuse("X holds what is blank or no text", texts, [not isinstance(t, str) or not t.strip() for t in texts])
    return texts


def _labelled(given: Any, rows: int) -> tuple[npt.NDArray[Any], LabelSpace, tuple[str, ...]]:
    """Check labels and give the classes, sorted, their label space, and each row's label."""
    try:
        values = column_or_1d(given, warn=True)
        plain = values.tolist()
        blank = [not v.strip() if isinstance(v, str) else str(v) in {"None", "nan", "NaT", "<NA>"} for v in plain]
        _refuse("y holds labels that are blank or missing", plain, blank)
        assert_all_finite(values)
        check_classification_targets(values)
        classes, codes = np.unique(values, return_inverse=True)
    except (TypeError, ValueError) as error:
        if isinstance(error, InputRefused):
            raise
        raise InputRefused(f"y cannot be labels: {error}", cure="pass text, whole numbers or booleans") from error
    if len(values) != rows:
        raise InputRefused("X and y have inconsistent numbers of samples", found=f"{rows} and {len(values)}")
    if len(classes) < 2:
        raise InputRefused(f"y has one class only: {classes[0]}", cure="add rows of another class")
    names = _names(classes)
    cells = tuple(names[code] for code in codes.tolist())
    return classes, LabelSpace.of(cells), cells


def _indicated(given: Any, rows: int) -> tuple[npt.NDArray[Any], LabelSpace, tuple[str, ...]]:
    """Check 0 or 1 of each class and give the classes, their label space, and each row's cell of several."""
    columns = getattr(given, "columns", range(given.shape[1]))
    values = np.asarray(given.toarray() if hasattr(given, "toarray") else given)
    classes = np.array(list(columns))
    if values.shape[0] != rows:
        raise InputRefused("X and y have inconsistent numbers of samples", found=f"{rows} and {values.shape[0]}")
    if len(set(_names(classes))) < len(classes) or not np.isin(values, (0, 1)).all():
        raise InputRefused(
            "y is a table, but no indicator matrix",
            expected="0 or 1 of each class, shape [n, n_classes], the columns of different names",
            cure="pass one column of labels; or make a matrix of several with scikit-learn's MultiLabelBinarizer",
        )
    names = _names(classes)
    separator = free_separator(names)
    order = np.argsort(names)
    space = LabelSpace(tuple(names[place] for place in order), separator=separator)
    return classes, space, space.cells(values.astype(bool)[:, order])


def _refuse(what: str, values: Sequence[Any], bad: Sequence[bool]) -> None:
    if places := [place for place, wrong in enumerate(bad) if wrong]:
        where = f"positions {some(places)}; the first row is 0"
        found = some([repr(values[place])[:30] for place in places])
        raise InputRefused(what, where=where, found=found, cure="leave these rows out, or mend them")


def _names(classes: npt.NDArray[Any]) -> list[str]:
    return [str(value) for value in classes.tolist()]
