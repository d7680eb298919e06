"""Takes the column names of a file of predictions and says which column is what: as it was named, or by a guess.

Does not know what stands in the cells, but for the labels that name the columns of probabilities.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from classifine.data.files.table_file import require_column
from classifine.errors import ColumnProblem, some

_TRUTH = ("truth", "true_label", "gold", "gold_label", "y_true", "label_true", "true", "actual", "reference", "target")
_PREDICTED = (
    *("predicted_label", "predicted", "prediction", "pred", "y_pred", "pred_label", "label_pred", "predicted_class"),
    *("model_label", "llm_label", "answer", "response", "output", "completion"),
)
_ID = ("id", "ids", "row_id", "text_id", "item_id", "doc_id", "uid", "idx", "index")
_TEXT = ("text", "texts", "content", "sentence", "document", "post", "tweet")
_PREFIXES = ("p_", "p(", "prob_", "probs_", "proba_", "probability_", "score_", "scores_")


@dataclass(frozen=True)
class Columns:
    """Which column is what.

    Attributes
    ----------
    truth, predicted, id, text, group
        Their names; none where there is no such column.
    probability
        The column that holds the probability of the positive label, where there is one for both labels.
    probabilities
        Pairs of a column and the label whose probability it holds.
    prefix
        What stands before the labels in the names of these columns.
    """

    truth: str | None = None
    predicted: str | None = None
    id: str | None = None
    text: str | None = None
    group: str | None = None
    probability: str | None = None
    probabilities: tuple[tuple[str, str], ...] = ()
    prefix: str | None = None

    @property
    def texts(self) -> tuple[str, ...]:
        """The columns that hold text."""
        return tuple(name for name in (self.truth, self.predicted, self.id, self.text, self.group) if name is not None)

    @property
    def numbers(self) -> tuple[str, ...]:
        """The columns that hold probabilities."""
        return ((self.probability,) if self.probability else ()) + tuple(name for name, _ in self.probabilities)

    @property
    def told(self) -> str:
        """Say which column is what."""
        named = [
            f"{role} {getattr(self, name)!r}"
            for name, role in (
                *(("truth", "truth in"), ("predicted", "predicted labels in"), ("id", "ids in")),
                *(("text", "texts in"), ("group", "groups in"), ("probability", "the positive label's probability in")),
            )
            if getattr(self, name) is not None
        ]
        if self.probabilities:
            named.append(f"probabilities in {some([repr(name) for name, _ in self.probabilities], limit=3)}")
        return ", ".join(named)


def found_columns(names: Sequence[str], asked: Columns, *, where: str) -> Columns:
    """Say which column is what; those that were not named are guessed.

    Probabilities in columns that are named like labels, without anything before them, are found by
    :func:`labels_as_columns`.

    Raises
    ------
    ColumnProblem
        A named column is not there, or there is no column of truth; every such problem is named.
    """
    problems = []
    for role in ("truth", "predicted", "id", "text", "group", "probability"):
        wanted = getattr(asked, role)
        if wanted is not None:
            try:
                require_column(names, wanted, role=role, where=where)
            except ColumnProblem as error:
                problems.append(error)
    taken = {getattr(asked, role) for role in ("truth", "predicted", "id", "text", "group", "probability")}
    free = [name for name in names if name not in taken and list(names).count(name) == 1]
    found = replace(
        asked,
        truth=asked.truth or _first(free, _TRUTH),
        predicted=asked.predicted or _first(free, _PREDICTED),
        id=asked.id or _first(free, _ID),
        text=asked.text or _first(free, _TEXT),
    )
    if found.truth is None:  # "label" is the truth where the predicted ones are called otherwise
        found = replace(found, truth=_first([name for name in free if name != found.predicted], ("label", "labels")))
    if found.truth is None and not any(asked.truth for _ in problems):
        problems.append(
            ColumnProblem(
                "no column is plainly the true label",
                where=where,
                found=f"the columns {some([repr(name) for name in names], limit=20)}",
                cure="name it with --truth COLUMN",
            )
        )
    left = [name for name in free if name not in found.texts]
    found = replace(found, probabilities=_prefixed(left, asked.prefix) if asked.probability is None else ())
    if asked.prefix is not None and not found.probabilities:
        problems.append(
            ColumnProblem(
                f"no two columns begin with {asked.prefix!r}, which should hold the probabilities",
                where=where,
                found=f"the columns {some([repr(name) for name in names], limit=20)}",
                cure="name what their names begin with: --probabilities p_ where they are p_yes and p_no",
            )
        )
    _refuse(problems, where)
    return found


def labels_as_columns(names: Sequence[str], found: Columns, labels: Collection[str]) -> Columns:
    """Take columns that are named like labels for their probabilities, where every label has one."""
    left = [name for name in names if name not in found.texts]
    if found.numbers or len(labels) < 2 or not set(labels) <= set(left):
        return found
    return replace(found, probabilities=tuple((name, name) for name in left if name in labels))


def require_answers(names: Sequence[str], found: Columns, *, where: str) -> None:
    """Check that there is something to score.

    Raises
    ------
    ColumnProblem
        There are neither predicted labels nor probabilities.
    """
    if found.predicted is None and not found.numbers:
        raise ColumnProblem(
            "no column plainly holds predicted labels or probabilities",
            where=where,
            found=f"the columns {some([repr(name) for name in names], limit=20)}",
            cure="name the predicted labels with --predicted COLUMN, or what the names of the columns of probabilities "
            "begin with: --probabilities PREFIX; of two labels, --probability COLUMN holds that of --positive LABEL",
        )


def _first(free: Sequence[str], known: Sequence[str]) -> str | None:
    plain = {_plain(name): name for name in reversed(free)}
    return next((plain[word] for word in known if word in plain), None)


def _plain(name: str) -> str:
    return name.strip().casefold().replace(" ", "_").replace("-", "_").replace(".", "_")


def _prefixed(free: Sequence[str], asked: str | None) -> tuple[tuple[str, str], ...]:
    for prefix in (asked,) if asked is not None else _PREFIXES:
        held = [name for name in free if name.casefold().startswith(prefix.casefold()) and len(name) > len(prefix)]
        if len(held) > 1:
            ends = -1 if prefix.endswith("(") else None
            return tuple((name, name[len(prefix) : ends]) for name in held)
    return ()


def _refuse(problems: Sequence[ColumnProblem], where: str) -> None:
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise ColumnProblem(
            "several columns cannot be found:\n" + "\n".join(f"  - {one.what}: {one.cure}" for one in problems),
            where=where,
        )
