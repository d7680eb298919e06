from __future__ import annotations

import json
from pathlib import Path

import pytest

from classifine.data.beside import Record
from classifine.errors import RunRefused


def _written(path: Path, *beside: str, verb: str = "split") -> Record:
    record = Record(path, verb)
    path.write_text(json.dumps(record.entries([Path(name) for name in beside])))
    return record


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b"[]",
        b"\xff{}",
        b"[" * 100_000,
        b'{"beside": ["a.csv"]}',
        b'{"written_by": "classifine split", "beside": {"a.csv": 1}}',
        b'{"written_by": "classifine audit", "beside": ["a.csv"]}',
    ],
)
def test_what_is_no_record_of_the_command_lists_nothing(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "split.json"
    if content is not None:
        path.write_bytes(content)
    record, other = Record(path, "split"), tmp_path / "a.csv"
    assert record.listed() is None
    other.touch()
    with pytest.raises(RunRefused, match="would be overwritten") as refused:
        record.refuse_foreign([other], cure="write elsewhere")
    assert refused.value.found == ("a.csv" if content is None else "a.csv, split.json")
    record.remove_left([other], [])
    assert other.exists()


def test_only_names_that_the_command_knows_are_ever_removed(tmp_path: Path) -> None:
    names = [tmp_path / name for name in ("a.csv", "b.csv", "c.csv", "mine.csv")]
    record = _written(tmp_path / "split.json", *(path.name for path in names), "../mine.csv")
    for path in names[:2] + names[3:]:
        path.touch()
    record.refuse_foreign(names, cure="")
    assert record.left(names[:3], names[:1]) == names[1:2]
    record.remove_left(names[:3], names[:1])
    assert [path.exists() for path in names] == [True, False, False, True]
