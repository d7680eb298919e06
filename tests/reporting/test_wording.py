from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifine.reporting.wording import chance, cut, metric, moment, plain, score, signed, span, visible


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("plain", "plain"),
        ("two\nlines\tand\r\nmore", "two\nlines\tand\r\nmore"),
        ("a\u200bb", "a⟨U+200B⟩b"),
        ("\u202eabc\u2066", "⟨U+202E⟩abc⟨U+2066⟩"),
        ("nul\0", "nul⟨U+0000⟩"),
        ("\ufeffbom", "⟨U+FEFF⟩bom"),
        ("half \ud83d of a pair", "half ⟨U+D83D⟩ of a pair"),
        ("y\u200des", "y⟨U+200D⟩es"),
        ("\u200d", "⟨U+200D⟩"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("👩\u200d👧", "👩\u200d👧"),
        ("naïve 日本語", "naïve 日本語"),
    ],
)
def test_unseen_characters_are_shown(text: str, told: str) -> None:
    assert visible(text) == told


@given(st.text())
def test_what_is_visible_stays_and_nothing_unseen_is_left(text: str) -> None:
    shown = visible(text)
    shown.encode("utf-8")
    unseen = [letter for letter in shown if unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]
    assert set(unseen) <= {"\n", "\r", "\t", "\u200c", "\u200d"}
    assert visible(shown) == shown


@given(st.text(), st.integers(2, 50))
def test_cut_keeps_the_beginning(text: str, limit: int) -> None:
    short = cut(text, limit)
    assert len(short) <= limit
    assert short == text if len(text) <= limit else text.startswith(short[:-1])


def test_numbers() -> None:
    assert [score(0.0004), score(1.0), score(float("nan")), score(-1.5)] == ["0.000", "1.000", "–", "−1.500"]
    assert [signed(0.0), signed(None)] == ["+0.000", "–"]
    assert [chance(0.0009), chance(0.001), chance(1.0)] == ["p < 0.001", "p = 0.001", "p = 1.000"]
    assert [plain({}), plain({"no": 0.5}), plain(1234567.0), plain(3e-05)] == ["–", "no = 0.5", "1,234,567", "3e-05"]
    assert [span(59.94), span(61.4), span(3599.6), span(7200.0)] == ["59.9 s", "1 min 1 s", "1 h 0 min", "2 h 0 min"]


def test_times_and_metrics() -> None:
    assert moment("yesterday") == "yesterday"
    assert [metric("log_loss"), metric("weighted_f1"), metric("macro_recall")] == [
        "log-loss",
        "weighted-F1",
        "macro recall",
    ]
