from __future__ import annotations

import time
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifine.data.audit import text_checks
from classifine.data.audit.giveaways import phrases
from classifine.data.audit.languages import languages
from classifine.data.audit.material import Material
from classifine.tables import LabelledTexts


def material(texts: Sequence[str], labels: Sequence[str] = ()) -> Material:
    numbers = tuple(range(1, len(texts) + 1))
    return Material.of(
        LabelledTexts(tuple(map(str, numbers)), tuple(texts), tuple(labels) or ("a",) * len(texts), numbers)
    )


class Words:
    """Counts words and two special tokens."""

    max_length = 8
    name = "toy"

    def __call__(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) + 2 for text in texts]


class Letters(Words):
    """Counts letters, as a tokenizer does that does not know the language."""

    def __call__(self, texts: Sequence[str]) -> list[int]:
        return [sum(map(str.isalpha, text)) + 2 for text in texts]


@pytest.mark.parametrize("text", ["", " \N{ZERO WIDTH SPACE}\t", "https://a.org @anna", "...!", "--- @x"])
def test_texts_without_a_word_are_found(text: str) -> None:
    found = text_checks.without_words(material(["a word", text]))
    assert (found.level, found.count, found.rows) == ("warn", 1, (2,))


@pytest.mark.parametrize("text", ["no", "7", "😀", "はい", "да", "@anna yes", "∞"])
def test_a_word_a_number_or_a_picture_says_something(text: str) -> None:
    assert text_checks.without_words(material([text])).level == "good"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("schÃ¶n", "wrong encoding"),
        ("donâ€™t", "wrong encoding"),
        ("ÐŸÑ€Ð¸Ð²ÐµÑ‚", "wrong encoding"),
        ("f\N{REPLACEMENT CHARACTER}r", "lost character"),
        ("half \ud83d", "half a character"),
        ("bell \x07", "control characters"),
    ],
)
def test_damaged_characters_are_found(text: str, words: str) -> None:
    found = text_checks.damage(material(["sound", text, "Ã¼ber"]))
    assert (found.level, found.rows) == ("warn", (2, 3))
    assert words in found.message


@pytest.mark.parametrize(
    "text", ["schön", "naïve café", "Привет", "日本語", "don’t", "a\tb\nc\r\n", "São Paulo", "😀 über"]
)
def test_sound_characters_are_good(text: str) -> None:
    assert text_checks.damage(material([text])).level == "good"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("write to anna.b+c@mail.example.org!", "mail address"),
        ("call +49 (0)30 1234-5678", "telephone number"),
        ("call 030/12345678", "telephone number"),
        ("call (516) 555-9966", "telephone number"),
        ("@anna_b said so", "handle"),
        ("pay to DE89 3704 0044 0532 0130 00", "IBAN"),
        ("pay to GB82WEST12345698765432", "IBAN"),
    ],
)
def test_personal_data_are_counted_and_never_shown(text: str, kind: str) -> None:
    found = text_checks.personal_data(material(["nothing", text]))
    assert (found.level, found.count, found.rows) == ("warn", 1, (2,))
    assert kind in found.message
    told = found.message + found.cure
    assert not any(word in told for word in text.split() if any(map(str.isdigit, word)) or "@" in word)


@pytest.mark.parametrize(
    "text",
    [
        "@USER hello",
        "meet @ noon",
        "on 12.10.2024 or 2024-10-12",
        "the war (1894-1895)",
        "1,234,567.89 euros",
        "GB83WEST12345698765432",  # wrong check digits
        "0.123456789",
        "in 1999 and 2001",
        "£0123456789",
    ],
)
def test_what_only_looks_personal_is_not_counted(text: str) -> None:
    assert text_checks.personal_data(material([text])).level == "good"


@settings(deadline=None)
@given(st.text())
def test_any_text_passes_every_check(text: str) -> None:
    made = material([text])
    for check in (text_checks.without_words, text_checks.damage, text_checks.personal_data):
        assert check(made).level in {"good", "warn"}


HOSTILE = ["a" * 300_000 + " @", "a." * 100_000 + "@", "@" * 200_000, "1" * 200_000, "0 " * 100_000, "+1(" * 70_000]


@pytest.mark.parametrize("text", [*HOSTILE, "AB12 " + "ABCD " * 50_000, "Ã" * 100_000, "\ud83d" * 100_000])
def test_hostile_texts_take_linear_time(text: str) -> None:
    made = material([text, "x"], ["a", "b"])
    started = time.perf_counter()
    text_checks.without_words(made)
    text_checks.damage(made)
    text_checks.personal_data(made)
    languages(made, None)
    phrases(made)
    assert time.perf_counter() - started < 5


def test_cut_texts_are_told_by_label() -> None:
    texts = ["w " * 9] * 3 + ["w " * 6] * 7
    found = text_checks.cut(material(texts, ["a"] * 5 + ["b"] * 5), Words())
    assert (found.level, found.count, found.rows) == ("warn", 3, (1, 2, 3))
    assert "3 texts of 10 (30.0%) are longer than the 8 tokens that toy reads; by label: 'a' 60.0%" in found.message
    assert "'b'" not in found.message


def test_a_text_of_exactly_the_limit_is_not_cut() -> None:
    assert text_checks.cut(material(["w " * 6]), Words()).message.endswith("the longest has 8")


def test_few_cut_texts_are_told_without_alarm() -> None:
    found = text_checks.cut(material(["w " * 9, *["w"] * 30]), Words())
    assert (found.level, found.count) == ("good", 1)


ENGLISH = "The weather was rather fine this morning and everybody went outside."
GERMAN = "Das Wetter war heute Morgen recht schön und alle sind nach draußen gegangen."
RUSSIAN = "Сегодня утром погода была довольно хорошей, и все вышли на улицу."
CHINESE = "今天早上的天气非常好，大家都出去散步了。"


def test_one_language_is_good() -> None:
    found = languages(material([f"{ENGLISH} {i}" for i in range(40)]), Words())
    assert (found.level, found.count) == ("good", 40)
    assert found.message.startswith("English 100.0% (40 of 40 texts")


def test_a_mix_of_languages_warns_with_the_rows_of_the_others() -> None:
    found = languages(material([ENGLISH] * 40 + [GERMAN] * 6 + [RUSSIAN] * 4), None)
    assert (found.level, found.count, found.rows) == ("warn", 10, (41, 42, 43, 44, 45))
    assert "English 80.0%, German 12.0%, Russian 8.0%" in found.message
    assert found.cure


def test_texts_too_short_to_tell_their_language_are_no_finding() -> None:
    found = languages(material(["yes", "nein", "oui"] * 30), None)
    assert (found.level, found.message[:3]) == ("good", "too")


def test_a_language_the_tokenizer_does_not_know_warns() -> None:
    found = languages(material([GERMAN] * 30), Letters())
    assert found.level == "warn"
    assert "toy cuts words of German into" in found.message
    assert languages(material([GERMAN] * 30), Words()).level == "good"
    assert languages(material([CHINESE] * 30), Letters()).level == "good"  # words cannot be counted
