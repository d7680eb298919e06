from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from math import factorial
from typing import Any

import numpy as np
import pytest
from tests.explanation.scorers import SENTENCE, TRUE, WEIGHTS, BagOfWords, Curved

from classifine.explanation.masking import Masked, Passage, Target
from classifine.explanation.perturbation import kernel, kernel_shap, leave_one_out, lime, shapley

YES = Target(1)


def masked(text: str = SENTENCE, kind: type[BagOfWords] = BagOfWords) -> Masked:
    return Masked(kind(WEIGHTS), Passage.of(text))


@pytest.mark.parametrize(
    ("method", "samples", "most"),
    [(leave_one_out, None, 1e-12), (lime, 5_000, 1e-6), (kernel_shap, None, 1e-10), (shapley, None, 1e-12)],
)
def test_on_a_linear_scorer_every_method_gives_the_weights(
    method: Callable[..., Any], samples: int | None, most: float
) -> None:
    assert np.abs(method(masked(), YES, samples=samples).values - TRUE).max() <= most


def exact_shapley(kind: type[BagOfWords], text: str) -> np.ndarray[Any, Any]:
    scorer, tokens = kind(WEIGHTS), text.split()
    values = np.zeros(len(tokens))
    for order in permutations(range(len(tokens))):
        for place, word in enumerate(order):
            before = " ".join(tokens[at] for at in sorted(order[:place]))
            after = " ".join(tokens[at] for at in sorted(order[: place + 1]))
            values[word] += scorer.score(after) - scorer.score(before)
    return values / factorial(len(tokens))


def test_kernel_shap_gives_the_values_of_all_orders_where_all_sets_fit() -> None:
    text = "film was not bad worth it"
    found = kernel_shap(masked(text, Curved), YES)
    assert found.values == pytest.approx(exact_shapley(Curved, text), abs=1e-10)
    assert found.stability is None


def test_sampled_shapley_values_come_near_those_of_all_orders() -> None:
    text = "film was not bad worth it"
    exact = exact_shapley(Curved, text)
    assert np.abs(shapley(masked(text, Curved), YES, samples=4000).values - exact).max() < 0.01
    long = "they said the film was not bad and truly worth every cent"
    sampled = kernel_shap(masked(long, Curved), YES, samples=1500)
    assert sampled.values == pytest.approx(shapley(masked(long, Curved), YES, samples=12_000).values, abs=0.015)


@pytest.mark.parametrize("method", [kernel_shap, shapley])
@pytest.mark.parametrize("samples", [None, 60, 300])
def test_shapley_values_add_up_to_what_all_words_change(method: Callable[..., Any], samples: int | None) -> None:
    scorer = Curved(WEIGHTS)
    found = method(Masked(scorer, Passage.of(SENTENCE)), YES, samples=samples).values
    assert found.sum() == pytest.approx(scorer.score(SENTENCE) - scorer.score(""), abs=1e-12)


@pytest.mark.parametrize("method", [lime, kernel_shap, shapley])
def test_the_same_seed_gives_the_same_bytes_and_another_one_others(method: Callable[..., Any]) -> None:
    long = SENTENCE + " said nobody who had seen it twice on a rainy evening in spring"
    first, again, other = (method(masked(long, Curved), YES, samples=100, seed=seed).values for seed in (1, 1, 2))
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


@pytest.mark.parametrize("method", [leave_one_out, lime, kernel_shap, shapley])
@pytest.mark.parametrize("text", ["worth", "😀", "worth film"])
def test_a_text_of_one_word_or_two_can_be_weighed(method: Callable[..., Any], text: str) -> None:
    found = method(masked(text), YES).values
    expected = [WEIGHTS.get(word, 0.0) for word in text.split()]
    assert found == pytest.approx(expected, abs=1e-3)  # the ridge of LIME shrinks a little


def test_sampling_stops_when_two_halves_agree() -> None:
    assert lime(masked(), YES).samples < 1000
    assert lime(masked(), YES).stability == 1
    assert lime(masked(), YES, samples=640).samples == 640


def test_the_kernel_is_that_of_the_lime_package() -> None:
    # made with lime 0.2.0.1: LimeTextExplainer(kernel_width=25) and pairwise_distances(metric="cosine") * 100
    kept = np.array([[1, 1, 1, 1], [1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]], dtype=bool)
    cosine = np.array([0.0, 1 - np.sqrt(3) / 2, 1 - np.sqrt(2) / 2, 0.5, 1.0]) * 100
    assert kernel(kept) == pytest.approx(np.sqrt(np.exp(-(cosine**2) / 25**2)), abs=1e-12)
