"""Takes the labels as they stand in the data and gives the one map between names and ids.

Also the only place where probabilities become labels (:func:`decide`). Does not know texts, files or models.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from classifine.errors import LabelsProblem, SettingsProblem, unknown_name

FloatMatrix = npt.NDArray[np.float64]
IntVector = npt.NDArray[np.int64]
Rule = Literal["argmax"]


@dataclass(frozen=True)
class LabelSpace:
    """The label names, in id order, and which of them counts as positive.

    Attributes
    ----------
    names
        Label names; a name's place is its id.
    positive
        The label that precision, recall and F1 of a binary task speak of, or none.
    separator
        What stands between the labels of a text that may have several, or none where each text has one.

    Examples
    --------
    >>> space = LabelSpace.of(["yes", "no", "yes"], positive="yes")
    >>> space.names, space.id_of("yes")
    (('no', 'yes'), 1)
    >>> LabelSpace.of(["joy|love", "joy"], separator="|").several("joy|love")
    ('joy', 'love')
    """

    names: tuple[str, ...]
    positive: str | None = None
    separator: str | None = None

    def __post_init__(self) -> None:
        if len(set(self.names)) != len(self.names):
            raise ValueError("label names must differ")
        if self.positive is not None and self.positive not in self.names:
            raise SettingsProblem(
                f"the positive label {self.positive!r} does not occur in the data",
                cure=unknown_name(self.positive, self.names, noun="labels"),
            )

    @classmethod
    def of(cls, labels: Iterable[str], *, positive: str | None = None, separator: str | None = None) -> LabelSpace:
        """Give birth to the label space: names sorted, so that row order cannot matter."""
        cells = set(labels)
        names = {name for cell in cells for name in several_labels(cell, separator)}
        return cls(tuple(sorted(names)), positive, separator)

    @classmethod
    def from_id2label(cls, id2label: Mapping[Any, str], *, positive: str | None = None) -> LabelSpace:
        """Read the map a Hugging Face config carries."""
        names = {int(key): name for key, name in id2label.items()}
        return cls(tuple(names[index] for index in range(len(names))), positive)

    def __len__(self) -> int:
        return len(self.names)

    def several(self, cell: str) -> tuple[str, ...]:
        """Give the labels of a text, as :func:`several_labels` divides its cell."""
        return several_labels(cell, self.separator)

    def id_of(self, name: str) -> int:
        """Give a label's id.

        Raises
        ------
        LabelsProblem
            The name is not in this space.
        """
        try:
            return self.names.index(name)
        except ValueError:
            raise LabelsProblem(
                f"label {name!r} is unknown to this classifier", cure=unknown_name(name, self.names, noun="labels")
            ) from None

    def ids(self, labels: Iterable[str]) -> IntVector:
        """Give the ids of many labels, shape [n]."""
        index = {name: position for position, name in enumerate(self.names)}
        return np.array([index[name] if name in index else self.id_of(name) for name in labels], dtype=np.int64)

    def id2label(self) -> dict[int, str]:
        """Give the map as Hugging Face configs write it."""
        return dict(enumerate(self.names))

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        separator = {} if self.separator is None else {"separator": self.separator}
        return {"names": list(self.names), "positive": self.positive, **separator}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> LabelSpace:
        """Read what :meth:`to_dict` gave."""
        return cls(tuple(value["names"]), value.get("positive"), value.get("separator"))


def decide(probabilities: FloatMatrix, space: LabelSpace, rule: Rule = "argmax") -> tuple[str, ...]:
    """Turn each row of probabilities into one label name.

    Parameters
    ----------
    probabilities
        Shape [n_texts, n_labels].
    space
        The label space whose ids are the columns.
    rule
        ``argmax``: the most probable label; of equal ones, the first in the label space.
    """
    if probabilities.ndim != 2 or probabilities.shape[1] != len(space):
        raise ValueError(f"probabilities must have shape [n, {len(space)}], got {probabilities.shape}")
    if rule != "argmax":
        raise ValueError(f"unknown decision rule {rule!r}")
    return tuple(space.names[index] for index in probabilities.argmax(axis=1))


def several_labels(cell: str, separator: str | None) -> tuple[str, ...]:
    """Divide a cell that holds several labels; without a separator, the whole cell is one label, whatever is in it.

    Labels are taken without the white space around them, each once, in the order they stand in.
    """
    if separator is None:
        return (cell,)
    return tuple(dict.fromkeys(name for part in cell.split(separator) if (name := part.strip())))


def tally(labels: Sequence[str]) -> dict[str, int]:
    """Count labels, names sorted."""
    counts = Counter(labels)
    return {name: counts[name] for name in sorted(counts)}
