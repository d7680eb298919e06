"""Takes a contest and says in words which classifier is shown to be better than which, and never more than is shown.

Does not know rows, pages or the command line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifine.errors import count, some
from classifine.evaluation.intervals import TOO_FEW
from classifine.evaluation.scorecard import FEW_ROWS, FEW_ROWS_OF_A_LABEL
from classifine.evaluation.validation import METRICS, spelled

if TYPE_CHECKING:
    from classifine.evaluation.contest import Contest, Difference, Pair
    from classifine.evaluation.matching import SameRows


def headline(contest: Contest) -> str:
    """Say what is shown on the metric that decides, or that nothing is."""
    if len(contest.names) == 2:
        ahead = contest.pairs[0].differences[contest.metric].ahead
        first, second = contest.names if ahead >= 0 else contest.names[::-1]
        if ahead:
            return f"{first} is shown to be better than {second}"
        return f"No difference between {first} and {second} is shown"
    if contest.winner is not None:
        return f"{contest.winner} is shown to be better than each of the {len(contest.names) - 1} others"
    if contest.against == "first":
        return _against_first(contest)
    if not contest.shown:
        return "No difference between any two of them is shown"
    return "No classifier is shown to be better than all others"


def grounds(contest: Contest) -> str:
    """Say which figures the headline rests on, and which differences are shown beside it."""
    metric, rows = spelled(contest.metric), _rows(contest)
    if len(contest.names) == 2:
        return f"{metric} {_of_two(contest)}, on {rows}."
    best = contest.ranked[0]
    value = contest.scores[best][contest.metric].value
    first = f"the {_end(contest)} {metric} is {value:.3f} ({best}), on {rows}; p corrected for "
    told = [first + count(len(contest.pairs), "comparison")]
    told += [_lead(contest)] if contest.winner is not None else []
    told += [] if contest.winner is not None or contest.against == "first" else _shown(contest)
    return " ".join(f"{sentence}." for sentence in told)


def cautions(matched: SameRows) -> tuple[str, ...]:
    """Say what to keep in mind of the rows: that they are few, or that some were left out."""
    told = []
    if len(matched) < FEW_ROWS:
        told.append(f"Only {count(len(matched), 'row')}: read the intervals, not the scores alone.")
    ids = range(len(matched.space))
    rows = matched.truth.sum(axis=0) if matched.truth.ndim == 2 else [int((matched.truth == id_).sum()) for id_ in ids]
    rare = [name for name, number in zip(matched.space.names, rows, strict=True) if number < FEW_ROWS_OF_A_LABEL]
    if rare:
        told.append(f"Labels with fewer than {FEW_ROWS_OF_A_LABEL} rows: {some(rare)}.")
    if matched.groups is not None:
        told.append(
            f"The rows belong to {count(matched.groups.n_groups, 'group')}; here they are taken as independent, "
            "so that differences look surer than they are."
        )
    if matched.excluded:
        told.append(f"{count(matched.excluded, 'row')} without a true label or a prediction were left out.")
    return tuple(told)


def _of_two(contest: Contest) -> str:
    difference = contest.pairs[0].differences[contest.metric]
    sign = -1 if difference.ahead < 0 else 1
    values = [contest.scores[name][contest.metric].value for name in contest.names[::sign]]
    return (
        f"{values[0]:.3f} against {values[1]:.3f}, a difference of {sign * difference.value:+.3f} "
        f"({_interval(difference, sign)}; {chance(difference.p)})"
    )


def _lead(contest: Contest) -> str:
    """Say how far the winner is ahead of the one that comes nearest to it."""
    winner, next_ = contest.ranked[:2]
    pair = next(pair for pair in contest.pairs if {pair.first, pair.second} == {winner, next_})
    sign, difference = 1 if pair.first == winner else -1, pair.differences[contest.metric]
    return f"The difference to the next, {next_}, is {sign * difference.value:+.3f} ({_interval(difference, sign)})"


def _end(contest: Contest) -> str:
    return "lowest" if METRICS.get(contest.metric) == "lower" else "highest"


def _interval(difference: Difference, sign: int) -> str:
    if difference.low is None or difference.high is None:
        return "too few rows for an interval" if difference.note == TOO_FEW else f"no interval: {difference.note}"
    low, high = sorted((sign * difference.low, sign * difference.high))
    return f"95 % interval {low:+.3f} to {high:+.3f}"


def _against_first(contest: Contest) -> str:
    """Say of all others at once how they stand to the first."""
    first = contest.names[0]
    better = [pair.second for pair in contest.pairs if _ahead(contest, pair) < 0]
    worse = [pair.second for pair in contest.pairs if _ahead(contest, pair) > 0]
    rest = [pair.second for pair in contest.pairs if not _ahead(contest, pair)]
    groups = ((better, "shown to be better"), (worse, "shown to be worse"), (rest, "not shown to differ"))
    told = [f"{_names(names)} {'is' if len(names) == 1 else 'are'} {how}" for names, how in groups if names]
    return f"Beside {first}, {'; '.join(told)}"


def _shown(contest: Contest) -> list[str]:
    by_better: dict[str, list[str]] = {}
    for better, worse in contest.shown:
        by_better.setdefault(better, []).append(worse)
    beaten = [(name, by_better[name]) for name in contest.ranked if name in by_better]
    return [f"{name} is shown to be better than {_names(worse)}" for name, worse in beaten]


def _ahead(contest: Contest, pair: Pair) -> int:
    return pair.differences[contest.metric].ahead


def _names(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _rows(contest: Contest) -> str:
    known = contest.split in ("train", "validation", "test")
    return count(contest.n, f"{contest.split} row") if known else count(contest.n, "row")


def chance(p: float) -> str:
    """Write a p value the way papers do.

    Examples
    --------
    >>> chance(0.0334), chance(0.0001)
    ('p = 0.033', 'p < 0.001')
    """
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
