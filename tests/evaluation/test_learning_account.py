from __future__ import annotations

from typing import Any

import pytest

from classifine.evaluation.learning_account import account, answer
from classifine.evaluation.learning_curve import LearningCurve, fit_curve

SIZES = [100, 200, 400, 800, 1600]


def trainings(name: str = "tfidf", *, seeds: int = 2, sizes: list[int] = SIZES) -> list[dict[str, Any]]:
    return [
        {
            "classifier": name,
            "size": size,
            "texts": size + seed,
            "seed": seed,
            "scores": {"macro_f1": 0.9 - 2 * size**-0.5 + 0.002 * seed},
            "seconds": 1.5,
            "notes": ["no word"] if size == 100 else [],
        }
        for seed in range(seeds)
        for size in sizes
    ]


def told(done: dict[str, list[dict[str, Any]]], curves: dict[str, LearningCurve | None], **more: Any) -> dict[str, Any]:
    titles = {name: name.upper() for name in done}
    texts = {"train": 1600, "validation": 300}
    about: dict[str, Any] = {"metric": "macro_f1", "gain": 0.02, "sizes": SIZES, "seeds": [0, 1], "texts": texts}
    return account(curves, done, titles, **{**about, **more})


def fitted(done: list[dict[str, Any]]) -> LearningCurve:
    return fit_curve([one["texts"] for one in done], [one["scores"]["macro_f1"] for one in done])


def test_the_account_tells_means_curve_and_answer() -> None:
    done = {"tfidf": trainings()}
    found = told(done, {"tfidf": fitted(done["tfidf"])})
    (one,) = found["classifiers"]
    assert found["finished"]
    assert (one["trained"], one["planned"], one["seconds"]) == (10, 10, 15.0)
    assert one["means"][0] == {"size": 100, "texts": 100, "n": 2} | {
        "mean": pytest.approx(0.701),
        "low": pytest.approx(0.7),
        "high": pytest.approx(0.702),
    }
    assert one["ahead"]["value"] - one["at_all"]["value"] == pytest.approx(one["rise"]["value"])
    # by the law, 0.05 (1 - sqrt(1600 / n)) = 0.02, which is 2,844 more
    assert one["more_labels"]["needed"] == pytest.approx(2844, rel=0.08)
    lines = answer(found)
    assert "2 points more would take about" in lines[0]
    assert "with 3,202, +0.01" in lines[1]
    assert "TFIDF, 2 of 10 trainings: no word." in found["cautions"]


def test_a_curve_that_misses_the_largest_size_is_no_guide_and_that_is_said() -> None:
    done = {"tfidf": [{**one, "notes": []} for one in trainings()]}
    for one in done["tfidf"]:
        one["scores"] = {"macro_f1": 0.8 if one["size"] == 1600 else 0.3}
    found = told(done, {"tfidf": fitted(done["tfidf"])})
    assert "TFIDF: at the largest size, macro-F1 lies" in found["cautions"][0]
    assert "above the curve" in found["cautions"][0]
    done = {"tfidf": trainings()}
    assert "curve" not in " ".join(told(done, {"tfidf": fitted(done["tfidf"])})["cautions"])


def test_too_few_sizes_say_nothing_and_what_limits_the_answer_is_told() -> None:
    done = {"finetuned": trainings("finetuned", seeds=1, sizes=SIZES[:3]), "tfidf": trainings()}
    found = told(done, {"finetuned": None, "tfidf": fitted(done["tfidf"])}, sizes=[*SIZES[:3], 800], time_budget="10m")
    assert not found["finished"]
    lines = answer(found)
    assert lines[0].endswith("cannot be said: there was time for 3 sizes only.")
    assert lines[1].startswith("TFIDF: 2 points more")
    cautions = " ".join(found["cautions"])
    assert "800 of 1,600 training texts" in cautions
    assert "time_budget, 10m" in cautions
    assert "chose the epoch" in cautions
