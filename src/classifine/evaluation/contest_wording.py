"""Takes a contest and says in words which classifier is shown to be better than which, and never more than is shown.

Does not know rows, pages or the command line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifine.errors import count
from classifine.evaluation.intervals import TOO_FEW

if TYPE_CHECKING:
    from classifine.evaluation.contest import Contest, Difference, Pair


def finding(contest: Contest) -> str:
    """Say what is shown on the metric that decides; where nothing is, that comes first."""
    if len(contest.names) == 2:
        return f"{_of_two(contest)}, on {_rows(contest)}."
    winner, best = contest.winner, contest.ranked[0]
    metric = spelled(contest.metric)
    if winner is not None:
        told = [f"{winner} is shown to be better than each of the {len(contest.names) - 1} others"]
    elif contest.against == "first":
        told = _against_first(contest)
    elif not contest.shown:
        told = ["No difference between any two of them is shown"]
    else:
        unbeaten = [name for name in contest.ranked if name not in {worse for _, worse in contest.shown}]
        told = [f"No classifier is shown to be better than all others; not beaten {_are(unbeaten)}"]
    highest = contest.scores[best][contest.metric].value
    told[0] += f" ({metric}; highest: {best}, {highest:.3f}), on {_rows(contest)}, {_corrected(contest)}"
    told += [] if winner is not None or contest.against == "first" else _shown(contest)
    return " ".join(f"{sentence}." for sentence in told)


def spelled(metric: str) -> str:
    """Write a metric's name the way people do.

    Examples
    --------
    >>> spelled("macro_f1"), spelled("subset_accuracy")
    ('macro-F1', 'subset accuracy')
    """
    return f"{metric.removesuffix('_f1')}-F1" if metric.endswith("_f1") else metric.replace("_", " ")


def _of_two(contest: Contest) -> str:
    pair = contest.pairs[0]
    difference = pair.differences[contest.metric]
    first, second = (pair.second, pair.first) if difference.ahead < 0 else (pair.first, pair.second)
    begin = (
        f"{first} is shown to be better than {second}"
        if difference.ahead
        else f"No difference between {first} and {second} is shown"
    )
    values = [contest.scores[name][contest.metric].value for name in (first, second)]
    sign = -1 if first == pair.second else 1
    return (
        f"{begin}: {spelled(contest.metric)} {values[0]:.3f} against {values[1]:.3f}, "
        f"a difference of {sign * difference.value:+.3f} ({_interval(difference, sign)}; {chance(difference.p)})"
    )


def _interval(difference: Difference, sign: int) -> str:
    if difference.low is None or difference.high is None:
        return "too few rows for an interval" if difference.note == TOO_FEW else f"no interval: {difference.note}"
    low, high = sorted((sign * difference.low, sign * difference.high))
    return f"95 % interval {low:+.3f} to {high:+.3f}"


def _against_first(contest: Contest) -> list[str]:
    """Say of all others at once how they stand to the first."""
    first = contest.names[0]
    better = [pair.second for pair in contest.pairs if _ahead(contest, pair) < 0]
    worse = [pair.second for pair in contest.pairs if _ahead(contest, pair) > 0]
    rest = [pair.second for pair in contest.pairs if not _ahead(contest, pair)]
    groups = ((better, "shown to be better"), (worse, "shown to be worse"), (rest, "not shown to differ"))
    told = [f"{_names(names)} {'is' if len(names) == 1 else 'are'} {how}" for names, how in groups if names]
    return [f"Beside {first}: {'; '.join(told)}"]


def _shown(contest: Contest) -> list[str]:
    by_better: dict[str, list[str]] = {}
    for better, worse in contest.shown:
        by_better.setdefault(better, []).append(worse)
    beaten = [(name, by_better[name]) for name in contest.ranked if name in by_better]
    return [f"{name} is shown to be better than {_names(worse)}" for name, worse in beaten]


def _ahead(contest: Contest, pair: Pair) -> int:
    return pair.differences[contest.metric].ahead


def _are(names: list[str]) -> str:
    return f"{'is' if len(names) == 1 else 'are'} {_names(names)}"


def _names(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _rows(contest: Contest) -> str:
    known = contest.split in ("train", "validation", "test")
    return count(contest.n, f"{contest.split} row") if known else count(contest.n, "row")


def _corrected(contest: Contest) -> str:
    return f"p corrected for {count(len(contest.pairs), 'comparison')}"


def chance(p: float) -> str:
    """Write a p value the way papers do.

    Examples
    --------
    >>> chance(0.0334), chance(0.0001)
    ('p = 0.033', 'p < 0.001')
    """
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
