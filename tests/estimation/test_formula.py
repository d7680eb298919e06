from __future__ import annotations

import numpy as np
import pytest

from classifine.errors import RowsProblem, UsageError
from classifine.estimation.formula import INTERCEPT, Variable, matrix_of, parsed, variable_of


def test_what_a_formula_says() -> None:
    found = parsed("`call to action` ~ account + C(year):reposts")
    assert found.outcome == "call to action"
    assert found.terms == (("account",), ("year", "reposts"))
    assert found.categories == {"year"}
    assert found.intercept
    assert found.names == ("call to action", "account", "year", "reposts")
    assert parsed("y ~ a*b").terms == (("a",), ("b",), ("a", "b"))
    assert parsed("y ~ a*b*c").terms[-1] == ("a", "b", "c")
    assert not parsed("y ~ a - 1").intercept
    assert not parsed("y ~ 0 + a").intercept
    assert parsed("y ~ 1").terms == ()


@pytest.mark.parametrize(
    "text",
    ["", "y", "y ~", "~ a", "y ~ a +", "y ~ a b", "y ~ a ++ b", "y ~ (a)", "y ~ a - b", "y ~ C(a", "y ~ 0", "y^2"],
)
def test_what_is_no_formula(text: str) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        parsed(text)


def test_the_matrix_is_that_of_formulaic() -> None:
    formulaic = pytest.importorskip("formulaic")
    import pandas as pd

    cells = {"g": ["b", "a", "c", "a"], "x": ["1", "2.5", "-1", "0"], "h": ["u", "v", "v", "u"]}
    variables = {name: variable_of(name, column, range(4), category=False) for name, column in cells.items()}
    frame = pd.DataFrame({"g": cells["g"], "x": [1, 2.5, -1, 0], "h": cells["h"]})
    for text in ("g + x", "g*x + h", "x:h + x", "g - 1"):
        theirs = formulaic.model_matrix(text, frame)
        ours, names = matrix_of(parsed(f"y ~ {text}"), variables, 4)
        assert ours.shape == theirs.shape, text
        assert sorted(map(tuple, ours.T)) == sorted(map(tuple, np.asarray(theirs, dtype=float).T)), (text, names)


def test_names_say_the_level() -> None:
    variables = {"g": variable_of("g", ["b", "a"], [1, 2], category=False), "x": Variable(np.array([1.0, 2.0]))}
    assert matrix_of(parsed("y ~ g:x"), variables, 2)[1] == (INTERCEPT, "g[b]:x")
    assert variable_of("n", ["1", "2"], [1, 2], category=True).levels == ("1", "2")


def test_a_blank_cell_is_named() -> None:
    with pytest.raises(RowsProblem, match="2 rows have no value") as told:
        variable_of("x", ["1", None, " "], [4, 5, 6], category=False)
    assert "rows 5, 6" in str(told.value)
    with pytest.raises(RowsProblem, match="1 value"):
        variable_of("g", ["a", "a"], [1, 2], category=False)
