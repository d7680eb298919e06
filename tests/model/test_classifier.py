from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.tiny_models import MAX_LENGTH, tiny_model

from classifine.errors import FileMissing, ModelUnavailable
from classifine.hierarchy import Hierarchy
from classifine.labels import FloatMatrix, LabelSpace
from classifine.model.classifier import Classifier, predictions_of
from classifine.model.torch_backend import TorchBackend, max_length_of

HOSTILE = ("M&A | Investments", "01.10", '</script>"', "ne in\n", "投票", "NA")
TEXTS = ["the bank raised its rate", "please sign the petition today", "a", "vote " * 300]


def made(
    folder: Path, names: tuple[str, ...] = HOSTILE, family: str = "bert", positive: str | None = None
) -> Classifier:
    space = LabelSpace.of(names, positive=positive)
    return Classifier(TorchBackend.load(tiny_model(folder, family), space=space), space)


def test_a_saved_folder_is_hugging_faces_with_the_real_names(tmp_path: Path) -> None:
    from transformers import pipeline

    classifier = made(tmp_path / "base", positive="NA")
    classifier.save(tmp_path / "model", probe=TEXTS)
    answers: Any = pipeline("text-classification", model=str(tmp_path / "model"))(TEXTS, top_k=None, truncation=True)
    ours = classifier.predict_proba(TEXTS)
    for row, answer in zip(ours, answers, strict=True):
        scores = {one["label"]: one["score"] for one in answer}
        assert set(scores) == set(HOSTILE)
        assert max(abs(scores[name] - p) for name, p in zip(classifier.space.names, row, strict=True)) <= 1e-6
    again = Classifier.load(tmp_path / "model")
    assert again.space == classifier.space
    assert again.backend.max_length == classifier.backend.max_length


def test_a_folder_that_disagrees_is_never_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    classifier = made(tmp_path / "base")
    monkeypatch.setattr(
        TorchBackend, "probabilities", lambda self, encoded: np.full((len(encoded.ids), len(HOSTILE)), 1 / len(HOSTILE))
    )
    with pytest.raises(RuntimeError, match="differs"):
        classifier.save(tmp_path / "model", probe=TEXTS)
    assert not (tmp_path / "model").exists()


def test_batching_changes_no_probability_and_keeps_the_order(tmp_path: Path) -> None:
    classifier = made(tmp_path / "base", family="roberta")
    together = classifier.predict_proba(TEXTS)
    alone = np.vstack([classifier.predict_proba([text]) for text in TEXTS])
    assert np.abs(together - alone).max() <= 1e-6
    assert np.allclose(together.sum(axis=1), 1)


class Doubler:
    """A scorer that remembers what it was asked."""

    space = LabelSpace(("no", "yes"))

    def __init__(self) -> None:
        self.asked: list[str] = []

    def predict_proba(self, texts: Sequence[str]) -> FloatMatrix:
        self.asked += texts
        return np.array([[1 - len(text) / 10, len(text) / 10] for text in texts])


def test_blank_texts_keep_their_place_and_are_not_asked() -> None:
    scorer = Doubler()
    found = predictions_of(scorer, ["aaaaaaaa", " \n", "a", ""], split="texts")
    assert scorer.asked == ["aaaaaaaa", "a"]
    assert found.predicted == ("yes", None, "no", None)
    assert found.status == ("ok", "blank", "ok", "blank")
    assert found.confidence == (0.8, None, 0.9, None)


def test_no_text_is_no_trouble(tmp_path: Path) -> None:
    classifier = made(tmp_path / "base")
    assert classifier.predict_proba([]).shape == (0, len(HOSTILE))
    assert len(classifier.predict([])) == 0


def test_what_is_no_classifier_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileMissing, match="no folder"):
        Classifier.load(tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileMissing, match="no classifier"):
        Classifier.load(tmp_path / "empty")
    made(tmp_path / "base").save(tmp_path / "model")
    weights = tmp_path / "model" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelUnavailable):
        Classifier.load(tmp_path / "model")
    (tmp_path / "model" / "config.json").write_text("{")
    with pytest.raises(ModelUnavailable, match="cannot be read"):
        Classifier.load(tmp_path / "model")


def test_a_base_model_is_no_classifier(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="fine-tune it first"):
        Classifier.load(tiny_model(tmp_path / "base", "bert"))


def test_weights_other_than_safetensors_are_never_read(tmp_path: Path) -> None:
    made(tmp_path / "base").save(tmp_path / "model")
    (tmp_path / "model" / "model.safetensors").rename(tmp_path / "model" / "pytorch_model.bin")
    with pytest.raises(ModelUnavailable):
        Classifier.load(tmp_path / "model")


def test_code_in_a_folder_is_never_run(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    made(tmp_path / "base").save(folder)
    config = json.loads((folder / "config.json").read_text())
    config |= {
        "model_type": "own",
        "auto_map": {"AutoConfig": "own.Own", "AutoModelForSequenceClassification": "own.Own"},
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "own.py").write_text(f"open({str(tmp_path / 'canary')!r}, 'w')")
    with pytest.raises(ModelUnavailable):
        Classifier.load(folder)
    assert not (tmp_path / "canary").exists()


def test_positions_kept_for_padding_are_not_counted(tmp_path: Path) -> None:
    from transformers import AutoConfig, AutoTokenizer

    for family in ("roberta", "bert", "mpnet"):
        folder = tiny_model(tmp_path / family, family)
        assert max_length_of(AutoConfig.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)) == MAX_LENGTH


@pytest.mark.parametrize("lost", ["bert.encoder.layer.0.attention.self.query.weight", "classifier.weight"])
def test_weights_that_would_be_drawn_at_random_are_refused(lost: str, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    made(tmp_path / "base").save(tmp_path / "model")
    file = tmp_path / "model" / "model.safetensors"
    weights = load_file(file)
    del weights[lost]
    save_file(weights, file, metadata={"format": "pt"})
    with pytest.raises(ModelUnavailable, match="lacks 1 of"):
        Classifier.load(tmp_path / "model")
    if lost.startswith("bert"):
        with pytest.raises(ModelUnavailable, match="lacks 1 of"):
            TorchBackend.load(tmp_path / "model", space=LabelSpace(("a", "b")))


def test_a_folder_of_several_labels_keeps_separator_and_thresholds_and_agrees_with_transformers(tmp_path: Path) -> None:
    from transformers import pipeline

    space = LabelSpace(("anger", "joy", "love"), separator=", ", thresholds=(0.3, 0.5, 0.123456789))
    classifier = Classifier(TorchBackend.load(tiny_model(tmp_path / "base", "bert"), space=space), space)
    classifier.save(tmp_path / "model", probe=TEXTS)
    again = Classifier.load(tmp_path / "model")
    assert again.space == space
    ours, theirs = classifier.predict(TEXTS), again.predict(TEXTS)
    assert ours.predicted == theirs.predicted
    # without being told, transformers' pipeline takes labels as questions of their own, too
    answers: Any = pipeline("text-classification", model=str(tmp_path / "model"))(TEXTS, top_k=None, truncation=True)
    for row, answer in zip(ours.probabilities, answers, strict=True):
        scores = {one["label"]: one["score"] for one in answer}
        assert [scores[name] for name in space.names] == pytest.approx(row.tolist(), abs=1e-6)
    assert not np.allclose(ours.probabilities.sum(axis=1), 1)


def test_a_folder_of_several_labels_made_elsewhere_decides_at_an_even_chance(tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / "foreign", "bert", labels=["a|b", "joy"])
    config = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps({**config, "problem_type": "multi_label_classification"}), "utf-8")
    found = Classifier.load(folder)
    assert (found.space.separator, found.space.thresholds) == (";", None)
    predictions = found.predict(TEXTS)
    expected = [";".join(name for name, p in zip(found.space.names, row, strict=True) if p >= 0.5)
                for row in predictions.probabilities]  # fmt: skip
    assert list(predictions.predicted) == expected


CODES = ("A/01", "A/02", "Z", "ne in\n/</script>")


def test_a_folder_keeps_levels_and_order_and_a_classifier_fine_tuned_from_it_has_none_of_them(tmp_path: Path) -> None:
    space = LabelSpace(CODES, hierarchy=Hierarchy.by_separator(CODES, "/"), order=CODES[::-1])
    base = tiny_model(tmp_path / "base", "bert")
    Classifier(TorchBackend.load(base, space=space), space).save(tmp_path / "model", probe=TEXTS)
    assert Classifier.load(tmp_path / "model").space == space
    other = LabelSpace(CODES[:2])
    Classifier(TorchBackend.load(tmp_path / "model", space=other), other).save(tmp_path / "other")
    assert Classifier.load(tmp_path / "other").space == other


@pytest.mark.parametrize(
    "damage",
    [
        {"label_paths": {"A/01": ["A", "A/01"]}},
        {"label_paths": {name: ["A"] for name in CODES}},
        {"label_paths": 7},
        {"label_order": ["A/01"]},
        {"label_order": 3},
    ],
)
def test_levels_that_do_not_fit_the_labels_are_refused(damage: dict[str, Any], tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / "model", "bert", labels=list(CODES))
    config = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps({**config, **damage}), "utf-8")
    with pytest.raises(ModelUnavailable, match="do not fit its labels"):
        Classifier.load(folder)
