from __future__ import annotations

import pytest

from classifine.courses.series import Budget
from classifine.errors import SettingsProblem


def entry(texts: int, seconds: float, classifier: str = "finetuned") -> dict[str, object]:
    return {"classifier": classifier, "texts": texts, "seconds": seconds}


def test_a_training_begins_where_it_is_likely_to_fit() -> None:
    budget = Budget("100s", [entry(100, 10.0), entry(100, 14.0)])
    assert budget.allows(entry(6400, 0))  # of one size nobody knows more than that it took 12
    budget.done.append(entry(400, 30.0))
    assert budget.allows(entry(400, 0))  # 54 + 30
    assert budget.allows(entry(660, 0))  # 54 + 30 + 260 * 18 / 300
    assert not budget.allows(entry(680, 0))
    assert budget.allows(entry(300, 0))  # by those with 100 texts
    assert budget.allows(entry(10_000, 0, "tfidf"))  # of which none was trained yet
    budget.done.append(entry(100, 60.0))
    assert not budget.allows(entry(50, 0))  # nothing is left
    assert Budget(None, [entry(1, 1e9)]).allows(entry(1, 0))
    with pytest.raises(SettingsProblem, match="is no time"):
        Budget("soon", [])
