"""Takes files of texts and a classifier and gives the same rows, in the same order, with their labels.

What fits into one shard is scored and written at once; more is kept shard by shard, so that it goes on after whatever
stopped it. The output appears when its last row is written. Does not know how the classifier scores.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from classifine.errors import RunRefused, UsageError, count, some, unknown_name
from classifine.model.classifier import Classifier, Scorer
from classifine.prediction import working
from classifine.prediction.asked import Options, Part
from classifine.prediction.claims import Claims
from classifine.prediction.inputs import Inputs, opened
from classifine.prediction.joining import (
    Finished,
    OutputLock,
    check_columns,
    join,
    open_outputs,
    write_unreadable,
)
from classifine.prediction.scoring import Added, Tally, scored
from classifine.prediction.shards import Plan, Shards, Work, refuse_differences
from classifine.prediction.sinks import STANDARD, check_output
from classifine.prediction.working import Score
from classifine.progress import bar

Tell = Callable[[str], None]

# A shard ends early where its texts would take much memory.
_CHARACTERS = 32 << 20
_POLL = 1.0


@dataclass(frozen=True)
class BulkResult:
    """What a bulk prediction wrote.

    Attributes
    ----------
    path
        The file.
    rows
        Rows in, and rows out.
    blank
        Rows whose text was blank; they have a status and no label.
    labels
        How often each label was predicted; where a text may have several, they add up to more than the rows.
    unlabelled
        Rows that were given no label, where a text may have several or none.
    review
        Rows that people should look at, where an accuracy was asked for.
    unreadable
        Rows that could not be read; they have a status and no cells.
    distinct
        Texts that were scored; of equal texts near one another, one.
    nothing_to_do
        Whether the file was there already, from the same input, model and settings.
    """

    path: Path
    rows: int
    blank: int
    labels: dict[str, int]
    unlabelled: int = 0
    review: int = 0
    unreadable: int = 0
    distinct: int = 0
    nothing_to_do: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        return {**asdict(self), "path": str(self.path)}

    @classmethod
    def of(cls, path: Path, tally: Tally, *, nothing_to_do: bool = False) -> BulkResult:
        """Say where rows are, and what became of them."""
        return cls(path, **asdict(tally), nothing_to_do=nothing_to_do)


def predict_file(
    scorer: Scorer,
    source: Path | str | Sequence[Path | str],
    output: Path,
    *,
    model: dict[str, Any] | None = None,
    part: Part | None = None,
    overwrite: bool = False,
    tell: Tell = lambda line: None,
    merge: bool = False,
    scoring: Callable[[Added], Score] | None = None,
    **options: Any,
) -> BulkResult:
    """Label every row of one file or several.

    Parameters
    ----------
    scorer
        The classifier.
    source
        A file, several with the same columns, patterns such as ``posts/*.csv``, or ``-`` for standard input.
    output
        A file, whose ending (.csv, .tsv, .parquet, .jsonl, .xlsx, packed or not) decides its format; or ``-``.
    model
        What identifies the classifier; where it is not known, an unfinished prediction begins anew.
    part
        Where several processes share the work; all of them get the same arguments but for this one.
    overwrite
        Begin anew where the output, or an unfinished one, is from another input, model or settings.
    tell
        Called with a plain sentence.
    merge
        Only put shards together that are all done.
    scoring
        Gives what scores shards elsewhere; without it, the scorer does, here.
    **options
        The attributes of :class:`Options`.

    Raises
    ------
    FileMissing, FileUnreadable, ColumnProblem, UsageError
        The input cannot be read or the output cannot be written as asked; nothing is left half-written.
    RunRefused
        The output is from another input, model or settings; or another process is writing it.
    DiscError
        The disc refuses. What is done is kept; the same call goes on.
    """
    known = list(Options.__dataclass_fields__)
    if strange := [name for name in options if name not in known]:
        raise UsageError(
            f"a prediction has no option {strange[0]!r}", cure=unknown_name(strange[0], known, noun="options")
        )
    chosen = Options(**options)
    words = [source] if isinstance(source, Path | str) else list(source)
    if not words:
        raise UsageError("there is nothing to predict", cure="name a file")
    if part is not None and (output == STANDARD or model is None or overwrite):
        raise UsageError(
            "a prediction that several processes share needs an output file, and a run folder that they all name",
            cure="name both; instead of --overwrite, remove what is there before they start",
        )
    queue = None if chosen.review is None else chosen.review.queue
    how = {name: getattr(chosen, name) for name in ("text", "pair", "encoding", "delimiter", "on_bad_row")}
    if chosen.pair is not None and isinstance(scorer, Classifier) and not scorer.backend.pairs:
        raise UsageError("this classifier reads single texts, not pairs", cure="leave the second column out")
    check_output(Path("-"), output)
    with opened(words, **how) as inputs:
        for path in inputs.paths:
            check_output(path, output)
            if queue is not None:
                check_output(path, queue)
        if queue is not None and queue.resolve() == output.resolve():
            raise UsageError("the review queue would replace the predictions", cure="name another file")
        added = Added(scorer.space, chosen.prefix, chosen.probabilities, chosen.review, chosen.sets)
        check_columns(inputs, added)
        job = Job(inputs, output, chosen, added, scorer, model, tell)
        if output == STANDARD:
            return job.at_once(job.planned())
        return job.shared(part, overwrite=overwrite, merge=merge, score=None if scoring is None else scoring(added))


@dataclass
class Job:
    """One prediction: what is read, by whom it is scored, and where it goes."""

    inputs: Inputs
    output: Path
    options: Options
    added: Added
    scorer: Scorer
    model: dict[str, Any] | None
    tell: Tell

    def __post_init__(self) -> None:
        labels = len(self.scorer.space)
        self.piece = self.options.piece(labels)
        files = () if self.output == STANDARD else tuple(self.inputs.to_dict()["files"])
        self.work = Work(files, self.model or {}, self.options.to_dict(labels))
        self.finished = Finished(self.output)

    def planned(self) -> Plan:
        """Read the input once, so that a bad row is named before long work starts, and divide it."""

        def sizes() -> Iterator[tuple[int, int]]:
            named = [name for name in (self.inputs.text, self.inputs.pair) if name is not None]
            for stretch in self.inputs.stretches(self.piece):
                cells = (cell for name in named for cell in stretch.block.columns[name])
                yield len(stretch), sum(len(cell) for cell in cells if isinstance(cell, str))

        return Plan.of(self.work, sizes(), rows=self.options.rows(len(self.scorer.space)), characters=_CHARACTERS)

    def at_once(self, plan: Plan) -> BulkResult:
        """Score and write shard by shard, keeping nothing else."""
        total = Tally()
        with (
            open_outputs(self.inputs, self.added, self.output, self.options) as write,
            _bar(plan.rows) as progress,
        ):
            for number, stretches in working.ahead(working.by_shard(self.inputs, plan, self.piece)):
                task = working.task_of(self.inputs, number, stretches)
                found = scored(self.scorer, self.added, task.texts, task.unreadable)
                write(stretches, found.columns)
                total += found.tally
                progress.update(found.tally.rows)
        return self._settled(total)

    def shared(self, part: Part | None, *, overwrite: bool, merge: bool, score: Score | None) -> BulkResult:
        """Write the output in a way that survives this process, alone or with others."""
        claims = Claims(self.output.with_name(f"{self.output.name}.parts") / "claims")
        shards = Shards(claims.folder.parent, token=claims.token)
        lock = OutputLock(self.output, shards)
        try:
            self._enter(lock, shards, part)
            if (done := self._done_already(shards, overwrite=overwrite)) is not None:
                return done
            plan = self._begun(shards, overwrite=overwrite)
            alone = part is None and score is None
            if alone and len(plan) <= 1 and not shards.folder.exists():
                return self.at_once(plan)
            shards.begin(plan)
            if part is None:
                lock.sign()
            else:
                lock.release()
            missing = shards.missing()
            if merge and missing:
                raise _incomplete(self.output, plan, missing)
            done_rows = plan.rows - sum(plan.span(number)[1] - plan.span(number)[0] for number in missing)
            if done_rows:
                self.tell(f"going on: {done_rows:,} of {plan.rows:,} rows are done")
            with claims, _bar(plan.rows, done_rows) as progress:
                worker = working.Worker(self.inputs, plan, self.piece, shards, self.added, progress, self._over)
                first = 0 if part is None else part.number * len(plan) // part.of
                worker.work(score or working.here(self.scorer, self.added), claims, first=first)
            while not lock.held and not lock.take():
                if self._over():
                    break
                time.sleep(_POLL)
            if (done := self._done_already(shards, overwrite=False)) is not None:
                return done
            result = self._settled(join(self.inputs, self.added, self.output, self.options, shards, self.piece))
            shards.remove()
            return result
        finally:
            lock.release()

    def _over(self) -> bool:
        """Tell whether the output is there."""
        return self.model is not None and self.finished.same(self.work)

    def _enter(self, lock: OutputLock, shards: Shards, part: Part | None) -> None:
        """Wait until this process may look at the output: alone, or beside others once there is a plan."""
        if part is None:
            lock.take_or_refuse()
            return
        while not lock.take() and shards.stored() is None:
            time.sleep(_POLL)

    def _done_already(self, shards: Shards, *, overwrite: bool) -> BulkResult | None:
        """Give the result of a finished output; none where it is not, or is to be made anew.

        Raises
        ------
        RunRefused
            It is finished, but from something else.
        """
        told = self.finished.told()
        if told is None or self.model is None or overwrite:
            return None
        if self.finished.same(self.work):
            shards.remove()
            return BulkResult.of(self.output, self.finished.tally(), nothing_to_do=True)
        refuse_differences(
            f"{self.output} is there already, and was made",
            self.work.differences(told["work"]),
            "name another output with -o, or add --overwrite",
        )
        return None

    def _begun(self, shards: Shards, *, overwrite: bool) -> Plan:
        """Give the plan of this work: the one that was begun, or a new one.

        Raises
        ------
        RunRefused
            Another one was begun.
        """
        stored = shards.stored()
        if stored is not None and (overwrite or (self.model is None and not stored.work["model"])):
            shards.remove()
            stored = None
        if stored is None:
            return self.planned()
        refuse_differences(
            f"{shards.folder} holds an unfinished prediction",
            self.work.differences(stored.work),
            "name another output with -o, or add --overwrite to begin anew",
        )
        return stored

    def _settled(self, tally: Tally) -> BulkResult:
        """Write what stands beside the output when it is whole."""
        unreadable = write_unreadable(self.inputs, self.output)
        if self.model is not None and self.output != STANDARD:
            queue = None if self.options.review is None else self.options.review.queue
            self.finished.write(self.work, tally, [path for path in (unreadable, queue) if path is not None])
        return BulkResult.of(self.output, tally)


@contextmanager
def _bar(rows: int, done: int = 0) -> Iterator[Any]:
    progress = bar("predicting", total=rows, unit="rows", done=done)
    try:
        yield progress
    finally:
        progress.close()


def _incomplete(output: Path, plan: Plan, missing: Sequence[int]) -> RunRefused:
    rows = sum(plan.span(number)[1] - plan.span(number)[0] for number in missing)
    spans = [f"rows {plan.span(number)[0] + 1:,} to {plan.span(number)[1]:,}" for number in missing]
    return RunRefused(
        f"{output} cannot be put together yet: {count(len(missing), 'shard')} of {len(plan):,} "
        f"with {count(rows, 'row')} {'is' if len(missing) == 1 else 'are'} missing",
        found=some(spans, limit=3),
        cure="wait for the other processes or start them again; without --merge, this command does what is missing",
    )
