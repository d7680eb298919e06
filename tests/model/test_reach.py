from __future__ import annotations

from pathlib import Path

import pytest
from tests.tiny_models import tiny_model

import classifine
from classifine.labels import LabelSpace
from classifine.model.classifier import Classifier
from classifine.model.reach import characters_read
from classifine.model.torch_backend import TorchBackend
from classifine.model.windows import LongTexts
from classifine.pairs import joined

TEXT = " ".join(f"vote on sunday number {n}" for n in range(40))


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    space = LabelSpace(("no", "yes"))
    folder: Path = tmp_path_factory.mktemp("tiny")
    return Classifier(TorchBackend.load(tiny_model(folder, "bert"), space=space), space)


def read_of(classifier: Classifier, text: str, long: LongTexts) -> str | None:
    classifier.backend.max_length, classifier.backend.long, classifier.backend.pairs = 32, long, False
    spans = characters_read(classifier, text)
    return None if spans is None else "|".join(text[start:end] for start, end in spans)


def test_a_text_that_fits_is_read_whole(classifier: Classifier) -> None:
    assert read_of(classifier, "vote on sunday", LongTexts()) is None
    assert characters_read(object(), TEXT) is None


def test_what_is_read_scores_as_the_text_does(classifier: Classifier) -> None:
    read = read_of(classifier, TEXT, LongTexts())
    assert read is not None
    assert TEXT.startswith(read)
    whole, part = classifier.predict_proba([TEXT, read])
    assert part == pytest.approx(whole, abs=1e-6)


def test_the_end_is_read_too_where_it_is_asked_for(classifier: Classifier) -> None:
    read = read_of(classifier, TEXT, LongTexts("head+tail"))
    assert read is not None
    first, last = read.split("|")
    assert TEXT.startswith(first)
    assert TEXT.endswith(last)
    assert len(last) > len(first)


def test_windows_read_as_far_as_they_reach(classifier: Classifier) -> None:
    assert read_of(classifier, TEXT, LongTexts("windows", stride=2, max_windows=50)) is None
    read = read_of(classifier, TEXT, LongTexts("windows", stride=2, max_windows=2))
    assert read is not None
    assert TEXT.startswith(read)


def test_of_a_pair_the_longer_text_is_cut(classifier: Classifier) -> None:
    classifier.backend.max_length, classifier.backend.long, classifier.backend.pairs = 32, LongTexts(), True
    pair = joined(TEXT, "vote on sunday")
    spans = characters_read(classifier, pair)
    assert spans is not None
    assert pair[spans[-1][0] : spans[-1][1]].endswith("vote on sunday")
    assert sum(end - start for start, end in spans) < len(pair) / 2


def test_a_cut_text_says_so_and_what_is_not_read_is_no_word(classifier: Classifier) -> None:
    classifier.backend.max_length, classifier.backend.long, classifier.backend.pairs = 32, LongTexts(), False
    (found,) = classifine.explain(classifier, [TEXT])
    assert any("longer than the classifier reads" in note for note in found.notes)
    assert max(word.end for word in found.words) < len(TEXT) / 2
    assert "unread" in found.to_html()
