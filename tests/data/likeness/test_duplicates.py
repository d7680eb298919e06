from __future__ import annotations

import csv
import itertools
import os
import random
import re
import time
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifine.data.likeness.duplicates import clusters_of, normal_forms, normalise, overlap


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


@settings(deadline=None)
@given(st.lists(st.sampled_from(["a", "A ", "b", " B", "c"]), max_size=20))
def test_normal_forms_say_which_texts_are_equal(texts: list[str]) -> None:
    found = normal_forms(texts)
    assert list(found.forms) == sorted({normalise(text) for text in texts})
    assert [found.forms[place] for place in found.place] == [normalise(text) for text in texts]


@pytest.mark.parametrize("text", ["@" * 200_000, "http://" * 30_000, " " * 300_000, "www." * 50_000, "a@" * 100_000])
def test_hostile_texts_take_linear_time(text: str) -> None:
    started = time.perf_counter()
    normalise(text)
    assert time.perf_counter() - started < 2


WORDS = [
    a + b + c
    for a in ("tr", "b", "gl", "k", "st")
    for b in ("ai", "o", "e", "u")
    for c in ("n", "rm", "st", "ck", "lly")
]


def _texts(chance: random.Random, number: int, words: int = 10) -> list[str]:
    return [" ".join(chance.choices(WORDS, k=words)) for _ in range(number)]


def _shingles(text: str) -> set[str]:
    form = normalise(text)
    return {form[i : i + 5] for i in range(max(1, len(form) - 4))}


def _similar(one: str, other: str) -> bool:
    a, b = _shingles(one), _shingles(other)
    return 10 * len(a & b) >= 7 * len(a | b)


def _edited(chance: random.Random, text: str) -> str:
    words = text.split()
    words[chance.randrange(len(words))] = chance.choice(WORDS)
    return " ".join(words)


def _brute_clusters(texts: list[str]) -> list[int]:
    number = list(range(len(texts)))
    for a, b in itertools.combinations(range(len(texts)), 2):
        if _similar(texts[a], texts[b]):
            number = [number[a] if n == number[b] else n for n in number]
    return number


def _partition(numbers: list[int]) -> set[frozenset[int]]:
    return {frozenset(i for i, n in enumerate(numbers) if n == number) for number in set(numbers)}


@pytest.mark.parametrize("seed", range(4))
def test_clusters_are_those_of_brute_force(seed: int) -> None:
    chance = random.Random(seed)
    texts = _texts(chance, 150)
    texts += [_edited(chance, text) for text in texts[:60]]
    expected = _brute_clusters(texts)
    found = clusters_of(texts).tolist()
    assert all(len({expected[i] for i in group}) == 1 for group in _partition(found))  # nothing joined by mistake
    pairs = [(a, b) for a, b in itertools.combinations(range(len(texts)), 2) if _similar(texts[a], texts[b])]
    joined = sum(found[a] == found[b] for a, b in pairs)
    assert len(pairs) > 30
    assert joined >= 0.97 * len(pairs)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.randoms(use_true_random=False))
def test_the_order_of_texts_does_not_change_who_is_together(seed: int, chance: random.Random) -> None:
    made = random.Random(seed)
    texts = _texts(made, 12)
    texts += [_edited(made, made.choice(texts)) for _ in range(20)] + ["Oh", "oh ", "", " ", "abcd"]
    order = list(range(len(texts)))
    chance.shuffle(order)
    clusters = clusters_of(texts).tolist()
    shuffled = clusters_of([texts[i] for i in order]).tolist()
    assert {frozenset(order[i] for i in group) for group in _partition(shuffled)} == _partition(clusters)
    assert list(dict.fromkeys(clusters)) == list(range(max(clusters) + 1))


def test_planted_near_duplicates_are_found() -> None:
    chance = random.Random(3)
    texts = _texts(chance, 3000, words=14)
    copies = [f"{text} {chance.choice(WORDS)}!" for text in texts[:1000]]
    clusters = clusters_of(texts + copies)
    assert (clusters[:1000] == clusters[3000:]).mean() > 0.999
    found = overlap(copies, texts)
    assert found.near.mean() > 0.999
    assert (found.match[found.near] == np.flatnonzero(found.near)).all()
    assert not (found.identical | found.normalised).any()


def test_texts_below_five_characters_are_near_to_equal_ones_only() -> None:
    assert clusters_of(["abc", "abcd", "ABC ", "", " ", "abcde"]).tolist() == [0, 1, 0, 2, 2, 3]


def test_a_hundred_thousand_nearly_identical_texts_take_seconds() -> None:
    texts = [f"this is the message that everyone sends to the whole world, number {i}" for i in range(100_000)]
    started = time.perf_counter()
    assert clusters_of(texts).max() == 0
    assert overlap(texts[:50_000], texts[50_000:]).near.all()
    assert time.perf_counter() - started < 20


def test_copies_are_found_among_thousands_of_texts_from_one_template() -> None:
    chance = random.Random(4)
    made = [
        f"dear customer your order number is on its way and will arrive on {text}" for text in _texts(chance, 6000, 6)
    ]
    copies = [" ".join([*text.split()[:-1], chance.choice(WORDS)]) for text in made[:400]]
    pairs = [place for place, copy in enumerate(copies) if _similar(made[place], copy)]
    clusters = clusters_of(made + copies)
    assert len(pairs) > 350
    assert np.mean([clusters[place] == clusters[6000 + place] for place in pairs]) > 0.98


def test_kinds_of_overlap_exclude_each_other() -> None:
    others = ["The train was late again today.", "Nice!", "nice!", "The train was late again today."]
    texts = ["Nice!", "NICE!", "the train was late again today!!", "nothing alike", "nice!"]
    found = overlap(texts, others)
    assert found.identical.tolist() == [True, False, False, False, True]
    assert found.normalised.tolist() == [False, True, False, False, False]
    assert found.near.tolist() == [False, False, True, False, False]
    assert found.match.tolist() == [1, 1, 0, -1, 2]


@settings(deadline=None)
@given(st.lists(st.text("aB @", max_size=9), max_size=12), st.lists(st.text("aB @", max_size=9), max_size=12))
def test_overlap_names_a_text_that_fits(texts: list[str], others: list[str]) -> None:
    found = overlap(texts, others)
    for place, text in enumerate(texts):
        match = int(found.match[place])
        kinds = [bool(kind[place]) for kind in (found.identical, found.normalised, found.near)]
        assert sum(kinds) == (match >= 0)
        assert kinds[0] == (text in others)
        if kinds[1]:
            assert normalise(others[match]) == normalise(text)
        if kinds[2]:
            assert _similar(others[match], text)


def test_the_official_parts_of_convabuse_share_texts() -> None:
    folder = os.environ.get("CLASSIFINE_DATA")
    if not folder:
        pytest.skip("CLASSIFINE_DATA does not name a folder with the convabuse files")
    train, test = (_texts_of(Path(folder, "convabuse", name)) for name in ("train.csv", "test.csv"))
    found = overlap(test, train)
    assert (int(found.identical.sum()), len(test)) == (143, 822)


def _texts_of(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as stream:
        return [row["text"] for row in csv.DictReader(stream)]


@given(st.text(alphabet="aWw.:/@＠ſß é_h t p s", max_size=12) | st.just("HTTP://x a＠b ＠c"))
def test_a_sign_that_is_looked_for_first_spares_no_pattern(text: str) -> None:
    folded = unicodedata.normalize("NFKC", text).casefold()
    told = re.sub(r"(?<!\w)@\w+", "<user>", re.sub(r"\b(?:https?://|www\.)\S+", "<url>", folded))
    assert normalise(text) == " ".join(told.split())
