from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.tiny_models import tiny_model
from tests.training.test_finetune import SPACE, TRAIN, VALIDATION
from transformers import AutoModel

from classifine.courses import contrastive
from classifine.courses.contrastive import require_setfit, tune_on_pairs
from classifine.courses.frozen import FrozenEncoder
from classifine.courses.ladder import Ladder, check_rungs
from classifine.errors import PackageMissing
from classifine.model.hub import ResolvedModel, resolve
from classifine.settings import Settings
from classifine.tables import LabelledTexts

FEW = TRAIN.take(range(12))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> ResolvedModel:
    return resolve(str(tiny_model(tmp_path_factory.mktemp("bert") / "base", "bert")))


@pytest.fixture(scope="module")
def tuned(base: ResolvedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("tuned") / "setfit"
    tune_on_pairs(base.folder, FEW, SPACE, seed=1, max_length=32, target=target)
    return target


def apart(folder: Path, texts: LabelledTexts) -> float:
    """The mean cosine of texts with the same label less that of texts with another."""
    seen = FrozenEncoder(folder, title="it").embed(texts.texts)
    unit = seen / np.linalg.norm(seen, axis=1, keepdims=True)
    same = np.equal.outer(np.array(texts.labels), np.array(texts.labels))
    cosines = unit @ unit.T
    return float(cosines[same & ~np.eye(len(unit), dtype=bool)].mean() - cosines[~same].mean())


def test_texts_of_one_label_come_to_lie_together(base: ResolvedModel, tuned: Path) -> None:
    assert apart(tuned, FEW) > 1.01 * apart(base.folder, FEW)


def test_what_is_kept_is_a_plain_folder_without_pickles(tuned: Path) -> None:
    assert {file.suffix for file in tuned.rglob("*") if file.is_file()} <= {".json", ".safetensors", ".txt"}
    assert AutoModel.from_pretrained(tuned).config.model_type == "bert"
    assert [file.name for file in tuned.parent.iterdir()] == ["setfit"]


def test_the_same_seed_gives_the_same_weights_and_the_callers_random_numbers_stay(
    base: ResolvedModel, tuned: Path, tmp_path: Path
) -> None:
    random.seed(5), np.random.seed(5), torch.manual_seed(5)
    expected = random.random(), np.random.rand(), float(torch.rand(1))
    random.seed(5), np.random.seed(5), torch.manual_seed(5)
    tune_on_pairs(base.folder, FEW, SPACE, seed=1, max_length=32, target=tmp_path / "again")
    assert (random.random(), np.random.rand(), float(torch.rand(1))) == expected
    assert (tmp_path / "again" / "model.safetensors").read_bytes() == (tuned / "model.safetensors").read_bytes()


def test_it_is_silent(base: ResolvedModel, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tune_on_pairs(base.folder, FEW, SPACE, seed=1, max_length=32, target=tmp_path / "x")
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")


def test_many_texts_are_given_a_bounded_number_of_updates() -> None:
    # 12 texts of each of 2 labels: 156 pairs of the same, 144 of others, the rarer repeated: 312 pairs in 20 updates
    few = LabelledTexts(tuple(map(str, range(24))), ("a",) * 24, ("x", "y") * 12, tuple(range(24)))
    assert contrastive._updates(few) == -1
    many = LabelledTexts(tuple(map(str, range(200))), ("a",) * 200, ("x", "y") * 100, tuple(range(200)))
    assert contrastive._updates(many) == 200


def test_as_a_rung_it_is_scored_kept_and_read_again(base: ResolvedModel, tmp_path: Path) -> None:
    settings = Settings().with_names({"setfit_baseline": True, "frozen_baseline": False, "max_length": 32})
    rungs = list(Ladder(tmp_path).climb(FEW, VALIDATION, SPACE, base, settings))
    assert [rung.name for rung in rungs] == ["majority", "tfidf", "setfit"]
    assert rungs[2].title == "SetFit base + logistic regression"
    found = Ladder(tmp_path).of_base(SPACE, base, settings)
    assert list(found) == ["setfit"]
    assert found["setfit"].title == rungs[2].title
    probabilities = found["setfit"].predict_proba(VALIDATION.texts)
    assert probabilities.shape == (len(VALIDATION), len(SPACE))


def test_without_the_package_the_line_that_installs_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(PackageMissing, match="setfit") as caught:
        require_setfit()
    assert caught.value.cure == 'pip install "classifine[setfit]"'


def test_it_is_asked_for_before_anything_is_fitted(
    base: ResolvedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    check_rungs(Settings())
    asked = Settings().with_names({"setfit_baseline": True})
    with pytest.raises(PackageMissing):
        check_rungs(asked)
    with pytest.raises(PackageMissing):
        next(Ladder(tmp_path / "rungs").climb(TRAIN, VALIDATION, SPACE, base, asked))
    assert not (tmp_path / "rungs").exists()
