from __future__ import annotations

import csv
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from classifine.data.splits.contamination import IDENTICAL, NEAR, NORMALISED, SAME_GROUP, SAME_ID, contamination
from classifine.data.splits.splitting import divide
from classifine.errors import Contaminated
from classifine.labels import LabelSpace
from classifine.tables import LabelledTexts, Splits

_LONG = "the committee decided yesterday evening to postpone the vote on the new budget"


def _table(texts: list[str], *, prefix: str = "p", groups: list[str] | None = None) -> LabelledTexts:
    names = tuple(f"{prefix}{i}" for i in range(len(texts)))
    rows = tuple(range(1, len(texts) + 1))
    return LabelledTexts(names, tuple(texts), ("yes",) * len(texts), rows, groups=tuple(groups) if groups else None)


def _splits(train: LabelledTexts, validation: LabelledTexts, test: LabelledTexts) -> Splits:
    return Splits(train, validation, test, LabelSpace(("no", "yes")))


def _texts(n: int) -> list[str]:
    words = ["river", "budget", "concert", "football", "harvest", "library", "engine", "winter", "garden", "school"]
    return [" ".join(f"{words[(i * 7 + k * (i // 10 + 1)) % 10]}{i * 31 + k}" for k in range(6)) for i in range(n)]


def test_every_kind_is_found_and_counted_once() -> None:
    texts = _texts(20)
    train = _table([_LONG, *texts[:9]], prefix="a", groups=["u", *"bcdefghij"])
    validation = _table([texts[10], texts[11]], prefix="b", groups=["x", "y"])
    said = [_LONG, _LONG.upper(), _LONG + "!!", texts[10], texts[15], texts[16], texts[17]]
    test = _table(said, prefix="c", groups=[*"mnopqur"])
    test = replace(test, ids=(*test.ids[:5], "a3", "c6"))
    found = contamination(_splits(train, validation, test))
    against_train, against_validation, between = found.shared
    assert against_train.counts() == {SAME_ID: 1, SAME_GROUP: 1, IDENTICAL: 1, NORMALISED: 1, NEAR: 1}
    assert against_train.positions == {
        SAME_ID: (5,),
        SAME_GROUP: (5,),
        IDENTICAL: (0,),
        NORMALISED: (1,),
        NEAR: (2,),
    }
    assert against_validation.counts() == {IDENTICAL: 1}
    assert (against_validation.part, against_validation.against) == ("test", "validation")
    assert between.counts() == {}
    assert found.clean == (4, 6)
    assert (found.seen, found.share) == (5, 5 / 7)
    assert found.of_test(IDENTICAL) == (0, 3)


def test_validation_rows_in_train_are_counted_but_do_not_refuse() -> None:
    texts = _texts(12)
    validation, test = _table(texts[4:8], prefix="b"), _table(texts[8:], prefix="c")
    found = contamination(_splits(_table(texts[:6], prefix="a"), validation, test))
    assert found.shared[2].counts() == {IDENTICAL: 2}
    assert found.clean == (0, 1, 2, 3)
    found.refuse(0)
    (warning,) = found.warnings()
    assert warning == "validation against train, of 4 rows: identical text 2 (validation rows 1, 2)"


def _mistaken_double_split(*, named: bool) -> tuple[Splits, int]:
    """Do what a published tutorial does: split the full table twice, so that test lies inside validation."""
    texts = np.array(_texts(1388))
    labels = np.array(["yes"] * 270 + ["no"] * 1118)
    rows = np.arange(1388)
    chosen = {"random_state": 5460, "stratify": labels}
    train, validation = train_test_split(rows, test_size=0.25, **chosen)
    _, test = train_test_split(rows, test_size=0.2, **chosen)
    parts = []
    for role, places in (("train", train), ("validation", validation), ("test", test)):
        names = [f"id{place}" if named else f"{role}:{number}" for number, place in enumerate(places)]
        table = LabelledTexts(
            tuple(names), tuple(texts[places].tolist()), tuple(labels[places].tolist()), tuple((places + 1).tolist())
        )
        parts.append(table)
    return _splits(*parts), len(set(test) & set(validation))


@pytest.mark.parametrize("named", [True, False])
def test_a_mistaken_double_split_is_refused_with_all_its_rows_counted(named: bool) -> None:
    splits, inside = _mistaken_double_split(named=named)
    assert (len(splits.train), len(splits.validation), len(splits.test), inside) == (1041, 347, 278, 278)
    found = contamination(splits, named_ids=named)
    assert found.shared[1].counts() == ({SAME_ID: 278} if named else {}) | {IDENTICAL: 278}
    assert found.shared[0].counts() == {}
    assert (found.share, found.clean) == (1.0, ())
    with pytest.raises(Contaminated) as refused:
        found.refuse(0.01)
    said = str(refused.value)
    assert "278 of 278 test rows share an id, a group or a text" in said
    assert "identical text 278" in said
    assert "test against validation, of 278 rows" in said
    for cure in ("remove", "classifine split", "--group", "--allow-contaminated", "no clean rows"):
        assert cure in said
    assert refused.value.exit_code == 1


def test_few_identical_texts_are_warned_and_more_refused() -> None:
    texts = _texts(300)
    train, validation = _table(texts[:100], prefix="a"), _table(texts[100:110], prefix="b")
    two = contamination(_splits(train, validation, _table([*texts[110:298], *texts[:2]], prefix="c")))
    assert not two.refused(0.02)
    two.refuse(0.02)
    assert two.refused(0.01)
    assert two.warnings() == ("test against train, of 190 rows: identical text 2 (test rows 189, 190)",)
    (known,) = {len(one.positions[IDENTICAL]) for one in two.shared[:1]}
    assert not two.refused(known / 190)


def test_normalised_and_near_texts_never_refuse() -> None:
    train, test = _table([_LONG], prefix="a"), _table([_LONG.upper(), _LONG + "!!"], prefix="c")
    found = contamination(_splits(train, _table(_texts(2), prefix="b"), test))
    assert found.clean == ()
    found.refuse(0)
    assert "identical after normalising 1, near-duplicate 1" in found.warnings()[0]


@pytest.mark.parametrize("kind", [SAME_ID, SAME_GROUP])
def test_one_shared_id_or_group_is_too_many(kind: str) -> None:
    texts = _texts(30)
    groups = [f"g{i}" for i in range(30)]
    test = _table(texts[20:], prefix="c", groups=groups[20:])
    test = replace(test, ids=("b0", *test.ids[1:])) if kind == SAME_ID else replace(test, groups=("g15", *groups[21:]))
    splits = _splits(
        _table(texts[:10], prefix="a", groups=groups[:10]), _table(texts[10:20], prefix="b", groups=groups[10:20]), test
    )
    found = contamination(splits)
    assert found.shared[1].counts() == {kind: 1}
    with pytest.raises(Contaminated, match=f"{kind} 1"):
        found.refuse(1)


def test_row_numbers_are_no_ids_and_blank_groups_are_none() -> None:
    texts = _texts(6)
    parts = [_table(texts[start : start + 2], groups=["", " "]) for start in (0, 2, 4)]
    assert contamination(_splits(*parts), named_ids=False).seen == 0
    assert contamination(_splits(*parts)).shared[0].counts() == {SAME_ID: 2}


def test_ids_that_were_told_apart_are_compared_as_they_stood() -> None:
    texts = _texts(40)
    train = replace(_table(texts[:20]), labels=("yes", "no") * 10)
    test = replace(_table(texts[20:30]), ids=tuple(f"p{i}" for i in range(15, 25)))
    division = divide(train, None, test, seed=0)
    assert division.notes.told_apart
    assert contamination(division.splits).of_test(SAME_ID) == ()
    assert contamination(division.splits, told_apart=True).of_test(SAME_ID) == (0, 1, 2, 3, 4)


def test_what_we_divide_is_clean() -> None:
    texts = [*_texts(60), *_texts(20)]
    table = replace(_table(texts), labels=("yes", "no") * 40)
    found = contamination(divide(table, seed=0).splits)
    assert not any(one.counts() for one in found.shared)
    assert found.share == 0
    assert found.warnings() == ()


def test_an_empty_test_table_is_clean() -> None:
    found = contamination(_splits(_table(_texts(3)), _table([], prefix="b"), _table([], prefix="c")))
    assert (found.share, found.clean, found.seen) == (0.0, (), 0)
    found.refuse(0)


def test_findings_become_plain_json() -> None:
    splits, _ = _mistaken_double_split(named=True)
    told = contamination(splits).to_dict()
    assert json.loads(json.dumps(told)) == told
    assert (told["test_rows"], told["clean"], told["share"]) == (278, 0, 1.0)
    kinds = told["shared"][1]["kinds"]
    assert kinds[SAME_ID]["count"] == len(kinds[SAME_ID]["ids"]) == len(kinds[SAME_ID]["rows"]) == 278


def test_the_official_files_of_convabuse_share_143_of_822_test_texts_with_train() -> None:
    if "CLASSIFINE_DATA" not in os.environ:
        pytest.skip("CLASSIFINE_DATA does not name the folder of benchmark data")
    folder = Path(os.environ["CLASSIFINE_DATA"]) / "convabuse"
    parts = []
    for name in ("train", "val", "test"):
        with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        texts, labels = [row["text"] for row in rows], [row["label"] for row in rows]
        parts.append(replace(_table(texts, prefix=name), labels=tuple(labels)))
    found = contamination(_splits(*parts), named_ids=False)
    assert (found.test_rows, len(found.shared[0].positions[IDENTICAL])) == (822, 143)
    with pytest.raises(Contaminated, match=r"511 of 822 test rows share .*\n.*test rows .* in train; test rows .*"):
        found.refuse(0.01)
