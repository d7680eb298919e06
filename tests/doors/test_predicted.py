"""The public ways to predict: texts of any kind, files that go on, and folders that say what they are."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from tests.tiny_models import tiny_model

import classifine
from classifine.doors.predicted import predict, predict_file
from classifine.errors import ColumnProblem, FileMissing, RunRefused, UsageError
from classifine.labels import LabelSpace
from classifine.model.classifier import Classifier
from classifine.model.torch_backend import TorchBackend

TEXTS = ["vote on Sunday", "", "the bank raised its rate", "vote on Sunday"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("model")
    space = LabelSpace(("no", "yes"))
    Classifier(TorchBackend.load(tiny_model(base / "base", "bert"), space=space), space).save(base / "saved")
    return base / "saved"


def test_texts_of_any_kind_give_the_same(folder: Path) -> None:
    classifier = classifine.load(folder)
    listed = predict(folder, TEXTS)
    assert listed.status == ("ok", "blank", "ok", "ok")
    for given in (iter(TEXTS), pd.Series(TEXTS), pd.DataFrame({"text": TEXTS})):
        assert predict(classifier, given).predicted == listed.predicted
    assert predict(folder, pd.DataFrame({"body": TEXTS}), text="body", ids=list("abcd")).ids == ("a", "b", "c", "d")
    with pytest.raises(UsageError, match="one text"):
        predict(folder, "vote on Sunday")
    with pytest.raises(ColumnProblem, match="body"):
        predict(folder, pd.DataFrame({"text": TEXTS}), text="body")
    with pytest.raises(UsageError, match="reads single texts"):
        predict(folder, pd.DataFrame({"text": TEXTS, "b": TEXTS}), pairs="b")


def test_a_folder_makes_a_prediction_that_is_known_again(folder: Path, tmp_path: Path) -> None:
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("text,n\n" + "".join(f"{text},{n}\n" for n, text in enumerate(TEXTS)), "utf-8")
    told: list[str] = []
    first = predict_file(folder, source, out, tell=told.append)
    assert (first.rows, first.blank, first.distinct, first.nothing_to_do) == (4, 1, 2, False)
    assert "computed by torch fp32" in told[0]
    assert predict_file(str(folder), str(source), str(out)).nothing_to_do
    with pytest.raises(RunRefused, match="settings text: text → n"):
        predict_file(folder, source, out, text="n")
    config = folder / "config.json"
    config.write_text(config.read_text() + "\n")
    with pytest.raises(RunRefused, match="model sha256"):
        predict_file(folder, source, out)
    assert not predict_file(folder, source, out, overwrite=True).nothing_to_do


def test_what_cannot_be_had_is_said_before_a_model_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(FileMissing, match=r"in\.csv"):
        predict_file(tmp_path / "no model", tmp_path / "in.csv", tmp_path / "out.csv")
    (tmp_path / "in.csv").write_text("text\na\n")
    with pytest.raises(FileMissing, match="no model"):
        predict_file(tmp_path / "no model", tmp_path / "in.csv", tmp_path / "out.csv")
