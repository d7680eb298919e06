"""Files of labels: a map or a list, verbatim, and never the first pair lost as a header."""

from __future__ import annotations

from pathlib import Path

import pytest

from classifine.data.rows.label_files import read_label_list, read_label_map, read_parents
from classifine.errors import FileMissing, FileUnreadable, SettingsProblem

MAP = {"01.10": "cereals, rice", "é\n": "</script>", "NA": "1.0"}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", 'code,name\n01.10,"cereals, rice"\n"é\n",</script>\nNA,1.0\n'),
        ("a.csv", '\ufeffOld,New\r\n01.10,"cereals, rice"\r\n"é\n",</script>\r\nNA,1.0\r\n'),
        ("a.tsv", 'label\tname\n01.10\tcereals, rice\n"é\n"\t</script>\nNA\t1.0\n'),
        ("a.json", '{"01.10": "cereals, rice", "é\\n": "</script>", "NA": "1.0"}'),
        ("a.toml", '"01.10" = "cereals, rice"\n"é\\n" = "</script>"\nNA = "1.0"\n'),
    ],
)
def test_maps_are_read_verbatim(tmp_path: Path, name: str, content: str) -> None:
    path = tmp_path / name
    path.write_bytes(content.encode())
    assert read_label_map(path) == MAP


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", "0,no\n1,yes\n", "a first line that names them: old,new"),
        ("a.csv", "old,new,note\n0,no,x\n", "'old', 'new', 'note'"),
        ("a.csv", "old,new\n0,no\n0,yes\n", "twice: '0'"),
        ("a.csv", "old,new\n0,\n1,yes\n", "a blank label: '0': ''"),
        ("a.json", '{"a": "b", "a": "c"}', "twice: 'a'"),
        ("a.json", '{"a": 1}', "'a': 1"),
        ("a.json", '["a"]', "one object"),
        ("a.json", "{", "sound JSON"),
        ("a.toml", "a = 1\n", "text on both sides"),
        ("a.toml", "a = \n", "sound TOML"),
        ("a.txt", "a b\n", "ends in '.txt'"),
    ],
)
def test_what_is_no_map_is_refused_in_words(tmp_path: Path, name: str, content: str, words: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(SettingsProblem, match="does not hold a map of labels") as caught:
        read_label_map(path)
    assert words in str(caught.value)


def test_a_map_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileMissing, match="there is no file"):
        read_label_map(tmp_path / "absent.csv")


def test_lists_come_from_words_and_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.txt").write_bytes("yes, of course\r\n\r\n no\nx\u2028y\n".encode())
    Path("b.csv").write_text('label\n"p,q"\n')
    Path("c.json").write_text('["r"]')
    assert read_label_list(["a.txt", "b.csv", "c.json", "plain, word"]) == (
        "yes, of course", " no", "x\u2028y", "p,q", "r", "plain, word",
    )  # fmt: skip
    assert read_label_list(["absent.txt", "x\0.txt"]) == ("absent.txt", "x\0.txt")
    with pytest.raises(SettingsProblem, match="1 label is named twice: 'r'"):
        read_label_list(["c.json", "r"])
    for name, content, words in (
        ("d.csv", "yes\nno\n", "'yes'"),
        ("e.json", '["a", 1]', "text in quotes"),
        ("f.json", '{"a": "b"}', "an array of text"),
        ("g.txt", "\n", "no label"),
    ):
        Path(name).write_text(content)
        with pytest.raises(SettingsProblem, match="does not hold a list of labels") as caught:
            read_label_list([name])
        assert words in str(caught.value)
    Path("h.txt").write_bytes(b"\xff")
    with pytest.raises(SettingsProblem, match="not UTF-8"):
        read_label_list(["h.txt"])


def test_a_map_as_excel_leaves_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    path.write_text("code;name;;\n1;ja;;\n0;nein;;\n;;;\n", "utf-8-sig")
    assert read_label_map(path) == {"1": "ja", "0": "nein"}


def test_a_map_in_another_code_page_is_to_be_saved_as_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    path.write_text("code;name\n1;Übergriff\n", "cp1252")
    with pytest.raises(FileUnreadable, match="not UTF-8") as refused:
        read_label_map(path)
    assert "save codes.csv as UTF-8" in str(refused.value)
    assert "--encoding" not in str(refused.value)


def test_parents_come_from_two_columns_or_more(tmp_path: Path) -> None:
    narrow = tmp_path / "narrow.csv"
    narrow.write_text("label,parent\n011,01\n012,01\n01,A\nA,\n", "utf-8")
    wide = tmp_path / "wide.tsv"
    wide.write_text("code\tdivision\tsection\n011\t01\tA\n012\t01\tA\n", "utf-8")
    holes = tmp_path / "holes.csv"
    holes.write_text("label,group,division\n011,,01\n012,,01\n01,A,\n", "utf-8")
    written = tmp_path / "parents.json"
    written.write_text('{"011": "01", "012": "01", "01": "A", "A": ""}', "utf-8")
    wanted = {"011": "01", "012": "01", "01": "A", "A": ""}
    for path in (narrow, wide, holes, written):
        assert read_parents(path) == wanted, path


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.csv", "label,parent\n011,01\n011,02\n", "two parents: '011' below '01' and, row 2, below '02'"),
        ("a.csv", "011,01\n012,01\n", "the first line '011', '012'|the first line '011', '01'"),
        ("a.csv", "label\n011\n", "the first line 'label'"),
        ("a.csv", "label,parent\n,01\n", "a blank label, rows 1"),
        ("a.json", '{"a": 1}', "'a': 1"),
        ("a.toml", 'a = "b"\na = "c"\n', "sound TOML"),
        ("a.json", '{"a": "b", "a": "c"}', "two parents"),
        ("a.xlsx", "", "ends in '.xlsx'"),
    ],
)
def test_what_is_no_map_of_parents_is_refused(name: str, text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(SettingsProblem, match=words):
        read_parents(tmp_path / name)
