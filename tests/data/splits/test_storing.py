from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifine import durable
from classifine.data.splits.splitting import divide
from classifine.data.splits.storing import beside_parts, digest_of_row, splits_from_table, splits_table, write_splits
from classifine.errors import DiscError, RunRefused
from classifine.labels import LabelSpace
from classifine.tables import LabelledTexts, Splits

_WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def _table(n: int = 30) -> LabelledTexts:
    names = tuple(f"p{i}" for i in range(n))
    texts = tuple(f'text {i}, "said"\r\nso' for i in range(n))
    return LabelledTexts(names, texts, ("yes", "no") * (n // 2), tuple(range(1, n + 1)))


@st.composite
def _splits(draw: st.DrawFn) -> Splits:
    ids = draw(st.lists(_WORDS, min_size=3, max_size=9, unique=True))
    n = len(ids)

    def column() -> tuple[str, ...]:
        return tuple(draw(st.lists(_WORDS, min_size=n, max_size=n)))

    def maybe() -> tuple[str, ...] | None:
        return column() if draw(st.booleans()) else None

    shares = st.dictionaries(_WORDS, st.floats(0, 1), max_size=3)
    soft = tuple(draw(st.lists(shares, min_size=n, max_size=n))) if draw(st.booleans()) else None
    labels = tuple(draw(st.lists(_WORDS.filter(str.strip), min_size=n, max_size=n)))
    cells = st.fixed_dictionaries({"platform": _WORDS, "text": _WORDS})
    further = tuple(draw(st.lists(cells, min_size=n, max_size=n))) if draw(st.booleans()) else None
    whole = replace(
        LabelledTexts(tuple(ids), column(), labels, tuple(range(n)), groups=maybe(), times=maybe(), soft=soft),
        further=further,
    )
    places = draw(st.lists(st.integers(0, 2), min_size=n, max_size=n))
    parts = [whole.take([row for row, place in enumerate(places) if place == part]) for part in range(3)]
    separator = draw(st.sampled_from([None, "|"]))
    return Splits(parts[0], parts[1], parts[2], LabelSpace.of(labels, separator=separator))


@settings(deadline=None)
@given(_splits())
def test_splits_become_an_arrow_table_and_come_back(splits: Splits) -> None:
    stored = splits_table(splits)
    assert splits_from_table(stored, separator=splits.space.separator) == splits
    assert [str(field.type) for field in stored.schema if field.name != "row"] == ["string"] * (stored.num_columns - 1)


def test_columns_to_slice_by_stand_in_the_csv_files(tmp_path: Path) -> None:
    further = tuple({"platform": f"p{row % 3}", "row": "own"} for row in range(30))
    write_splits(tmp_path, divide(replace(_table(), further=further), seed=1).splits, seed=1)
    with (tmp_path / "test.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert rows
    for row in rows:
        assert row["platform"] == f"p{(int(row['row']) - 1) % 3}"
        assert row["slice row"] == "own"


def test_the_columns_of_a_stored_table() -> None:
    table = replace(_table(), groups=("g",) * 30, times=("2024",) * 30, soft=({"yes": 1.0},) * 30)
    splits = Splits(
        table.take(range(20)), table.take(range(20, 25)), table.take(range(25, 30)), LabelSpace(("no", "yes"))
    )
    names = ["id", "text", "label", "row", "group", "time", "soft", "content", "split"]
    assert splits_table(splits).column_names == names
    plain = divide(_table(), seed=0, positive="yes").splits
    assert splits_table(plain).column_names == ["id", "text", "label", "row", "content", "split"]
    assert splits_from_table(splits_table(plain), positive="yes") == plain


def test_a_column_that_only_some_parts_have_is_left_out() -> None:
    table = replace(_table(), groups=("g",) * 30)
    nothing = LabelledTexts((), (), (), ())
    plain = replace(table.take(range(20, 30)), groups=None)
    space = LabelSpace(("no", "yes"))
    assert "group" in splits_table(Splits(table, nothing, nothing, space)).column_names
    stored = splits_table(Splits(table.take(range(20)), nothing, plain, space))
    assert "group" not in stored.column_names
    assert splits_from_table(stored).train == replace(table.take(range(20)), groups=None)


def test_the_digest_of_a_row_can_be_computed_elsewhere() -> None:
    whole = "1:a4:é3:yes".replace("4:é", "2:é").encode()
    assert digest_of_row("é", "yes", "a", None) == hashlib.blake2b(whole, digest_size=8).hexdigest()
    with_group = whole + b"0:"
    assert digest_of_row("é", "yes", "a", "") == hashlib.blake2b(with_group, digest_size=8).hexdigest()


def test_cells_that_flow_into_each_other_have_other_digests() -> None:
    rows = [
        ("ab", "c", "d", None),
        ("a", "bc", "d", None),
        ("ab", "c", "", "d"),
        ("ab", "c", "d", ""),
        ("c", "ab", "d", None),
    ]
    assert len({digest_of_row(*row) for row in rows}) == len(rows)


@pytest.mark.parametrize("column", ["id", "text", "label", "group", "content"])
def test_a_stored_row_that_was_changed_is_named(column: str) -> None:
    table = replace(_table(), groups=tuple(f"g{i}" for i in range(30)))
    stored = splits_table(divide(table, seed=0).splits)
    cells = stored.column(column).to_pylist()
    cells[3] += "x"
    changed = stored.set_column(stored.column_names.index(column), column, pa.array(cells, pa.string()))
    name = changed.column("id")[3].as_py()
    with pytest.raises(RunRefused) as refused:
        splits_from_table(changed)
    assert "1 stored row does not say what it said" in str(refused.value)
    assert f"ids {name}" in str(refused.value)


def test_rows_without_digests_are_refused() -> None:
    stored = splits_table(divide(_table(), seed=0).splits).drop_columns(["content"])
    with pytest.raises(RunRefused, match="have no digests"):
        splits_from_table(stored)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_written_splits_hold_every_row_and_how_they_came_about(tmp_path: Path) -> None:
    table = replace(_table(), groups=tuple(f"g{i // 2}" for i in range(30)))
    division = divide(table, seed=3)
    made = write_splits(tmp_path / "parts", division.splits, seed=3, notes=division.notes.to_dict())
    assert [path.name for path in made] == ["train.csv", "validation.csv", "test.csv", "split.json"]
    about = json.loads(made[3].read_text("utf-8"))
    assert (about["seed"], about["labels"]["names"]) == (3, ["no", "yes"])
    assert about["notes"] == division.notes.to_dict()
    for path, (name, part) in zip(made, division.splits.items(), strict=False):
        rows = _rows(path)
        assert list(rows[0]) == ["id", "text", "label", "group", "row"]
        assert tuple(row["text"] for row in rows) == part.texts
        assert tuple(int(row["row"]) for row in rows) == part.rows
        said = about["splits"][name]
        assert (said["rows"], said["sha256"]) == (len(part), durable.sha256(path))
        assert sum(said["labels"].values()) == len(part)


def test_another_split_is_not_overwritten_unless_told(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("stays")
    write_splits(tmp_path, divide(_table(), seed=0).splits, seed=0)
    before = (tmp_path / "test.csv").read_bytes()
    write_splits(tmp_path, divide(_table(), seed=0).splits, seed=0)
    with pytest.raises(RunRefused, match="holds another split"):
        write_splits(tmp_path, divide(_table(), seed=1).splits, seed=1)
    assert (tmp_path / "test.csv").read_bytes() == before
    write_splits(tmp_path, divide(_table(), seed=1).splits, seed=1, overwrite=True)
    assert (tmp_path / "test.csv").read_bytes() != before
    assert (tmp_path / "mine.txt").read_text() == "stays"


def test_an_interrupted_write_is_finished_by_the_same_command(tmp_path: Path) -> None:
    splits = divide(_table(), seed=0).splits
    write_splits(tmp_path, splits, seed=0)
    (tmp_path / "split.json").unlink()
    (tmp_path / "test.csv").unlink()
    assert all(path.is_file() for path in write_splits(tmp_path, splits, seed=0))


def test_a_file_of_somebody_else_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("text,label\n")
    with pytest.raises(RunRefused, match=r"train\.csv"):
        write_splits(tmp_path, divide(_table(), seed=0).splits, seed=0)
    assert [path.name for path in tmp_path.iterdir()] == ["train.csv"]


def _with(*names: str) -> dict[str, Callable[[Path], None]]:
    return {name: lambda path: durable.write_text(path, "ours\n") for name in names}


def test_what_stands_beside_the_parts_goes_with_them(tmp_path: Path) -> None:
    first, second = divide(_table(), seed=0).splits, divide(_table(), seed=1).splits
    made = write_splits(tmp_path, first, seed=0, beside=_with("folds.csv", "rejected.csv"))
    assert [path.name for path in made[3:]] == ["split.json", "folds.csv", "rejected.csv"]
    assert beside_parts(tmp_path) == {"folds.csv", "rejected.csv"}
    write_splits(tmp_path, first, seed=0, beside=_with("folds.csv", "rejected.csv"))
    with pytest.raises(RunRefused) as refused:
        write_splits(tmp_path, first, seed=0, beside=_with("rejected.csv"))
    assert (refused.value.found, "--overwrite" in str(refused.value)) == ("folds.csv beside it", True)
    assert (tmp_path / "folds.csv").is_file()
    (tmp_path / "ties.csv").write_text("mine")
    write_splits(tmp_path, second, seed=1, beside=_with("rejected.csv"), overwrite=True)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"train.csv", "validation.csv", "test.csv", "split.json", "rejected.csv", "ties.csv"}
    assert (tmp_path / "ties.csv").read_text() == "mine"


@pytest.mark.parametrize("name", ["train.csv", "split.json", "folds.csv"])
def test_no_word_lets_a_split_replace_what_no_split_wrote(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text('{"of": "somebody else"}')
    with pytest.raises(RunRefused, match="nothing says that `classifine split` wrote it") as refused:
        write_splits(tmp_path, divide(_table(), seed=0).splits, seed=0, beside=_with("folds.csv"), overwrite=True)
    assert (refused.value.where, refused.value.found) == (str(tmp_path), name)
    assert [path.read_text() for path in tmp_path.iterdir()] == ['{"of": "somebody else"}']


def test_a_split_that_stopped_beside_its_parts_goes_on(tmp_path: Path) -> None:
    def full(_: Path) -> None:
        raise DiscError("no space")

    splits = divide(_table(), seed=0).splits
    with pytest.raises(DiscError):
        write_splits(tmp_path, splits, seed=0, beside={**_with("folds.csv"), "ties.csv": full})
    write_splits(tmp_path, splits, seed=0, beside=_with("folds.csv", "ties.csv"))
    assert (tmp_path / "ties.csv").is_file()


def test_ten_thousands_of_rows_are_written_in_pieces(tmp_path: Path) -> None:
    names = tuple(f"p{i}" for i in range(25_000))
    whole = LabelledTexts(names, names, ("yes", "no") * 12_500, tuple(range(1, 25_001)))
    nothing = LabelledTexts((), (), (), ())
    write_splits(tmp_path, Splits(whole, nothing, nothing, LabelSpace(("no", "yes"))), seed=0)
    assert [row["id"] for row in _rows(tmp_path / "train.csv")] == list(names)
    assert _rows(tmp_path / "test.csv") == []
