from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from tests.estimation.studies import PREVALENCE, corpus, study

from classifine.errors import LabelsProblem
from classifine.estimation.answers import Answer
from classifine.estimation.assuming import EM, assumed_shares
from classifine.estimation.material import Grouping, Material
from classifine.estimation.powered import Target
from classifine.estimation.shares import TOO_FEW, Wanted, estimates_of

NINETY = Wanted(confidence=0.9)


def covered(enriched: bool, studies: int, target: float = PREVALENCE) -> tuple[Counter[str], float]:
    """Count the 90 % intervals that hold the truth, and give how much narrower the corrected ones are on average."""
    generator = np.random.default_rng([7, enriched])
    held: Counter[str] = Counter()
    narrower = []
    for _ in range(studies):
        answer = estimates_of(study(generator, enriched=enriched), NINETY)[0][0]
        for name in ("uncorrected", "gold_only", "corrected"):
            figure = getattr(answer, name)
            held[name] += figure.low <= target <= figure.high
        narrower.append(answer.narrower or 0.0)
    return held, float(np.mean(narrower))


def test_ppi_holds_what_it_says_with_gold_drawn_at_random_and_counting_does_not() -> None:
    held, narrower = covered(False, 400)
    assert 0.87 <= held["corrected"] / 400 <= 0.93
    assert held["uncorrected"] / 400 < 0.05
    assert 0.15 < narrower < 0.25


def test_dsl_holds_what_it_says_with_an_enriched_sample() -> None:
    held, narrower = covered(True, 120)
    assert 0.84 <= held["corrected"] / 120 <= 0.95
    assert held["uncorrected"] / 120 < 0.05
    assert narrower > 0.1


def test_an_enriched_sample_taken_for_a_random_one_is_wrong() -> None:
    generator = np.random.default_rng(5)
    held = 0
    for _ in range(100):
        wrong = replace(study(generator, enriched=True), sampled="random", probability=None)
        figure = estimates_of(wrong, NINETY)[0][0].corrected
        held += (figure.low or 0) <= PREVALENCE <= (figure.high or 0)
    assert held < 40


@pytest.mark.parametrize("enriched", [False, True])
def test_the_exported_pseudo_outcomes_have_the_estimate_as_their_mean(enriched: bool) -> None:
    material = study(np.random.default_rng(9), enriched=enriched)
    targets: tuple[Target, ...] = ("population", "texts")
    for target in targets:
        answers, _, pseudo = estimates_of(material, Wanted(target=target))
        assert pseudo is not None
        # the estimate of DSL is the median of ten divisions, the column their mean
        assert pseudo.mean() == pytest.approx(answers[0].corrected.value, abs=1e-3 if enriched else 1e-12)
        assert answers[0].corrected.se == pytest.approx(pseudo.std() / np.sqrt(len(pseudo)), rel=0.1)


def test_these_very_texts_are_known_better_than_texts_like_them() -> None:
    generator = np.random.default_rng(3)
    truth, said = corpus(generator, 600)
    held = 0
    for _ in range(300):
        gold = generator.choice(600, 200, replace=False)
        material = Material(
            ("yes",), said[:, None], said[:, None], gold, truth[gold][:, None], np.ones(600, bool), "random"
        )
        these = estimates_of(material, Wanted(confidence=0.9, target="texts"))[0][0].corrected
        like = estimates_of(material, NINETY)[0][0].corrected
        assert (these.se or 0) < (like.se or 0)
        held += (these.low or 0) <= truth.mean() <= (these.high or 0)
    assert 0.86 <= held / 300 <= 0.94


def grouped(material: Material, groups: int, seed: int = 1) -> Material:
    of = np.random.default_rng(seed).integers(0, groups, len(material.corpus))
    return replace(material, grouping=Grouping(tuple(f"g{k}" for k in range(groups)), of))


def test_groups_and_their_differences() -> None:
    material = grouped(study(np.random.default_rng(1), enriched=False), 3)
    answers, differences, _ = estimates_of(material, Wanted(differences="all"))
    assert [one.group for one in answers] == [None, "g0", "g1", "g2"]
    assert sum(one.texts for one in answers[1:]) == answers[0].texts == 5000
    assert sum(one.gold for one in answers[1:]) == answers[0].gold == 300
    assert [(one.group, one.minus) for one in differences] == [("g1", "g0"), ("g2", "g0"), ("g2", "g1")]
    values = {one.group: one.corrected for one in answers}
    first = differences[0].corrected
    assert first.value == pytest.approx((values["g1"].value or 0) - (values["g0"].value or 0))
    assert first.se == pytest.approx(np.hypot(values["g1"].se or 0, values["g0"].se or 0))
    assert all((one.adjusted_p or 0) >= (one.corrected.p or 0) for one in differences)


def test_clusters_across_groups_are_subtracted_together() -> None:
    """Every text stands in both groups, with its twin in the same cluster: their difference is known exactly."""
    half = study(np.random.default_rng(2), enriched=False, n=1000, gold=200)
    both = Material(
        names=("yes",),
        counted=np.vstack([half.counted] * 2),
        working=np.vstack([half.working] * 2),
        gold=np.concatenate([half.gold, half.gold + 1000]),
        truth=np.vstack([half.truth] * 2),
        corpus=np.ones(2000, dtype=bool),
        sampled="random",
        clusters=np.tile(np.arange(1000), 2),
        grouping=Grouping(("a", "b"), np.repeat([0, 1], 1000)),
    )
    difference = estimates_of(both, Wanted(differences="first"))[1][0].corrected
    assert difference.value == pytest.approx(0.0, abs=1e-12)
    assert difference.se == pytest.approx(0.0, abs=1e-12)


def test_a_group_with_little_gold_has_no_interval_and_one_without_no_value() -> None:
    material = study(np.random.default_rng(4), enriched=False)
    of = np.zeros(5000, dtype=np.int64)
    without = np.setdiff1d(np.arange(5000), material.gold)[:100]
    of[without], of[material.gold[:5]] = 1, 2
    answers, _, _ = estimates_of(replace(material, grouping=Grouping(("most", "none", "few"), of)), Wanted())
    by_name = {one.group: one for one in answers}
    assert by_name["none"].corrected.value is None
    assert by_name["none"].corrected.note == "no gold row"
    assert by_name["none"].uncorrected.value is not None
    assert by_name["few"].corrected.low is None
    assert TOO_FEW in (by_name["few"].corrected.note or "")


def test_intervals_of_all_groups_together_are_wider() -> None:
    material = grouped(study(np.random.default_rng(6), enriched=False), 4)
    single = estimates_of(material, Wanted())[0]
    together = estimates_of(material, Wanted(simultaneous=True))[0]
    for one, other in zip(single, together, strict=True):
        assert (other.corrected.width or 0) > 1.2 * (one.corrected.width or 0)
        assert other.corrected.value == one.corrected.value


def three_labels(sampled: str, share: list[float], n: int = 4000, gold: int = 600) -> Material:
    generator = np.random.default_rng(8)
    mistakes = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.2, 0.1, 0.7]])
    truth = np.concatenate([generator.choice(3, n, p=share), generator.choice(3, gold)])
    said = np.array([generator.choice(3, p=mistakes[label]) for label in truth])
    return Material(
        names=("a", "b", "c"),
        counted=np.eye(3)[said],
        working=np.eye(3)[said],
        gold=n + np.arange(gold),
        truth=np.eye(3)[truth[n:]],
        corpus=np.arange(n + gold) < n,
        sampled=sampled,  # type: ignore[arg-type]
    )


def test_gold_from_elsewhere_corrects_counts_where_mistakes_carry_over() -> None:
    answers = assumed_shares(three_labels("convenience", [0.7, 0.2, 0.1]), Wanted())
    by_label: dict[str, Answer] = {one.label: one for one in answers}
    for label, share in (("a", 0.7), ("b", 0.2), ("c", 0.1)):
        figure = by_label[label].corrected
        assert (figure.low or 0) <= share <= (figure.high or 0)
        assert abs((figure.value or 0) - share) < 0.05
    assert (by_label["a"].uncorrected.high or 1) < 0.66
    assert "not valid" in (by_label["a"].gold_only.note or "")
    assert by_label["a"].further is None


def test_probabilities_have_a_second_opinion() -> None:
    material = three_labels("convenience", [0.7, 0.2, 0.1])
    blurred = 0.8 * material.working + 0.2 / 3
    answers = assumed_shares(replace(material, working=blurred), Wanted())
    assert answers[0].further is not None
    assert (answers[0].further[EM].value or 0) > (answers[0].uncorrected.value or 0)


def test_a_mean_under_the_assumption() -> None:
    material = three_labels("convenience", [0.7, 0.2, 0.1])
    (one,) = assumed_shares(material, Wanted(is_share=False), np.array([1.0, 2.0, 3.0]))
    assert (one.corrected.low or 0) <= 1.4 <= (one.corrected.high or 0)
    assert (one.uncorrected.low or 0) > 1.4


def test_a_label_without_gold_cannot_be_corrected() -> None:
    material = three_labels("convenience", [0.7, 0.2, 0.1])
    lacking = replace(material, truth=material.truth * np.array([1.0, 1.0, 0.0]))
    with pytest.raises(LabelsProblem, match="without a gold row") as told:
        assumed_shares(lacking, Wanted())
    assert "found:    c" in str(told.value)
