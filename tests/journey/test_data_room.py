"""What a user does with labels before training, through the command line: annotators, joins, label work, divisions."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.journey.samples import Command, labelled_rows, write_csv

from classifine.runs import RunFolder

QUICK = ("--set", "num_train_epochs=1", "--set", "learning_rate=5e-3", "--set", "bf16=false")


def _judged(path: Path, n: int = 60, *, ties: int = 4) -> Path:
    """Three annotators a text, four where two and two disagree."""
    rows = []
    for i, (text, label) in enumerate(labelled_rows(n)):
        other = "NA" if label != "NA" else "01.10"
        votes = [label, label, other, other] if i < ties else [label, label, other if i % 4 == 0 else label]
        rows += [(f"t{i}", text, f"A{place}", vote) for place, vote in enumerate(votes)]
    return write_csv(path, rows, ("item", "text", "coder", "label"))


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_soft_labels_are_trained_on(command: Command, tiny: Path, tmp_path: Path) -> None:
    data = _judged(tmp_path / "data.csv")
    words = ("--id", "item", "--annotator", "coder", *QUICK, "--set", "per_device_train_batch_size=4", "--model", tiny)
    probabilities = {}
    for method in ("majority", "soft"):
        run = RunFolder(tmp_path / method)
        assert command("run", data, *words, "--aggregation", method, "--out", run.path)[0] == 0
        probabilities[method] = pq.read_table(run.predictions / "test.parquet").column("p_NA").to_pylist()
        assert json.loads(run.audit.read_text("utf-8"))["annotation"]["method"] == method
    assert probabilities["soft"] != probabilities["majority"]
    rows = pq.read_table(run.rows)
    assert {json.loads(cell)["NA"] for cell in rows.column("soft").to_pylist() if "NA" in cell} == {1 / 3, 2 / 3, 1.0}


def test_reviewed_ties_go_on_with_the_same_command(command: Command, tiny: Path, tmp_path: Path) -> None:
    data, gold = _judged(tmp_path / "data.csv"), tmp_path / "gold.csv"
    words = ("--id", "item", "--annotator", "coder", "--ties", "review")
    code, out, _ = command("aggregate", data, *words, "-o", gold)
    assert code == 0
    assert "--decisions" in out
    ties = _read(tmp_path / "gold.ties.csv")
    assert [row["label"] for row in ties] == [""] * 4
    for row in ties:
        row["label"] = "NA"
    write_csv(tmp_path / "decided.csv", [list(row.values()) for row in ties], list(ties[0]))
    assert command("aggregate", data, *words, "--decisions", tmp_path / "decided.csv", "-o", gold)[0] == 0
    labels = {row["id"]: row for row in _read(gold)}
    assert [labels[f"t{i}"]["label"] for i in range(4)] == ["NA"] * 4
    run = RunFolder(tmp_path / "run")
    decided = ("--decisions", tmp_path / "decided.csv", *QUICK, "--model", tiny)
    assert command("run", data, *words, *decided, "--out", run.path)[0] == 0
    assert pq.read_table(run.rows).num_rows == 60
    assert {source["role"] for source in run.read_manifest()["sources"]} == {"data", "decisions"}


def test_labels_that_are_not_kept_are_not_written_as_gold(command: Command, tmp_path: Path) -> None:
    words = ("--id", "item", "--annotator", "coder", "--keep-labels", "NA", "--keep-labels", "01.10")
    assert command("aggregate", _judged(tmp_path / "data.csv"), *words, "-o", tmp_path / "gold.csv")[0] == 0
    rows = _read(tmp_path / "gold.csv")
    assert {row["label"] for row in rows} == {"NA", "01.10", ""}
    assert {row["how"] for row in rows if not row["label"]} == {"label not kept", "tie, dropped"}
    told = json.loads((tmp_path / "gold.json").read_text("utf-8"))
    assert told["rows_in"] == told["rows_used"] + sum(part["count"] for part in told["left_out"])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--further-label", "label"), "named twice"),
        (("--further-label", "a/b"), "cannot be part of a file's name"),
        (("--further-label", "kind", "--decisions", "decided.csv"), "belong to one column"),
        (("--annotator-columns", "text", "--further-label", "kind"), "each annotator has a column"),
        (("--further-label", "kind", "--further-label", "Kind"), "the same name: gold.kind.csv"),
        (("--further-label", "label.ties"), "the same name: gold.label.ties.csv"),
        (("--expert", "A1"), "expert has an effect"),
    ],
)
def test_what_would_mean_nothing_is_refused(
    words: tuple[str, ...], says: str, command: Command, tmp_path: Path
) -> None:
    data = _judged(tmp_path / "data.csv")
    gold = tmp_path / "gold.csv"
    decided = write_csv(tmp_path / "decided.csv", [("t0", "NA")], ("id", "label"))
    given = [str(decided) if word == "decided.csv" else word for word in words]
    coder = () if "--annotator-columns" in words else ("--annotator", "coder")
    code, _, err = command("aggregate", data, "--id", "item", *coder, *given, "-o", gold)
    assert (code, says in err) == (2, True), err
    assert not gold.exists()


def test_gold_labels_can_be_trained_on_as_they_are_written(command: Command, tiny: Path, tmp_path: Path) -> None:
    gold = tmp_path / "gold.csv"
    words = ("--id", "item", "--annotator", "coder", "--ties", "random")
    assert command("aggregate", _judged(tmp_path / "data.csv"), *words, "-o", gold)[0] == 0
    run = tmp_path / "run"
    assert command("run", gold, "--id", "id", *QUICK, "--model", tiny, "--out", run)[0] == 0


def test_a_join_says_what_it_lost(command: Command, tiny: Path, tmp_path: Path) -> None:
    rows = labelled_rows(70)
    labels = write_csv(
        tmp_path / "labels.csv", [(f"t{i}", label) for i, (_, label) in enumerate(rows)], ("id", "label")
    )
    texts = write_csv(
        tmp_path / "texts.csv", [(f"t{i}", text) for i, (text, _) in enumerate(rows[:60])], ("id", "text")
    )
    run = RunFolder(tmp_path / "run")
    words = ("--texts", texts, "--id", "id", *QUICK, "--model", tiny, "--out", run.path)
    code, out, err = command("run", labels, *words)
    assert code == 0, err
    assert "60 of 70 rows of labels found a text" in " ".join(out.split())
    told = json.loads(run.audit.read_text("utf-8"))
    assert (told["rows_in"], told["rows_used"], told["texts"]) == (70, 60, 60)
    assert told["left_out"] == [{"reason": "no text for this id", "count": 10, "rows": list(range(61, 71))}]
    assert told["joins"][0]["loud"] is True


def test_label_work_is_done_and_told(command: Command, tmp_path: Path) -> None:
    names = write_csv(tmp_path / "names.csv", [("01.10", "wheat"), ("NA", "nothing")], ("code", "name"))
    data = write_csv(tmp_path / "data.csv", [*labelled_rows(60), ("a text of its own kind", "seldom")])
    words = ("--label-names", names, "--min-rows", 2, "-o", tmp_path / "parts")
    code, _, err = command("split", data, *words)
    assert (code, "'NA'" in err) == (0, False), err
    parts = [row for part in ("train", "validation", "test") for row in _read(tmp_path / "parts" / f"{part}.csv")]
    assert {row["label"] for row in parts} == {"wheat", "M&A | Investments", "nothing"}
    assert len(parts) == 60


def test_groups_times_and_given_parts_divide_the_data(command: Command, tmp_path: Path) -> None:
    rows = [
        (text, label, f"author{i % 20}", f"2024-{1 + i // 10:02}-{1 + i % 10:02}", "test" if i >= 50 else "train")
        for i, (text, label) in enumerate(labelled_rows(60))
    ]
    data = write_csv(tmp_path / "data.csv", rows, ("text", "label", "author", "day", "part"))
    parts = ("train", "validation", "test")
    for column in ("group", "time", "split"):
        word = {"group": "author", "time": "day", "split": "part"}[column]
        assert command("split", data, f"--{column}", word, "-o", tmp_path / column)[0] == 0
    grouped = [{row["group"] for row in _read(tmp_path / "group" / f"{part}.csv")} for part in parts]
    assert not grouped[0] & grouped[1] | grouped[0] & grouped[2] | grouped[1] & grouped[2]
    timed = [[row["time"] for row in _read(tmp_path / "time" / f"{part}.csv")] for part in parts]
    assert max(timed[0]) < min(timed[1]) <= max(timed[1]) < min(timed[2])
    given = _read(tmp_path / "split" / "test.csv")
    assert [row["row"] for row in given] == [str(row) for row in range(51, 61)]


def test_folds_are_written_beside_the_parts(command: Command, tmp_path: Path) -> None:
    data = write_csv(tmp_path / "data.csv", labelled_rows(60))
    assert command("split", data, "--folds", 3, "--repeats", 2, "-o", tmp_path / "parts")[0] == 0
    rows = _read(tmp_path / "parts" / "folds.csv")
    assert len(rows) == 60
    for repeat in ("repeat 1", "repeat 2"):
        assert sorted({row[repeat] for row in rows}) == ["1", "2", "3"]


def test_bad_rows_are_set_aside_in_the_run(command: Command, tiny: Path, tmp_path: Path) -> None:
    data = write_csv(tmp_path / "data.csv", labelled_rows(60))
    with data.open("a", encoding="utf-8") as stream:
        stream.write("one,two,three\n")
    run = RunFolder(tmp_path / "run")
    words = (*QUICK, "--model", tiny, "--out", run.path)
    code, _, err = command("run", data, *words)
    assert (code, "row 61 (line 62)" in err) == (1, True)
    code, _, err = command("run", data, *words, "--on-bad-row", "quarantine")
    assert code == 0, err
    assert [(row["row"], row["reason"]) for row in _read(run.rejected)] == [("61", "extra cell")]
    told = json.loads(run.audit.read_text("utf-8"))
    assert (told["rows_in"], told["rows_used"]) == (61, 60)


def test_audit_fails_with_exit_code_one(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    good = write_csv(tmp_path / "good.csv", labelled_rows(60))
    code, out, _ = command("audit", good)
    assert code == 0
    assert "0 fail" in out
    told = json.loads(Path("audit.json").read_text("utf-8"))
    assert [finding["check"] for finding in told["findings"]][:2] == ["labels", "labels to divide"]
    bad = write_csv(tmp_path / "bad.csv", [(text, "same") for text, _ in labelled_rows(60)])
    code, out, _ = command("audit", bad, "-o", "bad.json")
    assert code == 1
    assert "all 60 rows have the label 'same'" in " ".join(out.split())


def test_no_verb_writes_over_what_it_reads(command: Command, tmp_path: Path) -> None:
    data = _judged(tmp_path / "data.csv")
    before, words = data.read_bytes(), ("--id", "item", "--annotator", "coder")
    code, _, err = command("aggregate", data, *words, "-o", data)
    assert (code, data.read_bytes()) == (2, before)
    assert "would be overwritten" in err
    assert command("aggregate", data, *words, "-o", tmp_path / "gold.xlsx")[0] == 2
    assert command("audit", data, *words, "-o", data)[0] == 2
    assert data.read_bytes() == before


def test_labels_filled_in_are_not_lost_when_the_command_is_typed_again(command: Command, tmp_path: Path) -> None:
    data, gold, ties = _judged(tmp_path / "data.csv"), tmp_path / "gold.csv", tmp_path / "gold.ties.csv"
    words = ("--id", "item", "--annotator", "coder", "--ties", "review", "-o", gold)
    assert command("aggregate", data, *words)[0] == 0
    filled = [[*[*row.values()][:-1], "NA"] for row in _read(ties)]
    write_csv(ties, filled, ("id", "text", "votes", "rule", "label"))
    code, _, err = command("aggregate", data, *words)
    assert code == 73
    assert "--decisions" in err
    assert [row["label"] for row in _read(ties)] == ["NA"] * 4
    assert command("aggregate", data, *words, "--decisions", ties)[0] == 0
    assert [row["label"] for row in _read(ties)] == ["NA"] * 4


def test_a_split_leaves_what_it_did_not_write(command: Command, tmp_path: Path) -> None:
    data, parts = write_csv(tmp_path / "data.csv", labelled_rows(60)), tmp_path / "parts"
    parts.mkdir()
    (parts / "folds.csv").write_text("mine")
    (parts / "rejected.csv").write_text("mine, too")
    code, _, err = command("split", data, "--folds", 3, "-o", parts, "--overwrite")
    assert (code, "folds.csv" in err, "another folder" in err) == (73, True, True)
    assert sorted(path.name for path in parts.iterdir()) == ["folds.csv", "rejected.csv"]
    assert command("split", data, "-o", parts)[0] == 0
    assert (parts / "folds.csv").read_text() == "mine"
    code, _, err = command("split", parts / "train.csv", "--id", "id", "-o", parts, "--overwrite")
    assert (code, "would be overwritten" in err) == (2, True)


def test_decided_ties_of_an_earlier_split_are_not_thrown_away(command: Command, tmp_path: Path) -> None:
    data, parts = _judged(tmp_path / "data.csv"), tmp_path / "parts"
    words = ("--id", "item", "--annotator", "coder", "-o", parts, "--overwrite")
    assert command("split", data, *words, "--ties", "review")[0] == 0
    before = _read(parts / "ties.csv")
    write_csv(parts / "ties.csv", [[*[*row.values()][:-1], "NA"] for row in before], list(before[0]))
    plain = _judged(tmp_path / "plain.csv", ties=0)
    for source in (data, plain):
        code, _, err = command("split", source, *words)
        assert (code, "holds decisions" in err) == (73, True)
    assert command("split", data, *words, "--ties", "review", "--decisions", parts / "ties.csv")[0] == 0
    assert [row["label"] for row in _read(parts / "ties.csv")] == ["NA"] * 4
    (parts / "ties.csv").unlink()
    assert command("split", plain, *words)[0] == 0


@pytest.mark.parametrize("name", ["gold.csv", "gold.ties.csv", "gold.rejected.csv", "gold.json"])
def test_gold_labels_replace_only_what_they_wrote(name: str, command: Command, tmp_path: Path) -> None:
    data, gold = _judged(tmp_path / "data.csv"), tmp_path / "gold.csv"
    words = ("--id", "item", "--annotator", "coder", "-o", gold)
    (tmp_path / name).write_text('{"written_by": "me", "beside": []}')
    before = sorted(tmp_path.iterdir())
    code, _, err = command("aggregate", data, *words)
    assert (code, name in err, "choose another name with -o" in err) == (73, True, True)
    assert (sorted(tmp_path.iterdir()), (tmp_path / name).read_text()[:6]) == (before, '{"writ')
    (tmp_path / name).unlink()
    assert [command("aggregate", data, *words)[0] for _ in range(2)] == [0, 0]
    made = json.loads((tmp_path / "gold.json").read_text("utf-8"))["beside"]
    assert made == ["gold.csv", "gold.ties.csv"]
    assert command("aggregate", _judged(tmp_path / "plain.csv", ties=0), *words)[0] == 0
    assert not (tmp_path / "gold.ties.csv").exists()
    assert command("audit", gold, "-o", tmp_path / "gold.json")[0] == 73


def test_what_is_written_beside_is_no_input_either(command: Command, tmp_path: Path) -> None:
    data, coded = _judged(tmp_path / "gold.rejected.csv"), tmp_path / "coded.json"
    words = ("--id", "item", "--annotator", "coder")
    rows = [dict(zip(("text", "label"), row, strict=True)) for row in labelled_rows(12)]
    coded.write_text(json.dumps(rows), "utf-8")
    (tmp_path / "link.json").symlink_to(coded)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    for verb in (
        ("aggregate", data, *words, "-o", tmp_path / "gold.csv"),
        ("audit", coded, "-o", coded),
        ("audit", coded, "-o", tmp_path / "link.json"),
        ("audit", data, *words, "-o", tmp_path / "gold.json"),
        ("audit", coded, "--settings", tmp_path / "link.json", "-o", tmp_path / "link.json"),
    ):
        code, _, err = command(*verb)
        assert (code, "is read and would be overwritten" in err) == (2, True), err
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_an_audit_replaces_an_audit_and_nothing_else(command: Command, tmp_path: Path) -> None:
    data, told = write_csv(tmp_path / "data.csv", labelled_rows(60)), tmp_path / "audit.json"
    whole = data.read_text("utf-8")
    data.write_text(whole + "one,two,three\n", "utf-8")
    words = ("audit", data, "--on-bad-row", "quarantine", "-o", told)
    told.write_text('["rows of my own"]')
    assert (command(*words)[0], told.read_text()) == (73, '["rows of my own"]')
    told.unlink()
    assert [command(*words)[0] for _ in range(2)] == [0, 0]
    assert json.loads(told.read_text("utf-8"))["beside"] == ["audit.rejected.csv"]
    data.write_text(whole, "utf-8")
    assert command(*words)[0] == 0
    assert not (tmp_path / "audit.rejected.csv").exists()
