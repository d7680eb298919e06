from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifine.data.likeness.personal import masked, masked_pieces


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("mail anna.smith+x@mail.example.co.uk.", "mail <email>."),
        ("anna [at] mail [dot] org, or anna(at)mail.org", "<email>, or <email>"),
        ("@anna: hi @bob_1, @c.d!", "<user>: hi <user>, <user>!"),
        ("@anna@mastodon.social says", "<user> says"),
        ("＠anna and /u/some_body and u/other", "<user> and <user> and <user>"),
        ("see https://t.co/aB3?x=1&y=2 now", "see <url> now"),
        ("HTTP://EXAMPLE.ORG and www.example.de/x", "<url> and <url>"),
        ("bit.ly/2aB or example.com is up", "<url> or <url> is up"),
        ("ftp://a.b/c", "<url>"),
        ("call +49 (0)30 1234567 or 0049-30-1234567", "call <phone> or <phone>"),
        ("555-123-4567, (555) 123-4567", "<phone>, <phone>"),
        ("DE89 3704 0044 0532 0130 00", "<account>"),
        ("مرحبا @anna على https://example.org", "مرحبا <user> على <url>"),
    ],
)
def test_what_reaches_a_person_is_replaced(text: str, shown: str) -> None:
    assert masked(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "on 03.04.2025 at 10:30, 24/7 and/or 50 % of 1,000,000.00 €",
        "The end.It was late... e.g. this, i.e. that; 3.5 km, v1.2.3",
        "2019-2020, 2024/25, ISBN 978 3 16",
        "a @ b, 😀, #hashtag, 5 @ 3 €",
        "",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert masked(text) == text


@given(st.text(max_size=200))
def test_masking_twice_is_masking_once(text: str) -> None:
    once = masked(text)
    assert masked(once) == once


@pytest.mark.parametrize("piece", ["a", "a.", "@", "1 ", "a-", "(at) a.", "+1", "www", "u/", "AB12"])
def test_a_hostile_text_takes_no_longer_than_its_length(piece: str) -> None:
    started = time.perf_counter()
    masked(piece * (20_000 // len(piece)))
    assert time.perf_counter() - started < 2


@given(st.lists(st.sampled_from(["@", "anna", " ", "a@b.org", "https://", "x.org", "+49 30", "1234567", "(at)", "ü"])))
def test_pieces_are_masked_as_the_whole_is(pieces: list[str]) -> None:
    told, hidden = masked_pieces(pieces)
    assert len(told) == len(pieces)
    assert "".join(told) == masked("".join(pieces))
    assert hidden == set() or "".join(told) != "".join(pieces)
