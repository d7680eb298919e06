from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from classifine.preparation import examine
from classifine.reporting.render import render
from classifine.reporting.summary import summarise
from classifine.reporting.wording import percent, score
from classifine.runs import RunFolder
from classifine.settings import Settings
from classifine.sources import DataFiles

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
HOSTILE = (
    "</script><script>document.title='pwned'</script>",
    "\"'><svg/onload=alert(1)>",
    "abc\u202eevil\u200b",
    "عربي ותווית",
    "{{ 7 * 7 }}{% raw %}",
    "W" * 300,
    "\u202e\u202e\u2066 田中さんにあげて下さい",
)


class Text(HTMLParser):
    """The words of a page, and how many of each tag there are; every tag must close."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.counts: dict[str, int] = {}
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not any(name.startswith("on") for name, _ in attrs)
        self.counts[tag] = self.counts.get(tag, 0) + 1
        if tag != "meta":
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def plain(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.words))


def _section(run: RunFolder) -> str:
    html = render(summarise(run))
    return html[html.index('<section id="data">') : html.index('<section id="training">')]


def _section_of(run: RunFolder, audit: dict[str, Any]) -> str:
    run.audit.write_text(json.dumps(audit), "utf-8")
    return _section(run)


def _shown(run: RunFolder, audit: dict[str, Any]) -> str:
    return Text(_section_of(run, audit)).plain


@pytest.fixture
def run(build: Any) -> RunFolder:
    folder: RunFolder = build(("no", "yes"))
    return folder


def test_what_was_read_joined_and_renamed_is_said(run: RunFolder, audit: dict[str, Any]) -> None:
    text = _shown(run, audit)
    told = [
        *("labels.csv 183 text table utf-8 (every byte fits UTF-8) semicolon (found)", "texts.csv 60 text table"),
        *("used171", "left out: no text for this id2181, 182", "rejected: extra cell1183", "rows in183"),
        *("labels182180", "2t99, t98", "texts60600–", "quarantine/rows.csv"),
        "anamedApple",
    ]
    squeezed = text.replace(" ", "")
    assert [words for words in told if words.replace(" ", "") not in squeezed] == []
    assert "warning180 of 182 rows of labels found a text" in text.replace("! warning ", "! warning").replace("  ", " ")


def test_a_guess_stands_out_and_a_certainty_does_not(run: RunFolder, audit: dict[str, Any]) -> None:
    assert "guessed" not in _shown(run, audit)
    audit["detected"][0] |= {"encoding": "cp1252", "encoding_by": "guessed", "confidence": 0.7312}
    audit["repairs"] = ["2 texts held a byte order mark, which was taken out"]
    text = _shown(run, audit)
    assert '<strong class="stamp">guessed, confidence 73.1 %</strong>' in _section(run)
    assert "A guessed encoding may turn letters into others" in text
    assert "2 texts held a byte order mark" in text


def test_agreement_is_shown_as_it_is_stored(run: RunFolder, audit: dict[str, Any]) -> None:
    text, told = _shown(run, audit), audit["annotation"]
    for words, name in (
        ("percent agreement", "percent"),
        ("Krippendorff’s alpha", "alpha"),
        ("Fleiss’ kappa", "fleiss"),
    ):
        measure = told["measures"][name]
        low, high = score(measure["low"]), score(measure["high"])
        assert f"{words}{score(measure['value'])}95 % interval {low}–{high}" in text
    assert f"nominal scale, {told['measures']['alpha']['items']} items" in text
    for line in told["by_annotator"]:
        name, kappa = line["annotator"], line["kappa"]
        assert (
            f"{name}{line['judgements']}{score(line['with_majority'])} {score(line['low'])}–{score(line['high'])}"
            f"{score(kappa['value'])} {score(kappa['low'])}–{score(kappa['high'])}"
        ) in text
    for line in told["by_label"]:
        assert f"{line['label']}: {score(line['value'])} (95 % interval {score(line['low'])} to" in text
    for pair in told["pairs"]:
        assert f"{''.join(pair['annotators'])}{pair['items']}{score(pair['percent']['value'])}" in text


def test_who_agrees_least_comes_first(run: RunFolder, audit: dict[str, Any]) -> None:
    run.audit.write_text(json.dumps(audit), "utf-8")
    annotation = _annotation(run)
    shares = [line.with_majority.value for line in annotation.by_annotator]
    alphas = [alpha.value for _, alpha in annotation.by_label]
    assert shares == sorted(shares)
    assert alphas == sorted(alphas)
    assert len(set(alphas)) > 1


def _annotation(run: RunFolder) -> Any:
    found = summarise(run).audit
    assert found is not None
    return found.annotation


def test_what_decided_and_where_rules_differ(run: RunFolder, audit: dict[str, Any]) -> None:
    text, told = _shown(run, audit), audit["annotation"]
    assert "Each item has the label that most of its annotators gave." in text
    assert "Items whose judgements tie got no label and are not used." in text
    for rule, items in told["touched"].items():
        assert f"{rule}{items}" in text
    assert f"Other rules would have labelled {told['differing']} items differently" in text
    for line in told["compared"]:
        name = "no label" if line["label"] is None else line["label"]
        assert f"{name}{line['majority']}{line['chosen']}{line['dawid_skene']}" in text
    first = told["differences"][0]
    assert f"{first['id']}Apple 1, b 1, c 1none" in text
    told |= {"differing": 0, "differences": []}
    assert "No other rule would have labelled any item differently" in _shown(run, audit)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("drop", "got no label and are not used"),
        ("review", "are decided by a person"),
        ("random", "one of the tied labels, drawn from the seed"),
        ("priority", "stands first in the declared order"),
        ("posterior", "most probable by Dawid and Skene’s model"),
    ],
)
def test_every_tie_rule_has_its_words(run: RunFolder, audit: dict[str, Any], rule: str, words: str) -> None:
    audit["annotation"] |= {"tie_rule": rule, "touched": {"majority": 57, "tie, decided by review": 2}}
    text = _shown(run, audit)
    assert words in text
    assert "tie, decided by review2" in text


def test_unanimity_knows_no_ties(run: RunFolder, audit: dict[str, Any]) -> None:
    audit["annotation"]["method"] = "unanimous"
    text = _shown(run, audit)
    assert "two or more annotators judged and nobody disputed" in text
    assert "Items whose judgements tie" not in text


def test_what_is_undefined_says_why_and_is_never_nought(run: RunFolder, audit: dict[str, Any]) -> None:
    nothing = {"value": None, "low": None, "high": None, "items": 0, "note": "nothing could have differed"}
    told = audit["annotation"]
    told |= {"alpha": None, "measures": dict.fromkeys(("percent", "alpha", "fleiss"), nothing)}
    told["by_label"] = [{"label": line["label"], **nothing} for line in told["by_label"]]
    for line in told["by_annotator"]:
        line |= {"with_majority": None, "low": None, "high": None, "note": "nobody else judged", "kappa": nothing}
    for pair in told["pairs"]:
        pair |= {"percent": nothing, "kappa": nothing}
    text = _shown(run, audit)
    assert "Krippendorff’s alphaundefinednothing could have differed" in re.sub(" (?=undefined)", "", text)
    assert "undefined nobody else judged" in text
    assert "Apple: undefined, because nothing could have differed" in text
    annotation = text[text.index("How far the annotators agree") : text.index("How judgements became labels")]
    assert re.findall(r"\b0\.\d{3}\b", annotation) == []


def test_doubts_and_advice_are_sentences(run: RunFolder, audit: dict[str, Any]) -> None:
    audit["annotation"] |= {"warnings": ["the estimation had not settled"], "notes": ["alpha is 0.21; use shares"]}
    html = _shown(run, audit)
    assert "! warning The estimation had not settled." in re.sub(r"(?<=warning)(?=\S)", " ", html)
    assert "Alpha is 0.21; use shares." in html


def test_the_division_is_told(run: RunFolder, audit: dict[str, Any]) -> None:
    told = audit["division"]
    text = _shown(run, audit)
    assert "by label: every part has its share of each label" in text
    assert f"units{told['units']}" in text
    assert f"largest unit{told['largest_unit']} row" in text
    for part, rows in told["rows"].items():
        assert f"{part}{rows}{percent(told['wanted'][part])}{percent(told['shares'][part])}" in text
    assert f"{told['furthest']['label']} is furthest off: {told['furthest']['part']} has" in text
    told |= {
        "rare": {"rule": "drop", "labels": {"rare one": 2}, "dropped": [17, 18]},
        "moved": list(range(1, 5001)),
        "absent": {"train": ["gone"], "test": ["rare one"]},
        "told_apart": True,
    }
    text = _shown(run, audit)
    assert "so their rows were left out: rare one (2)" in text
    assert "Rows left out with them (2): 17, 18" in text
    assert "(5,000): 1, 2, 3" in text
    assert "the first 1,000; all are in audit.json" in text
    assert "do not occur in train and cannot be learnt: gone" in text
    assert "do not occur in test and have no scores there: rare one" in text
    assert "train:12" in text


def test_given_parts_have_no_shares(run: RunFolder, audit: dict[str, Any]) -> None:
    audit["division"] |= {"method": "given", "cut": [], "wanted": {}, "shares": {}, "furthest": None}
    text = _shown(run, audit)
    assert "as the data came" in text
    assert "share wanted" not in text


def _contamination() -> dict[str, Any]:
    def shared(part: str, against: str, rows: list[int]) -> dict[str, Any]:
        kinds = {"same id": [], "identical text": rows, "near-duplicate": rows[:1]}
        counted = {kind: {"count": len(found), "ids": [], "rows": found} for kind, found in kinds.items()}
        return {"part": part, "against": against, "rows": 40, "kinds": counted}

    return {
        **{"test_rows": 40, "clean": 37, "seen": 3, "share": 0.075, "threshold": 0.7},
        "shared": [
            shared("test", "train", [31, 32, 33]),
            shared("test", "validation", []),
            shared("validation", "train", [7]),
        ],
    }


@pytest.mark.parametrize("level", ["warn", "fail"])
def test_contamination_by_kind_and_the_word_where_it_was_allowed(
    run: RunFolder, audit: dict[str, Any], level: str
) -> None:
    audit["contamination"] = _contamination()
    audit["findings"].append({"check": "contamination", "level": level, "message": "shared", "count": 0, "rows": []})
    text = _shown(run, audit)
    assert "test against traintest against validationvalidation against train" in text
    assert "identical text301" in text
    assert "37 of 40 test rows are clean" in text
    assert "3 (7.5 %) are not" in text
    assert "testtrainidentical text31, 32, 33" in re.sub(r"\s+(?=test)", "", text)
    assert ('<strong class="stamp">contaminated</strong>' in _section(run)) is (level == "fail")
    assert ("--allow-contaminated" in text) is (level == "fail")


def test_warnings_come_first_and_good_checks_fold_away(run: RunFolder, audit: dict[str, Any]) -> None:
    run.audit.write_text(json.dumps(audit), "utf-8")
    html = _section(run)
    good = [finding for finding in audit["findings"] if finding["level"] == "good"]
    fold = html.index(f"<summary>{len(good)} checks are good</summary>")
    assert 0 < html.index('<li class="warn">') < fold < html.index('<li class="good">')
    assert html.count('<li class="good">') == len(good)
    audit["findings"] = good
    assert "No check found anything to mend" in _shown(run, audit)


def test_an_audit_of_an_older_run_is_shown_as_far_as_it_goes(run: RunFolder) -> None:
    old = json.loads(run.audit.read_text("utf-8"))
    assert "division" not in old
    text = _shown(run, old)
    assert "left out: blank label312, 80, 81" in text
    assert "A1603" in text
    for absent in ("Pairs of annotators", "How the data was divided", "Rows seen before", "rows in3,684 used"):
        assert absent not in text


def test_the_room_stores_no_key_that_breaks_a_single_file(run: RunFolder, tmp_path: Path) -> None:
    file = tmp_path / "one.csv"
    rows = (f"text {i} of its own {i * 7919},{'yes' if i % 2 else 'no'}" for i in range(60))
    file.write_text("\n".join(["text,label", *rows]), "utf-8")
    examined = examine(DataFiles(data=file), Settings())
    text = _shown(run, json.loads(json.dumps(examined.to_dict())))
    assert "All 60 rows that came in are used; none was left out or rejected." in text
    assert "Annotation" not in text
    assert "Labels that were changed" not in text


def _harm(value: Any, names: dict[str, str]) -> Any:
    """Put other names in the place of some, wherever they stand."""
    if isinstance(value, dict):
        return {names.get(key, key): _harm(part, names) for key, part in value.items()}
    if isinstance(value, list):
        return [_harm(part, names) for part in value]
    return names.get(value, value) if isinstance(value, str) else value


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_names_stay_names(run: RunFolder, audit: dict[str, Any], hostile: str) -> None:
    calm = Text(_section_of(run, audit)).counts
    names = {"Apple": hostile, "a": hostile + "!", "coder 1": hostile, "t99": hostile, "t1": hostile}
    html = _section_of(run, _harm(audit, names) | {"repairs": [hostile]})
    counts = Text(html).counts
    assert {tag: n for tag, n in counts.items() if tag not in ("title", "ul", "li", "p")} == {
        tag: n for tag, n in calm.items() if tag not in ("title", "ul", "li", "p")
    }
    assert "<script" not in html
    assert not set("\u202e\u200b\u2066") & set(html)


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_a_phone_need_not_scroll_sideways(run: RunFolder, audit: dict[str, Any], tmp_path: Path) -> None:
    names = {"Apple": HOSTILE[5], "b": HOSTILE[0], "coder 1": HOSTILE[5] + "x", "t99": HOSTILE[5], "t1": HOSTILE[5]}
    told = _harm(audit, names) | {"repairs": [HOSTILE[5]], "contamination": _contamination()}
    told["annotation"] |= {"warnings": [HOSTILE[5]], "notes": [HOSTILE[5]]}
    run.audit.write_text(json.dumps(told), "utf-8")
    html = render(summarise(run)).replace("<details", "<details open")
    frame = f'<iframe width="380" height="800" style="border:0" srcdoc="{escape(html)}"></iframe>'
    measure = "onload=()=>document.title=document.querySelector('iframe').contentDocument.documentElement.scrollWidth"
    phone = tmp_path / "phone.html"
    phone.write_text(f'<!DOCTYPE html><meta charset="utf-8"><title></title>{frame}<script>{measure}</script>', "utf-8")
    quiet = "--headless --no-sandbox --disable-gpu --no-first-run --virtual-time-budget=2000 --dump-dom"
    command = [str(CHROMIUM), *quiet.split(), f"--user-data-dir={tmp_path / 'profile'}", phone.as_uri()]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    found = re.search("<title>(.*?)</title>", dom)
    assert found is not None
    assert int(found.group(1)) <= 380


def test_500_annotators_and_1000_labels(run: RunFolder, audit: dict[str, Any]) -> None:
    told = audit["annotation"]
    line, label = told["by_annotator"][0], told["by_label"][0]
    told["by_annotator"] = [line | {"annotator": f"{i:03} {'N' * 297}"} for i in range(500)]
    told["by_label"] = [label | {"label": f"code {i:04}", "low": -0.2} for i in range(1000)]
    told["compared"] = [told["compared"][0] | {"label": f"code {i:04}"} for i in range(1000)]
    audit["labels"] = {f"code {i:04}": i for i in range(1000)}
    audit["splits"] = dict.fromkeys(("train", "validation", "test"), audit["labels"])
    html = _section_of(run, audit)
    text = Text(html).plain
    assert "499 NNN" in text
    assert "code 0999" in text
    assert 'class="chart"' not in html
    assert len(html) < 5_000_000
