"""Takes data files, splits or a run folder and gives its learning curve: scores against the number of training texts.

Texts are divided as every run divides them; subsets of the training texts are trained on and the validation texts
score them, so that the test texts stay unopened. Each finished training is kept at once, and is not done again.
Does not know how a training works, how a curve is fitted or drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classifine import durable, journey
from classifine.data.beside import Record
from classifine.data.labelled import Say, silent
from classifine.data.splits.levels import settings_of
from classifine.data.splits.nested import check_sizes, usual_sizes
from classifine.data.splits.stored import learnable
from classifine.errors import SettingsProblem, UsageError, did_you_mean
from classifine.evaluation.learning_account import account, answer
from classifine.evaluation.learning_curve import FEWEST_SIZES, LearningCurve, MoreLabels, fit_curve
from classifine.evaluation.redrawing import Truth
from classifine.preparation import Prepared, audit_of_splits
from classifine.runs import RunFolder, Source
from classifine.settings import Settings
from classifine.sources import DataFiles
from classifine.tables import Splits
from classifine.training import ranks

VERB = "learning-curve"
_CLASSIFIERS = ("tfidf", "frozen", "finetuned")
_SEEDS, _CHEAP_SEEDS = 3, 5


@dataclass(frozen=True)
class Asked:
    """What a learning curve is asked for.

    Attributes
    ----------
    classifiers
        ``finetuned``, ``frozen`` or ``tfidf``; the first one's curve gives the answer.
    sizes
        Numbers of training texts; empty for six, each about twice the one before.
    seeds
        How many subsets of each size are trained on; none for 3, or 5 where nothing is fine-tuned.
    gain
        The gain that is asked about: .02 is two points.
    metric
        What is scored.
    time_budget
        No training begins that would not fit any more.
    """

    classifiers: tuple[str, ...] = ("finetuned", "tfidf")
    sizes: tuple[int, ...] = ()
    seeds: int | None = None
    gain: float = 0.02
    metric: str = "macro_f1"
    time_budget: str | None = None

    def __post_init__(self) -> None:
        unknown = sorted(set(self.classifiers) - set(_CLASSIFIERS))
        if unknown or not self.classifiers:
            raise SettingsProblem(
                "a learning curve is drawn of certain classifiers",
                found=", ".join(unknown) or "none",
                expected=", ".join(_CLASSIFIERS),
            )
        if self.seeds is not None and not 1 <= self.seeds <= 100:
            raise SettingsProblem("the number of seeds is not possible", found=str(self.seeds), expected="1 to 100")
        if not 0 < self.gain < 1:
            raise SettingsProblem("the gain is not possible", found=str(self.gain), expected="0.02 for two points")

    def count_of_seeds(self) -> int:
        """Give how many seeds there are."""
        usual = _SEEDS if "finetuned" in self.classifiers else _CHEAP_SEEDS
        return usual if self.seeds is None else self.seeds


@dataclass(frozen=True)
class Learned:
    """A learning curve.

    Attributes
    ----------
    run
        The folder that holds it.
    curves
        The fitted curve of each classifier; none where too few sizes were trained in the time.
    account
        What learning_curve.json holds.
    """

    run: Path
    curves: Mapping[str, LearningCurve | None]
    account: Mapping[str, Any]

    @property
    def more_labels(self) -> MoreLabels | None:
        """How many more labels the gain would take, by the first classifier's curve."""
        curve = next(iter(self.curves.values()))
        return None if curve is None else curve.more_labels(self.account["gain"])

    @property
    def lines(self) -> list[str]:
        """The answer in words, and what it rests on."""
        return answer(self.account)

    def to_dict(self) -> dict[str, Any]:
        """Give what learning_curve.json holds."""
        return dict(self.account)


def learning_curve(
    data: Splits | Path | str,
    *,
    out: Path | str | None = None,
    classifiers: Sequence[str] = ("finetuned", "tfidf"),
    sizes: Sequence[int] = (),
    seeds: int | None = None,
    gain: float = 0.02,
    metric: str = "macro_f1",
    time_budget: str | None = None,
    say: Say = silent,
    **settings: Any,
) -> Learned:
    """Train on more and more of the training texts and say how many more labels a gain would take.

    The validation texts score every training; the test texts stay unopened. What was trained before, also by a call
    that was killed, is not trained again.

    Parameters
    ----------
    data
        What :func:`split` gives; or a run folder, whose texts and settings are used.
    out
        With splits, the run folder.
    classifiers
        ``finetuned``, ``frozen`` or ``tfidf``; the first one's curve gives the answer.
    sizes
        At least five numbers of training texts; without any, six of them, each about twice the one before.
    seeds
        How many nested subsets are trained on; 3 if nothing is said, 5 where nothing is fine-tuned.
    gain
        .02 is two points.
    metric
        Any metric of the validation texts of which more is better.
    time_budget
        Such as ``2h``: no training begins that would not fit any more.
    say
        Called with a stage and a plain sentence.
    **settings
        With splits, ``model``, ``seed`` and any training setting by its name.

    Raises
    ------
    ClassifineError
        The texts are too few, or settings, base model or folder cannot be used; why is said.

    Examples
    --------
    >>> from classifine import learning_curve, read, split
    >>> found = learning_curve(split(read("posts.csv")), out="runs/posts", classifiers=["tfidf"])  # doctest: +SKIP
    >>> found.more_labels.needed, found.curves["tfidf"].at(5000).value  # doctest: +SKIP
    """
    asked = Asked(tuple(dict.fromkeys(classifiers)), tuple(sizes), seeds, gain, metric, time_budget)
    if not isinstance(data, Splits):
        if out is not None:
            raise UsageError("the learning curve of a run is drawn in its folder", cure="leave out out")
        if settings:
            raise UsageError(
                f"{data} has its settings; a learning curve of it has no others",
                found=", ".join(sorted(settings)),
                cure="pass splits, with all settings",
            )
        return curve_of_run(Path(data), asked, say=say)
    if out is None:
        raise UsageError("a learning curve needs a folder to keep its trainings in", cure='give one: out="runs/NAME"')
    chosen = Settings().with_names({**settings_of(data.space), **settings})
    prepared = Prepared(data, audit_of_splits(data, chosen.data))

    def kept(run: RunFolder) -> list[Path]:
        return journey.keep_data(run, journey.checked(prepared, chosen))

    return _begun(RunFolder(out), [Source.of_memory(data)], chosen, asked, kept, say)


def curve_of_files(files: DataFiles, settings: Settings, folder: Path, asked: Asked, *, say: Say = silent) -> Learned:
    """Divide data files as a run does, in a run folder, and give the learning curve; a run may go on from there.

    Raises
    ------
    ClassifineError
        Whatever stands in the way.
    """

    def read(run: RunFolder) -> list[Path]:
        return journey.data_stage(run, files, settings, say=say)

    return _begun(RunFolder(folder), files.sources(), settings, asked, read, say)


def curve_of_run(folder: Path, asked: Asked, *, say: Say = silent) -> Learned:
    """Give the learning curve of a run that is there, on its own training and validation texts.

    Raises
    ------
    ClassifineError
        Whatever stands in the way.
    """
    run = RunFolder.existing(folder)
    with run.locked():
        return _learned(run, Settings.from_dict(run.read_manifest()["settings"]), asked, say)


def _begun(
    run: RunFolder,
    sources: list[Source],
    settings: Settings,
    asked: Asked,
    data: Callable[[RunFolder], list[Path]],
    say: Say,
) -> Learned:
    with run.locked():
        run.begin(sources, settings)
        if not run.done("data"):
            journey.record(run, "data", lambda: data(run))
        # a search may have changed them since
        return _learned(run, Settings.from_dict(run.read_manifest()["settings"]), asked, say)


def _learned(run: RunFolder, settings: Settings, asked: Asked, say: Say) -> Learned:
    """Train what is not trained yet, fit the curves, and keep numbers and page."""
    from classifine.courses.rated import Rater
    from classifine.courses.series import Series
    from classifine.model.hub import resolve
    from classifine.reporting.learning_page import render_learning
    from classifine.training.finetune import check_settings

    ranks.require_one("a learning curve is drawn")
    record = Record(run.curve, VERB)
    record.refuse_foreign([run.curve_page], cure="move it elsewhere")
    splits = learnable(run, settings)
    base = resolve(settings.model.model)
    if "finetuned" in asked.classifiers:
        check_settings(splits.train, splits.space, base, settings)
    rows = len(splits.train)
    sizes = check_sizes(asked.sizes, rows) if asked.sizes else usual_sizes(rows, len(splits.space))
    rater = Rater(splits.validation, splits.space, base, settings, scratch=run.path / "learning_curve")
    _check_metric(asked.metric, rater.truth)
    series = Series(run, record, splits, rater, asked.metric)
    seeds = [(settings.seed + one) % 2**32 for one in range(asked.count_of_seeds())]
    done = series.all_of(asked.classifiers, sizes, seeds, time_budget=asked.time_budget, say=say)
    durable.remove(rater.scratch)
    curves = {name: _fitted(done[name], rater.truth, asked.metric, settings.seed) for name in asked.classifiers}
    titles = {name: rater.title(name) for name in asked.classifiers}
    found = account(
        curves,
        done,
        titles,
        metric=asked.metric,
        gain=asked.gain,
        sizes=sizes,
        seeds=seeds,
        texts={"train": rows, "validation": len(splits.validation)},
        time_budget=settings.training.time_budget,
    )
    entries = {**record.entries([run.curve_page]), **found, "trainings": series.entries}
    durable.write_json(run.curve, entries)
    durable.write_text(
        run.curve_page, render_learning({**found, "name": run.path.resolve().name, "answer": answer(found)})
    )
    if run.done("report"):
        # the page tells the answer, too
        journey.record(run, "report", lambda: journey.report_stage(run))
    return Learned(run.path, curves, entries)


def _fitted(done: Sequence[Mapping[str, Any]], truth: Truth, metric: str, seed: int) -> LearningCurve | None:
    if len({one["texts"] for one in done}) < FEWEST_SIZES:
        return None
    return fit_curve(
        [one["texts"] for one in done],
        [one["scores"][metric] for one in done],
        seeds=[one["seed"] for one in done],
        redrawn=truth.redrawn([truth.unpacked(one["decided"]) for one in done], metric, seed=seed),
        seed=seed,
    )


def _check_metric(metric: str, truth: Truth) -> None:
    """Refuse a metric that decisions about these labels do not have, or of which less is better."""
    known = list(truth.scores(truth.cells))
    if metric not in known:
        guess = did_you_mean(metric, known)
        raise SettingsProblem(
            f"a learning curve of these labels cannot be drawn in {metric!r}",
            expected=", ".join(known),
            cure="choose one of these" if guess is None else f"did you mean {guess!r}?",
        )
