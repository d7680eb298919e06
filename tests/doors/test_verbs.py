from __future__ import annotations

from pathlib import Path

import pytest

from classifine.errors import UsageError

WORDS = {"no": "the weather is lovely", "yes": "please sign the petition"}
TEXTS = [f"{WORDS['yes' if i % 2 else 'no']} {f'{i}' * 30}" for i in range(60)]
LABELS = ["yes" if i % 2 else "no" for i in range(60)]


def test_the_journey_in_eight_lines(tiny: Path, tmp_path: Path) -> None:
    import pandas as pd

    from classifine import evaluate, load, predict, read, split, train, write_report

    frame = pd.DataFrame({"post": TEXTS, "code": LABELS})
    before = frame.copy(deep=True)
    splits = split(read(frame, text="post", label="code"), positive="yes")
    classifier = train(splits, model=str(tiny), out=tmp_path / "run", num_train_epochs=1, bf16=False)
    card = evaluate(tmp_path / "run")
    report = write_report(tmp_path / "run")
    found = predict(classifier, ["please sign", ""])
    pd.testing.assert_frame_equal(frame, before)
    assert report.is_file()
    assert card.to_dict()["positive"] == "yes"
    assert found.status == ("ok", "blank")
    assert found.to_dict()["rows"][0]["predicted_label"] in {"yes", "no"}
    again = load(tmp_path / "run")
    assert abs(again.predict_proba(TEXTS) - classifier.predict_proba(TEXTS)).max() <= 1e-6


def test_lists_and_no_folder_at_all(tiny: Path) -> None:
    from classifine import evaluate, read, split, train

    splits = split(read((TEXTS, LABELS)))
    card = evaluate(train(splits, model=str(tiny), num_train_epochs=1, bf16=False), splits)
    assert set(card.to_dict()["scores"]) == {"model", "majority", "tfidf"}


def test_training_again_into_the_same_folder_gives_the_same_classifier(tiny: Path, tmp_path: Path) -> None:
    from classifine import read, split, train

    splits = split(read((TEXTS, LABELS)))
    first = train(splits, model=str(tiny), out=tmp_path / "run", num_train_epochs=1, bf16=False)
    stamp = (tmp_path / "run" / "model" / "model.safetensors").stat().st_mtime_ns
    second = train(splits, model=str(tiny), out=tmp_path / "run", num_train_epochs=1, bf16=False)
    assert (tmp_path / "run" / "model" / "model.safetensors").stat().st_mtime_ns == stamp
    assert (first.predict_proba(TEXTS) == second.predict_proba(TEXTS)).all()


def test_slips_are_named(tiny: Path, tmp_path: Path) -> None:
    from classifine import evaluate, predict, read, split, train

    splits = split(read((TEXTS, LABELS)))
    classifier = train(splits, model=str(tiny), num_train_epochs=1, bf16=False)
    with pytest.raises(UsageError, match="one text"):
        predict(classifier, "please sign")
    with pytest.raises(UsageError, match="one text"):
        classifier.predict("please sign")
    assert predict(classifier, ["please sign", None, float("nan")]).status == ("ok", "blank", "blank")
    assert evaluate(classifier, splits).verdict.startswith("Fine-tuned model")
    with pytest.raises(UsageError, match="texts to be scored"):
        evaluate(classifier)
