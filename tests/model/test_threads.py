"""One classifier, many threads: each gets what it would get alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from tests.tiny_models import tiny_model

from classifine.labels import LabelSpace
from classifine.model.classifier import Classifier
from classifine.model.torch_backend import TorchBackend


def test_threads_do_not_disturb_one_another(tmp_path: Path) -> None:
    space = LabelSpace(("no", "yes"))
    classifier = Classifier(TorchBackend.load(tiny_model(tmp_path / "base", "bert"), space=space), space)
    # long texts are cut, short ones are not: the tokenizer is switched to and fro
    works = [[f"vote {word} " * (150 if word % 2 else 2), f"rate {word}"] for word in range(24)]
    alone = [classifier.predict_proba(texts) for texts in works]
    with ThreadPoolExecutor(8) as threads:
        for _ in range(3):
            found = list(threads.map(classifier.predict_proba, works))
            assert all(np.array_equal(one, other) for one, other in zip(alone, found, strict=True))
