"""The rule for labels is fitted once, saved with the classifier, and used wherever labels are given."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.tiny_models import tiny_model

from classifine.errors import ModelUnavailable
from classifine.labels import LabelSpace
from classifine.model.classifier import Classifier
from classifine.settings import TrainingSettings
from classifine.tables import LabelledTexts
from classifine.training.deciding import deciding
from classifine.training.finetune import FineTuned

SPACE = LabelSpace(("no", "so", "yes"))
WEIGHTS = (1.0, 2.5, 3.5)
TEXTS = tuple(f"the {word} of day {number}" for number in range(12) for word in ("rain", "sun", "bus", "queue"))


def ruled(folder: Path) -> Classifier:
    classifier = Classifier.load(tiny_model(folder / "base", "bert", SPACE.names, seed=3))
    return Classifier(classifier.backend, replace(classifier.space, weights=WEIGHTS), classifier.calibration)


def test_the_rule_is_saved_and_used_by_whoever_opens_the_folder(tmp_path: Path) -> None:
    classifier = ruled(tmp_path)
    classifier.save(tmp_path / "saved", probe=TEXTS[:4])
    opened = Classifier.load(tmp_path / "saved")
    assert opened.space.weights == WEIGHTS
    found = opened.predict(TEXTS)
    weighed = (found.probabilities * np.array(WEIGHTS)).argmax(axis=1)
    assert found.predicted == tuple(SPACE.names[place] for place in weighed)
    assert (weighed != found.probabilities.argmax(axis=1)).any()
    assert found.confidence[0] == pytest.approx(found.probabilities[0, weighed[0]])


def test_it_is_fitted_on_the_validation_texts_and_probabilities_stay(tmp_path: Path) -> None:
    classifier = Classifier.load(tiny_model(tmp_path / "base", "bert", ("no", "yes"), seed=3))
    scores = classifier.predict_proba(TEXTS)
    likely = scores[:, 1] >= np.median(scores[:, 1])  # a perfect threshold, which is not one half
    labels = tuple("yes" if one else "no" for one in likely)
    rows = LabelledTexts(tuple(map(str, range(len(TEXTS)))), TEXTS, labels, tuple(range(len(TEXTS))))
    plain = FineTuned(classifier, {})
    assert deciding(plain, rows, TrainingSettings()) is plain
    found = deciding(plain, rows, TrainingSettings(decision="macro_f1")).classifier
    assert found.space.weights is not None
    assert np.array_equal(found.predict_proba(TEXTS), scores)
    assert classifier.predict(TEXTS).predicted != labels
    assert found.predict(TEXTS).predicted == labels
    again = FineTuned(found, {})
    assert deciding(again, rows, TrainingSettings(decision="mcc")) is again


def test_a_damaged_rule_is_refused(tmp_path: Path) -> None:
    classifier = ruled(tmp_path)
    classifier.save(tmp_path / "saved")
    config = tmp_path / "saved" / "config.json"
    told = json.loads(config.read_text("utf-8"))
    for weights in ([1.0], [1.0, -1.0, 2.0], ["a", "b", "c"]):
        config.write_text(json.dumps({**told, "label_weights": weights}), "utf-8")
        with pytest.raises(ModelUnavailable, match="label_weights"):
            Classifier.load(tmp_path / "saved")
