from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifine.explanation.words import phrases, words


def told(text: str) -> list[str]:
    return [text[word.start : word.end] for word in words(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Donaudampfschifffahrtsgesellschaft und CO2-Steuer",
            ["Donaudampfschifffahrtsgesellschaft", "und", "CO2-Steuer"],
        ),
        ("هل هذا صحيح؟ مرحباً", ["هل", "هذا", "صحيح", "؟", "مرحباً"]),
        ("हिन्दी में क्‍या है।", ["हिन्दी", "में", "क्‍या", "है", "।"]),
        ("我喜欢你。", ["我", "喜", "欢", "你", "。"]),
        ("e\u0301te\u0301 l’été don't", ["e\u0301te\u0301", "l’été", "don't"]),
        ("👩🏽‍🚀🇩🇪🇫🇷❤️1️⃣👍", ["👩🏽‍🚀", "🇩🇪", "🇫🇷", "❤️", "1️⃣", "👍"]),
        (
            "@anna: https://a.b/c?d=e, #Hashtag [USER]!",
            ["@anna", ":", "https://a.b/c?d=e", ",", "#Hashtag", "[USER]", "!"],
        ),
        ("1,000.50 at 3:45", ["1,000.50", "at", "3:45"]),
        ("<script>", ["<", "script", ">"]),
        ("", []),
        (" \n\t\u200b", []),
    ],
)
def test_words_of_every_script_stay_whole(text: str, expected: list[str]) -> None:
    assert told(text) == expected


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("@anna", "handle"),
        ("[URL]", "address"),
        ("!!", "punctuation"),
        ("12", "number"),
        ("😀", "emoji"),
        ("#x", "hashtag"),
    ],
)
def test_each_word_says_what_it_is(text: str, kind: str) -> None:
    assert [word.kind for word in words(text)] == [kind]


@given(st.text(max_size=60))
@settings(deadline=None)
def test_every_visible_character_is_in_exactly_one_word(text: str) -> None:
    found = words(text)
    assert all(one.end <= two.start for one, two in pairwise(found))
    assert all(one.start < one.end for one in found)
    covered = {place for word in found for place in range(word.start, word.end)}
    assert all(place in covered for place, letter in enumerate(text) if letter.isalnum())


@pytest.mark.parametrize("most", [2, 7, 64])
def test_phrases_are_neighbours_and_no_more_than_asked_for(most: int) -> None:
    text = " ".join(f"word{n}" + (", " if n % 5 == 0 else "") + (". " if n % 17 == 0 else "") for n in range(700))
    found = words(text)
    grouped = phrases(text, found, most)
    assert 1 < len(grouped) <= most
    assert grouped[0].start == found[0].start
    assert grouped[-1].end == found[-1].end
    assert {word.start for word in grouped} <= {word.start for word in found}
    assert all(one.end <= two.start for one, two in pairwise(grouped))


def test_sentences_are_kept_where_there_is_room() -> None:
    text = "It rained all day. We stayed at home! Nobody minded? Then came a song and a long dance of many turns."
    grouped = phrases(text, words(text), 4)
    assert [text[one.start : one.end] for one in grouped] == [
        "It rained all day.",
        "We stayed at home!",
        "Nobody minded?",
        "Then came a song and a long dance of many turns.",
    ]
