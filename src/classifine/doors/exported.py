"""Takes the path of a run and gives its classifier in a format that other programs read: the public function export.

Thin: the exporting room does the work; of a run that is evaluated, scorecard and report tell of the new engines, too.
Does not know how a model is written or compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from classifine.data.labelled import Say, silent
from classifine.errors import NotTheSame, SettingsProblem
from classifine.runs import RunFolder

if TYPE_CHECKING:
    from classifine.exporting.onnx import Export


def export(run: Path | str, precisions: Sequence[str] = (), *, to: str = "onnx", say: Say = silent) -> Export:
    """Write the classifier of a run as ONNX, and prove on its validation texts that it is the same.

    Parameters
    ----------
    run
        A run folder.
    precisions
        ``fp32``, ``bf16`` and ``int8``; without any, the first two.
    to
        The format: ``onnx``.
    say
        Called with a stage and a plain sentence.

    Returns
    -------
    Export
        The folder, and what was measured of each precision with each runtime.

    Raises
    ------
    SettingsProblem, FileMissing, ModelUnavailable, PackageMissing
        It cannot be exported; why is said.
    NotTheSame
        fp32, or a precision that was asked for, does not agree with the run.

    Examples
    --------
    >>> from classifine import export
    >>> export("runs/posts", ["fp32", "int8"]).kept  # doctest: +SKIP
    ('fp32', 'int8')
    """
    from classifine.exporting.onnx import export_onnx

    if to != "onnx":
        raise SettingsProblem(f"there is no format {to!r}", cure="the format is: onnx")
    try:
        made = export_onnx(run, precisions, say=say)
    except NotTheSame:
        _tell_the_scorecard(RunFolder(run))
        raise
    _tell_the_scorecard(RunFolder(run))
    return made


def _tell_the_scorecard(run: RunFolder) -> None:
    """Enter what agrees how well into the scorecard, and draw the report anew where there was one."""
    from classifine import journey
    from classifine.exporting.standing import enter

    if not (run.model / "onnx").is_dir() or not run.done("evaluate"):
        return
    with run.locked():
        drawn = run.done("report")
        if enter(run) and drawn:
            journey.record(run, "report", lambda: journey.report_stage(run))
