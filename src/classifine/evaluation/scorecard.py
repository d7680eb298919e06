"""Takes the predictions of a model and its baselines for the same rows and gives every number the report shows.

One set of predictions feeds every figure; nothing is computed a second time elsewhere.
Does not know models, files or pages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from classifine.errors import count, some
from classifine.evaluation.another_annotator import AmongAnnotators
from classifine.evaluation.comparison import Comparison, compare
from classifine.evaluation.engines import Engines
from classifine.evaluation.intervals import TOO_FEW, Figure
from classifine.evaluation.scores import Scores, score
from classifine.evaluation.seeds import SeedsApart
from classifine.evaluation.seen import Seen, beside
from classifine.evaluation.trust import Trust
from classifine.labels import LabelSpace
from classifine.tables import Predictions

FEW_ROWS = 100
FEW_ROWS_OF_A_LABEL = 20
FEW_GROUPS = 30


@dataclass(frozen=True)
class Scorecard:
    """A model beside its baselines.

    Attributes
    ----------
    split
        Which rows.
    space
        The labels.
    test_openings
        How often the test split has been opened, this time included.
    scores
        By classifier; ``model`` first.
    titles
        What to call each classifier before people.
    comparisons
        The model against each baseline.
    seen
        Which of the rows also stand in training or validation; none where nobody looked or none does.
    clean
        The scores on the other rows, by classifier; empty where there are no such rows, or only such rows.
    trust
        What the model's probabilities are good for; none where validation texts or a calibration are not at hand.
    seeds
        How far trainings with other seeds lie apart on the same rows; none where there was one seed.
    notes
        What else to keep in mind.
    peers
        The model beside the annotators of the rows; none where their judgements are not known.
    engines
        What computed the probabilities, and how other engines of the run's export agree; none where nobody looked.
    """

    split: str
    space: LabelSpace
    test_openings: int
    scores: Mapping[str, Scores]
    titles: Mapping[str, str]
    comparisons: tuple[Comparison, ...]
    seen: Seen | None = None
    clean: Mapping[str, Scores] = field(default_factory=dict)
    trust: Trust | None = None
    seeds: SeedsApart | None = None
    notes: tuple[str, ...] = ()
    peers: AmongAnnotators | None = None
    engines: Engines | None = None

    @property
    def accuracy(self) -> float:
        """The model's accuracy; of several labels a text, all must be right."""
        return self.scores["model"].accuracy

    @property
    def macro_f1(self) -> float:
        """The model's macro-F1."""
        return self.scores["model"].macro_f1

    @property
    def verdict(self) -> str:
        """Say whether the model beats its baselines; contamination is said first, then that it does not beat TF-IDF."""
        if self.seen is not None and self.seen.contaminated:
            return f"Contaminated: {self.seen.sentence}. {self._on_clean_rows} {self._finding}"
        return self._finding

    @property
    def _finding(self) -> str:
        best = max(self.comparisons, key=lambda c: self.scores[c.baseline].macro_f1, default=None)
        if best is None:
            return f"Macro-F1 {self.macro_f1:.3f} on {self._rows}; no baseline was scored beside it."
        simple = next((c for c in self.comparisons if c.baseline == "tfidf" and not c.better), None)
        first = simple or best
        return " ".join(self._sentence(c, best) for c in ([first] if first is best else [first, best]))

    @property
    def cautions(self) -> tuple[str, ...]:
        """Say what to keep in mind when reading the figures."""
        model = self.scores["model"]
        told = list(self.notes)
        if self.seen is not None and not self.seen.contaminated:
            told.append(f"{_capital(self.seen.sentence)}. {self._on_clean_rows}")
        if model.n < FEW_ROWS:
            told.append(f"Only {count(model.n, 'row')}: read the intervals, not the scores alone.")
        rare = [label.label for label in model.per_label if label.support < FEW_ROWS_OF_A_LABEL]
        if rare:
            told.append(f"Labels with fewer than {FEW_ROWS_OF_A_LABEL} rows: {some(rare)}.")
        if model.groups is not None and model.groups < FEW_GROUPS:
            told.append(f"Only {count(model.groups, 'group')}: intervals that draw so few are too narrow.")
        if model.excluded:
            told.append(f"{count(model.excluded, 'row')} without a true label or a prediction were left out.")
        if self.test_openings > 1:
            told.append(
                f"The test split has been opened {self.test_openings} times; "
                "choices made after looking at it make these scores too good."
            )
        return tuple(told)

    @property
    def details(self) -> tuple[str, ...]:
        """Say in a sentence each what seeds, levels, an order of labels, and probabilities add; empty where none do."""
        model = self.scores["model"]
        told = []
        if model.groups is not None:
            told.append(
                f"The rows belong to {count(model.groups, 'group')}; intervals draw groups, not rows, since rows of "
                "one group are alike."
            )
        if (rule := self.space.told_rule) is not None:
            told.append(f"Labels are decided by a rule fitted on validation texts: {rule}.")
        if self.seeds is not None:
            told.append(self.seeds.sentence)
        if model.hierarchy is not None:
            of_levels = ", ".join(f"{level.macro_f1.value:.3f}" for level in model.hierarchy.levels)
            accuracies = ", ".join(f"{level.accuracy.value:.3f}" for level in model.hierarchy.levels)
            told.append(
                f"From the top level to the labels: macro-F1 {of_levels}; accuracy {accuracies}. "
                f"Hierarchical F1 {_spelled(model.hierarchy.f1)}."
            )
        if "quadratic_weighted_kappa" in model.averages:
            kappa, near, error = (
                _spelled(model.averages[name])
                for name in ("quadratic_weighted_kappa", "adjacent_accuracy", "mean_absolute_error")
            )
            told.append(
                f"In the order of the labels: quadratic-weighted kappa {kappa}; the true label or one next to it "
                f"{near}; missed by {error} ranks on average."
            )
        if self.peers is not None:
            told.append(self.peers.sentence)
        if self.trust is not None:
            told.append(self.trust.sentence)
        return tuple(told)

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON, as it is written to scorecard.json."""
        model = self.scores["model"]
        told = {
            "split": self.split,
            "n": model.n,
            "excluded": model.excluded,
            "labels": list(self.space.names),
            "positive": self.space.positive,
            "separator": self.space.separator,
            "order": self.space.order and list(self.space.order),
            "test_openings": self.test_openings,
            "verdict": self.verdict,
            "details": list(self.details),
            "cautions": list(self.cautions),
            "scores": {name: self._told(name, scores) for name, scores in self.scores.items()},
            "seen": None if self.seen is None else self.seen.to_dict(),
            "titles": dict(self.titles),
            "comparisons": [self._marked(comparison.to_dict()) for comparison in self.comparisons],
            "mistakes": model.mistakes,
            **({} if self.space.weights is None else {"weights": list(self.space.weights)}),
            **({} if self.trust is None else {"trust": self._stamped(self.trust.to_dict())}),
            **({} if self.peers is None else {"peers": self._stamped(self.peers.to_dict())}),
            **({} if self.seeds is None else {"seeds": self._marked(self.seeds.to_dict())}),
        }
        return told if self.engines is None else self.engines.beside(told)

    def _marked(self, told: dict[str, Any]) -> dict[str, Any]:
        return {**told, "contaminated": True} if self.seen is not None and self.seen.contaminated else told

    def _stamped(self, told: dict[str, Any]) -> dict[str, Any]:
        if self.seen is None or not self.seen.contaminated:
            return told
        stamped: dict[str, Any] = beside(told, None, contaminated=True)
        return stamped

    def _told(self, name: str, scores: Scores) -> dict[str, Any]:
        if self.seen is None:
            return scores.to_dict()
        clean = self.clean[name].to_dict() if name in self.clean else None
        marked: dict[str, Any] = beside(scores.to_dict(), clean, contaminated=self.seen.contaminated)
        return marked

    @property
    def _on_clean_rows(self) -> str:
        if "model" not in self.clean:
            return "No clean row is left to score."
        clean = self.clean["model"]
        return f"On the {count(clean.n, 'clean row')}, macro-F1 is {_spelled(clean.averages['macro_f1'])}."

    @property
    def _rows(self) -> str:
        n = self.scores["model"].n
        known = self.split in ("train", "validation", "test")
        return count(n, f"{self.split} row") if known else f"{count(n, 'row')} of {self.split}"

    def _sentence(self, comparison: Comparison, best: Comparison) -> str:
        model, baseline = self.titles["model"], self.titles[comparison.baseline]
        if comparison.better:
            finding = f"{_capital(model)} is better than {baseline}"
        elif comparison.worse:
            finding = f"{_capital(model)} is worse than {baseline}"
        else:
            finding = f"{_capital(model)} is not shown to be better than {baseline}"
        if comparison is best and len(self.comparisons) > 1:
            finding += ", the best baseline"
        theirs = self.scores[comparison.baseline].macro_f1
        if comparison.low is None or comparison.high is None:
            interval = (
                "too few rows for an interval" if comparison.note == TOO_FEW else f"no interval: {comparison.note}"
            )
        else:
            interval = f"95 % interval {comparison.low:+.3f} to {comparison.high:+.3f}"
        return (
            f"{finding}: macro-F1 {self.macro_f1:.3f} against {theirs:.3f}, "
            f"a difference of {comparison.difference:+.3f} ({interval}), on {self._rows}."
        )


def scorecard(
    model: Predictions,
    baselines: Sequence[Predictions],
    *,
    titles: Mapping[str, str],
    test_openings: int,
    seed: int = 42,
    seen: Seen | None = None,
    trust: Trust | None = None,
    notes: Sequence[str] = (),
) -> Scorecard:
    """Score a model and its baselines on the same rows and compare them.

    Parameters
    ----------
    model, baselines
        Predictions for the same rows; each baseline goes by its ``classifier`` name.
    titles
        What to call ``model`` and each baseline before people; without one, the name serves.
    test_openings
        How often the test split has been opened, this time included.
    seed
        Where the bootstrap's draws start.
    seen
        Which of the rows also stand in training or validation, as positions among these rows.
    trust
        What the model's probabilities are good for.
    notes
        What else to keep in mind.

    Raises
    ------
    LabelsProblem, RowsProblem
        See :func:`score`.
    ValueError
        The rows or the label spaces differ, or two classifiers share a name.
    """
    names = ["model", *(baseline.classifier for baseline in baselines)]
    if len(set(names)) != len(names):
        raise ValueError(f"classifiers must have different names, got {names}")
    every = list(zip(names, (model, *baselines), strict=True))
    seen = seen if seen is not None and seen.rows else None
    clean = seen.clean if seen is not None else ()
    return Scorecard(
        split=model.split,
        space=model.space,
        test_openings=test_openings,
        scores={name: score(each, seed=seed) for name, each in every},
        titles={name: titles.get(name, name) for name in names},
        comparisons=tuple(compare(model, baseline, seed=seed) for baseline in baselines),
        seen=seen,
        clean={name: score(each.take(clean), seed=seed) for name, each in every} if clean else {},
        trust=trust,
        notes=tuple(notes),
    )


def _spelled(figure: Figure) -> str:
    interval = "" if figure.low is None else f" (95 % interval {figure.low:.3f} to {figure.high:.3f})"
    return f"{figure.value:.3f}{interval}"


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
