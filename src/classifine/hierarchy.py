"""Takes label names and how their levels show (a separator, prefix lengths, parents) and gives the tree they stand in.

Upper levels are sums of the labels below them, so probabilities fit together at every level by construction.
Does not know texts, files or models.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from classifine.errors import LabelsProblem, SettingsProblem, count, did_you_mean, some

Paths = dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Hierarchy:
    """The tree that labels are the ends of, as each label's way down to it.

    Level 1 is the top, the last level is the labels themselves. Where ways are of different lengths, a label that ends
    above a level stands there for itself; so at each level every label belongs to exactly one code.

    Attributes
    ----------
    paths
        For each label, in id order: its codes from the top, the label itself last.

    Examples
    --------
    >>> tree = Hierarchy.by_separator(["A/01", "A/02", "B/05"], "/")
    >>> tree.codes(1), tree.summed(np.array([[0.5, 0.2, 0.3]]), 1)
    (('A', 'B'), array([[0.7, 0.3]]))
    """

    paths: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        parents: dict[str, str] = {}
        for path in self.paths:
            for code, parent in zip(path, ("", *path), strict=False):
                if parents.setdefault(code, parent) != parent:
                    raise ValueError(f"{code!r} stands below {parents[code]!r} and below {parent!r}")

    # ---------------------------------------------------------------- how it is made

    @classmethod
    def by_separator(
        cls, names: Sequence[str], separator: str, *, where: Mapping[str, Sequence[str]] | None = None
    ) -> Hierarchy:
        """Read the levels in the labels themselves: ``A/01/011`` stands below ``A/01``, and that below ``A``.

        Parameters
        ----------
        names
            The labels, in id order.
        separator
            What stands between two levels.
        where
            The ids of each label's rows, for error messages.

        Raises
        ------
        LabelsProblem
            A level is blank; or the separator stands in no label.
        """

        def path(name: str) -> tuple[str, ...] | str:
            parts = [part.strip() for part in name.split(separator)]
            if not all(parts):
                return f"{name!r} has a blank level"
            return (*(separator.join(parts[:level]) for level in range(1, len(parts))), name)

        cure = f"mend these labels: {separator!r} stands between two levels, not at the ends and not twice"
        return cls._of(names, path, where, cure=cure, void=f"{separator!r} stands in no label")

    @classmethod
    def by_prefixes(
        cls, names: Sequence[str], lengths: Sequence[int], *, where: Mapping[str, Sequence[str]] | None = None
    ) -> Hierarchy:
        """Read the levels in the first characters of the labels: with 1 and 3, ``0111`` stands below ``011`` and ``0``.

        Parameters
        ----------
        names
            The labels, in id order.
        lengths
            How many characters name each level, from the top; the whole label is the last level.
        where
            The ids of each label's rows, for error messages.

        Raises
        ------
        SettingsProblem
            The lengths do not grow.
        LabelsProblem
            A label is shorter than the longest prefix; or no label is longer than a prefix.
        """
        if not lengths or list(lengths) != sorted({*lengths}) or lengths[0] < 1:
            raise SettingsProblem(
                f"level_prefixes = {list(lengths)}: these lengths do not grow",
                expected="whole numbers of characters, from the top level down: 1,2,4",
            )

        def path(name: str) -> tuple[str, ...] | str:
            if len(name) < lengths[-1]:
                return f"{name!r} has {count(len(name), 'character')}"
            return (*(name[:length] for length in lengths if length < len(name)), name)

        cure = f"give each label at least {lengths[-1]} characters (leading zeros?), or leave the longest prefix out"
        return cls._of(names, path, where, cure=cure, void="no label is longer than the prefixes")

    @classmethod
    def by_parents(
        cls, names: Sequence[str], parents: Mapping[str, str], *, where: Mapping[str, Sequence[str]] | None = None
    ) -> Hierarchy:
        """Read the levels in a map from each label to the code above it; a blank one says that it is at the top.

        Parameters
        ----------
        names
            The labels, in id order; codes of the map that no text has do no harm.
        parents
            Label to parent; parents may have parents.
        where
            The ids of each label's rows, for error messages.

        Raises
        ------
        LabelsProblem
            A label is not in the map, or codes stand below each other in a circle; or no label stands below another.
        """
        known = {*parents, *parents.values()} - {""}

        def path(name: str) -> tuple[str, ...] | str:
            if name not in known:
                guess = did_you_mean(name, known)
                return f"{name!r} is not in the map" + (f" (did you mean {guess!r}?)" if guess else "")
            way = [name]
            while above := parents.get(way[0], ""):
                if above in way:
                    return f"{name!r} goes round in a circle: {' below '.join([*reversed(way), above])}"
                way.insert(0, above)
            return tuple(way)

        cure = "give each label one parent in label_parents; a code at the top has a blank one"
        return cls._of(names, path, where, cure=cure, void="no label has a parent")

    @classmethod
    def _of(
        cls,
        names: Sequence[str],
        path: Callable[[str], tuple[str, ...] | str],
        where: Mapping[str, Sequence[str]] | None,
        *,
        cure: str,
        void: str,
    ) -> Hierarchy:
        found = {name: path(name) for name in names}
        wrong = {name: problem for name, problem in found.items() if isinstance(problem, str)}
        if wrong:
            told = [problem + _rows(where, name) for name, problem in wrong.items()]
            raise LabelsProblem(
                f"{count(len(wrong), 'label has', 'labels have')} no place in the hierarchy",
                found=some(told),
                cure=cure,
            )
        paths = tuple(way for way in found.values() if isinstance(way, tuple))
        if all(len(way) == 1 for way in paths):
            raise LabelsProblem(
                f"the labels have one level only: {void}",
                found=some([repr(name) for name in names]),
                cure="check how the levels are named, or leave it out",
            )
        return cls(paths)

    # ---------------------------------------------------------------- what it says

    @property
    def depth(self) -> int:
        """How many levels there are, the labels' own included."""
        return max(len(path) for path in self.paths)

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in id order."""
        return tuple(path[-1] for path in self.paths)

    @property
    def upper(self) -> range:
        """The levels above the labels, from the top."""
        return range(1, self.depth)

    def codes(self, level: int) -> tuple[str, ...]:
        """Name the codes of a level, sorted; of the last one, the labels in id order."""
        return self._levels[level - 1][0]

    def members(self, level: int) -> npt.NDArray[np.int64]:
        """Give the place, among the codes of a level, of the code that each label belongs to, shape [n_labels]."""
        return self._levels[level - 1][1]

    def matrix(self, level: int) -> npt.NDArray[np.float64]:
        """Say which labels belong to which code of a level, 0 or 1, shape [n_labels, n_codes]."""
        belongs = np.zeros((len(self.paths), len(self.codes(level))))
        belongs[np.arange(len(self.paths)), self.members(level)] = 1.0
        return belongs

    def summed(self, probabilities: npt.NDArray[np.float64], level: int) -> npt.NDArray[np.float64]:
        """Give the probabilities of the codes of a level, each the sum of its labels', shape [n_texts, n_codes]."""
        sums: npt.NDArray[np.float64] = probabilities @ self.matrix(level)
        return sums

    def shared(self, one: npt.NDArray[np.int64], other: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Give how many codes from the top two labels share, themselves included, for label ids of shape [n] each."""
        same = self._ways[one] == self._ways[other]
        common: npt.NDArray[np.int64] = np.cumprod(same & (self._ways[one] >= 0), axis=1).sum(axis=1)
        return common

    @cached_property
    def lengths(self) -> npt.NDArray[np.int64]:
        """How many codes each label's way has, itself included, shape [n_labels]."""
        return np.array([len(path) for path in self.paths], dtype=np.int64)

    @property
    def parents(self) -> dict[str, str]:
        """Each code and the one above it; blank at the top. What :meth:`by_parents` reads."""
        pairs = ((code, above) for path in self.paths for code, above in zip(path, ("", *path), strict=False))
        return dict(pairs)

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON: each label's way down, by label."""
        return {path[-1]: list(path) for path in self.paths}

    @classmethod
    def from_dict(cls, value: Mapping[str, Sequence[str]], names: Sequence[str]) -> Hierarchy:
        """Read what :meth:`to_dict` gave, for labels in this order."""
        return cls(tuple(tuple(str(code) for code in value[name]) for name in names))

    @cached_property
    def _levels(self) -> list[tuple[tuple[str, ...], npt.NDArray[np.int64]]]:
        found = []
        for level in range(1, self.depth + 1):
            own = [path[min(level, len(path)) - 1] for path in self.paths]
            codes = self.labels if level == self.depth else tuple(sorted(set(own)))
            place = {code: index for index, code in enumerate(codes)}
            found.append((codes, np.array([place[code] for code in own], dtype=np.int64)))
        return found

    @cached_property
    def _ways(self) -> npt.NDArray[np.int64]:
        """Number the codes and write each label's way with them, -1 below its end, shape [n_labels, depth]."""
        number = {code: place for place, code in enumerate(dict.fromkeys(code for path in self.paths for code in path))}
        ways = np.full((len(self.paths), self.depth), -1, dtype=np.int64)
        for row, path in enumerate(self.paths):
            ways[row, : len(path)] = [number[code] for code in path]
        return ways


def _rows(where: Mapping[str, Sequence[str]] | None, name: str) -> str:
    ids = (where or {}).get(name, ())
    return f" ({'id' if len(ids) == 1 else 'ids'} {some(ids, limit=3)})" if ids else ""
