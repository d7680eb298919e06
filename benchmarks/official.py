"""The benchmark data sets of the folder CLASSIFINE_DATA names, as splits: their own files, and subsets of them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

from classifine.data.rows.reading import read_labelled
from classifine.data.splits.splitting import divide
from classifine.settings import Settings
from classifine.tables import LabelledTexts, Splits


def folder() -> Path:
    """Give the folder of benchmark data."""
    if "CLASSIFINE_DATA" not in os.environ:
        sys.exit("set CLASSIFINE_DATA to the folder of benchmark data")
    return Path(os.environ["CLASSIFINE_DATA"])


def subset(table: LabelledTexts, rows: int, seed: int) -> LabelledTexts:
    """Draw rows so that each label keeps its share."""
    rng = np.random.default_rng(seed)
    if rows >= len(table):
        return table
    labels = np.array(table.labels)
    drawn: list[int] = []
    for name in np.unique(labels):
        places = np.flatnonzero(labels == name)
        drawn += rng.permutation(places)[: round(rows * len(places) / len(labels))].tolist()
    return table.take(sorted(drawn))


def one_label(table: LabelledTexts) -> LabelledTexts:
    """Keep the texts whose cell holds one label; only goemotions has others."""
    return table.take([place for place, cell in enumerate(table.labels) if "|" not in cell])


def official(name: str, rows: int, seed: int, *, test_rows: int = sys.maxsize) -> Splits:
    """Read a data set's own files; validation is cut from train where there is none."""
    tables = {}
    for part in ("train", "val", "test"):
        path = folder() / name / f"{part}.csv"
        tables[part] = one_label(read_labelled(path, Settings().data).table) if path.exists() else None
    train, validation, test = tables["train"], tables["val"], tables["test"]
    assert train is not None
    return divide(
        subset(train, rows, seed),
        subset(validation, max(500, rows // 3), seed) if validation else None,
        subset(test, test_rows, seed) if test else None,
        validation_size=0.2,
        test_size=0.2,
        seed=seed,
    ).splits
