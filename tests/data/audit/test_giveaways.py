from __future__ import annotations

import itertools
import math
import random

import numpy as np
import pytest

from classifine.data.audit import giveaways
from classifine.data.audit.material import Material
from classifine.tables import LabelledTexts

WORDS = ["".join(letters) for letters in itertools.product("bdgkl", "aeiou", "mnrst")]


def material(texts: list[str], labels: list[str], separator: str | None = None) -> Material:
    numbers = tuple(range(1, len(texts) + 1))
    return Material.of(LabelledTexts(tuple(map(str, numbers)), tuple(texts), tuple(labels), numbers), separator)


def plain(number: int, seed: int = 0, words: int = 8) -> list[str]:
    chance = random.Random(seed)
    return [" ".join(chance.choices(WORDS, k=words)) for _ in range(number)]


def halves(number: int) -> list[str]:
    return ["yes" if i % 2 else "no" for i in range(number)]


def test_ordinary_words_give_nothing_away() -> None:
    found = giveaways.phrases(material(plain(400), halves(400)))
    assert (found.level, found.count) == ("good", 0)


def test_a_signature_of_one_label_is_found_with_its_rows() -> None:
    labels = halves(400)
    texts = [f"{text} read more at" if label == "yes" else text for text, label in zip(plain(400), labels, strict=True)]
    found = giveaways.phrases(material(texts, labels))
    assert (found.level, found.count, found.rows[:3]) == ("warn", 200, (2, 4, 6))
    assert "'read more at' ('yes', 200 texts)" in found.message  # and not 'read' or 'more at' as well
    assert found.message.count("(") == 1


def test_a_phrase_of_both_labels_gives_nothing_away() -> None:
    texts = [f"{text} read more" for text in plain(400)]
    assert giveaways.phrases(material(texts, halves(400))).level == "good"


def test_a_phrase_in_few_texts_of_its_label_gives_nothing_away() -> None:
    texts = plain(400)
    texts[1:40:2] = [f"{text} breaking news" for text in texts[1:40:2]]  # 20 of 200 texts
    assert giveaways.phrases(material(texts, halves(400))).level == "good"


def test_a_repeated_text_is_counted_once() -> None:
    texts, labels = plain(300), halves(300)
    assert giveaways.phrases(material(texts + ["stop calling me"] * 60, labels + ["yes"] * 60)).level == "good"


def test_phrases_count_under_each_of_several_labels() -> None:
    texts = plain(300)
    labels = ["joy|love" if i % 3 == 0 else "joy" if i % 3 == 1 else "fear" for i in range(300)]
    texts = [f"{text} #sent" if "love" in label else text for text, label in zip(texts, labels, strict=True)]
    found = giveaways.phrases(material(texts, labels, "|"))
    assert "('love', 100 texts)" in found.message
    assert "'joy'" not in found.message


@pytest.mark.parametrize("texts", [[""] * 30, ["a"] * 30, ["!!! ???"] * 30])
def test_texts_without_words_are_no_obstacle(texts: list[str]) -> None:
    assert giveaways.phrases(material(texts, halves(30))).level == "good"


def test_mutual_information_is_that_of_the_definition() -> None:
    # 40 texts with the phrase, 50 with the label, 30 with both, of 100
    told = giveaways._mutual_information(np.array([30.0]), np.array([40]), np.array([50]), 100)
    cells = [(0.3, 0.4, 0.5), (0.1, 0.4, 0.5), (0.2, 0.6, 0.5), (0.4, 0.6, 0.5)]
    assert told[0] == pytest.approx(sum(both * math.log2(both / (one * other)) for both, one, other in cells))


def test_length_tells_a_label() -> None:
    texts = plain(100, words=5) + plain(100, seed=1, words=9)
    found = giveaways.length(material(texts, ["short"] * 100 + ["long"] * 100))
    assert (found.level, found.count) == ("warn", 200)
    assert "'long' (AUC 1.00; half of its texts have over 35 characters, half of the others over 19)" in found.message


def test_length_that_tells_nothing_is_good() -> None:
    assert giveaways.length(material(plain(200), halves(200))).level == "good"


def test_few_texts_of_different_length_raise_no_alarm() -> None:
    texts = [*plain(4, words=3), *plain(4, seed=1, words=9)]
    assert giveaways.length(material(texts, ["a"] * 4 + ["b"] * 4)).level == "good"


def test_the_area_under_the_curve_is_that_of_all_pairs() -> None:
    chance = random.Random(5)
    texts = ["x" * chance.randint(0, 6) for _ in range(60)]
    labels = [chance.choice("abc") for _ in texts]
    made = material(texts, labels)
    aucs = giveaways._length_aucs(made, np.array([len(text) for text in texts]))
    for name, auc in zip(made.names, aucs, strict=True):
        own = [len(t) for t, label in zip(texts, labels, strict=True) if label == name]
        others = [len(t) for t, label in zip(texts, labels, strict=True) if label != name]
        wins = [(a > b) + 0.5 * (a == b) for a in own for b in others]
        assert auc == pytest.approx(sum(wins) / len(wins))


def test_a_name_is_looked_for_under_each_of_several_labels() -> None:
    texts = [f"{text} love" if i % 2 else text for i, text in enumerate(plain(100))]
    labels = ["joy|love" if i % 2 else "joy" for i in range(100)]
    found = giveaways.own_names(material(texts, labels, "|"))
    assert (found.level, found.count) == ("warn", 50)
    assert "'love' in 100% of its texts" in found.message
