"""Each recipe's settings, on data of its tutorial's shape, with a tiny stand-in for its base model."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from sklearn.metrics import f1_score
from tests.journey.samples import unlike
from tests.tiny_models import tiny_model

from classifine.cli.console import guarded
from classifine.cli.main import classifine as command
from classifine.model.catalogue import find
from classifine.settings import TrainingSettings, read_settings

RECIPES = Path(__file__).parents[2] / "docs" / "how-to" / "recipes"
BASES = {
    "sexism-binary": "distilbert/distilbert-base-uncased",
    "sexism-fine-grained": "distilbert/distilbert-base-uncased",
    "calls-to-action": "deepset/gbert-base",
    "calls-to-action-search": "deepset/gbert-base",
    "nomenclature-codes": "google-bert/bert-base-multilingual-uncased",
    "finance-topics": "google-bert/bert-base-cased",
    "resume-sections": "google-bert/bert-base-uncased",
}
TOPICS = [
    "Analyst Update",
    "Fed | Central Banks",
    "Company | Product News",
    "Treasuries | Corporate Debt",
    "Dividend",
    "Earnings",
    "Energy | Oil",
    "Financials",
    "Currencies",
    "General News | Opinion",
    "Gold | Metals | Materials",
    "IPO",
    "Legal | Regulation",
    "M&A | Investments",
    "Macro",
    "Markets",
    "Politics",
    "Personnel Change",
    "Stock Commentary",
    "Stock Movement",
]


def write(path: Path, header: str, rows: Sequence[Sequence[object]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([header.split(","), *rows])
    return path


class Ran:
    """A finished run, read from its folder as anybody would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.scorecard = self.json("scorecard.json")
        self.history = self.json("history.json")
        self.model: dict[str, Any] = self.scorecard["scores"]["model"]

    def json(self, name: str) -> Any:
        return json.loads((self.folder / name).read_text("utf-8"))

    def table(self, name: str) -> list[dict[str, str]]:
        with (self.folder / name).open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))

    def labels(self) -> list[str]:
        names: dict[str, str] = self.json("model/config.json")["id2label"]
        return [names[str(index)] for index in range(len(names))]


def ran(tmp_path: Path, recipe: str, family: str, *data: str | Path) -> Ran:
    """Run a recipe as its page says, for one epoch and with a tiny model, and check what holds for each."""
    folder = tmp_path / "run"
    base = tiny_model(tmp_path / "base", family)
    settings = RECIPES / f"{recipe}.toml"
    stand_in = ("--model", base, "--set", "num_train_epochs=1", "--out", folder)
    assert guarded(command, ["run", *map(str, (*data, "--settings", settings, *stand_in))]) == 0
    run = Ran(folder)
    used, said = read_settings(folder / "settings.toml"), read_settings(settings)
    # the page's command says these two
    assert used.data == replace(said.data, label_names=used.data.label_names, min_rows=used.data.min_rows)
    assert used.model.max_length == said.model.max_length
    chosen = vars(said.training).items()
    expected = {name: value for name, value in chosen if value != getattr(TrainingSettings(), name)}
    expected["num_train_epochs"] = 1.0
    assert {name: run.history["training"][name] for name in expected} == expected
    assert run.labels() == run.scorecard["labels"]
    confusion = run.model["confusion"]
    wrong = sum(number for i, row in enumerate(confusion) for j, number in enumerate(row) if i != j)
    assert wrong == run.scorecard["mistakes"] == len(run.table("mistakes.csv"))
    assert set(run.scorecard["scores"]) == {"model", "frozen", "tfidf", "majority"}
    assert run.scorecard["test_openings"] == 1
    assert (folder / "report.html").stat().st_size > 0
    return run


@pytest.mark.parametrize("recipe", sorted(BASES))
def test_each_recipe_names_its_tutorials_base_model(recipe: str) -> None:
    base = find(read_settings(RECIPES / f"{recipe}.toml").model.model)
    assert base is not None
    assert base.repo == BASES[recipe]


def test_no_recipe_is_forgotten() -> None:
    assert sorted(path.stem for path in RECIPES.glob("*.toml")) == sorted(BASES)


def test_sexism_yes_or_no(tmp_path: Path) -> None:
    texts = {"True": "women belong in the kitchen", "False": "the weather is lovely this morning"}
    labels = ["True", "False"] * 40
    rows = [(f"t{i}", "csmb", unlike(texts[la], i), i / 80, la, -1) for i, la in enumerate(labels)]
    data = write(tmp_path / "sample.csv", "id,dataset,text,toxicity,sexist,of_id", rows)
    run = ran(tmp_path, "sexism-binary", "distilbert", data)
    assert run.scorecard["labels"] == ["False", "True"]
    assert run.scorecard["positive"] == "True"
    assert run.scorecard["n"] == 16
    accuracy = run.model["accuracy"]
    assert accuracy["low"] <= accuracy["value"] <= accuracy["high"]
    assert accuracy["method"] == "Wilson"


def test_sexism_from_judgements_lists_the_ties(tmp_path: Path) -> None:
    texts = {"1": "men are better drivers", "2": "women should say nothing", "6": "friendly staff and clean rooms"}
    rows: list[tuple[str, ...]] = []
    for item in range(60):
        label = "126"[item % 3]
        judged = [label, label, "1" if item % 4 else label]
        rows += [(f"i{item}", f"w{k}", "3", each, unlike(texts[label], item)) for k, each in enumerate(judged)]
    rows += [("tied", f"w{k}", "3", each, "the joke is not funny") for k, each in enumerate(["6", "2"])]
    data = write(tmp_path / "annotations.csv", "id,worker,phrasing,content", [row[:4] for row in rows])
    texts_of = {row[0]: row[4] for row in rows}
    sample = write(tmp_path / "sample.csv", "id,text", [*texts_of.items(), ("unjudged", "nobody judged this")])
    run = ran(tmp_path, "sexism-fine-grained", "distilbert", data, "--texts", sample, "--min-rows", "2")
    assert run.scorecard["labels"] == ["1", "2", "6"]
    (tie,) = run.table("ties.csv")
    assert (tie["id"], tie["votes"], tie["rule"]) == ("tied", "2 1, 6 1", "random")
    annotation = run.json("audit.json")["annotation"]
    assert (annotation["judgements"], annotation["items"], annotation["ties"]) == (182, 61, 1)
    kept = pq.read_table(run.folder / "rows.parquet").to_pydict()
    assert Counter(kept["label"]) == Counter({"1": 20, "2": 20, "6": 20}) + Counter([tie["label"]])


def test_calls_to_action_keeps_the_epoch_with_the_best_f1_of_the_positive_label(tmp_path: Path) -> None:
    texts = {"True": "geht bitte alle wählen", "False": "das Wetter ist heute schön"}
    labels = ["True" if i % 5 == 0 else "False" for i in range(75)]
    data = write(
        tmp_path / "posts.csv", "Text,Majority Decision", [(unlike(texts[la], i), la) for i, la in enumerate(labels)]
    )
    run = ran(tmp_path, "calls-to-action", "bert", data)
    assert run.scorecard["positive"] == "True"
    assert run.history["training"]["class_weights"] == "balanced"
    scored = pq.read_table(run.folder / "predictions" / "validation.parquet").to_pydict()
    f1 = f1_score(scored["truth"], scored["predicted_label"], pos_label="True", zero_division=0)
    assert run.history["best"]["metric"] == "f1"
    assert run.history["best"]["value"] == pytest.approx(f1)
    assert [sum(part.values()) for part in run.json("audit.json")["splits"].values()] == [45, 15, 15]


def test_nomenclature_codes_stay_text_and_have_a_second_guess(tmp_path: Path) -> None:
    texts = {
        "01.10": "growing of wheat barley and other cereals",
        "0111": "growing of cereals on open fields",
        "10.71": "bakery selling bread rolls and cakes",
        "NA": "repair of motor vehicles",
    }
    header = ",text,label"
    # of one code there are two rows only: one to learn from, one to choose the epoch
    rows = [(i, unlike(text, i), code) for i in range(15) for code, text in texts.items() if code != "NA" or i < 2]
    train = write(tmp_path / "nace_train.csv", header, rows)
    tests = [(i, unlike(text, 100 + i), code) for i in range(6) for code, text in texts.items()]
    test = write(tmp_path / "nace_test.csv", header, tests)
    run = ran(tmp_path, "nomenclature-codes", "bert", "--train", train, "--test", test)
    assert run.labels() == ["01.10", "0111", "10.71", "NA"]
    assert run.scorecard["n"] == 24
    first, second = run.model["top_k"]["1"], run.model["top_k"]["2"]
    assert first["value"] == run.model["accuracy"]["value"] <= second["value"]
    splits = run.json("audit.json")["splits"]
    assert splits["validation"] == dict.fromkeys(run.labels(), 1)
    assert splits["test"] == dict.fromkeys(run.labels(), 6)


def test_finance_topics_keep_their_names(tmp_path: Path) -> None:
    rows = [(unlike(topic, i), code) for i in range(4) for code, topic in enumerate(TOPICS)]
    train = write(tmp_path / "topic_train.csv", "text,label", rows)
    tests = [(unlike(topic, 100), code) for code, topic in enumerate(TOPICS)]
    test = write(tmp_path / "topic_valid.csv", "text,label", tests)
    names = RECIPES / "finance-topics.csv"
    run = ran(tmp_path, "finance-topics", "bert", "--train", train, "--test", test, "--label-names", names)
    assert run.labels() == sorted(TOPICS)
    assert {"M&A | Investments", "Fed | Central Banks"} <= set(run.labels())
    assert "M&amp;A | Investments" in (run.folder / "report.html").read_text("utf-8")
    warned = [finding["check"] for finding in run.json("audit.json")["findings"] if finding["level"] == "warn"]
    assert "rows of each label" in warned


def test_resume_sections(tmp_path: Path) -> None:
    texts = {
        "contact information": "phone address electronic mail",
        "education": "bachelor of science from a state university",
        "skills": "python statistics writing teaching",
        "work experience": "three years as data analyst in a hospital",
    }
    rows = [(unlike(text, i), section) for i in range(15) for section, text in texts.items()]
    run = ran(tmp_path, "resume-sections", "bert", write(tmp_path / "resumes.csv", "text,label", rows))
    assert run.labels() == sorted(texts)
    assert run.model["weighted_recall"]["value"] == run.model["accuracy"]["value"]
    assert not [path for path in run.folder.rglob("*") if path.suffix in {".pkl", ".pickle", ".bin", ".pt", ".joblib"}]
    output = run.folder.parent / "sections.csv"
    assert (
        guarded(command, ["predict", str(run.folder), str(run.folder.parent / "resumes.csv"), "-o", str(output)]) == 0
    )
    with output.open(encoding="utf-8", newline="") as stream:
        predicted = list(csv.DictReader(stream))
    assert len(predicted) == len(rows)
    assert {"text", "label", "predicted_label", "confidence", "p_work experience", "status"} <= predicted[0].keys()
