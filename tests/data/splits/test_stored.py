"""What a run folder keeps comes back as it was; what may be learned from holds nothing of the test texts."""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from classifine import durable
from classifine.data.splits.stored import learnable, stored_splits
from classifine.data.splits.storing import splits_table
from classifine.errors import FileMissing, RunRefused
from classifine.labels import LabelSpace
from classifine.runs import RunFolder, Source
from classifine.settings import Settings
from classifine.tables import LabelledTexts, Splits

TRAIN = LabelledTexts(
    ("1", "2", "3"), ("a sunny day", "rain all week", "snow at last"), ("fair", "foul", "foul"), (1, 2, 3)
)
VALIDATION = LabelledTexts(("4", "5"), ("not a cloud above", "hail on the roof"), ("fair", "foul"), (4, 5))
# one id is that of a training text, and one label occurs nowhere else
TEST = LabelledTexts(("1", "6"), ("fog until noon", "the ground shook"), ("foul", "quake"), (6, 7))


def kept(
    folder: Path, settings: Settings, *, separator: str | None = None, spoilt: bool = False, shuffled: bool = False
) -> RunFolder:
    """Give a run whose data stage is done; where wanted, with test rows that nobody may read, or in another order."""
    space = LabelSpace.of([*TRAIN.labels, *TEST.labels], positive=settings.data.positive, separator=separator)
    table = splits_table(Splits(TRAIN, VALIDATION, TEST, space))
    if shuffled:
        table = table.take(random.Random(3).sample(range(table.num_rows), table.num_rows))
    if spoilt:
        given = zip(table.column("text").to_pylist(), table.column("split").to_pylist(), strict=True)
        texts = pa.array(["unreadable" if part == "test" else text for text, part in given])
        table = table.set_column(table.column_names.index("text"), "text", texts)
    run = RunFolder(folder)
    run.begin([Source("data", "weather.csv", "1" * 64)], settings)
    durable.write_parquet(run.rows, table.drop_columns(["split"]))
    durable.write_parquet(run.splits, table.select(["id", "split"]))
    run.finish("data", [run.rows, run.splits], 0.1)
    return run


def test_all_parts_come_back_as_they_were(tmp_path: Path) -> None:
    settings = Settings().with_names({"positive": "quake"})
    found = stored_splits(kept(tmp_path / "run", settings), settings)
    assert (found.train, found.validation, found.test) == (TRAIN, VALIDATION, TEST)
    assert found.space == LabelSpace(("fair", "foul", "quake"), positive="quake")


@pytest.mark.parametrize("shuffled", [False, True])
def test_what_may_be_learned_from_holds_no_test_row_and_does_not_depend_on_one(tmp_path: Path, shuffled: bool) -> None:
    settings = Settings()
    whole, spoilt = (
        kept(tmp_path / name, settings, spoilt=name == "spoilt", shuffled=shuffled) for name in ("whole", "spoilt")
    )
    found = learnable(spoilt, settings)
    assert found == learnable(whole, settings)
    learned = [*found.train.texts, *found.validation.texts]
    assert sorted(learned) == sorted([*TRAIN.texts, *VALIDATION.texts])
    assert not len(found.test)
    assert not {"unreadable", *TEST.texts} & {*learned, *found.test.texts}
    # whoever reads the test rows is refused, so the line above is no accident
    with pytest.raises(RunRefused, match="do not say"):
        stored_splits(spoilt, settings)


def test_a_label_that_only_the_test_texts_have_is_known_and_may_be_the_positive_one(tmp_path: Path) -> None:
    settings = Settings().with_names({"positive": "quake", "label_order": ["fair", "foul", "quake"]})
    run = kept(tmp_path / "run", settings)
    assert learnable(run, settings).space == stored_splits(run, settings).space
    assert learnable(run, settings).space.positive == "quake"
    assert learnable(run, settings).space.order == ("fair", "foul", "quake")


def test_texts_with_several_labels_keep_what_separates_them(tmp_path: Path) -> None:
    settings = Settings().with_names({"multi_label": True, "label_separator": "|"})
    run = kept(tmp_path / "run", settings, separator="|")
    assert learnable(run, settings).space == stored_splits(run, settings).space
    assert learnable(run, settings).space.separator == "|"


@pytest.mark.parametrize("read", [stored_splits, learnable])
def test_a_row_that_was_changed_is_found_and_a_missing_stage_is_said(tmp_path: Path, read: object) -> None:
    assert callable(read)
    settings = Settings()
    run = RunFolder(tmp_path / "begun")
    run.begin([Source("data", "weather.csv", "1" * 64)], settings)
    with pytest.raises(FileMissing, match="no finished data stage"):
        read(run, settings)
    other = kept(tmp_path / "changed", settings)
    table = pq.read_table(other.rows)
    labels = pa.array(["foul", *table.column("label").to_pylist()[1:]])
    durable.write_parquet(other.rows, table.set_column(table.column_names.index("label"), "label", labels))
    other.finish("data", [other.rows, other.splits], 0.1)
    with pytest.raises(RunRefused, match="ids 1"):
        read(other, settings)
