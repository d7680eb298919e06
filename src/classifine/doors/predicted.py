"""Takes a classifier, or its folder, and texts or files of them and gives labels: the public ways to predict.

Thin: the prediction room does the work. Imports nothing that trains. Does not know how texts are scored.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifine.errors import UsageError
from classifine.settings import Settings, read_settings

if TYPE_CHECKING:
    from classifine.model.classifier import Classifier
    from classifine.prediction.bulk import BulkResult
    from classifine.prediction.review import Review
    from classifine.tables import Predictions

_SETTINGS = "settings.toml"


def predict(
    classifier: Classifier | Path | str,
    texts: Any,
    *,
    text: str | None = None,
    pairs: Any = None,
    ids: Sequence[str] | None = None,
    engine: str = "auto",
) -> Predictions:
    """Label texts, or pairs with second texts; one row each in the same order, a blank text with status ``blank``.

    Parameters
    ----------
    classifier
        A classifier, a run folder or a model folder.
    texts
        A list, series, array or iterator of texts; or a pandas or Polars frame, an Arrow table, a Dataset of Hugging
        Face's (streamed or not), a mapping of columns, rows as mappings.
    text
        The column of the latter; without it, the one the run was trained on, else ``text``.
    pairs
        The second texts, for a classifier of pairs: a list and so on, or the name of their column.
    ids
        Names of the rows; without them, their numbers.
    engine
        What computes, where a folder is given: ``auto``, ``torch``, or an exported precision such as ``bf16``.

    Raises
    ------
    UsageError, ColumnProblem
        One text is given instead of several, a column is not there, or second texts are missing or not read.
    FileMissing, ModelUnavailable
        There is no usable classifier.

    Examples
    --------
    >>> from classifine import predict
    >>> predict("runs/posts", ["See you on Sunday!"]).predicted  # doctest: +SKIP
    ('yes',)
    """
    from classifine.prediction.given import texts_given

    opened = _opened(classifier, engine)
    column = text or _trained(classifier).data.text
    if isinstance(pairs, str):
        if hasattr(texts, "__next__"):
            texts = list(texts)
        pairs = texts_given(texts, column=pairs, role="text-pair")
    elif pairs is not None:
        pairs = texts_given(pairs)
    return opened.predict(texts_given(texts, column=column), pairs=pairs, ids=ids)


def predict_file(
    classifier: Classifier | Path | str,
    source: Path | str | Sequence[Path | str],
    output: Path | str,
    *,
    text: str | None = None,
    pair: str | None = None,
    target_accuracy: float | None = None,
    review_queue: Path | str | None = None,
    label_sets: float | None = None,
    engine: str = "auto",
    threads: int | None = None,
    ray: str | None = None,
    **options: Any,
) -> BulkResult:
    """Label every row of one file or several; same rows, same order, the input's columns kept.

    After a kill, a full disc or Ctrl-C, the same call goes on behind the last few thousand rows, to the same bytes in
    the end; with a classifier in memory it begins anew.

    Parameters
    ----------
    classifier
        A classifier, a run folder or a model folder.
    source, output
        Files; their endings decide the formats. The input may be several files with the same columns, patterns such as
        ``posts/*.csv``, or ``-`` for standard input; the output, ``-`` for standard output.
    text, pair
        The columns of the text and, for a classifier of pairs, the second one; without them, the run's, else ``text``.
    target_accuracy
        How often the labels should be right, which an evaluated run folder must say: rows that are too unsure get the
        status ``review``.
    review_queue
        A file for these rows with the most probable labels of each; without a target accuracy, with that of the run.
    label_sets
        In what share of the rows a set of labels should hold the true one, such as .9; the sets stand in ``label_set``.
    engine, threads
        What computes, where a folder is given: ``auto``, ``torch``, or an exported precision such as ``bf16``; and how
        many threads, all that this process may use if not given.
    ray
        The address of a Ray cluster, or ``local``, whose nodes score the rows.
    **options
        ``prefix`` before the names of added columns; ``encoding`` and ``delimiter`` of a text file;
        ``on_bad_row="quarantine"`` for rows that cannot be read, which keep their place with the status ``unreadable``;
        ``probabilities``: ``all``, ``none`` or ``top-3``; ``excel_safe`` against formulas in CSV; ``shard_rows``, after
        which work is safe; ``part`` of several processes that write one output, ``merge`` to only join what they did;
        ``overwrite`` for an output from something else; ``tell``, called with a plain sentence.

    Raises
    ------
    FileMissing, FileUnreadable, ColumnProblem, UsageError
        The input cannot be read or the output cannot be written as asked.
    RunRefused
        The output, or an unfinished one, is from something else, and how is said; or another process is writing it.
    DiscError
        The disc refuses.
    """
    from classifine.prediction.bulk import predict_file as predict_rows
    from classifine.prediction.inputs import check_files

    check_files([source] if isinstance(source, Path | str) else source)
    given = {name: value for name, value in options.items() if value is not None}
    if target_accuracy is not None or review_queue is not None:
        given["review"] = _review(classifier, target_accuracy, review_queue)
    if label_sets is not None:
        from classifine.prediction.review import sets_of_run

        given["sets"] = sets_of_run(_folder(classifier), label_sets)
    if ray is not None:
        from classifine.prediction.cluster import on_cluster

        given["scoring"] = on_cluster(ray, partial(_opened, str(_folder(classifier).resolve()), engine, threads))
    trained = _trained(classifier).data
    opened = _opened(classifier, engine, threads)
    more: dict[str, Any] = {"text": text or trained.text, "pair": pair or trained.text_pair}
    if isinstance(classifier, Path | str):
        more["model"] = _identity(Path(classifier), opened)
    _tell_engine(opened, given.get("tell"))
    with _threads(opened, threads):
        return predict_rows(opened, source, Path(output), **more, **given)


def _tell_engine(opened: Classifier, tell: Callable[[str], None] | None) -> None:
    """Say what computes, where there was a choice."""
    if tell is not None and opened.engine.why:
        tell(f"computed by {opened.engine.name}: {opened.engine.why}")


def _review(classifier: Classifier | Path | str, accuracy: float | None, queue: Path | str | None) -> Review:
    """Say which rows people should look at."""
    from classifine.prediction.review import review_of

    folder = _folder(classifier)
    wanted = accuracy or _trained(classifier).evaluation.target_accuracy
    return review_of(folder, wanted, None if queue is None else Path(queue))[0]


def _folder(classifier: Classifier | Path | str) -> Path:
    if not isinstance(classifier, Path | str):
        raise UsageError("that needs the folder of a run, not a classifier in memory", cure="give its path")
    return Path(classifier)


def _identity(path: Path, opened: Classifier) -> dict[str, Any]:
    """Tell a model, and what computes it, from others."""
    from classifine.model.classifier import model_folder
    from classifine.prediction.inputs import digest_of

    folder, engine = model_folder(path), opened.engine
    # an exported file was digested when it was opened
    return {"folder": str(folder), "sha256": engine.digest or digest_of(folder), "engine": engine.name}


def _opened(classifier: Classifier | Path | str, engine: str = "auto", threads: int | None = None) -> Classifier:
    """Open a classifier that is named by its folder."""
    if not isinstance(classifier, Path | str):
        return classifier
    from classifine.model.engines import open_engine

    return open_engine(classifier, engine, threads=threads)


def _threads(opened: Classifier, wanted: int | None) -> AbstractContextManager[Any]:
    """Let torch compute with so many threads; other engines were told when they were opened."""
    if not opened.engine.name.startswith("torch"):
        return nullcontext()
    from classifine.training.machine import threads_set

    return threads_set(wanted)


def _trained(classifier: Classifier | Path | str) -> Settings:
    """Give the settings a run was trained with; the usual ones for anything else."""
    if not isinstance(classifier, Path | str):
        return Settings()
    path = Path(classifier) / _SETTINGS
    return read_settings(path) if path.is_file() else Settings()
