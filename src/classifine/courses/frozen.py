"""Takes labelled texts and a base model and gives logistic regression on what the base model makes of the texts.

The base model stays as it is: a text becomes the mean of its last hidden states over real tokens, float32. Has the one
seam, as the other baselines have. Does not know the test texts or how predictions are scored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from classifine import durable
from classifine.evaluation.thresholds import fitted as with_thresholds
from classifine.evaluation.validation import validation_metrics
from classifine.labels import BoolMatrix, FloatMatrix, IntVector, LabelSpace
from classifine.model.tokens import batches, length_of, pack, pad, pad_id_of
from classifine.model.torch_backend import TorchBackend
from classifine.model.unpadded import Unpadded
from classifine.progress import bar
from classifine.tables import LabelledTexts

Features = npt.NDArray[np.float32]

# Weaker to stronger: of two that do equally well on the validation texts, the first is taken.
_STRENGTHS = (0.001, 0.01, 0.1, 1.0)
# More texts than this hardly change so small a model, and its cost should stay small beside the training's.
MOST_TEXTS = 10_000
_BATCH_TOKENS = 4096
_BATCH_TEXTS = 256


class FrozenEncoder:
    """A base model that is used as it is.

    Parameters
    ----------
    folder
        Its folder.
    title
        What people call it, such as ``frozen all-MiniLM-L6-v2``.
    max_length
        Tokens read of each text; without it, as in training.
    """

    def __init__(self, folder: Path, *, title: str, max_length: int | None = None) -> None:
        self.title = title
        # the head that is drawn at random is never used; whoever trains later starts from the seed all the same
        with torch.random.fork_rng():
            self.backend = TorchBackend.load(folder, space=LabelSpace(("0", "1")))
        self.backend.max_length = max_length or length_of(self.backend.max_length)
        self.backend.model.eval()

    def embed(self, texts: Sequence[str], *, what: str | None = None) -> Features:
        """Give the mean of each text's last hidden states, shape [n_texts, width].

        Parameters
        ----------
        texts
            The texts.
        what
            A word for the progress bar; without one there is none.
        """
        encoded, model = self.backend.encode(texts), self.backend.model
        unpadded = Unpadded.of(model) if model.device.type == "cpu" else None
        found = np.zeros((len(encoded.ids), int(model.config.hidden_size)), dtype=np.float32)
        progress = bar(what, total=len(texts), unit="texts") if what else None
        with torch.inference_mode():
            for group in batches(encoded.lengths, tokens=_BATCH_TOKENS, texts=_BATCH_TEXTS):
                ids = [encoded.ids[i] for i in group]
                pooled = self._padded(ids) if unpadded is None else unpadded.pooled(**pack(ids))
                found[group] = pooled.float().cpu().numpy()
                if progress is not None:
                    progress.update(len(group))
        if progress is not None:
            progress.close()
        return found

    def _padded(self, ids: list[Any]) -> torch.Tensor:
        model = self.backend.model
        inputs = {n: tensor.to(model.device) for n, tensor in pad(ids, pad_id_of(self.backend.tokenizer)).items()}
        hidden: torch.Tensor = getattr(model, model.base_model_prefix)(**inputs)[0].float()
        mask = inputs["attention_mask"][:, :, None]
        return (hidden * mask).sum(1) / mask.sum(1)


@dataclass
class FrozenLogistic:
    """Logistic regression with balanced class weights on a frozen encoder; of several labels a text, one of each label.

    Attributes
    ----------
    encoder
        Turns texts into features.
    weight, bias
        Shape [n_labels, width] and [n_labels]; a label that does not occur in training has bias minus infinity.
    space
        The labels; where a text may have several, with thresholds.
    reason
        What a reader should know about how it was fitted, or none.
    """

    encoder: FrozenEncoder
    weight: FloatMatrix
    bias: npt.NDArray[np.float64]
    space: LabelSpace
    reason: str | None = None
    title: str = field(init=False)

    def __post_init__(self) -> None:
        self.title = f"{self.encoder.title} + logistic regression"

    @classmethod
    def fit(
        cls,
        train: LabelledTexts,
        validation: LabelledTexts,
        space: LabelSpace,
        encoder: FrozenEncoder,
        *,
        seed: int,
    ) -> tuple[FrozenLogistic, FloatMatrix]:
        """Fit it on the training texts; the validation texts choose how strongly its weights are held back.

        Parameters
        ----------
        train, validation
            Labelled texts; of very many training texts, a sample is used and :attr:`reason` says so.
        space
            Their label space; two labels at least must occur in training. Where a text may have several, thresholds
            are fitted on the validation texts, as the fine-tuned model's are.
        encoder
            The base model.
        seed
            Where the sampling starts.

        Returns
        -------
        tuple
            The classifier, and the probabilities that the one fitted on the training texts gives the validation texts,
            shape [n_validation, n_labels].
        """
        rows = _sample(len(train), seed)
        reason = None if len(rows) == len(train) else f"fitted on {len(rows):,} of {len(train):,} training texts"
        taken = train.take(rows)
        seen, held = encoder.embed(taken.texts, what="frozen base model"), encoder.embed(validation.texts)
        of_cells = space.ids if space.separator is None else space.indicator
        known, truth = of_cells(taken.labels), of_cells(validation.labels)
        best: tuple[float, FrozenLogistic, FloatMatrix] | None = None
        for strength in _STRENGTHS:
            fitted = cls(encoder, *regressed(seen, known, strength, len(space)), space, reason)
            probabilities = fitted.of_features(held)
            value = validation_metrics(probabilities, truth, space)["macro_f1"] if len(truth) else 0.0
            if best is None or value > best[0]:
                best = value, fitted, probabilities
        assert best is not None
        _, chosen, probabilities = best
        if space.separator is not None:
            chosen = replace(chosen, space=with_thresholds(space, probabilities, validation.labels))
        return chosen, probabilities

    def predict_proba(self, texts: Sequence[str]) -> FloatMatrix:
        """Give each text's probabilities, shape [n_texts, n_labels]."""
        return self.of_features(self.encoder.embed(texts))

    def of_features(self, features: Features) -> FloatMatrix:
        """Give the probabilities of texts that the encoder has read already."""
        scores = features.astype(np.float64) @ self.weight.T + self.bias
        if self.space.separator is not None:
            sigmoid: FloatMatrix = np.exp(-np.logaddexp(0.0, -scores))
            return sigmoid
        scores = np.exp(scores - scores.max(axis=1, keepdims=True)) if len(scores) else scores
        probabilities: FloatMatrix = scores / scores.sum(axis=1, keepdims=True)
        return probabilities

    def save(self, file: Path) -> None:
        """Write weights, bias and, where there are any, thresholds as safetensors."""
        from safetensors.numpy import save

        given = self.space.thresholds
        thresholds = {} if given is None else {"thresholds": np.array(given)}
        durable.write_bytes(file, save({"weight": self.weight, "bias": self.bias, **thresholds}))

    @classmethod
    def load(
        cls, file: Path, space: LabelSpace, encoder: FrozenEncoder, *, reason: str | None = None
    ) -> FrozenLogistic:
        """Read what :meth:`save` wrote."""
        from safetensors.numpy import load_file

        kept = load_file(file)
        if "thresholds" in kept:
            space = replace(space, thresholds=tuple(float(threshold) for threshold in kept["thresholds"]))
        return cls(encoder, kept["weight"], kept["bias"], space, reason)


def _sample(rows: int, seed: int) -> list[int]:
    """Choose rows to fit on: all of them, or as many as are enough, in the order they stand in."""
    if rows <= MOST_TEXTS:
        return list(range(rows))
    drawn = np.random.default_rng(seed).choice(rows, size=MOST_TEXTS, replace=False)
    return [int(row) for row in np.sort(drawn)]


def regressed(
    features: Features, known: IntVector | BoolMatrix, strength: float, n_labels: int, *, balanced: bool = True
) -> tuple[FloatMatrix, npt.NDArray[np.float64]]:
    """Fit scikit-learn's regression on standardised features; give weights and bias for the features as they are.

    Of label ids one regression of all labels is fitted, of which labels each text has, one of each label. Balanced,
    rare labels weigh as much as frequent ones.
    """
    middle = features.mean(axis=0, dtype=np.float64)
    spread = features.std(axis=0, dtype=np.float64)
    spread[spread < 1e-12] = 1.0
    # float32 halves the time and changes no digit that is shown
    standard = ((features - middle) / spread).astype(np.float32)
    weight = np.zeros((n_labels, features.shape[1]))
    bias = np.full(n_labels, -np.inf)
    if known.ndim == 2:
        for label, has in enumerate(known.T):
            if has.all():
                bias[label] = np.inf
            elif has.any():
                regression = _regression(standard, has, strength, balanced)
                weight[label], bias[label] = regression.coef_[0], regression.intercept_[0]
    else:
        regression = _regression(standard, known, strength, balanced)
        both = len(regression.coef_) == 1  # of two labels scikit-learn keeps the second one's
        coefficients = np.vstack([0 * regression.coef_, regression.coef_]) if both else regression.coef_
        weight[regression.classes_] = coefficients
        bias[regression.classes_] = np.append(0.0, regression.intercept_) if both else regression.intercept_
    weight /= spread
    return weight, bias - weight @ middle


def _regression(standard: Features, targets: npt.NDArray[Any], strength: float, balanced: bool) -> Any:
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    regression = LogisticRegression(C=strength, class_weight="balanced" if balanced else None, max_iter=300, tol=1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return regression.fit(standard, targets)
