"""Guesses: a reading is taken only where one language explains it and no other reading comes near."""

from __future__ import annotations

from pathlib import Path

import pytest

from classifine.data.files.guessing import CONFIDENT, guesses
from classifine.data.files.table_file import TableFile
from classifine.errors import FileUnreadable

GERMAN = (
    "Während der Übung saß Jörg müde im Café und grüßte fröhlich die Gäste.\n"
    "Die Straße führt über die Brücke, später durch ein Wäldchen zurück nach München.\n"
    "Natürlich könnte man für größere Wünsche jährlich Geld zurücklegen, schließlich zählt jede Münze.\n"
    "Köln, Düsseldorf und Nürnberg prüfen höhere Gebühren für Müll und Straßenbäume.\n"
)
RUSSIAN = (
    "Мутация добавляет новую генетическую вариацию, а отбор убирает её.\n"
    "Съёмка велась весной, и Москва выглядела непривычно тихой.\nЭто было давно, но люди помнят.\n"
)
POLISH = "Żółw źle się czuł, więc poszedł spać. Łódź leży w środkowej Polsce. Święta będą dłuższe niż zwykle.\n" * 2
CHINESE = "突变会添加新的基因变异，而选择则会从表达的基因变异池中把变异移除。我们的国家有很多人，他们在学习和工作。\n"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8-r"),
        (RUSSIAN, "cp866"),
        (POLISH, "cp1250"),
        (CHINESE, "gb18030"),
    ],
)
def test_plain_cases_are_taken_and_stated(tmp_path: Path, text: str, encoding: str) -> None:
    path = tmp_path / "a.csv"
    rows = [f'{n},"{line}"' for n, line in enumerate(text.splitlines())]
    path.write_bytes(("id,text\n" + "\n".join(rows) + "\n").encode(encoding))
    file = TableFile(path)
    assert [cell for block in file.blocks() for cell in block.columns["text"]] == text.splitlines()
    assert (file.detected.encoding_by, file.detected.encoding) == ("guessed", encoding)
    assert file.detected.confidence >= CONFIDENT


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "iso8859-15", "cp850", "mac-roman"])
def test_the_first_guess_is_right_for_german(encoding: str) -> None:
    sample = GERMAN.encode(encoding)
    assert sample.decode(guesses(sample)[0].encoding) == GERMAN


@pytest.mark.parametrize(
    "sample",
    [
        "Schröder".encode("cp1252"),
        RUSSIAN.upper().encode("cp1251"),
        RUSSIAN.upper().encode("koi8-r"),
        RUSSIAN.lower().encode("koi8-r"),
        bytes(range(128, 256)),
        "ความจริง ไม่มีใครรู้".encode("cp874"),
        b"\xff",
    ],
)
def test_what_cannot_be_told_is_not_taken(sample: bytes) -> None:
    found = guesses(sample)
    assert not found or found[0].confidence < CONFIDENT


def test_below_the_threshold_the_error_shows_the_readings(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("a,b\n1,Schröder\n".encode("cp1252"))
    with pytest.raises(FileUnreadable) as caught:
        TableFile(path)
    assert "--encoding cp1252 would read '1,Schröder'" in str(caught.value)


def test_damaged_utf8_is_not_guessed_at(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"a,b\n" + "1,später\n".encode() * 50 + b"2,sp\xe4t\n")
    with pytest.raises(FileUnreadable, match="most of the file is UTF-8"):
        TableFile(path)
    file = TableFile(path, on_bad_row="quarantine")
    assert sum(len(block) for block in file.blocks()) == 50
    (rejected,) = file.rejected
    assert (rejected.row, rejected.line, rejected.reason, rejected.content) == (51, 52, "not Unicode", r"2,sp\xe4t")
    assert file.detected.encoding_by == "most bytes fit UTF-8"


def test_utf16_without_a_mark(tmp_path: Path) -> None:
    for ending in ("le", "be"):
        path = tmp_path / f"{ending}.csv"
        path.write_bytes(("text,label\n" + "Guten Tag,ja\n" * 20).encode(f"utf-16-{ending}"))
        file = TableFile(path)
        assert next(file.blocks()).columns["text"] == ["Guten Tag"] * 20
        assert (file.detected.encoding, file.detected.encoding_by) == (f"utf-16-{ending}", "guessed")
        path.write_bytes(("text,label\n" + CHINESE * 3).encode(f"utf-16-{ending}"))
        assert TableFile(path).detected.encoding == f"utf-16-{ending}"


def test_a_named_encoding_that_the_bytes_contradict_is_said(tmp_path: Path) -> None:
    path = tmp_path / "posts.csv"
    told = {}
    for encoding in ("utf-8", "cp1252"):
        path.write_text("text,label\nGrüße,a\n", encoding)
        told[encoding] = TableFile(path, encoding="cp1252").detected.encoding_by
    assert told == {"utf-8": "named, though every byte fits UTF-8", "cp1252": "named"}
