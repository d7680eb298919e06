"""What is fitted goes into the saved folder, so that plain transformers gives the same probabilities; and comes out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.tiny_models import _TEXTS as BASE_TEXTS
from tests.tiny_models import tiny_model
from transformers import pipeline

from classifine.errors import ModelUnavailable
from classifine.labels import LabelSpace
from classifine.model.classifier import Classifier
from classifine.settings import TrainingSettings
from classifine.tables import LabelledTexts
from classifine.training import calibrating
from classifine.training.calibrating import calibrated, method_of
from classifine.training.finetune import FineTuned
from classifine.training.heads import last_layer

LINES = [line[start:] for start in (0, 12) for line in BASE_TEXTS.strip().splitlines()]
SPACE = LabelSpace(("no", "so", "yes"))
SPACE_OF_SEVERAL = LabelSpace(SPACE.names, separator="|")
TEXTS = LabelledTexts(tuple(map(str, range(len(LINES)))), tuple(LINES), ("no",) * len(LINES), tuple(range(len(LINES))))
VALIDATION = TEXTS.take(range(0, len(LINES), 5))


def made(folder: Path, family: str = "bert", *, several: bool = False, seed: int = 3) -> Classifier:
    """A classifier that has learnt nothing but whose logits differ from text to text."""
    classifier = Classifier.load(tiny_model(folder / family, family, SPACE.names, seed=seed))
    raw = classifier.backend.logits(classifier.backend.encode(TEXTS.texts))
    layer = last_layer(classifier.backend.model, len(SPACE))
    assert layer is not None
    with torch.no_grad():  # logits of mean 0 that differ enough; rounding then shows, in the fifth digit
        scale = torch.from_numpy(0.5 / raw.std(axis=0)).float()
        layer.weight.mul_(scale[:, None])
        layer.bias.sub_(torch.from_numpy(raw.mean(axis=0)).float()).mul_(scale)
    if several:
        classifier.backend.model.config.problem_type = "multi_label_classification"
        return Classifier(classifier.backend, LabelSpace(SPACE.names, separator="|", thresholds=(0.5,) * 3))
    return classifier


def answered(classifier: Classifier, *, seed: int = 1) -> LabelledTexts:
    """Label texts by lot, as the classifier would if its logits were five times what they are and shifted."""
    logits = classifier.backend.logits(classifier.backend.encode(TEXTS.texts)) * 5 + np.array([0.0, 0.5, 1.0])
    noise = np.random.default_rng(seed).gumbel(size=logits.shape)
    names = [SPACE.names[place] for place in (logits + noise).argmax(axis=1)]
    return replace(TEXTS, labels=tuple(names))


@pytest.mark.parametrize("family", ["bert", "roberta", "distilbert", "modernbert", "electra"])
@pytest.mark.parametrize("method", ["temperature", "vector"])
def test_plain_transformers_gives_calibrated_probabilities(family: str, method: str, tmp_path: Path) -> None:
    classifier = made(tmp_path, family)
    before = classifier.predict_proba(VALIDATION.texts)
    rows = answered(classifier)
    found = calibrated(FineTuned(classifier, {}), rows, TrainingSettings(calibration=method)).classifier  # type: ignore[arg-type]
    known = found.calibration
    assert known is not None
    assert (known.method, known.folded, known.n) == (method, True, len(TEXTS))
    # only a bias can move labels, and then that is said
    assert ("another label" in str(known.note)) == (method == "vector")
    found.save(tmp_path / "saved")
    stock = pipeline("text-classification", model=str(tmp_path / "saved"))
    told: Any = stock(list(VALIDATION.texts), top_k=None)
    answers = [{a["label"]: a["score"] for a in row} for row in told]
    theirs = np.array([[answer[name] for name in SPACE.names] for answer in answers])
    again = Classifier.load(tmp_path / "saved")
    assert again.calibration == known
    assert again.predict_proba(VALIDATION.texts) == pytest.approx(theirs, abs=1e-4)
    assert np.abs(theirs - before).max() > 0.01
    assert again.predict_proba(VALIDATION.texts, calibrated=False) == pytest.approx(before, abs=1e-4)
    assert known.raw_probabilities(theirs) == pytest.approx(before, abs=1e-4)


def test_several_labels_and_their_thresholds(tmp_path: Path) -> None:
    classifier = made(tmp_path, several=True)
    before = classifier.predict_proba(TEXTS.texts)
    lots = np.random.default_rng(0).random(before.shape)
    rows = replace(TEXTS, labels=SPACE_OF_SEVERAL.cells(lots < np.where(before > 0.5, 0.7, 0.2)))
    found = calibrated(FineTuned(classifier, {}), rows, TrainingSettings()).classifier
    known = found.calibration
    assert known is not None
    assert (known.several, len(known.temperatures), known.folded) == (True, 3, True)
    assert found.space.thresholds != classifier.space.thresholds
    found.save(tmp_path / "saved")
    again = Classifier.load(tmp_path / "saved")
    assert again.predict(TEXTS.texts).predicted == found.predict(TEXTS.texts).predicted
    assert again.predict_proba(TEXTS.texts, calibrated=False) == pytest.approx(before, abs=1e-4)


def test_a_model_that_ends_otherwise_is_calibrated_when_it_predicts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier = made(tmp_path)
    before = classifier.predict_proba(VALIDATION.texts)
    # a layer that is not the last one is found out, and is as it was afterwards
    inner = classifier.backend.model.bert.encoder.layer[0].attention.output.dense
    for layer in (None, inner):
        monkeypatch.setattr(calibrating, "last_layer", lambda *_, layer=layer, **__: layer)
        found = calibrated(FineTuned(classifier, {}), answered(classifier), TrainingSettings()).classifier
        assert found.calibration is not None
        assert not found.calibration.folded
        assert "when classifine predicts" in str(found.calibration.note)
        after = found.predict_proba(VALIDATION.texts)
        assert (found.predict_proba(VALIDATION.texts, calibrated=False) == before).all()
        assert np.abs(after - before).max() > 0.01
    found.save(tmp_path / "saved")
    assert Classifier.load(tmp_path / "saved").predict_proba(VALIDATION.texts) == pytest.approx(after, abs=1e-4)


def test_what_is_calibrated_is_not_calibrated_again_and_damage_is_told(tmp_path: Path) -> None:
    first = calibrated(FineTuned(made(tmp_path), {}), answered(made(tmp_path)), TrainingSettings())
    assert calibrated(first, VALIDATION, TrainingSettings()) is first
    first.classifier.save(tmp_path / "saved")
    told = json.loads((tmp_path / "saved" / "calibration.json").read_text("utf-8"))
    (tmp_path / "saved" / "calibration.json").write_text(json.dumps(told | {"bias": [0.0]}))
    with pytest.raises(ModelUnavailable, match="not for 3 labels"):
        Classifier.load(tmp_path / "saved")


def test_the_way_follows_what_shifts_labels() -> None:
    assert method_of(TrainingSettings()) == "temperature"
    shifting: list[dict[str, Any]] = [
        {"class_weights": "balanced"},
        {"logit_adjustment": 1.0},
        {"sampling": "balanced"},
    ]
    assert [method_of(TrainingSettings(**one)) for one in shifting] == ["vector"] * 3
    assert method_of(TrainingSettings(calibration="none", sampling="balanced")) == "none"
