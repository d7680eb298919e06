from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.explanation.scorers import WEIGHTS, BagOfWords
from tests.tiny_models import tiny_model

from classifine.errors import UsageError
from classifine.explanation.gradients import integrated_gradients
from classifine.explanation.masking import Passage, Target
from classifine.labels import LabelSpace
from classifine.model.classifier import Classifier
from classifine.model.torch_backend import TorchBackend
from classifine.model.windows import LongTexts
from classifine.pairs import joined

TEXT = "please sign the petition today and share it, women!"


def made(folder: Path, family: str = "bert") -> Classifier:
    space = LabelSpace(("no", "perhaps", "yes"))
    classifier = Classifier(TorchBackend.load(tiny_model(folder, family), space=space), space)
    with torch.no_grad():  # a fresh head says the same of everything
        for parameter in classifier.backend.model.parameters():
            if parameter.ndim == 2 and parameter.shape[0] == 3:
                parameter.mul_(40)
    return classifier


@pytest.mark.parametrize("family", ["bert", "roberta", "distilbert", "mpnet", "deberta", "modernbert"])
def test_gradients_add_up_to_what_the_words_change(tmp_path: Path, family: str) -> None:
    classifier = made(tmp_path, family)
    backend = classifier.backend
    passage = Passage.of(TEXT)
    label = int(classifier.predict_proba([TEXT])[0].argmax())
    found = integrated_gradients(classifier, passage, Target(label), steps=50)
    begins = backend.tokenizer.mask_token_id if "mask" in found.notes[0] else backend.tokenizer.pad_token_id
    ids = torch.tensor([backend.tokenizer(TEXT)["input_ids"]])
    special = torch.tensor(backend.tokenizer(TEXT, return_special_tokens_mask=True)["special_tokens_mask"]).bool()
    empty = torch.where(special, ids, torch.tensor(begins))
    with torch.no_grad():
        look_up = backend.model.get_input_embeddings()
        start, end = (
            float(torch.softmax(backend.model(inputs_embeds=look_up(one)).logits, -1)[0, label]) for one in (empty, ids)
        )
    assert end == pytest.approx(float(classifier.predict_proba([TEXT])[0, label]), abs=1e-5)
    assert len(found.values) == len(passage)
    assert found.values.sum() == pytest.approx(end - start, abs=0.01 * end)


def test_the_same_text_gives_the_same_bytes(tmp_path: Path) -> None:
    classifier = made(tmp_path)
    one, two = (integrated_gradients(classifier, Passage.of(TEXT), Target(0)).values for _ in range(2))
    assert one.tobytes() == two.tobytes()
    assert not classifier.backend.model.training


def test_both_texts_of_a_pair_have_their_gradients(tmp_path: Path) -> None:
    classifier = made(tmp_path)
    classifier.backend.pairs = True
    passage = Passage.of(joined("the weather is lovely", "the coffee tastes good"), pair=True)
    values = integrated_gradients(classifier, passage, Target(2)).values
    assert len(values) == 8
    assert np.abs(values).min() > 0


def test_what_has_no_gradients_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="torch"):
        integrated_gradients(BagOfWords(WEIGHTS), Passage.of("a film"), Target(1))
    classifier = made(tmp_path)
    classifier.backend.max_length = 8
    classifier.backend.long = LongTexts("windows", stride=1, max_windows=9)
    with pytest.raises(UsageError, match="windows"):
        integrated_gradients(classifier, Passage.of(TEXT), Target(1))
