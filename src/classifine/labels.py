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
from classifine.hierarchy import Hierarchy

FloatMatrix = npt.NDArray[np.float64]
BoolMatrix = npt.NDArray[np.bool_]
IntVector = npt.NDArray[np.int64]
Rule = Literal["argmax", "weighted argmax", "threshold"]
# From which probability on a text is given a label, where nobody has fitted anything better.
EVEN_CHANCE = 0.5


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
    thresholds
        Where a text may have several labels: the probability from which on it is given each of them. They belong to
        the classifier they were fitted for; without any, .5 each.
    hierarchy
        The levels above the labels, where they have any.
    order
        All labels from the lowest to the highest, where they have an order.
    weights
        Where each text has one label: what each probability is multiplied by before the largest wins. They belong to
        the classifier they were fitted for; without any, the most probable label wins.

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
    thresholds: tuple[float, ...] | None = None
    hierarchy: Hierarchy | None = None
    order: tuple[str, ...] | None = None
    weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if self.hierarchy is not None and (self.separator is not None or self.hierarchy.labels != self.names):
            raise ValueError("hierarchy: of these labels, and only where each text has one")
        if self.order is not None and (self.separator is not None or sorted(self.order) != sorted(self.names)):
            raise ValueError("order: of these labels, and only where each text has one")
        if self.thresholds is not None and (self.separator is None or len(self.thresholds) != len(self.names)):
            raise ValueError("thresholds: one for each label, and only where a text may have several labels")
        if self.weights is not None and (
            self.separator is not None or len(self.weights) != len(self.names) or min(self.weights) <= 0
        ):
            raise ValueError("weights: one above 0 for each label, and only where each text has one")
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
    def from_id2label(cls, id2label: Mapping[Any, str], **more: Any) -> LabelSpace:
        """Read the map a Hugging Face config carries; the other attributes are given by name."""
        names = {int(key): name for key, name in id2label.items()}
        return cls(tuple(names[index] for index in range(len(names))), **more)

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

    def indicator(self, cells: Sequence[str]) -> BoolMatrix:
        """Say of each text which labels stand in its cell, shape [n, n_labels]; of an empty cell, none.

        Raises
        ------
        LabelsProblem
            A name is not in this space.
        """
        has = np.zeros((len(cells), len(self)), dtype=bool)
        index = {name: place for place, name in enumerate(self.names)}
        held = {
            cell: [index[name] if name in index else self.id_of(name) for name in self.several(cell)]
            for cell in set(cells)
        }
        rows = np.repeat(np.arange(len(cells)), [len(held[cell]) for cell in cells])
        has[rows, np.array([label for cell in cells for label in held[cell]], dtype=np.int64)] = True
        return has

    def cells(self, has: BoolMatrix) -> tuple[str, ...]:
        """Write the labels of each text into one cell, in the order of the space; what :meth:`indicator` reads."""
        between = self.separator or ""
        return tuple(between.join(self.names[index] for index in np.flatnonzero(row)) for row in has)

    @property
    def rule(self) -> Rule:
        """How probabilities over this space become labels."""
        if self.separator is not None:
            return "threshold"
        return "argmax" if self.weights is None else "weighted argmax"

    @property
    def told_rule(self) -> str | None:
        """Say how labels are decided where it is not the most probable one that wins, or none.

        Examples
        --------
        >>> LabelSpace(("no", "yes"), weights=(1.0, 4.0)).told_rule
        "'yes' is given from a probability of 0.200 on"
        """
        if self.weights is None:
            return None
        if len(self.names) == 2:
            rarer = 1 if self.positive is None and self.weights[1] >= self.weights[0] else 0
            asked = rarer if self.positive is None else self.id_of(self.positive)
            threshold = self.weights[1 - asked] / (self.weights[0] + self.weights[1])
            return f"{self.names[asked]!r} is given from a probability of {threshold:.3f} on"
        most = max(range(len(self.names)), key=lambda label: (self.weights or ())[label] / min(self.weights or (1,)))
        times = self.weights[most] / min(self.weights)
        return (
            "each probability is multiplied by its label's weight before the largest wins; "
            f"that of {self.names[most]!r} is the largest, {times:.2f} times the smallest"
        )

    @property
    def ranks(self) -> IntVector | None:
        """The rank of each label, the lowest 0, shape [n_labels]; none where they have no order."""
        return None if self.order is None else np.array([self.order.index(name) for name in self.names], dtype=np.int64)

    def id2label(self) -> dict[int, str]:
        """Give the map as Hugging Face configs write it."""
        return dict(enumerate(self.names))

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        further = {
            "separator": self.separator,
            "thresholds": self.thresholds and list(self.thresholds),
            "hierarchy": self.hierarchy and self.hierarchy.to_dict(),
            "order": self.order and list(self.order),
            "weights": self.weights and list(self.weights),
        }
        given = {name: value for name, value in further.items() if value is not None}
        return {"names": list(self.names), "positive": self.positive, **given}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> LabelSpace:
        """Read what :meth:`to_dict` gave."""
        names, thresholds = tuple(value["names"]), value.get("thresholds")
        hierarchy, order, weights = value.get("hierarchy"), value.get("order"), value.get("weights")
        return cls(
            names,
            value.get("positive"),
            value.get("separator"),
            None if thresholds is None else tuple(float(threshold) for threshold in thresholds),
            None if hierarchy is None else Hierarchy.from_dict(hierarchy, names),
            None if order is None else tuple(order),
            None if weights is None else tuple(float(weight) for weight in weights),
        )


def decide(probabilities: FloatMatrix, space: LabelSpace) -> tuple[str, ...]:
    """Turn each row of probabilities into a label name, or into a cell of several.

    Parameters
    ----------
    probabilities
        Shape [n_texts, n_labels].
    space
        The label space whose ids are the columns. Its rule decides: ``argmax``, where each text has one label, gives
        the most probable one, of equal ones the first; ``weighted argmax`` multiplies each probability by its label's
        weight before; ``threshold``, where a text may have several, gives every label whose probability is at least
        its threshold, so that a text may be given none.

    Examples
    --------
    >>> space = LabelSpace(("anger", "joy", "love"), separator="|", thresholds=(0.5, 0.5, 0.2))
    >>> decide(np.array([[0.1, 0.9, 0.2], [0.3, 0.1, 0.1]]), space)
    ('joy|love', '')
    """
    if probabilities.ndim != 2 or probabilities.shape[1] != len(space):
        raise ValueError(f"probabilities must have shape [n, {len(space)}], got {probabilities.shape}")
    if space.rule == "threshold":
        thresholds = space.thresholds if space.thresholds is not None else (EVEN_CHANCE,) * len(space)
        return space.cells(probabilities >= np.array(thresholds))
    weighed = probabilities if space.weights is None else probabilities * np.array(space.weights)
    return tuple(space.names[index] for index in weighed.argmax(axis=1))


def certainty(probabilities: FloatMatrix, has: BoolMatrix) -> npt.NDArray[np.float64]:
    """Give the probability that each text has these labels and no others, taking labels as independent, shape [n].

    Parameters
    ----------
    probabilities
        Of each label, shape [n, n_labels].
    has
        The labels in question, shape [n, n_labels].
    """
    of_each: npt.NDArray[np.float64] = np.where(has, probabilities, 1 - probabilities).prod(axis=1)
    return of_each


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
