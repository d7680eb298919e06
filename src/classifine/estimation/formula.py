"""Takes a formula such as ``yes ~ account + reposts`` and columns and gives the matrix of a regression.

A column of numbers is one column, any other one a column for each value but the first. Does not know what is fitted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from classifine.errors import RowsProblem, UsageError, count, some
from classifine.estimation.intervals import FloatVector
from classifine.labels import FloatMatrix, IntVector

INTERCEPT = "(intercept)"
_TOKEN = re.compile(r"\s*(?:(C\()|`([^`]+)`|([^\W\d][\w.]*)|(\d+)|([~+\-:*()]))")
_MOST_LEVELS = 200


@dataclass(frozen=True)
class Formula:
    """What is explained by what.

    Attributes
    ----------
    outcome
        The name left of ``~``.
    terms
        The names that are multiplied in each term, in order.
    intercept
        Whether there is one.
    categories
        Names that are taken as categories though their cells are numbers: ``C(year)``.
    text
        As it was written.
    """

    outcome: str
    terms: tuple[tuple[str, ...], ...]
    intercept: bool
    categories: frozenset[str]
    text: str

    @property
    def names(self) -> tuple[str, ...]:
        """All names in it, each once."""
        return tuple(dict.fromkeys([self.outcome, *(name for term in self.terms for name in term)]))


def parsed(text: str) -> Formula:
    """Read a formula: ``+`` adds terms, ``:`` multiplies, ``a*b`` is ``a + b + a:b``, ``- 1`` leaves the intercept out.

    A name with blanks or signs stands between backticks; ``C(name)`` takes numbers as categories.

    Raises
    ------
    UsageError
        It cannot be read.

    Examples
    --------
    >>> parsed("yes ~ account * C(year) - 1").terms
    (('account',), ('year',), ('account', 'year'))
    """
    tokens = _tokens(text)
    categories: set[str] = set()
    sides: list[list[tuple[str, str]]] = [[]]
    for kind, value in tokens:
        if (kind, value) == ("sign", "~"):
            sides.append([])
        else:
            sides[-1].append((kind, value))
            if kind == "category":
                categories.add(value)
    if len(sides) != 2 or len(sides[0]) != 1 or sides[0][0][0] == "sign" or not sides[1]:
        raise _unreadable(text, "one name, ~, and terms")
    terms: list[tuple[str, ...]] = []
    intercept = True
    for sign, factors in _added(sides[1], text):
        if factors in ([[("number", "1")]], [[("number", "0")]]):
            intercept = (factors[0][0][1] == "1") == (sign == "+")
        elif sign == "-" or any(kind == "number" for part in factors for kind, _ in part):
            raise _unreadable(text, "names between the signs; only 1 can be taken away")
        else:
            parts = [tuple(value for _, value in part) for part in factors]
            for size in range(1, len(parts) + 1):
                terms += [tuple(name for at in which for name in parts[at]) for which in _chosen(len(parts), size)]
    kept = tuple(dict.fromkeys(terms))
    if not kept and not intercept:
        raise _unreadable(text, "at least one term")
    return Formula(sides[0][0][1], kept, intercept, frozenset(categories), text.strip())


def _chosen(n: int, size: int) -> list[tuple[int, ...]]:
    from itertools import combinations

    return list(combinations(range(n), size))


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    place, inside = 0, False
    while text[place:].strip():
        match = _TOKEN.match(text, place)
        if match is None:
            raise _unreadable(text, "names, +, -, :, * and ~", at=text[place:].strip()[:10])
        category, quoted, name, digits, sign = match.groups()
        place = match.end()
        if category:
            inside = True
        elif quoted or name:
            found.append(("category" if inside else "name", quoted or name))
        elif digits:
            found.append(("number", digits))
        elif sign == ")" and inside:
            inside = False
        elif sign in "()":
            raise _unreadable(text, "no brackets but those of C(name)")
        else:
            found.append(("sign", sign))
    if inside:
        raise _unreadable(text, "a closing bracket after C(name")
    return found


def _added(tokens: Sequence[tuple[str, str]], text: str) -> list[tuple[str, list[list[tuple[str, str]]]]]:
    """Divide at + and -, then at *, then at :."""
    found: list[tuple[str, list[list[tuple[str, str]]]]] = []
    sign, factors, expecting = "+", [[]], True  # type: tuple[str, list[list[tuple[str, str]]], bool]
    for kind, value in tokens:
        if kind != "sign":
            if not expecting:
                raise _unreadable(text, "a sign between two names", at=value)
            factors[-1].append((kind, value))
            expecting = False
            continue
        if expecting and not (value in "+-" and not found and not factors[0]):
            raise _unreadable(text, "a name between two signs", at=value)
        if value in "+-":
            if factors[0]:
                found.append((sign, factors))
            sign, factors = value, [[]]
        elif value == "*":
            factors.append([])
        expecting = True
    if expecting:
        raise _unreadable(text, "a name at its end")
    return [*found, (sign, factors)]


def _unreadable(text: str, expected: str, at: str | None = None) -> UsageError:
    return UsageError(
        f"the formula {text!r} cannot be read",
        found=None if at is None else f"at {at!r}",
        expected=expected,
        cure="write it as: yes ~ account + reposts; names with blanks stand between `backticks`",
    )


@dataclass(frozen=True)
class Variable:
    """A column: numbers, or categories.

    Attributes
    ----------
    numbers
        Shape [m], where they are numbers.
    levels, codes
        Else the values, sorted, and the place of each row's among them.
    """

    numbers: FloatVector | None = None
    levels: tuple[str, ...] = ()
    codes: IntVector | None = None


def variable_of(name: str, cells: Sequence[str | None], rows: Sequence[int], *, category: bool) -> Variable:
    """Give a column as numbers where all its cells are, else as categories.

    Raises
    ------
    RowsProblem
        Cells are blank, or a column of categories has one value or hundreds.
    """
    blank = [row for row, cell in zip(rows, cells, strict=True) if cell is None or not cell.strip()]
    if blank:
        raise RowsProblem(
            f"{count(len(blank), 'row has', 'rows have')} no value in the column {name!r} of the regression",
            where=f"rows {some(blank)}",
            cure="fill them in, or take out of both files the texts that the regression is not to speak of",
        )
    if not category:
        try:
            return Variable(np.array(cells, dtype=np.float64))
        except ValueError:
            pass
    levels = sorted({str(cell).strip() for cell in cells})
    if not 1 < len(levels) <= _MOST_LEVELS:
        raise RowsProblem(
            f"the column {name!r} has {count(len(levels), 'value')}, which is no use in a regression",
            expected=f"2 to {_MOST_LEVELS} different values, or numbers",
            found=some([repr(level) for level in levels[:5]]),
        )
    place = {level: at for at, level in enumerate(levels)}
    codes = np.fromiter((place[str(cell).strip()] for cell in cells), np.int64, len(cells))
    return Variable(None, tuple(levels), codes)


def matrix_of(formula: Formula, variables: Mapping[str, Variable], rows: int) -> tuple[FloatMatrix, tuple[str, ...]]:
    """Give the matrix of the terms, shape [m, p], and the names of its columns.

    The first level of each category is the one others are compared with; without an intercept, the first term that is
    one category alone keeps all its levels.
    """
    columns: list[FloatVector] = [np.ones(rows)] if formula.intercept else []
    names = [INTERCEPT] if formula.intercept else []
    whole = not formula.intercept
    for term in formula.terms:
        parts: list[tuple[str, FloatVector]] = [("", np.ones(rows))]
        for name in term:
            variable = variables[name]
            own = _own(name, variable, whole=whole and len(term) == 1)
            whole = whole and (variable.numbers is not None or len(term) > 1)
            parts = [(f"{left}:{right}".lstrip(":"), one * other) for left, one in parts for right, other in own]
        columns += [values for _, values in parts]
        names += [name for name, _ in parts]
    return np.column_stack(columns), tuple(names)


def _own(name: str, variable: Variable, *, whole: bool) -> list[tuple[str, FloatVector]]:
    if variable.numbers is not None:
        return [(name, variable.numbers)]
    first = 0 if whole else 1
    return [
        (f"{name}[{level}]", np.equal(np.asarray(variable.codes), at).astype(np.float64))
        for at, level in enumerate(variable.levels)
        if at >= first
    ]
