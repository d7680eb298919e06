from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

from classifine.data.audit.drift import _error, drift

WORDS = ["".join(letters) for letters in itertools.product("bdgkl", "aeiou", "mnrst")]


def _texts(number: int, seed: int, words: list[str] = WORDS) -> list[str]:
    chance = random.Random(seed)
    return [" ".join(chance.choices(words, k=8)) for _ in range(number)]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("number", [60, 400])
def test_a_random_division_raises_no_alarm(number: int, seed: int) -> None:
    texts = _texts(2 * number, seed)
    found = drift("test", texts[:number], "train", texts[number:])
    assert found.level == "good"
    assert "AUC 0." in found.message


def test_texts_about_something_else_warn() -> None:
    found = drift("test", _texts(200, 1, WORDS[:80]), "train", _texts(300, 2, WORDS[40:]))
    assert (found.check, found.level) == ("drift between test and train", "warn")
    assert found.cure


def test_few_texts_are_too_few_to_tell() -> None:
    found = drift("test", _texts(49, 1, WORDS[:60]), "train", _texts(300, 2, WORDS[60:]))
    assert (found.level, found.message[:5]) == ("good", "fewer")


def test_the_order_of_texts_does_not_matter() -> None:
    one, two = _texts(100, 1), _texts(100, 2)
    assert drift("test", one, "train", two) == drift("test", one[::-1], "train", [*two[::-1], *two])


def test_the_standard_error_is_that_of_hanley_and_mcneil() -> None:
    # their example: area .893 of 51 abnormal and 58 normal images has standard error .032 or .033
    assert _error(0.893, 51, 58) == pytest.approx(0.032, abs=0.001)
    chance = np.random.default_rng(0)
    areas = [(chance.random(40)[:, None] > chance.random(60)).mean() for _ in range(800)]
    assert _error(0.5, 40, 60) == pytest.approx(float(np.std(areas)), rel=0.1)
