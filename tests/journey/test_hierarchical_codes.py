"""Labels that stand in a hierarchy, from file to report: three ways to name the levels, one tree everywhere."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from tests.journey.samples import Command, unlike, write_csv

import classifine

WORDS = {
    "A/01": "growing of wheat and barley",
    "A/02": "raising of cows and horses",
    "B/05": "mining of coal under the ground",
    "B/06": "drilling for oil and gas",
}
QUICK = ("--set", "bf16=false", "--set", "dropout=0", "--set", "num_train_epochs=5", "--set", "learning_rate=0.01")
EVEN_QUICKER = ("--set", "per_device_train_batch_size=8", "--set", "frozen_baseline=false")


def rows_of(n: int) -> list[tuple[str, str]]:
    names = list(WORDS)
    return [(unlike(WORDS[names[i % 4]], i, words=3), names[i % 4]) for i in range(n)]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_csv(tmp_path_factory.mktemp("codes") / "codes.csv", rows_of(80))


def test_codes_from_file_to_report(sample: Path, tiny: Path, command: Command, tmp_path: Path) -> None:
    run = tmp_path / "run"
    levels = ("--level-separator", "/", "--label-order", "A/01", "--label-order", "A/02")
    further = ("--label-order", "B/05", "--label-order", "B/06")
    code, out, err = command("run", sample, "--model", tiny, "--out", run, *levels, *further, *QUICK, *EVEN_QUICKER)
    assert (code, err) == (0, "")
    assert "From the top level to the labels: macro-F1" in out
    assert "quadratic-weighted kappa" in out
    card = json.loads((run / "scorecard.json").read_text("utf-8"))
    for name in ("model", "tfidf", "majority"):
        found = card["scores"][name]["hierarchy"]
        assert [level["codes"] for level in found["levels"]] == [2, 4]
        assert "quadratic_weighted_kappa" in card["scores"][name]
    found = card["scores"]["model"]["hierarchy"]
    assert sum(part["mistakes"] for part in found["partings"]) == card["mistakes"]
    assert found["levels"][0]["accuracy"]["value"] >= found["levels"][1]["accuracy"]["value"] > 0.6
    page = (run / "report.html").read_text("utf-8")
    assert "Each level" in page
    assert "quadratic-weighted kappa" in page

    # the folder alone knows the tree
    alone = tmp_path / "moved"
    (run / "model").rename(alone)
    code, out, _ = command("predict", alone, sample, "-o", tmp_path / "out.csv", "--prefix", "x_")
    assert code == 0
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as stream:
        written = list(csv.DictReader(stream))
    names = ["x_predicted_label", "x_confidence", "x_level_1", "x_level_1_confidence", *(f"x_p_{n}" for n in WORDS)]
    assert [*written[0]] == ["text", "label", *names, "x_status"]
    for row in written:
        assert row["x_level_1"] == row["x_predicted_label"][0]
        below = [float(row[f"x_p_{name}"]) for name in WORDS if name[0] == row["x_level_1"]]
        assert float(row["x_level_1_confidence"]) == pytest.approx(sum(below))
    code, out, _ = command("predict", alone, "--one", "growing of wheat and barley")
    assert "(level 1)" in out.splitlines()[0]


def test_blank_rows_and_parquet(sample: Path, tiny: Path, command: Command, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    parents = write_csv(tmp_path / "parents.csv", [(name, name[0]) for name in WORDS], ("label", "parent"))
    run = tmp_path / "run"
    named = ("--label-parents", parents, "--set", "max_steps=1")
    code, _, err = command("train", sample, "--model", tiny, "--out", run, *named, *QUICK[:4], *EVEN_QUICKER)
    assert (code, err) == (0, "")
    rows = write_csv(tmp_path / "new.csv", [("coal", "1"), (" ", "2")], ("text", "number"))
    code, _, _ = command("predict", run, rows, "-o", tmp_path / "out.parquet")
    assert code == 0
    table = pq.read_table(tmp_path / "out.parquet")
    assert [str(table.schema.field(name).type) for name in ("level_1", "level_1_confidence")] == ["string", "double"]
    assert table.column("level_1").to_pylist()[1] is None
    # typed again, the file of parents is read again and is the same
    code, _, err = command("train", sample, "--model", tiny, "--out", run, *named, *QUICK[:4], *EVEN_QUICKER)
    assert (code, err) == (0, "")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--level-separator", "-"), "'-' stands in no label"),
        (("--level-prefixes", "1,9"), "'A/01' has 4 characters (ids 1, 5, "),
        (("--level-prefixes", "two"), "not whole numbers"),
        (("--level-prefixes", "2,1"), "do not grow"),
        (("--level-separator", "/", "--level-prefixes", "1"), "both say"),
        (("--level-separator", "/", "--multi-label", "--label-separator", "|"), "one label each"),
        (("--set", 'label_parents={"A/01" = "A"}'), "'A/02' is not in the map (did you mean 'A/01'?)"),
        (("--label-order", "A/01"), "have no place in label_order"),
    ],
)
def test_what_makes_no_hierarchy_is_refused_before_anything_is_computed(
    options: tuple[str, ...], words: str, sample: Path, tiny: Path, command: Command, tmp_path: Path
) -> None:
    code, _, err = command("run", sample, "--model", tiny, "--out", tmp_path / "run", *options)
    assert code in (1, 2)
    assert words in " ".join(err.split())
    assert not (tmp_path / "run").exists()


def test_the_verbs_do_the_same_from_python(sample: Path, tiny: Path, tmp_path: Path) -> None:
    texts = classifine.read(sample)
    splits = classifine.split(texts, seed=1, level_prefixes=[1])
    chosen = {"bf16": False, "max_steps": 2, "frozen_baseline": False}
    classifier = classifine.train(splits, model=str(tiny), out=tmp_path / "run", **chosen)
    assert classifier.space.hierarchy == splits.space.hierarchy
    assert splits.space.hierarchy is not None
    card = classifine.evaluate(classifier, splits)
    assert card.scores["model"].hierarchy is not None
    predictions = classifier.predict(["oil"])
    assert predictions.at_level(1)[0][0] in ("A", "B")


def test_split_names_the_levels_in_the_command_to_come(sample: Path, command: Command, tmp_path: Path) -> None:
    code, out, err = command("split", sample, "-o", tmp_path / "parts", "--level-prefixes", "1,2")
    assert (code, err) == (0, "")
    assert "--level-prefixes 1,2" in " ".join(out.split())
