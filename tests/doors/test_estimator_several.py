from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.journey.samples import unlike
from tests.tiny_models import tiny_model

from classifine.doors.estimator import InputRefused, TextClassifier


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_model(tmp_path_factory.mktemp("bert") / "base", "bert"))


FEELINGS = {"joy": "the weather is lovely", "anger": "the bank raised its rate", "10": "please sign the petition"}


def indicated(n: int = 80) -> tuple[list[str], pd.DataFrame]:
    """Texts with none to three labels that their words give away, and which labels they have."""
    rows = [[row >> place & 1 for place in range(3)] for row in range(n)]
    texts = [
        unlike(" ".join(words for words, has in zip(FEELINGS.values(), row, strict=True) if has), number, words=3)
        for number, row in enumerate(rows)
    ]
    return texts, pd.DataFrame(rows, columns=list(FEELINGS))


def test_an_indicator_matrix_is_several_labels_a_text(bert: str, tmp_path: Path) -> None:
    texts, y = indicated()
    settings = {"bf16": False, "dropout": 0.0, "early_stopping_patience": 0}
    made = TextClassifier(
        bert, learning_rate=0.01, num_train_epochs=15, per_device_train_batch_size=8, settings=settings
    )
    fitted = made.fit(texts, y)
    assert fitted.classes_.tolist() == list(FEELINGS)
    predicted = fitted.predict(texts)
    assert predicted.shape == y.shape
    assert (predicted == y.to_numpy()).mean() > 0.9
    assert fitted.score(texts, y) == (predicted == y.to_numpy()).all(axis=1).mean()
    probabilities = fitted.predict_proba(texts)
    assert probabilities.shape == y.shape
    thresholds = dict(zip(fitted.classifier_.space.names, fitted.classifier_.space.thresholds or (), strict=True))
    assert ((probabilities >= [thresholds[name] for name in FEELINGS]) == predicted).all()
    fitted.save(tmp_path / "model")
    again = TextClassifier.load(tmp_path / "model")
    places = [again.classes_.tolist().index(name) for name in FEELINGS]
    assert (again.predict(texts)[:, places] == predicted).all()
    bare = TextClassifier(bert, num_train_epochs=1).fit(
        texts, np.hstack([y.to_numpy(), np.zeros((len(texts), 1), dtype=int)])
    )
    assert bare.classes_.tolist() == [0, 1, 2, 3]
    assert bare.predict(texts[:2]).shape == (2, 4)
    for wrong in (y.to_numpy() * 2, y.to_numpy()[:9]):
        with pytest.raises(InputRefused):
            made.fit(texts, wrong)
