"""Takes a fine-tuned classifier and validation texts and gives it with the rule for labels that was asked for.

The rule stands in the saved folder and is used wherever the classifier gives labels; probabilities stay as they are.
Does not know how a rule is fitted or the test texts.
"""

from __future__ import annotations

from dataclasses import replace

from classifine.evaluation.decisions import decided_for
from classifine.labels import LabelSpace
from classifine.model.classifier import Classifier
from classifine.settings import TrainingSettings
from classifine.tables import LabelledTexts
from classifine.training.finetune import FineTuned


def deciding(result: FineTuned, validation: LabelledTexts, training: TrainingSettings) -> FineTuned:
    """Fit the rule for labels on the validation texts and give it to the classifier; once is enough."""
    classifier = result.classifier
    if training.decision == "argmax" or classifier.space.weights is not None or not len(validation):
        return result
    probabilities = classifier.predict_proba(validation.texts)
    space = decided_for(classifier.space, probabilities, classifier.space.ids(validation.labels), training.decision)
    return replace(result, classifier=with_rule(classifier, space))


def with_rule(classifier: Classifier, space: LabelSpace) -> Classifier:
    """Give a classifier the rule for labels of a label space."""
    ruled = replace(classifier.space, weights=space.weights)
    return Classifier(classifier.backend, ruled, classifier.calibration)
