from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.tiny_models import tiny_model

from classifine.cli.options import settings_of
from classifine.errors import SettingsProblem
from classifine.labels import LabelSpace
from classifine.model.classifier import Classifier
from classifine.model.hub import resolve
from classifine.settings import Settings
from classifine.tables import LabelledTexts
from classifine.training import long_texts
from classifine.training.checkpoints import Checkpoints
from classifine.training.finetune import FineTuned, finetune

EXACT = {"bf16": False, "dropout": 0.0, "learning_rate": 1e-3, "max_length": 16, "stride": 4}
WORDS = {"no": "the bank raised its rate", "yes": "please sign the petition today", "so": "the weather is lovely"}
FILLER = "she is one two three four five six seven eight nine ten"


def texts_about(n: int, *, start: int = 0, place: str = "end") -> LabelledTexts:
    """Texts of one to five windows; the word that gives the label away stands at the end, or in the middle."""
    labels = tuple(("no", "yes", "so")[i % 3] for i in range(start, start + n))
    texts = []
    for i, label in enumerate(labels, start):
        filler = " ".join([FILLER] * (i % 5))
        texts.append(f"{filler} {WORDS[label]} {i}" + (f" {filler}" if place == "middle" else ""))
    names = tuple(f"i{i}" for i in range(start, start + n))
    return LabelledTexts(names, tuple(texts), labels, tuple(range(start, start + n)))


TRAIN, VALIDATION = texts_about(45), texts_about(15, start=45)
SPACE = LabelSpace.of(TRAIN.labels)


def tuned(
    folder: Path,
    train: LabelledTexts = TRAIN,
    validation: LabelledTexts = VALIDATION,
    *,
    scratch: Path | Checkpoints | None = None,
    **settings: Any,
) -> FineTuned:
    chosen = Settings(seed=7).with_names({**EXACT, "num_train_epochs": 1, "model": str(folder), **settings})
    return finetune(train, validation, SPACE, resolve(str(folder)), chosen, scratch=scratch or folder.parent / "temp")


def weights_of(result: FineTuned) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in result.classifier.backend.model.parameters()])


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("bert") / "base", "bert")


@pytest.mark.parametrize("unpadded", [True, False])
def test_accumulation_changes_nothing_where_texts_have_windows(bert: Path, unpadded: bool) -> None:
    # 21 rows: the last update is smaller, and its batches are of unequal size
    common: dict[str, Any] = {
        "optim": "sgd",
        "max_grad_norm": 0.0,
        "weight_decay": 0.0,
        "warmup_steps": 0.0,
        "long_texts": "windows",
        "class_weights": {"yes": 5.0},
        "unpadded": unpadded,
    }
    train = TRAIN.take(range(21))
    results = [
        tuned(
            bert,
            train,
            per_device_train_batch_size=size,
            gradient_accumulation_steps=steps,
            learning_rate=0.1,
            **common,
        )
        for size, steps in ((8, 1), (4, 2), (2, 4))
    ]
    start = weights_of(tuned(bert, train, learning_rate=1e-30, **common))
    moves = [weights_of(result) - start for result in results]
    for move, result in zip(moves[1:], results[1:], strict=True):
        assert float((move - moves[0]).norm() / moves[0].norm()) <= 1e-5
        assert result.history["epochs"][0]["train_loss"] == pytest.approx(
            results[0].history["epochs"][0]["train_loss"], rel=1e-5
        )


def test_the_loss_is_that_of_the_pooled_logits_and_windows_are_counted(bert: Path) -> None:
    result = tuned(bert, learning_rate=1e-30, per_device_train_batch_size=45, long_texts="windows")
    probabilities = result.classifier.predict_proba(TRAIN.texts)
    truth = SPACE.ids(TRAIN.labels)
    expected = -np.log(probabilities[np.arange(len(truth)), truth]).mean()
    assert result.history["epochs"][0]["train_loss"] == pytest.approx(expected, rel=1e-5)
    windows = result.classifier.backend.encode(TRAIN.texts).windows
    assert windows is not None
    assert result.history["truncation"]["train"] == {"texts": 45, "cut": 0, "windows": int(windows.sum())}
    assert result.history["long_texts"] == {"asked": "windows", "way": "windows", "stride": 4, "max_windows": 8}


def test_what_stands_in_the_middle_is_learned_from_windows_only(bert: Path, tmp_path: Path) -> None:
    train, validation = texts_about(60, place="middle"), texts_about(30, start=60, place="middle")
    common: dict[str, Any] = {"num_train_epochs": 8, "per_device_train_batch_size": 8, "learning_rate": 5e-3}
    head, windows = (tuned(bert, train, validation, long_texts=way, **common) for way in ("head", "windows"))
    assert windows.history["best"]["value"] > 0.9
    assert head.history["best"]["value"] < 0.75
    windows.classifier.save(tmp_path / "model", probe=validation.texts)
    again = Classifier.load(tmp_path / "model")
    assert again.predict(validation.texts).predicted == windows.classifier.predict(validation.texts).predicted


def test_auto_compares_on_validation_and_remembers(bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_texts, "ROWS", 40)
    said: list[str] = []
    kept = Checkpoints(tmp_path / "checkpoints", quarantine=tmp_path / "quarantine", tell=said.append)
    common: dict[str, Any] = {"num_train_epochs": 4, "per_device_train_batch_size": 8, "learning_rate": 5e-3}
    result = tuned(bert, scratch=kept, long_texts="auto", **common)
    found = result.history["long_texts"]
    assert found["asked"] == "auto"
    assert found["longer"] == 36 / 45
    assert [one["way"] for one in found["compared"]] == ["head", "head+tail", "windows"]
    assert {(one["texts"], one["validation_texts"], one["metric"]) for one in found["compared"]} == {
        (40, 15, "macro_f1")
    }
    values = [one["value"] for one in found["compared"]]
    assert values[0] < max(values)
    assert found["way"] == found["compared"][int(np.argmax(values))]["way"]
    assert result.classifier.backend.long.way == found["way"]
    assert not (tmp_path / "checkpoints" / "comparison").exists()
    # the training proper is the one that the way chosen gives when it is asked for
    plain = tuned(bert, long_texts=found["way"], **common)
    assert torch.equal(weights_of(result), weights_of(plain))
    assert said[0] == "80% of the training texts are longer than 16 tokens"
    assert [line.split(",")[0] for line in said[1:4]] == ["tried: head", "tried: head+tail", "tried: windows"]
    assert "of 45 are" in said[4]

    monkeypatch.setattr(long_texts, "WAYS", ())
    again = tuned(bert, scratch=kept, long_texts="auto", **common)
    assert again.history["long_texts"] == found


def test_the_option_is_the_setting() -> None:
    assert settings_of({"long_texts": "auto"}).model.long_texts == "auto"


def test_auto_compares_nothing_where_hardly_a_text_is_longer(bert: Path) -> None:
    result = tuned(bert, long_texts="auto", max_length=80)
    assert result.history["long_texts"] == {
        "asked": "auto",
        "longer": 0.0,
        "threshold": 0.1,
        "compared": [],
        "way": "head",
    }


@pytest.mark.parametrize(
    ("metric", "values", "best"),
    [("macro_f1", [0.5, 0.7, 0.7], "head+tail"), ("log_loss", [0.5, 0.7, 0.4], "windows")],
)
def test_the_best_value_wins_and_of_equal_ones_the_cheapest(metric: str, values: list[float], best: str) -> None:
    ways = ("head", "head+tail", "windows")
    compared = [{"way": way, "metric": metric, "value": value} for way, value in zip(ways, values, strict=True)]
    assert long_texts._best(compared) == best


def test_windows_that_hardly_move_on_are_refused(bert: Path) -> None:
    with pytest.raises(SettingsProblem, match="hardly move on"):
        tuned(bert, long_texts="windows", stride=9)
