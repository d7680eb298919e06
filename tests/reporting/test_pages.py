"""Twenty pages in a browser: no word on the console, nothing to scroll sideways, nothing that axe-core finds serious.

axe-core is taken from ``AXE_CORE`` (its ``axe.min.js``) or from ``node_modules`` beside the project, and left out else.
"""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
from collections.abc import Callable, Sequence
from html import escape, unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.doors.test_compared import said
from tests.evaluation.test_learning_account import fitted, told, trainings
from tests.reporting.conftest import HOSTILE, MANY, build_run
from tests.reporting.test_diagnosis import kept
from tests.reporting.test_levels import with_levels
from tests.reporting.test_render import CHROMIUM
from tests.reporting.test_search import told as searched

from classifine.doors.foreign import evaluate_predictions
from classifine.evaluation.contest import contest
from classifine.evaluation.learning_account import answer
from classifine.reporting.contest_page import render_contest
from classifine.reporting.learning_page import render_learning
from classifine.reporting.render import write_report
from classifine.runs import RunFolder

AXE = next(
    (
        path
        for path in (
            Path(os.environ.get("AXE_CORE", "-")),
            Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js",
        )
        if path.is_file()
    ),
    None,
)
RTL = ("דואר זבל", "رسالة عادية", "עוד תווית")
EMOJI = ("😀 glad", "👩‍👩‍👧 family", "🏳️‍🌈")
QUOTES = ("it's", 'so "called"', "`x` & <y>")
LONG = tuple(f"{letter * 180} {letter}" for letter in "abc")


def _predicted(
    folder: Path,
    names: Sequence[str],
    *,
    n: int = 240,
    wrong: int | None = None,
    absent: bool = False,
    several: int = 0,
) -> Path:
    """Score a file of predictions: a share of them wrong, or so many; ``several`` labels a text at most."""
    lots, k = np.random.default_rng(7), len(names)
    logits = lots.normal(size=(n, k))
    truth = lots.integers(k - 1 if absent else k, size=n)
    logits[np.arange(n), truth] += 2.5 if wrong is None else 20
    logits[: wrong or 0, :] = 0
    logits[np.arange(wrong or 0), (truth[: wrong or 0] + 1) % k] = 9
    matrix = 1 / (1 + np.exp(-logits)) if several else np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    folder.mkdir(parents=True)
    file = folder / "predictions.csv"
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "text", "label", *(f"p_{name}" for name in names)])
        for row in range(n):
            cell = names[truth[row]]
            if several:
                true = lots.choice(k, size=lots.integers(1, several + 1), replace=False)
                cell = "|".join(names[place] for place in sorted({*map(int, true), int(truth[row])}))
            text = f"Post {row} by @someone{row}: {names[truth[row]]} https://example.org/{'x' * (row % 90)}"
            writer.writerow([f"r{row}", text, cell, *(repr(float(value)) for value in matrix[row])])
    further: dict[str, Any] = {"label_separator": "|"} if several else {}
    run = evaluate_predictions(file, out=folder / "run", probabilities="p_", **further).run
    assert run is not None
    return run.report


def _with(folder: Path, change: Callable[[RunFolder], Any], names: Sequence[str] = ("no", "yes"), **more: Any) -> Path:
    run = build_run(folder / "posts", names, **more)
    change(run)
    return write_report(run)


def _history(run: RunFolder, **more: Any) -> None:
    run.history.write_text(json.dumps({**json.loads(run.history.read_text("utf-8")), **more}), "utf-8")


def _seeds(run: RunFolder) -> None:
    spread = {"metric": "macro_f1", "mean": 0.81, "sd": 0.02, "least": 0.78, "most": 0.84, "low": 0.77, "high": 0.85}
    seeds = {"metric": "macro_f1", "seeds": [42, 43, 44], "values": [0.78, 0.81, 0.84], "seed": 43}
    _history(
        run, seeds={**seeds, "spread": {**spread, "n": 198, "method": "two-way"}, "optimism": 0.01, "on_all": False}
    )


def _folds(run: RunFolder) -> None:
    spread = {"metric": "macro_f1", "mean": 0.81, "sd": 0.02, "least": 0.78, "most": 0.84, "low": 0.77, "high": 0.85}
    sentence = "Over 3 folds, macro-F1 was 0.810 on average"
    values = {"k": 3, "repeats": 1, "sentence": sentence, "values": [0.78, 0.81, 0.84]}
    _history(run, folds={**spread, **values, "n": 790, "method": "corrected resampled t"})


def _search(run: RunFolder) -> None:
    run.trials.write_text(json.dumps(searched()), "utf-8")
    manifest = json.loads(run.manifest.read_text("utf-8"))
    manifest["stages"]["train"]["files"] = {run.trials.name: ""}
    run.manifest.write_text(json.dumps(manifest), "utf-8")


def _contest(folder: Path) -> Path:
    folder.mkdir()
    found = contest([said(1), said(2, skill=1.0), said(3)], names=["one", HOSTILE[0], "t" * 90], resamples=200)
    page = folder / "comparison.html"
    page.write_text(render_contest({**found.to_dict(), "sources": {"one": "/a/run"}}), "utf-8")
    return page


def _learning(folder: Path) -> Path:
    folder.mkdir()
    done = {"tfidf": trainings(), "finetuned": trainings("finetuned")[:3]}
    found = told(done, {"tfidf": fitted(done["tfidf"]), "finetuned": None})
    page = folder / "learning_curve.html"
    page.write_text(render_learning({**found, "name": HOSTILE[1], "answer": answer(found)}), "utf-8")
    return page


PAGES: dict[str, Callable[[Path], Path]] = {
    "binary": lambda folder: _predicted(folder, ("no", "yes")),
    "77 labels": lambda folder: _predicted(folder, MANY, n=800),
    "28 labels, several a text": lambda folder: _predicted(folder, [f"e {k}" for k in range(28)], n=500, several=4),
    "hierarchical": lambda folder: _with(folder, with_levels),
    "one label missing": lambda folder: _predicted(folder, ("no", "yes", "rare"), absent=True),
    "quotes": lambda folder: _predicted(folder, QUOTES),
    "emoji": lambda folder: _predicted(folder, EMOJI),
    "right to left": lambda folder: _predicted(folder, RTL),
    "hostile": lambda folder: _with(folder, lambda run: None, HOSTILE, texts=[*HOSTILE, "x" * 400]),
    "long names": lambda folder: _predicted(folder, LONG),
    "one mistake": lambda folder: _predicted(folder, ("no", "yes"), wrong=1),
    "no mistake": lambda folder: _predicted(folder, ("no", "yes"), wrong=0),
    "not evaluated": lambda folder: _with(folder, lambda run: None, stages=("data", "train")),
    "searched": lambda folder: _with(folder, _search),
    "seeds": lambda folder: _with(folder, _seeds),
    "folds": lambda folder: _with(folder, _folds),
    "contest": _contest,
    "learning curve": _learning,
    "data only": lambda folder: _with(folder, lambda run: None, stages=("data",)),
    "diagnosed": lambda folder: _with(folder, kept),
    "many labels, whole run": lambda folder: _with(folder, lambda run: None, MANY),
}
WRAPPER = """<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>x</title>
<iframe title="a" width="360" height="800" style="border:0" srcdoc="{phone}"></iframe>
<iframe title="b" width="1280" height="1600" style="border:0" srcdoc="{desk}"></iframe>
<pre id="out">none</pre>
<script>
onload = async () => {{
  const frames = [...document.querySelectorAll("iframe")].map(frame => frame.contentDocument);
  const found = {{wide: frames.map(page => page.documentElement.scrollWidth), serious: []}};
  const inner = document.querySelectorAll("iframe")[1].contentWindow;
  if (inner.axe) {{
    const told = await inner.axe.run(inner.document, {{resultTypes: ["violations"]}});
    found.serious = told.violations.filter(one => ["serious", "critical"].includes(one.impact))
      .map(one => one.id + ": " + one.nodes.slice(0, 3).map(node => node.html.slice(0, 200)).join(" | "));
  }}
  document.getElementById("out").textContent = "found " + JSON.stringify(found);
}};
</script></html>"""


def _chromium(path: Path, profile: Path, *more: str) -> subprocess.CompletedProcess[str]:
    quiet = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    rest = "--disable-component-update --disable-sync --enable-logging=stderr --v=0 --allow-file-access-from-files"
    command = [str(CHROMIUM), *quiet.split(), *rest.split(), *more, f"--user-data-dir={profile}", path.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("profile")


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
@pytest.mark.parametrize("name", list(PAGES))
def test_a_page_is_quiet_fits_and_can_be_used_by_everybody(name: str, tmp_path: Path, profile: Path) -> None:
    page = PAGES[name](tmp_path / "made")
    plain = _chromium(page, profile, "--virtual-time-budget=3000", "--dump-dom")
    assert [line for line in plain.stderr.splitlines() if "CONSOLE" in line] == []
    assert re.findall("<title>(.*?)</title>", plain.stdout)[0] != "pwned"
    opened = page.read_text("utf-8").replace("<details", "<details open")
    bare = re.sub('<meta http-equiv="Content-Security-Policy"[^>]*>', "", opened)  # or axe could not run in it
    source = f'<script src="{AXE.as_uri()}"></script>' if AXE is not None else ""
    wrapper = tmp_path / "wrapper.html"
    desk = bare.replace("</head>", f"{source}</head>", 1)
    wrapper.write_text(WRAPPER.format(phone=escape(opened), desk=escape(desk)), "utf-8")
    dom = _chromium(wrapper, profile, "--virtual-time-budget=60000", "--dump-dom").stdout
    out = re.search('<pre id="out">found (.*?)</pre>', dom, re.DOTALL)
    assert out is not None, dom[-500:]
    found = json.loads(unescape(out[1]))
    assert found["wide"][0] <= 360
    assert found["wide"][1] <= 1280
    assert found["serious"] == []
    if AXE is None:
        pytest.skip("fits and is quiet; axe-core is not installed: npm install axe-core, AXE_CORE=…/axe.min.js")
