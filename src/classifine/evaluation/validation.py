"""Takes probabilities and truth of validation texts and gives the numbers by which training may choose a checkpoint.

No intervals; zero divisions and macro averages as everywhere in this room. Does not know models or training.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias

import numpy as np

from classifine.evaluation.metrics import (
    Margins,
    averaged_metrics,
    confusion_matrix,
    label_metrics,
    row_log_loss,
)
from classifine.evaluation.ordinal import quadratic_weighted_kappa
from classifine.evaluation.several import macro_average_precision, margins_of_sets, ranking_precision, row_metrics
from classifine.evaluation.several import row_log_loss as row_log_loss_of_sets
from classifine.evaluation.thresholds import fit_thresholds
from classifine.labels import BoolMatrix, FloatMatrix, IntVector, LabelSpace

_Metrics: TypeAlias = Mapping[str, Literal["higher", "lower"]]

_OF_ONE: _Metrics = MappingProxyType({"accuracy": "higher", "quadratic_weighted_kappa": "higher"})
_OF_BOTH: _Metrics = MappingProxyType(
    {
        "macro_f1": "higher",
        "micro_f1": "higher",
        "weighted_f1": "higher",
        "macro_precision": "higher",
        "macro_recall": "higher",
        "weighted_precision": "higher",
        "weighted_recall": "higher",
        "log_loss": "lower",
        "f1": "higher",
        "precision": "higher",
        "recall": "higher",
    }
)
OF_SEVERAL: _Metrics = MappingProxyType(
    {
        "subset_accuracy": "higher",
        "samples_f1": "higher",
        "samples_precision": "higher",
        "samples_recall": "higher",
        "micro_precision": "higher",
        "micro_recall": "higher",
        "macro_average_precision": "higher",
        "label_ranking_average_precision": "higher",
        "hamming_loss": "lower",
    }
)
METRICS: _Metrics = MappingProxyType({**_OF_ONE, **_OF_BOTH, **OF_SEVERAL})
"""What :func:`validation_metrics` reports, and which end is the good one; :func:`metrics_of` says when."""
OF_POSITIVE = ("f1", "precision", "recall")


def metrics_of(space: LabelSpace) -> list[str]:
    """List the metrics of texts with one label, or of texts that may have several; F1 and its parts need a positive."""
    return [*(_OF_ONE if space.separator is None else ()), *_OF_BOTH, *(OF_SEVERAL if space.separator else ())]


def validation_metrics(
    probabilities: FloatMatrix,
    truth: IntVector | BoolMatrix,
    space: LabelSpace,
    *,
    ranks: IntVector | None = None,
) -> dict[str, float]:
    """Give the numbers by which training may choose a checkpoint; no intervals.

    Parameters
    ----------
    probabilities
        Shape [n, n_labels].
    truth
        Label ids, shape [n]; where a text may have several, which it has, shape [n, n_labels].
    space
        The label space whose ids are the columns; with a positive label, ``f1``, ``precision`` and ``recall`` are its.
        Where a text may have several labels, thresholds are fitted to these very rows, as the finished classifier's
        will be: at .5, labels that few texts have are hardly ever given, and their F1 tells nothing.
    ranks
        The rank of each label where they have an order, shape [n_labels].

    Examples
    --------
    >>> space = LabelSpace(("no", "yes"), positive="yes")
    >>> validation_metrics(np.array([[0.9, 0.1], [0.4, 0.6], [0.7, 0.3]]), np.array([0, 1, 1]), space)["recall"]
    0.5
    """
    told: dict[str, float] = {}
    if space.separator is not None:
        has = truth.astype(bool)
        given = probabilities >= np.array(fit_thresholds(probabilities, has))
        margins = margins_of_sets(has, given)
        told |= {name: float(values.mean()) for name, values in row_metrics(has, given).items()}
        told["log_loss"] = float(row_log_loss_of_sets(probabilities, has).mean())
        told["macro_average_precision"] = macro_average_precision(probabilities, has)
        told["label_ranking_average_precision"] = float(ranking_precision(probabilities, has).mean())
    else:
        ids = truth.astype(np.int64)
        predicted = probabilities.argmax(axis=1)
        margins = Margins.of(confusion_matrix(ids, predicted, len(space)))
        if ranks is not None:
            told["quadratic_weighted_kappa"] = quadratic_weighted_kappa(ranks[ids], ranks[predicted])
        told["log_loss"] = float(row_log_loss(probabilities, ids).mean())
    told |= {name: float(value) for name, value in averaged_metrics(margins).items()}
    if space.positive is not None:
        positive = space.id_of(space.positive)
        parts = zip(("precision", "recall", "f1"), label_metrics(margins), strict=True)
        told |= {name: float(values[positive]) for name, values in parts}
    return {name: told[name] for name in metrics_of(space) if name in told}


def spelled(metric: str) -> str:
    """Write a metric's name the way people do.

    Examples
    --------
    >>> spelled("macro_f1"), spelled("subset_accuracy")
    ('macro-F1', 'subset accuracy')
    """
    return f"{metric.removesuffix('_f1')}-F1" if metric.endswith("_f1") else metric.replace("_", " ")
