from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.tiny_models import FAMILIES, tiny_model

from classifine.labels import LabelSpace
from classifine.model.torch_backend import TorchBackend
from classifine.training.heads import begin_at_shares

SPACE = LabelSpace(("often", "rare", "never"), separator="|")
TARGETS = np.array([[1.0, 0.0, 0.0]] * 75 + [[0.0, 1.0, 0.0]] + [[0.0, 0.0, 0.0]] * 23)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_new_head_begins_at_the_shares_of_the_labels(family: str, tmp_path: Path) -> None:
    backend = TorchBackend.load(tiny_model(tmp_path / "base", family), space=SPACE)
    texts = ["the bank raised its rate", "please sign the petition"]
    before = backend.probabilities(backend.encode(texts))
    begin_at_shares(backend.model, TARGETS)
    after = backend.probabilities(backend.encode(texts))
    odds = np.log(after / (1 - after)) - np.log(before / (1 - before))
    shares = np.array([75.5, 1.5, 0.5]) / 100
    np.testing.assert_allclose(odds, np.tile(np.log(shares / (1 - shares)), (2, 1)), atol=1e-4)
