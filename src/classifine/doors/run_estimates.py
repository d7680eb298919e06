"""Takes a run and a file of texts and gives statistics of these: predicted by the run, corrected by its test texts.

Says why the test texts may serve as gold rows, or may not. Does not know any formula.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from classifine import journey
from classifine.data.files.table_file import TableFile, require_column
from classifine.data.likeness.duplicates import normalise
from classifine.data.splits.stored import stored_splits
from classifine.doors.predicted import predict_file
from classifine.errors import ColumnProblem, Contaminated, UsageError, count
from classifine.estimation.answers import Estimates
from classifine.runs import RunFolder
from classifine.settings import Settings
from classifine.surveys.sheets import Asked, sheet_of
from classifine.tables import Predictions, Splits

TEST = "test:"
_ID = "id"


@dataclass(frozen=True)
class Verdict:
    """Whether a run's test texts may serve as gold rows drawn at random from the labelled texts.

    Attributes
    ----------
    random
        Whether they may.
    reasons
        Why, or why not, a sentence each.
    """

    random: bool
    reasons: tuple[str, ...]


def verdict_of(run: RunFolder, settings: Settings, splits: Splits) -> Verdict:
    """Say whether the test texts are a random part of the labelled ones.

    Raises
    ------
    Contaminated
        Training or validation has seen some of them.
    """
    card = json.loads(run.scorecard.read_text("utf-8"))
    if (card.get("seen") or {}).get("contaminated"):
        raise Contaminated(
            f"the test texts of {run.path} are contaminated: training or validation has seen some of them",
            cure="split the data without near-duplicates across parts and train again",
        )
    data, roles = settings.data, {source["role"] for source in run.read_manifest()["sources"]}
    against = []
    if data.split is not None:
        against.append(f"the column {data.split!r} says which texts are test texts, and not chance")
    if data.time is not None:
        against.append(f"the test texts are the latest by {data.time!r}, and not drawn at random")
    if "test" in roles:
        against.append("the test texts come from a file of their own")
    if against:
        return Verdict(False, tuple(against))
    reasons = [
        f"the {count(len(splits.test), 'test text')} were drawn at random from the labelled ones and not trained on"
    ]
    if data.group is not None:
        reasons.append(f"texts of one {data.group!r} stay together, so that intervals may be too narrow")
    audit = json.loads(run.audit.read_text("utf-8"))
    for part in audit.get("left_out", []):
        reasons.append(
            f"left out of the labelled texts: {part.get('count', 0):,} rows ({part.get('reason', '')}); "
            "if these texts differ, the corrected numbers speak of texts without them"
        )
    return Verdict(True, tuple(reasons))


def estimate_run(
    run: Path | str,
    file: Path | str,
    ask: Callable[..., Estimates],
    *,
    sampled: str | None,
    options: Mapping[str, Any],
    out: Path | None = None,
    say: Callable[[str, str], None] | None = None,
) -> Estimates:
    """Predict the texts of a file and estimate, with the run's test texts as gold rows.

    Parameters
    ----------
    run
        An evaluated run.
    file
        Texts to speak of. A file that holds the run's predictions already is taken as it is.
    ask
        :func:`classifine.estimate_share` or one of its kin, with all but the data given.
    sampled
        ``random``: the labelled texts were drawn at random from the same texts as the file; or ``convenience``.
    options
        Which column is what, and further choices.
    out
        Where numbers go; the run's estimates.json without one, and its report.
    say
        Called with a stage and a plain sentence.

    Raises
    ------
    ClassifineError
        The run is not evaluated, its test texts cannot serve as is said, or as ``ask`` raises.
    """
    folder = RunFolder.existing(run)
    if not folder.done("evaluate"):
        raise UsageError(f"{run} has not been evaluated", cure=f"classifine evaluate {run}")
    settings = Settings.from_dict(folder.read_manifest()["settings"])
    splits = stored_splits(folder, settings)
    found = verdict_of(folder, settings, splits)
    _refuse(run, sampled, found)
    predictions = _predicted(folder, Path(file), say)
    columns, gold, notes = _columns(folder, settings, splits, predictions, options)
    target = folder.estimates if out is None else out
    given = {
        **{k: v for k, v in options.items() if k != "formula_names"},
        "id": _ID,
        "label": "label",
        "separator": splits.space.separator,
        "text": "text",
    }
    if splits.space.separator is not None:
        given["blank_labels"] = "none"
    given["remarks"] = tuple(f"{reason[:1].upper()}{reason[1:]}." for reason in found.reasons) if found.random else ()
    made = ask(columns, gold, sampled=sampled, out=target, **{k: v for k, v in given.items() if v is not None})
    if out is None and folder.report.is_file():
        with folder.locked():
            journey.record(folder, "report", lambda: journey.report_stage(folder))
    return replace(made, notes=(*notes, *made.notes))


def _refuse(run: Path | str, sampled: str | None, found: Verdict) -> None:
    reasons = "; ".join(found.reasons)
    if sampled is None:
        raise UsageError(
            "say whether the labelled texts of the run were drawn at random from the same texts as the file",
            found=reasons,
            expected="--sampled random if they were"
            + ("" if found.random else " (not possible here)")
            + ", --sampled convenience if not, or if nobody knows",
            cure="or label a sample of the file: `classifine estimate plan` draws one",
        )
    if sampled == "known":
        raise UsageError(
            "test texts of a run have no known probabilities",
            cure="label a sample of the file: `classifine estimate plan` draws one; then --predictions and --gold",
        )
    if sampled == "random" and not found.random:
        raise UsageError(
            f"the test texts of {run} are no random part of the labelled texts",
            found=reasons,
            cure="--sampled convenience, which rests on an assumption; or label a random sample of the file",
        )


def _predicted(run: RunFolder, file: Path, say: Callable[[str, str], None] | None) -> Path:
    """Give the file of predictions: the file itself where it holds them, else a new one in the run folder."""
    names = TableFile(file).names
    if "predicted_label" in names:
        return file
    made = run.predictions / f"{file.name.split('.')[0]}.estimated.parquet"
    result = predict_file(run.path, file, made, overwrite=True)
    if say is not None:
        say("predict", f"{count(result.rows, 'text')} → {made}")
    return made


def _columns(
    run: RunFolder, settings: Settings, splits: Splits, predictions: Path, options: Mapping[str, Any]
) -> tuple[dict[str, list[Any]], dict[str, list[Any]], list[str]]:
    """Give the texts spoken of, without those the run has labels of, and the test texts as gold rows."""
    data = settings.data
    wanted = [name for name in (options.get(key) for key in ("by", "time", "cluster")) if name is not None]
    formula = options.get("formula_names") or ()
    name_of_id = options.get("id") or data.id
    text = options.get("text") or data.text
    asked = Asked("random", encoding=options.get("encoding"), delimiter=options.get("delimiter"))
    extra = [*wanted, *formula]
    sheet = sheet_of(
        predictions, [text, name_of_id or "", "predicted_label", "status", *extra], "p_", asked, what="predictions"
    )
    require_column(sheet.names, "predicted_label", role="predicted", where=sheet.where)
    own = {normalise(cell) for _, table in splits.items() for cell in table.texts}
    texts = sheet.columns.get(text) or [None] * len(sheet)
    keep = [place for place, cell in enumerate(texts) if cell is None or normalise(cell) not in own]
    notes = []
    if len(keep) < len(sheet):
        notes.append(
            f"{count(len(sheet) - len(keep), 'text')} of the file stand among the labelled texts of the run "
            "and are not spoken of: their labels are known"
        )
    names = sheet.columns.get(name_of_id or "")
    ids = [str(names[place]) if names is not None else f"row {sheet.rows[place]}" for place in keep]
    columns: dict[str, list[Any]] = {
        name: [cells[place] for place in keep] for name, cells in sheet.columns.items() if name != name_of_id
    }
    columns |= {_ID: ids, "text": [texts[place] for place in keep]}
    gold = _gold(run, settings, splits, [name for name in extra if name in sheet.names])
    return columns, {name: cells for name, cells in gold.items() if name in columns or name == "label"}, notes


def _gold(run: RunFolder, settings: Settings, splits: Splits, extra: Sequence[str]) -> dict[str, list[Any]]:
    """Give the test texts with their predictions, and the columns that groups are made of, as far as the run has them.

    Raises
    ------
    ColumnProblem
        The run did not keep such a column of its test texts.
    """
    import pyarrow.parquet as pq

    test = Predictions.from_arrow(pq.read_table(run.predictions / "test.parquet"))
    gold: dict[str, list[Any]] = {
        _ID: [TEST + one for one in test.ids],
        "text": list(test.texts),
        "label": [cell or "" for cell in test.truth],
        "predicted_label": list(test.predicted),
        "status": list(test.status),
    }
    for place, name in enumerate(test.space.names):
        gold[f"p_{name}"] = test.probabilities[:, place].tolist()
    place_of = {one: place for place, one in enumerate(splits.test.ids)}
    rows = [place_of[one] for one in test.ids]
    for name in extra:
        if name in (settings.data.group, settings.data.time):
            column = splits.test.groups if name == settings.data.group else splits.test.times
            gold[name] = [None if column is None else column[row] for row in rows]
        elif splits.test.further is not None and name in splits.test.further[0]:
            gold[name] = [splits.test.further[row][name] for row in rows]
        else:
            raise ColumnProblem(
                f"the run did not keep the column {name!r} of its test texts, so that groups of them are not known",
                cure="train with it as a column that scores are sliced by, or name gold rows: --predictions, --gold",
            )
    return gold
