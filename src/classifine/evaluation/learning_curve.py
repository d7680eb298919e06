"""Takes scores at several numbers of training rows and gives the curve through them, and what more labels would bring.

In short, for callers (one entry a trained run; ``seeds`` say which runs share one)::

    fit_curve(sizes, scores, *, seeds=None, redrawn=None, seed=42, resamples=999) -> LearningCurve
    curve.at(size) -> Point                  # .size .value .low .high
    curve.rise(size) -> Point                # the same of what it lies above the largest size
    curve.more_labels(gain=0.02) -> MoreLabels   # .needed .low .high .sentence; needed is None where it cannot be said
    curve.to_dict()                          # points, fitted line with its band, and the answer, for page and JSON

Scores are such that higher is better and 1 is the most. Does not know models, texts or files.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from classifine.labels import FloatMatrix
from classifine.resampling import CONFIDENCE

FEWEST_SIZES = 4  # one more than the curve has parameters
FURTHEST = 10  # times the largest size; of what lies beyond, the curve knows nothing
PARAMETERS = 3

_RATES = np.geomspace(0.05, 3.0, 160)
_LINE = 60  # points of the line that is drawn
_FloatVector = npt.NDArray[np.float64]
_TAILS = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)


@dataclass(frozen=True)
class Point:
    """The fitted score at a number of training rows, with the 95 % interval of the curve there."""

    size: int
    value: float
    low: float
    high: float

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        return {"size": self.size, "value": self.value, "low": self.low, "high": self.high}


@dataclass(frozen=True)
class MoreLabels:
    """How many more labelled texts a gain would take.

    Attributes
    ----------
    gain
        By how much the score is to rise above the curve at the largest size.
    needed
        How many more; none where that cannot be said.
    low, high
        The 95 % interval; ``high`` is none where there is no upper end.
    sentence
        The answer in words.
    """

    gain: float
    needed: int | None
    low: int | None
    high: int | None
    sentence: str

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        told = ("gain", "needed", "low", "high", "sentence")
        return {name: getattr(self, name) for name in told}


@dataclass(frozen=True)
class LearningCurve:
    """The curve ``ceiling - gap (size / largest)^-rate`` through scores, and other curves that are as likely.

    Attributes
    ----------
    sizes, scores
        What was measured, shape [n].
    ceiling, gap, rate
        Where the curve ends, how far below the largest size is, and how fast it gets there.
    others
        The same three of each resample, shape [resamples, 3].
    """

    sizes: tuple[int, ...]
    scores: tuple[float, ...]
    ceiling: float
    gap: float
    rate: float
    others: FloatMatrix

    @property
    def largest(self) -> int:
        """The largest number of training rows."""
        return max(self.sizes)

    @property
    def rises(self) -> bool:
        """Whether scores are shown to rise from the smallest to the largest size."""
        ends = self._others_at(np.array([min(self.sizes), self.largest], dtype=np.float64))
        return bool(np.quantile(ends[:, 1] - ends[:, 0], _TAILS[0]) > 0)

    def at(self, size: int) -> Point:
        """Give the fitted score at a number of training rows; beyond the largest size, it is a forecast."""
        value = self.ceiling - self.gap * (size / self.largest) ** -self.rate
        low, high = np.quantile(self._others_at(np.array([float(size)]))[:, 0], _TAILS)
        return Point(size, float(value), float(low), float(high))

    def rise(self, size: int) -> Point:
        """Give by how much the curve at a number of training rows lies above that at the largest size."""
        ends = self._others_at(np.array([float(self.largest), float(size)]))
        low, high = np.quantile(ends[:, 1] - ends[:, 0], _TAILS)
        return Point(size, self.at(size).value - self.at(self.largest).value, float(low), float(high))

    def more_labels(self, gain: float = 0.02) -> MoreLabels:
        """Say how many more labelled texts would raise the score by so much.

        Parameters
        ----------
        gain
            Above the fitted score at the largest size; .02 is two points.

        Raises
        ------
        ValueError
            The gain is not above 0.
        """
        if gain <= 0:
            raise ValueError(f"the gain must be above 0, got {gain}")
        fitted = self._more(np.array([[self.ceiling, self.gap, self.rate]]), gain)[0]
        low, high = np.quantile(self._more(self.others, gain), _TAILS, method="inverted_cdf")
        points = "1 point" if round(100 * gain, 6) == 1 else f"{100 * gain:g} points"
        furthest = (FURTHEST - 1) * self.largest
        if not self.rises:
            sentence = (
                f"How many more labels would bring {points} more cannot be said: "
                f"the scores are not shown to rise with the number of labels."
            )
            return MoreLabels(gain, None, None, None, sentence)
        if low > furthest:
            sentence = (
                f"{points} more: out of reach, for that would take more than {_round(furthest):,} more labels, "
                f"and so far ahead the curve says nothing."
            )
            return MoreLabels(gain, None, _round(furthest), None, sentence)
        if fitted > furthest or high > furthest:
            sentence = (
                f"{points} more would take at least about {_round(low):,} more labels; "
                f"how many cannot be said, since the curve may be close to its end."
            )
            return MoreLabels(gain, None, _round(low), None, sentence)
        needed, least, most = _round(fitted), _round(low), _round(high)
        sentence = f"{points} more would take about {needed:,} more labels (95 % interval {least:,} to {most:,})."
        return MoreLabels(gain, needed, least, most, sentence)

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON: what was measured, the curve, its line with the band, and the answer for two points."""
        line = np.unique(np.geomspace(min(self.sizes), 2 * self.largest, _LINE).round().astype(int)).tolist()
        return {
            "points": [{"size": s, "score": y} for s, y in zip(self.sizes, self.scores, strict=True)],
            "ceiling": self.ceiling,
            "gap": self.gap,
            "rate": self.rate,
            "rises": self.rises,
            "line": [self.at(size).to_dict() for size in line],
            "more_labels": self.more_labels().to_dict(),
        }

    def _others_at(self, sizes: _FloatVector) -> FloatMatrix:
        ceiling, gap, rate = self.others.T[:, :, None]
        values: FloatMatrix = ceiling - gap * (sizes / self.largest) ** -rate
        return values

    def _more(self, curves: FloatMatrix, gain: float) -> _FloatVector:
        gap, rate = curves.T[1:]
        left = gap - gain  # between the ceiling and what is wanted
        with np.errstate(over="ignore", divide="ignore"):
            times = np.where(left > 0, (gap / np.where(left > 0, left, 1.0)) ** (1 / rate), np.inf)
        more: _FloatVector = (times - 1) * self.largest
        return more


def fit_curve(
    sizes: Sequence[int],
    scores: Sequence[float],
    *,
    seeds: Sequence[int] | None = None,
    redrawn: FloatMatrix | None = None,
    seed: int = 42,
    resamples: int = 999,
) -> LearningCurve:
    """Fit an inverse power law to scores, with its uncertainty.

    Parameters
    ----------
    sizes, scores
        Training rows and score of each run.
    seeds
        Which runs share a seed, and so perhaps their luck; without any, all runs are taken as independent.
    redrawn
        The scores of the same runs on redrawn test rows, the same rows for all runs, shape [draws, n]. Without them,
        the intervals are for these very test rows, and with some hundred rows too narrow by far for any others.
    seed
        Where the draws start.
    resamples
        How many other curves are fitted.

    Raises
    ------
    ValueError
        There are fewer than four sizes, or sizes, scores and seeds are not equally many, finite and possible.

    Notes
    -----
    Weighted least squares with a larger weight for larger sizes, after Figueroa et al. (2012), "Predicting sample size
    required for classification performance", BMC Medical Informatics and Decision Making 12:8; the ceiling is at most
    1. The uncertainty is that of a wild bootstrap (Wu 1986, Annals of Statistics 14:1261): residuals, each divided by
    one minus its leverage, change their signs at random; what the runs of a seed have in common is drawn anew for each
    seed; both are stretched as t values are, since few runs show little of how runs vary. All runs share their test
    rows; what other test rows would change comes with ``redrawn``, and moves the curve's shape, too: of a few hundred
    rows, those that one size gets right and the next one wrong are a handful.

    Examples
    --------
    >>> sizes = [100, 200, 400, 800, 1600]
    >>> curve = fit_curve(sizes, [0.9 - 2 * size**-0.5 for size in sizes])
    >>> round(curve.ceiling, 2), round(curve.rate, 1), round(curve.at(6400).value, 3)
    (0.9, 0.5, 0.875)
    """
    x, y = np.array(sizes, dtype=np.float64), np.array(scores, dtype=np.float64)
    shared = np.arange(len(y)) if seeds is None else np.unique(np.array(seeds), return_inverse=True)[1]
    if not len(x) == len(y) == len(shared):
        raise ValueError(f"{len(x)} sizes, {len(y)} scores and {len(shared)} seeds: they must be equally many")
    if not np.isfinite(y).all() or (y > 1).any() or (x < 1).any():
        raise ValueError("sizes must be at least 1, and scores numbers up to 1")
    if redrawn is not None and (redrawn.ndim != 2 or redrawn.shape[1] != len(y) or not len(redrawn)):
        raise ValueError(f"redrawn scores of shape {redrawn.shape}: one column a run is needed, and at least one draw")
    distinct, rank = np.unique(x, return_inverse=True)
    if len(distinct) < FEWEST_SIZES:
        raise ValueError(f"{len(distinct)} sizes are too few for a curve: at least {FEWEST_SIZES} are needed")
    weights = (rank + 1) / len(distinct)
    relative = x / x.max()
    found = _fit(relative, y[None, :], weights)
    fitted = found[:, :1] - found[:, 1:2] * relative ** -found[:, 2:]
    ceiling, gap, rate = found[0].tolist()
    drawn = fitted + _wild(y - fitted[0], _leverage(relative, weights, gap, rate), shared, seed, resamples)
    if redrawn is not None:
        drawn = drawn + (redrawn - y)[np.arange(resamples) % len(redrawn)]
    return LearningCurve(
        sizes=tuple(int(size) for size in sizes),
        scores=tuple(y.tolist()),
        ceiling=ceiling,
        gap=gap,
        rate=rate,
        others=_fit(relative, drawn, weights),
    )


def _fit(relative: _FloatVector, scores: FloatMatrix, weights: _FloatVector) -> FloatMatrix:
    """Give ceiling, gap and rate of the best curve through each row of scores, shape [r, 3]; rates come from a grid."""
    best = np.full(len(scores), np.inf)
    found = np.zeros((len(scores), PARAMETERS))
    total = weights.sum()
    mean_y = scores @ weights / total
    for rate in _RATES:
        x = relative**-rate
        mean_x = float(x @ weights / total)
        spread = float(weights @ (x - mean_x) ** 2)
        gap = np.maximum(-((scores - mean_y[:, None]) * (x - mean_x)) @ weights / spread, 0.0)
        ceiling = mean_y + gap * mean_x
        too_high = ceiling > 1
        gap = np.where(too_high, ((1 - scores) * x) @ weights / float(weights @ x**2), gap)
        ceiling = np.minimum(ceiling, 1.0)
        squares = ((scores - ceiling[:, None] + gap[:, None] * x) ** 2) @ weights
        better = squares < best
        best = np.where(better, squares, best)
        found[better] = np.stack([ceiling, gap, np.full(len(gap), rate)], axis=1)[better]
    return found


def _wild(
    residuals: _FloatVector, leverage: _FloatVector, shared: npt.NDArray[Any], seed: int, resamples: int
) -> FloatMatrix:
    """Draw residuals with random signs, shape [resamples, n]; what runs of a seed have in common is drawn together."""
    generator = np.random.default_rng(seed)
    n, n_seeds = len(residuals), int(shared.max()) + 1
    signs = generator.choice((-1.0, 1.0), size=(resamples, n))
    if n_seeds in (1, n):
        alone: FloatMatrix = residuals / (1 - leverage) * signs * _few(n - PARAMETERS, generator, resamples)
        return alone
    common = np.bincount(shared, residuals) / np.bincount(shared)
    own, freedom = residuals - common[shared], max(n - n_seeds - PARAMETERS + 1, 1)
    drawn: FloatMatrix = own / (1 - leverage) * signs * _few(freedom, generator, resamples)
    # a mean of residuals varies by chance, too, and that part is in the other term
    spread = math.sqrt(max(float(np.var(common, ddof=1)) - float(own @ own) / freedom * n_seeds / n, 0.0))
    together = spread * generator.normal(size=(resamples, n_seeds))
    drawn += (together * _few(n_seeds - 1, generator, resamples))[:, shared]
    return drawn


def _few(freedom: int, generator: np.random.Generator, resamples: int) -> FloatMatrix:
    """Draw by how much a spread known from few values may be too small, shape [resamples, 1]."""
    freedom = max(freedom, 1)
    scale: FloatMatrix = np.sqrt(freedom / generator.chisquare(freedom, size=(resamples, 1)))
    return scale


def _leverage(relative: _FloatVector, weights: _FloatVector, gap: float, rate: float) -> _FloatVector:
    """Give how far each score draws the curve to itself, shape [n]: the diagonal of the hat matrix."""
    power = relative**-rate
    slopes = np.stack([np.ones_like(power), -power, gap * power * np.log(relative)], axis=1)
    weighted = slopes * weights[:, None]
    leverage: _FloatVector = (slopes @ np.linalg.pinv(slopes.T @ weighted) * weighted).sum(axis=1)
    return np.clip(leverage, 0.0, 0.9)


def _round(value: float) -> int:
    """Round up to two digits: more would be more than is known."""
    if value < 1:
        return 1
    step = int(10 ** max(math.floor(math.log10(value)) - 1, 0))
    return math.ceil(value / step) * step
