from __future__ import annotations

import pytest
from tests.journey.samples import labelled_rows
from tests.tiny_models import tiny_model

from classifine.courses.rated import CLASSIFIERS, Rater
from classifine.labels import LabelSpace
from classifine.model.hub import resolve
from classifine.settings import Settings
from classifine.tables import LabelledTexts


@pytest.fixture(scope="module")
def rater(tmp_path_factory: pytest.TempPathFactory) -> Rater:
    home = tmp_path_factory.mktemp("rated")
    validation = texts(60, 90)
    base = resolve(str(tiny_model(home / "bert", "bert")))
    names = {"max_steps": 2, "bf16": False, "retrain_on_all": True}
    settings = Settings().with_names(names)
    return Rater(validation, LabelSpace.of(validation.labels), base, settings, scratch=home / "scratch")


def texts(first: int, last: int) -> LabelledTexts:
    rows = labelled_rows(last)[first:]
    names = tuple(f"t{place}" for place in range(first, last))
    return LabelledTexts(names, tuple(t for t, _ in rows), tuple(la for _, la in rows), tuple(range(1, len(rows) + 1)))


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_training_is_scored_by_what_it_decided_about_the_validation_texts(rater: Rater, name: str) -> None:
    found = rater.rate(name, texts(0, 60), 1)
    assert found.scores == rater.truth.scores(rater.truth.unpacked(found.decided))
    assert rater.rate(name, texts(0, 60), 1).decided == found.decided
    if name == "tfidf":
        assert found.scores["accuracy"] == 1
    assert not rater.scratch.exists()


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_texts_with_one_label_are_no_reason_to_stop(rater: Rater, name: str) -> None:
    found = rater.rate(name, texts(0, 60).take(range(0, 30, 3)), 1)
    assert found.scores["accuracy"] == pytest.approx(1 / 3)
    assert found.notes == ("the training texts all have one label",)


def test_validation_texts_are_never_trained_on(rater: Rater) -> None:
    assert not rater.settings.training.retrain_on_all
