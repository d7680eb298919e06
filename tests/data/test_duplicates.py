from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifine.data.duplicates import conflicts, exact_duplicates, groups_of, normalise


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Vote NOW", " vote\tnow\n"),
        ("Straße", "STRASSE"),
        ("café", "cafe\N{COMBINING ACUTE ACCENT}"),
        ("ﬁne １２", "fine 12"),
        ("see https://a.org/x?y=1 now", "see http://b.org now"),
        ("see www.a.org", "see HTTPS://B.ORG/"),
        ("@anna hello", "@Bert99 hello"),
        ("a\N{NO-BREAK SPACE}b", "a b"),
    ],
)
def test_the_same_thing_said_twice(one: str, other: str) -> None:
    assert normalise(one) == normalise(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("write to anna@a.org", "write to bert@a.org"),
        ("vote now", "vote now!"),
        ("price 1.0", "price 10"),
        ("ab", "a b"),
        ("xwww.a", "xwww.b"),
    ],
)
def test_different_things_stay_different(one: str, other: str) -> None:
    assert normalise(one) != normalise(other)


@settings(deadline=None)
@given(st.text())
def test_unicode_form_and_white_space_do_not_count(text: str) -> None:
    told = normalise(text)
    assert normalise(unicodedata.normalize("NFD", text)) == told
    assert normalise(f"  {text}\t") == told


def test_groups_and_conflicts() -> None:
    texts = ["Come!", "It rained.", "come! ", "COME!", "it rained."]
    labels = ["yes", "no", "yes", "no", "no"]
    assert groups_of(texts) == {"come!": (0, 2, 3), "it rained.": (1, 4)}
    assert exact_duplicates([*texts, "alone"]) == [(0, 2, 3), (1, 4)]
    assert conflicts(texts, labels) == [(0, 2, 3)]
    assert exact_duplicates([]) == []


@settings(deadline=None)
@given(st.lists(st.sampled_from(["a", "A ", "b", " B", "c"]), max_size=20))
def test_groups_divide_the_positions(texts: list[str]) -> None:
    groups = groups_of(texts)
    assert sorted(position for group in groups.values() for position in group) == list(range(len(texts)))
    assert all({normalise(texts[position]) for position in group} == {text} for text, group in groups.items())


@pytest.mark.parametrize("text", ["@" * 200_000, "http://" * 30_000, " " * 300_000, "www." * 50_000, "a@" * 100_000])
def test_hostile_texts_take_linear_time(text: str) -> None:
    started = time.perf_counter()
    normalise(text)
    assert time.perf_counter() - started < 2
