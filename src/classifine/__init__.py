"""classifine: from annotated texts to a fine-tuned classifier, its honest evaluation, its predictions and a report.

>>> from classifine import read, split, train, evaluate, predict, write_report
>>> texts = read("posts.csv", text="text", label="topic")  # doctest: +SKIP
>>> classifier = train(split(texts), out="runs/posts")  # doctest: +SKIP
>>> print(evaluate("runs/posts").verdict)  # doctest: +SKIP
>>> write_report("runs/posts")  # doctest: +SKIP
>>> predict(classifier, ["See you on Sunday!"]).predicted  # doctest: +SKIP

The names below are loaded on first use, so that importing the package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from classifine.doors.compared import compare
    from classifine.doors.doubted import label_errors
    from classifine.doors.estimated import estimate_mean, estimate_share
    from classifine.doors.estimator import TextClassifier
    from classifine.doors.explained import explain
    from classifine.doors.exported import export
    from classifine.doors.foreign import evaluate_predictions
    from classifine.doors.learning import learning_curve
    from classifine.doors.predicted import predict, predict_file
    from classifine.doors.regressed import estimate_regression
    from classifine.doors.tuned import tune
    from classifine.doors.verbs import (
        aggregate,
        audit,
        evaluate,
        load,
        read,
        split,
        train,
        write_report,
    )
    from classifine.errors import ClassifineError
    from classifine.labels import LabelSpace
    from classifine.model.classifier import Classifier
    from classifine.model.masked import fill_mask
    from classifine.settings import Settings
    from classifine.tables import Judgements, LabelledTexts, Predictions, Splits

__version__ = "0.1.0"

_HOMES = {
    "aggregate": "doors.verbs",
    "audit": "doors.verbs",
    "compare": "doors.compared",
    "estimate_mean": "doors.estimated",
    "estimate_regression": "doors.regressed",
    "estimate_share": "doors.estimated",
    "evaluate": "doors.verbs",
    "evaluate_predictions": "doors.foreign",
    "explain": "doors.explained",
    "export": "doors.exported",
    "label_errors": "doors.doubted",
    "fill_mask": "model.masked",
    "learning_curve": "doors.learning",
    "load": "doors.verbs",
    "predict": "doors.predicted",
    "predict_file": "doors.predicted",
    "read": "doors.verbs",
    "split": "doors.verbs",
    "train": "doors.verbs",
    "tune": "doors.tuned",
    "write_report": "doors.verbs",
    "Classifier": "model.classifier",
    "ClassifineError": "errors",
    "Judgements": "tables",
    "LabelSpace": "labels",
    "LabelledTexts": "tables",
    "Predictions": "tables",
    "Settings": "settings",
    "Splits": "tables",
    "TextClassifier": "doors.estimator",
}

__all__ = [
    "Classifier",
    "ClassifineError",
    "Judgements",
    "LabelSpace",
    "LabelledTexts",
    "Predictions",
    "Settings",
    "Splits",
    "TextClassifier",
    "__version__",
    "aggregate",
    "audit",
    "compare",
    "estimate_mean",
    "estimate_regression",
    "estimate_share",
    "evaluate",
    "evaluate_predictions",
    "explain",
    "export",
    "fill_mask",
    "label_errors",
    "learning_curve",
    "load",
    "predict",
    "predict_file",
    "read",
    "split",
    "train",
    "tune",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'classifine' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"classifine.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
