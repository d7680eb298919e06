from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from sklearn.metrics import f1_score
from tests.tiny_models import tiny_model
from tests.training.test_finetune import SPACE, TRAIN, VALIDATION

from classifine.courses.baseline import TfidfLogistic
from classifine.courses.frozen import Features, FrozenEncoder
from classifine.courses.ladder import FROZEN, SCORES, Ladder, Rung, advice
from classifine.labels import LabelSpace, decide
from classifine.model.hub import ResolvedModel, resolve
from classifine.settings import Settings
from classifine.tables import LabelledTexts


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> ResolvedModel:
    return resolve(str(tiny_model(tmp_path_factory.mktemp("bert") / "base", "bert")))


def climbed(folder: Path, base: ResolvedModel, train: LabelledTexts = TRAIN, **settings: object) -> list[Rung]:
    chosen = Settings().with_names(settings)
    return list(Ladder(folder).climb(train, VALIDATION, SPACE, base, chosen))


def test_each_rung_is_scored_on_the_validation_texts_and_kept(base: ResolvedModel, tmp_path: Path) -> None:
    rungs = climbed(tmp_path, base)
    assert [rung.name for rung in rungs] == ["majority", "tfidf", "frozen"]
    tfidf = TfidfLogistic.fit(TRAIN, SPACE, seed=42).predict_proba(VALIDATION.texts)
    wanted = f1_score(VALIDATION.labels, decide(tfidf, SPACE), average="macro")
    assert rungs[1].macro_f1 == pytest.approx(wanted)
    assert str(rungs[0]) == "majority label: macro-F1 0.167 on the validation texts"
    assert [rung.title for rung in rungs[1:]] == [
        "TF-IDF + logistic regression",
        f"frozen {base.title} + logistic regression",
    ]
    assert base.title
    kept = json.loads((tmp_path / SCORES).read_text("utf-8"))
    assert kept["baselines"] == [rung.to_dict() for rung in rungs]
    again = Ladder(tmp_path).of_base(SPACE, base, Settings())["frozen"]
    assert again is not None
    found = f1_score(VALIDATION.labels, decide(again.predict_proba(VALIDATION.texts), SPACE), average="macro")
    assert rungs[2].macro_f1 == pytest.approx(found)


def test_what_was_kept_is_not_fitted_again_unless_something_changed(
    base: ResolvedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = climbed(tmp_path, base)
    fits: list[int] = []
    embed = FrozenEncoder.embed

    def counted(self: FrozenEncoder, texts: Sequence[str], *, what: str | None = None) -> Features:
        fits.append(len(texts))
        return embed(self, texts, what=what)

    monkeypatch.setattr(FrozenEncoder, "embed", counted)
    assert climbed(tmp_path, base) == first
    assert not fits
    climbed(tmp_path, base, TRAIN.take(range(30)))
    assert fits
    (tmp_path / SCORES).write_text("{", "utf-8")
    assert climbed(tmp_path, base) == first


def test_the_base_model_is_left_out_where_it_is_not_wanted_or_cannot_be_fitted(
    base: ResolvedModel, tmp_path: Path
) -> None:
    assert [rung.name for rung in climbed(tmp_path, base, frozen_baseline=False)] == ["majority", "tfidf"]
    one = TRAIN.take([0, 3, 6])
    assert [rung.name for rung in climbed(tmp_path, base, one)] == ["majority", "tfidf"]
    assert not (tmp_path / f"{FROZEN}.safetensors").exists()
    assert Ladder(tmp_path).of_base(SPACE, base, Settings()) == {}


def test_texts_with_several_labels_have_the_same_rungs(base: ResolvedModel, tmp_path: Path) -> None:
    several = LabelSpace.of(TRAIN.labels, separator="|")
    rungs = list(Ladder(tmp_path).climb(TRAIN, VALIDATION, several, base, Settings()))
    assert [rung.name for rung in rungs] == ["shares", "tfidf", "frozen"]
    again = Ladder(tmp_path).of_base(several, base, Settings())["frozen"]
    assert again is not None
    assert again.space.thresholds is not None
    cells = decide(again.predict_proba(VALIDATION.texts), again.space)
    truth, given = several.indicator(VALIDATION.labels), several.indicator(cells)
    assert rungs[2].macro_f1 == pytest.approx(f1_score(truth, given, average="macro", zero_division=0))


def test_with_few_texts_a_label_setfit_is_named_and_not_otherwise() -> None:
    def rows(n: int) -> LabelledTexts:
        return LabelledTexts(tuple(map(str, range(n))), ("a",) * n, ("no", "yes") * (n // 2), tuple(range(n)))

    told = advice(rows(30), SPACE, Settings())
    assert told is not None
    assert "15 training texts or fewer" in told
    assert "setfit_baseline=true" in told
    assert advice(rows(32), SPACE, Settings()) is None
    assert advice(rows(30), SPACE, Settings().with_names({"setfit_baseline": True})) is None
    assert advice(rows(30), LabelSpace(("no", "yes"), separator="|"), Settings()) is None
