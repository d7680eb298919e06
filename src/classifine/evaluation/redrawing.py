"""Takes decisions of several classifiers about the same rows and gives their scores, also on the rows drawn anew.

The draws are the same for all, so that what is hard in a row is hard for all. Does not know models or files.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classifine.evaluation.metrics import Margins, averaged_metrics, confusion_matrix, label_metrics
from classifine.evaluation.ordinal import quadratic_weighted_kappa
from classifine.evaluation.several import margins_of_sets, row_metrics
from classifine.evaluation.thresholds import fit_thresholds
from classifine.labels import FloatMatrix, IntVector, LabelSpace

Decisions = npt.NDArray[np.int64] | npt.NDArray[np.bool_]
_LOWER = ("hamming_loss",)
_OF_SETS = ("accuracy",)  # of several labels, this one is micro recall


@dataclass(frozen=True)
class Truth:
    """Rows and their labels, and how decisions about them are scored.

    Attributes
    ----------
    cells
        Label ids, shape [n]; where a text may have several, which it has, shape [n, n_labels].
    space
        The label space.
    ranks
        The rank of each label where they have an order, shape [n_labels].
    """

    cells: Decisions
    space: LabelSpace
    ranks: IntVector | None = None

    @classmethod
    def of(cls, labels: Sequence[str], space: LabelSpace, ranks: IntVector | None = None) -> Truth:
        """Read label cells."""
        if space.separator is None:
            return cls(space.ids(labels), space, ranks)
        return cls(space.indicator(labels).astype(bool), space, ranks)

    def decided(self, probabilities: FloatMatrix) -> Decisions:
        """Give each row its label; or its labels, with thresholds fitted to these very rows.

        As :func:`classifine.evaluation.validation.validation_metrics` does.
        """
        if self.space.separator is None:
            best: IntVector = probabilities.argmax(axis=1)
            return best
        given: npt.NDArray[np.bool_] = probabilities >= np.array(fit_thresholds(probabilities, self.cells.astype(bool)))
        return given

    def scores(self, given: Decisions, rows: IntVector | None = None) -> dict[str, float]:
        """Give every score of decisions of which more is better and 1 is the most.

        Parameters
        ----------
        given
            What was decided, in the shape of the truth.
        rows
            Positions that are scored, with repetition; all if nothing is said.
        """
        truth, given = (self.cells, given) if rows is None else (self.cells[rows], given[rows])
        told: dict[str, float] = {}
        if self.space.separator is not None:
            has, said = truth.astype(bool), given.astype(bool)
            told |= {name: float(v.mean()) for name, v in row_metrics(has, said).items() if name not in _LOWER}
            margins = margins_of_sets(has, said)
        else:
            ids, predicted = truth.astype(np.int64), given.astype(np.int64)
            if self.ranks is not None:
                told["quadratic_weighted_kappa"] = quadratic_weighted_kappa(self.ranks[ids], self.ranks[predicted])
            margins = Margins.of(confusion_matrix(ids, predicted, len(self.space)))
        told |= {name: float(value) for name, value in averaged_metrics(margins).items()}
        if self.space.positive is not None:
            positive = self.space.id_of(self.space.positive)
            parts = zip(("precision", "recall", "f1"), label_metrics(margins), strict=True)
            told |= {name: float(values[positive]) for name, values in parts}
        without = _OF_SETS if self.space.separator is not None else ()
        return {name: value for name, value in told.items() if name not in without}

    def redrawn(self, decisions: Sequence[Decisions], metric: str, *, seed: int, draws: int = 200) -> FloatMatrix:
        """Give the score of each classifier on rows drawn with replacement, shape [draws, n_classifiers].

        Parameters
        ----------
        decisions
            Of each classifier, in the shape of the truth.
        metric
            A name of :meth:`scores`.
        seed
            Where the draws start.
        draws
            How often the rows are drawn.
        """
        generator = np.random.default_rng(seed)
        n = len(self.cells)
        found = np.empty((draws, len(decisions)))
        for place in range(draws):
            rows = generator.integers(n, size=n)
            found[place] = [self.scores(given, rows)[metric] for given in decisions]
        return found

    def packed(self, given: Decisions) -> str:
        """Write decisions as a short text."""
        content = given.astype("<u4").tobytes() if given.dtype != np.bool_ else np.packbits(given).tobytes()
        return base64.b64encode(zlib.compress(content, 9)).decode()

    def unpacked(self, text: str) -> Decisions:
        """Read what :meth:`packed` wrote."""
        content = zlib.decompress(base64.b64decode(text))
        if self.space.separator is None:
            return np.frombuffer(content, "<u4").astype(np.int64)
        bits = np.unpackbits(np.frombuffer(content, np.uint8), count=self.cells.size)
        return bits.reshape(self.cells.shape).astype(bool)
