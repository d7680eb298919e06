"""Takes texts, frames, files or run folders and gives what the journey gives, one verb at a time: the public doors.

Thin: each verb calls the room that owns the work. Does not know how any room does it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from classifine import journey
from classifine.data.labelled import Say, labelled, silent
from classifine.data.splits.levels import settings_of
from classifine.errors import SettingsProblem, UsageError, some, unknown_name
from classifine.preparation import check_texts
from classifine.runs import RunFolder, Source
from classifine.settings import DataSettings, ModelSettings, Settings
from classifine.tables import Judgements, LabelledTexts, Splits

if TYPE_CHECKING:
    from classifine.data.annotators.aggregation import Aggregation
    from classifine.data.annotators.alpha import Scale
    from classifine.data.annotators.choosing import Method, TieRule
    from classifine.data.audit.findings import Finding
    from classifine.data.splits.notes import RareRule
    from classifine.evaluation.scorecard import Scorecard
    from classifine.model.classifier import Classifier

# Data settings that still matter once the data has been divided.
_OF_TRAINING = {"aggregation", "near_duplicates", "max_contaminated", "allow_contaminated"}


def read(
    source: Any,
    *,
    text: str = "text",
    label: str = "label",
    id: str | None = None,
    annotator: str | None = None,
    texts: Any = None,
    seed: int = 42,
    **settings: Any,
) -> LabelledTexts:
    """Turn rows into labelled texts; judgements of several annotators become one label an item.

    Parameters
    ----------
    source
        A path or several, ``hf://datasets/OWNER/NAME``, a pandas or Polars frame, an Arrow table, a Dataset of Hugging
        Face's, a mapping of columns, or the pair (texts, labels).
    text, label, id, annotator
        Columns. With ``annotator``, each row is one judgement, and ``aggregation`` and ``ties`` say what decides.
    texts
        Where the texts stand if not beside the labels; joined by ``id``.
    seed
        Only for random ties.
    **settings
        Any other data setting by its name, such as ``group``, ``time``, ``merge_labels`` or ``encoding``.

    Raises
    ------
    UsageError, DataError
        A file, column or row is not usable; which, and what to do, is said.

    Examples
    --------
    >>> read((["Come along!", "It rained."], ["yes", "no"])).labels
    ('yes', 'no')
    """
    named = {"id": id, "annotator": annotator}
    given = {name: value for name, value in named.items() if value is not None}
    _refuse_others("read", settings, DataSettings)
    chosen = Settings().with_names({"text": text, "label": label, "seed": seed, **given, **settings})
    return labelled(source, chosen, texts=texts).table


def audit(texts: LabelledTexts, *, model: str | None = None, separator: str | None = None) -> tuple[Finding, ...]:
    """Check labelled texts and how they divide; each finding is good, warn or fail, with rows and what to do.

    Parameters
    ----------
    texts
        What :func:`read` gives.
    model
        A base model, to say how many texts it would cut.
    separator
        What stands between the labels of a text that may have several.

    Examples
    --------
    >>> found = audit(read((["Come along!", "It rained."], ["yes", "no"])))
    >>> [finding.check for finding in found if finding.level == "fail"]
    ['labels to divide']
    """
    from classifine.model.tokens import counter_of

    counter = None if model is None else counter_of(ModelSettings(model))
    return check_texts(texts, {}, _of_labels(separator), count_tokens=counter).findings


def aggregate(
    judgements: Judgements,
    *,
    method: Method = "majority",
    ties: TieRule = "drop",
    priority: Sequence[str] = (),
    expert: str | None = None,
    scale: Scale = "nominal",
    order: Sequence[str] = (),
    seed: int = 42,
) -> Aggregation:
    """Turn many judgements into one label an item; ties are listed, never settled by row order.

    Parameters
    ----------
    judgements
        One row per annotator and item.
    method
        ``majority``, ``dawid-skene``, ``one-coin``, ``soft``, ``expert`` or ``unanimous``.
    ties
        ``drop``, ``review``, ``random``, ``priority`` or ``posterior``.
    priority, expert
        What the rules of these names need.
    scale, order
        What labels are to Krippendorff's alpha, and their order where they are ranks.
    seed
        For random ties and for the intervals.

    Raises
    ------
    SettingsProblem, RowsProblem
        The rules lack something, or the judgements contradict each other.
    """
    from classifine.data.annotators.aggregation import aggregate as aggregate_judgements

    return aggregate_judgements(
        judgements,
        method=method,
        ties=ties,
        priority=priority,
        expert=expert,
        scale=scale,
        order=order,
        seed=seed,
    )


def split(
    texts: LabelledTexts,
    *,
    validation_size: float = 0.2,
    test_size: float = 0.2,
    positive: str | None = None,
    separator: str | None = None,
    rare_labels: RareRule = "train",
    near_duplicates: float = 0.7,
    allow_contaminated: bool = False,
    seed: int = 42,
    **levels: Any,
) -> Splits:
    """Divide labelled texts into train, validation and test, each label in its share; what is alike stays together.

    Equal texts, near-duplicates and rows of one group come into one part; given parts and times are honoured.

    Parameters
    ----------
    texts
        What :func:`read` gives.
    validation_size, test_size
        Shares of the rows.
    positive, separator
        The positive label; what stands between the labels of a text that may have several.
    rare_labels
        What becomes of labels with too few different texts for every part: ``train``, ``drop`` or ``refuse``.
    near_duplicates
        Jaccard similarity of character 5-grams from which two texts are near-duplicates.
    allow_contaminated
        Take the parts that the data assigns although test texts stand in the others, too.
    seed
        Another seed, another division.
    **levels
        How labels are arranged: ``level_separator``, ``level_prefixes`` or ``label_parents``; ``label_order``.

    Raises
    ------
    LabelsProblem
        There is one label only, or too few different texts; or a label has no place in its hierarchy or order.
    Contaminated
        The test texts that the data assigns were seen in training or validation.
    """
    chosen = {
        "validation_size": validation_size,
        "test_size": test_size,
        "positive": positive,
        "rare_labels": rare_labels,
        "near_duplicates": near_duplicates,
        "allow_contaminated": allow_contaminated,
        "seed": seed,
        **levels,
    }
    settings = _of_labels(separator).with_names(chosen)
    return check_texts(texts, {}, settings, labels_only=True).require(settings.data).splits


def train(
    splits: Splits, *, model: str = "minilm", out: Path | str | None = None, seed: int = 42, **settings: Any
) -> Classifier:
    """Fine-tune a base model on the training texts; validation texts choose the epoch, test texts stay unseen.

    Where torchrun has started several processes, all call this and get the classifier; the first one's texts count, and
    it alone keeps the run folder.

    Parameters
    ----------
    splits
        What :func:`split` gives.
    model
        A name of ``classifine models``, a local folder, or ``owner/name[@revision]`` on a hub.
    out
        A run folder to keep the splits, the model and its history in, for :func:`evaluate` and
        :func:`write_report`; without one the classifier lives in memory only.
    seed
        Where every random choice starts.
    **settings
        Any training setting by its Hugging Face name; and ``aggregation="soft"`` to train on annotators' shares.

    Raises
    ------
    ClassifineError
        The settings, the base model or the run folder cannot be used; why is said.
    """
    if late := sorted(settings.keys() & {f.name for f in fields(DataSettings)} - _OF_TRAINING):
        raise SettingsProblem(
            f"train cannot use {some([repr(name) for name in late])}: the data has been read and divided already",
            cure="give them to read or split",
        )
    chosen = Settings().with_names({**settings_of(splits.space), "model": model, "seed": seed, **settings})
    if out is None:
        with tempfile.TemporaryDirectory(prefix="classifine-") as folder:
            return journey.finetuned(splits, chosen, scratch=Path(folder) / "checkpoints").classifier
    return journey.train_run(RunFolder(out), splits, Source.of_memory(splits), chosen)


def load(path: Path | str) -> Classifier:
    """Open a classifier: a run folder, or a Hugging Face folder with label names.

    Raises
    ------
    FileMissing, ModelUnavailable
        There is no usable classifier.
    """
    from classifine.model.classifier import Classifier

    return Classifier.load(path)


def evaluate(
    classifier: Classifier | Path | str,
    data: Splits | LabelledTexts | None = None,
    *,
    allow_contaminated: bool = False,
    target_accuracy: float | None = None,
    say: Say = silent,
) -> Scorecard:
    """Score a classifier.

    Parameters
    ----------
    classifier
        A run folder, whose test texts are opened and counted; or a classifier.
    data
        With a classifier: splits, whose training texts fit the baselines it is compared with; or labelled texts alone.
    allow_contaminated
        Score test texts that training or validation has seen; every score then says so.
    target_accuracy
        For a run: how often the texts that are labelled should be right; without one, what its settings say.
    say
        Called with a stage and a plain sentence.

    Raises
    ------
    Contaminated
        The test texts of a run or of splits were seen in training or validation.
    UsageError
        A classifier without data, or a run folder with them.
    LabelsProblem
        The data has a label the classifier does not know.
    """
    if isinstance(classifier, Path | str):
        if data is not None:
            raise UsageError("a run folder brings its own test texts", cure="pass load(folder) to score other texts")
        run = RunFolder.existing(classifier)
        with run.locked():
            wanted = {} if target_accuracy is None else {"target_accuracy": target_accuracy}
            settings = Settings.from_dict(run.read_manifest()["settings"]).with_names(wanted)
            return journey.evaluate_again(run, settings, allow_contaminated=allow_contaminated, say=say)
    if data is None:
        raise UsageError("a classifier needs texts to be scored on", cure="pass splits or labelled texts")
    return journey.scored_in_memory(classifier, data, allow_contaminated=allow_contaminated)


def write_report(run: Path | str, *, show_texts: Literal["masked", "full", "none"] | None = None) -> Path:
    """Draw report.html of a run folder from its stored numbers, and give its path.

    Parameters
    ----------
    run
        The run folder.
    show_texts
        Texts on the page: ``"masked"``, with stand-ins for links, mail addresses, handles and telephone numbers;
        ``"full"``, as they are; ``"none"``. It is kept as a setting of the run; without it, that setting holds.

    Raises
    ------
    FileMissing, RunRefused
        There is no run in this folder, or one of its files is damaged.
    SettingsProblem
        There is no such way to show texts.
    """
    found = RunFolder.existing(run)
    with found.locked():
        if show_texts is not None:
            found.show_texts(show_texts)
        journey.record(found, "report", lambda: journey.report_stage(found))
    return found.report


def _of_labels(separator: str | None) -> Settings:
    """Give the settings for labels that stand several in a cell, or for one a text."""
    return Settings().with_names({} if separator is None else {"multi_label": True, "label_separator": separator})


def _refuse_others(verb: str, given: Mapping[str, Any], owner: type) -> None:
    """Refuse names that are no settings of the owner, which would have no effect."""
    known = [f.name for f in fields(owner)]
    if strange := [name for name in given if name not in known]:
        hints = "; ".join(unknown_name(name, known, noun="settings") for name in strange)
        raise SettingsProblem(f"{verb} has no setting {some([repr(name) for name in strange])}", cure=hints)


def methods_paragraph(run: Path | str) -> str:
    """Write how a run was made, from its stored values: a paragraph to paste into a paper.

    Raises
    ------
    FileMissing, RunRefused
        There is no run in this folder, or one of its files is damaged.
    """
    from classifine.reporting.methods import methods_of
    from classifine.reporting.summary import summarise

    return methods_of(summarise(RunFolder(Path(run))))
