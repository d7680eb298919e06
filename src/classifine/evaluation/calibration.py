"""Takes logits and truth of validation texts and gives a calibration: what makes probabilities mean what they say.

One temperature, or a temperature and a bias for each label. It never sees test texts, can be undone, and is nothing at
all where the validation texts cannot tell. Does not know models or how logits came about.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from classifine.labels import BoolMatrix, FloatMatrix, IntVector
from classifine.resampling import FEWEST

Method: TypeAlias = Literal["none", "temperature", "vector"]

# Beyond these inverse temperatures the likelihood has no minimum that texts could speak of.
_FLATTEST, _SHARPEST = 0.05, 20.0
NOT_WANTED = "not wanted"
TOO_FEW = f"fewer than {FEWEST} validation texts"
ALL_RIGHT = "the sharper the probabilities, the better: the validation texts hold too few mistakes to fit a temperature"
NO_USE = "the flatter the probabilities, the better: the logits tell nothing about the validation texts"


@dataclass(frozen=True)
class Calibration:
    """How logits become those of probabilities that mean what they say: each divided by a temperature, plus a bias.

    Attributes
    ----------
    method
        ``none``, ``temperature`` or ``vector``.
    several
        Whether a text may have several labels, so that each label has a temperature of its own.
    temperatures
        One for all labels, or one for each.
    bias
        One for each label, or none.
    n
        The validation texts it was fitted on.
    note
        Why there is none, or what a reader should know.
    log_loss
        On these texts, before and after; none where nothing was fitted.
    folded
        Whether the model's own last layer has it already, so that whoever loads the folder gets calibrated
        probabilities. Else they are made when this package predicts.

    Examples
    --------
    >>> found = Calibration("temperature", temperatures=(2.0,))
    >>> found.logits(np.array([[4.0, 0.0]])).tolist()
    [[2.0, 0.0]]
    """

    method: Method = "none"
    several: bool = False
    temperatures: tuple[float, ...] = (1.0,)
    bias: tuple[float, ...] | None = None
    n: int = 0
    note: str | None = None
    log_loss: tuple[float, float] | None = None
    folded: bool = False

    def logits(self, raw: FloatMatrix) -> FloatMatrix:
        """Calibrate raw logits, shape [n, n_labels]."""
        calibrated: FloatMatrix = raw / np.array(self.temperatures) + np.array(self.bias or 0.0)
        return calibrated

    def raw(self, calibrated: FloatMatrix) -> FloatMatrix:
        """Undo :meth:`logits`."""
        raw: FloatMatrix = (calibrated - np.array(self.bias or 0.0)) * np.array(self.temperatures)
        return raw

    def raw_probabilities(self, calibrated: FloatMatrix) -> FloatMatrix:
        """Give the probabilities as they were before calibration, from the calibrated ones; unknown stays unknown."""
        if self.method == "none":
            return calibrated
        return probabilities_of(self.raw(logits_of(calibrated, several=self.several)), several=self.several)

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON, as it stands in calibration.json."""
        return {
            "method": self.method,
            "several": self.several,
            "temperatures": list(self.temperatures),
            "bias": None if self.bias is None else list(self.bias),
            "n": self.n,
            "note": self.note,
            "log_loss": None if self.log_loss is None else dict(zip(("before", "after"), self.log_loss, strict=True)),
            "folded": self.folded,
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Calibration:
        """Read what :meth:`to_dict` gave; a ValueError, KeyError or TypeError says that it is something else."""
        bias, loss = value["bias"], value["log_loss"]
        if value["method"] not in ("none", "temperature", "vector"):
            raise ValueError(f"there is no calibration {value['method']!r}")
        return cls(
            method=value["method"],
            several=bool(value["several"]),
            temperatures=tuple(float(one) for one in value["temperatures"]),
            bias=None if bias is None else tuple(float(one) for one in bias),
            n=int(value["n"]),
            note=value["note"],
            log_loss=None if loss is None else (float(loss["before"]), float(loss["after"])),
            folded=bool(value["folded"]),
        )


def fit_calibration(logits: FloatMatrix, truth: IntVector | BoolMatrix, method: Method) -> Calibration:
    """Fit temperature and bias by maximum likelihood.

    Parameters
    ----------
    logits
        Raw ones of validation texts, shape [n, n_labels].
    truth
        Label ids, shape [n]; where a text may have several, which it has, shape [n, n_labels].
    method
        ``temperature``, or ``vector`` for a bias of each label, too, which undoes the shift that class weights bring.
        Where a text may have several labels, each has a temperature of its own.

    Notes
    -----
    Guo et al. 2017, "On calibration of modern neural networks", ICML. With fewer than 10 texts, or where the likelihood
    has no minimum because every text is right, nothing is fitted. Each bias, and each label's temperature beside that
    of all labels together, is held back by as much as one normal prior with a standard deviation of 1 on the log-odds:
    nothing where there are many texts, all where a label has none. The log-loss on these texts is never worse than
    before.
    """
    several, n = truth.ndim == 2, len(logits)
    if method == "none" or n < FEWEST:
        return Calibration(several=several, n=n, note=NOT_WANTED if method == "none" else TOO_FEW)
    slope, note = _inverse_temperature(logits, truth)
    if slope is None and method == "vector" and note == NO_USE:
        slope, note = 1.0, None  # they may tell something once they are shifted
    if slope is None:
        return Calibration(several=several, n=n, note=note)
    found = Calibration(method, several, (1 / slope,), None, n)
    if several:
        labels = [_of_one(column, has, slope, method) for column, has in zip(logits.T, truth.T, strict=True)]
        slopes, bias = zip(*labels, strict=True)
        found = replace(found, temperatures=tuple(1 / one for one in slopes), bias=bias if method == "vector" else None)
    elif method == "vector":
        slope, shift = _vector(logits, truth.astype(np.int64), slope)
        found = replace(found, temperatures=(1 / slope,), bias=tuple(shift.tolist()))
    before, after = (mean_log_loss(each, truth) for each in (logits, found.logits(logits)))
    return replace(found, log_loss=(before, after))


def mean_log_loss(logits: FloatMatrix, truth: IntVector | BoolMatrix) -> float:
    """Give the mean log-loss in nats; where a text may have several labels, over texts and labels."""
    if truth.ndim == 2:
        return float(np.logaddexp(0, np.where(truth, -logits, logits)).mean())
    return float((_log_sum(logits) - logits[np.arange(len(truth)), truth]).mean())


def probabilities_of(logits: FloatMatrix, *, several: bool) -> FloatMatrix:
    """Turn logits into probabilities: of each label by itself where a text may have several, else of all together."""
    if several:
        each: FloatMatrix = np.exp(-np.logaddexp(0, -logits))
        return each
    shares: FloatMatrix = np.exp(logits - _log_sum(logits)[:, None])
    return shares


def logits_of(probabilities: FloatMatrix, *, several: bool) -> FloatMatrix:
    """Turn probabilities back into logits; where each text has one label, up to what is added to all of a row."""
    least = np.finfo(np.float64).tiny
    logits: FloatMatrix = np.log(np.maximum(probabilities, least))
    if several:
        logits = logits - np.log(np.maximum(1 - probabilities, np.finfo(np.float64).eps / 2))
    return logits


def _log_sum(logits: FloatMatrix) -> npt.NDArray[np.float64]:
    most = logits.max(axis=1)
    total: npt.NDArray[np.float64] = most + np.log(np.exp(logits - most[:, None]).sum(axis=1))
    return total


def _inverse_temperature(logits: FloatMatrix, truth: IntVector | BoolMatrix) -> tuple[float | None, str | None]:
    """Give the inverse temperature with the least log-loss, which is convex in it: where its slope is 0."""
    from scipy.optimize import brentq

    several = truth.ndim == 2

    def slope(inverse: float) -> float:
        expected = probabilities_of(inverse * logits, several=several)
        if several:
            return float((logits * (expected - truth)).mean())
        of_truth = logits[np.arange(len(truth)), truth]
        return float(((expected * logits).sum(axis=1) - of_truth).mean())

    if slope(_SHARPEST) <= 0:
        return None, ALL_RIGHT
    if slope(_FLATTEST) >= 0:
        return None, NO_USE
    return float(brentq(slope, _FLATTEST, _SHARPEST, xtol=1e-13)), None


def _vector(logits: FloatMatrix, truth: IntVector, slope: float) -> tuple[float, npt.NDArray[np.float64]]:
    """Give the inverse temperature and the bias of each label of which a text has one."""
    n, labels = logits.shape
    is_truth = np.zeros((n, labels))
    is_truth[np.arange(n), truth] = 1

    def loss(given: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        shifted = given[0] * logits + given[1:]
        apart = probabilities_of(shifted, several=False) - is_truth
        value = mean_log_loss(shifted, truth) + (given[1:] ** 2).sum() / (2 * n)
        return value, np.concatenate([[(apart * logits).sum() / n], apart.mean(axis=0) + given[1:] / n])

    start = np.concatenate([[slope], np.zeros(labels)])
    bounds = [(_FLATTEST, _SHARPEST), *[(None, None)] * labels]
    found = _least(loss, start, bounds)
    return float(found[0]), found[1:]


def _of_one(
    logits: npt.NDArray[np.float64], has: npt.NDArray[np.bool_], common: float, method: Method
) -> tuple[float, float]:
    """Give the inverse temperature and the bias of one label of several, near those of all labels where texts are few.

    Platt 1999, "Probabilistic outputs for support vector machines"; without the bias where only a temperature is asked.
    """
    n, shifts = len(logits), method == "vector"

    def loss(given: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        slope, bias = common * np.exp(given[0]), given[1] if shifts else 0.0
        shifted = slope * logits + bias
        apart = probabilities_of(shifted[:, None], several=True)[:, 0] - has
        value = np.logaddexp(0, np.where(has, -shifted, shifted)).mean() + (given**2).sum() / (2 * n)
        parts = [(apart * logits).mean() * slope, apart.mean()]
        return float(value), np.array(parts[: len(given)]) + given / n

    bounds = [(np.log(_FLATTEST / common), np.log(_SHARPEST / common)), (None, None)]
    start = np.zeros(1 + shifts)
    found = _least(loss, start, bounds[: len(start)])
    return float(common * np.exp(found[0])), float(found[1]) if shifts else 0.0


def _least(
    loss: Callable[[npt.NDArray[np.float64]], tuple[float, npt.NDArray[np.float64]]],
    start: npt.NDArray[np.float64],
    bounds: Sequence[tuple[float | None, float | None]],
) -> npt.NDArray[np.float64]:
    """Give where a loss that comes with its slopes is least."""
    from scipy import optimize

    minimize: Any = optimize.minimize
    patient = {"maxiter": 500, "ftol": 1e-13, "gtol": 1e-9}
    found = minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B", options=patient)
    return np.asarray(found.x, dtype=np.float64)
