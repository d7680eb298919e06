"""Takes estimates and gives them in words: the headline, what stands below it, and a methods paragraph to paste.

Numbers are only written down. Does not know how they came about.
"""

from __future__ import annotations

from dataclasses import replace

from classifine.estimation.answers import Answer, Estimates, Figure

_DRAWN = {
    "random": "a simple random sample",
    "known": "a sample with known probabilities",
    "convenience": "rows nobody knows the drawing of",
}
_OFF = 0.05
_MANY = 12  # answers told in words; more are a table


def told(estimates: Estimates, *, positive: str | None = None) -> Estimates:
    """Add the words: headline, lines and paragraph."""
    return replace(
        estimates,
        headline=_headline(estimates, positive),
        lines=tuple(_lines(estimates, positive)),
        paragraph=_paragraph(estimates),
    )


def number(value: float | None, what: str) -> str:
    """Write a share in percent, another value with three digits after the point.

    Examples
    --------
    >>> number(0.2345, "share"), number(-1.5, "mean"), number(None, "share")
    ('23.4 %', '−1.500', '–')
    """
    if value is None:
        return "–"
    return (f"{100 * value:.1f} %" if what == "share" else f"{value:.3f}").replace("-", "−")


def points(value: float | None, what: str) -> str:
    """Write a difference with its sign; of shares, in percentage points.

    Examples
    --------
    >>> points(-0.021, "share"), points(0.5, "mean")
    ('−2.1 points', '+0.500')
    """
    if value is None:
        return "–"
    return (f"{100 * value:+.1f} points" if what == "share" else f"{value:+.3f}").replace("-", "−")


def interval(figure: Figure, what: str, *, signed: bool = False) -> str:
    """Write an interval, or why there is none."""
    if figure.low is None or figure.high is None:
        return figure.note or "–"
    if what == "share":
        low, high = (f"{100 * end:+.1f}" if signed else f"{100 * end:.1f}" for end in (figure.low, figure.high))
        return f"{low} to {high}".replace("-", "−") + ("" if signed else " %")
    return f"{figure.low:.3f} to {figure.high:.3f}".replace("-", "−")


def chance(p: float | None) -> str:
    """Write a p value the way papers do."""
    if p is None:
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _level(estimates: Estimates) -> str:
    return f"{100 * estimates.confidence:g} %"


def leading(estimates: Estimates, positive: str | None = None) -> Answer:
    """Give the answer that the headline tells: of the positive label, or, without one, the rarer or first one."""
    overall = [one for one in estimates.answers if one.group is None] or list(estimates.answers)
    named = [one for one in overall if one.label == positive]
    if named or estimates.what == "regression":
        terms = [one for one in overall if one.label != "(intercept)"]
        return (named or terms or overall)[0]
    known = [one for one in overall if one.corrected.value is not None]
    if len(known) == 2:
        return min(known, key=lambda one: one.corrected.value or 0.0)
    return max(known or overall, key=lambda one: one.corrected.value or 0.0)


def _headline(estimates: Estimates, positive: str | None) -> str:
    one = leading(estimates, positive)
    figure, what = one.corrected, estimates.what
    if figure.value is None:
        return f"{one.label}: no corrected number can be given ({figure.note})"
    under = " (only if the assumption below holds)" if estimates.sampled == "convenience" else ""
    about = {
        "share": f"{number(figure.value, what)} of the texts are {one.label!r}",
        "mean": f"The mean is {number(figure.value, what)}",
        "regression": f"{one.label}: {number(figure.value, what)}",
    }[what]
    return f"{about}, {_level(estimates)} interval {interval(figure, what)}{under}"


def _lines(estimates: Estimates, positive: str | None) -> list[str]:
    one, what = leading(estimates, positive), estimates.what
    found = []
    naive = one.uncorrected
    if naive.value is not None and one.corrected.value is not None:
        plain = "Counting predicted labels" if what == "share" else "Taking predicted labels for true"
        line = f"{plain} gives {number(naive.value, what)} (uncorrected)"
        away = naive.value - one.corrected.value
        if one.off_p is not None:
            shown = "too high" if away > 0 else "too low"
            line += (
                f": {points(abs(away), what).lstrip('+')} {shown}, p {_with_sign(one.off_p)}"
                if one.off_p < _OFF
                else f"; the gold rows do not show it to be wrong (p {_with_sign(one.off_p)})"
            )
        found.append(line + ".")
    if one.narrower is not None and estimates.sampled != "convenience":
        gold = f"the {one.gold:,} gold rows alone give {interval(one.gold_only, what)}"
        found.append(
            f"The correction makes the interval {100 * one.narrower:.0f} % narrower: {gold}."
            if one.narrower > 0
            else f"The predictions do not make the interval narrower: {gold}."
        )
    if one.corrected.effective_rows is not None and what != "regression" and estimates.sampled != "convenience":
        rows = f"{one.corrected.effective_rows:,.0f}"
        found.append(f"It is worth {rows} gold rows drawn at random; there are {one.gold:,}.")
    return found


def _with_sign(p: float) -> str:
    told_p = chance(p)
    return told_p if told_p.startswith("<") else f"= {told_p}"


_METHODS = {
    "PPI++": "Corrected values are prediction-powered estimates with power tuning (PPI++; Angelopoulos, Duchi and "
    "Zrnic 2023): the mean of the classifier's {working} over all texts, corrected by the mean error on the "
    "gold sample.",
    "cross-PPI": "Corrected values are cross-prediction-powered estimates (Zrnic and Candès 2024) with power tuning: "
    "gold rows were predicted by classifiers not trained on them (out of fold).",
    "DSL": "Corrected values are from design-based supervised learning (Egami, Hinck, Stewart and Wei 2023): "
    "predictions corrected by gold labels weighted with the inverse of their known probability of being drawn, with a "
    "cross-fitted first stage and the median over ten divisions into folds.",
    "Rogan–Gladen": "Corrected values are Rogan–Gladen estimates (1978) from the classifier's sensitivity and "
    "specificity on the gold rows.",
    "adjusted counts": "Corrected values are adjusted counts: shares on the simplex that, with the classifier's "
    "mistakes on the gold rows, explain the predicted counts best; bootstrap intervals.",
}


def _paragraph(estimates: Estimates) -> str:
    texts = f"{estimates.texts:,} texts were labelled by a classifier"
    gold = f"{estimates.gold:,} gold rows were labelled by hand, {_DRAWN[estimates.sampled]}"
    lines = [f"{texts}; {gold}.", _METHODS[estimates.method].format(working="answers")]
    if estimates.formula is not None:
        kind = {"linear": "linear", "logistic": "logistic"}[estimates.family or "linear"]
        lines.append(f"The {kind} regression {estimates.formula} was fitted with the corrected estimating equations.")
    what = "these very texts" if estimates.target == "texts" else "the population of texts these were drawn from"
    together = ", holding simultaneously for all estimates" if estimates.simultaneous else ""
    lines.append(f"Intervals are {_level(estimates)} intervals{together}, and speak of {what}; p values are two-sided.")
    if estimates.assumption:
        lines.append(estimates.assumption)
    one = leading(estimates)
    if one.uncorrected.value is not None and one.corrected.value is not None:
        name = {"share": f"share of {one.label!r}", "mean": "mean", "regression": f"coefficient of {one.label}"}
        lines.append(
            f"The corrected {name[estimates.what]} is {number(one.corrected.value, estimates.what)} "
            f"({interval(one.corrected, estimates.what)}); taking predicted labels for true gives "
            f"{number(one.uncorrected.value, estimates.what)} (uncorrected)."
        )
    return " ".join(lines)
