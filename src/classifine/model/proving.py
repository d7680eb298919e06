"""Takes a classifier and the folder it was saved to and proves that transformers' pipeline gives the same from there.

The folder and the model in memory give the same within 1e-6, text by text; what is computed for many texts at once may
round otherwise, within 1e-5. Does not know who reads the folder.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from classifine.labels import FloatMatrix
from classifine.pairs import parted

if TYPE_CHECKING:
    from classifine.model.classifier import Classifier

_PARITY, _ROUNDING = 1e-6, 1e-5


def assert_parity(classifier: Classifier, folder: Path, probe: Sequence[str]) -> None:
    """Prove that a saved folder is the classifier.

    Parameters
    ----------
    classifier
        As it is in memory.
    folder
        Where it was saved.
    probe
        Texts that are read whole, or by their beginning alone.

    Raises
    ------
    RuntimeError
        It is not: a fault of ours.
    """
    from classifine.model.torch_backend import quiet

    known, backend = classifier.calibration, classifier.backend
    with quiet():
        saved = _by_pipeline(classifier, probe, model=str(folder))
        held = _by_pipeline(classifier, probe, model=backend.model, tokenizer=backend.tokenizer)
    # a calibration that is not in the weights is not in transformers' pipeline either
    ours = classifier.predict_proba(probe, calibrated=known is None or known.folded)
    # a temperature below 1 makes logits larger, and what rounding leaves of them
    scale = max(1.0, 1 / min(known.temperatures)) if known is not None and known.folded else 1.0
    for what, other, most in (("model in memory", held, _PARITY), ("classifier", ours, _ROUNDING)):
        apart = float(np.abs(other - saved).max())
        if apart > most * scale:
            raise RuntimeError(
                f"the saved model's pipeline differs by {apart:.2e} from the {what} (at most {most * scale})"
            )


def _by_pipeline(classifier: Classifier, texts: Sequence[str], **model: Any) -> FloatMatrix:
    """Score texts as transformers' pipeline does, one by one and padded to nothing."""
    from transformers import pipeline

    stock = pipeline("text-classification", device=classifier.backend.model.device, **model)
    shape = "sigmoid" if classifier.backend.several else "softmax"
    inputs: Any = list(texts)
    if classifier.backend.pairs:
        inputs = [dict(zip(("text", "text_pair"), parted(pair), strict=True)) for pair in texts]
    answers: Any = stock(inputs, top_k=None, truncation=True, function_to_apply=shape)
    names = classifier.space.names
    return np.array([[{a["label"]: a["score"] for a in row}[name] for name in names] for row in answers])
