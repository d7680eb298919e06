"""Takes a classifier or a run and texts and gives explanations of what is predicted: the public door.

Thin: the explanation room owns the work. Does not know how words are weighed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifine.data.files.cells import is_blank, texts_of
from classifine.data.files.table_file import TableFile, require_column
from classifine.errors import FileMissing, UsageError
from classifine.evaluation.mistakes import mistakes
from classifine.explanation.attribution import Explanations
from classifine.explanation.explaining import DEFAULT, Asked, Method, explained_all
from classifine.explanation.masking import Pieces, Scale
from classifine.explanation.overview import overview
from classifine.progress import bar
from classifine.runs import RunFolder
from classifine.settings import DataSettings, read_settings
from classifine.tables import Predictions

if TYPE_CHECKING:
    from classifine.explanation.attribution import Explanation
    from classifine.model.classifier import Scorer

_BLOCK = 1024


def explain(
    classifier: Scorer | Path | str,
    texts: Sequence[str] | str,
    *,
    method: Method = DEFAULT,
    label: str | None = None,
    against: str | None = None,
    pairs: Sequence[str] | str | None = None,
    samples: int | None = None,
    pieces: Pieces = "auto",
    scale: Scale = "probability",
    seed: int = 42,
) -> Explanations:
    """Say which words moved the label of each text, and how far that can be believed; a notebook shows it in colour.

    Words are taken away and what is left is scored again, so that any classifier can be explained. Each explanation
    says what taking away its first words changes, beside words in random order, and ranks nothing where that is not
    better. The same arguments give the same numbers.

    Parameters
    ----------
    classifier
        A classifier, a run folder or a model folder; or any object with ``space`` and ``predict_proba(texts)``.
    texts
        One text or several.
    method
        ``auto``: leave-one-out, and Kernel SHAP where that tells too little although all words together tell much;
        ``leave-one-out``; ``lime`` (Ribeiro et al. 2016); ``kernel-shap`` (Lundberg and Lee 2017, paired samples);
        ``shapley`` (values from random orders); ``integrated-gradients`` (Sundararajan et al. 2017; torch only).
    label, against
        The label to explain, and one to contrast it with: why this one and not that. Without a label, what is
        predicted; where a text may have several, each label given.
    pairs
        The second text of each, for a classifier of pairs.
    samples
        Perturbed texts for the methods that draw them; without a number, until the ranking is settled.
    pieces
        ``words``, ``phrases``, or ``auto``: phrases where there are more than 64 words.
    scale
        ``probability``, or ``log-odds``, which still tells words apart near a probability of 1.
    seed
        Where draws start.

    Raises
    ------
    SettingsProblem
        A method, label or number is not one that can be asked for.
    UsageError
        A text is blank, second texts are missing or not wanted, or there is no classifier.

    Examples
    --------
    >>> import numpy as np
    >>> from classifine import LabelSpace
    >>> class Cheerful:
    ...     space = LabelSpace(("no", "yes"))
    ...     def predict_proba(self, texts):
    ...         yes = np.array([0.9 if "glad" in text else 0.2 for text in texts])
    ...         return np.column_stack([1 - yes, yes])
    >>> (found,) = explain(Cheerful(), ["We are so glad, really!"])
    >>> found.label, [(word.text, round(word.effect, 2)) for word in found.top(1)], found.change.becomes
    ('yes', [('glad', 0.7)], 'no')
    """
    scorer = _opened(classifier)
    asked = Asked(method, label, against, samples, pieces, scale, seed).check(scorer.space)
    listed = [texts] if isinstance(texts, str) else list(texts)
    seconds = [pairs] if isinstance(pairs, str) else pairs
    if blank := [place for place, text in enumerate(listed, 1) if is_blank(text) or not str(text).strip()]:
        raise UsageError(
            "there is nothing to explain in a blank text",
            where=f"text {', '.join(map(str, blank[:5]))} of {len(listed)}",
            cure="leave blank texts out",
        )
    read = _paired(scorer, [str(text) for text in listed], seconds)
    progress = bar("explaining", total=len(read), unit="texts")
    found = explained_all(scorer, read, asked, lambda: progress.update(1))
    progress.close()
    return Explanations(found, overview(found))


def explain_mistakes(
    run: Path | str, most: int, *, asked: Asked | None = None, classifier: Scorer | None = None
) -> Explanations:
    """Explain the most striking mistakes of an evaluated run, as mistakes.csv lists them.

    Parameters
    ----------
    run
        The run folder.
    most
        How many.
    asked
        How.
    classifier
        The run's classifier, where it is open already.

    Raises
    ------
    FileMissing
        The run has not been evaluated.
    """
    folder = RunFolder.existing(run)
    predictions = stored_predictions(folder)
    wrong = mistakes(predictions)[:most]
    scorer = classifier if classifier is not None else _opened(folder.path)
    wanted = (asked or Asked()).check(scorer.space)
    progress = bar("explaining", total=len(wrong), unit="mistakes")
    found: list[Explanation] = []
    for mistake in wrong:
        for one in explained_all(scorer, [mistake.text], wanted):
            found.append(replace(one, id=mistake.id, truth=mistake.true_label))
        progress.update(1)
    progress.close()
    return Explanations(tuple(found), overview(found))


def texts_of_file(
    run: Path | str, file: Path, most: int, *, text: str | None = None, pair: str | None = None
) -> tuple[list[str], list[str] | None]:
    """Read the first texts of a file, and their second ones for a classifier of pairs; blank ones are left out.

    Parameters
    ----------
    run
        The run folder, whose settings name the columns where nothing else is said.
    file
        The file.
    most
        How many rows.
    text, pair
        Columns.
    """
    settings = RunFolder(run).settings
    trained = read_settings(settings).data if settings.is_file() else DataSettings()
    text, pair = text or trained.text, pair or trained.text_pair
    table = TableFile(file)
    for column, role in ((text, "text"), (pair, "text-pair")):
        if column is not None:
            require_column(table.names, column, role=role, where=str(file))
    found: list[tuple[str, str]] = []
    for block in table.blocks(_BLOCK):
        ones = texts_of(block.columns[text], column=text, first_row=block.first_row, where=str(file))
        twos = ones
        if pair is not None:
            twos = texts_of(block.columns[pair], column=pair, first_row=block.first_row, where=str(file))
        found += [
            (str(one), str(two)) for one, two in zip(ones, twos, strict=True) if not is_blank(one) and not is_blank(two)
        ]
        if len(found) >= most:
            break
    found = found[:most]
    return [one for one, _ in found], None if pair is None else [two for _, two in found]


def stored_predictions(run: RunFolder) -> Predictions:
    """Read the predictions for the test texts of a run.

    Raises
    ------
    FileMissing
        It has not been evaluated.
    """
    import pyarrow.parquet as pq

    path = run.predictions / "test.parquet"
    if not path.is_file():
        raise FileMissing(
            f"{run.path} has no predictions for its test texts", cure=f"evaluate it: classifine evaluate {run.path}"
        )
    return Predictions.from_arrow(pq.read_table(path))


def _opened(classifier: Scorer | Path | str) -> Scorer:
    if isinstance(classifier, Path | str):
        from classifine.model.classifier import Classifier

        return Classifier.load(classifier)
    if not (hasattr(classifier, "predict_proba") and hasattr(classifier, "space")):
        raise UsageError(
            "this cannot be explained",
            found=type(classifier).__name__,
            expected="a classifier, a run folder, or an object with space and predict_proba(texts)",
        )
    return classifier


def _paired(scorer: Any, texts: list[str], seconds: Sequence[str] | None) -> list[str]:
    reads_pairs = bool(getattr(getattr(scorer, "backend", None), "pairs", False))
    if seconds is not None:
        if not reads_pairs:
            raise UsageError("this classifier reads single texts, not pairs", cure="leave the second texts out")
        found: list[str] = scorer.paired(texts, list(seconds))
        return found
    if reads_pairs:
        raise UsageError(
            "this classifier reads pairs of texts, and the second texts are missing",
            cure="give them: explain(classifier, texts, pairs=...); --pair TEXT in a terminal",
        )
    return texts
