"""Takes a fine-tuned classifier and validation texts and gives it with probabilities that mean what they say.

The calibration goes into the head's last layer, so that whoever loads the folder has it; where a model ends otherwise,
it is applied when predicting. Does not know how a calibration is fitted or the test texts.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from classifine.evaluation.calibration import Calibration, Method, fit_calibration, probabilities_of
from classifine.evaluation.metrics import Margins, averaged_metrics, confusion_matrix
from classifine.evaluation.thresholds import fitted
from classifine.labels import FloatMatrix, IntVector
from classifine.model.classifier import Classifier
from classifine.settings import TrainingSettings
from classifine.tables import LabelledTexts
from classifine.training.finetune import FineTuned
from classifine.training.heads import last_layer

# Texts on which a folded layer must give what dividing and adding give, and how nearly.
_PROBES, _NEARLY = 8, 1e-4
_NOT_FOLDED = "the model does not end in a linear layer that could hold it, so it is applied when classifine predicts"


def method_of(training: TrainingSettings) -> Method:
    """Say how to calibrate: by a bias of each label, too, where the loss or the sampling has shifted the labels."""
    if training.calibration != "auto":
        return training.calibration
    shifted = training.class_weights != "none" or training.logit_adjustment > 0 or training.sampling == "balanced"
    return "vector" if shifted else "temperature"


def calibrated(result: FineTuned, validation: LabelledTexts, training: TrainingSettings) -> FineTuned:
    """Fit a calibration on the validation texts and put it into the classifier; once is enough.

    Where a text may have several labels, thresholds are fitted anew, on the calibrated probabilities.
    """
    classifier = result.classifier
    if method_of(training) == "none" or classifier.calibration is not None or not len(validation):
        return result
    raw = classifier.backend.logits(classifier.backend.encode(validation.texts))
    return replace(result, classifier=fitted_to(classifier, raw, validation, training))


def fitted_to(classifier: Classifier, raw: FloatMatrix, table: LabelledTexts, training: TrainingSettings) -> Classifier:
    """Fit a calibration, and thresholds where a text may have several labels, and put them into a classifier.

    Parameters
    ----------
    classifier
        Without a calibration; its model is changed in place.
    raw
        Logits of labelled texts by a training that has not seen them, shape [n, n_labels].
    table
        Those texts.
    training
        Says how to calibrate.
    """
    space, method = classifier.space, method_of(training)
    logits = raw
    if method != "none":
        truth = space.ids(table.labels) if space.separator is None else space.indicator(table.labels)
        fit = fit_calibration(raw, truth, method)
        logits = fit.logits(raw)
        if fit.bias is not None and space.separator is None:
            fit = replace(fit, note=_moved(raw, logits, truth.astype(np.int64)))
        classifier = with_calibration(classifier, fit, table)
    if space.separator is None:
        return classifier
    chosen = fitted(space, probabilities_of(logits, several=True), table.labels)
    return Classifier(classifier.backend, chosen, classifier.calibration)


def with_calibration(classifier: Classifier, calibration: Calibration, probe: LabelledTexts) -> Classifier:
    """Give a classifier that has none a calibration; the weights of its last layer change.

    Parameters
    ----------
    classifier
        Its model is changed in place.
    calibration
        What to put in.
    probe
        Texts on which the changed layer is checked.
    """
    if calibration.method != "none":
        folded = _fold(classifier, calibration, probe.texts[:_PROBES])
        note = "; ".join(filter(None, (calibration.note, None if folded else _NOT_FOLDED))) or None
        calibration = replace(calibration, folded=folded, note=note)
    return Classifier(classifier.backend, classifier.space, calibration)


def _moved(before: FloatMatrix, after: FloatMatrix, truth: IntVector) -> str | None:
    """Say what a bias does to the labels themselves, which a temperature leaves alone."""
    labels = before.shape[1]
    given = [logits.argmax(axis=1) for logits in (before, after)]
    moved = int((given[0] != given[1]).sum())
    if not moved:
        return None
    scores = [float(averaged_metrics(Margins.of(confusion_matrix(truth, each, labels)))["macro_f1"]) for each in given]
    return (
        f"the bias undoes the shift towards rare labels and gives {moved:,} of {len(truth):,} validation texts another "
        f"label, macro-F1 {scores[0]:.3f} before and {scores[1]:.3f} after; calibration = temperature leaves them alone"
    )


def _fold(classifier: Classifier, calibration: Calibration, texts: tuple[str, ...]) -> bool:
    """Put a calibration into the last layer; say whether that could be done, else all is as it was."""
    backend = classifier.backend
    layer = last_layer(backend.model, len(classifier.space), biased=calibration.bias is not None)
    if layer is None:
        return False
    encoded = backend.encode(texts)
    wanted = calibration.logits(backend.logits(encoded))
    before = {name: tensor.clone() for name, tensor in layer.state_dict().items()}
    with torch.no_grad():
        for name, values in _folded(before, calibration).items():
            getattr(layer, name).copy_(values)
    nearly = np.abs(backend.logits(encoded) - wanted) <= _NEARLY * (1 + np.abs(wanted))
    if not nearly.all():
        layer.load_state_dict(before)
    return bool(nearly.all())


def _folded(layer: dict[str, Any], calibration: Calibration) -> dict[str, torch.Tensor]:
    """Give weight and bias of a layer whose outputs are calibrated logits."""
    device = layer["weight"].device
    slope, shift = (
        torch.from_numpy(np.asarray(part, dtype=np.float64)).to(device)
        for part in (1 / np.array(calibration.temperatures), calibration.bias or 0.0)
    )
    found = {"weight": layer["weight"].double() * slope[:, None]}
    if "bias" in layer:
        found["bias"] = layer["bias"].double() * slope + shift
    return found
